"""Whether the rows that queries read are what the events say, without writing anything: `rebuild` in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Connection, select

from adapters.ledger.policies import PolicyStore
from adapters.ledger.projections import UnknownCaseError, limit_rows, load_case, obligation_row
from adapters.ledger.rebuild import refolded
from adapters.ledger.store import checked, read_events
from adapters.ledger.tables import NEVER, cases, events, limits, obligations
from engine.casework.model import Case
from engine.casework.ticking import case_wakes_on

BATCH = 500
"""Ids of cases read at one time."""


def case_ids(conn: Connection, *, first: str = "", last: str = "~") -> Iterator[str]:
    """Every case of which there are events or a row, by id, from `first` up to but not including `last`."""
    begun = select(events.c.case_id.label("id")).where(events.c.version == 1, events.c.case_id.not_like("%:%"))
    every = begun.union(select(cases.c.id)).subquery()
    query = select(every.c.id).where(every.c.id < last).order_by(every.c.id).limit(BATCH)
    place = every.c.id >= first
    while found := list(conn.execute(query.where(place)).scalars()):
        yield from found
        place = every.c.id > found[-1]


def differing(conn: Connection, policies: PolicyStore, case_id: str) -> tuple[tuple[str, Any, Any], ...]:
    """Where the rows of a case are not what its events make of it: (what, as the row has it, as the events say).

    Raises:
        BrokenChainError: an event was changed from outside.

    """
    stream = tuple(checked(read_events(conn, case_id)))
    if not stream:
        return (("case", case_id, None),)
    case, header, suggested = refolded(conn, policies, stream)
    try:
        kept, kept_header = load_case(conn, case_id)
    except UnknownCaseError:
        return (("case", None, case_id),)
    case, kept = _ordered(case), _ordered(kept)
    found = [
        (f"case.{f.name}", getattr(kept, f.name), getattr(case, f.name))
        for f in fields(case)
        if f.name != "obligations" and getattr(kept, f.name) != getattr(case, f.name)
    ]
    found += [
        (f"case.{f.name}", getattr(kept_header, f.name), getattr(header, f.name))
        for f in fields(header)
        if getattr(kept_header, f.name) != getattr(header, f.name)
    ]
    for name in sorted({*case.obligations, *kept.obligations}):
        row, folded = kept.obligations.get(name), case.obligations.get(name)
        if row is None or folded is None:
            found.append((f"obligation {name}", row, folded))
            continue
        found += [
            (f"obligation {name}.{f.name}", getattr(row, f.name), getattr(folded, f.name))
            for f in fields(folded)
            if getattr(row, f.name) != getattr(folded, f.name)
        ]
    found += _columns(conn, policies, case)
    wanted = sorted(limit_rows(suggested, case.id, case.subject), key=repr)
    rows = conn.execute(select(limits).where(limits.c.case_id == case_id)).mappings()
    stored = sorted(map(dict, rows), key=repr)
    if wanted != stored:
        found.append(("limits", stored, wanted))
    return tuple(found)


def _ordered(case: Case) -> Case:
    return replace(case, edges=tuple(sorted(case.edges, key=lambda e: (e.before, e.after, e.kind))))


def _columns(conn: Connection, policies: PolicyStore, case: Case) -> Iterator[tuple[str, Any, Any]]:
    """Columns by which queries sort and search: they say again what other columns say."""
    wakes = _text(case_wakes_on(case))
    row_wakes = conn.execute(select(cases.c.wake_on).where(cases.c.id == case.id)).scalar()
    if row_wakes != wakes:
        yield "case.wake_on", row_wakes, wakes
    for row in conn.execute(select(obligations).where(obligations.c.case_id == case.id)):
        folded = case.obligations.get(row.id)
        if folded is None:
            continue
        # without the reason, which is sealed anew each time it is written
        wanted = obligation_row(conn, replace(folded, reason=None), case, policies.get(folded.policy, conn))
        for name, value in wanted.items():
            if name != "reason" and getattr(row, name) != value:
                yield f"obligation {row.id}.{name}", getattr(row, name), value


def _text(day: dt.date | None) -> str:
    return day.isoformat() if day is not None else NEVER
