"""A live case under new facts or new rules: what is lifted, what is added, and what stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.casework import decide
from engine.casework.changing import difference
from engine.casework.commands import (
    Accept,
    Correct,
    EndListing,
    Lift,
    Migrate,
    RaiseObjection,
    Redecide,
    Refer,
    Respond,
)
from engine.casework.events import CaseMoved
from engine.casework.model import Due, Refusal
from engine.language.ir import Term
from tests.casework.build import DAY, by
from tests.casework.desk import (
    CHIEF,
    CLERK,
    DONE,
    EVIDENCE,
    FULL,
    PERSONAL,
    PRINCIPAL,
    PROOFS,
    PROVED,
    SHOWING,
    STANDING,
    UPSTREAM,
    D,
    Desk,
    actions,
    decision_on,
    owes,
    policy_with,
)

WHY = ("金额更正", ("事实“金额”：100 → 1",))


def lift(desk: Desk, key: str) -> None:
    """The department takes its measure down."""
    desk.do(Lift, desk.owed(key).id, EVIDENCE, actor=by(desk.owed(key).department))


# correction of a listing in force


def test_a_correction_lifts_some_adds_some_and_keeps_the_referred() -> None:
    """What another department took over is still what the decision owes; only the difference moves."""
    desk = Desk(STANDING, SHOWING, DONE).in_force()
    desk.do(Refer, desk.owed(STANDING).id, "dept9", "职责划转", actor=by("dept1"))
    desk.implement(SHOWING)
    fresh = "restrictive@dept5/s"
    events = desk.do(Correct, decision_on(STANDING, DONE, fresh), *WHY)

    assert {o.key: (o.state, o.outcome) for o in desk.case.obligations.values()} == {
        STANDING: ("closed", "referred"),
        "standing@dept9/s": ("open", None),
        SHOWING: ("lifting", "corrected"),
        DONE: ("open", None),
        fresh: ("open", None),
    }
    assert difference(events) == ((desk.owed(fresh).id,), (desk.owed(SHOWING).id,), ())
    assert isinstance(events[0], CaseMoved)
    assert dict(events[0].detail) == {
        "reason": "金额更正", "changed": ["事实“金额”：100 → 1"], "lifted": [desk.owed(SHOWING).id], "kept": 3,
    }  # fmt: skip


def test_a_correction_that_changes_nothing_owed_moves_nothing() -> None:
    """It is on record all the same, with the new decision."""
    desk = Desk().in_force()
    decision = decision_on(STANDING, values={"amount": 1})
    (event,) = desk.do(Correct, decision, *WHY)

    assert isinstance(event, CaseMoved)
    assert (event.action, event.decision) == ("correct", decision.digest())
    assert desk.states() == {STANDING: "open"}


def test_what_never_took_effect_is_closed_and_frees_what_waited_for_it() -> None:
    """The measure that needed it opens with deadlines of its own."""
    desk = Desk(SHOWING, owes(STANDING, [SHOWING])).in_force()

    assert desk.states() == {SHOWING: "open", STANDING: "waiting"}
    events = desk.do(Correct, decision_on(STANDING), *WHY, on=D(2026, 3, 16))
    assert difference(events) == ((), (), (desk.owed(SHOWING).id,))
    assert desk.states() == {SHOWING: "closed", STANDING: "open"}
    assert desk.owed(STANDING).accept_by == Due(D(2026, 3, 19))


def test_a_measure_already_being_lifted_waits_for_one_that_needs_it() -> None:
    """Lifted by a correction, then the end comes: the dependent one goes first, and the time runs anew."""
    desk = Desk(SHOWING, owes(STANDING, [SHOWING])).in_force()
    desk.implement(SHOWING)
    desk.implement(STANDING)
    desk.do(Correct, decision_on(STANDING), *WHY)

    assert (desk.owed(SHOWING).unlifted, desk.owed(SHOWING).lift_by) == (0, Due(D(2026, 3, 16)))
    desk.do(EndListing, "performance", "已付清", on=D(2026, 3, 12))
    assert (desk.owed(SHOWING).unlifted, desk.owed(SHOWING).lift_by) == (1, None)
    assert desk.refused(Lift, desk.owed(SHOWING).id, EVIDENCE, actor=by("dept2")) == "blocked"
    lift(desk, STANDING)
    lift(desk, SHOWING)
    assert (desk.case.state, desk.case.unclosed) == ("closed", 0)


def test_corrected_back_and_forth_a_measure_is_owed_again_each_time() -> None:
    """Once taken down, it comes back as a new obligation under the same key, with its own deadlines."""
    desk = Desk(STANDING, SHOWING).in_force()
    desk.implement(STANDING)
    for _ in range(2):
        desk.do(Correct, decision_on(SHOWING), *WHY)
        lift(desk, STANDING)
        desk.do(Correct, decision_on(STANDING, SHOWING), *WHY)
        desk.implement(STANDING)

    again = [o for o in desk.case.obligations.values() if o.key == STANDING]
    assert [(o.state, o.outcome) for o in again] == [("closed", "corrected")] * 2 + [("in-force", "implemented")]
    assert len({o.id for o in again}) == 3
    assert desk.case.unclosed == 2


def test_corrected_back_before_it_was_taken_down_the_measure_is_owed_anew() -> None:
    """The old one is still lifted; without the new one nobody would owe what the decision says."""
    desk = Desk(STANDING, SHOWING).in_force()
    desk.implement(STANDING)
    desk.do(Correct, decision_on(SHOWING), *WHY)
    desk.do(Correct, decision_on(STANDING, SHOWING), *WHY)

    assert [o.state for o in desk.case.obligations.values() if o.key == STANDING] == ["lifting", "open"]


def test_corrected_back_a_measure_that_was_referred_is_owed_again() -> None:
    """It goes to the department that the decision names, which may pass it on as before."""
    desk = Desk(STANDING, SHOWING).in_force()
    desk.do(Refer, desk.owed(STANDING).id, "dept9", "职责划转", actor=by("dept1"))
    desk.do(Correct, decision_on(SHOWING), *WHY)
    assert desk.states()["standing@dept9/s"] == "closed"
    desk.do(Correct, decision_on(STANDING, SHOWING), *WHY)

    assert [o.state for o in desk.case.obligations.values() if o.key == STANDING] == ["closed", "open"]


def test_what_was_answered_not_applicable_stays_answered() -> None:
    """A correction does not ask again what a department has answered."""
    desk = Desk(STANDING, SHOWING).in_force()
    desk.do(Respond, desk.owed(STANDING).id, "not-applicable", "无此情形", actor=by("dept1"))
    desk.do(Correct, decision_on(STANDING, SHOWING, values={"amount": 1}), *WHY)

    assert desk.states() == {STANDING: "closed", SHOWING: "open"}


def test_a_person_newly_reached_has_a_notice_of_their_own_first() -> None:
    """Measures against that person wait for the service, however long the listing is in force."""
    desk = Desk(STANDING).in_force()
    desk.do(Correct, decision_on(STANDING, PERSONAL), *WHY)

    assert desk.states() == {STANDING: "open", PERSONAL: "waiting"}
    desk.notify(PRINCIPAL)
    desk.serve(PRINCIPAL, on=D(2026, 3, 19))
    assert desk.states()[PERSONAL] == "open"


def test_the_clocks_follow_the_right_facts() -> None:
    """A debt found unpaid makes the term run until it is paid; publicity that has ended stays ended."""
    desk = Desk(STANDING).in_force()
    desk.tick(on=D(2027, 3, 11))
    desk.do(Correct, decision_on(STANDING, values={"wrong": "unpaid"}), *WHY)

    assert desk.case.listing is not None
    assert desk.case.publicity is not None
    assert (desk.case.listing.start, desk.case.listing.maximum) == (D(2026, 3, 10), None)
    assert desk.case.publicity.ended_on == D(2027, 3, 11)
    desk.do(Correct, decision_on(STANDING, values={"wrong": "paid"}), *WHY)
    assert desk.case.listing.maximum == D(2028, 3, 10)


def test_once_publicity_is_over_a_publication_is_not_owed_again() -> None:
    """Neither by a correction nor by a decision that reacts to an answer."""
    desk = Desk(STANDING).in_force()
    desk.tick(on=D(2027, 3, 11))
    desk.do(Correct, decision_on(STANDING, SHOWING), *WHY)
    desk.do(Redecide, decision_on(STANDING, SHOWING))

    assert list(desk.states()) == [STANDING]


# correction before the listing is in force


def test_before_force_the_procedure_begins_again_with_the_right_data() -> None:
    """Notice, periods, decision and its service start over; whoever is no longer reached is out."""
    desk = Desk(STANDING, PERSONAL).decided()
    desk.do(Correct, decision_on(STANDING, "standing@dept1/q"), *WHY, on=D(2026, 3, 11))

    assert (desk.case.state, desk.case.decided_on, desk.case.number, dict(desk.case.tasks)) == ("filed", None, "", {})
    assert {i: (p.noticed_on, p.removed_on) for i, p in desk.case.parties.items()} == {
        "s": (None, None), PRINCIPAL: (DAY, D(2026, 3, 11)), "q": (None, None),
    }  # fmt: skip
    assert desk.tick(on=D(2026, 4, 30)) == ()
    desk.notify(on=D(2026, 4, 30))
    desk.notify("q")
    assert desk.case.state == "noticed"
    desk.rule(on=D(2026, 5, 11))
    assert desk.case.state == "decided"


def test_before_force_a_stage_done_upstream_stays_done() -> None:
    """The notice was given elsewhere; nobody here could give it again."""
    mixed = replace(FULL, notice=False, upstream={"notice": UPSTREAM.upstream["notice"]})
    desk = Desk(STANDING, procedure=mixed, values=PROOFS)
    desk.do(Correct, decision_on(STANDING, SHOWING, values=PROOFS), *WHY)

    assert desk.party().noticed_on == PROVED["notice_date"]
    desk.decision = decision_on(STANDING, SHOWING, values=PROOFS)
    desk.rule()
    desk.serve()
    assert desk.states() == {STANDING: "open", SHOWING: "open"}


def test_a_person_out_and_in_again_before_force_starts_afresh() -> None:
    """Corrected twice, the second time back: nothing of the first procedure counts."""
    desk = Desk(STANDING, PERSONAL)
    desk.notify(PRINCIPAL)
    desk.do(Correct, decision_on(STANDING), *WHY)
    desk.do(Correct, decision_on(STANDING, PERSONAL), *WHY)

    assert (desk.party(PRINCIPAL).noticed_on, desk.party(PRINCIPAL).removed_on) == (None, None)


def test_a_correction_says_why_and_comes_before_the_end() -> None:
    """And is the initiator's to make."""
    desk = Desk(STANDING).in_force()
    desk.implement(STANDING)

    assert desk.refused(Correct, decision_on(SHOWING), " ", ()) == "reason-required"
    assert desk.refused(Correct, decision_on(SHOWING), *WHY, actor=by("dept1")) == "not-yours"
    desk.do(EndListing, "performance", "已付清")
    assert desk.refused(Correct, decision_on(SHOWING), *WHY) == "ended"
    assert desk.refused(Redecide, decision_on(SHOWING)) == "ended"


