"""The reference interpreter and durable_rules mean the same by every policy, and the property that says so can fail.

The normal run draws 20,000 (policy, subject) pairs. `XINHENG_FUZZ_MINUTES=120 pytest tests/properties -k for_hours`
draws new ones for that long; a failure prints the seed, which `XINHENG_FUZZ_SEED` replays.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any as Anything

import durable_rules_engine
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from engine.decision import durable, rete
from engine.decision.durable import Ruleset, _Run
from engine.decision.model import Facts, Record
from engine.decision.reference import Interpreter
from engine.decision.rete import compile_program
from engine.language.ir import Policy, Value
from tests.properties.generate import Situation, situations

SUBJECTS = 20
POLICIES = 250
SHARDS = 4


def agree(situation: Situation) -> int:
    """Hold both engines against each other on every subject; the number of pairs compared."""
    policy = Policy("v", {}, {}, {}, {}, {}, {}, situation.tables, {"m": situation.memorandum}, {}, {}, (), {})
    interpreter = Interpreter(policy)
    with Ruleset(compile_program(situation.memorandum, situation.tables)) as ruleset:
        for facts in situation.subjects:
            expected = interpreter.evaluate(situation.memorandum, facts)

            assert expected == ruleset.evaluate(facts)
    return len(situation.subjects)


def run(number: int, policies: int, phases: tuple[Phase, ...] = tuple(Phase)) -> int:
    """Draw `policies` situations from seed `number`; the number of pairs compared."""
    pairs = 0

    @seed(number)
    @settings(
        max_examples=policies, deadline=None, database=None, phases=phases, print_blob=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(situations(SUBJECTS))
    def compare(situation: Situation) -> None:
        nonlocal pairs
        pairs += agree(situation)

    compare()
    return pairs


@pytest.mark.parametrize("shard", range(SHARDS))
def test_both_engines_agree_on_generated_policies_and_subjects(shard: int) -> None:
    """20,000 pairs over four shards: fired, unknown and derived facts, and table rows are equal."""
    assert run(shard, POLICIES) >= SUBJECTS * POLICIES


@pytest.mark.skipif("XINHENG_FUZZ_MINUTES" not in os.environ, reason="set XINHENG_FUZZ_MINUTES to draw for long")
def test_both_engines_agree_for_hours() -> None:
    """As above with new seeds until the time is up."""
    until = time.monotonic() + 60 * float(os.environ["XINHENG_FUZZ_MINUTES"])
    number = int(os.environ.get("XINHENG_FUZZ_SEED", time.time_ns()))
    while time.monotonic() < until:
        print(f"XINHENG_FUZZ_SEED={number}")  # noqa: T201 - shown by pytest when it fails
        run(number, POLICIES)
        number += 1


def _undated_is_outside(self: _Run, record: Record) -> dict[str, Value]:
    return {**record.fields, "": record.date or 0, "subject.kind": self.facts.subject_kind}


def _first_true_choice(self: _Run, plan: Anything, truths: Anything, fields: Anything) -> Value | None:
    if plan.choices:
        return next((value for item, value in plan.choices if truths.get(item) is True), None)
    return REAL_DERIVE(self, plan, truths, fields)


def _unguarded(field: str, op: str, value: int | str) -> Anything:
    return REAL_TEST(field, op, value)[-1:]


def _excluded_records_count(self: _Run, ruleset: Ruleset, facts: Facts) -> None:
    REAL_INIT(self, ruleset, facts)
    records = tuple(Record(r.id, r.kind, r.date, r.fields) for r in facts.records)
    object.__setattr__(self, "facts", Facts(**{n: getattr(facts, n) for n in Facts.__slots__} | {"records": records}))


REAL_DERIVE, REAL_TEST, REAL_INIT = _Run.derive, rete._test, _Run.__init__
BUGS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "the negation of < is >": lambda m: m.setattr(rete, "NEGATED", {**rete.NEGATED, "lt": "gt"}),
    "an undated record lies outside every window": lambda m: m.setattr(_Run, "of_record", _undated_is_outside),
    "an unknown choice is passed over": lambda m: m.setattr(_Run, "derive", _first_true_choice),
    "a missing right-hand fact compares": lambda m: m.setattr(rete, "_test", _unguarded),
    "excluded records count": lambda m: m.setattr(_Run, "__init__", _excluded_records_count),
    "a look-back starts a day late": lambda m: m.setattr(
        durable, "minus", lambda day, duration: REAL_MINUS(day, duration).replace(day=1)
    ),
}
REAL_MINUS = durable.minus


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_semantic_bug_is_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these mistakes in the durable_rules back end makes the property fail."""
    BUGS[bug](monkeypatch)

    with pytest.raises(AssertionError):
        run(1, 400, phases=(Phase.generate,))


def test_durable_rules_still_drops_a_join_behind_a_nested_group() -> None:
    """Why programs are flat and have no joins: this form fires for the wrong subject (durable_rules 2.0.28)."""
    nested = {"$or": [{"a": 1}, {"a": 2}]}
    join = {"of": {"first": "key"}}
    wrong = {"all": [{"first": {"kind": "case"}}, {"second": {"$and": [{"kind": "rel"}, nested, join]}}]}
    caught = {"all": [{"m": {"kind": "case"}}]}
    handle = durable_rules_engine.create_ruleset("join", json.dumps({"wrong": wrong, "case": caught}))
    fired = []
    for message in ({"id": "1", "kind": "case", "key": "x"}, {"id": "2", "kind": "rel", "a": 1, "of": "another"}):
        _, state = durable_rules_engine.assert_fact(handle, json.dumps({**message, "sid": "1"}))
        started = durable_rules_engine.start_action_for_state(handle, state)
        result = started and started[1]
        while result:
            fired.append(next(iter(json.loads(result))))
            result = durable_rules_engine.complete_and_start_action(handle, state)
    durable_rules_engine.delete_ruleset(handle)

    assert "wrong" in fired
