"""Puts the parts together: database, policies, the two engines, and the office on top."""

from __future__ import annotations

import datetime as dt
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy.engine import make_url

from adapters.ledger import open_database, upgrade
from adapters.office import Office
from adapters.pool import EnginePool
from api.settings import Settings

SECRET_BYTES = 32


def read_secret(settings: Settings) -> bytes:
    """The key that digests identity codes; made on first use and readable by its owner only.

    It belongs to the database: with another one, no subject on file is recognised.
    """
    path = settings.secret_file
    if path is None:
        database = make_url(settings.database_url)
        beside = database.database if database.get_backend_name() == "sqlite" else None
        path = Path(f"{beside or 'xinheng'}.secret")
    with suppress(FileExistsError):
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "wb") as file:
            file.write(secrets.token_hex(SECRET_BYTES).encode())
    secret = path.read_bytes().strip()
    if len(secret) < SECRET_BYTES:
        message = f"{path} holds no secret of at least {SECRET_BYTES} bytes"
        raise ValueError(message)
    return secret


def now() -> dt.datetime:
    """This instant; the only clock of the service."""
    return dt.datetime.now(dt.UTC)


@contextmanager
def open_office(settings: Settings) -> Iterator[Office]:
    """An office on a migrated database, with its engine processes; both are closed at the end."""
    engine = open_database(settings.database_url, pool_size=settings.database_connections)
    try:
        upgrade(engine)
        with EnginePool(settings.engine_children) as pool:
            yield Office(engine, evaluator=pool, clock=now, secret=read_secret(settings))
    finally:
        engine.dispose()
