"""Due process before a listing: what each stage asks for, and what it refuses."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from engine.casework.commands import (
    AnswerStatement,
    DecideListing,
    EndListing,
    FileCase,
    HoldHearing,
    Notify,
    Publish,
    ReceiveStatement,
    RequestHearing,
    ShowBefore,
)
from engine.casework.model import Actor, Due, Refusal, Statement
from engine.casework.stages import what_is_missing
from tests.casework.build import DAY, by
from tests.casework.desk import (
    CLERK,
    EVIDENCE,
    FULL,
    PERSONAL,
    PRINCIPAL,
    PROOFS,
    PROVED,
    RECOGNITION,
    STANDING,
    UPSTREAM,
    D,
    Desk,
)

LIST = ("list", "长列〔2026〕1号", "事实清楚")


def missing(desk: Desk) -> tuple[str, ...]:
    """What stands between the case and its decision today."""
    return what_is_missing(desk.case, desk.policy, desk.calendars, desk.today)


# filing


def test_nothing_is_owed_before_the_stages_that_come_first() -> None:
    """A filing opens the procedure with everyone it reaches; no department owes anything yet."""
    desk = Desk(STANDING, PERSONAL)

    assert (desk.case.state, dict(desk.case.obligations)) == ("filed", {})
    assert {p.id: p.role for p in desk.case.parties.values()} == {"s": "subject", "p": "principal"}
    assert CLERK.officer == desk.case.drafter


def test_a_case_whose_stages_were_done_upstream_is_in_force_at_once() -> None:
    """The clocks run from the proved day of the decision, not from the filing."""
    desk = Desk(STANDING, PERSONAL, procedure=replace(UPSTREAM, publicity=FULL.publicity), values=PROOFS)

    assert ("in-force", PROVED["decision_date"], "县列〔2026〕7号") == (
        desk.case.state, desk.case.decided_on, desk.case.number,
    )  # fmt: skip
    assert desk.case.publicity is not None
    assert (D(2026, 2, 2), D(2026, 5, 2), D(2027, 2, 2)) == (
        desk.case.publicity.start, desk.case.publicity.minimum, desk.case.publicity.maximum,
    )  # fmt: skip
    assert desk.states() == {STANDING: "open", PERSONAL: "waiting"}


def test_a_related_person_served_upstream_waits_for_nothing() -> None:
    """The filing says on which day the decision reached that person."""
    desk = Desk(PERSONAL, procedure=UPSTREAM, values=PROOFS, served={PRINCIPAL: D(2026, 2, 6)})

    assert desk.states() == {PERSONAL: "open"}
    assert D(2026, 2, 6) == desk.party(PRINCIPAL).served_on


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"service_date": D(2026, 2, 1).toordinal()}, "stages-out-of-order"),
        ({"service_date": D(2026, 3, 3).toordinal()}, "stages-out-of-order"),
        ({"decision_date": D(2026, 1, 4).toordinal()}, "stages-out-of-order"),
        ({"notice_date": None}, "proof-missing"),
    ],
)
def test_upstream_stages_have_to_be_proved_in_their_order(wrong: dict[str, int | None], code: str) -> None:
    """A service before the decision, a day to come, a decision before the notice, a missing day."""
    values = {n: v for n, v in {**PROOFS, **wrong}.items() if v is not None}
    with pytest.raises(Refusal) as caught:
        Desk(procedure=UPSTREAM, values=values)

    assert code == caught.value.code


def test_only_a_list_s_own_departments_file_it() -> None:
    """Another department is told which ones may."""
    desk = Desk()
    desk._case = None

    assert desk.refused(FileCase, "c2", desk.decision, actor=by("dept1")) == "not-initiator"
    assert desk.refused(Publish, "网站") == "no-case"


# notice, statement, hearing


def test_a_notice_starts_the_periods_of_the_person_it_was_served_on() -> None:
    """Only when everyone has theirs does the case count as noticed."""
    desk = Desk(STANDING, PERSONAL)
    desk.notify()

    assert ("filed", Due(D(2026, 3, 9)), Due(D(2026, 3, 9))) == (
        desk.case.state, desk.party().statement_until, desk.party().hearing_until,
    )  # fmt: skip
    desk.notify(PRINCIPAL, on=D(2026, 3, 4))
    assert ("noticed", Due(D(2026, 3, 11))) == (desk.case.state, desk.party(PRINCIPAL).statement_until)


def test_a_notice_is_refused_without_what_makes_it_one() -> None:
    """Reasons, a proof of service, a person it reaches, a day that can be, and once only."""
    desk = Desk()
    notice = ("直接送达", "事实与理由", EVIDENCE)

    assert desk.refused(Notify, "x", DAY, *notice) == "no-such-party"
    assert desk.refused(Notify, "s", DAY + dt.timedelta(1), *notice) == "day-in-future"
    assert desk.refused(Notify, "s", DAY - dt.timedelta(1), *notice) == "day-too-early"
    assert desk.refused(Notify, "s", DAY, "直接送达", "事实与理由") == "evidence-required"
    assert desk.refused(Notify, "s", DAY, "直接送达", " ", EVIDENCE) == "reason-required"
    desk.notify()
    assert desk.refused(Notify, "s", DAY, *notice) == "already"
    assert Desk(procedure=RECOGNITION).refused(Notify, "s", DAY, *notice) == "no-such-stage"
    desk.do(EndListing, "withdrawal", "误列")
    assert desk.refused(Notify, "s", DAY, *notice) == "wrong-stage"


def test_a_statement_after_its_period_is_recorded_as_late_and_not_lost() -> None:
    """It is on file and may be answered, but the decision does not wait for it."""
    desk = Desk()
    desk.notify()
    desk.do(ReceiveStatement, "s", D(2026, 3, 10), (" 已经付清 ", ""), on=D(2026, 3, 10))

    assert (Statement("s1", D(2026, 3, 10), ("已经付清",), late=True),) == desk.party().statements
    assert missing(desk) == ()
    desk.do(AnswerStatement, "s", "s1", ("经核实，尚未付清",))
    assert desk.party().statements[0].answers == ("经核实，尚未付清",)


def test_each_point_of_a_statement_in_time_is_answered_before_the_decision() -> None:
    """An unanswered one holds the decision up, and an answer that skips a point is none."""
    desk = Desk()
    desk.notify()
    desk.do(ReceiveStatement, "s", DAY, ("金额有误", "已经和解"))

    assert desk.refused(DecideListing, *LIST, on=D(2026, 3, 10)) == "stage-incomplete"
    assert desk.refused(AnswerStatement, "s", "s1", ("金额无误",)) == "answer-each-point"
    assert desk.refused(AnswerStatement, "s", "s1", ("金额无误", " ")) == "answer-each-point"
    assert desk.refused(AnswerStatement, "s", "s2", ("金额无误",)) == "no-such-statement"
    desk.do(AnswerStatement, "s", "s1", ("金额无误", "和解协议未履行"))
    assert desk.refused(AnswerStatement, "s", "s1", ("金额无误", "和解协议未履行")) == "already"
    desk.rule(on=D(2026, 3, 10))
    assert desk.case.state == "decided"


def test_a_statement_comes_after_the_notice_and_before_the_decision() -> None:
    """Before, there is nothing to state about; afterwards an objection is the way."""
    desk = Desk()

    assert desk.refused(ReceiveStatement, "s", DAY, ("有异议",)) == "not-noticed"
    desk.notify()
    assert desk.refused(ReceiveStatement, "s", DAY, (" ",)) == "reason-required"
    assert desk.refused(ReceiveStatement, "s", DAY - dt.timedelta(1), ("有异议",)) == "day-too-early"
    desk.rule(on=D(2026, 3, 10))
    assert desk.refused(ReceiveStatement, "s", D(2026, 3, 10), ("有异议",), on=desk.today) == "use-objection"


def test_a_hearing_asked_for_in_time_holds_the_decision_up_until_it_was_held() -> None:
    """Announced seven working days ahead, chaired by someone other than the drafter, with its record."""
    desk = Desk()
    desk.notify()
    desk.do(RequestHearing, "s", D(2026, 3, 9), on=D(2026, 3, 9))
    held = D(2026, 3, 18)

    assert desk.refused(RequestHearing, "s", D(2026, 3, 9)) == "already"
    assert desk.refused(DecideListing, *LIST, on=D(2026, 3, 17)) == "stage-incomplete"
    too_late = (D(2026, 3, 10), held, "孙立", EVIDENCE)
    assert desk.refused(HoldHearing, "s", *too_late, on=held) == "announced-too-late"
    assert desk.refused(HoldHearing, "s", D(2026, 3, 9), held, CLERK.officer, EVIDENCE, on=held) == "same-person"
    assert desk.refused(HoldHearing, "s", D(2026, 3, 9), held, " ", EVIDENCE, on=held) == "reason-required"
    assert desk.refused(HoldHearing, "s", D(2026, 3, 9), held, "孙立", on=held) == "evidence-required"
    assert desk.refused(HoldHearing, "s", D(2026, 3, 9), held, "孙立", EVIDENCE) == "day-in-future"
    desk.do(HoldHearing, "s", D(2026, 3, 9), held, "孙立", EVIDENCE, on=held)
    assert desk.party().hearing == "held"
    assert desk.refused(HoldHearing, "s", D(2026, 3, 9), held, "孙立", EVIDENCE) == "no-hearing-requested"
    desk.rule()
    assert desk.case.state == "decided"


def test_a_late_request_for_a_hearing_is_recorded_but_binds_nobody() -> None:
    """It may be granted; it cannot be repeated into a right."""
    desk = Desk()

    assert desk.refused(RequestHearing, "s", DAY) == "not-noticed"
    desk.notify()
    desk.do(RequestHearing, "s", D(2026, 3, 10), on=D(2026, 3, 10))
    assert desk.party().hearing == "requested-late"
    assert desk.refused(RequestHearing, "s", D(2026, 3, 10)) == "already"
    assert missing(desk) == ()


def test_a_list_without_hearings_grants_none() -> None:
    """The right is the list's to give."""
    desk = Desk(procedure=replace(FULL, hearing_request=None))
    desk.notify()

    assert desk.refused(RequestHearing, "s", DAY) == "no-hearing-right"


