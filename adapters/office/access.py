"""Who may do and see what, and how things look to them. The only place where a department's scope is decided."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any, cast

from sqlalchemy import Connection, Row, exists, select

from adapters.ledger.decisions import DecisionContent, ErasedDecisionError, read_decision
from adapters.ledger.projections import Header, to_case, to_header, to_obligation
from adapters.ledger.tables import cases, obligations
from adapters.office.errors import ErasedError, FieldError, ForbiddenError, InvalidError, NotFoundError, storable
from adapters.office.model import CaseView, ObligationView, Principal
from engine.casework import available_actions
from engine.casework.deadlines import is_overdue, next_due
from engine.casework.model import Actor, Case, Obligation
from engine.language.ir import ListKind

MAX_OFFICER = 100
"""Characters in the name or number of an officer."""
MAX_ID = 500
"""Characters in an id handed in from outside."""


def require_role(principal: Principal, *roles: str) -> None:
    """Raise `ForbiddenError` unless the principal has one of the roles."""
    if principal.roles.isdisjoint(roles):
        raise ForbiddenError(f"需要角色：{'、'.join(roles)}", code="role-required")


def actor_of(principal: Principal) -> Actor:
    """The named human who acts.

    Raises:
        InvalidError: none is named; a system account never acts.

    """
    officer = principal.officer.strip()
    if not 0 < len(officer) <= MAX_OFFICER or not storable(officer):
        raise InvalidError((FieldError("officer", "required", f"须写明经办人姓名或工号，最长 {MAX_OFFICER} 字"),))
    return Actor(principal.department, officer)


def known_form(text: str) -> str:
    """An id from outside that may exist.

    Raises:
        NotFoundError: no id ever looked like this, and the database would refuse to look for it.

    """
    if len(text) > MAX_ID or not storable(text):
        raise NotFoundError
    return text


def is_auditor(principal: Principal) -> bool:
    """Whether everything may be read."""
    return "auditor" in principal.roles


def is_initiator(principal: Principal, case: Case | Row[Any]) -> bool:
    """Whether the principal's department filed the case."""
    return "initiator" in principal.roles and case.initiator == principal.department


def require_full_view(principal: Principal, case: Case | Row[Any]) -> None:
    """Raise `NotFoundError` unless the principal is the case's initiator or an auditor."""
    if not (is_auditor(principal) or is_initiator(principal, case)):
        raise NotFoundError


def require_some_view(conn: Connection, principal: Principal, case: Case | Row[Any]) -> None:
    """Raise `NotFoundError` unless the principal may see the case's header."""
    if is_auditor(principal) or is_initiator(principal, case):
        return
    owes = select(exists().where(obligations.c.case_id == case.id, obligations.c.department_id == principal.department))
    if "implementer" not in principal.roles or not conn.execute(owes).scalar():
        raise NotFoundError


def case_row_of(conn: Connection, case_id: str) -> Row[Any]:
    """A case's row.

    Raises:
        NotFoundError: there is none.

    """
    row = conn.execute(select(cases).where(cases.c.id == known_form(case_id))).one_or_none()
    if row is None:
        raise NotFoundError
    return row


def decided(conn: Connection, digest: str) -> DecisionContent:
    """What a decision was made from and says.

    Raises:
        ErasedError: its subject's data were erased.

    """
    try:
        return read_decision(conn, digest).present
    except ErasedDecisionError as error:
        raise ErasedError from error


def case_view(row: Row[Any]) -> CaseView:
    """A case's header from its row."""
    return case_view_of(to_case(row), to_header(row))


def case_view_of(case: Case, header: Header) -> CaseView:
    """A case's header."""
    if case.filed_on is None:
        raise NotFoundError
    return CaseView(
        id=case.id, list=case.list, list_title=header.list_title, list_kind=cast("ListKind", header.list_kind),
        severe=header.severe, subject=case.subject, initiator=case.initiator, policy=case.policy,
        decision=header.decision, as_of=dt.date.fromisoformat(header.as_of), state=case.state, version=case.version,
        head=header.head_hash, total=case.total, unclosed=case.unclosed, filed_on=case.filed_on,
        ended_on=case.ended_on, ground=case.ground, marked=case.marked, suspended=case.suspended,
    )  # fmt: skip


def obligation_view(
    obligation: Obligation, *, subject: str, title: str, principal: Principal, today: dt.date
) -> ObligationView:
    """An obligation as the principal sees it today."""
    due = next_due(obligation)
    return ObligationView(
        obligation=obligation,
        subject=subject,
        title=title,
        due_on=due.on if due else None,
        provisional=due.provisional if due else False,
        overdue=is_overdue(obligation, today),
        actions=actions(obligation, principal),
        etag=etag(obligation),
    )


def row_view(conn: Connection, row: Row[Any], principal: Principal, today: dt.date) -> ObligationView:
    """The same, from an obligation's row."""
    return obligation_view(
        to_obligation(row, conn), subject=row.subject_id, title=row.title, principal=principal, today=today
    )


def actions(obligation: Obligation, principal: Principal) -> tuple[str, ...]:
    """What the principal may do about an obligation now."""
    return available_actions(obligation, principal.department, principal.roles)


def etag(obligation: Obligation) -> str:
    """A short digest of all that can change in an obligation."""
    o = obligation
    dues = (
        f"{d.on}{d.provisional}" if d else "" for d in (o.accept_by, o.act_by, o.lift_by, o.feedback_by, o.rearm_by)
    )
    seen = (o.id, o.state, str(o.unmet), str(o.unlifted), *dues, repr((o.confirmed_by, o.outcome, o.reason)))
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()[:20]
