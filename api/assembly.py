"""Puts the parts together: database, policies, the two engines, and the office on top."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from sqlalchemy.engine import make_url

from adapters.ledger import open_database, upgrade
from adapters.office import Office
from adapters.pool import EnginePool
from api.clock import now
from api.settings import Settings
from engine.decision.model import Decision, Facts
from engine.language.ir import Policy

SECRET_BYTES = 32


class SecretError(Exception):
    """The secret file cannot be read or made, or holds too little."""


def read_secret(settings: Settings) -> bytes:
    """The key that digests identity codes; made on first use and readable by its owner only.

    It belongs to the database: with another one, no subject on file is recognised.

    Raises:
        SecretError: there is no usable secret.

    """
    path = settings.secret_file
    if path is None:
        database = make_url(settings.database_url)
        beside = database.database if database.get_backend_name() == "sqlite" else None
        path = Path(f"{beside or 'xinheng'}.secret")
    try:
        if not path.exists():
            # Written aside and then linked: whoever starts at the same moment never reads half of it.
            made = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_hex(SECRET_BYTES).encode())
            with suppress(FileExistsError):
                os.link(made, path)
            made.unlink()
        secret = path.read_bytes().strip()
    except OSError as error:
        message = f"{path}：{error.strerror}"
        raise SecretError(message) from error
    if len(secret) < SECRET_BYTES:
        message = f"{path} 不足 {SECRET_BYTES} 字节"
        raise SecretError(message)
    return secret


class LateEngines:
    """The engine processes, started by the first decision: most commands make none."""

    def __init__(self, children: int) -> None:
        self._children = children
        self._lock = threading.Lock()
        self._pool: EnginePool | None = None

    def decide(self, policy: Policy, facts: Facts) -> Decision:
        """See `EnginePool.decide`."""
        with self._lock:
            if self._pool is None:
                self._pool = EnginePool(self._children)
        return self._pool.decide(policy, facts)

    def close(self) -> None:
        """Stop what was started."""
        if self._pool is not None:
            self._pool.close()


@contextmanager
def open_office(settings: Settings, *, serving: bool = True) -> Iterator[Office]:
    """An office on a migrated database, with its engine processes; both are closed at the end.

    Serving, the engines are there before the first request; otherwise they start when they are needed.
    """
    clock = partial(now, settings.simulated_clock)
    engine = open_database(settings.database_url, pool_size=settings.database_connections)
    try:
        upgrade(engine)
        make = EnginePool if serving else LateEngines
        with closing(make(settings.engine_children)) as engines:
            yield Office(engine, evaluator=engines, clock=clock, secret=read_secret(settings))
    finally:
        engine.dispose()
