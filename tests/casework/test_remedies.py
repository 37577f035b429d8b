"""What a person reached by a listing can do about it: objection, credit repair, rest under a reorganisation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.casework.clocks import bounds, earliest_repair
from engine.casework.commands import (
    AnswerObjection,
    AnswerStatement,
    ApplyRepair,
    DecideListing,
    EndListing,
    Lift,
    MoveRepair,
    Notify,
    Publish,
    RaiseObjection,
    ReceiveStatement,
    Serve,
    Shield,
)
from engine.casework.model import Due
from tests.casework.build import DAY, by
from tests.casework.desk import (
    EVIDENCE,
    FULL,
    PERSONAL,
    PRINCIPAL,
    STANDING,
    D,
    Desk,
    actions,
    decision_on,
)

PROVED = ("corrected", "commitment")
EARLIEST = D(2026, 9, 11)


def both_in_force() -> Desk:
    """A measure about the subject and one about the principal, both in effect on 12 March."""
    desk = Desk(STANDING, PERSONAL).in_force()
    desk.serve(PRINCIPAL, on=D(2026, 3, 12))
    desk.implement(STANDING)
    desk.implement(PERSONAL)
    return desk


# objection


def test_an_objection_marks_the_record_at_once_and_suspends_where_the_list_says_so() -> None:
    """Until it is answered; the answer is due sooner when the data are the department's own."""
    desk = Desk().in_force()
    desk.do(RaiseObjection, "s", D(2026, 3, 11), (" 金额有误 ", " "), False)
    objection = desk.case.objections["o1"]

    assert (desk.case.marked, desk.case.suspended) == (True, True)
    assert (objection.points, objection.due, objection.provider_due) == (
        ("金额有误",), Due(D(2026, 3, 20)), Due(D(2026, 3, 16)),
    )  # fmt: skip
    desk.do(AnswerObjection, "o1", "rejected", "金额无误", on=D(2026, 3, 23))
    assert (desk.case.marked, desk.case.suspended, desk.case.state) == (False, False, "in-force")
    assert desk.events[-1].detail["late"] is True  # type: ignore[attr-defined]
    mild = Desk(procedure=replace(FULL, objection=replace(FULL.objection, suspends=False))).in_force()
    mild.do(RaiseObjection, "s", D(2026, 3, 11), ("金额有误",))
    assert (mild.case.marked, mild.case.suspended) == (True, False)
    assert (mild.case.objections["o1"].due, mild.case.objections["o1"].provider_due) == (Due(D(2026, 3, 16)), None)


def test_an_objection_and_its_answer_say_what_about() -> None:
    """By a person of the case, on a day that can be, with a point; answered once, with a reason."""
    desk = Desk()

    assert desk.refused(RaiseObjection, "x", DAY, ("有误",)) == "no-such-party"
    assert desk.refused(RaiseObjection, "s", DAY, ("",)) == "reason-required"
    assert desk.refused(RaiseObjection, "s", D(2026, 3, 3), ("有误",)) == "day-in-future"
    assert desk.refused(RaiseObjection, "s", D(2026, 3, 1), ("有误",)) == "day-too-early"
    desk.do(RaiseObjection, "s", DAY, ("有误",))
    assert desk.refused(AnswerObjection, "o2", "rejected", "无误") == "no-such-objection"
    assert desk.refused(AnswerObjection, "o1", "rejected", " ") == "reason-required"
    desk.do(AnswerObjection, "o1", "rejected", "无误")
    assert desk.refused(AnswerObjection, "o1", "upheld", "有误") == "already"


def test_an_objection_before_the_decision_is_answered_before_it() -> None:
    """Nobody is listed over an open objection."""
    desk = Desk()
    desk.notify()
    desk.do(RaiseObjection, "s", DAY, ("有误",))
    verdict = ("list", "1号", "事实清楚")

    assert desk.refused(DecideListing, *verdict, on=D(2026, 3, 10)) == "stage-incomplete"
    desk.do(AnswerObjection, "o1", "rejected", "无误")
    desk.rule(on=D(2026, 3, 10))
    assert desk.case.state == "decided"