# the decision


def test_pre_publicity_lasts_its_days_before_the_recognition() -> None:
    """Not shown, shown too short, and shown long enough."""
    desk = Desk(procedure=RECOGNITION)

    assert desk.refused(DecideListing, *LIST) == "stage-incomplete"
    desk.do(ShowBefore)
    assert desk.refused(ShowBefore) == "already"
    assert desk.refused(DecideListing, *LIST, on=D(2026, 3, 9)) == "stage-incomplete"
    desk.rule(on=D(2026, 3, 10))
    assert ("in-force", D(2026, 3, 10)) == (desk.case.state, desk.case.decided_on)
    assert desk.refused(ShowBefore) == "wrong-stage"
    assert Desk().refused(ShowBefore) == "no-such-stage"


def test_another_named_officer_than_the_drafter_decides() -> None:
    """With a number and a reason."""
    desk = Desk()
    desk.notify()
    when = D(2026, 3, 10)

    assert desk.refused(DecideListing, *LIST, actor=CLERK, on=when) == "same-person"
    assert desk.refused(DecideListing, "list", " ", "事实清楚", on=when) == "reason-required"
    assert desk.refused(DecideListing, "list", "1号", "", on=when) == "reason-required"
    assert desk.refused(DecideListing, *LIST, actor=Actor("tax", " "), on=when) == "officer-required"
    assert desk.refused(DecideListing, *LIST, actor=by("dept1"), on=when) == "not-yours"
    desk.rule(on=when)
    assert desk.refused(DecideListing, *LIST) == "wrong-stage"


