"""What time does to cases, for a worker: which are due, advancing one, telling departments, the heartbeat."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.ledger.database import read, retrying, write
from adapters.ledger.projections import UnknownCaseError, load_case
from adapters.ledger.serial import canonical
from adapters.ledger.store import append
from adapters.ledger.tables import cases, heartbeats, obligations
from adapters.ledger.tables import messages as message_table
from adapters.office.errors import NotFoundError
from adapters.office.letters import issue
from adapters.office.model import Health, MessageView
from adapters.office.ports import Context
from adapters.worker.faults import reach
from engine.casework import decide, fold
from engine.casework.calendar import add
from engine.casework.commands import Tick
from engine.casework.model import SYSTEM, Actor, Due
from engine.casework.ticking import fires
from engine.language.ir import Policy

CLOCKWORK = Actor(SYSTEM, "定时任务")
KEY = "system"
"""Stands in the log where a key's id would."""


def due_cases(context: Context, *, limit: int = 1000, fresh_calendars: bool = False) -> tuple[str, ...]:
    """Ids of cases about which a tick may have something to do today, in a stable order.

    `fresh_calendars` adds those with deadlines that rested on a calendar not published when they were set.
    """
    today = context.today().isoformat()
    with read(context.engine) as conn:
        policy = context.policies.current(conn, context.now())
        gone = [d.id for d in policy.departments.values() if d.validity.end and d.validity.end.isoformat() < today]
        own_reasons = [cases.c.wake_on <= today]
        if fresh_calendars:  # parties, tasks, objections and repairs have deadlines too
            own_reasons.append(and_(cases.c.process.like('%"provisional":true%'), cases.c.state != "closed"))
        own = select(cases.c.id).where(or_(*own_reasons))
        live = obligations.c.state != "closed"
        reasons = [obligations.c.wake_on <= today, and_(obligations.c.department_id.in_(gone), live)]
        if fresh_calendars:
            reasons.append(and_(obligations.c.provisional != "{}", live))
        owed = select(obligations.c.case_id).where(or_(*reasons))
        found = own.union(owed).subquery()
        return tuple(conn.execute(select(found.c[0]).order_by(found.c[0]).limit(limit)).scalars())


def advance(context: Context, case_id: str, *, before_commit: Callable[[], None] = lambda: None) -> int:
    """Let time pass for one case, up to now; how many events that made. Safe to repeat and to do twice at once.

    `before_commit` runs inside the transaction, for tests that stop there.

    Raises:
        NotFoundError: there is no such case.

    """
    return retrying(lambda: _advance(context, case_id, before_commit))


def _advance(context: Context, case_id: str, before_commit: Callable[[], None]) -> int:
    with read(context.engine) as conn:
        try:
            case, header = load_case(conn, case_id)
        except UnknownCaseError as error:
            raise NotFoundError from error
        policy = context.policies.get(case.policy, conn)
        current = context.policies.current(conn, context.now())
    command = Tick(CLOCKWORK, max(context.today(), case.last_on or dt.date.min), current.departments)
    happened = decide(case, command, policy, current.calendars)
    if not happened:
        return 0
    after = fold(happened, case)
    at = context.now()
    reach("before-write")
    with write(context.engine) as conn:
        header = append(
            conn, before=case, after=after, header=header, happened=happened, policy=policy, key_id=KEY, at=at
        )
        issue(conn, context, happened, after, policy, header.decision, key_id=KEY, at=at)
        before_commit()
        reach("before-commit")
    reach("after-commit")
    return len(happened)


def deliver(context: Context, send: Callable[[MessageView, str], None], *, limit: int = 200) -> int:
    """Hand messages that nobody has delivered yet to `send` (with the department), oldest first; how many went.

    At least once: a message whose `send` succeeded is sent again only if this process dies before it is noted. One
    whose `send` raises stays for the next time, and so do the later ones to that department, which must not overtake
    it. Other departments are told all the same.
    """
    failing: set[str] = set()
    delivered = 0
    while delivered < limit:
        with read(context.engine) as conn:
            rows = conn.execute(
                select(message_table)
                .where(message_table.c.delivered_at.is_(None), message_table.c.department_id.not_in(failing))
                .order_by(message_table.c.at, message_table.c.id)
                .limit(limit - delivered)
            ).all()
        if not rows:
            break
        for row in rows:
            if row.department_id in failing:
                continue
            try:
                send(_view(row), row.department_id)
            except Exception:  # noqa: BLE001 - why it failed is the sender's to say; see above for what follows
                failing.add(row.department_id)
                continue
            reach("after-send")
            with write(context.engine) as conn:
                conn.execute(
                    update(message_table)
                    .where(message_table.c.id == row.id, message_table.c.delivered_at.is_(None))
                    .values(delivered_at=context.now())
                )
            reach("after-note")
            delivered += 1
    return delivered


