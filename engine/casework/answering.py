"""What an implementing department may do with its obligation, and what that sets going among its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from engine.casework.calendar import Calendars, feedback_due
from engine.casework.commands import Accept, Apply, Arm, Command, Confirm, Lift, OnObligation, Refer, Respond
from engine.casework.events import CaseClosed, Event, ObligationMoved, ObligationsAdded
from engine.casework.lifting import lift_due, waited
from engine.casework.model import Case, Edge, Evidence, Obligation, Refusal
from engine.casework.terms import opened
from engine.decision.model import Owed
from engine.language.dates import plus
from engine.language.ir import Policy

STATE_NAMES: Mapping[str, str] = {
    "waiting": "等待前置事项", "open": "待接收", "accepted": "已接收", "in-force": "实施中", "done": "已完成",
    "lifting": "待解除", "closed": "已办结",
}  # fmt: skip


def answer(case: Case, command: OnObligation, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """The events of a department's action. Reads the obligation and its neighbours, nothing else of the case.

    Raises:
        Refusal: with the reason, of which `not-yours` must read as *not found* outside.

    """
    obligation = case.obligations.get(command.obligation)
    if obligation is None or obligation.department != command.actor.department:
        raise Refusal("not-yours", "没有这一应响应事项")
    step = _Step(case, command, obligation, policy, calendars)
    match command:
        case Accept():
            return step.accept()
        case Confirm(remark=remark):
            return step.confirm(remark)
        case Arm():
            return step.arm(command)
        case Apply():
            return step.apply(command)
        case Respond():
            return step.respond(command)
        case Refer():
            return step.refer(command)
        case Lift():
            return step.lift(command)
        case _:
            raise Refusal("unknown-action", "没有这种操作", type(command).__name__)


class _Step:
    def __init__(
        self, case: Case, command: OnObligation, obligation: Obligation, policy: Policy, calendars: Calendars
    ) -> None:
        self.case, self.command, self.obligation = case, command, obligation
        self.policy, self.calendars = policy, calendars

    def accept(self) -> tuple[Event, ...]:
        self._in("open")
        return (self._moved("accept", {"state": "accepted"}),)

    def confirm(self, remark: str) -> tuple[Event, ...]:
        if not self.obligation.restrictive:
            raise Refusal("no-confirmation-needed", "该措施不减损权益，无需确认")
        self._in("accepted")
        if self.obligation.confirmed_by is not None:
            raise Refusal("already", "已经确认", self.obligation.confirmed_by)
        return (self._moved("confirm", {"confirmed_by": self.command.actor.officer}, remark=remark),)

    def arm(self, command: Arm) -> tuple[Event, ...]:
        if self.obligation.mode != "standing":
            raise Refusal("respond-instead", "一次性措施请直接反馈实施结果")
        if self.obligation.rearm_by is not None:
            self._evidence(command.evidence)
            detail = {"remark": command.remark, "evidence": _digests(command.evidence)}
            return (self._moved("arm", {"rearm_by": None}, **detail),)
        return self._implemented("arm", "in-force", command.evidence, command.remark)

    def apply(self, command: Apply) -> tuple[Event, ...]:
        if self.obligation.mode != "standing":
            raise Refusal("not-standing", "只有常态措施才逐次记录适用情况")
        self._in("in-force")
        if not command.applied and not command.reason.strip():
            raise Refusal("reason-required", "未适用措施须说明理由")
        detail = {"applied": command.applied, "occasion": command.occasion, "reason": command.reason}
        changes = {"outcome": "implemented", **self._fed_back()}
        return (self._moved("apply", changes, **detail, evidence=_digests(command.evidence)),)

    def respond(self, command: Respond) -> tuple[Event, ...]:
        match command.outcome:
            case "implemented":
                if self.obligation.mode == "standing":
                    raise Refusal("arm-instead", "常态措施请先布置，再逐次记录适用情况")
                return self._implemented("respond", "done", command.evidence, command.reason)
            case "not-applicable":
                self._in("open", "accepted")
                if not command.reason.strip():
                    raise Refusal("reason-required", "不适用须说明理由")
                changes = {"state": "closed", "outcome": "not-applicable", "reason": command.reason}
                moved = self._moved("respond", changes, evidence=_digests(command.evidence))
                return (moved, *self._release_successors(), *self._closing())
            case "no-occasion":
                if self.obligation.mode != "standing":
                    raise Refusal("not-standing", "只有常态措施才可反馈“暂无适用情形”")
                self._in("in-force")
                changes = {"outcome": "no-occasion", **self._fed_back()}
                evidence = _digests(command.evidence)
                return (self._moved("respond", changes, reason=command.reason, evidence=evidence),)
            case _:
                assert_never(command.outcome)

    def refer(self, command: Refer) -> tuple[Event, ...]:
        old, today = self.obligation, command.today
        self._in("open", "accepted")
        if not command.reason.strip():
            raise Refusal("reason-required", "转办须说明理由")
        department = self.policy.departments.get(command.to)
        if department is None or not department.validity.covers(today):
            raise Refusal("no-such-department", "没有该部门，或该部门已撤并", command.to)
        if command.to == old.department:
            raise Refusal("same-department", "不能转办给本部门")
        authority = self.policy.measures[old.measure].authority
        if authority and old.duty == "implement" and command.to not in authority:
            raise Refusal("no-authority", "该部门无权决定此项措施", "、".join(authority))
        key = Owed.key_for(old.measure, command.to, old.target)
        if any(o.key == key for o in self.case.obligations.values()):
            raise Refusal("already-owed", "该部门已负有同一应响应事项", key)
        changes = {"state": "closed", "outcome": "referred", "reason": command.reason}
        values = {name: getattr(old, name) for name in Obligation.__slots__}
        fresh = {
            "id": f"{self.case.id}.{self.case.total + 1}", "key": key, "department": command.to, "state": "waiting",
            "confirmed_by": None, "outcome": None, "reason": None, "rungs": 0, "quiet": False,
        }  # fmt: skip
        new = opened(Obligation(**values | fresh), self.policy, self.calendars, today)
        edges = [Edge(old.id, new.id, "supersedes")]
        # what waited for the old one waits for the new one, and what the old one waited for is lifted after the new one
        edges += [Edge(new.id, e.after, "needs") for e in self._edges(before=old.id)]
        edges += [Edge(e.before, new.id, "needs") for e in self._edges(after=old.id)]
        added = ObligationsAdded(today, command.actor, None, (new,), tuple(edges))
        return (self._moved("refer", changes, to=command.to), added)

    def lift(self, command: Lift) -> tuple[Event, ...]:
        self._in("lifting")
        if self.obligation.unlifted:
            chase = sorted(
                {
                    f"{o.department}：{o.measure}"
                    for e in self._edges(before=self.obligation.id)
                    if (o := self.case.obligations[e.after]).state == "lifting"
                }
            )
            raise Refusal("blocked", "须待依赖它的措施先行解除", "；".join(chase))
        self._evidence(command.evidence)
        detail = {"remark": command.remark, "evidence": _digests(command.evidence)}
        events: list[Event] = [self._moved("lift", {"state": "closed"}, **detail)]
        for edge in self._edges(after=self.obligation.id):
            before = self.case.obligations[edge.before]
            if before.state == "lifting":
                events.append(released(self.case, before, command, self.policy, self.calendars))
        return (*events, *self._closing())

    def _implemented(self, action: str, state: str, evidence: tuple[Evidence, ...], remark: str) -> tuple[Event, ...]:
        self._in("accepted")
        if self.obligation.restrictive and self.obligation.confirmed_by is None:
            raise Refusal("confirmation-required", "减损权益的措施须经具名人员确认后方可生效")
        self._evidence(evidence)
        changes: dict[str, Any] = {"state": state, "outcome": "implemented"}
        if state == "in-force":
            today, longest = self.command.today, self.policy.measures[self.obligation.measure].term
            changes |= self._fed_back() | {"effective_on": today}
            changes |= {"expires_on": plus(today, longest)} if longest is not None else {}
        moved = self._moved(action, changes, remark=remark, evidence=_digests(evidence))
        return (moved, *self._release_successors())

    def _fed_back(self) -> dict[str, Any]:
        due = feedback_due(self.obligation.feedback, self.command.today, self.calendars)
        return {"feedback_by": due} if due else {}

    def _release_successors(self) -> list[Event]:
        """This obligation is settled: each that needs it waits for one less, and opens when it waits for none."""
        events: list[Event] = []
        for edge in self._edges(before=self.obligation.id):
            after = self.case.obligations[edge.after]
            if after.state != "waiting":
                continue
            changes = waited(after, 1, self.policy, self.calendars, self.command.today)
            events.append(_moved(self.command, after.id, "open", changes))
        return events

    def _closing(self) -> tuple[Event, ...]:
        """Closing the last obligation of an ended case closes the case."""
        if self.case.state == "lifting" and self.case.unclosed == 1:
            return (CaseClosed(self.command.today, self.command.actor),)
        return ()

    def _edges(self, *, before: str | None = None, after: str | None = None) -> list[Edge]:
        return [
            e for e in self.case.edges if e.kind == "needs" and before in {None, e.before} and after in {None, e.after}
        ]

    def _in(self, *states: str) -> None:
        if self.obligation.state not in states:
            wanted = "、".join(STATE_NAMES[s] for s in states)
            detail = f"现为“{STATE_NAMES[self.obligation.state]}”，须为“{wanted}”"
            past = {"accept": "accepted", "arm": "in-force", "respond": "done", "lift": "closed"}
            done = past.get(type(self.command).__name__.lower()) == self.obligation.state
            raise Refusal("already" if done else "wrong-state", "当前状态下不能进行此操作", detail)

    def _evidence(self, evidence: tuple[Evidence, ...]) -> None:
        if self.obligation.evidence_required and not evidence:
            raise Refusal("evidence-required", "该措施的反馈须附证明材料")

    def _moved(self, action: str, changes: Mapping[str, Any], **detail: object) -> ObligationMoved:
        return _moved(self.command, self.obligation.id, action, changes, **detail)


def released(case: Case, before: Obligation, command: Command, policy: Policy, calendars: Calendars) -> ObligationMoved:
    """One dependent fewer keeps `before` from being lifted; at none its own time to lift begins."""
    changes: dict[str, Any] = {"unlifted": before.unlifted - 1}
    if before.unlifted == 1:
        changes["lift_by"] = lift_due(case, before, command.today, policy, calendars)
    return _moved(command, before.id, "release", changes)


def _moved(
    command: Command, obligation: str, action: str, changes: Mapping[str, Any], **detail: object
) -> ObligationMoved:
    return ObligationMoved(
        command.today, command.actor, obligation, action, changes, {k: v for k, v in detail.items() if v or v is False}
    )


def _digests(evidence: tuple[Evidence, ...]) -> list[dict[str, str]]:
    return [{"sha256": e.sha256, "title": e.title} for e in evidence]
