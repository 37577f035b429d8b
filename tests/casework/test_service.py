"""From the decision on: service on each person, publicity, the ends of a listing, and who may do what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.casework import CASE_ACTIONS, available_case_actions
from engine.casework.commands import (
    Accept,
    AnswerStatement,
    Apply,
    Arm,
    Command,
    Confirm,
    EndListing,
    HoldHearing,
    Lift,
    Publish,
    ReceiveStatement,
    RequestHearing,
    Respond,
    Serve,
    ShowBefore,
)
from engine.casework.model import Due
from engine.language.ir import Procedure
from tests.casework.build import DAY, by
from tests.casework.desk import (
    CHIEF,
    EVIDENCE,
    FULL,
    PERSONAL,
    PRINCIPAL,
    PROOFS,
    RECOGNITION,
    STANDING,
    UPSTREAM,
    D,
    Desk,
    days,
)


def test_a_listing_is_in_force_once_the_subject_was_served() -> None:
    """Its clocks run from the decision, its departments' deadlines from the day it came into force."""
    desk = Desk().decided()

    assert Due(D(2026, 3, 19)) == desk.case.tasks["serve"].due
    assert desk.states() == {}
    desk.serve(on=D(2026, 3, 11))
    assert D(2026, 3, 11) == desk.case.tasks["serve"].done_on
    assert desk.case.listing is not None
    assert (D(2026, 3, 10), D(2026, 9, 10), D(2028, 3, 10)) == (
        desk.case.listing.start, desk.case.listing.minimum, desk.case.listing.maximum,
    )  # fmt: skip
    assert Due(D(2026, 3, 16)) == desk.owed(STANDING).accept_by


def test_a_service_before_the_decision_is_none() -> None:
    """Nor is one to come, one without its receipt, one to a stranger, or a second one."""
    desk = Desk()
    served = ("直接送达", EVIDENCE, desk.decision)

    assert desk.refused(Serve, "s", DAY, *served) == "wrong-stage"
    desk.decided()
    assert desk.refused(Serve, "s", D(2026, 3, 9), *served) == "service-before-decision"
    assert desk.refused(Serve, "s", D(2026, 3, 12), *served) == "day-in-future"
    assert desk.refused(Serve, "s", D(2026, 3, 10), "直接送达", (), desk.decision) == "evidence-required"
    assert desk.refused(Serve, "x", D(2026, 3, 10), *served) == "no-such-party"
    desk.serve()
    assert desk.refused(Serve, "s", D(2026, 3, 10), *served) == "already"


def test_measures_against_a_related_person_wait_for_that_person_s_own_service() -> None:
    """In force for the subject, the listing does not touch the principal until the principal was served too."""
    desk = Desk(STANDING, PERSONAL).in_force()

    assert desk.states() == {STANDING: "open", PERSONAL: "waiting"}
    assert desk.refused(Accept, desk.owed(PERSONAL).id, actor=by("dept3")) == "wrong-state"
    desk.serve(PRINCIPAL, on=D(2026, 3, 12))
    assert desk.states() == {STANDING: "open", PERSONAL: "open"}
    assert Due(D(2026, 3, 17)) == desk.owed(PERSONAL).accept_by


def test_a_related_person_is_heard_before_being_served() -> None:
    """Reached by a listing in force, a person has a notice, a statement and a hearing of their own first."""
    desk = Desk(STANDING, PERSONAL, procedure=replace(UPSTREAM, statement=days(3), hearing_request=days(5)),
                values=PROOFS)  # fmt: skip
    serving = (PRINCIPAL, DAY, "直接送达", EVIDENCE)

    assert desk.refused(Serve, *serving) == "not-noticed"
    desk.notify(PRINCIPAL)
    assert desk.refused(Serve, *serving) == "stage-incomplete"
    desk.do(ReceiveStatement, PRINCIPAL, DAY, ("已经离任",))
    assert desk.refused(Serve, *serving, on=D(2026, 3, 6)) == "stage-incomplete"
    desk.do(AnswerStatement, PRINCIPAL, "s1", ("离任在后",), on=D(2026, 3, 6))
    assert desk.refused(Serve, *serving) == "stage-incomplete"
    assert "serve" not in desk.offered()
    desk.do(RequestHearing, PRINCIPAL, D(2026, 3, 6))
    assert desk.refused(Serve, *serving, on=D(2026, 3, 10)) == "stage-incomplete"
    desk.do(HoldHearing, PRINCIPAL, D(2026, 3, 6), D(2026, 3, 10), "孙立", EVIDENCE, on=D(2026, 3, 10))
    assert "serve" in desk.offered()
    desk.serve(PRINCIPAL)
    assert desk.states()[PERSONAL] == "open"
    assert desk.refused(ReceiveStatement, PRINCIPAL, desk.today, ("再申辩",)) == "use-objection"


