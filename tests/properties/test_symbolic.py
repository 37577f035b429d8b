"""The formulas say of every case what the reference interpreter says, and a case read back is the case put in."""

from __future__ import annotations

import datetime as dt
from typing import Any as Anything

import pytest
import z3
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from engine.decision.model import Facts
from engine.decision.reference import Interpreter
from engine.language.dates import day_bounds, minus
from engine.language.ir import Duration, FactType, ListDef, Policy, RecordKind, Type, Validity
from engine.workbench import situations as symbolic
from engine.workbench.symbolic import Cell, World
from engine.workbench.vocabulary import vocabulary
from tests.properties.generate import FIELDS, GRADES, HERE, INPUTS, KINDS, RECORDS, Situation, situations


def policy_of(drawn: Situation) -> Policy:
    """The drawn memorandum with the list and the kinds of record that it speaks of."""

    def declared(names: dict[str, Type]) -> dict[str, FactType]:
        return {n: FactType(n, t, n, HERE, GRADES if t is Type.ENUM else ()) for n, t in names.items()}

    procedure: Anything = None
    listed = ListDef(
        "list", "名单", "sanction", severe=True, filed_by=("tax",), subjects=KINDS, facts=declared(INPUTS),
        procedure=procedure, basis=(), validity=Validity(), span=HERE,
    )  # fmt: skip
    records = {kind: RecordKind(kind, kind, (), declared(FIELDS), None, HERE) for kind in RECORDS}
    return Policy("v", {}, {}, records, {"list": listed}, {}, {}, drawn.tables, {"m": drawn.memorandum}, {}, {}, (), {})


def pins(situation: symbolic.Situation, facts: Facts) -> list[Anything]:
    """What makes the situation the case that `facts` describe."""
    world = situation.world
    found = [world.day == facts.as_of.toordinal(), situation.kind == world.text(facts.subject_kind)]

    def pin(cell: Cell, value: Anything) -> None:
        if value is None:
            found.append(z3.Not(cell.present))
            return
        found.append(cell.present)
        if isinstance(cell.value, dict):
            found.extend(inside == (member in value) for member, inside in cell.value.items())
        else:
            found.append(cell.value == (world.text(value) if isinstance(value, str) else value))

    for name in situation.words.facts:
        pin(situation.base[name], facts.values.get(name))
    for kind, slots in situation.slots.items():
        records = [r for r in facts.records if r.kind == kind and not r.excluded]
        assume(len(records) <= len(slots))
        for number, (exists, date, env) in enumerate(slots):
            found.append(exists == (number < len(records)))
            if number < len(records):
                pin(date, records[number].date)
                for name in FIELDS:
                    pin(env[name], records[number].fields.get(name))
    answered = {(r.measure, r.department): r.outcome for r in facts.responses}
    assume(len(answered) == len(facts.responses))
    for pair, cell in situation.answers.items():
        pin(cell, answered.get(pair))
    return found


def agree(drawn: Situation) -> int:
    """Hold formulas and interpreter against each other on every subject; the number of rules compared."""
    policy, compared = policy_of(drawn), 0
    interpreter = Interpreter(policy)
    answers = [r for facts in drawn.subjects for r in facts.responses]
    words = vocabulary([(policy, [drawn.memorandum])])
    words.answers |= dict.fromkeys((r.measure, r.department) for r in answers)
    for facts in drawn.subjects:
        world = World([facts.as_of])
        situation = symbolic.Situation(world, policy, "list", words)
        env = situation.env(drawn.memorandum)
        truths = {rule.id: situation.truth(rule.when, env) for rule in drawn.memorandum.rules}
        answer = world.find(*pins(situation, facts))
        assert answer.status == "yes"
        expected = interpreter.evaluate(drawn.memorandum, facts)
        for rule, truth in truths.items():
            true = z3.is_true(answer.model.eval(truth.true, model_completion=True))
            false = z3.is_true(answer.model.eval(truth.false, model_completion=True))

            assert (true, false) == (rule in expected.fired, rule not in expected.fired | expected.unknown)
            compared += 1
        again = situation.facts(answer.model, facts.as_of)
        assert interpreter.evaluate(drawn.memorandum, again) == expected
    return compared


def run(number: int, examples: int, phases: tuple[Phase, ...] = tuple(Phase)) -> int:
    """Draw situations from seed `number`; the number of rules compared."""
    compared = 0

    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=phases, suppress_health_check=list(HealthCheck)
    )
    @given(situations(2))
    def compare(drawn: Situation) -> None:
        nonlocal compared
        compared += agree(drawn)

    compare()
    return compared


def test_formulas_mean_what_the_interpreter_does() -> None:
    """Truth, falsehood and unknown of every rule, and the case read back from the solver."""
    assert run(1, 40) > 100


BUGS = {
    "a missing fact is false": ("_compare", lambda k: symbolic.Kleene(k.true, z3.Not(k.true))),
    "an unanswered measure is answered otherwise": ("_responded", lambda k: symbolic.Kleene(k.true, z3.Not(k.true))),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these mistakes in the formulas makes the property fail."""
    name, change = BUGS[bug]
    real = getattr(symbolic.Situation, name)
    monkeypatch.setattr(symbolic.Situation, name, lambda self, *args: change(real(self, *args)))

    with pytest.raises(AssertionError):
        run(2, 100, phases=(Phase.generate,))


@given(st.integers(0, 36_000), st.sampled_from(("days", "months", "years")), st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_a_look_back_lies_in_its_stretch(offset: int, unit: Anything, amount: int) -> None:
    """The stretch in which "so long ago" is known to lie has the exact day in it: no proof leaves a case out."""
    day = dt.date(2000, 1, 1) + dt.timedelta(days=offset)
    duration = Duration(amount, unit)
    low, high = day_bounds(duration)

    assert low - 2 <= (day - minus(day, duration)).days <= high + 2
