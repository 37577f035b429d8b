"""Escalation (督办): rungs fire once and in order, about whatever is late, however the worker slept."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from engine.casework.commands import (
    EndListing,
    Publish,
    RaiseObjection,
)
from engine.casework.events import CaseMoved, Event, ObligationMoved
from engine.casework.model import Due
from engine.casework.ticking import case_wakes_on, ladder_for, wake_on
from engine.language.ir import Ladder, Publicity, Rung, Term
from tests.casework.build import HERE, POLICY
from tests.casework.desk import (
    FULL,
    LADDER,
    PERSONAL,
    SHOWING,
    STANDING,
    D,
    Desk,
    actions,
    days,
    months,
    policy_with,
    rungs,
)

STEP = dt.timedelta(days=1)


def test_each_rung_fires_once_at_its_day_and_the_last_ends_it() -> None:
    """Accepting was due on 16 March: reminded on the 17th, the chief told on the 19th, reported on the 23rd."""
    desk = Desk(STANDING).in_force()
    desk.do(Publish, "信用网站")
    fired = {}
    for number in range(16):
        day = D(2026, 3, 11) + number * STEP
        if found := rungs(desk.tick(on=day)):
            fired[day] = found

    assert fired == {
        D(2026, 3, 17): [("remind", "dept1")],
        D(2026, 3, 19): [("chief", "dept1")],
        D(2026, 3, 23): [("report", "dept50")],
    }
    assert desk.owed(STANDING).quiet


def test_a_new_deadline_is_a_new_escalation() -> None:
    """Accepted late, the measure is pressed for again when it is not set up in time."""
    desk = Desk(STANDING).in_force()
    desk.do(Publish, "信用网站")
    desk.tick(on=D(2026, 3, 23))
    desk.implement(STANDING)
    assert (desk.owed(STANDING).rungs, desk.owed(STANDING).quiet) == (0, False)
    events = desk.tick(on=D(2026, 6, 30))

    assert rungs(events) == [("remind", "dept1"), ("chief", "dept1"), ("report", "dept50")]
    assert desk.owed(STANDING).feedback_by == Due(D(2026, 6, 23))


def test_the_initiator_is_pressed_for_what_it_owes_itself() -> None:
    """Service, publication, objections and applications; no rung for what was done in time."""
    desk = Desk(STANDING).decided()

    assert rungs(desk.tick(on=D(2026, 3, 20))) == [("remind", "tax")]
    desk.serve()
    events = desk.tick(on=D(2026, 3, 23))
    assert [e.changes["task"].name for e in events if isinstance(e, CaseMoved)] == ["publish"]
    desk.do(Publish, "信用网站")
    desk.do(RaiseObjection, "s", desk.today, ("有误",))
    assert [list(e.changes) for e in desk.tick(on=D(2026, 3, 27)) if isinstance(e, CaseMoved)] == [["objection"]]


def test_a_publication_that_is_no_longer_allowed_is_not_pressed_for() -> None:
    """Publicity over, the task is moot."""
    brief = replace(FULL, publicity=Publicity(True, days(7), None, months(0), (), ()), term=Term(None, None, None))
    desk = Desk(STANDING, procedure=brief).in_force()

    assert actions(desk.tick(on=D(2026, 3, 16))) == ["end-publicity"]
    assert {e.obligation for e in desk.tick(on=D(2026, 4, 30)) if isinstance(e, ObligationMoved)} == {"c1.1"}
    assert "escalate" not in [e.action for e in desk.events if isinstance(e, CaseMoved)]


def test_an_objection_is_pressed_for_even_when_the_case_is_over() -> None:
    """Whoever objected is owed an answer; nothing else of a closed case falls due."""
    desk = Desk(STANDING).in_force()
    desk.do(RaiseObjection, "s", desk.today, ("有误",))
    desk.do(EndListing, "withdrawal", "误列")

    assert (desk.case.state, case_wakes_on(desk.case)) == ("closed", D(2026, 3, 17))
    assert rungs(desk.tick(on=D(2026, 12, 1))) == [("remind", "tax"), ("chief", "tax"), ("report", "dept50")]
    assert (case_wakes_on(desk.case), desk.tick()) == (None, ())


def test_the_measure_s_ladder_comes_before_the_list_s_and_the_default() -> None:
    """Without any, nobody is told."""
    stern = Ladder("stern", "从严", False, (Rung("report", "通报", days(1), (), HERE),), HERE)
    plain = policy_with(FULL)
    policy = replace(
        plain,
        ladders={"standard": LADDER, "stern": stern, "mild": replace(stern, id="mild")},
        measures={**plain.measures, "showing": replace(plain.measures["showing"], ladder="stern")},
    )
    listed = {"list": replace(policy.lists["list"], procedure=replace(FULL, ladder="mild"))}

    assert ladder_for(policy, "list", "standing") == LADDER
    assert ladder_for(policy, "list", "showing") == stern
    assert ladder_for(policy, "list", "unheard-of") == LADDER
    assert ladder_for(replace(policy, lists=listed), "list", "standing") == policy.ladders["mild"]
    assert ladder_for(POLICY, "list", None) is None
    desk = Desk(STANDING, ladder=None).in_force()
    assert desk.tick(on=D(2026, 12, 1)) == ()


def worked() -> Desk:
    """A listing in force with something of everything running."""
    desk = Desk(STANDING, SHOWING, PERSONAL, "limited@dept1/q").in_force()
    desk.implement(SHOWING)
    desk.do(RaiseObjection, "s", desk.today, ("有误",))
    return desk


def pressed(events: tuple[Event, ...]) -> list[tuple[object, ...]]:
    """Each rung fired: about what, for which deadline, telling whom."""
    found: list[tuple[object, ...]] = []
    for event in events:
        if isinstance(event, ObligationMoved) and event.action == "escalate":
            found.append((event.obligation, event.detail["due"], event.detail["act"]))
        elif isinstance(event, CaseMoved) and event.action == "escalate":
            found.append((*event.changes, event.detail["due"], event.detail["act"]))
    return sorted(found, key=repr)


def test_ticking_daily_and_once_after_a_long_sleep_press_for_the_same() -> None:
    """Rung by rung, while the listing is in force."""
    daily, once = worked(), worked()
    fired: list[Event] = []
    for number in range(1, 200):
        fired += daily.tick(on=D(2026, 3, 11) + number * STEP)
    slept = once.tick(on=daily.today)

    assert pressed(slept) == pressed(tuple(fired))
    assert len(set(pressed(slept))) == len(pressed(slept)) == 12
    assert daily.case.obligations == once.case.obligations
    assert daily.tick() == once.tick() == ()


def test_what_was_late_before_the_end_is_pressed_for_even_if_the_worker_slept_through_it() -> None:
    """Publicity and the listing end in between; the rungs are those of daily rounds."""
    daily, once = Desk(STANDING).in_force(), Desk(STANDING).in_force()
    for desk in (daily, once):
        desk.do(RaiseObjection, "s", desk.today, ("有误",))
    fired: list[Event] = []
    while daily.case.state != "closed":
        fired += daily.tick(on=daily.today + STEP)
    slept = once.tick(on=D(2029, 1, 1))

    assert pressed(slept) == pressed(tuple(fired))
    assert (len(pressed(slept)), once.case.state, daily.case.ground) == (9, "closed", "expiry")


def test_nothing_happens_before_a_case_says_it_wakes() -> None:
    """A worker may sleep until then."""
    desk = worked()
    while desk.today < D(2028, 5, 1) and desk.case.state != "closed":
        wakes = [wake_on(o) for o in desk.case.obligations.values()] + [case_wakes_on(desk.case)]
        awake = min((d for d in wakes if d is not None), default=dt.date.max)
        made = desk.tick(on=desk.today + STEP)
        assert desk.today >= awake or made == (), (desk.today, awake, made)

    assert desk.case.ground == "expiry"
