"""Listings that were reversed: objections upheld, corrections, annulments, withdrawals, and not listed after all."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from sqlalchemy import Connection, func, select

from adapters.ledger.database import read
from adapters.ledger.projections import to_case
from adapters.ledger.tables import cases, decisions, events
from adapters.office import looks
from adapters.office.access import require_role
from adapters.office.desk import check_texts
from adapters.office.desk_model import Reversal, ReversalCount, Reversals
from adapters.office.model import Principal
from adapters.office.ports import Context

ENDED: Mapping[str, str] = {
    "annulment": "annulled", "withdrawal": "withdrawn", "not-listed": "not-listed", "correction": "corrected",
}  # fmt: skip
"""Grounds on which a listing that should not have been ends."""
MANY = 500
WHOLE = 10_000  # basis points


def reversals(
    context: Context,
    principal: Principal,
    *,
    department: str | None,
    list_: str | None,
    since: dt.date | None,
    until: dt.date | None,
) -> Reversals:
    """See `Office.audit_reversals`."""
    require_role(principal, "auditor")
    check_texts({"department": department, "list": list_})
    c = cases.c
    query = select(c.id, c.subject_id, c.initiator, c.list_id, c.list_title, c.filed_on, c.ended_on, c.ground)
    for value, column in ((department, c.initiator), (list_, c.list_id)):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(c.filed_on >= since.isoformat())
    if until is not None:
        query = query.where(c.filed_on <= until.isoformat())
    with read(context.engine) as conn:
        filed = {row.id: row for row in conn.execute(query)}
        days = _reversed_on(conn, filed)
    found = tuple(
        Reversal(
            row.id, row.subject_id, row.initiator, row.list_id, row.list_title, kind, on,
            (on - dt.date.fromisoformat(row.filed_on)).days,
        )
        for (case, kind), on in sorted(days.items(), key=lambda item: (item[1], item[0]))
        for row in [filed[case]]
    )  # fmt: skip
    asked = {"department": department, "list": list_, "since": since, "until": until}
    about = " ".join(f"{name}={value}" for name, value in asked.items() if value is not None)
    looks.record(context, principal, {r.subject for r in found}, what="audit-reversals", about=about)
    return Reversals(since, until, context.today(), tuple(_counted(filed.values(), found)), found)


def _reversed_on(conn: Connection, filed: Mapping[str, Any]) -> dict[tuple[str, str], dt.date]:
    """When cases were reversed, and how: (case, kind) → the first such day."""
    days: dict[tuple[str, str], dt.date] = {}

    def note(case: str, kind: str, on: dt.date) -> None:
        if case in filed:
            days[case, kind] = min(on, days.get((case, kind), on))

    for row in filed.values():
        if row.ground in ENDED and row.ended_on:
            note(row.id, ENDED[row.ground], dt.date.fromisoformat(row.ended_on))
    # a case with an objection says so in its row, one that was corrected has more than one decision
    for row in conn.execute(select(cases).where(cases.c.process.like('%"@objection"%'))):
        for objection in to_case(row).objections.values():
            if objection.outcome == "upheld" and objection.answered_on is not None:
                note(row.id, "upheld", objection.answered_on)
    several = select(decisions.c.case_id).group_by(decisions.c.case_id).having(func.count() > 1)
    suspects = [case for case in conn.execute(several).scalars() if case in filed]
    e = events.c
    for first in range(0, len(suspects), MANY):
        some = suspects[first : first + MANY]
        for row in conn.execute(select(e.case_id, e.on, e.payload).where(e.case_id.in_(some), e.type == "case-moved")):
            if json.loads(row.payload)["action"] == "correct":
                note(row.case_id, "corrected", dt.date.fromisoformat(row.on))
    return days


def _counted(filed: Iterable[Any], found: tuple[Reversal, ...]) -> Iterable[ReversalCount]:
    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in filed:
        groups[row.initiator, row.list_id].append(row)
    for (initiator, list_), rows in sorted(groups.items()):
        own = [r for r in found if (r.initiator, r.list) == (initiator, list_)]
        soonest: dict[str, int] = {}
        for one in own:
            soonest[one.case] = min(one.days, soonest.get(one.case, one.days))
        kinds = [r.kind for r in own]
        yield ReversalCount(
            initiator, list_, rows[-1].list_title, len(rows), kinds.count("upheld"), kinds.count("corrected"),
            kinds.count("annulled"), kinds.count("withdrawn"), kinds.count("not-listed"), len(soonest),
            len(soonest) * WHOLE // len(rows), int(median(soonest.values())) if soonest else None,
        )  # fmt: skip
