"""Cases and obligations as rows, both ways. Everything here is a function of the events and the decisions they name."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select, union_all, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import bindparam

from adapters.ledger.database import VersionConflictError
from adapters.ledger.private import (
    ROW,
    opened_reason,
    opened_text,
    put_back,
    sealed_reason,
    sealed_text,
    walked_process,
)
from adapters.ledger.serial import canonical, process_from_plain, process_to_plain
from adapters.ledger.tables import NEVER, Key, cases, edges, limits, obligations
from engine.casework.deadlines import next_due, queue_rank
from engine.casework.model import Case, Due, Edge, Obligation
from engine.casework.ticking import case_wakes_on, wake_on
from engine.decision.model import Owed, SuggestedLimit
from engine.language.ir import Policy


@dataclass(frozen=True, slots=True)
class Header:
    """What a case's row holds beside the `Case`: set at filing and unchanged, but for `head_hash` and `decision`."""

    list_title: str
    list_kind: str
    severe: bool
    listing_key: str
    as_of: str
    decision: str
    head_hash: str


class UnknownCaseError(Exception):
    """No case or obligation has this id."""


# Rows from values


def case_row(conn: Connection, case: Case, header: Header) -> dict[str, Any]:
    """The row of a case."""
    if case.filed_on is None:
        message = f"case {case.id} was never filed"
        raise ValueError(message)
    process, words = walked_process(process_to_plain(case), case.subject)
    return {
        "id": case.id,
        "state": case.state,
        "version": case.version,
        "head_hash": header.head_hash,
        "subject_id": case.subject,
        "list_id": case.list,
        "list_title": header.list_title,
        "list_kind": header.list_kind,
        "severe": header.severe,
        "initiator": case.initiator,
        "policy_version": case.policy,
        "decision": header.decision,
        "listing_key": header.listing_key,
        "as_of": header.as_of,
        "total": case.total,
        "unclosed": case.unclosed,
        "filed_on": case.filed_on.isoformat(),
        "ended_on": case.ended_on.isoformat() if case.ended_on else None,
        "ground": case.ground,
        "marked": case.marked,
        "suspended": case.suspended,
        "wake_on": _day(case_wakes_on(case)) or NEVER,
        "process": canonical(process),
        "words": sealed_text(conn, words, ROW),
    }


def _day(day: dt.date | None) -> str | None:
    return day.isoformat() if day is not None else None


_DATES = ("accept_by", "act_by", "lift_by", "feedback_by", "rearm_by")


def changing_columns(conn: Connection, obligation: Obligation) -> dict[str, Any]:
    """The columns of an obligation that change in its life."""
    due = next_due(obligation)
    dates: dict[str, Due | None] = {name: getattr(obligation, name) for name in _DATES}
    return {
        "state": obligation.state,
        "unmet": obligation.unmet,
        "unlifted": obligation.unlifted,
        "confirmed_by": obligation.confirmed_by,
        "outcome": obligation.outcome,
        "reason": sealed_reason(conn, obligation.reason, obligation.target),
        **{name: value.on.isoformat() if value else None for name, value in dates.items()},
        "provisional": json.dumps(
            {n: [_day(d.since), d.term] for n, d in dates.items() if d is not None and d.provisional}, sort_keys=True
        ),
        "effective_on": _day(obligation.effective_on),
        "expires_on": _day(obligation.expires_on),
        "rungs": obligation.rungs,
        "quiet": obligation.quiet,
        "wake_on": _day(wake_on(obligation)) or NEVER,
        "department_id": obligation.department,
        "due_on": due.on.isoformat() if due else NEVER,
        "queue_rank": queue_rank(obligation),
    }


def obligation_row(conn: Connection, obligation: Obligation, case: Case, policy: Policy) -> dict[str, Any]:
    """The row of an obligation. Titles are the pinned policy's, so that a queue never needs an old policy compiled."""
    measure = policy.measures[obligation.measure]
    matter = policy.matters.get(obligation.matter) if obligation.matter else None
    steps = [[step, matter.verification[step]] for step in measure.steps] if matter else []
    return {
        "id": obligation.id,
        "number": int(obligation.id.rpartition(".")[2]),
        "case_id": case.id,
        "key": obligation.key,
        "subject_id": case.subject,
        "list_id": case.list,
        "policy_version": obligation.policy,
        "measure": obligation.measure,
        "title": measure.title,
        "steps": json.dumps(steps, ensure_ascii=False),
        "target_id": obligation.target,
        "target_role": obligation.target_role,
        "kind": obligation.kind,
        "mode": obligation.mode,
        "restrictive": obligation.restrictive,
        "reversible": obligation.reversible,
        "duty": obligation.duty,
        "evidence_required": obligation.evidence_required,
        "matter": obligation.matter,
        "effect": obligation.effect,
        "rules": json.dumps(obligation.rules, ensure_ascii=False),
        "basis": json.dumps(obligation.basis, ensure_ascii=False),
        "feedback": obligation.feedback,
        **changing_columns(conn, obligation),
    }


