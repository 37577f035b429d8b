"""`evolve` and `fold`: the state of a case is what its events make of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.casework.deadlines import next_due
from engine.casework.events import (
    CaseClosed,
    CaseFiled,
    CaseMoved,
    Event,
    ListingEnded,
    ObligationMoved,
    ObligationsAdded,
)
from engine.casework.model import Case, Clock, Obligation

COLLECTIONS: Mapping[str, str] = {"party": "parties", "objection": "objections", "repair": "repairs", "task": "tasks"}


def evolve(case: Case | None, event: Event) -> Case:
    """The case after `event`. Works on a whole case and on a slice that holds the obligations the event names.

    Raises:
        ValueError: an event other than `CaseFiled` has no case to happen to.

    """
    if isinstance(event, CaseFiled):
        version = case.version if case is not None else 0
        return Case(
            event.case, event.subject, event.list, event.actor.department, event.policy, "filed", version=version + 1,
            filed_on=event.on, last_on=event.on, drafter=event.actor.officer,
        )  # fmt: skip
    if case is None:
        message = f"{type(event).__name__} before CaseFiled"
        raise ValueError(message)
    case = replace(case, version=case.version + 1, last_on=event.on)
    match event:
        case ObligationsAdded(obligations=added, edges=edges):
            return replace(
                case,
                total=case.total + len(added),
                unclosed=case.unclosed + sum(o.state != "closed" for o in added),
                obligations={**case.obligations, **{o.id: o for o in added}},
                edges=case.edges + edges,
            )
        case ObligationMoved(obligation=name):
            before = case.obligations[name]
            after = changed(before, event)
            closed = after.state == "closed" and before.state != "closed"
            return replace(case, unclosed=case.unclosed - closed, obligations={**case.obligations, name: after})
        case CaseMoved(changes=changes):
            return replace(case, **_fields(case, changes))
        case ListingEnded(on=day, ground=ground):
            publicity, listing = (_stopped(clock, day) for clock in (case.publicity, case.listing))
            return replace(case, state="lifting", ended_on=day, ground=ground, publicity=publicity, listing=listing)
        case CaseClosed():
            return replace(case, state="closed")
        case _:
            raise ValueError(event)


def _stopped(clock: Clock | None, day: dt.date) -> Clock | None:
    """A clock that stops with the listing, unless it had stopped before."""
    return clock if clock is None or clock.ended_on is not None else replace(clock, ended_on=day)


def changed(before: Obligation, event: ObligationMoved) -> Obligation:
    """The obligation after its event. A deadline on another day is a new escalation."""
    after = replace(before, **event.changes)
    was, now = next_due(before), next_due(after)
    if before.rungs and "rungs" not in event.changes and (was and was.on) != (now and now.on):
        return replace(after, rungs=0, quiet=False)
    return after


def _fields(case: Case, changes: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in changes.items():
        if name == "parties":
            fields["parties"] = {**case.parties, **{p.id: p for p in value}}
        elif name in COLLECTIONS:
            key = value.name if name == "task" else value.id
            held = COLLECTIONS[name]
            fields[held] = {**fields.get(held, getattr(case, held)), key: value}
        else:
            fields[name] = value
    return fields


def fold(events: Iterable[Event], case: Case | None = None) -> Case:
    """The case that `events` make, from nothing or from `case`.

    Raises:
        ValueError: there are no events, or the first is not `CaseFiled`.

    """
    obligations = dict(case.obligations) if case is not None else {}
    for event in events:
        # one dictionary for the whole fold: a copy for each event would make ending a large case quadratic
        if case is not None and isinstance(event, ObligationMoved):
            before = obligations[event.obligation]
            after = obligations[event.obligation] = changed(before, event)
            closed = after.state == "closed" and before.state != "closed"
            case = replace(case, version=case.version + 1, unclosed=case.unclosed - closed, last_on=event.on)
        else:
            case = evolve(case if case is None else replace(case, obligations=obligations), event)
            obligations = dict(case.obligations)
    if case is None:
        message = "no events"
        raise ValueError(message)
    return replace(case, obligations=obligations)
