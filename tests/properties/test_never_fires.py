"""A rule that the deep check proves never to fire is never seen to fire, however hard one tries."""

from __future__ import annotations

import random
from typing import Any as Anything

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from engine.decision.model import Facts, Record, Response
from engine.decision.reference import Interpreter
from engine.language.dates import minus
from engine.language.ir import All, Memorandum, Policy, Rule, Type, Validity
from engine.workbench import situations, symbolic, vocabulary
from engine.workbench.checks import firing
from engine.workbench.views import ListView
from tests.properties.generate import (
    DAYS,
    DURATIONS,
    FIELDS,
    GRADES,
    HERE,
    INPUTS,
    KINDS,
    MEASURES,
    MEMBERS,
    OUTCOMES,
    RECORDS,
    TEXTS,
    Situation,
    derivations,
    leaves,
)
from tests.properties.test_symbolic import policy_of

TRIES = 150
FEW = ("amount", "decided", "grade", "grave", "subject.kind")


@st.composite
def contradictory(draw: st.DrawFn) -> Memorandum:
    """A memorandum whose rules join so many tests of so few facts that some of them can never fire."""
    derived = draw(st.just(()) | derivations())
    names = {n: INPUTS.get(n, Type.ENUM) for n in FEW} | {d.fact.name: d.fact.type for d in derived}
    leaf = leaves(names, records=draw(st.booleans()))
    parts = st.lists(leaf, min_size=3, max_size=6).map(tuple)
    whens = draw(st.lists(st.builds(All, parts, st.just(HERE)), min_size=2, max_size=5))
    rules = tuple(Rule(f"m/{n}", "", None, when, (), (), Validity(), HERE) for n, when in enumerate(whens))
    return Memorandum("m", "备忘录", None, "list", derived, rules, (), Validity(), HERE)


def proved_dead(policy: Policy) -> set[str]:
    """The rules that the check says never fire."""
    view = ListView(policy, "list", DAYS[:1])
    found = [f.diagnostic.message for f in firing.check(view) if f.diagnostic.code == "XH200"]
    return {rule for rule in view.firings if any(f"规则 {rule} " in message for message in found)}


def subject(luck: random.Random, policy: Policy, constants: dict[str, set[Anything]]) -> Facts:
    """A subject on the edges of what the conditions compare with."""
    day = luck.choice(DAYS)

    def value(name: str, of: Type) -> Anything:
        if of is Type.LIST:
            return tuple(m for m in MEMBERS if luck.random() < 0.5)
        near = sorted(constants.get(name, ()), key=repr)
        if of in {Type.BOOLEAN, Type.ENUM, Type.TEXT}:
            return luck.choice([*near, *{Type.BOOLEAN: (True, False), Type.ENUM: GRADES, Type.TEXT: TEXTS}[of]])
        if of is Type.DATE:
            near += [minus(day, d).toordinal() for d in DURATIONS]
        return luck.choice([*near, 1]) + luck.choice((-1, 0, 0, 1))

    def values(declared: dict[str, Type], prefix: str = "") -> dict[str, Anything]:
        return {n: value(prefix + n, of) for n, of in declared.items() if luck.random() < 0.85}

    records = tuple(
        Record(str(n), kind, value("", Type.DATE) if luck.random() < 0.8 else None, values(FIELDS, f"{kind}."))
        for n in range(luck.randrange(7))
        for kind in (luck.choice(RECORDS),)
    )
    answers = tuple(
        Response(measure, department, luck.choice(OUTCOMES))
        for measure in MEASURES
        for department in ("finance", "tax")
        if luck.random() < 0.4
    )
    kind = luck.choice(KINDS)
    return Facts("s", kind, "list", "tax", day, "2026-11-24T00:00:00Z", values(INPUTS), records, (), answers)


def run(number: int, examples: int, phases: tuple[Phase, ...] = tuple(Phase)) -> int:
    """Draw memoranda from seed `number`; how many of their rules were proved never to fire."""
    dead = 0

    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=phases, suppress_health_check=list(HealthCheck)
    )
    @given(contradictory())
    def compare(memorandum: Memorandum) -> None:
        nonlocal dead
        policy = policy_of(Situation(memorandum, {}, ()))
        proved = proved_dead(policy)
        dead += len(proved)
        interpreter, luck = Interpreter(policy), random.Random(number)
        constants = dict(vocabulary.vocabulary([(policy, [memorandum])]).constants)
        for _ in range(TRIES if proved else 0):
            fired = interpreter.evaluate(memorandum, subject(luck, policy, constants)).fired

            assert not fired & proved

    compare()
    return dead


def test_what_is_proved_never_to_fire_never_fires() -> None:
    """Hundreds of subjects on the edges of the conditions, for each memorandum with such a rule."""
    assert run(3, 25) > 10


BUGS: dict[str, tuple[Anything, str, Anything]] = {
    "one record at most": (vocabulary, "MAX_SLOTS", 1),
    "every fact is there": (situations.Situation, "_optional", lambda *_: symbolic.YES),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each of these too small worlds a rule seems dead that fires."""
    owner, name, value = BUGS[bug]
    monkeypatch.setattr(owner, name, value)
    monkeypatch.setattr(symbolic.World, "bounded", property(lambda _: False, lambda *_: None), raising=False)

    with pytest.raises(AssertionError):
        run(11, 15, phases=(Phase.generate,))
