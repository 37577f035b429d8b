"""The canonical text of a decision is that of its document; what is owed does not depend on who was asked before."""

from __future__ import annotations

import datetime as dt
import json
import random
from dataclasses import replace

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.decision.consequences import _Draft, contradictions, validity_turns
from engine.decision.model import (
    Contradiction,
    Decision,
    Facts,
    Owed,
    Record,
    RelatedPerson,
    Response,
    SuggestedLimit,
    UnknownRule,
)
from engine.decision.reference import Interpreter
from engine.language.ir import ROLES, Validity, Value
from tests.decision.build import facts_of, policy_of
from tests.properties.generate import Situation, situations
from tests.shipped import shipped_policy

TEXT = st.text(
    st.characters(exclude_categories=("Cs",)), max_size=8
) | st.sampled_from(("", '"', "\\", "\x00\x1f\x7f", "长政〔2026〕1号", "\u2028", "😀", "</script>"))  # fmt: skip
NAME = st.text("abc_.-", min_size=1, max_size=6)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
VALUE: st.SearchStrategy[Value] = st.booleans() | st.integers(-(2**70), 2**70) | TEXT | TEXTS
VALUES = st.dictionaries(NAME, VALUE, max_size=5)
OWED = st.lists(
    st.builds(
        Owed, TEXT, TEXT, TEXT, TEXT, TEXT, TEXTS, st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple), TEXT, TEXTS,
        st.none() | TEXT,
    ),
    max_size=3,
).map(tuple)  # fmt: skip
FACTS = st.builds(
    Facts, TEXT, TEXT, TEXT, TEXT, st.dates(), TEXT, VALUES,
    st.lists(st.builds(Record, TEXT, TEXT, st.none() | st.integers(1, 800_000), VALUES, st.booleans()), max_size=2).map(
        tuple
    ),
    st.lists(st.builds(RelatedPerson, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    st.lists(st.builds(Response, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    TEXT,
)  # fmt: skip
DECISIONS = st.builds(
    Decision, TEXT, FACTS, OWED, OWED,
    st.lists(
        st.builds(
            SuggestedLimit, TEXT, TEXT, TEXTS, st.integers(), st.lists(st.tuples(TEXT, st.integers())).map(tuple)
        ),
        max_size=2,
    ).map(tuple),
    st.lists(st.builds(UnknownRule, TEXT, TEXTS), max_size=2).map(tuple),
    st.lists(st.builds(Contradiction, TEXT, TEXT, TEXTS), max_size=2).map(tuple),
    TEXTS, st.lists(st.tuples(TEXT, TEXT, VALUE), max_size=3).map(tuple),
)  # fmt: skip


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(DECISIONS)
def test_the_text_is_that_of_the_document(decision: Decision) -> None:
    """Byte for byte, as the JSON encoder and an implementation of RFC 8785 write it."""
    document = decision.document()
    encoded = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    assert encoded == decision.canonical()
    assert rfc8785.dumps(document) == decision.canonical()


def test_a_decision_without_a_salt_says_nothing_of_one() -> None:
    """So decisions from before there were salts keep their digests."""
    policy = shipped_policy()
    facts = replace(facts_of({}), list="key-watch")
    bare, salted = (Interpreter(policy).decide(replace(facts, salt=salt)).document()["facts"] for salt in ("", "00"))

    assert salted == bare | {"salt": "00"}
    assert "salt" not in bare


def test_a_value_of_a_type_that_no_fact_has_is_refused() -> None:
    """Rather than written in some way or other."""
    with pytest.raises(TypeError, match="float is no type of a runtime value"):
        Interpreter(shipped_policy()).decide(facts_of({"amount": 1.5})).canonical()  # type: ignore[dict-item]


IDS = st.sampled_from(("a", "ab", "a/", "a@b", "b", "/", "0", "10", "9", "Z", "中"))
PEOPLE = st.lists(
    st.builds(RelatedPerson, IDS, st.sampled_from(ROLES), st.sampled_from(("natural-person", "enterprise"))), max_size=4
)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 99), IDS, PEOPLE), min_size=2, max_size=8))
def test_an_outline_made_for_others_gives_what_a_draft_would(
    interpreter: Interpreter, facts: tuple[Facts, ...], asked: list[tuple[int, str, list[RelatedPerson]]]
) -> None:
    """Whoever the persons are, in whichever order their ids stand, one person in two roles, the subject among them."""
    for number, subject, people in asked:
        given_facts = replace(facts[number], subject=subject, relations=tuple(people))
        evaluations = interpreter.evaluate_all(given_facts)
        draft = _Draft(interpreter.policy, given_facts)
        for evaluation in evaluations:
            draft.add(interpreter.policy.memoranda[evaluation.memorandum], evaluation.fired)
        owed, advice = draft.obligations()
        decided = interpreter.decide(given_facts)

        assert (owed, advice) == (decided.obligations, decided.advice)
        assert contradictions(interpreter.policy, owed) == decided.contradictions
        assert tuple(sorted(draft.fired)) == decided.fired
        assert decided.canonical() == interpreter.canonical(given_facts)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(situations(6))