def test_upheld_for_the_subject_the_listing_is_annulled() -> None:
    """In the same step; what took effect is lifted, nothing upheld is left standing."""
    desk = both_in_force()
    desk.do(RaiseObjection, "s", D(2026, 3, 12), ("并无此事",))
    desk.do(AnswerObjection, "o1", "upheld", "经核实并无此事")

    assert (desk.case.state, desk.case.ground) == ("lifting", "annulment")
    assert desk.states() == {STANDING: "lifting", PERSONAL: "lifting"}


def test_upheld_for_a_related_person_that_person_s_measures_are_lifted_alone() -> None:
    """The listing stays; it does not reach the person again, and no step about that person is left."""
    desk = both_in_force()
    desk.do(RaiseObjection, PRINCIPAL, D(2026, 3, 12), ("早已离任",))
    desk.do(AnswerObjection, "o1", "upheld", "经核实早已离任")

    assert desk.case.state == "in-force"
    assert desk.states() == {STANDING: "in-force", PERSONAL: "lifting"}
    assert (desk.owed(PERSONAL).outcome, desk.party(PRINCIPAL).removed_on) == ("removed", D(2026, 3, 12))
    desk.do(Lift, desk.owed(PERSONAL).id, EVIDENCE, actor=by("dept3"))
    assert (desk.case.state, desk.states()[PERSONAL]) == ("in-force", "closed")
    assert desk.refused(ApplyRepair, PRINCIPAL, EARLIEST, PROVED, on=EARLIEST) == "already"


def test_a_related_person_who_is_out_holds_nothing_up() -> None:
    """No notice, no answer and no hearing is owed to someone whom the listing no longer reaches."""
    desk = Desk(STANDING, PERSONAL)
    desk.notify()
    desk.notify(PRINCIPAL, on=D(2026, 3, 10))
    desk.do(ReceiveStatement, PRINCIPAL, D(2026, 3, 10), ("早已离任",))
    desk.do(RaiseObjection, PRINCIPAL, D(2026, 3, 10), ("早已离任",))
    desk.do(AnswerObjection, "o1", "upheld", "经核实早已离任")

    assert desk.refused(AnswerStatement, PRINCIPAL, "s1", ("属实",)) == "already"
    desk.rule(on=D(2026, 3, 10))
    assert desk.refused(Serve, PRINCIPAL, desk.today, "直接送达", EVIDENCE) == "already"
    desk.serve()
    assert desk.states() == {STANDING: "open"}


def test_a_person_who_was_never_noticed_and_is_out_needs_no_notice() -> None:
    """The case counts as noticed without."""
    desk = Desk(STANDING, PERSONAL)
    desk.do(RaiseObjection, PRINCIPAL, DAY, ("早已离任",))
    desk.do(AnswerObjection, "o1", "upheld", "经核实早已离任")

    assert desk.refused(Notify, PRINCIPAL, DAY, "直接送达", "事实与理由", EVIDENCE) == "already"
    desk.notify()
    assert desk.case.state == "noticed"


def test_upheld_with_the_right_data_the_listing_is_corrected() -> None:
    """What the new decision does not owe is lifted, and the listing goes on."""
    desk = both_in_force()
    desk.do(RaiseObjection, "s", D(2026, 3, 12), ("金额有误",))
    desk.do(AnswerObjection, "o1", "upheld", "金额有误", decision_on(STANDING), ("金额",))

    assert actions(desk.events)[-3:] == ["answer-objection", "correct", "begin-lift"]
    assert (desk.case.state, desk.states()) == ("in-force", {STANDING: "in-force", PERSONAL: "lifting"})


