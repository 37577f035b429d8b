"""Retention: whose personal data have been kept long enough by the policy in force, and erasing them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, String, and_, cast, exists, func, or_, select, union

from adapters.ledger.database import read
from adapters.ledger.key_tables import subject_keys
from adapters.ledger.tables import cases, events, obligations, records, relations, subjects
from adapters.office.erasing import erase_by_rule
from adapters.office.errors import ConflictError
from adapters.office.ports import Context, day_of
from engine.casework.retaining import Held, HeldCase, due_for_erasure, keeping_of
from engine.language.dates import minus
from engine.language.ir import Policy

CHUNK = 200
"""Subjects looked at in one go: SQLite's oldest limit on parameters is 999, and four queries name them."""
ROUGH = dt.timedelta(days=4)
"""By so much the database's first choice is too large: months differ in length, and days begin at other hours."""


def due(context: Context, limit: int) -> tuple[tuple[str, str], ...]:
    """Subjects whose data are to be erased by now, with the rule that says so (`<retention>/<rule>`)."""
    today = context.today()
    found: list[tuple[str, str]] = []
    with read(context.engine) as conn:
        policy = context.policies.current(conn, context.now())
        for kind in sorted({k for each in policy.retention.values() for rule in each.rules for k in rule.subjects}):
            for chosen in _chunks(conn, policy, kind, today):
                for subject, held in _held(conn, kind, chosen).items():
                    rule = due_for_erasure(policy, held, today)
                    if rule is not None:
                        found.append((subject, rule.id))
                        if len(found) == limit:
                            return tuple(found)
    return tuple(found)


def erase_expired(context: Context, *, limit: int) -> int:
    """See `Office.erase_expired`."""
    erased = 0
    for subject, rule in due(context, limit):
        try:
            erase_by_rule(context, subject, rule)
        except ConflictError:  # someone else has just done it, or filed a case about the subject
            continue
        erased += 1
    return erased


def _chunks(conn: Connection, policy: Policy, kind: str, today: dt.date) -> Iterator[dict[str, str]]:
    """Subjects of a kind that may be due, with the instants at which they became known, in the order of their ids."""
    query = _candidates(policy, kind, today)
    after = ""
    while query is not None:
        rows = conn.execute(query.where(subjects.c.id > after).order_by(subjects.c.id).limit(CHUNK)).all()
        if rows:
            yield {row.id: row.created_at for row in rows}
        if len(rows) < CHUNK:
            return
        after = rows[-1].id


def _candidates(policy: Policy, kind: str, today: dt.date) -> Select[Any] | None:
    """Subjects known and unmentioned for about long enough, without an open case; None: they are kept for ever."""
    general = keeping_of(policy, kind, None)
    if general is None:
        return None
    rules = [r for each in policy.retention.values() for r in each.rules if kind in r.subjects]
    try:
        known = (minus(today, general.keep) + ROUGH).isoformat()
        ended = max(minus(today, rule.keep) + ROUGH for rule in rules).isoformat()
    except (OverflowError, ValueError):  # longer than there are years
        return None
    recent = func.coalesce(records.c.date, func.substr(cast(records.c.received_at, String), 1, 10)) > known
    living = or_(cases.c.state != "closed", cases.c.ended_on > ended)
    return select(subjects.c.id, subjects.c.created_at).where(
        subjects.c.kind == kind,
        subjects.c.created_at < known,
        ~exists().where(subject_keys.c.subject_id == subjects.c.id, subject_keys.c.destroyed_at.is_not(None)),
        ~exists().where(records.c.subject_id == subjects.c.id, recent),
        ~exists().where(cases.c.subject_id == subjects.c.id, living),
        ~exists().where(relations.c.related_id == subjects.c.id, cases.c.subject_id == relations.c.subject_id, living),
        ~exists().where(obligations.c.target_id == subjects.c.id, cases.c.id == obligations.c.case_id, living),
    )


def _held(conn: Connection, kind: str, chosen: dict[str, str]) -> dict[str, Held]:
    """What is held of each of these subjects. A relation to another counts as a record."""
    ids = list(chosen)
    days: dict[str, list[dt.date]] = defaultdict(list)
    listed: dict[str, list[HeldCase]] = defaultdict(list)
    supplied = select(records.c.subject_id, records.c.date, records.c.received_at).where(records.c.subject_id.in_(ids))
    for subject, day, received_at in conn.execute(supplied).all():
        days[subject].append(dt.date.fromisoformat(day) if day else day_of(received_at))
    related = select(relations.c.related_id, relations.c.received_at).where(relations.c.related_id.in_(ids))
    for subject, received_at in conn.execute(related).all():
        days[subject].append(day_of(received_at))
    for subject, list_id, state, last_on in conn.execute(_cases_about(ids)).all():
        listed[subject].append(HeldCase(list_id, dt.date.fromisoformat(last_on) if state == "closed" else None))
    return {
        subject: Held(kind, day_of(known), tuple(listed[subject]), tuple(days[subject]))
        for subject, known in chosen.items()
    }


def _cases_about(ids: Sequence[str]) -> Select[Any]:
    """Cases in which something is said of these: their own, and those whose subject or target they are related to."""
    about = union(
        select(cases.c.subject_id.label("person"), cases.c.id.label("case")).where(cases.c.subject_id.in_(ids)),
        select(relations.c.related_id, cases.c.id).where(
            and_(relations.c.related_id.in_(ids), cases.c.subject_id == relations.c.subject_id)
        ),
        select(obligations.c.target_id, obligations.c.case_id).where(obligations.c.target_id.in_(ids)),
    ).subquery()
    last = select(func.max(events.c.on)).where(events.c.case_id == cases.c.id).scalar_subquery().label("last_on")
    return select(about.c.person, cases.c.list_id, cases.c.state, last).where(about.c.case == cases.c.id)
