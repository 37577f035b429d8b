"""The end of a listing: what never took effect is closed, what did is taken down again in reverse order."""

from __future__ import annotations

from collections import Counter
from typing import Any

from engine.casework.calendar import Calendars, add
from engine.casework.filing import response_terms
from engine.casework.model import (
    Case,
    CaseClosed,
    EndListing,
    Event,
    ListingEnded,
    Obligation,
    ObligationMoved,
    Refusal,
)
from engine.language.ir import Policy


def end_listing(case: Case, command: EndListing, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """End the listing and begin to lift. Needs the whole case.

    Raises:
        Refusal: `not-yours`, `already`.

    """
    if command.actor.department != case.initiator:
        raise Refusal("not-yours", "没有这一案件")
    if case.state != "in-force":
        raise Refusal("already", "名单已经终止", case.ground or "")
    lifting = {o.id for o in case.obligations.values() if _to_lift(o)}
    needs = {(e.before, e.after) for e in case.edges if e.kind == "needs"}
    unlifted = Counter(before for before, after in needs if before in lifting and after in lifting)
    events: list[Event] = [ListingEnded(command.today, command.actor, command.ground, command.reason)]
    open_still = 0
    for obligation in case.obligations.values():
        changes: dict[str, Any]
        if obligation.state == "closed":
            continue
        if obligation.id in lifting:
            action, changes = (
                "begin-lift",
                {"state": "lifting", "unlifted": unlifted[obligation.id], "feedback_by": None},
            )
            if not unlifted[obligation.id]:
                terms = response_terms(policy, obligation.rules, obligation.measure, obligation.department)
                changes["lift_by"] = add(command.today, terms.lift, calendars)
            open_still += 1
        elif obligation.state == "done":
            action, changes = "retain", {"state": "closed"}
        else:
            action, changes = "cancel", {"state": "closed", "outcome": "never-effective"}
        events.append(ObligationMoved(command.today, command.actor, obligation.id, action, changes))
    if not open_still:
        events.append(CaseClosed(command.today, command.actor))
    return tuple(events)


def _to_lift(obligation: Obligation) -> bool:
    return obligation.state == "in-force" or (obligation.state == "done" and obligation.reversible)