def test_an_objection_is_answered_even_when_the_case_is_over() -> None:
    """Open as the case closes, it stays the one thing that can be done; nothing else follows from it."""
    desk = Desk()
    desk.do(RaiseObjection, "s", DAY, ("有误",))
    desk.do(EndListing, "withdrawal", "误列")

    assert (desk.case.state, desk.offered()) == ("closed", ("answer-objection",))
    assert desk.refused(RaiseObjection, "s", DAY, ("还有误",)) == "wrong-stage"
    assert desk.refused(ReceiveStatement, "s", DAY, ("有误",)) == "wrong-stage"
    desk.do(AnswerObjection, "o1", "upheld", "属实")
    assert (desk.case.state, desk.offered()) == ("closed", ())


def test_upheld_twice_a_person_is_taken_off_once() -> None:
    """Two objections by one person, both upheld: the second is answered, and nothing is undone again."""
    desk = both_in_force()
    for point in ("早已离任", "身份冒用"):
        desk.do(RaiseObjection, PRINCIPAL, D(2026, 3, 12), (point,))
    desk.do(AnswerObjection, "o1", "upheld", "属实")
    desk.do(AnswerObjection, "o2", "upheld", "属实", on=D(2026, 3, 13))

    assert (actions(desk.events).count("remove-party"), desk.party(PRINCIPAL).removed_on) == (1, D(2026, 3, 12))


# repair


def test_repair_waits_for_the_longest_minimum() -> None:
    """The list's six months end later than the three of publicity; the day after is the first."""
    desk = Desk().in_force()

    assert earliest_repair(desk.case, FULL) == EARLIEST
    assert desk.refused(ApplyRepair, "s", D(2026, 9, 10), PROVED, on=EARLIEST) == "repair-too-early"
    desk.do(ApplyRepair, "s", EARLIEST, PROVED, EVIDENCE, on=EARLIEST)
    assert (desk.case.repairs["r1"].state, desk.case.repairs["r1"].due) == ("received", Due(D(2026, 9, 16)))
    assert earliest_repair(desk.case, replace(FULL, repair=None)) is None


def test_an_application_for_repair_proves_what_the_list_asks_for() -> None:
    """By a person of the case, once at a time, while the listing is in force."""
    desk = Desk()
    apply = ("s", EARLIEST, PROVED)

    assert desk.refused(ApplyRepair, *apply, on=EARLIEST) == "wrong-stage"
    desk.in_force()
    assert desk.refused(ApplyRepair, "x", EARLIEST, PROVED, on=EARLIEST) == "no-such-party"
    assert desk.refused(ApplyRepair, "s", EARLIEST, ("corrected",), on=EARLIEST) == "proof-missing"
    assert desk.refused(ApplyRepair, "s", D(2026, 3, 9), PROVED, on=EARLIEST) == "day-too-early"
    assert desk.refused(ApplyRepair, *apply) == "day-in-future"
    desk.do(ApplyRepair, *apply, on=EARLIEST)
    assert desk.refused(ApplyRepair, *apply) == "already"
    never = Desk(procedure=replace(FULL, repair=None)).in_force()
    assert never.refused(ApplyRepair, *apply, on=EARLIEST) == "no-repair"


def test_repair_granted_ends_publicity_and_measures_together() -> None:
    """Accepted, extended once, granted; lifting has the time that the list gives this ground."""
    desk = Desk().in_force()
    desk.implement(STANDING)
    desk.do(ApplyRepair, "s", EARLIEST, PROVED, on=EARLIEST)

    assert desk.refused(MoveRepair, "r9", "accept") == "no-such-repair"
    assert desk.refused(MoveRepair, "r1", "grant") == "wrong-stage"
    assert desk.refused(MoveRepair, "r1", "extend", "案情复杂") == "wrong-stage"
    desk.do(MoveRepair, "r1", "accept", on=D(2026, 9, 14))
    assert desk.case.repairs["r1"].due == Due(D(2026, 9, 28))
    assert desk.refused(MoveRepair, "r1", "accept") == "wrong-stage"
    assert desk.refused(MoveRepair, "r1", "extend", "") == "reason-required"
    desk.do(MoveRepair, "r1", "extend", "案情复杂")
    assert desk.case.repairs["r1"].due == Due(D(2026, 10, 12))
    assert desk.refused(MoveRepair, "r1", "extend", "案情复杂") == "no-extension"
    desk.do(MoveRepair, "r1", "grant", on=D(2026, 9, 15))
    assert (desk.case.state, desk.case.ground, desk.owed(STANDING).lift_by) == (
        "lifting", "repair", Due(D(2026, 9, 16)),
    )  # fmt: skip
    assert desk.refused(MoveRepair, "r1", "refuse", "迟了") == "wrong-stage"


