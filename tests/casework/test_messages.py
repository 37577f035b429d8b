"""Whom an event has to be told to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.casework.commands import (
    Accept,
    AnswerObjection,
    ApplyRepair,
    EndListing,
    Lift,
    Notify,
    Publish,
    RaiseObjection,
    Shield,
)
from engine.casework.events import Event
from engine.casework.messages import Message, messages
from engine.language.ir import Validity
from tests.casework.build import CALENDARS, by
from tests.casework.desk import EVIDENCE, SHOWING, STANDING, D, Desk, owes, published

TITLE = "措施 standing"


def told(desk: Desk, events: tuple[Event, ...]) -> list[Message]:
    """All that `events`, the last of the case, have to be told."""
    return [m for e in events for m in messages(e, desk.case, desk.policy)]


@pytest.mark.parametrize(
    ("happens", "title"),
    [
        (lambda desk: desk.do(RaiseObjection, "s", desk.today, ("有误",)), "主体提出异议，记录已标注"),
        (lambda desk: desk.do(Shield, "法院裁定"), "重整期间暂停实施"),
    ],
)
def test_everyone_concerned_learns_of_an_objection_and_of_rest(happens: object, title: str) -> None:
    """The initiator and every department that still owes something, each once."""
    desk = Desk(STANDING, SHOWING, "limited@dept1/s").in_force()
    events = happens(desk)  # type: ignore[operator]

    assert told(desk, events) == [Message(to, "notice", title) for to in ("dept1", "dept2", "tax")]


def test_everyone_concerned_learns_of_the_answer_and_of_going_on() -> None:
    """As of the beginning."""
    desk = Desk(STANDING).in_force()
    desk.do(RaiseObjection, "s", desk.today, ("有误",))
    answered = told(desk, desk.do(AnswerObjection, "o1", "rejected", "无误"))
    desk.do(Shield, "法院裁定")

    assert answered == [Message(to, "notice", "异议已答复") for to in ("dept1", "tax")]
    assert told(desk, desk.do(Shield, "")) == [Message(to, "notice", "恢复实施") for to in ("dept1", "tax")]


def test_the_initiator_alone_learns_of_a_near_end_and_of_publicity_over() -> None:
    """With the day, when there is one."""
    desk = Desk(STANDING, ladder=None).in_force()

    assert told(desk, desk.tick(on=D(2027, 2, 8))) == [
        Message("tax", "notice", "名单或公示即将到期", None, D(2027, 3, 10)),
    ]  # fmt: skip
    assert told(desk, desk.tick(on=D(2027, 3, 11))) == [Message("tax", "notice", "公示期满，已停止公示")]


def test_a_department_learns_that_it_may_lift_when_it_may() -> None:
    """The one that waits for others is told only once they are done."""
    desk = Desk(SHOWING, owes(STANDING, [SHOWING])).in_force()
    desk.implement(SHOWING)
    desk.implement(STANDING)

    assert told(desk, desk.do(EndListing, "performance", "已付清")) == [
        Message("dept1", "notice", f"须解除措施：{TITLE}", desk.owed(STANDING).id, D(2026, 3, 16)),
    ]  # fmt: skip
    assert told(desk, desk.do(Lift, desk.owed(STANDING).id, EVIDENCE, actor=by("dept1"))) == [
        Message("dept2", "notice", "可以解除措施：措施 showing", desk.owed(SHOWING).id, D(2026, 3, 16)),
    ]  # fmt: skip


def test_an_escalation_is_told_to_whom_the_rung_names() -> None:
    """The late department by default; about an obligation with its measure, about a duty of the initiator without."""
    desk = Desk(STANDING).in_force()
    events = desk.tick(on=D(2026, 3, 23))
    name, due = desk.owed(STANDING).id, D(2026, 3, 16)

    assert told(desk, events) == [
        Message("dept1", "remind", f"提醒经办人：{TITLE}", name, due),
        Message("dept1", "chief", f"提醒部门负责人：{TITLE}", name, due),
        Message("dept50", "report", f"报县政府通报：{TITLE}", name, due),
        Message("tax", "remind", "提醒经办人：公示名单", None, D(2026, 3, 19)),
    ]


@pytest.mark.parametrize(
    ("step", "day", "duty"),
    [
        ((RaiseObjection, "s", D(2026, 3, 11), ("有误",)), D(2026, 3, 17), "答复异议"),
        ((ApplyRepair, "s", D(2026, 9, 11), ("corrected", "commitment")), D(2026, 9, 17), "办理信用修复申请"),
    ],
)
def test_the_initiator_is_told_what_it_is_late_with(step: tuple[object, ...], day: D, duty: str) -> None:
    """An objection or an application that nobody answered; a service likewise, below."""
    desk = Desk(STANDING).in_force()
    desk.do(Publish, "信用网站")
    desk.do(*step, on=max(desk.today, step[2]))  # type: ignore[arg-type, type-var]
    late = [m.title for m in told(desk, desk.tick(on=day)) if m.to == "tax" and m.obligation is None]

    assert late == [f"提醒经办人：{duty}"]


def test_a_late_service_is_named_too() -> None:
    """Due seven working days after the decision."""
    desk = Desk(STANDING).decided()

    assert [m.title for m in told(desk, desk.tick(on=D(2026, 3, 20)))] == ["提醒经办人：送达决定"]


def test_an_heir_learns_what_it_has_taken_over_and_until_when_to_set_it_up() -> None:
    """By the title of the measure, or by its id where the policy of the day does not know it."""
    desk = Desk(STANDING).in_force()
    desk.implement(STANDING)
    left = replace(desk.register["dept1"], validity=Validity(end=D(2026, 3, 31)), merged_into="dept9")
    desk.register = {**desk.register, "dept1": left}
    desk.do(Publish, "信用网站")
    events = desk.tick(on=D(2026, 4, 1))

    assert told(desk, events) == [
        Message("dept9", "notice", f"承接撤并部门的事项：{TITLE}", desk.owed(STANDING).id, D(2026, 4, 16)),
    ]  # fmt: skip
    desk.policy = replace(desk.policy, measures={})
    assert [m.title for m in told(desk, events)] == ["承接撤并部门的事项：standing"]


def test_a_deadline_reckoned_again_is_told_to_whom_it_binds() -> None:
    """Departments about their obligations, the initiator about its own."""
    desk = Desk(STANDING)
    desk.notify()
    desk.rule(on=D(2026, 12, 30))
    desk.serve(on=D(2026, 12, 30))
    desk.calendars = {**CALENDARS, 2027: published(2027, D(2027, 1, 1))}

    assert told(desk, desk.tick()) == [
        Message("dept1", "notice", f"放假安排已公布，期限重新计算：{TITLE}", desk.owed(STANDING).id, D(2027, 1, 5)),
        Message("tax", "notice", "放假安排已公布，期限重新计算"),
    ]


def test_ordinary_steps_are_told_to_nobody() -> None:
    """Queues show them; messages are for what would otherwise be missed."""
    desk = Desk(STANDING)
    notice = desk.do(Notify, "s", desk.today, "直接送达", "事实与理由", EVIDENCE)

    assert told(desk, notice) == []
    desk.rule(on=D(2026, 3, 10))
    desk.serve()
    assert told(desk, desk.do(Accept, desk.owed(STANDING).id, actor=by("dept1"))) == []
