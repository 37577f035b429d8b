"""`evolve` and `fold`: the state of a case is what its events make of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.casework.model import (
    Case,
    CaseClosed,
    CaseFiled,
    Event,
    ListingEnded,
    ObligationMoved,
    ObligationsAdded,
)


def evolve(case: Case | None, event: Event) -> Case:
    """The case after `event`. Works on a whole case and on a slice that holds the obligations the event names.

    Raises:
        ValueError: an event other than `CaseFiled` has no case to happen to.

    """
    if isinstance(event, CaseFiled):
        version = case.version if case is not None else 0
        return Case(
            event.case, event.subject, event.list, event.actor.department, event.policy, version=version + 1,
            filed_on=event.on,
        )  # fmt: skip
    if case is None:
        message = f"{type(event).__name__} before CaseFiled"
        raise ValueError(message)
    version = case.version + 1
    match event:
        case ObligationsAdded(obligations=added, edges=edges):
            return replace(
                case,
                version=version,
                total=case.total + len(added),
                unclosed=case.unclosed + sum(o.state != "closed" for o in added),
                obligations={**case.obligations, **{o.id: o for o in added}},
                edges=case.edges + edges,
            )
        case ObligationMoved(obligation=name, changes=changes):
            before = case.obligations[name]
            after = replace(before, **changes)
            closed = after.state == "closed" and before.state != "closed"
            return replace(
                case,
                version=version,
                unclosed=case.unclosed - closed,
                obligations={**case.obligations, name: after},
            )
        case ListingEnded(on=day, ground=ground):
            return replace(case, version=version, state="lifting", ended_on=day, ground=ground)
        case CaseClosed():
            return replace(case, version=version, state="closed")
        case _:
            raise ValueError(event)


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
            after = obligations[event.obligation] = replace(before, **event.changes)
            closed = after.state == "closed" and before.state != "closed"
            case = replace(case, version=case.version + 1, unclosed=case.unclosed - closed)
        else:
            case = evolve(case if case is None else replace(case, obligations=obligations), event)
            obligations = dict(case.obligations)
    if case is None:
        message = "no events"
        raise ValueError(message)
    return replace(case, obligations=obligations)
