"""Opening the database, and the two kinds of transaction. SQLite is the embedded default, PostgreSQL by URL."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

BUSY_TIMEOUT_MS = 10_000
"""How long a writer waits for another on SQLite before it gives up; commits take milliseconds."""
RETRIES = 8
"""How often a write that lost against another writer is tried again before the caller is told."""
WRITE = "xinheng_write"
HELD = "xinheng_held_keys"
"""Where a connection remembers the subjects' keys that it holds in a transaction."""

T = TypeVar("T")


class VersionConflictError(Exception):
    """Another writer moved the case on after it was read."""


def open_database(url: str, *, pool_size: int = 10) -> Engine:
    """An engine for `sqlite:///path` or `postgresql://…`; PostgreSQL is reached by psycopg 3.

    What is sealed in it stays closed until `vault.with_vault` gives it the master key.

    Raises:
        sqlalchemy.exc.ArgumentError: the URL cannot be read.
        ValueError: another kind of database.

    """
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            engine = create_engine(parsed, pool_size=pool_size, query_cache_size=1000)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        case "postgresql":
            engine = create_engine(
                parsed.set(drivername="postgresql+psycopg"), pool_size=pool_size, pool_pre_ping=True,
                isolation_level="READ COMMITTED", query_cache_size=1000,
            )  # fmt: skip
        case other:
            message = f"unsupported database: {other}"
            raise ValueError(message)
    return engine


def _prepare_sqlite(dbapi: sqlite3.Connection, _record: object) -> None:
    dbapi.isolation_level = None  # the driver's own implicit BEGIN comes too late for a lock; see _begin_sqlite
    cursor = dbapi.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(conn: Connection) -> None:
    # A writer takes the lock at once: upgrading a reader's transaction fails when someone else wrote meanwhile.
    conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get(WRITE) else "BEGIN")


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads."""
    with engine.connect() as conn, conn.begin():
        yield conn


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes; committed at the end, rolled back on any exception."""
    with engine.connect().execution_options(**{WRITE: True}) as conn, conn.begin():
        conn.info.pop(HELD, None)
        yield conn


def retrying(work: Callable[[], T], *, attempts: int = RETRIES) -> T:
    """Run `work`, again when it lost against another writer, with short random pauses between.

    `work` must read everything it decides on anew each time.

    Raises:
        VersionConflictError: it lost every time.

    """
    for attempt in range(attempts):
        try:
            return work()
        except (VersionConflictError, DBAPIError) as error:
            if attempt == attempts - 1 or not _lost(error):
                raise
        time.sleep(random.uniform(0.001, 0.01 * 2 ** min(attempt, 4)))  # noqa: S311 - jitter, not a secret
    raise VersionConflictError


def _lost(error: Exception) -> bool:
    if isinstance(error, VersionConflictError):
        return True
    original: Any = getattr(error, "orig", None)
    # PostgreSQL: serialization_failure, deadlock_detected. SQLite: the busy timeout ran out.
    return getattr(original, "sqlstate", None) in {"40001", "40P01"} or (
        isinstance(error, OperationalError) and "database is locked" in str(original)
    )


class Prepared:
    """A statement rendered once to the driver's own text, for the few calls whose cost is mostly SQLAlchemy's.

    Values go to the driver as they are, so parameters must be text, numbers or None, and `IN` with a
    list is not possible.
    """

    def __init__(self, engine: Engine, statement: Executable) -> None:
        # sqlite3 takes named parameters as well as psycopg does; SQLAlchemy's default for it is positional.
        style = "named" if engine.dialect.name == "sqlite" else "pyformat"
        dialect = type(engine.dialect)(paramstyle=style)  # type: ignore[call-arg]
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self._text = str(compiled)
        self._fixed = {k: v for k, v in compiled.params.items() if v is not None}

    def run(self, cursor: Any, values: Mapping[str, object]) -> Any:
        """Execute on a driver's cursor and return the cursor."""
        cursor.execute(self._text, {**self._fixed, **values})
        return cursor

    def run_many(self, cursor: Any, rows: Sequence[Mapping[str, object]]) -> None:
        """Execute once for each row."""
        cursor.executemany(self._text, rows)


@contextmanager
def driver(engine: Engine, *, flush: bool = True) -> Iterator[Any]:
    """A driver's cursor. On SQLite each statement commits by itself; on PostgreSQL all do at the end.

    Without `flush` SQLite leaves the last commits to the operating system: they survive the end of this process, but
    a power failure may take the last moments with it (never the database's consistency).
    """
    connection = engine.raw_connection()
    lazily = not flush and engine.dialect.name == "sqlite"
    try:
        cursor = connection.cursor()
        if lazily:
            cursor.execute("PRAGMA synchronous = NORMAL")
        yield cursor
        connection.commit()
    finally:
        if lazily:
            connection.cursor().execute("PRAGMA synchronous = FULL")
        connection.close()  # back to the pool, which rolls back what was not committed
