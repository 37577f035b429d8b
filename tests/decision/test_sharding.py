"""Policies far beyond durable_rules' own limits still give the reference answer, or a numbered refusal."""

from __future__ import annotations

import pytest

from engine.decision.durable import Ruleset
from engine.decision.reference import Interpreter
from engine.decision.rete import BudgetError, compile_program
from engine.language.ir import All, Any, Compare, Condition, Constant, Fact, Type
from tests.decision.build import HERE, compare, facts_of, memorandum_of, policy_of

LARGE = {
    "1,500 rules that one subject satisfies": [compare("a", "gt", n - 2_000) for n in range(1_500)],
    "a disjunction of 300": [Any(tuple(compare(f"f{n}", "eq", n) for n in range(300)), HERE)],
    "a conjunction of 300": [All(tuple(compare("a", "ne", n + 10) for n in range(300)), HERE)],
    "membership of 2,000": [
        Compare(Fact("a", Type.INTEGER), op, tuple(Constant(n, Type.INTEGER, str(n)) for n in range(2_000)), HERE)
        for op in ("in", "not_in")
    ],
    "700 facts": [compare(f"f{n}", "eq", n) for n in range(700)],
    "30 levels of nesting": [
        # alternating all and any around one test
        __import__("functools").reduce(
            lambda inner, n: (All if n % 2 else Any)((compare("a", "eq", n), inner), HERE),
            range(30),
            compare("a", "eq", 5),
        )
    ],
    "four memberships in one conjunction": [
        All(
            tuple(
                Compare(Fact(f, Type.INTEGER), "in", tuple(Constant(n, Type.INTEGER, "") for n in range(24)), HERE)
                for f in ("a", "f1", "f2", "f3")
            ),
            HERE,
        )
    ],
}


@pytest.mark.parametrize("name", LARGE)
def test_large_policies_are_sharded(name: str) -> None:
    """Whatever its size, a memorandum evaluates as the reference says, with all facts and with gaps."""
    conditions: list[Condition] = list(LARGE[name])
    memorandum = memorandum_of(conditions)
    interpreter = Interpreter(policy_of(memorandum))
    with Ruleset(compile_program(memorandum, {})) as ruleset:
        for values in ({"a": 5} | {f"f{n}": n for n in range(700)}, {"a": 5}, {"f299": 299}, {"f1": 0}, {}):
            facts = facts_of(values)

            assert interpreter.evaluate(memorandum, facts) == ruleset.evaluate(facts)


def test_what_cannot_be_sharded_is_refused_before_registration() -> None:
    """More message kinds than one ruleset can tell apart would hang durable_rules; the compiler refuses."""
    memorandum = memorandum_of([compare("a", "gt", n) for n in range(60 * 190)])

    with pytest.raises(BudgetError, match="message kinds"):
        compile_program(memorandum, {})
