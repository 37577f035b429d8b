"""What departments may do with their obligations, and what may not be done."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from engine.casework import available_actions, decide
from engine.casework.commands import Accept, Apply, Arm, Confirm, EndListing, FileCase, Lift, Redecide, Refer, Respond
from engine.casework.deadlines import is_overdue, queue_key
from engine.casework.events import CaseClosed
from engine.casework.graph import blockers, critical_path, whom_to_chase
from engine.casework.model import TRANSITIONS, Case, Evidence, Refusal
from tests.casework.build import CALENDARS, DAY, POLICY, by, decision_of, filed, only, owed, run

PUBLISH = owed("publish", "dept1")
STANDING = owed("standing", "dept2", after=[PUBLISH.key])
LAST = owed("withdraw", "dept3", after=[STANDING.key])
EVIDENCE = (Evidence("0" * 64, "回执"),)


def refusal(case: Case, command: object) -> str:
    """The code with which a command is refused."""
    with pytest.raises(Refusal) as caught:
        decide(case, command, POLICY, CALENDARS)  # type: ignore[arg-type]
    return caught.value.code


def in_force() -> Case:
    """Publish → standing → withdraw, all in effect."""
    case = filed(PUBLISH, STANDING, LAST)
    for owes in (PUBLISH, STANDING, LAST):
        name, actor = only(case, owes.measure, owes.department), by(owes.department)
        case = run(case, Accept(actor, DAY, name))
        done = Arm(actor, DAY, name) if owes is STANDING else Respond(actor, DAY, name, "implemented")
        case = run(case, done)
    return case


def test_only_what_waits_for_nothing_is_open_at_filing() -> None:
    """The others wait, and open one after the other, each with its own deadlines."""
    case = filed(PUBLISH, STANDING, LAST)
    name = only(case, "publish", "dept1")

    assert {o.measure: o.state for o in case.obligations.values()} == {
        "publish": "open", "standing": "waiting", "withdraw": "waiting",
    }  # fmt: skip
    later = DAY + dt.timedelta(days=7)
    case = run(run(case, Accept(by("dept1"), DAY, name)), Respond(by("dept1"), later, name, "implemented"))
    opened = case.obligations[only(case, "standing", "dept2")]
    assert (opened.state, opened.accept_by and opened.accept_by.on) == ("open", dt.date(2026, 3, 12))
    assert case.obligations[only(case, "withdraw", "dept3")].state == "waiting"


def test_a_restrictive_measure_takes_effect_only_after_a_named_human_confirms() -> None:
    """Arming is refused before, and the officer's name is kept."""
    case = filed(owed("restrictive", "dept1"))
    name = only(case, "restrictive", "dept1")
    case = run(case, Accept(by("dept1"), DAY, name))

    assert refusal(case, Arm(by("dept1"), DAY, name, EVIDENCE)) == "confirmation-required"
    case = run(case, Confirm(by("dept1"), DAY, name))
    assert refusal(case, Confirm(by("dept1"), DAY, name)) == "already"
    assert refusal(case, Arm(by("dept1"), DAY, name)) == "evidence-required"
    case = run(case, Arm(by("dept1"), DAY, name, EVIDENCE))
    assert (case.obligations[name].state, case.obligations[name].confirmed_by) == ("in-force", "李明")


def test_a_department_answers_only_its_own() -> None:
    """Another's obligation reads as if it were not there, and an unnamed officer cannot act."""
    case = filed(PUBLISH)
    name = only(case, "publish", "dept1")

    assert refusal(case, Accept(by("dept2"), DAY, name)) == "not-yours"
    assert refusal(case, Accept(by("dept1"), DAY, "c1.99")) == "not-yours"
    assert refusal(case, Accept(replace(by("dept1"), officer=" "), DAY, name)) == "officer-required"
    assert refusal(case, EndListing(by("dept1"), DAY, "repair", "")) == "not-yours"
    assert refusal(case, FileCase(by("tax"), DAY, "c1", decision_of([]))) == "already"


