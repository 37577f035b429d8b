"""Taking measures down: what never took effect is closed, what did is lifted in reverse order, whole or in part."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from engine.casework.calendar import Calendars, add
from engine.casework.commands import Command, EndListing
from engine.casework.events import CaseClosed, Event, ListingEnded, ObligationMoved
from engine.casework.model import Case, Due, Obligation, Refusal
from engine.casework.terms import opened, response_terms
from engine.language.ir import Ground, Policy

BEFORE_FORCE = frozenset({"filed", "noticed", "decided"})
WITHOUT_FORCE: frozenset[Ground] = frozenset({"withdrawal", "annulment", "correction", "deceased", "dissolved"})
"""Grounds on which a case can end before its listing is in force."""


def end_listing(case: Case, command: EndListing, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """End the listing and begin to lift. Needs the whole case.

    Raises:
        Refusal: `not-yours`, `already`, `use-repair`, `use-decide`, `not-expired`, `not-in-force`.

    """
    if command.actor.department != case.initiator:
        raise Refusal("not-yours", "没有这一案件")
    if case.state in {"lifting", "closed"}:
        raise Refusal("already", "名单已经终止", case.ground or "")
    if case.state in BEFORE_FORCE and command.ground not in WITHOUT_FORCE:
        raise Refusal("not-in-force", "名单尚未生效，只能撤回、撤销、更正，或因主体死亡、注销终止")
    procedure = policy.lists[case.list].procedure
    if command.ground == "repair" and procedure.repair is not None:
        raise Refusal("use-repair", "信用修复须先受理申请，再作出决定")
    if command.ground == "not-listed":
        raise Refusal("use-decide", "不予列入由列入决定作出")
    if command.ground == "expiry" and (case.listing is None or not case.listing.over(command.today)):
        until = case.listing.maximum.isoformat() if case.listing and case.listing.maximum else "名单未定期限"
        raise Refusal("not-expired", "名单期限未满", until)
    return ended(case, command, command.ground, command.reason, policy, calendars)


def ended(
    case: Case, command: Command, ground: Ground, reason: str, policy: Policy, calendars: Calendars
) -> tuple[Event, ...]:
    """The events of an end on `ground`, whoever ordered it."""
    first = ListingEnded(command.today, command.actor, ground, reason)
    undone = undo(replace(case, ground=ground), command, set(case.obligations), policy, calendars)
    left = case.unclosed - sum(e.changes.get("state") == "closed" for e in undone)
    closing = () if left else (CaseClosed(command.today, command.actor),)
    return (first, *undone, *closing)


def undo(
    case: Case,
    command: Command,
    which: Collection[str],
    policy: Policy,
    calendars: Calendars,
    *,
    outcome: str | None = None,
) -> tuple[ObligationMoved, ...]:
    """Close or begin to lift the obligations in `which`; `outcome` says why, when it is not the end of the listing.

    An obligation is lifted after all that need it and are being lifted too, those already on the way included.
    """
    chosen = {i: case.obligations[i] for i in case.obligations if i in which}
    lifting = {i for i, o in chosen.items() if _to_lift(o)}
    already = {i for i, o in case.obligations.items() if o.state == "lifting"}
    needs = {(e.before, e.after) for e in case.edges if e.kind == "needs"}
    waits = Counter(before for before, after in needs if before in lifting and after in lifting | already)
    events = [
        _moved(command, before, "wait", {"unlifted": case.obligations[before].unlifted + count, "lift_by": None})
        for before, count in sorted(Counter(b for b, a in needs if b in already and a in lifting).items())
    ]
    cancelled: set[str] = set()
    for obligation in chosen.values():
        changes: dict[str, Any]
        if obligation.state in {"closed", "lifting"}:
            continue
        if obligation.id in lifting:
            count = waits[obligation.id]
            due = None if count else lift_due(case, obligation, command.today, policy, calendars)
            action, changes = "begin-lift", {"state": "lifting", "unlifted": count, "feedback_by": None}
            changes |= {"rearm_by": None} if obligation.rearm_by else {}
            changes |= {"lift_by": due} if due else {}
            changes |= {"outcome": outcome} if outcome else {}
        elif obligation.state == "done":
            action, changes = "retain", {"state": "closed"}
        else:
            action, changes = "cancel", {"state": "closed", "outcome": outcome or "never-effective"}
            cancelled.add(obligation.id)
        events.append(_moved(command, obligation.id, action, changes))
    return (*events, *_freed(case, command, needs, cancelled, set(chosen), policy, calendars))


def _freed(
    case: Case,
    command: Command,
    needs: Collection[tuple[str, str]],
    cancelled: Collection[str],
    chosen: Collection[str],
    policy: Policy,
    calendars: Calendars,
) -> list[ObligationMoved]:
    """What waited for a cancelled obligation and stays waits for one less."""
    fewer = Counter(after for before, after in needs if before in cancelled and after not in chosen)
    events = []
    for name, count in sorted(fewer.items()):
        after = case.obligations[name]
        if after.state == "waiting":
            events.append(_moved(command, name, "open", waited(after, count, policy, calendars, command.today)))
    return events


def waited(obligation: Obligation, count: int, policy: Policy, calendars: Calendars, today: dt.date) -> dict[str, Any]:
    """What changes in a waiting obligation when `count` of what it waits for have come about."""
    if obligation.unmet > count:
        return {"unmet": obligation.unmet - count}
    now = opened(obligation, policy, calendars, today)
    return {name: getattr(now, name) for name in ("state", "unmet", "accept_by", "act_by")}


def lift_due(case: Case, obligation: Obligation, today: dt.date, policy: Policy, calendars: Calendars) -> Due:
    """By when a measure is to be lifted: as the list says for this ground, else in the measure's own time."""
    stated = policy.lists[case.list].procedure.ends.get(case.ground) if case.ground else None
    terms = response_terms(policy, obligation.rules, obligation.measure, obligation.department)
    return add(today, stated or terms.lift, calendars)


def _moved(command: Command, obligation: str, action: str, changes: dict[str, Any]) -> ObligationMoved:
    return ObligationMoved(command.today, command.actor, obligation, action, changes)


def _to_lift(obligation: Obligation) -> bool:
    return obligation.state == "in-force" or (obligation.state == "done" and obligation.reversible)