def edge_row(edge: Edge, case: str) -> dict[str, Any]:
    """The row of an edge."""
    return {"case_id": case, "before_id": edge.before, "after_id": edge.after, "kind": edge.kind}


def limit_rows(found: Iterable[SuggestedLimit], case: str, subject: str) -> list[dict[str, Any]]:
    """One row for each department that is suggested a limit."""
    return [
        {
            "case_id": case, "rule": limit.rule, "department_id": department, "subject_id": subject,
            "table_id": limit.table, "amount": limit.amount,
        }
        for limit in found
        for department in limit.departments
    ]  # fmt: skip


# Values from rows


def to_case(row: Row[Any], conn: Connection | None = None) -> Case:
    """The header as a case without obligations. Without a connection the words of people in it stay closed."""
    process = json.loads(row.process)
    if row.words is not None:
        process = put_back(process, opened_text(conn, row.words, ROW) if conn is not None else {})
    return Case(
        id=row.id, subject=row.subject_id, list=row.list_id, initiator=row.initiator, policy=row.policy_version,
        state=row.state, version=row.version, total=row.total, unclosed=row.unclosed,
        filed_on=dt.date.fromisoformat(row.filed_on),
        ended_on=dt.date.fromisoformat(row.ended_on) if row.ended_on else None, ground=row.ground,
        **process_from_plain(process),
    )  # fmt: skip


def to_header(row: Row[Any]) -> Header:
    """What else the row of a case holds."""
    return Header(row.list_title, row.list_kind, row.severe, row.listing_key, row.as_of, row.decision, row.head_hash)


def to_obligation(row: Row[Any], conn: Connection) -> Obligation:
    """An obligation from its row."""
    provisional = json.loads(row.provisional)

    def day(on: str | None) -> dt.date | None:
        return dt.date.fromisoformat(on) if on else None

    def due(name: str, on: str | None) -> Due | None:
        if not on:
            return None
        since, term = provisional.get(name, (None, None))
        return Due(dt.date.fromisoformat(on), name in provisional, day(since), term)

    return Obligation(
        id=row.id, key=row.key, case=row.case_id, measure=row.measure, department=row.department_id,
        target=row.target_id, target_role=row.target_role, kind=row.kind, mode=row.mode, restrictive=row.restrictive,
        reversible=row.reversible, duty=row.duty, evidence_required=row.evidence_required, matter=row.matter,
        effect=row.effect, rules=tuple(json.loads(row.rules)),
        basis=tuple((law, article) for law, article in json.loads(row.basis)), feedback=row.feedback, state=row.state,
        unmet=row.unmet, unlifted=row.unlifted, confirmed_by=row.confirmed_by, outcome=row.outcome,
        reason=opened_reason(conn, row.reason, row.target_id),
        accept_by=due("accept_by", row.accept_by), act_by=due("act_by", row.act_by),
        lift_by=due("lift_by", row.lift_by), feedback_by=due("feedback_by", row.feedback_by),
        rearm_by=due("rearm_by", row.rearm_by), policy=row.policy_version, effective_on=day(row.effective_on),
        expires_on=day(row.expires_on), rungs=row.rungs, quiet=row.quiet,
    )  # fmt: skip


# Loading

_CASE = select(cases).where(cases.c.id == bindparam("case"))
_OBLIGATIONS = select(obligations).where(obligations.c.case_id == bindparam("case")).order_by(obligations.c.number)
_EDGES = select(edges).where(edges.c.case_id == bindparam("case")).order_by(
    edges.c.before_id, edges.c.after_id, edges.c.kind
)  # fmt: skip
_CASE_OF = select(cases).where(
    cases.c.id == select(obligations.c.case_id).where(obligations.c.id == bindparam("id")).scalar_subquery()
)
_EDGES_OF = union_all(
    select(edges).where(edges.c.before_id == bindparam("id")),
    select(edges).where(edges.c.after_id == bindparam("id")),
)
# One list of ids rather than three conditions joined by OR, for which PostgreSQL would read the whole table.
_NEIGHBOURS = (
    select(obligations)
    .where(
        obligations.c.id.in_(
            union_all(
                select(bindparam("id", type_=Key)),
                select(edges.c.after_id).where(edges.c.before_id == bindparam("id")),
                select(edges.c.before_id).where(edges.c.after_id == bindparam("id")),
            )
        )
    )
    .order_by(obligations.c.number)
)
_BY_KEY = select(obligations).where(obligations.c.case_id == bindparam("case"), obligations.c.key == bindparam("key"))


def load_header(conn: Connection, case_id: str) -> tuple[Case, Header]:
    """A case's header alone.

    Raises:
        UnknownCaseError: there is none.

    """
    row = conn.execute(_CASE, {"case": case_id}).one_or_none()
    if row is None:
        raise UnknownCaseError(case_id)
    return to_case(row, conn), to_header(row)


