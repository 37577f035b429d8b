"""What casework makes of a listing and of a measure on one day, by the code that runs real cases.

Every step is taken as if it happened on the day of the test, so one day reckons every period of a procedure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

from engine.casework.calendar import add
from engine.casework.clocks import earliest_repair
from engine.casework.commands import (
    Accept,
    ApplyRepair,
    Arm,
    Command,
    Confirm,
    DecideListing,
    MoveRepair,
    Notify,
    RaiseObjection,
    Respond,
)
from engine.casework.deciding import decide
from engine.casework.evolving import fold
from engine.casework.filing import into_force, obligations_from
from engine.casework.lifting import lift_due
from engine.casework.model import Actor, Case, Due, Evidence, Obligation, Party, Refusal
from engine.casework.terms import opened
from engine.decision.model import Decision, Facts, Owed
from engine.language.ir import Duration, Policy, Procedure

PROOF = (Evidence("0" * 64, "测试"),)
LONG_AGO = dt.timedelta(days=366)
"""How long before its day a test takes a publicity before the recognition to have begun."""
CLERK, HEAD = "经办人", "负责人"

Day = dt.date | None


def owed(policy: Policy, decision: Decision) -> dict[str, Obligation]:
    """What departments owe when the listing comes into force on the decision's day, by key.

    Raises:
        Refusal: `cyclic-obligations`.

    """
    facts = decision.facts
    found, _ = obligations_from(decision, policy, policy.calendars, facts.as_of, _filed(policy, facts))
    return {obligation.key: obligation for obligation in found}


def listing_dates(policy: Policy, decision: Decision) -> dict[str, Day]:
    """The days that the list's procedure gives, by the keys of `expect.dates`; `None` where there is no such period."""
    facts = decision.facts
    procedure = policy.lists[facts.list].procedure
    case = _listed(policy, facts, procedure)
    task = case.tasks.get("publish")
    return {
        **_before_the_decision(policy, facts, procedure),
        "publish_by": _on(task.due if task else None),
        "publicity_minimum": case.publicity.minimum if case.publicity else None,
        "publicity_until": case.publicity.maximum if case.publicity else None,
        "listing_until": case.listing.maximum if case.listing else None,
        "repair_minimum": case.listing.minimum if case.listing else None,
        "repair_from": earliest_repair(case, procedure),
        **_remedies(policy, facts, procedure),
    }


def _listed(policy: Policy, facts: Facts, procedure: Procedure) -> Case:
    """The case as its clocks start. What was decided upstream was decided on the day that the facts state, if any."""
    case, proof = _filed(policy, facts), procedure.upstream.get("decision")
    stated = facts.values.get(proof.date) if proof is not None else None
    decided_on = dt.date.fromordinal(stated) if isinstance(stated, int) else facts.as_of
    command = Command(_actor(policy, facts, CLERK), facts.as_of)
    nothing_owed = Decision(policy.version, facts, (), (), (), (), (), ())
    parties = tuple(case.parties.values())
    return fold(into_force(case, command, nothing_owed, policy, policy.calendars, decided_on, "", parties), case)


def lift_dates(policy: Policy, facts: Facts) -> dict[str, Day]:
    """By when measures are lifted when the listing ends on the day, for the grounds of which the list says so."""
    case = _filed(policy, facts)
    ends = policy.lists[facts.list].procedure.ends
    if not ends or not policy.measures:
        return {}
    sample = _sample(policy, facts, min(policy.measures))
    return {
        ground: lift_due(replace(case, ground=ground), sample, facts.as_of, policy, policy.calendars).on
        for ground in ends
    }


def measure_terms(policy: Policy, facts: Facts, measure: str) -> dict[str, object]:
    """The measure's own terms, whatever rules say, by the keys of `expect.measures`."""
    return obligation_terms(policy, facts, _sample(policy, facts, measure))


def obligation_terms(policy: Policy, facts: Facts, obligation: Obligation) -> dict[str, object]:
    """The days of one obligation that opens, takes effect and is lifted on the day; and how it is to be answered."""
    calendars, day = policy.calendars, facts.as_of
    ready = opened(obligation, policy, calendars, day)
    case = replace(_filed(policy, facts), state="in-force", obligations={ready.id: ready}, total=1, unclosed=1)
    acted = _acted(case, ready, policy, day)
    return {
        "accept_by": _on(ready.accept_by),
        "act_by": _on(ready.act_by),
        "lift_by": lift_due(case, obligation, day, policy, calendars).on,
        "expires_on": acted.expires_on,
        "feedback_by": _on(acted.feedback_by),
        "feedback": obligation.feedback,
        "evidence": obligation.evidence_required,
    }


