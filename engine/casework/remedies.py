"""What a person reached by a listing can do about it: objection, credit repair, and rest under a reorganisation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.casework.calendar import Calendars, add
from engine.casework.changing import correct
from engine.casework.clocks import earliest_repair
from engine.casework.commands import AnswerObjection, ApplyRepair, Command, Correct, MoveRepair, RaiseObjection, Shield
from engine.casework.events import Event
from engine.casework.lifting import ended, undo
from engine.casework.model import Case, ObjectionRaised, Party, Refusal, RepairApplication
from engine.casework.stages import moved, party_of, past_day, proofs, require_state, worded
from engine.language.ir import Policy


def raise_objection(case: Case, command: RaiseObjection, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """An objection is recorded and the record marked at once (河南省社会信用条例 第四十一条)."""
    party = party_of(case, command.party)
    if case.state == "closed":
        raise Refusal("wrong-stage", "案件已经办结")
    past_day(command.received_on, command, case.filed_on)
    points = tuple(p.strip() for p in command.points if p.strip())
    if not points:
        raise Refusal("reason-required", "异议须至少写明一点理由")
    terms = policy.lists[case.list].procedure.objection
    objection = ObjectionRaised(
        f"o{len(case.objections) + 1}",
        party.id,
        command.received_on,
        points,
        command.own,
        terms.suspends,
        add(command.received_on, terms.own if command.own else terms.verify, calendars),
        None if command.own else add(command.received_on, terms.provider, calendars),
    )
    return (moved(command, "object", {"objection": objection}),)


def answer_objection(case: Case, command: AnswerObjection, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """The answer, and in the same step what follows from it: nothing upheld is left standing."""
    objection = case.objections.get(command.objection)
    if objection is None:
        raise Refusal("no-such-objection", "没有这一异议", command.objection)
    if objection.outcome is not None:
        raise Refusal("already", "该异议已经答复", objection.outcome)
    reason = worded(command.reason, "答复异议须说明理由")
    answered = replace(objection, answered_on=command.today, outcome=command.outcome)
    event = moved(
        command, "answer-objection", {"objection": answered}, reason=reason, late=command.today > objection.due.on
    )
    if command.outcome == "rejected" or case.state in {"lifting", "closed"}:
        return (event,)
    case = replace(case, objections={**case.objections, answered.id: answered})
    party = party_of(case, objection.party)
    if command.decision is not None:
        again = Correct(command.actor, command.today, command.decision, reason, command.changed)
        return (event, *correct(case, again, policy, calendars))
    if party.role == "subject":
        return (event, *ended(case, command, "annulment", reason, policy, calendars))
    return (event, *remove_party(case, command, party, reason, policy, calendars))


def remove_party(
    case: Case, command: Command, party: Party, reason: str, policy: Policy, calendars: Calendars
) -> tuple[Event, ...]:
    """The listing no longer reaches a related person; what was done about that person is undone."""
    if party.removed_on is not None:
        return ()
    theirs = {o.id for o in case.obligations.values() if o.target == party.id}
    return (
        moved(command, "remove-party", {"party": replace(party, removed_on=command.today)}, reason=reason),
        *undo(case, command, theirs, policy, calendars, outcome="removed"),
    )


def apply_repair(case: Case, command: ApplyRepair, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """An application for repair, refused before its minimum and without its proofs."""
    procedure = policy.lists[case.list].procedure
    party = party_of(case, command.party)
    require_state(case, "in-force")
    if procedure.repair is None:
        raise Refusal("no-repair", "该名单不适用信用修复", "可在条件消失后申请移出，或者提出异议")
    if party.removed_on is not None:
        raise Refusal("already", "名单已不涉及此人")
    past_day(command.received_on, command, case.decided_on)
    earliest = earliest_repair(case, procedure)
    if earliest is not None and command.received_on < earliest:
        raise Refusal("repair-too-early", "未满最短期限，尚不能申请信用修复", f"最早 {earliest}")
    missing = [r for r in procedure.repair.requires if r not in command.proved]
    if missing:
        raise Refusal("proof-missing", "信用修复申请缺少证明", "、".join(missing))
    if any(r.party == party.id and r.state in {"received", "accepted"} for r in case.repairs.values()):
        raise Refusal("already", "已有正在办理的信用修复申请")
    due = add(command.received_on, procedure.repair.accept, calendars)
    application = RepairApplication(
        f"r{len(case.repairs) + 1}", party.id, command.received_on, command.proved, "received", due
    )
    return (moved(command, "apply-repair", {"repair": application}, evidence=proofs(command.evidence)),)


def move_repair(case: Case, command: MoveRepair, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """Acceptance, refusal, one extension, and the grant, which ends publicity and measures together."""
    application = case.repairs.get(command.repair)
    if application is None:
        raise Refusal("no-such-repair", "没有这一信用修复申请", command.repair)
    require_state(case, "in-force")
    if application.state in {"refused", "granted"}:
        raise Refusal("already", "该申请已经办结", application.state)
    terms = policy.lists[case.list].procedure.repair
    if terms is None and command.step in {"accept", "extend"}:
        raise Refusal("no-repair", "该名单不再适用信用修复", "可不予受理，或者提出异议")
    today = command.today
    changes: dict[str, Any]
    match command.step:
        case "accept" if application.state == "received" and terms is not None:
            changes = {"state": "accepted", "due": add(today, terms.decide, calendars), "rungs": 0, "quiet": False}
        case "refuse":
            worded(command.reason, "不予受理或者不予修复须说明理由")
            changes = {"state": "refused", "answered_on": today}
        case "extend" if application.state == "accepted":
            if terms is None or terms.extend is None or application.extended:
                raise Refusal("no-extension", "办理期限不能再延长")
            worded(command.reason, "延长办理期限须说明理由")
            due = add(application.due.on, terms.extend, calendars)
            changes = {"extended": True, "due": due, "rungs": 0, "quiet": False}
        case "grant" if application.state == "accepted":
            changes = {"state": "granted", "answered_on": today}
        case _:
            raise Refusal("wrong-stage", "须先受理申请" if application.state == "received" else "申请已经受理")
    late = today > application.due.on
    event = moved(command, f"{command.step}-repair", {"repair": replace(application, **changes)},
                  reason=command.reason.strip(), late=late)  # fmt: skip
    if command.step != "grant":
        return (event,)
    party = party_of(case, application.party)
    if party.role == "subject":
        return (event, *ended(case, command, "repair", command.reason or "信用修复", policy, calendars))
    return (event, *remove_party(case, command, party, command.reason or "信用修复", policy, calendars))


def shield(case: Case, command: Shield) -> tuple[Event, ...]:
    """A court approved a reorganisation plan or settlement (国办发〔2025〕22号): the listing rests, or goes on."""
    require_state(case, "in-force")
    reason = command.reason.strip()
    if bool(reason) == bool(case.shielded):
        raise Refusal("already", "已经暂停" if reason else "未曾暂停")
    return (moved(command, "shield" if reason else "unshield", {"shielded": reason}),)