def test_measures_that_wait_for_each_other_are_refused_with_the_ring() -> None:
    """A correction cannot make a case that never ends."""
    desk = Desk(STANDING).in_force()
    ring = decision_on(owes(SHOWING, [DONE]), owes(DONE, [SHOWING]), STANDING)

    assert desk.refused(Correct, ring, *WHY) == "cyclic-obligations"


# migration


def test_a_case_moves_to_another_policy_version() -> None:
    """Its obligations keep the version they came from, new ones have the new one; the clocks follow the new list."""
    desk = Desk(STANDING, SHOWING).in_force()
    desk.implement(SHOWING)
    shorter = replace(FULL, term=Term(FULL.publicity.maximum, None, None))
    desk.policy = policy_with(shorter, version="v2")

    assert desk.refused(Migrate, decision_on(STANDING), "新备忘录", ()) == "same-policy"
    desk.do(Migrate, decision_on(STANDING, DONE, version="v2"), "新备忘录", ("规则 m/1",), actor=CLERK)
    assert (desk.case.policy, desk.states()) == ("v2", {STANDING: "open", SHOWING: "lifting", DONE: "open"})
    assert {o.key: o.policy for o in desk.case.obligations.values()} == {STANDING: "v1", SHOWING: "v1", DONE: "v2"}
    assert desk.case.listing is not None
    assert desk.case.listing.maximum == D(2027, 3, 10)


