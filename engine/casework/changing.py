"""A live case under new facts or new rules: what is owed no longer is lifted, what is owed besides is added."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.casework.calendar import Calendars
from engine.casework.clocks import start_clocks
from engine.casework.commands import Correct, Migrate
from engine.casework.events import CaseMoved, Event, ObligationMoved
from engine.casework.evolving import fold
from engine.casework.filing import additions, identities, parties_of, reached, upstream_days
from engine.casework.lifting import BEFORE_FORCE, undo
from engine.casework.model import Case, Obligation, Refusal
from engine.decision.model import Decision
from engine.language.ir import Policy


def correct(case: Case, command: Correct, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """Wrong data were put right. Before the decision to list, the procedure begins again with the right ones.

    Raises:
        Refusal: `ended`, `reason-required`, `cyclic-obligations`.

    """
    return _change(case, command, policy, calendars, "correct", {})


def migrate(case: Case, command: Migrate, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """Bring the case under `policy`, the new version. Raises like `correct`, and `same-policy`."""
    decision: Decision = command.decision
    if decision.policy == case.policy:
        raise Refusal("same-policy", "案件已经适用这一政策版本", case.policy)
    return _change(case, command, policy, calendars, "migrate", {"policy": decision.policy})


def _change(
    case: Case,
    command: Correct | Migrate,
    policy: Policy,
    calendars: Calendars,
    action: str,
    changes: dict[str, Any],
) -> tuple[Event, ...]:
    if case.state in {"lifting", "closed"}:
        raise Refusal("ended", "名单已终止")
    if not command.reason.strip():
        raise Refusal("reason-required", "须说明理由")
    decision: Decision = command.decision
    detail: dict[str, Any] = {"reason": command.reason.strip(), "changed": list(command.changed)}
    if case.state in BEFORE_FORCE:
        done = upstream_days(policy.lists[case.list].procedure, decision.facts, command.today)
        parties = parties_of(decision, done)
        gone = tuple(
            replace(p, removed_on=command.today) for i, p in case.parties.items() if i not in reached(decision)
        )
        again: dict[str, Any] = {"state": "filed", "shown_before": None, "decided_on": None, "number": "", "tasks": {}}
        kept = {} if action == "migrate" else again | {"parties": (*parties, *gone)}
        return (_moved(command, action, changes | kept, detail, decision),)
    assert case.decided_on is not None
    publicity, listing = start_clocks(policy.lists[case.list], decision.facts.values, case.decided_on)
    changes |= {
        name: replace(clock, ended_on=old.ended_on if old else None)
        for name, clock, old in (("publicity", publicity, case.publicity), ("listing", listing, case.listing))
    }
    surplus = no_longer_owed(case, decision)
    lifted = undo(case, command, surplus, policy, calendars, outcome="corrected")
    after = fold(lifted, replace(case, policy=decision.policy)) if lifted else replace(case, policy=decision.policy)
    added = additions(after, command, decision, policy, calendars)
    detail |= {"lifted": sorted(surplus), "kept": sum(o.state != "closed" for o in after.obligations.values())}
    return (_moved(command, action, changes, detail, decision), *lifted, *added)


def _moved(
    command: Correct | Migrate, action: str, changes: dict[str, Any], detail: dict[str, Any], decision: Decision
) -> CaseMoved:
    return CaseMoved(command.today, command.actor, action, changes, detail, decision.digest())


def no_longer_owed(case: Case, decision: Decision) -> frozenset[str]:
    """Ids of live obligations that `decision` does not owe, neither as first owed nor as passed on."""
    owed = {o.key for o in decision.obligations}
    origin = {e.after: e.before for e in case.edges if e.kind == "supersedes"}

    def keys(obligation: Obligation) -> set[str]:
        before = case.obligations.get(origin.get(obligation.id, ""))
        return identities(obligation) | (keys(before) if before is not None else set())

    return frozenset(
        o.id for o in case.obligations.values() if o.state not in {"closed", "lifting"} and not keys(o) & owed
    )


def difference(events: tuple[Event, ...]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """What a change does, also for showing it before it is done: ids of obligations added, lifted, cancelled."""
    added = [o.id for e in events for o in getattr(e, "obligations", ())]
    moves = [e for e in events if isinstance(e, ObligationMoved)]
    return (
        tuple(added),
        tuple(e.obligation for e in moves if e.action == "begin-lift"),
        tuple(e.obligation for e in moves if e.action in {"cancel", "retain"}),
    )
