"""What lies on desks, held against the days lived one by one with the commands that the service itself uses."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.casework import decide, fold
from engine.casework.commands import (
    Accept,
    Arm,
    Command,
    Confirm,
    Correct,
    EndListing,
    FileCase,
    Lift,
    Migrate,
    Respond,
)
from engine.casework.model import Case, Due, Obligation, Refusal
from engine.workbench.backlog import Load, Pending, Tally, pending
from tests.casework.acting import answer_of
from tests.casework.build import CALENDARS, DAY, POLICY, by, decision_of, filed, owed, run
from tests.casework.desk import CHIEF, EVIDENCE
from tests.casework.drawn import KINDS, Universe, chosen, universes

DAYS = 45
STEP = dt.timedelta(days=1)
RULES = replace(POLICY, measures=KINDS)
NEW = replace(RULES, version="v2")


def do(case: Case, command: Command) -> Case:
    """The case after a command that may be refused."""
    try:
        return fold(decide(case, command, NEW if isinstance(command, Migrate) else RULES, CALENDARS), case)
    except Refusal:
        return case


@st.composite
def worked(draw: st.DrawFn) -> Case:
    """A case in the middle of its life: departments have answered something, and it may have been changed or ended."""
    universe: Universe = draw(universes())
    everything = (1 << len(universe)) - 1
    first = draw(st.sampled_from([everything, everything, draw(st.integers(0, everything))]))
    decision = chosen(universe, first, "v1", unpaid=False)
    case = fold(decide(None, FileCase(CHIEF, DAY, "c1", decision), RULES, CALENDARS))
    for _ in range(draw(st.sampled_from([0, 2, 8, 8]))):  # rounds in which every department does all that it can
        for obligation in case.obligations.values():
            case = done(case, obligation.id)
    case = answered(draw, case)
    change = draw(st.sampled_from(["", "correct", "end", "end", "rearm"]))
    if change == "correct":
        other = chosen(universe, draw(st.integers(0, everything)), "v1", unpaid=False)
        case = do(case, Correct(CHIEF, DAY, other, "更正", ()))
    if change == "end":
        case = do(case, EndListing(CHIEF, DAY, "withdrawal", "误列"))
    if change == "rearm":
        again = {
            i: replace(o, rearm_by=Due(DAY + 5 * STEP)) for i, o in case.obligations.items() if o.state == "in-force"
        }
        case = replace(case, obligations={**case.obligations, **again})
    return answered(draw, case)


def done(case: Case, name: str) -> Case:
    """One obligation set up as far as that is possible."""
    actor = by(case.obligations[name].department)
    for command in (
        Accept(actor, DAY, name), Confirm(actor, DAY, name), Arm(actor, DAY, name, EVIDENCE),
        Respond(actor, DAY, name, "implemented", evidence=EVIDENCE),
    ):  # fmt: skip
        case = do(case, command)
    return case


def answered(draw: st.DrawFn, case: Case) -> Case:
    """Some answers later."""
    for which, pick in draw(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2000)), max_size=6)):
        live = [o for o in case.obligations.values() if o.state != "closed"]
        if live:
            case = do(case, answer_of(live[which % len(live)], DAY, pick))
    return case


def on_desk(obligation: Obligation) -> bool:
    """Whether its department has something to do about it."""
    o = obligation
    return o.state in {"open", "accepted"} or o.rearm_by is not None or (o.state == "lifting" and not o.unlifted)


def last_day(obligation: Obligation, day: dt.date) -> Command | None:
    """What a department does that waits until it has to."""
    o, actor = obligation, by(obligation.department)
    due: dict[str, Due | None] = {
        "open": o.accept_by,
        "accepted": o.act_by,
        "in-force": o.rearm_by,
        "lifting": o.lift_by,
    }
    until = due[o.state]
    if until is None or until.on > day:
        return None
    match o.state:
        case "open":
            return Accept(actor, day, o.id)
        case "accepted" if o.restrictive and o.confirmed_by is None:
            return Confirm(actor, day, o.id)
        case "accepted" if o.mode == "one-shot":
            return Respond(actor, day, o.id, "implemented", evidence=EVIDENCE)
        case "lifting":
            return Lift(actor, day, o.id, EVIDENCE)
        case _:
            return Arm(actor, day, o.id, EVIDENCE)


def lived(case: Case, first: dt.date, days: int) -> dict[str, list[int]]:
    """How much each department has on its desk at some moment of each day, by living through them."""
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0] * days)
    for number in range(days):
        day, seen = first + number * STEP, {}
        while True:
            seen |= {o.id: o.department for o in case.obligations.values() if on_desk(o)}
            commands = [c for o in case.obligations.values() if on_desk(o) and (c := last_day(o, day))]
            if not commands:
                break
            case = fold(decide(case, commands[0], RULES, CALENDARS), case)
        for department, count in Counter(seen.values()).items():
            found[department][number] = count
    return found


@settings(max_examples=50, deadline=None)
@given(worked())
def test_desks_hold_what_living_through_the_days_shows(case: Case) -> None:
    """Waiting, accepting, setting up, setting up again, lifting in order: on every day the same number as lived."""
    tally = Tally(DAY, DAYS)
    tally.add(pending(case, RULES, CALENDARS, DAY))

    assert {d: list(load.counts) for d, load in tally.loads().items()} == lived(case, DAY, DAYS)


spans = st.builds(
    lambda department, first, length: Pending(department, DAY + first * STEP, DAY + (first + length) * STEP),
    st.sampled_from("ab"), st.integers(-20, 40), st.integers(0, 40),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(spans), st.integers(1, 30))
def test_a_tally_counts_as_one_would_by_hand(found: list[Pending], days: int) -> None:
    """Each day of the window, whatever lies outside; the peak is the most, on the first day with as many."""
    tally = Tally(DAY, days)
    tally.add(found)
    loads = tally.loads()
    for department in "ab":
        load = loads.get(department, Load(DAY, (0,) * days))
        by_hand = [
            sum(p.department == department and p.first <= DAY + n * STEP <= p.last for p in found) for n in range(days)
        ]
        assert list(load.counts) == by_hand
        assert load.peak == max(by_hand)
        assert load.peak_on == (DAY + by_hand.index(load.peak) * STEP if load.peak else None)


def test_a_chain_comes_onto_desks_one_after_the_other() -> None:
    """Ten working days each; the second waits for the first. What is late already is done at once."""
    case = filed(owed("publish", "dept1"), owed("standing", "dept2", ["publish@dept1/s"]))
    late = DAY + 30 * STEP

    assert set(pending(case, POLICY, CALENDARS, DAY)) == {
        Pending("dept1", dt.date(2026, 3, 2), dt.date(2026, 3, 16)),
        Pending("dept2", dt.date(2026, 3, 16), dt.date(2026, 3, 30)),
    }
    assert Pending("dept1", late, late) in set(pending(case, POLICY, CALENDARS, late))


def test_what_waits_for_something_without_a_day_is_left_out() -> None:
    """A related person who has not been served: nobody knows when the measure may begin."""
    case = filed(owed("standing", "dept1"))
    (name,) = case.obligations
    held = {name: replace(case.obligations[name], state="waiting", unmet=1, accept_by=None, act_by=None)}

    assert list(pending(replace(case, obligations=held), POLICY, CALENDARS, DAY)) == []


def test_what_a_later_change_brings_about_begins_with_it() -> None:
    """A migration in ten days: what it lifts and adds is pending from then on, what was open already from today."""
    case = filed(owed("standing", "dept1"), owed("restrictive", "dept2"))
    for command in (Accept, Arm):
        (name,) = [o.id for o in case.obligations.values() if o.measure == "standing"]
        case = run(case, command(by("dept1"), DAY, name, *([EVIDENCE] if command is Arm else [])))
    later = DAY + 10 * STEP
    new = replace(decision_of([owed("restrictive", "dept2"), owed("publish", "dept3")]), policy="v2")
    after = do(case, Migrate(CHIEF, later, new, "新政策", ()))
    found = {p.department: p for p in pending(after, NEW, CALENDARS, DAY, before=case, since=later)}

    assert found["dept1"] == Pending("dept1", later, dt.date(2026, 3, 17), lifting=True)
    assert found["dept2"].first == DAY
    assert found["dept3"].first == later
