"""Puts the parts together: database, policies, the two engines, and the office on top."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from adapters.ledger import open_database, upgrade
from adapters.ledger.vault import Vault, with_vault
from adapters.office import Office
from adapters.office.proofs import LogSettings
from adapters.policy_checks import Examiner
from adapters.pool import EnginePool
from adapters.signing import FileSigner, make_once
from adapters.timestamping import HttpTimestamper
from adapters.vault import FileMasterKeys, MasterKeys, Pkcs11MasterKeys
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
    path = settings.secret_file or _beside(settings, "secret")
    try:
        if not path.exists():
            make_once(path, secrets.token_hex(SECRET_BYTES).encode())
        secret = path.read_bytes().strip()
    except OSError as error:
        message = f"{path}：{error.strerror}"
        raise SecretError(message) from error
    if len(secret) < SECRET_BYTES:
        message = f"{path} 不足 {SECRET_BYTES} 字节"
        raise SecretError(message)
    return secret


def signer_of(settings: Settings) -> FileSigner:
    """The key that signs what puts policy in force; made when something is signed first.

    It belongs to the database like the secret: what another key signed is not put in force, unless it is told to trust
    that one.
    """
    return FileSigner(settings.signing_key_file or _beside(settings, "signing-key.pem"))


def log_settings_of(settings: Settings) -> LogSettings:
    """How the log is kept. Its key is one of its own: whoever serves signs with it at every write."""
    signer = FileSigner(settings.log_key_file or _beside(settings, "log-key.pem"))
    return LogSettings(signer, settings.merge_delay, settings.log_hash, timestamper_of(settings))


def timestamper_of(settings: Settings) -> HttpTimestamper | None:
    """The authority that timestamps the log, if there is one. Its roots are needed to know its answers for its own."""
    if settings.tsa_url is None or settings.tsa_roots is None:
        return None
    return HttpTimestamper(settings.tsa_url, settings.tsa_roots)


def vault_of(settings: Settings) -> Vault:
    """What seals personal data.

    The file of its master keys belongs to the database, and not with its backups: who has both has everything.
    """
    path = settings.master_key_file or _beside(settings, "master-keys.json")
    journal = settings.erased_file or path.with_name(f"{path.name}.erased")
    masters: MasterKeys = FileMasterKeys(path, journal)
    module, token, pin = settings.pkcs11_module, settings.pkcs11_token, settings.pkcs11_pin_file
    if module is not None and token is not None and pin is not None:
        masters = Pkcs11MasterKeys(module, token, pin, journal, earlier=FileMasterKeys(path, journal))
    return Vault(masters, settings.cipher)


def database_of(settings: Settings, *, pool_size: int | None = None) -> Engine:
    """The database, with what opens the sealed parts of it."""
    engine = open_database(settings.database_url, pool_size=pool_size or settings.database_connections)
    return with_vault(engine, vault_of(settings))


def _beside(settings: Settings, suffix: str) -> Path:
    """A file beside the database, or where the service runs if that is a server's."""
    database = make_url(settings.database_url)
    beside = database.database if database.get_backend_name() == "sqlite" else None
    return Path(f"{beside or 'xinheng'}.{suffix}")


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
    engine = database_of(settings)
    try:
        upgrade(engine)
        make = EnginePool if serving else LateEngines
        with closing(make(settings.engine_children)) as engines:
            yield Office(
                engine, evaluator=engines, clock=clock, secret=read_secret(settings), signer=signer_of(settings),
                examiner=Examiner(settings.check_seconds, settings.check_megabytes, settings.law_texts),
                log=log_settings_of(settings),
            )  # fmt: skip
    finally:
        engine.dispose()