def test_a_standing_measure_is_applied_at_each_occasion_and_never_late_for_want_of_one() -> None:
    """Only recurring feedback falls due; no occasion renews it."""
    case = in_force()
    name = only(case, "standing", "dept2")
    obligation = case.obligations[name]

    assert obligation.feedback_by is not None
    assert not is_overdue(obligation, obligation.feedback_by.on)
    assert is_overdue(obligation, obligation.feedback_by.on + dt.timedelta(days=1))
    assert refusal(case, Apply(by("dept2"), DAY, name, False, "投标")) == "reason-required"
    case = run(case, Apply(by("dept2"), DAY, name, True, "投标"))
    later = DAY + dt.timedelta(days=80)
    renewed = run(case, Respond(by("dept2"), later, name, "no-occasion")).obligations[name]
    assert renewed.feedback_by is not None
    assert renewed.feedback_by.on > obligation.feedback_by.on
    assert refusal(case, Respond(by("dept2"), DAY, name, "implemented")) == "arm-instead"
    published = only(case, "publish", "dept1")
    assert refusal(case, Apply(by("dept1"), DAY, published, True, "x")) == "not-standing"


def test_not_applicable_settles_what_waits() -> None:
    """With a reason the obligation closes and the next one opens."""
    case = filed(PUBLISH, STANDING)
    name = only(case, "publish", "dept1")

    assert refusal(case, Respond(by("dept1"), DAY, name, "not-applicable")) == "reason-required"
    case = run(case, Respond(by("dept1"), DAY, name, "not-applicable", "无此主体"))
    assert case.obligations[name].outcome == "not-applicable"
    assert case.obligations[only(case, "standing", "dept2")].state == "open"
    assert (case.state, case.unclosed) == ("in-force", 1)


def test_a_referral_creates_a_successor_that_others_wait_for() -> None:
    """What waited for the old obligation goes on waiting, now for the new one."""
    case = filed(PUBLISH, STANDING)
    name = only(case, "publish", "dept1")

    assert refusal(case, Refer(by("dept1"), DAY, name, "gone", "职责划转")) == "no-such-department"
    assert refusal(case, Refer(by("dept1"), DAY, name, "dept1", "职责划转")) == "same-department"
    assert refusal(case, Refer(by("dept1"), DAY, name, "dept9", " ")) == "reason-required"
    case = run(case, Refer(by("dept1"), DAY, name, "dept9", "职责划转"))
    new = only(case, "publish", "dept9")
    waiting = only(case, "standing", "dept2")
    assert (case.obligations[name].state, case.obligations[new].state) == ("closed", "open")
    assert blockers(case, waiting) == (new,)
    case = run(case, Accept(by("dept9"), DAY, new))
    case = run(case, Respond(by("dept9"), DAY, new, "implemented"))
    assert case.obligations[waiting].state == "open"


def test_each_kind_of_measure_is_answered_in_its_own_way() -> None:
    """A one-shot measure is not armed, one that takes nothing away needs no confirmation."""
    case = filed(PUBLISH)
    name = only(case, "publish", "dept1")
    case = run(case, Accept(by("dept1"), DAY, name))

    assert refusal(case, Arm(by("dept1"), DAY, name)) == "respond-instead"
    assert refusal(case, Confirm(by("dept1"), DAY, name)) == "no-confirmation-needed"
    assert refusal(case, Respond(by("dept1"), DAY, name, "no-occasion")) == "not-standing"
    assert refusal(case, Accept(by("dept1"), DAY, name)) == "already"


def test_what_only_one_body_may_decide_is_not_referred_to_another() -> None:
    """The court alone, for instance."""
    case = filed(PUBLISH)
    alone = replace(POLICY.measures["publish"], authority=("dept1",))
    policy = replace(POLICY, measures={**POLICY.measures, "publish": alone})
    command = Refer(by("dept1"), DAY, only(case, "publish", "dept1"), "dept9", "职责划转")
    with pytest.raises(Refusal) as caught:
        decide(case, command, policy, CALENDARS)

    assert caught.value.code == "no-authority"


def test_nobody_owes_the_same_twice_by_referral() -> None:
    """A referral to a department that already owes it is refused."""
    case = filed(PUBLISH, owed("publish", "dept2"))

    assert refusal(case, Refer(by("dept1"), DAY, only(case, "publish", "dept1"), "dept2", "错派")) == "already-owed"


