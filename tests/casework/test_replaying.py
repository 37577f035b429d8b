"""Why two decisions differ: what brings a difference about alone, what it cannot be without, and what is left."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.casework.replaying import Change, Counterfactuals, by_code, changes, statements
from engine.decision.model import Facts
from engine.decision.reference import decide
from engine.language.ir import All, Any, Condition, Type, Value
from tests.decision.build import HERE, compare, facts_of, memorandum_of, policy_of
from tests.properties.generate import Situation, situations

A, B, C = (compare(name, "eq", value=True, of=Type.BOOLEAN) for name in "abc")


def both(*parts: Condition) -> Condition:
    """All of these."""
    return All(parts, HERE)


def told(condition: Condition, before: dict[str, Value], after: dict[str, Value]) -> dict[str, tuple[Change, ...]]:
    """Which facts are told to have changed one rule, and how."""
    policy = policy_of(memorandum_of([condition]))
    found = Counterfactuals(policy, policy).differences(facts_of(before), facts_of(after))
    return {d.source: d.changes for d in found}


NONE: dict[str, Value] = {"a": False, "b": False, "c": False}
EVERY: dict[str, Value] = {"a": True, "b": True, "c": True}
FIRED = (Change("rule", "m/0", None, True),)


def test_a_change_that_does_it_alone_is_the_cause() -> None:
    """And another one beside it is not."""
    assert told(A, NONE, EVERY) == {"a": FIRED}


def test_changes_of_which_each_would_do_are_all_causes() -> None:
    """Either of two."""
    assert told(Any((A, B), HERE), NONE, EVERY) == {"a": FIRED, "b": FIRED}


def test_changes_that_only_together_do_it_are_all_causes() -> None:
    """Without either it is gone."""
    assert told(both(A, B), NONE, EVERY) == {"a": FIRED, "b": FIRED}


def test_what_neither_does_alone_nor_is_wanting_is_laid_to_the_one_that_tipped_it() -> None:
    """Two of three are needed, and all three came."""
    two_of_three = Any((both(A, B), both(B, C), both(A, C)), HERE)

    assert told(two_of_three, NONE, EVERY) == {"b": FIRED}


def test_what_changes_nothing_is_no_cause() -> None:
    """Nor is a fact that no rule looks at."""
    assert told(A, {"a": True}, {"a": True, "b": True}) == {}


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(situations(4), st.data())
def test_every_difference_has_a_cause_and_every_cause_differs(situation: Situation, data: st.DataObject) -> None:
    """Over generated policies: all that differs between two subjects or two policies is told, as it is, and no more."""
    first, second = data.draw(st.sampled_from(situation.subjects)), data.draw(st.sampled_from(situation.subjects))
    second = replace(second, subject_kind=first.subject_kind, as_of=first.as_of, subject=first.subject)
    old = policy_of(situation.memorandum, situation.tables, "old")
    kept = data.draw(st.integers(0, len(situation.memorandum.rules)))
    new = policy_of(replace(situation.memorandum, rules=situation.memorandum.rules[:kept]), situation.tables, "new")

    def said(policy: object, facts: Facts) -> dict[tuple[str, str], object]:
        return statements(decide(policy, facts).document())  # type: ignore[arg-type]

    found = Counterfactuals(old, new).differences(first, second)
    expected = changes(said(old, first), said(new, second))

    assert {(c.what, c.about): c for d in found for c in d.changes} == expected
    for difference in found:
        assert difference.changes
        assert (difference.cause, difference.source) == ("memorandum", "m") or difference.cause == "facts"


def test_a_changed_text_is_the_code() -> None:
    """What the document says otherwise, in its statements and beside them."""
    policy = policy_of(memorandum_of([A]))
    logged = decide(policy, facts_of({"a": True})).document()
    again = decide(policy, facts_of({"a": False})).document()

    assert by_code(logged, again).cause == "code"
    assert {(c.what, c.about) for c in by_code(logged, again).changes} == {("rule", "m/0"), ("document", "facts")}
    assert by_code(logged, logged).changes == ()
