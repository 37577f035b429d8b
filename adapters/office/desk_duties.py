"""The two liabilities of officials as evidence per duty: not having asked, and not having carried out.

The ledger knows which measures stand and which occasions departments wrote down. It has no list of all matters that a
department handled, so where neither an occasion nor a question is on record it says that it does not know.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, exists, or_, select

from adapters.ledger.database import read
from adapters.ledger.store import StoredEvent, stored
from adapters.ledger.tables import NEVER, checks, events, messages, obligations
from adapters.office import looks
from adapters.office.access import require_role
from adapters.office.desk import check_limit, check_texts, described, place_of
from adapters.office.desk_model import Duty, DutyFinding, DutyPage, EventProof, Told
from adapters.office.errors import FieldError, InvalidError
from adapters.office.model import Principal
from adapters.office.ports import Context, day_of
from engine.casework.model import SYSTEM

WINDOW = 30
"""Days before an occasion in which the counter must have asked, unless another number is given."""
MAX_WINDOW = 366
BATCH = 200
"""Obligations walked at a time."""
LATE: Mapping[str, str] = {"open": "not-accepted", "in-force": "no-feedback", "lifting": "not-lifted"}
NOT_KNOWN = "账上没有办理该事项的情形记录；是否办理过而未查询，本系统不掌握，须与该部门的办件台账核对"
GONE = "记录的内容已依法删除，只能看出记录过一次情形"


@dataclass(frozen=True, slots=True)
class DutySearch:
    """Which duties are looked at. since, until: days of the occasion or the deadline, both included.

    window: the counter must have asked within so many days before an occasion, and after the occasion before it.
    """

    department: str | None = None
    duty: Duty | None = None
    subject: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    window: int = WINDOW


@dataclass(frozen=True, slots=True)
class _Material:
    """What is on record about a batch of obligations."""

    today: dt.date
    moved: Mapping[str, list[StoredEvent]]  # by obligation, in order
    told: Mapping[str, list[Row[Any]]]  # by obligation, in order
    asked: Mapping[tuple[str, str, str], list[str]]  # department, person, matter → instants


def duties(context: Context, principal: Principal, search: DutySearch, after: str | None, limit: int) -> DutyPage:
    """See `Office.audit_duties`."""
    require_role(principal, "auditor")
    check_limit(limit)
    check_texts({"department": search.department, "subject": search.subject})
    if not 1 <= search.window <= MAX_WINDOW:
        raise InvalidError((FieldError("window", "range", f"应为 1 至 {MAX_WINDOW}"),))
    last = place_of(after, 1)[0] if after is not None else ""
    found: list[DutyFinding] = []
    walked, full = 0, False
    with read(context.engine) as conn:
        # one walk, read a part at a time, however many obligations there are
        walk = conn.execution_options(yield_per=BATCH).execute(_owed(search, last, context.today()))
        for rows in walk.partitions():
            if full:
                break
            material = _material(conn, rows, context.today())
            for row in rows:
                if full := len(found) >= limit:
                    break
                found += _findings(row, material, search)
                last, walked = row.id, walked + 1
        walk.close()
    about = described(search)
    looks.record(context, principal, {f.person for f in found}, what="audit-duties", about=about)
    return DutyPage(tuple(found), walked, last if full else None)


def _owed(search: DutySearch, last: str, today: dt.date) -> Select[Any]:
    """Obligations after an id about which there may be something to find; most have none, and are left out here."""
    o, e = obligations.c, events.c
    told_of = or_(*(e.payload.like(f'{{"action":"{action}"%') for action in ("apply", "escalate")))
    late = exists().where(e.case_id == o.case_id, e.type == "obligation-moved", told_of)
    not_done = or_(o.due_on < today.isoformat(), late)
    not_asked = and_(o.matter.is_not(None), o.effective_on.is_not(None))
    may_be = {"query": not_asked, "carry-out": not_done, None: or_(not_asked, not_done)}[search.duty]
    query = select(obligations).where(o.id > last, o.state != "waiting", may_be).order_by(o.id)
    if search.department is not None:
        query = query.where(o.department_id == search.department)
    if search.subject is not None:
        query = query.where((o.target_id == search.subject) | (o.subject_id == search.subject))
    return query


def _material(conn: Connection, rows: Sequence[Row[Any]], today: dt.date) -> _Material:
    ids, of_cases, people = {r.id for r in rows}, {r.case_id for r in rows}, {r.target_id for r in rows}
    moved: dict[str, list[StoredEvent]] = defaultdict(list)
    e = events.c
    of_obligations = select(events).where(e.case_id.in_(of_cases), e.type == "obligation-moved")
    for row in conn.execute(of_obligations.order_by(e.case_id, e.version)).all():
        plain = json.loads(row.payload)
        if plain["obligation"] in ids:  # what is sealed is opened only where it is asked about
            event = stored(row, conn) if plain["action"] == "apply" else stored(row)
            moved[plain["obligation"]].append(event)
    wanted = [name for found in moved.values() for event in found for name in _messages(event)]
    told: dict[str, list[Row[Any]]] = defaultdict(list)
    for message in conn.execute(select(messages).where(messages.c.id.in_(wanted)).order_by(messages.c.id)):
        told[message.obligation_id].append(message)
    asked: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    c = checks.c
    query = select(c.department, c.subject_id, c.matter, c.at).where(c.subject_id.in_(people)).order_by(c.at)
    for department, person, matter, at in conn.execute(query):
        asked[department, person, matter].append(at)
    return _Material(today, moved, told, asked)


def _messages(event: StoredEvent) -> list[str]:
    """The ids of the messages that an escalation was told by."""
    if _action(event) != "escalate":
        return []
    return [f"{event.case}.{event.version:09}.{n}" for n in range(len(event.payload["detail"]["to"]))]


def _findings(row: Row[Any], m: _Material, search: DutySearch) -> Iterator[DutyFinding]:
    if search.duty != "carry-out" and row.matter is not None:
        yield from _not_asked(row, m, search)
    if search.duty != "query":
        yield from _not_carried_out(row, m, search)


def _not_asked(row: Row[Any], m: _Material, search: DutySearch) -> Iterator[DutyFinding]:
    """Occasions written down without a question before; and measures about which nobody ever asked."""
    asked = m.asked.get((row.department_id, row.target_id, row.matter), [])
    occasions = [e for e in m.moved.get(row.id, ()) if _action(e) == "apply" and e.department == row.department_id]
    before = ""
    for event in occasions:
        first = max(before, _days_before(event.at, search.window))
        if _within(event.on, search) and not any(first < at <= event.at for at in asked):
            words = f"此前 {search.window} 日内、上一次情形之后，没有本部门就该事项查询此人的记录"
            yield _finding(row, "query", "applied-unchecked", [event], (), on=event.on, remark=words)
        before = event.at
    began = dt.date.fromisoformat(row.effective_on) if row.effective_on else None
    if began is None or occasions or row.mode != "standing" or any(day_of(at) >= began for at in asked):
        return
    if search.until is None or began <= search.until:
        days = (m.today - began).days
        yield _finding(row, "query", "never-checked", (), (), on=began, days=days, known=False, remark=NOT_KNOWN)


def _not_carried_out(row: Row[Any], m: _Material, search: DutySearch) -> Iterator[DutyFinding]:
    """What is late now, what was late enough to be escalated, and occasions at which a measure was not applied."""
    moved = m.moved.get(row.id, [])
    escalated: dict[str, list[StoredEvent]] = defaultdict(list)
    for event in moved:
        if _action(event) == "escalate":
            escalated[event.payload["detail"]["due"]["@date"]].append(event)
    if row.due_on != NEVER and row.due_on < m.today.isoformat():
        escalated.setdefault(row.due_on, [])
    for due, rungs in sorted(escalated.items()):
        due_on = dt.date.fromisoformat(due)
        if not _within(due_on, search):
            continue
        told = [t for t in m.told.get(row.id, ()) if t.due_on == due]
        if due == row.due_on:
            kind = LATE.get(row.state) or ("not-armed" if row.mode == "standing" else "not-done")
            proofs, until = rungs, m.today
        else:
            done = _acted_after(moved, rungs[0])
            kind, proofs, until = "late", [*rungs, *done], done[0].on if done else m.today
        late = (until - due_on).days
        yield _finding(row, "carry-out", kind, proofs, told, due_on=due_on, days=late, officer=_officer(moved, row))
    for event in moved:
        if _action(event) == "apply" and _within(event.on, search):
            applied = event.payload["detail"].get("applied") if isinstance(event.payload["detail"], dict) else None
            if applied is False:
                said = event.payload["detail"]
                words = f"情形：{said['occasion'] or '未写明'}；理由：{said['reason'] or '未写明'}"
                yield _finding(row, "carry-out", "not-applied", [event], (), on=event.on, remark=words)
            elif applied is None:
                yield _finding(row, "carry-out", "not-applied", [event], (), on=event.on, known=False, remark=GONE)


def _finding(
    row: Row[Any],
    duty: Duty,
    kind: str,
    proofs: Iterable[StoredEvent],
    told: Iterable[Row[Any]],
    *,
    on: dt.date | None = None,
    due_on: dt.date | None = None,
    days: int | None = None,
    known: bool = True,
    officer: str | None = None,
    remark: str = "",
) -> DutyFinding:
    proved = tuple(EventProof(e.version, _action(e), e.on, e.at, e.department, e.officer, e.hash) for e in proofs)
    return DutyFinding(
        duty=duty, kind=kind, known=known, department=row.department_id,
        officer=officer if officer is not None else proved[-1].officer if proved else "", case=row.case_id,
        obligation=row.id, person=row.target_id, measure=row.measure, title=row.title, matter=row.matter, due_on=due_on,
        on=on, days=days, basis=tuple((law, article) for law, article in json.loads(row.basis)), events=proved,
        told=tuple(Told(t.department_id, t.audience, t.title, t.at, t.delivered_at) for t in told), remark=remark,
    )  # fmt: skip


def _action(event: StoredEvent) -> str:
    return str(event.payload["action"])


def _acted_after(moved: list[StoredEvent], event: StoredEvent) -> list[StoredEvent]:
    """The first thing that somebody, not the passing of time, did about an obligation after an event."""
    return [e for e in moved if e.version > event.version and e.department != SYSTEM][:1]


def _officer(moved: list[StoredEvent], row: Row[Any]) -> str:
    """Whoever last acted on an obligation for the department that has it."""
    return next((e.officer for e in reversed(moved) if e.department == row.department_id), "")


def _within(day: dt.date, search: DutySearch) -> bool:
    return (search.since is None or search.since <= day) and (search.until is None or day <= search.until)


def _days_before(at: str, days: int) -> str:
    moment = dt.datetime.fromisoformat(at) - dt.timedelta(days=days)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