def _acted(case: Case, obligation: Obligation, policy: Policy, day: dt.date) -> Obligation:
    """The obligation after its department has done what it asks."""
    actor, name = Actor(obligation.department, CLERK), obligation.id
    commands: list[Command] = [Accept(actor, day, name)]
    if obligation.restrictive:
        commands.append(Confirm(actor, day, name))
    standing = obligation.mode == "standing"
    done = Arm(actor, day, name, PROOF) if standing else Respond(actor, day, name, "implemented", evidence=PROOF)
    return _after(case, (*commands, done), policy).obligations[name]


def _before_the_decision(policy: Policy, facts: Facts, procedure: Procedure) -> dict[str, Day]:
    """Notice, statement, hearing, publicity before the recognition, service."""
    calendars, day = policy.calendars, facts.as_of
    case, clerk = _filed(policy, facts), _actor(policy, facts, CLERK)
    notice = Notify(clerk, day, facts.subject, day, "direct", "测试", PROOF)
    party = _after(case, (notice,), policy).parties[facts.subject]
    decider = Actor((procedure.decided_by or (clerk.department,))[0], HEAD)
    ready = replace(
        case,
        parties={facts.subject: Party(facts.subject, "subject", noticed_on=day - LONG_AGO)},
        shown_before=day - LONG_AGO,
    )
    decision = Decision(policy.version, facts, (), (), (), (), (), ())
    decided = _after(ready, (DecideListing(decider, day, "list", "测试", "测试", decision),), policy)
    serve = decided.tasks.get("serve")

    def end(period: Duration | None) -> Day:
        return _on(add(day, period, calendars)) if period else None

    return {
        "statement_until": _on(party.statement_until),
        "hearing_until": _on(party.hearing_until),
        "hearing_from": end(procedure.hearing_notice),
        "shown_before_until": end(procedure.pre_publicity),
        "serve_by": _on(serve.due if serve else None),
    }


def _remedies(policy: Policy, facts: Facts, procedure: Procedure) -> dict[str, Day]:
    """Credit repair and objection. A case without clocks has no minimum that an application could come before."""
    day, clerk, name = facts.as_of, _actor(policy, facts, CLERK), facts.subject
    case = replace(_filed(policy, facts), state="in-force")
    proved = procedure.repair.requires if procedure.repair else ()
    steps = (
        ApplyRepair(clerk, day, name, day, proved, PROOF),
        MoveRepair(clerk, day, "r1", "accept"),
        MoveRepair(clerk, day, "r1", "extend", "测试"),
    )
    received, accepted, extended = (_after(case, steps[: n + 1], policy).repairs.get("r1") for n in range(len(steps)))
    own = _after(case, (RaiseObjection(clerk, day, name, day, ("测试",)),), policy).objections["o1"]
    other = _after(case, (RaiseObjection(clerk, day, name, day, ("测试",), own=False),), policy).objections["o1"]
    return {
        "repair_accept_by": _on(received.due if received else None),
        "repair_decide_by": _on(accepted.due if accepted else None),
        "repair_extended_by": _on(extended.due if extended and extended.extended else None),
        "objection_by": _on(own.due),
        "verification_by": _on(other.due),
        "provider_by": _on(other.provider_due),
    }


def _after(case: Case, commands: Iterable[Command], policy: Policy) -> Case:
    """The case after the commands; the list may not know the step, and then nothing happens."""
    for command in commands:
        try:
            happened = decide(case, command, policy, policy.calendars)
        except Refusal:
            return case
        case = fold(happened, case) if happened else case
    return case


def _filed(policy: Policy, facts: Facts) -> Case:
    party = Party(facts.subject, "subject")
    return Case(
        "test", facts.subject, facts.list, facts.initiator, policy.version, "filed", filed_on=facts.as_of,
        drafter=CLERK, parties={party.id: party},
    )  # fmt: skip


def _actor(policy: Policy, facts: Facts, officer: str) -> Actor:
    return Actor(facts.initiator or policy.lists[facts.list].id, officer)


def _sample(policy: Policy, facts: Facts, measure: str) -> Obligation:
    """An obligation of the initiator that no rule brings about."""
    department = _actor(policy, facts, CLERK).department
    owed = Owed(Owed.key_for(measure, department, facts.subject), measure, department, facts.subject, "subject",
                (), (), "implement", ())  # fmt: skip
    decision = Decision(policy.version, facts, (owed,), (), (), (), (), ())
    (obligation,), _ = obligations_from(decision, policy, policy.calendars, facts.as_of, _filed(policy, facts))
    return obligation


def _on(due: Due | None) -> Day:
    return due.on if due is not None else None