def load_case(conn: Connection, case_id: str) -> tuple[Case, Header]:
    """A whole case.

    Raises:
        UnknownCaseError: there is none.

    """
    case, header = load_header(conn, case_id)
    rows = conn.execute(_OBLIGATIONS, {"case": case_id})
    return _filled(conn, case, rows, conn.execute(_EDGES, {"case": case_id})), header


def load_slice(conn: Connection, obligation_id: str, *, refer_to: str | None = None) -> tuple[Case, Header]:
    """A case with one obligation and its neighbours only: what a command about it needs, however large the case.

    `refer_to` adds the obligation of that department with the same measure and target, if there is one: a referral
    must see whether its successor exists.

    Raises:
        UnknownCaseError: there is no such obligation.

    """
    # The header comes first: if someone writes between these reads, its version is the stale one, and the write fails.
    row = conn.execute(_CASE_OF, {"id": obligation_id}).one_or_none()
    if row is None:
        raise UnknownCaseError(obligation_id)
    rows = list(conn.execute(_NEIGHBOURS, {"id": obligation_id}))
    if refer_to is not None:
        own = next(r for r in rows if r.id == obligation_id)
        key = Owed.key_for(own.measure, refer_to, own.target_id)
        rows += [r for r in conn.execute(_BY_KEY, {"case": row.id, "key": key}) if all(r.id != x.id for x in rows)]
    return _filled(conn, to_case(row, conn), rows, conn.execute(_EDGES_OF, {"id": obligation_id})), to_header(row)


def _filled(conn: Connection, case: Case, rows: Iterable[Row[Any]], edge_rows: Iterable[Row[Any]]) -> Case:
    found: Mapping[str, Obligation] = {row.id: to_obligation(row, conn) for row in rows}
    return replace(case, obligations=found, edges=tuple(Edge(e.before_id, e.after_id, e.kind) for e in edge_rows))


# Saving

_CASE_CHANGING = (
    "state", "version", "head_hash", "decision", "policy_version", "total", "unclosed", "ended_on", "ground", "marked",
    "suspended", "wake_on", "process", "words",
)  # fmt: skip
_UPDATE_CASE = (
    update(cases)
    .where(cases.c.id == bindparam("case"), cases.c.version == bindparam("seen"))
    .values({name: bindparam(f"new_{name}") for name in _CASE_CHANGING})
)
_CHANGING = (
    "department_id", "state", "unmet", "unlifted", "confirmed_by", "outcome", "reason", *_DATES, "provisional",
    "effective_on", "expires_on", "rungs", "quiet", "wake_on", "due_on", "queue_rank",
)  # fmt: skip
_UPDATE_OBLIGATION = (
    update(obligations)
    .where(obligations.c.id == bindparam("obligation"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGING})
)

Policies = Callable[[str], Policy]
"""The policy of a version: an obligation is shown in the words of the one under which it came into being."""


def save_new(conn: Connection, case: Case, header: Header, policies: Policies) -> None:
    """Insert every row of a case that has none yet.

    Raises:
        VersionConflictError: another writer just filed the same listing.

    """
    try:
        conn.execute(insert(cases), case_row(conn, case, header))
    except IntegrityError as error:
        raise VersionConflictError(case.id) from error
    _insert(conn, case, policies, case.obligations.values(), case.edges)


def save_changes(conn: Connection, before: Case, after: Case, header: Header, policies: Policies) -> None:
    """Bring the rows from `before` to `after`, which may both be slices.

    Raises:
        VersionConflictError: the case is no longer at `before.version`.

    """
    row = case_row(conn, after, header)
    changed = conn.execute(
        _UPDATE_CASE,
        {"case": after.id, "seen": before.version} | {f"new_{name}": row[name] for name in _CASE_CHANGING},
    )
    if changed.rowcount != 1:
        raise VersionConflictError(after.id)
    added = [o for i, o in after.obligations.items() if i not in before.obligations]
    old_edges = frozenset(before.edges)
    _insert(conn, after, policies, added, [e for e in after.edges if e not in old_edges])
    moved = [
        {"obligation": i} | {f"new_{name}": value for name, value in changing_columns(conn, o).items()}
        for i, o in after.obligations.items()
        if i in before.obligations and before.obligations[i] != o
    ]
    if moved:
        conn.execute(_UPDATE_OBLIGATION, moved)


def _insert(
    conn: Connection, case: Case, policies: Policies, added: Iterable[Obligation], new_edges: Iterable[Edge]
) -> None:
    rows = [obligation_row(conn, o, case, policies(o.policy)) for o in added]
    if rows:
        conn.execute(insert(obligations), rows)
    links = [edge_row(e, case.id) for e in new_edges]
    if links:
        conn.execute(insert(edges), links)


def save_limits(conn: Connection, found: Iterable[SuggestedLimit], case: str, subject: str) -> None:
    """Replace the suggested limits of a case."""
    conn.execute(limits.delete().where(limits.c.case_id == case))
    rows = limit_rows(found, case, subject)
    if rows:
        conn.execute(insert(limits), rows)
