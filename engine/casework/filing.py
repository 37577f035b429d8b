"""From a decision to the obligations of a case: at filing, and again when a rule reacts to an answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from engine.casework.calendar import Calendars, add
from engine.casework.graph import find_cycle
from engine.casework.model import (
    Case,
    CaseFiled,
    Edge,
    Event,
    FileCase,
    Obligation,
    ObligationsAdded,
    Redecide,
    Refusal,
)
from engine.decision.model import Decision, Owed
from engine.language.ir import Oblige, Policy, ResponseTerms, Rule


def file_case(command: FileCase, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """Place a subject on a list; all that it owes comes into being with it.

    Raises:
        Refusal: `not-initiator`, `cyclic-obligations`.

    """
    decision: Decision = command.decision
    facts = decision.facts
    listed = policy.lists[facts.list]
    if command.actor.department not in listed.filed_by:
        raise Refusal("not-initiator", "本部门不是该名单的发起部门", "、".join(listed.filed_by))
    filed = CaseFiled(
        command.today, command.actor, command.case, facts.subject, facts.list, decision.policy, decision.digest()
    )
    added = obligations_from(decision, policy, calendars, command.today, command.case, {}, 0)
    return (filed, _event(command, decision, added)) if added[0] else (filed,)


def redecide(case: Case, command: Redecide, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """What a new decision of the same case owes beyond what the case has. Nothing is taken away.

    Raises:
        Refusal: `ended`, `cyclic-obligations`.

    """
    if case.state != "in-force":
        raise Refusal("ended", "名单已终止，不再产生新的应响应事项")
    decision: Decision = command.decision
    existing = {o.key: o for o in case.obligations.values()}
    added = obligations_from(decision, policy, calendars, command.today, case.id, existing, case.total)
    return (_event(command, decision, added),) if added[0] else ()


def _event(
    command: FileCase | Redecide, decision: Decision, added: tuple[tuple[Obligation, ...], tuple[Edge, ...]]
) -> ObligationsAdded:
    return ObligationsAdded(command.today, command.actor, decision.digest(), *added)


def obligations_from(
    decision: Decision,
    policy: Policy,
    calendars: Calendars,
    today: dt.date,
    case: str,
    existing: Mapping[str, Obligation],
    number: int,
) -> tuple[tuple[Obligation, ...], tuple[Edge, ...]]:
    """Obligations, with their edges, that a decision owes and `existing` (by key) does not have yet."""
    new = [owed for owed in decision.obligations if owed.key not in existing]
    ids = {owed.key: f"{case}.{number + n}" for n, owed in enumerate(new, start=1)}
    ids |= {key: o.id for key, o in existing.items()}
    edges = tuple(Edge(ids[before], ids[owed.key], "needs") for owed in new for before in owed.after if before in ids)
    cycle = find_cycle(edges)
    if cycle:
        names = {v: k for k, v in ids.items()}
        raise Refusal("cyclic-obligations", "应响应事项相互等待，形成循环", " → ".join(names[i] for i in cycle))
    settled = {o.id for o in existing.values() if o.settled}
    unmet = {owed.key: 0 for owed in new}
    keys = {v: k for k, v in ids.items()}
    for edge in edges:
        if edge.before not in settled:
            unmet[keys[edge.after]] += 1
    obligations = []
    for owed in new:
        obligation = _obligation(owed, policy, ids[owed.key], case, unmet[owed.key])
        obligations.append(opened(obligation, policy, calendars, today) if not unmet[owed.key] else obligation)
    return tuple(obligations), edges


def _obligation(owed: Owed, policy: Policy, name: str, case: str, unmet: int) -> Obligation:
    measure = policy.measures[owed.measure]
    terms = response_terms(policy, owed.rules, owed.measure, owed.department)
    transmits = owed.duty == "transmit"
    directive = None if transmits else measure.directive
    return Obligation(
        id=name,
        key=owed.key,
        case=case,
        measure=owed.measure,
        department=owed.department,
        target=owed.target,
        target_role=owed.target_role,
        kind=measure.kind,
        # a request sent to the authority is done once; what that authority then does is its own
        mode="one-shot" if transmits else measure.mode,
        restrictive=measure.kind == "sanction" and measure.cls == "restrictive" and not transmits,
        reversible=measure.reversible or measure.mode == "standing",
        duty=owed.duty,
        evidence_required=terms.evidence,
        matter=directive.matter if directive else None,
        effect=directive.effect if directive else None,
        rules=owed.rules,
        basis=owed.basis,
        feedback="none" if transmits else terms.feedback,
        unmet=unmet,
    )


def response_terms(policy: Policy, rules: Iterable[str], measure: str, department: str) -> ResponseTerms:
    """The terms that the first of `rules` sets for the measure, else the measure's own."""
    for name in rules:
        rule = find_rule(policy, name)
        for consequence in rule.then if rule else ():
            if isinstance(consequence, Oblige) and consequence.measure == measure and department in consequence.by:
                return consequence.response
    return policy.measures[measure].response


def find_rule(policy: Policy, name: str) -> Rule | None:
    """The rule `<memorandum>/<rule>`."""
    memorandum = policy.memoranda.get(name.partition("/")[0])
    return next((r for r in memorandum.rules if r.id == name), None) if memorandum else None


def opened(obligation: Obligation, policy: Policy, calendars: Calendars, today: dt.date) -> Obligation:
    """The obligation when nothing keeps it waiting any more, with its deadlines."""
    terms = response_terms(policy, obligation.rules, obligation.measure, obligation.department)
    values = {name: getattr(obligation, name) for name in Obligation.__slots__}
    return Obligation(
        **values
        | {
            "state": "open",
            "unmet": 0,
            "accept_by": add(today, terms.accept, calendars),
            "act_by": add(today, terms.arm, calendars),
        }
    )
