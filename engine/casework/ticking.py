"""What happens because time passes: expiry, the end of publicity and of measures, succession, new dates, escalation.

`tick` is a function of the case and the day alone. A second tick on the same day makes nothing happen, and a tick after
a long sleep makes happen what daily ticks would have: a worker may be dead, slow, restarted or doubled.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine.casework.calendar import Calendars, add
from engine.casework.clocks import ends_soon
from engine.casework.commands import Tick
from engine.casework.deadlines import next_due
from engine.casework.events import CaseMoved, Event, ObligationMoved
from engine.casework.evolving import fold
from engine.casework.lifting import BEFORE_FORCE, ended, undo
from engine.casework.model import Case, Due, Obligation
from engine.casework.terms import response_terms
from engine.language.ir import Department, Ladder, Policy, Rung
from engine.language.scalars import duration

PUBLISHED = "放假安排已公布"
OVER = frozenset({"lifting", "closed"})
DUES = ("accept_by", "act_by", "lift_by", "feedback_by", "rearm_by")


def tick(case: Case, command: Tick, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """The events of a passing day. Needs the whole case; of one that is closed only objections are still open."""
    if case.state == "closed" and not case.marked:
        return ()
    events: list[Event] = []
    now = case

    def happened(new: Iterator[Event] | tuple[Event, ...]) -> None:
        nonlocal now
        made = tuple(new)
        if made:
            events.extend(made)
            now = fold(made, now)

    happened(_reissued(now, command, calendars))
    happened(_succeeded(now, command, policy, calendars))
    while now.state == "in-force" and (last := _first_end(now, command.today)) is not None:
        # what became late while a measure still ran is told before the measure goes, however long the sleep was
        happened(_escalated(now, command, policy, calendars, last))
        happened(_publicity_over(now, command, last, policy, calendars))
        expired = {o.id for o in now.obligations.values() if o.state == "in-force" and o.expires_on == last}
        if expired:
            happened(undo(now, command, expired, policy, calendars, outcome="expired"))
        if now.state == "in-force" and now.listing is not None and now.listing.maximum == last:
            happened(ended(now, command, "expiry", "期限届满", policy, calendars))
    if now.state == "in-force":
        happened(_warned(now, command))
    happened(_escalated(now, command, policy, calendars, command.today))
    return tuple(events)


def _first_end(case: Case, today: dt.date) -> dt.date | None:
    """The earliest last day, passed by now, of publicity, the listing, or a measure in force."""
    clocks = [c.maximum for c in (case.publicity, case.listing) if c is not None and c.over(today)]
    measures = [o.expires_on for o in case.obligations.values() if o.state == "in-force"]
    return min((day for day in (*clocks, *measures) if day is not None and day < today), default=None)


def _publicity_over(case: Case, command: Tick, last: dt.date, policy: Policy, calendars: Calendars) -> Iterator[Event]:
    """At its maximum publicity ends by itself, and what was published is taken down."""
    if case.publicity is None or case.publicity.ended_on is not None or case.publicity.maximum != last:
        return
    over = replace(case.publicity, ended_on=command.today)
    yield CaseMoved(command.today, command.actor, "end-publicity", {"publicity": over})
    shown = {o.id for o in case.obligations.values() if o.effect == "publicise"}
    yield from undo(case, command, shown, policy, calendars, outcome="expired")


def _warned(case: Case, command: Tick) -> Iterator[Event]:
    """Those concerned are told once, ahead of the nearest end."""
    near = ends_soon(case, command.today)
    if near is not None and case.warned_of != near.on:
        yield CaseMoved(command.today, command.actor, "warn", {"warned_of": near.on})


def _succeeded(case: Case, command: Tick, policy: Policy, calendars: Calendars) -> Iterator[Event]:
    """A department is gone: the one it was merged into takes over, and sets up again what is in force."""
    for obligation in case.obligations.values():
        if obligation.state == "closed":
            continue
        heir = successor(obligation.department, command.departments, command.today)
        if heir is None:
            continue
        changes: dict[str, Any] = {"department": heir}
        if obligation.state == "in-force":
            terms = response_terms(policy, obligation.rules, obligation.measure, obligation.department)
            changes["rearm_by"] = add(command.today, terms.arm, calendars)
        yield ObligationMoved(
            command.today, command.actor, obligation.id, "succeed", changes, {"from": obligation.department, "to": heir}
        )


def successor(department: str, register: Mapping[str, Department], today: dt.date) -> str | None:
    """The department that has taken over on `today`; `None` when nothing changed or nobody took over."""
    seen: set[str] = set()
    name = department
    while (found := register.get(name)) and found.validity.end is not None and found.validity.end < today:
        if found.merged_into is None or name in seen:
            return None
        seen.add(name)
        name = found.merged_into
    return name if name != department and name in register else None


def reissue(due: Due | None, calendars: Calendars) -> Due | None:
    """The deadline under the calendars as published now; `None` if it stays as it is."""
    if due is None or not due.provisional or due.since is None or due.term is None:
        return None
    again = add(due.since, duration(due.term), calendars)
    return None if again == due else again


def _reissued(case: Case, command: Tick, calendars: Calendars) -> Iterator[Event]:
    for obligation in case.obligations.values():
        if obligation.state == "closed":
            continue
        fresh = {n: again for n in DUES if (again := reissue(getattr(obligation, n), calendars)) is not None}
        if fresh:
            shown = [f"{n}：{getattr(obligation, n).on} → {due.on}" for n, due in fresh.items()]
            yield ObligationMoved(
                command.today, command.actor, obligation.id, "reissue", fresh, {"reason": PUBLISHED, "dates": shown}
            )
    for party in case.parties.values() if case.state not in OVER else ():
        if party.served_on is not None or (party.role == "subject" and case.state not in BEFORE_FORCE):
            continue
        until = ("statement_until", "hearing_until")
        later: dict[str, Any] = {n: d for n in until if (d := reissue(getattr(party, n), calendars)) is not None}
        if later:
            detail: dict[str, Any] = {"reason": PUBLISHED, "dates": sorted(f"{n}：{d.on}" for n, d in later.items())}
            yield CaseMoved(command.today, command.actor, "reissue", {"party": replace(party, **later)}, detail)
    for kind, entry in _own_duties(case):
        names = ("due", "provider_due") if kind == "objection" else ("due",)
        later = {n: d for n in names if (d := reissue(getattr(entry, n), calendars)) is not None}
        if later:
            detail = {"reason": PUBLISHED, "dates": [f"{getattr(entry, n).on} → {d.on}" for n, d in later.items()]}
            afresh = {"rungs": 0, "quiet": False} if later.get("due", entry.due).on != entry.due.on else {}
            moved = {kind: replace(entry, **later, **afresh)}
            yield CaseMoved(command.today, command.actor, "reissue", moved, detail)


def ladder_for(policy: Policy, list_id: str, measure: str | None) -> Ladder | None:
    """The escalation that applies: the measure's, else the list's, else the default."""
    found = policy.measures.get(measure) if measure is not None else None
    named = found.ladder if found is not None else None
    named = named or policy.lists[list_id].procedure.ladder
    if named is not None:
        return policy.ladders[named]
    return next((x for x in policy.ladders.values() if x.default), None)


def fires(ladder: Ladder, fired: int, due: Due, today: dt.date, calendars: Calendars) -> Iterator[tuple[int, Rung]]:
    """Rungs reached by `today` and not fired yet, with how many have fired after each."""
    for number, rung in enumerate(ladder.rungs[fired:], start=fired + 1):
        if today < add(due.on, rung.after, calendars).on:
            return
        yield number, rung


def _escalated(case: Case, command: Tick, policy: Policy, calendars: Calendars, until: dt.date) -> Iterator[Event]:
    """Rungs reached by `until`."""
    today = command.today
    for obligation in case.obligations.values():
        due = next_due(obligation)
        if due is None or obligation.quiet or due.on >= until:
            continue
        ladder = ladder_for(policy, case.list, obligation.measure)
        if ladder is None:
            continue
        for number, rung in fires(ladder, obligation.rungs, due, until, calendars):
            changes = {"rungs": number, "quiet": number == len(ladder.rungs)}
            detail = _telling(ladder, rung, obligation.department, due)
            yield ObligationMoved(today, command.actor, obligation.id, "escalate", changes, detail)
    ladder = ladder_for(policy, case.list, None)
    for kind, entry in _own_duties(case):
        if ladder is None or entry.quiet or entry.due.on >= until:
            continue
        for number, rung in fires(ladder, entry.rungs, entry.due, until, calendars):
            moved = {kind: replace(entry, rungs=number, quiet=number == len(ladder.rungs))}
            detail = _telling(ladder, rung, case.initiator, entry.due)
            yield CaseMoved(today, command.actor, "escalate", moved, detail)


def _own_duties(case: Case) -> Iterator[tuple[str, Any]]:
    """What the initiator owes now in the procedure itself."""
    over = {"publish"} if case.publicity is not None and case.publicity.ended_on is not None else set()
    tasks = [t for t in case.tasks.values() if t.done_on is None and t.name not in over]
    yield from (("task", t) for t in tasks if case.state not in OVER)
    yield from (("objection", o) for o in case.objections.values() if o.outcome is None)
    if case.state == "in-force":
        yield from (("repair", r) for r in case.repairs.values() if r.state in {"received", "accepted"})


def _telling(ladder: Ladder, rung: Rung, late: str, due: Due) -> dict[str, Any]:
    return {
        "ladder": ladder.id, "act": rung.act, "title": rung.title, "due": due.on, "late": late,
        "to": list(rung.to) or [late],
    }  # fmt: skip


def wake_on(obligation: Obligation) -> dt.date | None:
    """The first day on which a tick may have something to do about an obligation, as far as can be known now."""
    if obligation.state == "closed":
        return None
    due = next_due(obligation)
    days = [due.on] if due is not None and not obligation.quiet else []
    if obligation.state == "in-force" and obligation.expires_on is not None:
        days.append(obligation.expires_on)
    return min(days) + dt.timedelta(days=1) if days else None


def case_wakes_on(case: Case) -> dt.date | None:
    """The same about the case's own clocks and duties."""
    days = [e.due.on for _, e in _own_duties(case) if not e.quiet]
    if case.state == "in-force":
        days += [c.maximum for c in (case.publicity, case.listing) if c and c.maximum and c.ended_on is None]
        near = [c.maximum for c in (case.publicity, case.listing) if c and c.maximum and c.ended_on is None]
        if near and case.warned_of != min(near):
            days.append(min(near) - dt.timedelta(days=31))
    return min(days) + dt.timedelta(days=1) if days else None
