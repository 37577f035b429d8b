"""Facts that change nothing: two subjects who differ in one, and the same decision on both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any as Anything

import z3

from engine.decision.model import Decision, Facts
from engine.decision.reference import Interpreter
from engine.language.ir import Count, Derivation, FactType, Memorandum, Responded, Type, Value
from engine.language.scalars import show_fact
from engine.workbench.situations import Situation, same
from engine.workbench.symbolic import Cell
from engine.workbench.views import ListView
from engine.workbench.vocabulary import names, reached, tests_of

SMALL, LARGE = 1, 100
YEAR = 365


def outcome(decision: Decision) -> tuple[object, ...]:
    """What a decision says, without the facts that it was made from."""
    return (
        decision.obligations,
        decision.advice,
        decision.limits,
        decision.unknown,
        decision.contradictions,
        decision.fired,
    )


def filed_in_vain(view: ListView, fact: FactType) -> tuple[Facts, ...]:
    """Two subjects who differ in a fact of the list alone, and are decided alike; empty if there are none."""
    _, facts = view.witness(z3.Or([f.fires for f in view.firings.values()]))
    contrast = _contrast(fact, facts) if facts is not None else None
    if facts is None or contrast is None:
        return ()
    pair = tuple(_with(facts, fact.name, value) for value in contrast)
    one, other = (outcome(view.interpreter.decide(each)) for each in pair)
    return pair if one == other else ()


def _with(facts: Facts, name: str, value: Value | None) -> Facts:
    others = {n: v for n, v in facts.values.items() if n != name}
    return replace(facts, values=others if value is None else {**others, name: value})


def _contrast(fact: FactType, facts: Facts) -> tuple[Value | None, Value | None] | None:
    """Two values far apart; of an enum with one value, absence and that value."""
    day = facts.as_of.toordinal()
    match fact.type:
        case Type.BOOLEAN:
            return False, True
        case Type.ENUM if len(fact.values) > 1:
            return fact.values[0], fact.values[-1]
        case Type.ENUM:
            return None if fact.required else (None, fact.values[0])
        case Type.LIST:
            return (), fact.values[:1] or ("示例",)
        case Type.TEXT:
            return "示例", "示例1"
        case Type.DATE:
            return day - YEAR, day
        case Type.MONEY:
            return SMALL * 1_000_000, LARGE * 1_000_000  # 万元 in fen
        case Type.RATIO:
            return SMALL * 100, LARGE * 100  # per cent in basis points
        case _:
            return SMALL, LARGE


def derived_in_vain(
    view: ListView, memorandum: Memorandum, derivation: Derivation, effort: int
) -> tuple[tuple[Facts, ...], tuple[str, ...]] | None:
    """Two subjects for whom a fact is derived differently, and who are decided alike, with a note that says so.

    If what it is derived from always changes the decision by another way: one subject who is decided alike without it.
    """
    name, title = derivation.fact.name, derivation.fact.title
    days = view.world.days
    one = ListView(view.policy, view.list.id, days, effort=effort, words=view.words, name="甲 ")
    other = ListView(view.policy, view.list.id, days, world=one.world, words=view.words, name="乙 ")
    first, second = one.situation.env(memorandum)[name], other.situation.env(memorandum)[name]
    differs = [first.present, second.present, z3.Not(same(first, second))]
    alike = [a.owed == b.owed for a, b in zip(one.dues, other.dues, strict=True)]
    alike += [z3.Or([f.fires for f in one.firings.values()])]
    for rule, firing in one.firings.items():
        truth = other.firings[rule].truth
        alike += [firing.truth.true == truth.true, firing.truth.false == truth.false]
    wanted = [*differs, *alike, *_same_besides(one.situation, other.situation, memorandum, derivation)]
    answer = one.world.lean(one.world.find(*wanted), *wanted)
    if answer.day is not None:
        pair = tuple(v.situation.facts(answer.model, answer.day) for v in (one, other))
        values = [view.interpreter.evaluate(memorandum, facts).derived.get(name) for facts in pair]
        decided = [outcome(view.interpreter.decide(facts)) for facts in pair]
        if None not in values and values[0] != values[1] and decided[0] == decided[1]:
            words = [show_fact(derivation.fact, value) for value in values if value is not None]
            return pair, (f"{title}在见证甲为 {words[0]}，在见证乙为 {words[1]}，决定相同",)
    return _without(view, memorandum, derivation)


def _without(
    view: ListView, memorandum: Memorandum, derivation: Derivation
) -> tuple[tuple[Facts, ...], tuple[str, ...]] | None:
    fires = [f.fires for f in view.firings.values() if f.memorandum is memorandum]
    _, facts = view.witness(view.situation.env(memorandum)[derivation.fact.name].present, z3.Or(fires))
    if facts is None:
        return None
    kept = tuple(d for d in memorandum.derivations if d is not derivation)
    memoranda = {**view.policy.memoranda, memorandum.id: replace(memorandum, derivations=kept)}
    shorter = Interpreter(replace(view.policy, memoranda=memoranda))
    if outcome(shorter.decide(facts)) != outcome(view.interpreter.decide(facts)):
        return None
    return (facts,), ("去掉这一推导，对见证的决定不变",)


def _same_besides(
    one: Situation, other: Situation, memorandum: Memorandum, derivation: Derivation
) -> Iterator[Anything]:
    """That two situations differ in nothing but what a derived fact rests on."""
    rests = [leaf for test in tests_of(derivation) for leaf in reached(test, memorandum)]
    facts = {name for leaf in rests for name in names(leaf)}
    records = {leaf.quantifier.record for leaf in rests if isinstance(leaf, Count)}
    measures = {leaf.measure for leaf in rests if isinstance(leaf, Responded)}
    pairs = [(one.base[n], other.base[n]) for n in one.base if n not in facts]
    pairs += [(cell, other.answers[key]) for key, cell in one.answers.items() if key[0] not in measures]
    pairs += [(cell, other.related[role]) for role, cell in one.related.items()]
    for kind, slots in one.slots.items():
        for (exists, date, env), (same_exists, same_date, same_env) in zip(slots, other.slots[kind], strict=True):
            if kind not in records:
                pairs += [(Cell(exists, exists), Cell(same_exists, same_exists)), (date, same_date)]
                pairs += [(cell, same_env[name]) for name, cell in env.items()]
    for cell, counterpart in pairs:
        yield cell.present == counterpart.present
        yield same(cell, counterpart)