def test_where_another_department_decides_the_initiator_may_not() -> None:
    """The county government decides, for instance; it may do nothing else with the case."""
    desk = Desk(procedure=replace(FULL, decided_by=("dept9",)))
    desk.notify()
    when = D(2026, 3, 10)

    assert desk.refused(DecideListing, *LIST, on=when) == "not-decider"
    assert desk.refused(ShowBefore, actor=by("dept9")) == "not-yours"
    desk.today = when
    assert desk.offered("dept9") == ("decide",)
    assert "decide" not in desk.offered("tax")
    desk.do(DecideListing, *LIST, actor=by("dept9"), on=when)
    assert desk.case.state == "decided"


def test_a_decision_not_to_list_closes_the_case() -> None:
    """Nothing ever took effect, and the case says why."""
    desk = Desk()
    desk.notify()
    desk.do(DecideListing, "not-list", "长不列〔2026〕1号", "已经付清", on=D(2026, 3, 10))

    assert ("closed", "not-listed", D(2026, 3, 10), {}) == (
        desk.case.state, desk.case.ground, desk.case.ended_on, dict(desk.case.obligations),
    )  # fmt: skip


def test_a_list_that_is_decided_elsewhere_has_no_decision_here() -> None:
    """Nor may anyone decide a listing that is in force already."""
    assert Desk(procedure=UPSTREAM, values=PROOFS).refused(DecideListing, *LIST) == "no-such-stage"