def test_lifting_walks_backwards() -> None:
    """What needed another is lifted before it; the last one closes the case; irreversible measures stay done."""
    case = run(in_force(), EndListing(by("tax"), DAY, "repair", "已修复"))
    first, second = only(case, "publish", "dept1"), only(case, "standing", "dept2")

    assert case.obligations[only(case, "withdraw", "dept3")].state == "closed"
    assert refusal(case, Lift(by("dept1"), DAY, first)) == "blocked"
    assert blockers(case, first) == (second,)
    assert whom_to_chase(case, DAY) == {"dept2": (second,)}
    path = critical_path(case, DAY, CALENDARS)
    assert path is not None
    assert path.obligations == (second, first)
    case = run(case, Lift(by("dept2"), DAY, second))
    assert case.state == "lifting"
    events = decide(case, Lift(by("dept1"), DAY, first), POLICY, CALENDARS)
    assert isinstance(events[-1], CaseClosed)
    assert refusal(case, EndListing(by("tax"), DAY, "repair", "")) == "already"


def test_what_never_took_effect_is_closed_at_the_end() -> None:
    """Ending a case before anyone acted closes it at once."""
    case = run(filed(PUBLISH, STANDING), EndListing(by("tax"), DAY, "withdrawal", "误列"))

    assert {o.outcome for o in case.obligations.values()} == {"never-effective"}
    assert (case.state, case.unclosed) == ("closed", 0)


def test_a_new_decision_only_adds() -> None:
    """A rule that reacts to an answer grows the graph; what is there already is not doubled."""
    case = filed(PUBLISH)
    more = decision_of([PUBLISH, owed("standing", "dept5", after=[PUBLISH.key])])
    case = run(case, Redecide(by("dept1"), DAY, more))

    assert len(case.obligations) == 2
    assert case.obligations[only(case, "standing", "dept5")].unmet == 1
    assert decide(case, Redecide(by("dept1"), DAY, more), POLICY, CALENDARS) == ()


def test_a_ring_of_departments_waiting_for_each_other_is_refused_with_the_ring() -> None:
    """The refusal spells the ring out."""
    one = owed("publish", "dept1", after=["standing@dept2/s"])
    other = owed("standing", "dept2", after=["publish@dept1/s"])
    with pytest.raises(Refusal) as caught:
        filed(one, other)

    assert caught.value.code == "cyclic-obligations"
    assert "publish@dept1/s → standing@dept2/s" in caught.value.detail + " → " + caught.value.detail


def test_release_work_comes_first_in_every_queue() -> None:
    """However late new restrictions are, taking one down sorts before them."""
    ended = run(in_force(), EndListing(by("tax"), DAY + dt.timedelta(days=300), "repair", ""))
    lifting = ended.obligations[only(ended, "standing", "dept2")]
    fresh = filed(PUBLISH).obligations["c1.1"]

    assert queue_key(lifting) < queue_key(fresh)


def test_available_actions_are_those_that_decide_accepts() -> None:
    """One function says what can be done now; each state offers what its transitions allow."""
    case = filed(owed("restrictive", "dept1"))
    name = "c1.1"

    assert available_actions(case.obligations[name]) == ("accept", "respond", "refer")
    assert available_actions(case.obligations[name], "dept2") == ()
    assert available_actions(case.obligations[name], "dept1", ("auditor",)) == ()
    case = run(case, Accept(by("dept1"), DAY, name))
    assert available_actions(case.obligations[name]) == ("confirm", "respond", "refer")
    case = run(case, Confirm(by("dept1"), DAY, name))
    assert available_actions(case.obligations[name]) == ("arm", "respond", "refer")
    assert ("accepted", "in-force") in TRANSITIONS


def test_answering_in_a_case_of_ten_thousand_touches_only_the_neighbours() -> None:
    """The slice of an obligation and its neighbours gives the same events as the whole case."""
    crowd = [owed("standing", f"dept{n % 60}", target=f"p{n}") for n in range(10_000)]
    case = filed(PUBLISH, STANDING, *crowd)
    name = only(case, "publish", "dept1")
    (after,) = (e.after for e in case.edges if e.before == name)
    case = run(case, Accept(by("dept1"), DAY, name))
    command = Respond(by("dept1"), DAY, name, "implemented")
    slice_of = replace(
        case,
        obligations={n: case.obligations[n] for n in (name, after)},
        edges=tuple(e for e in case.edges if name in {e.before, e.after}),
    )

    assert decide(case, command, POLICY, CALENDARS) == decide(slice_of, command, POLICY, CALENDARS)
