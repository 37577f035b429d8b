"""What the solver proves about a memorandum, over every subject that could be filed; nothing else is claimed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any as Anything

import z3

from engine.decision.model import Facts
from engine.decision.reference import Interpreter
from engine.language.ir import Condition, Memorandum, Policy
from engine.workbench.situations import Situation
from engine.workbench.symbolic import Kleene, World
from engine.workbench.vocabulary import vocabulary

EFFORT = 1_000_000
"""z3's count of work for one question: enough for what a person would see at a glance, a fraction of a second."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two memoranda: proved to mean the same, or told apart by a case, or neither."""

    same: bool = False
    example: Facts | None = None


def compare(
    policy: Policy, memorandum: Memorandum, other: Memorandum, day: dt.date, *, tell: bool = True
) -> Comparison:
    """Whether two memoranda of one policy derive the same facts and have the same rules hold, and be unknown, always.

    What follows from the rules has to be written the same. An example, on `day` if it can be, is one on which the
    reference interpreter finds a difference; unless `tell`, none is looked for, which is much faster.
    """
    rules = list(zip(memorandum.rules, other.rules, strict=True))
    if any(replace(a, when=b.when) != b for a, b in rules) or memorandum.validity != other.validity:
        return Comparison()
    after = replace(policy, memoranda={**policy.memoranda, other.id: other})
    world = World((day,), EFFORT)
    words = vocabulary([(policy, [memorandum]), (after, [other])])
    # the same names of variables: one subject under both
    before, now = Situation(world, policy, memorandum.list, words), Situation(world, after, other.list, words)
    one, two = before.env(memorandum), now.env(other)
    differing = [_differ(before.truth(a.when, one), now.truth(b.when, two)) for a, b in rules if a.when != b.when]
    for derivation in memorandum.derivations:
        a, b = one[derivation.fact.name], two[derivation.fact.name]
        if isinstance(a.value, dict):
            return Comparison()
        differing.append(z3.Or(a.present != b.present, z3.And(a.present, a.value != b.value)))
    asked = (world.covers(memorandum.validity), z3.Or(differing))
    answer = world.find(*asked)
    if answer.status != "yes" or not tell:
        return Comparison(same=answer.status == "no")
    answer = world.lean(answer, *asked)
    facts = before.facts(answer.model, answer.day or day)
    seen, instead = Interpreter(policy).evaluate(memorandum, facts), Interpreter(after).evaluate(other, facts)
    return Comparison(example=facts if seen != instead else None)


def _differ(one: Kleene, other: Kleene) -> Anything:
    return z3.Or(one.true != other.true, one.false != other.false)


class Impossible:
    """Truth values that conditions never have."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._worlds: dict[str, tuple[World, Situation]] = {}

    def __call__(self, memorandum: Memorandum, condition: Condition, truth: bool | None) -> bool:
        """Whether a condition of `memorandum` is proved never to have this truth value while it is in force."""
        if memorandum.id not in self._worlds:
            world = World((), EFFORT)
            words = vocabulary([(self.policy, [memorandum])])
            self._worlds[memorandum.id] = world, Situation(world, self.policy, memorandum.list, words)
        world, situation = self._worlds[memorandum.id]
        found = situation.truth(condition, situation.env(memorandum))
        asked = z3.Not(z3.Or(found.true, found.false)) if truth is None else found.true if truth else found.false
        return bool(world.find(world.covers(memorandum.validity), asked).status == "no")