def _view(row: Row[Any]) -> MessageView:
    due = dt.date.fromisoformat(row.due_on) if row.due_on else None
    return MessageView(row.id, row.case_id, row.audience, row.title, row.obligation_id, due, row.at, row.delivered_at)


def calendars_digest(policy: Policy) -> str:
    """SHA-256 over what the calendars say: when it changes, provisional deadlines are reckoned again."""
    said = {
        str(year): [c.provisional, sorted(map(str, c.holidays)), sorted(map(str, c.makeup))]
        for year, c in policy.calendars.items()
    }
    return hashlib.sha256(canonical(said).encode()).hexdigest()


def beat(context: Context, worker: str, *, period: int) -> bool:
    """Note that a worker is at work, with the proof that escalation works today; whether calendars are new to it.

    The canary is an obligation that is a long time late by construction: on every day each rung of the default ladder
    has to fire for it, or the day is not noted.
    """
    with read(context.engine) as conn:
        policy = context.policies.current(conn, context.now())
        context.policies.prepare(conn, context.now())
        known = conn.execute(select(heartbeats.c.calendars).where(heartbeats.c.worker == worker)).scalar()
    today, digest = context.today(), calendars_digest(policy)
    values = {
        "worker": worker, "at": context.now(), "period": period, "calendars": digest,
        "canary_on": today.isoformat() if canary_sings(policy, today) else None,
    }  # fmt: skip
    with write(context.engine) as conn:
        dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(heartbeats).values(values)
        conn.execute(
            statement.on_conflict_do_update(
                index_elements=["worker"],
                set_={name: value for name, value in values.items() if name != "worker"},
            )
        )
    return known != digest


def canary_sings(policy: Policy, today: dt.date) -> bool:
    """Whether an obligation just late enough for the last rung of the default ladder would climb all of it today."""
    ladder = next((x for x in policy.ladders.values() if x.default), None)
    if ladder is None:
        return True
    start = today
    while add(start, ladder.rungs[-1].after, policy.calendars).on > today:
        start -= dt.timedelta(days=1)
    fired = [number for number, _ in fires(ladder, 0, Due(start), today, policy.calendars)]
    return fired == list(range(1, len(ladder.rungs) + 1))


def health(context: Context) -> Health:
    """Whether a worker was heard of within its period, its canary sang today, and no promise of the log is overdue."""
    with read(context.engine) as conn:
        row = conn.execute(select(heartbeats).order_by(heartbeats.c.at.desc()).limit(1)).one_or_none()
        waiting = conn.execute(
            select(func.count()).select_from(message_table).where(message_table.c.delivered_at.is_(None))
        ).scalar_one()
        promises = not context.proofs.overdue(conn)
    if row is None:
        return Health(alive=False, canary=False, last=None, worker=None, waiting=waiting, promises=promises)
    last = dt.datetime.fromisoformat(row.at)
    silent = (context.clock() - last).total_seconds()
    yesterday = (context.today() - dt.timedelta(days=1)).isoformat()
    return Health(
        alive=silent <= 2 * row.period,
        canary=row.canary_on is not None and row.canary_on >= yesterday,
        last=row.at,
        worker=row.worker,
        waiting=waiting,
        promises=promises,
    )


def messages_of(
    conn: Connection, department: str, *, after: str | None, limit: int
) -> tuple[tuple[MessageView, ...], str | None]:
    """Messages of a department, newest first, and the mark after which the next page begins."""
    query = select(message_table).where(message_table.c.department_id == department)
    if after is not None:
        at, _, last = after.partition("~")
        query = query.where(or_(message_table.c.at < at, (message_table.c.at == at) & (message_table.c.id < last)))
    rows = conn.execute(query.order_by(message_table.c.at.desc(), message_table.c.id.desc()).limit(limit + 1)).all()
    mark = f"{rows[limit - 1].at}~{rows[limit - 1].id}" if len(rows) > limit else None
    return tuple(_view(r) for r in rows[:limit]), mark
