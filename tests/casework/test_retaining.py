"""How long what is known of a subject is kept: held against the plain sentence that the law makes of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from engine.casework.retaining import Held, HeldCase, due_for_erasure, keeping_of, kept_until
from engine.compiler import compile_policy
from engine.language.dates import plus
from engine.language.ir import Duration, Keeping, Policy, Retention, Span
from tests.language.bundles import GOOD, files

KINDS, LISTS = ("natural-person", "farmer-household", "enterprise"), ("arrears", "grading", "courts")
AT = Span("x", 1, 1)
DAY = dt.date(2026, 11, 25)

days = st.dates(dt.date(2010, 1, 1), dt.date(2040, 12, 31))
lengths = st.builds(Duration, st.integers(0, 8), st.sampled_from(["days", "months", "years"]))
rules = st.builds(
    Keeping, st.uuids().map(str), st.just("规则"), st.lists(st.sampled_from(KINDS), min_size=1, unique=True).map(tuple),
    st.lists(st.sampled_from(LISTS), unique=True).map(tuple), lengths, st.just(()), st.just(AT),
)  # fmt: skip
held = st.builds(
    Held, st.sampled_from(KINDS), days,
    st.lists(st.builds(HeldCase, st.sampled_from(LISTS), st.none() | days), max_size=4).map(tuple),
    st.lists(days, max_size=4).map(tuple),
)  # fmt: skip


@cache
def sound() -> Policy:
    """The sound bundle."""
    policy = compile_policy(files(GOOD)).policy
    assert policy is not None
    return policy


def policy_of(chosen: list[Keeping]) -> Policy:
    """The sound bundle with these rules in the place of its own."""
    return replace(sound(), retention={"r": Retention("r", "保存期限", tuple(chosen), AT)})


def may_go(chosen: list[Keeping], about: Held, today: dt.date) -> bool:
    """Everything held has a rule that fits it first, and each has been kept for longer than that rule says."""
    things: list[tuple[str | None, dt.date | None]] = [(None, d) for d in (about.since, *about.records)]
    things += [(case.list, case.closed_on) for case in about.cases]
    for list_id, day in things:
        fitting = [r for r in chosen if about.kind in r.subjects and (r.lists == () or list_id in r.lists)]
        if not fitting or day is None or today <= plus(day, fitting[0].keep):
            return False
    return True


@given(st.lists(rules, max_size=5), held, days)
def test_data_go_when_everything_has_been_kept_long_enough_and_no_day_before(
    chosen: list[Keeping], about: Held, today: dt.date
) -> None:
    """And the rule that is named is one that governs something held."""
    policy = policy_of(chosen)
    rule = due_for_erasure(policy, about, today)

    assert (rule is not None) == may_go(chosen, about, today)
    if rule is not None:
        assert rule in {keeping_of(policy, about.kind, name) for name in (None, *(case.list for case in about.cases))}


@given(st.lists(rules, min_size=1, max_size=5), held, held)
def test_holding_more_never_shortens_the_time(chosen: list[Keeping], about: Held, more: Held) -> None:
    """Another case or record keeps data as long or longer; an open case, or one nobody has a rule for, for ever."""
    policy = policy_of(chosen)
    less = kept_until(policy, about)
    both = kept_until(policy, replace(about, cases=about.cases + more.cases, records=about.records + more.records))

    assert both is None or (less is not None and both[0] >= less[0])


def test_a_day_in_the_life_of_the_rules() -> None:
    """Three years for wages, five for the rest; the case closed last decides, the day after its last day it goes."""
    policy = sound()
    known = Held("natural-person", dt.date(2018, 1, 1), (HeldCase("wage-arrears", dt.date(2023, 11, 24)),))

    assert kept_until(policy, known) is not None
    found = due_for_erasure(policy, known, DAY)
    assert found is not None
    assert (found.id, due_for_erasure(policy, known, dt.date(2026, 11, 24))) == ("personal-data/wages", None)
    assert due_for_erasure(policy, replace(known, records=(dt.date(2022, 1, 1),)), DAY) is None
    assert due_for_erasure(policy, replace(known, cases=(HeldCase("wage-arrears", None),)), DAY) is None
    assert due_for_erasure(policy, replace(known, kind="enterprise"), DAY) is None


def test_longer_than_there_are_years_is_for_ever() -> None:
    """Not an error in the middle of the night."""
    rule = Keeping("r/x", "规则", KINDS, (), Duration(9000, "years"), (), AT)

    assert due_for_erasure(policy_of([rule]), Held("enterprise", DAY), DAY) is None
