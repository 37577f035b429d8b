"""A list with its memoranda as formulas: when each rule fires, and when each department owes what about whom."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any as Anything

import z3

from engine.decision.conditions import Truth, compile_condition, environment
from engine.decision.model import Facts
from engine.decision.reference import Interpreter
from engine.language.bundle import intersection
from engine.language.ir import Condition, Measure, Memorandum, Oblige, Policy, Rule
from engine.workbench.situations import Situation
from engine.workbench.symbolic import EFFORT, Answer, Kleene, World
from engine.workbench.vocabulary import Vocabulary, vocabulary

Key = tuple[str, str, str]
"""What makes an obligation one: measure, department, and the role of the person that it is about."""


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule, what its condition says, and the formula under which it fires."""

    memorandum: Memorandum
    rule: Rule
    truth: Kleene
    fires: Anything


@dataclass(frozen=True, slots=True)
class Due:
    """One department's part of an obligation: what, about the person in which role, and when."""

    firing: Firing
    oblige: Oblige
    measure: Measure
    department: str
    role: str  # "subject" or a relation's role
    owed: Anything

    @property
    def key(self) -> Key:
        """Two of one key are one obligation."""
        return self.measure.id, self.department, self.role


class ListView:
    """All memoranda for one list of a policy, over one situation.

    days: calendar days to try first for a witness.
    """

    def __init__(
        self,
        policy: Policy,
        list_id: str,
        days: Sequence[dt.date],
        *,
        effort: int = EFFORT,
        world: World | None = None,
        words: Vocabulary | None = None,
        name: str = "",
    ) -> None:
        self.policy, self.list = policy, policy.lists[list_id]
        self.memoranda = memoranda_of(policy, list_id)
        self.world = world or World(days, effort)
        self.words = words or vocabulary([(policy, self.memoranda)])
        self.situation = Situation(self.world, policy, list_id, self.words, name)
        self.interpreter = Interpreter(policy)
        self.firings = {f.rule.id: f for f in self._firings()}
        self.dues = tuple(self._dues())

    def fires(self, rule: str, facts: Facts) -> bool:
        """Whether the reference interpreter says that a rule fires."""
        return any(rule in e.fired for e in self.interpreter.evaluate_all(facts))

    def holds(self, condition: Condition, memorandum: Memorandum, facts: Facts) -> Truth:
        """What the reference interpreter says of a condition of a memorandum, on whichever day."""
        derived = self.interpreter.evaluate(memorandum, facts).derived
        return compile_condition(condition)({**environment(facts), **derived})

    def keys(self, facts: Facts) -> dict[Key, str | None]:
        """What the reference interpreter says is owed or advised: (measure, department, role) → why only advice."""
        decision = self.interpreter.decide(facts)
        return {(o.measure, o.department, o.target_role): o.advice for o in (*decision.obligations, *decision.advice)}

    def find(self, *conditions: Anything) -> tuple[Answer, Facts | None]:
        """An answer, with the facts of the case if there is one."""
        answer = self.world.find(*conditions)
        return answer, self.facts(answer)

    def witness(self, *conditions: Anything) -> tuple[Answer, Facts | None]:
        """As `find`, with nothing in the case that the conditions do not need."""
        answer = self.world.find(*conditions)
        answer = self.world.lean(answer, *conditions)
        return answer, self.facts(answer)

    def facts(self, answer: Answer) -> Facts | None:
        """The facts of a case that was found."""
        if answer.status != "yes":
            return None
        assert answer.day is not None
        return self.situation.facts(answer.model, answer.day)

    def by_key(self) -> dict[Key, list[Due]]:
        """Dues that are one obligation, together."""
        found: defaultdict[Key, list[Due]] = defaultdict(list)
        for due in self.dues:
            found[due.key].append(due)
        return found

    def _firings(self) -> Iterator[Firing]:
        for memorandum in self.memoranda:
            env = self.situation.env(memorandum)
            for rule in memorandum.rules:
                truth = self.situation.truth(rule.when, env)
                fires = z3.And(self.world.covers(memorandum.validity, rule.validity), truth.true)
                yield Firing(memorandum, rule, truth, fires)

    def _dues(self) -> Iterator[Due]:
        text = self.world.text
        for firing in self.firings.values():
            for oblige in firing.rule.then:
                if not isinstance(oblige, Oblige):
                    continue
                measure = self.policy.measures[oblige.measure]
                if intersection(firing.memorandum.validity, firing.rule.validity, measure.validity) is None:
                    continue
                for role in oblige.target.roles or ("subject",):
                    person = self.situation.related.get(role)
                    kind = self.situation.kind if person is None else person.value
                    parts = [firing.fires, self.world.covers(measure.validity)]
                    parts += [person.present] if person is not None else []
                    parts += [z3.Or([kind == text(k) for k in measure.subjects])] if measure.subjects else []
                    owed = z3.And(parts)
                    for department in oblige.by:
                        yield Due(firing, oblige, measure, department, role, owed)


def days_for(policy: Policy, list_id: str, day: dt.date) -> tuple[dt.date, ...]:
    """The day itself if a memorandum is in force then, else the last day on which one is, or the first."""
    periods = [m.validity for m in memoranda_of(policy, list_id)]
    if any(period.covers(day) for period in periods):
        return (day,)
    ends = [p.end for p in periods if p.end is not None and p.end < day]
    starts = [p.start for p in periods if p.start is not None and p.start > day]
    return tuple(d for d in (max(ends, default=None), min(starts, default=None)) if d is not None)


def memoranda_of(policy: Policy, list_id: str) -> tuple[Memorandum, ...]:
    """The memoranda for a list, in force or not, by id."""
    return tuple(m for _, m in sorted(policy.memoranda.items()) if m.list == list_id)
