"""The verifier's own reading of the rules comes to the product's decisions, byte for byte, and can come to others."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from adapters.audit import verify
from adapters.ledger.serial import facts_to_json
from engine.decision.reference import Interpreter
from engine.language.ir_json import to_json
from tests.audit.policies import Drawn, drawn

POLICIES = int(os.environ.get("XINHENG_AUDIT_POLICIES", "20"))
"""Drawn in a run; drawing one with its subjects takes most of the time."""


def agree(number: int, policies: int = POLICIES, phases: tuple[Phase, ...] = tuple(Phase)) -> int:
    """Hold both against each other on drawn policies; how many decisions were the same."""
    same = 0

    @seed(number)
    @settings(
        max_examples=policies, deadline=None, database=None, phases=phases, print_blob=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(drawn())
    def compare(case: Drawn) -> None:
        nonlocal same
        interpreter, ir = Interpreter(case.policy), json.loads(to_json(case.policy))
        for facts in case.subjects:
            theirs = verify.decide.Decision(ir, json.loads(facts_to_json(facts))).document()

            assert interpreter.decide(facts).canonical() == verify.canon(theirs)
            same += 1

    compare()
    return same


def test_product_and_verifier_make_the_same_decisions() -> None:
    """Whatever a policy says and a subject is: owed, advice, limits, unknown rules with what is missing, all of it."""
    assert agree(7) >= POLICIES


BUGS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "everything is always in force": lambda m: m.setattr(verify.decide.Decision, "_valid", lambda *_: True),
    "equal is unequal": lambda m: m.setitem(verify.decide.COMPARE, "eq", verify.decide.COMPARE["ne"]),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_seen(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The property can fail: a slip in the verifier makes it do so."""
    BUGS[bug](monkeypatch)
    with pytest.raises((AssertionError, ExceptionGroup)):
        agree(7, phases=(Phase.generate,))
