"""From a decision to the obligations of a case: as its listing comes into force, and as a later decision owes more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import replace

from engine.casework.calendar import Calendars
from engine.casework.clocks import publish_task, start_clocks
from engine.casework.commands import Command, FileCase, Redecide
from engine.casework.events import CaseFiled, CaseMoved, Event, ObligationsAdded
from engine.casework.graph import find_cycle
from engine.casework.model import Case, Edge, Obligation, Party, Refusal
from engine.casework.terms import opened, response_terms
from engine.decision.model import Decision, Facts, Owed
from engine.language.ir import Policy, Procedure

REPLACEABLE = frozenset({"corrected"})
"""Outcomes after which the same measure may be owed again by a new decision, even while the old one is lifted."""


def file_case(command: FileCase, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """Place a subject on a list. Stages that the list leaves to this system come first; nothing is owed before them.

    Raises:
        Refusal: `not-initiator`, `stages-out-of-order`, `cyclic-obligations`.

    """
    decision: Decision = command.decision
    facts = decision.facts
    listed = policy.lists[facts.list]
    if command.actor.department not in listed.filed_by:
        raise Refusal("not-initiator", "本部门不是该名单的发起部门", "、".join(listed.filed_by))
    filed = CaseFiled(
        command.today, command.actor, command.case, facts.subject, facts.list, decision.policy, decision.digest()
    )
    procedure = listed.procedure
    done = upstream_days(procedure, facts, command.today)
    parties = parties_of(decision, done, dict(command.served))
    case = Case(
        command.case, facts.subject, facts.list, command.actor.department, decision.policy, "filed",
        drafter=command.actor.officer,
    )  # fmt: skip
    if procedure.notice or procedure.pre_publicity or procedure.decision or procedure.service:
        return (filed, CaseMoved(command.today, command.actor, "reach", {"parties": parties}))
    number = procedure.upstream["decision"].number if "decision" in procedure.upstream else None
    decided_on = done.get("decision", command.today)
    stated = str(facts.values[number]) if number is not None else ""
    return (filed, *into_force(case, command, decision, policy, calendars, decided_on, stated, parties))


def upstream_days(procedure: Procedure, facts: Facts, today: dt.date) -> dict[str, dt.date]:
    """The day of each stage done before filing, as the filing proves it.

    Raises:
        Refusal: `stages-out-of-order`: a day in the future, or a later stage before an earlier one.

    """
    found: dict[str, dt.date] = {}
    for stage in ("notice", "statement", "hearing", "decision", "service"):
        proof = procedure.upstream.get(stage)
        if proof is None:
            continue
        value = facts.values.get(proof.date)
        if not isinstance(value, int):
            raise Refusal("proof-missing", "须提供列入前各阶段的证明", proof.date)
        day = dt.date.fromordinal(value)
        before = max(found.items(), key=lambda item: item[1], default=(None, day))
        if day > today:
            raise Refusal("stages-out-of-order", "列入前各阶段的日期不能晚于今天", f"{proof.date} {day}")
        if day < before[1]:
            raise Refusal("stages-out-of-order", "列入前各阶段的日期先后颠倒", f"{proof.date} {day} 早于 {before[1]}")
        found[stage] = day
    return found


def parties_of(
    decision: Decision, done: Mapping[str, dt.date], served: Mapping[str, dt.date] | None = None
) -> tuple[Party, ...]:
    """Whom a decision reaches, with what was done upstream about them; `served`: related persons, with the days."""
    subject, others = decision.facts.subject, served or {}
    return tuple(
        Party(
            name,
            role,
            noticed_on=done.get("notice", others.get(name)) if name in {subject, *others} else None,
            served_on=done.get("service") if name == subject else others.get(name),
        )
        for name, role in reached(decision).items()
    )


def reached(decision: Decision) -> dict[str, str]:
    """Whom the listing reaches: the subject first, then related persons under a sanction, with their roles."""
    found = {decision.facts.subject: "subject"}
    for owed in decision.obligations:
        found.setdefault(owed.target, owed.target_role)
    return found


def into_force(
    case: Case,
    command: Command,
    decision: Decision,
    policy: Policy,
    calendars: Calendars,
    decided_on: dt.date,
    number: str,
    parties: Collection[Party],
) -> tuple[Event, ...]:
    """The listing is in force: its clocks run, and departments owe what the decision says.

    `parties` are those that change; measures against a related person wait until that person has been served.
    """
    listed = policy.lists[case.list]
    publicity, listing = start_clocks(listed, decision.facts.values, decided_on)
    everyone = {**case.parties, **{p.id: p for p in parties}}
    fresh = tuple(Party(i, role) for i, role in reached(decision).items() if i not in everyone)
    task = publish_task(listed.procedure, decided_on, calendars)
    moved = CaseMoved(
        command.today,
        command.actor,
        "into-force",
        {
            "state": "in-force", "decided_on": decided_on, "number": number, "parties": (*parties, *fresh),
            "publicity": publicity, "listing": listing,
        } | ({"task": task} if task else {}),
        decision=decision.digest(),
    )  # fmt: skip
    now = replace(case, parties=everyone | {p.id: p for p in fresh})
    added = obligations_from(decision, policy, calendars, command.today, now)
    return (moved, _added(command, decision, added)) if added[0] else (moved,)


def redecide(case: Case, command: Redecide, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """What a new decision of the same case owes beyond what the case has. Nothing is taken away.

    Raises:
        Refusal: `ended`, `cyclic-obligations`.

    """
    if case.state != "in-force":
        raise Refusal("ended", "名单已终止，不再产生新的应响应事项")
    return additions(case, command, command.decision, policy, calendars)


def additions(
    case: Case, command: Command, decision: Decision, policy: Policy, calendars: Calendars
) -> tuple[Event, ...]:
    """The events by which what `decision` owes and the case lacks comes into being."""
    fresh = {i: Party(i, role) for i, role in reached(decision).items() if i not in case.parties}
    everyone = replace(case, parties={**case.parties, **fresh})
    added = obligations_from(decision, policy, calendars, command.today, everyone)
    if not added[0]:
        return ()
    about = {o.target for o in added[0]}
    new = tuple(p for p in fresh.values() if p.id in about)
    reach = (CaseMoved(command.today, command.actor, "reach", {"parties": new}),) if new else ()
    return (*reach, _added(command, decision, added))


def _added(
    command: Command, decision: Decision, added: tuple[tuple[Obligation, ...], tuple[Edge, ...]]
) -> ObligationsAdded:
    return ObligationsAdded(command.today, command.actor, decision.digest(), *added)


def identities(obligation: Obligation) -> set[str]:
    """The keys under which a decision may owe this: as it was first owed, and by the department that has it now."""
    return {obligation.key, Owed.key_for(obligation.measure, obligation.department, obligation.target)}


def obligations_from(
    decision: Decision, policy: Policy, calendars: Calendars, today: dt.date, case: Case
) -> tuple[tuple[Obligation, ...], tuple[Edge, ...]]:
    """Obligations, with their edges, that a decision owes and the case does not have yet.

    Raises:
        Refusal: `cyclic-obligations`.

    """
    existing: dict[str, Obligation] = {}
    heirs = {e.before: e.after for e in case.edges if e.kind == "supersedes"}
    for o in case.obligations.values():
        last = o
        while last.outcome == "referred" and last.id in heirs:
            last = case.obligations[heirs[last.id]]
        if last.outcome not in REPLACEABLE:
            existing |= dict.fromkeys(identities(o), o)
    removed = {p.id for p in case.parties.values() if p.removed_on is not None}
    over = case.publicity is not None and case.publicity.ended_on is not None
    new = [
        o
        for o in decision.obligations
        if o.key not in existing and o.target not in removed and not (over and shows(policy, o.measure))
    ]
    ids = {owed.key: f"{case.id}.{case.total + n}" for n, owed in enumerate(new, start=1)}
    ids |= {key: o.id for key, o in existing.items()}
    edges = tuple(Edge(ids[before], ids[owed.key], "needs") for owed in new for before in owed.after if before in ids)
    cycle = find_cycle(edges)
    if cycle:
        names = {v: k for k, v in ids.items()}
        raise Refusal("cyclic-obligations", "应响应事项相互等待，形成循环", " → ".join(names[i] for i in cycle))
    settled = {o.id for o in existing.values() if o.settled}
    procedure = policy.lists[case.list].procedure
    serves = procedure.service is not None or "service" in procedure.upstream
    unmet = {owed.key: int(_held(owed, policy, serves, case.parties)) for owed in new}
    keys = {ids[owed.key]: owed.key for owed in new}
    for edge in edges:
        if edge.before not in settled:
            unmet[keys[edge.after]] += 1
    obligations = []
    for owed in new:
        obligation = _obligation(owed, policy, ids[owed.key], case.id, unmet[owed.key])
        obligations.append(opened(obligation, policy, calendars, today) if not unmet[owed.key] else obligation)
    return tuple(obligations), edges


def shows(policy: Policy, measure: str) -> bool:
    """Whether a measure shows the listing to the public, and so ends with publicity."""
    directive = policy.measures[measure].directive
    return directive is not None and directive.effect == "publicise"


def _held(owed: Owed, policy: Policy, serves: bool, parties: Mapping[str, Party]) -> bool:
    """Whether a sanction waits for the service on a related person, on a list that serves its decisions at all."""
    if not serves or owed.target_role == "subject" or policy.measures[owed.measure].kind != "sanction":
        return False
    party = parties.get(owed.target)
    return party is None or party.served_on is None


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
        policy=policy.version,
        unmet=unmet,
    )