def test_the_text_without_the_decision_is_the_same(situation: Situation) -> None:
    """Also with unknown rules, tables, limits and derived facts; twice, as it is remembered the second time."""
    interpreter = Interpreter(policy_of(situation.memorandum, situation.tables))
    for subject in (*situation.subjects, *situation.subjects):
        assert interpreter.decide(subject).canonical() == interpreter.canonical(subject)


@pytest.fixture(scope="module")
def interpreter() -> Interpreter:
    """One for all examples, so that outlines are met again."""
    return Interpreter(shipped_policy())


@pytest.fixture(scope="module")
def facts() -> tuple[Facts, ...]:
    """A hundred listings on sanction lists, for many of which several persons answer."""
    policy = shipped_policy()
    rng = random.Random(7)
    lists = sorted(name for name, listed in policy.lists.items() if listed.kind == "sanction")
    made = []
    for _ in range(100):
        listed = policy.lists[rng.choice(lists)]
        values: dict[str, Value] = {n: rng.choice(f.values) for n, f in listed.facts.items() if f.values}
        values |= {n: rng.random() < 0.5 for n, f in listed.facts.items() if f.type == "boolean"}
        day = dt.date(2017, 1, 1) + dt.timedelta(days=rng.randrange(3_600))
        made.append(Facts("s", rng.choice(listed.subjects), listed.id, "tax", day, "", values))
    return tuple(made)


def test_turns_are_the_days_on_which_something_changes() -> None:
    """The first day of a validity, and the first day after it."""
    first, last, day = dt.date(2020, 2, 1), dt.date(2020, 2, 29), dt.timedelta(days=1)
    validities = [Validity(first, last), Validity(None, last), Validity(last), Validity(), Validity(None, dt.date.max)]

    assert validity_turns(validities) == (first, last, last + day)
    for turn in validity_turns(validities):
        assert [v.covers(turn - day) for v in validities] != [v.covers(turn) for v in validities]


def test_a_measure_and_a_rule_are_in_force_from_their_first_to_their_last_day() -> None:
    """Also when the same interpreter was asked about the days around before."""
    policy = shipped_policy()
    valid = Validity(dt.date(2026, 3, 1), dt.date(2026, 3, 31))
    plaque = replace(policy.measures["rural-credit-plaque"], validity=valid)
    memorandum = policy.memoranda["credit-household-2017"]
    rules = tuple(
        replace(r, validity=valid) if r.id == "credit-household-2017/projects" else r for r in memorandum.rules
    )
    interpreter = Interpreter(
        replace(
            policy,
            measures={**policy.measures, plaque.id: plaque},
            memoranda={memorandum.id: replace(memorandum, rules=rules)},
        )
    )

    def owed(day: str) -> set[str]:
        on = dt.date.fromisoformat(day)
        values: dict[str, Value] = {"rating_date": on.toordinal(), "cooperative_member": True, "false_data": False}
        values |= {"gambling_or_drugs": False, "overdue_loan": False}
        facts = Facts("s", "farmer-household", "credit-household", "financial-office", on, "", values)
        return {o.measure for o in interpreter.decide(facts).obligations}

    both = {"rural-credit-plaque", "rural-project-priority"}

    assert [owed(f"2026-{d}") for d in ("02-28", "03-01", "03-31", "04-01")] == [set(), both, both, set()]
