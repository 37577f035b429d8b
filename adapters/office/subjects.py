"""Subjects: found by identity code, spoken of by opaque id."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, insert, or_, select
from sqlalchemy.exc import IntegrityError

from adapters.ledger.database import VersionConflictError, read
from adapters.ledger.serial import canonical
from adapters.ledger.tables import cases, identities, obligations, records, relations, subjects
from adapters.ledger.vault import ErasedSubjectError, vault_of
from adapters.office.access import is_auditor, known_form, require_role
from adapters.office.errors import FieldError, InvalidError, NotFoundError, storable
from adapters.office.model import ListingView, Party, Principal, SubjectView
from adapters.office.ports import Context
from engine.identity import InvalidCode, check_code, scheme_of
from engine.language.ir import SUBJECT_KINDS

IDENTITY = "identity"
"""The label under which identities are sealed."""
MAX_NAME = 200
"""Characters in a subject's name; the longest registered company names are under 100."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A party with a valid code and its opaque id; `row` is to be inserted when the subject is not on file yet."""

    id: str
    kind: str
    digest: str
    code: str
    name: str
    new: bool


def digest_of(context: Context, kind: str, code: str) -> str:
    """The digest by which a subject of this kind is found; `code` is normalised."""
    return context.code_digest(f"{scheme_of(kind)}:{code}")


def validate(party: Party, path: str) -> tuple[str, tuple[FieldError, ...]]:
    """The normalised code of a party, and everything wrong with it."""
    errors = []
    if len(party.name) > MAX_NAME or not storable(party.name):
        errors.append(FieldError(f"{path}.name", "length", f"名称最长 {MAX_NAME} 字"))
    try:
        code = check_code(party.kind, party.code)
    except InvalidCode as error:
        known = party.kind in SUBJECT_KINDS
        errors.append(FieldError(f"{path}.{'code' if known else 'kind'}", "invalid-code", str(error)))
        code = ""
    return code, tuple(errors)


def resolve(conn: Connection, context: Context, parties: Mapping[str, Party]) -> dict[str, Resolved]:
    """Each party's subject, by its path in the input; those not on file get the id under which they will be stored.

    Raises:
        InvalidError: a code is wrong, or is on file for another kind of subject.

    """
    errors: list[FieldError] = []
    digests: dict[str, tuple[str, str]] = {}
    for path, party in parties.items():
        code, wrong = validate(party, path)
        errors += wrong
        if not wrong:
            digests[path] = code, digest_of(context, party.kind, code)
    found = find(conn, {digest for _, digest in digests.values()})
    fresh: dict[str, str] = {}
    resolved = {}
    for path, (code, digest) in digests.items():
        party = parties[path]
        id_, kind = found.get(digest, ("", party.kind))
        if kind != party.kind:
            errors.append(FieldError(f"{path}.kind", "kind-differs", f"该代码已登记为 {kind}"))
        new = not id_
        resolved[path] = Resolved(
            id_ or fresh.setdefault(digest, context.new_subject_id()), party.kind, digest, code, party.name, new
        )
    if errors:
        raise InvalidError(tuple(errors))
    return resolved


def find(conn: Connection, digests: Iterable[str]) -> dict[str, tuple[str, str]]:
    """(id, kind) of the subjects on file, by digest."""
    rows = conn.execute(
        select(subjects.c.code_digest, subjects.c.id, subjects.c.kind).where(subjects.c.code_digest.in_(list(digests)))
    )
    return {row.code_digest: (row.id, row.kind) for row in rows}


def store(conn: Connection, parties: Iterable[Resolved], at: str) -> None:
    """Put new subjects on file, and names that were not known before.

    Raises:
        VersionConflictError: another writer put one of them on file meanwhile, under another id.

    """
    every = {p.id: p for p in parties}
    new = [p for p in every.values() if p.new]
    if new:
        try:
            conn.execute(
                insert(subjects),
                [{"id": p.id, "kind": p.kind, "code_digest": p.digest, "created_at": at} for p in new],
            )
        except IntegrityError as error:
            raise VersionConflictError("subjects") from error
        vault_of(conn).begin(conn, [p.id for p in new])
        conn.execute(
            insert(identities),
            [{"subject_id": p.id, "content": sealed_identity(conn, p.id, p.code, p.name)} for p in new],
        )
    for party in every.values():
        if party.name and not party.new:
            _rename(conn, party)


