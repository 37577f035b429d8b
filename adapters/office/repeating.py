"""Idempotency: a repeated request is answered with what the first one brought about, and does nothing."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.ledger.tables import idempotency
from adapters.ledger.vault import ErasedSubjectError, vault_of
from adapters.office.errors import ErasedError, FieldError, IdempotencyError, InvalidError, storable
from adapters.office.model import Idempotency, Principal

T = TypeVar("T")
LABEL = "answer"
MAX_KEY = 200
"""Characters in an idempotency key."""


@cache
def adapter(cls: type[Any]) -> TypeAdapter[Any]:
    """The JSON form of a result; built once for each class."""
    return TypeAdapter(cls)


def replay(conn: Connection, principal: Principal, idem: Idempotency | None, cls: type[T]) -> T | None:
    """What the first request with this key brought about, or None if there was none.

    Raises:
        IdempotencyError: that was another request.
        ErasedError: the data of the subject whom it was about were erased.
        InvalidError: the key is empty or too long.

    """
    if idem is None:
        return None
    if not 0 < len(idem.key) <= MAX_KEY or not storable(idem.key):
        raise InvalidError((FieldError("Idempotency-Key", "length", f"长度应为 1 至 {MAX_KEY} 个字符"),))
    row = conn.execute(
        select(idempotency.c.digest, idempotency.c.subject_id, idempotency.c.body).where(
            idempotency.c.key == idem.key, idempotency.c.principal == principal.key_id
        )
    ).one_or_none()
    if row is None:
        return None
    if row.digest != idem.digest:
        raise IdempotencyError
    body = row.body
    if row.subject_id is not None:
        try:
            body = vault_of(conn).open(conn, row.subject_id, body, LABEL)
        except ErasedSubjectError as error:
            raise ErasedError from error
    result: T = adapter(cast("Hashable", cls)).validate_json(body)
    return result


def claim(conn: Connection, principal: Principal, idem: Idempotency | None, at: str) -> bool:
    """Claim the key inside the transaction of the effect; False when another request has just taken it.

    On PostgreSQL a second claim waits until the first transaction ends, so two equal requests never both act.
    """
    if idem is None:
        return True
    values = {"key": idem.key, "principal": principal.key_id, "digest": idem.digest, "body": b"", "at": at}
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(idempotency).values(values).on_conflict_do_nothing().returning(idempotency.c.key)
    return conn.execute(statement).first() is not None


def keep(
    conn: Connection, principal: Principal, idem: Idempotency | None, result: T, *, about: str | None = None
) -> None:
    """Store what the request brought about under its claimed key, sealed for the subject whom it is about."""
    if idem is None:
        return
    body = adapter(cast("Hashable", type(result))).dump_json(result)
    if about is not None:
        body = vault_of(conn).seal(conn, about, body, LABEL)
    conn.execute(
        update(idempotency)
        .where(idempotency.c.key == idem.key, idempotency.c.principal == principal.key_id)
        .values(body=body, subject_id=about)
    )
