"""The pool of durable_rules children: killed, hanging or wrong, it never loses a decision nor makes one alone."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from adapters import pool as pools
from adapters.pool import DisagreementError, EnginePool, EngineUnavailableError
from engine.decision.model import Evaluation
from engine.decision.reference import Interpreter
from engine.decision.rete import Program
from tests.decision.build import compare, facts_of, memorandum_of, policy_of

POLICY = policy_of(memorandum_of([compare("a", "gt", n) for n in range(40)]))
FACTS = facts_of({"a": 20})


@pytest.fixture
def pool() -> Iterator[EnginePool]:
    """A pool of one child, so that a fault always meets the next decision."""
    with EnginePool(size=1, timeout=20) as running:
        yield running


def test_a_decision_survives_a_killed_child(pool: EnginePool) -> None:
    """`kill -9` between two decisions costs a retry and nothing else."""
    expected = Interpreter(POLICY).decide(FACTS)
    pool.decide(POLICY, FACTS)
    os.kill(pool.pids()[0], signal.SIGKILL)

    assert expected == pool.decide(POLICY, FACTS)
    assert pool.restarts == 1


def test_a_hanging_child_is_replaced(pool: EnginePool) -> None:
    """A stopped process counts as hanging after the timeout; its decision is made by the next one."""
    pool.decide(POLICY, FACTS)
    pool.timeout = 0.5
    os.kill(pool.pids()[0], signal.SIGSTOP)

    # the replacement has to start within the short limit as well, so it is lifted once the first attempt has ended
    timer = threading.Timer(0.4, lambda: setattr(pool, "timeout", 20))
    timer.start()
    decision = pool.decide(POLICY, FACTS)
    timer.join()

    assert tuple(f"m/{n}" for n in sorted(map(str, range(20)))) == decision.fired
    assert pool.restarts == 1


def test_no_decision_is_lost_while_children_are_killed_under_load() -> None:
    """Four threads decide while children die again and again: every answer arrives and is right."""
    expected = Interpreter(POLICY).decide(FACTS)
    answers: list[object] = []
    refused: list[Exception] = []
    with EnginePool(size=2, timeout=20) as pool:

        def work() -> None:
            for _ in range(50):
                try:
                    answers.append(pool.decide(POLICY, FACTS))
                except EngineUnavailableError as error:
                    refused.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(0.2)
            for pid in pool.pids()[:1]:
                os.kill(pid, signal.SIGKILL)
        for thread in threads:
            thread.join()

    assert len(answers) + len(refused) == 200
    assert all(answer == expected for answer in answers)
    assert len(answers) >= 190


def test_disagreement_makes_no_decision(pool: EnginePool, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the engines differ the difference is reported and nothing is decided."""

    def wrong(self: Interpreter, *args: object) -> Evaluation:
        return Evaluation("m", frozenset({"m/0"}), frozenset(), {}, {})

    monkeypatch.setattr(Interpreter, "evaluate", wrong)

    with pytest.raises(DisagreementError) as caught:
        pool.decide(POLICY, FACTS)
    assert len(caught.value.durable[0].fired) == 20


def test_an_engine_that_fails_twice_refuses(pool: EnginePool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ruleset that durable_rules cannot load is an error for the caller, not a decision by one engine."""

    def broken(self: EnginePool, *args: object) -> Program:
        good = REAL(self, *args)  # type: ignore[arg-type]
        return type(good)(**{n: getattr(good, n) for n in Program.__slots__} | {"name": "bad", "ruleset": "{"})

    monkeypatch.setattr(EnginePool, "program", broken)

    with pytest.raises(EngineUnavailableError, match="failed 2 times"):
        pool.decide(POLICY, FACTS)
    assert pool.restarts == 2


REAL = EnginePool.program


def test_rulesets_are_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that has seen many policy versions holds no more rulesets than it may; replaced ones still answer."""
    monkeypatch.setattr(pools, "LOADED_RULESETS", 4)
    with EnginePool(size=1) as pool:
        for n in range(20):
            policy = policy_of(memorandum_of([compare("a", "gt", n)]), version=f"v{n}")

            assert (("m/0",) if n < 20 else ()) == pool.decide(policy, FACTS).fired
        first = policy_of(memorandum_of([compare("a", "gt", 0)]), version="v0")
        assert pool.decide(first, FACTS).fired == ("m/0",)