def test_a_migration_before_force_leaves_the_procedure_where_it_is() -> None:
    """Nobody is noticed twice because a memorandum changed."""
    desk = Desk(STANDING)
    desk.notify()
    desk.policy = policy_with(FULL, version="v2")
    desk.do(Migrate, decision_on(STANDING, version="v2"), "新备忘录", ())

    assert (desk.case.policy, desk.case.state, desk.party().noticed_on) == ("v2", "noticed", DAY)


def test_a_measure_that_the_new_policy_does_not_know_is_lifted_in_the_usual_time() -> None:
    """Three working days."""
    desk = Desk(STANDING, SHOWING).in_force()
    desk.implement(SHOWING)
    new = policy_with(FULL, version="v2")
    desk.policy = replace(new, measures={n: m for n, m in new.measures.items() if n != "showing"})
    desk.do(Migrate, decision_on(STANDING, version="v2"), "新备忘录", ())

    assert (desk.owed(SHOWING).state, desk.owed(SHOWING).lift_by) == ("lifting", Due(D(2026, 3, 16)))
    desk.do(RaiseObjection, "s", desk.today, ("有误",))
    lift(desk, SHOWING)
    assert desk.states()[SHOWING] == "closed"


def test_showing_a_change_before_it_is_done_changes_nothing() -> None:
    """The events of a change can be looked at without being carried out."""
    desk = Desk(STANDING, SHOWING).in_force()
    desk.do(Accept, desk.owed(SHOWING).id, actor=by("dept2"))
    before = desk.case
    preview = decide(desk.case, Correct(CHIEF, desk.today, decision_on(DONE), *WHY), desk.policy, desk.calendars)

    assert difference(preview) == (("c1.3",), (), ("c1.1", "c1.2"))
    assert desk.case is before
    with pytest.raises(Refusal):
        decide(desk.case, Correct(CHIEF, desk.today, decision_on(DONE), "", ()), desk.policy, desk.calendars)
    assert actions(preview) == ["correct", "cancel", "cancel"]
