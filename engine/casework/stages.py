"""Due process before and at the listing: notice, statement, hearing, decision, service, publicity.

The list's procedure says which stages there are; each refuses to come before the one it rests on.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from engine.casework.calendar import Calendars, add, working_days_between
from engine.casework.commands import (
    AnswerStatement,
    Command,
    DecideListing,
    HoldHearing,
    Notify,
    Publish,
    ReceiveStatement,
    RequestHearing,
    Serve,
    ShowBefore,
)
from engine.casework.events import CaseClosed, CaseMoved, Event, ListingEnded, ObligationMoved
from engine.casework.filing import into_force
from engine.casework.lifting import waited
from engine.casework.model import Case, Due, Evidence, Party, Refusal, Statement, Task
from engine.language.ir import Policy, Procedure

BEFORE_DECISION = frozenset({"filed", "noticed"})


def require_state(case: Case, *states: str) -> None:
    """Refuse a step that does not belong to the case's present stage.

    Raises:
        Refusal: `wrong-stage`.

    """
    if case.state not in states:
        raise Refusal("wrong-stage", "案件当前阶段不能进行此操作", f"现为 {case.state}，须为 {'、'.join(states)}")


def party_of(case: Case, name: str) -> Party:
    """A party by id.

    Raises:
        Refusal: `no-such-party`.

    """
    party = case.parties.get(name)
    if party is None:
        raise Refusal("no-such-party", "该案件不涉及此人", name)
    return party


def concerned(case: Case, name: str) -> Party:
    """A party whom a case that is not over still reaches.

    Raises:
        Refusal: `no-such-party`, `wrong-stage`, `already`.

    """
    party = party_of(case, name)
    if case.state == "closed":
        raise Refusal("wrong-stage", "案件已经办结")
    if party.removed_on is not None:
        raise Refusal("already", "名单已不涉及此人", party.removed_on.isoformat())
    return party


def past_day(day: dt.date, command: Command, earliest: dt.date | None = None) -> None:
    """Refuse a recorded day that lies in the future or before `earliest`.

    Raises:
        Refusal: `day-in-future`, `day-too-early`.

    """
    if day > command.today:
        raise Refusal("day-in-future", "记录的日期不能晚于今天", day.isoformat())
    if earliest is not None and day < earliest:
        raise Refusal("day-too-early", "记录的日期早于前一阶段", f"{day} 早于 {earliest}")


def worded(text: str, title: str) -> str:
    """`text` without surrounding blanks.

    Raises:
        Refusal: `reason-required`.

    """
    if not text.strip():
        raise Refusal("reason-required", title)
    return text.strip()


def proofs(evidence: tuple[Evidence, ...]) -> list[dict[str, str]]:
    """Evidence as an event records it."""
    return [{"sha256": e.sha256, "title": e.title} for e in evidence]


def moved(command: Command, action: str, changes: dict[str, Any], **detail: Any) -> CaseMoved:
    """A step of the procedure as an event."""
    return CaseMoved(command.today, command.actor, action, changes, {k: v for k, v in detail.items() if v})


def notify(case: Case, command: Notify, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """A party has its notice; its periods run from the day it was served."""
    party = concerned(case, command.party)
    procedure = policy.lists[case.list].procedure
    if party.role == "subject":
        if not procedure.notice:
            raise Refusal("no-such-stage", "该名单不设事前告知，或者已在列入前完成")
        require_state(case, *BEFORE_DECISION)
    else:
        require_state(case, *BEFORE_DECISION, "decided", "in-force")
    if party.noticed_on is not None:
        raise Refusal("already", "已经告知", party.noticed_on.isoformat())
    past_day(command.served_on, command, case.filed_on)
    if not command.evidence:
        raise Refusal("evidence-required", "告知须附送达证明")
    worded(command.reasons, "告知须写明事实和理由")
    period, hearing = procedure.statement, procedure.hearing_request
    now = replace(
        party,
        noticed_on=command.served_on,
        statement_until=add(command.served_on, period, calendars) if period else None,
        hearing_until=add(command.served_on, hearing, calendars) if hearing else None,
    )
    changes: dict[str, Any] = {"party": now}
    everyone = {**case.parties, party.id: now}
    if case.state == "filed" and all(p.noticed_on for p in everyone.values() if p.removed_on is None):
        changes["state"] = "noticed"
    return (
        moved(command, "notify", changes, method=command.method, reasons=command.reasons,
              evidence=proofs(command.evidence)),
    )  # fmt: skip


def _heard_in(case: Case, party: Party) -> None:
    """A party can be heard while it has a notice and nothing has been decided about it."""
    if party.noticed_on is None:
        raise Refusal("not-noticed", "尚未告知，不能陈述申辩或者申请听证")
    if case.state not in BEFORE_DECISION and (party.role == "subject" or party.served_on is not None):
        raise Refusal("use-objection", "决定已经送达，请提出异议", "")


def receive_statement(case: Case, command: ReceiveStatement) -> tuple[Event, ...]:
    """A statement is recorded whenever it comes; late ones are marked so, never lost."""
    party = concerned(case, command.party)
    _heard_in(case, party)
    assert party.noticed_on is not None
    past_day(command.received_on, command, party.noticed_on)
    points = tuple(p.strip() for p in command.points if p.strip())
    if not points:
        raise Refusal("reason-required", "陈述申辩须至少写明一点意见")
    late = party.statement_until is not None and command.received_on > party.statement_until.on
    statement = Statement(f"s{len(party.statements) + 1}", command.received_on, points, late=late)
    return (moved(command, "statement", {"party": replace(party, statements=(*party.statements, statement))}),)


def answer_statement(case: Case, command: AnswerStatement) -> tuple[Event, ...]:
    """Each point of a statement has a recorded answer."""
    party = concerned(case, command.party)
    statement = next((s for s in party.statements if s.id == command.statement), None)
    if statement is None:
        raise Refusal("no-such-statement", "没有这份陈述申辩", command.statement)
    if statement.answers:
        raise Refusal("already", "这份陈述申辩已经答复")
    answers = tuple(a.strip() for a in command.answers)
    if len(answers) != len(statement.points) or not all(answers):
        raise Refusal("answer-each-point", "须对每一点意见分别答复", f"共 {len(statement.points)} 点")
    statements = tuple(replace(s, answers=answers) if s is statement else s for s in party.statements)
    return (moved(command, "answer-statement", {"party": replace(party, statements=statements)}),)


def request_hearing(case: Case, command: RequestHearing) -> tuple[Event, ...]:
    """A hearing is asked for; after the period the request is recorded, but binds nobody."""
    party = concerned(case, command.party)
    if party.hearing_until is None and party.noticed_on is not None:
        raise Refusal("no-hearing-right", "该名单不适用听证")
    _heard_in(case, party)
    assert party.noticed_on is not None
    assert party.hearing_until is not None
    past_day(command.received_on, command, party.noticed_on)
    if party.hearing != "none":
        raise Refusal("already", "已经申请听证")
    late = command.received_on > party.hearing_until.on
    return (
        moved(command, "request-hearing", {"party": replace(party, hearing="requested-late" if late else "requested")}),
    )


def hold_hearing(case: Case, command: HoldHearing, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """The hearing took place, announced in time, chaired by someone other than the drafter."""
    party = concerned(case, command.party)
    if party.hearing not in {"requested", "requested-late"}:
        raise Refusal("no-hearing-requested", "未申请听证，或者听证已经举行")
    past_day(command.held_on, command, party.noticed_on)
    ahead = policy.lists[case.list].procedure.hearing_notice
    if ahead is not None and add(command.announced_on, ahead, calendars).on > command.held_on:
        days = working_days_between(command.announced_on, command.held_on, calendars)
        raise Refusal("announced-too-late", f"听证须提前{ahead.words}通知", f"实际提前 {days} 个工作日")
    if worded(command.chair, "须写明听证主持人") == case.drafter:
        raise Refusal("same-person", "听证主持人不得是本案经办人")
    if not command.evidence:
        raise Refusal("evidence-required", "须附听证笔录")
    return (
        moved(command, "hold-hearing", {"party": replace(party, hearing="held")}, chair=command.chair,
              held_on=command.held_on, evidence=proofs(command.evidence)),
    )  # fmt: skip


def show_before(case: Case, command: ShowBefore, policy: Policy) -> tuple[Event, ...]:
    """The intended recognition is shown to the public."""
    if policy.lists[case.list].procedure.pre_publicity is None:
        raise Refusal("no-such-stage", "该名单不设认定前公示")
    require_state(case, *BEFORE_DECISION)
    if case.shown_before is not None:
        raise Refusal("already", "已经公示", case.shown_before.isoformat())
    return (moved(command, "show-before", {"shown_before": command.today}),)


def what_is_missing(case: Case, policy: Policy, calendars: Calendars, today: dt.date) -> tuple[str, ...]:
    """What still has to happen before the case may be decided; empty when it may. In words, for people."""
    procedure = policy.lists[case.list].procedure
    missing: list[str] = []
    for party in (p for p in case.parties.values() if p.removed_on is None):
        who = "主体" if party.role == "subject" else f"相关人员（{party.role}）"
        if procedure.notice and party.noticed_on is None:
            missing.append(f"{who}尚未告知")
        if party.statement_until is not None and today <= party.statement_until.on:
            missing.append(f"{who}的陈述申辩期至 {party.statement_until.on}")
        missing += [f"{who}的陈述申辩 {s.id} 尚未答复" for s in party.statements if not s.late and not s.answers]
        if party.hearing_until is not None and today <= party.hearing_until.on and party.hearing == "none":
            missing.append(f"{who}的听证申请期至 {party.hearing_until.on}")
        if party.hearing == "requested":
            missing.append(f"{who}申请的听证尚未举行")
    if procedure.pre_publicity is not None:
        if case.shown_before is None:
            missing.append("尚未进行认定前公示")
        elif today <= (until := add(case.shown_before, procedure.pre_publicity, calendars).on):
            missing.append(f"认定前公示至 {until}")
    if case.marked:
        missing.append("有异议尚未答复")
    return tuple(missing)


def decide_listing(case: Case, command: DecideListing, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """The decision, by a named human other than the drafter, once every stage before it is complete."""
    procedure = policy.lists[case.list].procedure
    if not procedure.decision:
        raise Refusal("no-such-stage", "该名单的列入决定不在本系统作出")
    if command.actor.department not in (procedure.decided_by or (case.initiator,)):
        raise Refusal("not-decider", "本部门无权作出列入决定", "、".join(procedure.decided_by))
    require_state(case, *BEFORE_DECISION)
    if command.actor.officer == case.drafter:
        raise Refusal("same-person", "列入决定须由经办人以外的具名人员作出")
    missing = what_is_missing(case, policy, calendars, command.today)
    if missing:
        raise Refusal("stage-incomplete", "前置程序尚未完成，不能作出决定", "；".join(missing))
    number, reason = worded(command.number, "须写明决定文号"), worded(command.reason, "须写明决定理由")
    if command.outcome == "not-list":
        refused = {"decided_on": command.today, "number": number}
        return (
            _on(command, moved(command, "decide", refused, outcome="not-list", reason=reason)),
            ListingEnded(command.today, command.actor, "not-listed", reason),
            CaseClosed(command.today, command.actor),
        )
    if procedure.service is None:
        return (
            moved(command, "decide", {}, outcome="list", reason=reason),
            *into_force(case, command, command.decision, policy, calendars, command.today, number, ()),
        )
    task = Task("serve", add(command.today, procedure.service, calendars))
    changes = {"state": "decided", "decided_on": command.today, "number": number, "task": task}
    return (_on(command, moved(command, "decide", changes, outcome="list", reason=reason)),)


def _on(command: DecideListing, event: CaseMoved) -> CaseMoved:
    """The event with the decision that it rests on: nothing that is logged goes unnamed."""
    return replace(event, decision=command.decision.digest()) if command.decision is not None else event


def serve(case: Case, command: Serve, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """The decision was served on a party; for the subject the listing is then in force."""
    party = concerned(case, command.party)
    procedure = policy.lists[case.list].procedure
    ready_to_serve(case, party, procedure, command.today)
    subject = party.role == "subject"
    decided_on = case.decided_on
    assert decided_on is not None
    if command.served_on < decided_on:
        raise Refusal("service-before-decision", "送达日期早于决定日期", f"{command.served_on} 早于 {decided_on}")
    past_day(command.served_on, command)
    if not command.evidence:
        raise Refusal("evidence-required", "送达须附送达回证")
    now = replace(party, served_on=command.served_on)
    task = case.tasks.get("serve")
    late = subject and task is not None and command.served_on > task.due.on
    changes: dict[str, Any] = {"party": now}
    if subject and task is not None:
        changes["task"] = replace(task, done_on=command.served_on)
    event = moved(
        command, "serve", changes, method=command.method, late=late, evidence=proofs(command.evidence)
    )  # 决定书与信用修复告知书同时送达，二者的编号由文书登记给出
    if subject:
        case = replace(case, parties={**case.parties, now.id: now})
        entered = into_force(case, command, command.decision, policy, calendars, decided_on, case.number, ())
        return (event, *entered)
    return (event, *_released(case, command, party.id, policy, calendars))


def ready_to_serve(case: Case, party: Party, procedure: Procedure, today: dt.date) -> None:
    """Whether the decision may be served on a party now; a list that serves nobody has no measure waiting for it.

    Raises:
        Refusal: `no-such-stage`, `already`, `wrong-stage`, `not-noticed`, `stage-incomplete`.

    """
    subject = party.role == "subject"
    if procedure.service is None and (subject or "service" not in procedure.upstream):
        raise Refusal("no-such-stage", "该名单的决定不在本系统送达")
    if party.served_on is not None:
        raise Refusal("already", "已经送达", party.served_on.isoformat())
    require_state(case, *(("decided",) if subject else ("decided", "in-force")))
    if party.noticed_on is None and (procedure.notice or "notice" in procedure.upstream):
        raise Refusal("not-noticed", "尚未告知此人，不能送达决定")
    if not subject:
        _related_heard(party, today)


def _related_heard(party: Party, today: dt.date) -> None:
    """A related person is heard like the subject before anything takes effect against them."""
    if party.statement_until is not None and today <= party.statement_until.on:
        raise Refusal("stage-incomplete", "陈述申辩期未满", party.statement_until.on.isoformat())
    if any(not s.answers and not s.late for s in party.statements):
        raise Refusal("stage-incomplete", "陈述申辩尚未答复")
    if party.hearing_until is not None and today <= party.hearing_until.on and party.hearing == "none":
        raise Refusal("stage-incomplete", "听证申请期未满", party.hearing_until.on.isoformat())
    if party.hearing == "requested":
        raise Refusal("stage-incomplete", "申请的听证尚未举行")


def _released(case: Case, command: Serve, party: str, policy: Policy, calendars: Calendars) -> list[ObligationMoved]:
    """Measures against a person who has now been served wait for one thing less."""
    return [
        ObligationMoved(command.today, command.actor, o.id, "open", waited(o, 1, policy, calendars, command.today))
        for o in case.obligations.values()
        if o.target == party and o.state == "waiting" and o.kind == "sanction"
    ]


def publish(case: Case, command: Publish) -> tuple[Event, ...]:
    """The listing is shown to the public."""
    require_state(case, "in-force")
    task = case.tasks.get("publish")
    if task is None:
        raise Refusal("not-public", "该名单不向社会公示，或者没有公示期限")
    if task.done_on is not None:
        raise Refusal("already", "已经公示", task.done_on.isoformat())
    if case.publicity is not None and case.publicity.ended_on is not None:
        raise Refusal("publicity-over", "公示期已满，不得再公示", case.publicity.ended_on.isoformat())
    done: Due = task.due
    return (
        moved(command, "publish", {"task": replace(task, done_on=command.today)}, channel=command.channel,
              late=command.today > done.on),
    )  # fmt: skip