def _rename(conn: Connection, party: Resolved) -> None:
    """Fill in or change a name."""
    known_as = identity_of(conn, party.id)
    if known_as is not None and known_as.name == party.name:
        return
    own = identities.c.subject_id == party.id
    content = sealed_identity(conn, party.id, party.code, party.name)
    conn.execute(identities.update().where(own).values(content=content))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a subject is."""

    code: str
    name: str


def sealed_identity(conn: Connection, subject: str, code: str, name: str) -> bytes:
    """Code and name as they are kept."""
    return vault_of(conn).seal(conn, subject, canonical([code, name]).encode(), IDENTITY)


def identity_of(conn: Connection, subject: str) -> Identity | None:
    """Who a subject is; None for nobody known, and for one whose data were erased."""
    sealed = conn.execute(select(identities.c.content).where(identities.c.subject_id == subject)).scalar()
    if sealed is None:
        return None
    try:
        return Identity(*json.loads(vault_of(conn).open(conn, subject, sealed, IDENTITY)))
    except ErasedSubjectError:
        return None


def lookup(context: Context, principal: Principal, party: Party) -> SubjectView:
    """See `Office.lookup_subject`."""
    require_role(principal, "initiator", "implementer", "auditor")
    code, errors = validate(Party(party.kind, party.code), "subject")
    if errors:
        raise InvalidError(errors)
    with read(context.engine) as conn:
        row = conn.execute(_subject().where(subjects.c.code_digest == digest_of(context, party.kind, code)))
        found = row.one_or_none()
        if found is None or found.kind != party.kind:
            raise NotFoundError
        return _view(conn, found, principal)


def get(context: Context, principal: Principal, subject: str) -> SubjectView:
    """See `Office.get_subject`."""
    require_role(principal, "initiator", "implementer", "auditor")
    with read(context.engine) as conn:
        row = conn.execute(_subject().where(subjects.c.id == known_form(subject))).one_or_none()
        if row is None or not _concerned(conn, principal, subject):
            raise NotFoundError
        return _view(conn, row, principal)


def _subject() -> Select[Any]:
    return select(subjects.c.id, subjects.c.kind)


def _concerned(conn: Connection, principal: Principal, subject: str) -> bool:
    """Whether the principal's department has anything to do with a subject."""
    if is_auditor(principal):
        return True
    own = principal.department
    statement = select(
        or_(
            exists().where(cases.c.subject_id == subject, cases.c.initiator == own),
            exists().where(obligations.c.subject_id == subject, obligations.c.department_id == own),
            exists().where(obligations.c.target_id == subject, obligations.c.department_id == own),
            exists().where(records.c.subject_id == subject, records.c.supplier == own),
            exists().where(relations.c.subject_id == subject, relations.c.supplier == own),
        )
    )
    return bool(conn.execute(statement).scalar())


def _view(conn: Connection, row: Row[Any], principal: Principal) -> SubjectView:
    """A department sees the listings that it filed or in which it owes something; an auditor sees all."""
    query = select(cases).where(cases.c.subject_id == row.id).order_by(cases.c.id)
    if not is_auditor(principal):
        owes = exists().where(
            obligations.c.subject_id == row.id,
            obligations.c.case_id == cases.c.id,
            obligations.c.department_id == principal.department,
        )
        query = query.where(or_(cases.c.initiator == principal.department, owes))
    listings = tuple(
        ListingView(
            c.id, c.list_id, c.list_title, c.list_kind, c.state, dt.date.fromisoformat(c.filed_on),
            dt.date.fromisoformat(c.ended_on) if c.ended_on else None, c.marked,
        )
        for c in conn.execute(query)
    )  # fmt: skip
    who = identity_of(conn, row.id) if _concerned(conn, principal, row.id) else None
    return SubjectView(row.id, row.kind, (who.name if who else None) or None, listings)
