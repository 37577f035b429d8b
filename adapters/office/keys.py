"""API keys of departments: random tokens of which only the digest is kept."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from adapters.ledger.database import Prepared, driver, read, write
from adapters.ledger.tables import api_keys
from adapters.office.access import known_form
from adapters.office.errors import FieldError, InvalidError, NotFoundError, UnauthenticatedError, storable
from adapters.office.model import ROLES, IssuedKey, KeyView, Principal
from adapters.office.policy import current
from adapters.office.ports import Context

PREFIX = "xh_"
"""Lets secret scanners recognise a token."""
TOKEN_BYTES = 32
MAX_LABEL = 200
MAX_TOKEN = 200


def issue(context: Context, department: str, roles: frozenset[str], label: str) -> IssuedKey:
    """See `Office.issue_key`."""
    errors = []
    if department not in current(context).departments:
        errors.append(FieldError("department", "unknown-department", "没有这个部门"))
    if not roles or not roles <= ROLES:
        errors.append(FieldError("roles", "unknown-role", f"应为：{'、'.join(sorted(ROLES))}"))
    if len(label) > MAX_LABEL or not storable(label):
        errors.append(FieldError("label", "length", f"最长 {MAX_LABEL} 字"))
    if errors:
        raise InvalidError(tuple(errors))
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    view = KeyView(context.new_id(), department, roles, label, context.now(), None)
    with write(context.engine) as conn:
        conn.execute(
            insert(api_keys),
            {
                "id": view.id, "digest": _digest(token), "department": department, "roles": ",".join(sorted(roles)),
                "label": label, "created_at": view.created, "revoked_at": None,
            },
        )  # fmt: skip
    return IssuedKey(view, token)


def list_all(context: Context) -> tuple[KeyView, ...]:
    """See `Office.list_keys`."""
    with read(context.engine) as conn:
        return tuple(_view(row) for row in conn.execute(select(api_keys).order_by(api_keys.c.id)))


def revoke(context: Context, key_id: str) -> KeyView:
    """See `Office.revoke_key`."""
    with write(context.engine) as conn:
        conn.execute(
            update(api_keys)
            .where(api_keys.c.id == known_form(key_id), api_keys.c.revoked_at.is_(None))
            .values(revoked_at=context.now())
        )
        row = conn.execute(select(api_keys).where(api_keys.c.id == key_id)).one_or_none()
    if row is None:
        raise NotFoundError
    return _view(row)


class Door:
    """Tells who comes in. Not cached: a revoked key is refused by the next call."""

    def __init__(self, context: Context) -> None:
        self._engine = context.engine
        self._find = Prepared(
            context.engine,
            select(api_keys.c.id, api_keys.c.department, api_keys.c.roles, api_keys.c.revoked_at).where(
                api_keys.c.digest == bindparam("digest")
            ),
        )

    def authenticate(self, token: str) -> Principal:
        """See `Office.authenticate`."""
        if not token.startswith(PREFIX) or len(token) > MAX_TOKEN:
            raise UnauthenticatedError
        with driver(self._engine) as cursor:
            row = self._find.run(cursor, {"digest": _digest(token)}).fetchone()
        if row is None or row[3] is not None:
            raise UnauthenticatedError
        return Principal(row[1], frozenset(row[2].split(",")), row[0])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _view(row: Row[Any]) -> KeyView:
    return KeyView(row.id, row.department, frozenset(row.roles.split(",")), row.label, row.created_at, row.revoked_at)