def test_repair_refused_says_why_and_may_be_applied_for_again() -> None:
    """The listing stays in force."""
    desk = Desk().in_force()
    desk.do(ApplyRepair, "s", EARLIEST, PROVED, on=EARLIEST)

    assert desk.refused(MoveRepair, "r1", "refuse") == "reason-required"
    desk.do(MoveRepair, "r1", "refuse", "承诺不实")
    assert desk.refused(MoveRepair, "r1", "accept") == "already"
    desk.do(ApplyRepair, "s", EARLIEST, PROVED)
    assert (list(desk.case.repairs), desk.case.state) == (["r1", "r2"], "in-force")


def test_repair_granted_to_a_related_person_leaves_the_listing() -> None:
    """That person is out; the subject's measures stay."""
    desk = both_in_force()
    desk.do(ApplyRepair, PRINCIPAL, EARLIEST, PROVED, on=EARLIEST)
    desk.do(MoveRepair, "r1", "accept")
    desk.do(MoveRepair, "r1", "grant", "已纠正")

    assert desk.states() == {STANDING: "in-force", PERSONAL: "lifting"}
    assert (desk.case.state, desk.party(PRINCIPAL).removed_on) == ("in-force", EARLIEST)


@pytest.mark.parametrize(("step", "code"), [("accept", "no-repair"), ("refuse", None)])
def test_an_application_under_way_when_the_list_gives_repair_up_can_still_be_refused(
    step: str, code: str | None
) -> None:
    """A case may move to a policy that knows no repair."""
    desk = Desk().in_force()
    desk.do(ApplyRepair, "s", EARLIEST, PROVED, on=EARLIEST)
    listed = replace(desk.policy.lists["list"], procedure=replace(FULL, repair=None))
    desk.policy = replace(desk.policy, lists={"list": listed})

    if code is not None:
        assert code == desk.refused(MoveRepair, "r1", step, "不再适用")
    else:
        desk.do(MoveRepair, "r1", step, "不再适用")
        assert desk.case.repairs["r1"].state == "refused"


def test_every_norm_says_its_own_bounds_of_publicity() -> None:
    """The one that ends first comes first."""
    desk = Desk().in_force()
    assert desk.case.publicity is not None

    assert [(b.law, b.minimum, b.maximum) for b in bounds(FULL, desk.case.publicity)] == [
        ("credit-repair-measures-2026", D(2026, 6, 10), D(2027, 3, 10)),
        ("henan-credit-regulation-2019", None, D(2031, 3, 10)),
    ]  # fmt: skip


# rest under a reorganisation


def test_a_listing_rests_under_a_reorganisation_plan_and_goes_on_afterwards() -> None:
    """Measures stay where they are, and the record says why they rest."""
    desk = Desk()

    assert desk.refused(Shield, "法院裁定批准重整计划") == "wrong-stage"
    desk.in_force()
    assert desk.refused(Shield, " ") == "already"
    desk.do(Shield, "法院裁定批准重整计划")
    assert (desk.case.suspended, desk.case.shielded) == (True, "法院裁定批准重整计划")
    assert "unshield" in desk.offered()
    assert desk.refused(Shield, "又一裁定") == "already"
    desk.do(Shield, "")
    assert (desk.case.suspended, desk.case.state) == (False, "in-force")
    assert "shield" in desk.offered()


def test_nothing_is_shown_to_the_public_after_its_longest_time() -> None:
    """A listing that nobody published in time is not published late either once publicity is over."""
    desk = Desk().in_force()
    desk.tick(on=D(2027, 3, 11))

    assert desk.refused(Publish, "信用网站") == "publicity-over"
    assert "publish" not in desk.offered()