def test_a_list_that_serves_nobody_has_nothing_waiting_for_a_service() -> None:
    """A service there would open measures that wait for others, so it is refused."""
    first = STANDING
    desk = Desk(first, PERSONAL, procedure=replace(RECOGNITION, notice=True))
    desk.notify()
    desk.notify(PRINCIPAL)
    desk.do(ShowBefore)
    desk.rule(on=D(2026, 3, 10))

    assert desk.states() == {STANDING: "open", PERSONAL: "open"}
    assert desk.refused(Serve, PRINCIPAL, desk.today, "直接送达", EVIDENCE) == "no-such-stage"
    assert desk.refused(Serve, "s", desk.today, "直接送达", EVIDENCE) == "no-such-stage"


def test_a_listing_is_shown_to_the_public_once() -> None:
    """By the seventh working day after the decision; later is recorded as late."""
    desk = Desk().decided()

    assert desk.refused(Publish, "信用网站") == "wrong-stage"
    desk.serve(on=D(2026, 3, 11))
    assert Due(D(2026, 3, 19)) == desk.case.tasks["publish"].due
    (event,) = desk.do(Publish, "信用网站", on=D(2026, 3, 20))
    assert dict(event.detail) == {"channel": "信用网站", "late": True}  # type: ignore[attr-defined]
    assert desk.refused(Publish, "信用网站") == "already"
    silent = replace(FULL, publicity=replace(FULL.publicity, public=False))
    assert Desk(procedure=silent).in_force().refused(Publish, "信用网站") == "not-public"


def test_two_ends_of_one_case_at_once() -> None:
    """The first wins; the second learns on which ground the listing has ended."""
    desk = Desk().in_force()
    desk.implement(STANDING)
    desk.do(EndListing, "performance", "已付清")

    assert desk.refused(EndListing, "withdrawal", "误列") == "already"
    desk.do(Lift, desk.owed(STANDING).id, actor=by("dept1"))
    assert desk.case.state == "closed"
    assert desk.refused(EndListing, "withdrawal", "误列") == "already"


@pytest.mark.parametrize(
    ("ground", "code"),
    [("performance", "not-in-force"), ("repair", "not-in-force"), ("expiry", "not-in-force")],
)
def test_a_case_that_is_not_in_force_ends_only_as_one_that_should_not_have_begun(ground: str, code: str) -> None:
    """Withdrawn, annulled, corrected, or its subject is no more."""
    desk = Desk()

    assert code == desk.refused(EndListing, ground, "理由")
    desk.do(EndListing, "deceased", "主体死亡")
    assert (desk.case.state, desk.case.ground) == ("closed", "deceased")


def test_ends_that_have_their_own_way_are_refused_by_hand() -> None:
    """Repair by its application, not listing by the decision, expiry by the term alone; and nobody else's case."""
    desk = Desk().in_force()

    assert desk.refused(EndListing, "repair", "已修复") == "use-repair"
    assert desk.refused(EndListing, "not-listed", "不列入") == "use-decide"
    assert desk.refused(EndListing, "expiry", "期满", on=D(2028, 3, 10)) == "not-expired"
    assert desk.refused(EndListing, "performance", "已付清", actor=by("dept1")) == "not-yours"
    desk.do(EndListing, "expiry", "期满", on=D(2028, 3, 11))
    assert desk.case.ground == "expiry"


def test_a_clock_that_runs_backwards_is_refused() -> None:
    """A step dated before the last one changes nothing."""
    desk = Desk()
    desk.notify(on=D(2026, 3, 4))

    assert desk.refused(ReceiveStatement, "s", D(2026, 3, 3), ("有异议",), on=D(2026, 3, 3)) == "clock-backwards"


def test_what_cannot_be_done_is_named() -> None:
    """A command that nobody knows, and measures that no case knows."""
    desk = Desk().in_force()

    class Dance(Command):
        """Not a step of any procedure."""

    assert desk.refused(Dance) == "unknown-action"
    for kind, more in ((Accept, ()), (Confirm, ()), (Arm, ()), (Apply, (True, "投标")), (Respond, ("implemented",))):
        assert desk.refused(kind, "c1.9", *more, actor=by("dept1")) == "not-yours"


@pytest.mark.parametrize("procedure", [FULL, RECOGNITION, UPSTREAM])
def test_actions_come_in_one_order_and_only_to_those_who_may(procedure: Procedure) -> None:
    """Nothing for another role or department; nothing but the answer to an objection once closed."""
    desk = Desk(procedure=procedure, values=PROOFS)
    found = desk.offered()

    assert tuple(sorted(found, key=CASE_ACTIONS.index)) == found
    assert desk.offered("dept1") == ()
    assert available_case_actions(desk.case, desk.policy, desk.calendars, desk.today, "tax", ("auditor",)) == ()
    desk.do(EndListing, "withdrawal", "误列", actor=CHIEF)
    assert desk.offered() == ()
