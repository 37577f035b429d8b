"""What happens because time passes, each thing once, however the worker slept."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from engine.casework.commands import (
    AnswerObjection,
    ApplyRepair,
    Arm,
    Lift,
    Publish,
    RaiseObjection,
    RequestHearing,
    Respond,
    Serve,
    Tick,
)
from engine.casework.events import ObligationMoved
from engine.casework.model import Due
from engine.casework.ticking import successor
from engine.language.ir import Department, Validity
from tests.casework.build import CALENDARS, DAY, HERE, by
from tests.casework.desk import (
    CLOCKWORK,
    EVIDENCE,
    PERSONAL,
    PRINCIPAL,
    PROOFS,
    SHOWING,
    STANDING,
    UPSTREAM,
    D,
    Desk,
    actions,
    days,
    owes,
    published,
    rungs,
)

EXPIRES = D(2028, 3, 10)
SUMMER = D(2026, 6, 30)
STEP = dt.timedelta(days=1)


def gone(desk: Desk, name: str, heir: str | None, end: dt.date = SUMMER) -> None:
    """A department ceases to exist, merged into another or not."""
    left = replace(desk.register[name], validity=Validity(end=end), merged_into=heir)
    desk.register = {**desk.register, name: left}


# expiry and the other clocks


def test_a_listing_expires_the_day_after_its_last() -> None:
    """On the last day it is still in force; the day after, everything that took effect has to be lifted."""
    desk = Desk(STANDING).in_force()
    desk.implement(STANDING)
    desk.tick(on=EXPIRES)

    assert desk.case.state == "in-force"
    desk.tick(on=EXPIRES + STEP)
    assert (desk.case.state, desk.case.ground, desk.case.ended_on) == ("lifting", "expiry", EXPIRES + STEP)
    assert desk.states() == {STANDING: "lifting"}


def test_a_listing_without_a_term_does_not_expire() -> None:
    """Performance alone ends it, however long that takes."""
    desk = Desk(STANDING, values={"wrong": "unpaid"}).in_force()
    desk.tick(on=D(2060, 1, 1))

    assert desk.case.state == "in-force"


def test_a_clock_that_jumps_far_ahead_expires_the_listing_and_fires_each_rung_once_in_order() -> None:
    """Each before the listing ends, as daily rounds would have; then it ends, and a second tick finds nothing."""
    desk = Desk(STANDING).in_force()
    desk.do(RaiseObjection, "s", desk.today, ("有误",))
    events = desk.tick(on=D(2040, 1, 2))

    ladder = [("remind", "{}"), ("chief", "{}"), ("report", "dept50")]
    fired = rungs(events)
    assert fired == [(act, to.format(late)) for late in ("dept1", "tax", "tax") for act, to in ladder]
    assert actions(events).index("cancel") > max(i for i, a in enumerate(actions(events)) if a == "escalate")
    assert (desk.case.state, desk.case.ground, desk.states()) == ("closed", "expiry", {STANDING: "closed"})
    assert "warn" not in actions(events)
    assert desk.tick() == ()


def test_time_that_runs_backwards_is_refused() -> None:
    """A tick before the last step would undo what was counted on."""
    desk = Desk().in_force()

    assert desk.refused(Tick, desk.register, actor=CLOCKWORK, on=DAY) == "clock-backwards"


def test_publicity_that_ends_before_the_listing_takes_down_publications_only() -> None:
    """The listing itself and its other measures go on."""
    desk = Desk(STANDING, SHOWING).in_force()
    desk.do(Publish, "信用网站")
    desk.implement(STANDING)
    desk.implement(SHOWING)
    desk.do(Respond, desk.owed(STANDING).id, "no-occasion", actor=by("dept1"), on=D(2027, 3, 10))
    desk.tick()
    assert desk.states() == {STANDING: "in-force", SHOWING: "in-force"}
    desk.tick(on=D(2027, 3, 11))

    assert desk.states() == {STANDING: "in-force", SHOWING: "lifting"}
    assert desk.owed(SHOWING).outcome == "expired"
    assert desk.case.publicity is not None
    assert (desk.case.state, desk.case.publicity.ended_on) == ("in-force", D(2027, 3, 11))
    assert "end-publicity" not in actions(desk.tick(on=D(2027, 3, 12)))


def test_a_measure_with_a_longest_time_ends_by_itself() -> None:
    """Three months after it was set up, whatever becomes of the listing."""
    limited = "limited@dept1/s"
    desk = Desk(limited, STANDING).in_force()
    desk.implement(limited)

    assert desk.owed(limited).expires_on == D(2026, 6, 11)
    desk.tick(on=D(2026, 6, 11))
    assert desk.states()[limited] == "in-force"
    desk.tick(on=D(2026, 6, 12))
    assert (desk.owed(limited).state, desk.owed(limited).outcome) == ("lifting", "expired")
    desk.do(Lift, desk.owed(limited).id, actor=by("dept1"))
    assert (desk.case.state, desk.states()) == ("in-force", {limited: "closed", STANDING: "open"})


def test_those_concerned_are_told_once_thirty_days_ahead() -> None:
    """First of the end of publicity, then of the end of the listing."""
    desk = Desk(STANDING, ladder=None).in_force()

    assert desk.tick(on=D(2027, 2, 7)) == ()
    assert actions(desk.tick(on=D(2027, 2, 8))) == ["warn"]
    assert desk.case.warned_of == D(2027, 3, 10)
    assert desk.tick(on=D(2027, 2, 9)) == ()
    assert actions(desk.tick(on=D(2027, 3, 11))) == ["end-publicity"]
    assert desk.tick(on=D(2028, 2, 8)) == ()
    assert actions(desk.tick(on=D(2028, 2, 9))) == ["warn"]
    assert desk.case.warned_of == EXPIRES


# departments that are gone


def test_a_department_merged_away_is_succeeded_and_sets_up_again_what_is_in_force() -> None:
    """Whoever took over has the time of the measure to arm it anew; applying it does not wait for that."""
    desk = Desk(STANDING, owes("standing@dept1/q", [])).in_force()
    desk.implement(STANDING)
    gone(desk, "dept1", "dept8")
    gone(desk, "dept8", "dept9")

    assert "succeed" not in actions(desk.tick(on=D(2026, 6, 30)))
    events = desk.tick(on=D(2026, 7, 1))
    assert actions(events)[:2] == ["succeed", "succeed"]
    taken = desk.owed(STANDING)
    assert (taken.department, taken.state, taken.rearm_by) == ("dept9", "in-force", Due(D(2026, 7, 15)))
    assert desk.owed("standing@dept1/q").rearm_by is None
    assert desk.refused(Arm, taken.id, EVIDENCE, actor=by("dept1")) == "not-yours"
    desk.do(Arm, taken.id, EVIDENCE, actor=by("dept9"))
    assert desk.owed(STANDING).rearm_by is None
    assert "succeed" not in actions(desk.tick(on=D(2026, 7, 2)))


def test_what_is_being_lifted_is_lifted_by_the_heir() -> None:
    """Without setting anything up again."""
    desk = Desk(STANDING).in_force()
    desk.implement(STANDING)
    desk.tick(on=EXPIRES + STEP)
    gone(desk, "dept1", "dept9", EXPIRES)
    desk.tick(on=EXPIRES + STEP)

    assert (desk.owed(STANDING).department, desk.owed(STANDING).rearm_by) == ("dept9", None)
    desk.do(Lift, desk.owed(STANDING).id, actor=by("dept9"))
    assert desk.case.state == "closed"


@pytest.mark.parametrize(
    ("register", "heir"),
    [
        ({"a": None}, None),  # gone without an heir
        ({}, None),  # never heard of
        ({"a": "b", "b": "a"}, None),  # merged into each other
        ({"a": "x"}, None),  # merged into one that the register does not know
        ({"a": "b"}, None),  # the heir is gone too, without one of its own
    ],
)
def test_without_an_heir_nobody_takes_over(register: dict[str, str | None], heir: str | None) -> None:
    """The obligation stays where it is, for people to refer."""
    departments = {
        n: Department(n, n, "county", "administrative", (), Validity(end=DAY), HERE, into)
        for n, into in {**({"b": None} if "a" in register else {}), **register}.items()
    }

    assert heir == successor("a", departments, DAY + STEP)
    assert successor("a", departments, DAY) is None


def test_a_gone_department_s_obligation_stays_on_record() -> None:
    """Its rungs go on firing until somebody refers it."""
    desk = Desk(STANDING).in_force()
    gone(desk, "dept1", None, D(2026, 3, 10))
    events = desk.tick(on=D(2026, 3, 17))

    assert actions(events) == ["escalate"]
    assert desk.owed(STANDING).department == "dept1"


# deadlines that were provisional


def test_a_provisional_deadline_is_reckoned_again_when_its_year_is_published() -> None:
    """With the reason and both dates; a second tick does nothing, and what was final stays."""
    late = Desk(STANDING, "standing@dept1/q")
    for party in late.case.parties:
        late.notify(party)
    late.rule(on=D(2026, 12, 21))
    late.serve(on=D(2026, 12, 24))
    before = late.owed(STANDING)

    assert (before.accept_by, before.act_by) == (
        Due(D(2026, 12, 29)), Due(D(2027, 1, 7), provisional=True, since=D(2026, 12, 24), term="10 working days"),
    )  # fmt: skip
    late.calendars = {**CALENDARS, 2027: published(2027, D(2027, 1, 1))}
    events = late.tick()
    moved = next(e for e in events if isinstance(e, ObligationMoved))
    assert (late.owed(STANDING).accept_by, late.owed(STANDING).act_by) == (before.accept_by, Due(D(2027, 1, 8)))
    assert moved.detail == {"reason": "放假安排已公布", "dates": ["act_by：2027-01-07 → 2027-01-08"]}
    assert late.case.tasks["publish"].due == Due(D(2026, 12, 30))
    assert late.tick() == ()


def test_periods_of_persons_not_served_yet_are_reckoned_again() -> None:
    """Also of a related person who is heard while the listing is in force; what is over is left alone."""
    desk = Desk(STANDING, PERSONAL, procedure=replace(UPSTREAM, statement=days(5), hearing_request=days(5)),
                values=PROOFS)  # fmt: skip
    desk.notify(PRINCIPAL, on=D(2026, 12, 28))
    assert desk.party(PRINCIPAL).statement_until == Due(D(2027, 1, 4), True, D(2026, 12, 28), "5 working days")
    desk.calendars = {**CALENDARS, 2027: published(2027, D(2027, 1, 1), D(2027, 1, 4))}
    desk.tick()

    assert desk.party(PRINCIPAL).statement_until == desk.party(PRINCIPAL).hearing_until == Due(D(2027, 1, 6))
    assert desk.refused(Serve, PRINCIPAL, D(2027, 1, 6), "直接送达", EVIDENCE, on=D(2027, 1, 6)) == "stage-incomplete"
    desk.do(RequestHearing, PRINCIPAL, D(2027, 1, 6), on=D(2027, 1, 6))
    assert desk.party(PRINCIPAL).hearing == "requested"


def test_the_initiator_s_own_deadlines_are_reckoned_again_while_they_run() -> None:
    """Objections with what their supplier owes, and applications; not what has been answered."""
    desk = Desk(STANDING).in_force()
    day = D(2026, 12, 30)
    desk.do(RaiseObjection, "s", day, ("有误",), False, on=day)
    desk.do(RaiseObjection, "s", day, ("有误",))
    desk.do(AnswerObjection, "o2", "rejected", "无误")
    desk.do(ApplyRepair, "s", day, ("corrected", "commitment"))
    answered = desk.case.objections["o2"]
    desk.calendars = {**CALENDARS, 2027: published(2027, D(2027, 1, 1))}
    desk.tick()

    assert desk.case.objections["o1"].due == Due(D(2027, 1, 11))
    assert desk.case.objections["o1"].provider_due == Due(D(2027, 1, 5))
    assert desk.case.objections["o2"] is answered
    assert desk.case.repairs["r1"].due == Due(D(2027, 1, 5))


def test_a_deadline_that_stays_on_its_day_is_not_pressed_for_again() -> None:
    """Published late, the year confirms the date; its rungs have fired."""
    desk = Desk(STANDING)
    desk.notify()
    desk.rule(on=D(2026, 12, 30))
    desk.serve(on=D(2026, 12, 30))
    desk.do(Publish, "信用网站")
    desk.do(RaiseObjection, "s", D(2026, 12, 30), ("有误",))
    first = desk.tick(on=D(2027, 1, 11))
    assert len(rungs(first)) == 6
    desk.calendars = {**CALENDARS, 2027: published(2027)}
    events = desk.tick()

    assert set(actions(events)) == {"reissue"}
    assert (desk.owed(STANDING).rungs, desk.case.objections["o1"].rungs) == (3, 3)
