"""A policy written as JSON and read back is the same policy, and what cannot be read is said to be so."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from adapters.policy_files import read_bundle
from engine.compiler import compile_policy
from engine.decision.reference import Interpreter
from engine.language.ir import Calendar, Span
from engine.language.ir_json import from_json, to_json
from tests.decision.build import policy_of
from tests.properties.generate import Situation, situations
from tests.shipped import shipped_policy


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(situations(5))
def test_a_policy_read_back_is_equal_and_decides_the_same(situation: Situation) -> None:
    """Over generated memoranda, tables and subjects; writing it again gives the same text."""
    policy = policy_of(situation.memorandum, situation.tables)
    text = to_json(policy)
    back = from_json(text, {})
    before, after = Interpreter(policy), Interpreter(back)

    assert policy == back
    assert text == to_json(back)
    for facts in situation.subjects:
        assert before.decide(facts).canonical() == after.decide(facts).canonical()


def test_the_shipped_policy_comes_back_but_for_its_tests() -> None:
    """Its files are handed in beside the text; declared facts keep the order of their file."""
    policy = shipped_policy()
    text = to_json(policy)
    back = from_json(text, policy.sources)

    assert replace(policy, tests=()) == back
    assert text == json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert [list(x.facts) for x in policy.lists.values()] == [list(x.facts) for x in back.lists.values()]
    assert [list(x.fields) for x in policy.records.values()] == [list(x.fields) for x in back.records.values()]


def test_reading_is_several_times_as_fast_as_compiling() -> None:
    """That is what a ledger gains which opens many versions."""
    files = read_bundle()
    text = to_json(shipped_policy())
    from_json(text, {})
    started = time.process_time()
    from_json(text, {})
    read = time.process_time() - started
    started = time.process_time()
    compile_policy(files)

    assert time.process_time() - started > 3 * read


def test_what_stands_in_the_text() -> None:
    """Tags, places, sets, years as keys, and nothing of sources and tests."""
    calendar = Calendar(
        2026, frozenset({dt.date(2026, 10, 1), dt.date(2026, 1, 1)}), frozenset(), provisional=True, source="通知",
        span=Span("a:b.yaml", 2, 1),
    )  # fmt: skip
    policy = replace(shipped_policy(), calendars={2026: calendar})
    document = json.loads(to_json(policy))

    assert document["calendars"] == {
        "2026": {
            "is": "Calendar", "year": 2026, "holidays": ["2026-01-01", "2026-10-01"], "makeup": [],
            "provisional": True, "source": "通知", "span": "a:b.yaml:2:1",
        }
    }  # fmt: skip
    assert {"sources", "tests"}.isdisjoint(document)
    assert policy.calendars == from_json(to_json(policy), {}).calendars


def test_a_field_that_an_older_text_lacks_takes_its_default() -> None:
    """A policy kept before `existing_cases` existed is read as one that says nothing about it."""
    text = to_json(shipped_policy())
    document = json.loads(text)
    for memorandum in document["memoranda"].values():
        del memorandum["existing_cases"]

    assert {"keep"} == {m.existing_cases for m in from_json(json.dumps(document), {}).memoranda.values()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"surplus": 1}, "Policy has no field surplus"),
        ({"is": "Rule"}, "Rule stands where Policy was expected"),
        ({"lists": {"a": {"is": "ListDef"}}}, "KeyError 'id'"),
        ({"laws": 7}, "AttributeError"),
    ],
)
def test_what_is_not_a_policy_is_refused(change: dict[str, object], words: str) -> None:
    """With the first thing that is wrong with it."""
    document = json.loads(to_json(policy_of(shipped_policy().memoranda["wage-arrears-2017-2058"])))

    with pytest.raises(ValueError, match=words):
        from_json(json.dumps(document | change), {})
