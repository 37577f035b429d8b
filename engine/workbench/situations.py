"""A subject that could be filed on a list, as variables: its facts, records, relations and answers; conditions on them.

`Situation.truth` says of a condition what `engine.decision.conditions` says of it, as formulas; a property test holds
the two together. `Situation.facts` turns a case that the solver found into facts for the reference interpreter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any as Anything

import z3

from engine.decision.model import Facts, Record, RelatedPerson, Response
from engine.language.ir import (
    ROLES,
    SUBJECT_KINDS,
    All,
    Any,
    AsOfMinus,
    Compare,
    Condition,
    Constant,
    Count,
    Derivation,
    Fact,
    FactType,
    Known,
    Memorandum,
    Operand,
    Policy,
    Quantifier,
    Responded,
    Type,
    Value,
)
from engine.language.raw_memoranda import OUTCOMES
from engine.workbench.plain import wish
from engine.workbench.symbolic import ALWAYS, NO, OTHER_TEXT, YES, Cell, Kleene, Wish, World
from engine.workbench.vocabulary import NUMBERS, Vocabulary

Env = Mapping[str, Cell]
SUBJECT = "subject"
TWENTY_YEARS, MOST = 7305, 10**11  # what a plausible date and figure do not exceed: days either way, and 10 亿元 in fen
NUMERALS = "一二三四五六七八九十"


class Situation:
    """One subject on one list. `name` tells the variables of situations in one world apart."""

    def __init__(self, world: World, policy: Policy, list_id: str, words: Vocabulary, name: str = "") -> None:
        self.world, self.policy, self.list, self.words, self.name = world, policy, list_id, words, name
        world.bounded |= bool(words.bounded)
        self.kind = self._int("subject.kind")
        self._add(z3.Or([self.kind == world.text(kind) for kind in words.kinds]))
        world.wishes.append(Wish(self.kind, tuple(world.text(kind) for kind in words.kinds)))
        base = {n: self._cell(n, fact, n, required=n in words.required) for n, fact in words.facts.items()}
        self.base: Env = {**base, "subject.kind": Cell(YES, self.kind)}
        self.slots = {kind: self._slots(kind, count) for kind, count in words.slots.items() if kind in words.records}
        self.answers = {pair: self._answer(*pair) for pair in words.answers}
        self.related = {role: self._person(role) for role in ROLES}
        self._envs: dict[str, Env] = {}

    # --- conditions ---------------------------------------------------------------------------------------------------

    def env(self, memorandum: Memorandum) -> Env:
        """The facts that a memorandum's rules see, derived ones included."""
        found = self._envs.get(memorandum.id)
        if found is None:
            env = dict(self.base)
            for derivation in memorandum.derivations:
                env[derivation.fact.name] = self._derive(derivation, env)
            found = self._envs[memorandum.id] = env
        return found

    def truth(self, condition: Condition, env: Env) -> Kleene:
        """What a condition says of this situation."""
        match condition:
            case All(parts):
                truths = [self.truth(part, env) for part in parts]
                return Kleene(_and(t.true for t in truths), _or(t.false for t in truths))
            case Any(parts):
                truths = [self.truth(part, env) for part in parts]
                return Kleene(_or(t.true for t in truths), _and(t.false for t in truths))
            case Known(fact, present):
                supplied = env[fact.name].present if fact.name in env else NO
                return Kleene(supplied, z3.Not(supplied)) if present else Kleene(z3.Not(supplied), supplied)
            case Compare():
                return self._compare(condition, env)
            case Count(quantifier, op, number):
                return _count_truth(op, *self.count(quantifier), number)
            case Responded():
                return self._responded(condition)

    def count(self, quantifier: Quantifier) -> tuple[Anything, Anything]:
        """How many records certainly match, and how many may."""
        certain, possible = [], []
        for exists, date, env in self.slots.get(quantifier.record, ()):
            member = ALWAYS
            if quantifier.window is not None:
                inside = z3.And(date.value >= self.world.ago(quantifier.window.within), date.value <= self.world.day)
                member = Kleene(z3.And(date.present, inside), z3.And(date.present, z3.Not(inside)))
            if quantifier.where is not None:
                where = self.truth(quantifier.where, env)
                member = Kleene(z3.And(member.true, where.true), z3.Or(member.false, where.false))
            certain.append(z3.If(z3.And(exists, member.true), 1, 0))
            possible.append(z3.If(z3.And(exists, z3.Not(member.false)), 1, 0))
        return (z3.Sum(certain), z3.Sum(possible)) if certain else (z3.IntVal(0), z3.IntVal(0))

    def _derive(self, derivation: Derivation, env: Env) -> Cell:
        if derivation.truth is not None:
            truth = self.truth(derivation.truth, env)
            return Cell(z3.Or(truth.true, truth.false), truth.true)
        if derivation.count is not None:
            certain, possible = self.count(derivation.count)
            return Cell(certain == possible, certain)
        present, value = NO, self._constant(derivation.fact.type, derivation.choices[-1].value)
        for choice in reversed(derivation.choices):
            truth = self.truth(choice.when, env)
            taken = self._constant(derivation.fact.type, choice.value)
            present = z3.Or(truth.true, z3.And(truth.false, present))
            if isinstance(value, dict):
                members = dict.fromkeys((*value, *taken))
                value = {m: z3.If(truth.true, taken.get(m, NO), value.get(m, NO)) for m in members}
            else:
                value = z3.If(truth.true, taken, value)
        return Cell(present, value)

    def _compare(self, condition: Compare, env: Env) -> Kleene:
        left = env.get(condition.left.name)
        if left is None:
            return Kleene(NO, NO)
        op, of = condition.op, condition.left.type
        if op in {"contains", "not_contains"}:
            (member,) = condition.right
            inside = left.value.get(member.value, NO) if isinstance(member, Constant) else NO
            holds = inside if op == "contains" else z3.Not(inside)
            return Kleene(z3.And(left.present, holds), z3.And(left.present, z3.Not(holds)))
        present, others = left.present, []
        for operand in condition.right:
            cell = self._operand(operand, of, env)
            if cell is None:
                return Kleene(NO, NO)
            present = z3.And(present, cell.present)
            others.append(cell.value)
        if op in {"in", "not_in"}:
            inside = _or(left.value == other for other in others)
            holds = inside if op == "in" else z3.Not(inside)
        else:
            holds = _compared(op, left.value, others[0])
        return Kleene(z3.And(present, holds), z3.And(present, z3.Not(holds)))

    def _operand(self, operand: Operand, of: Type, env: Env) -> Cell | None:
        match operand:
            case Fact(name):
                return env.get(name)
            case AsOfMinus(duration):
                return Cell(YES, self.world.ago(duration) if duration.amount else self.world.day)
            case Constant(value):
                return Cell(YES, self._constant(of, value))

    def _responded(self, condition: Responded) -> Kleene:
        pairs = [p for p in self.answers if p[0] == condition.measure and condition.department in {None, p[1]}]
        outcome = self.world.text(condition.outcome)
        answered = _or(self.answers[p].present for p in pairs)
        so = _or(z3.And(self.answers[p].present, self.answers[p].value == outcome) for p in pairs)
        holds = so if condition.holds else z3.And(answered, z3.Not(so))
        return Kleene(holds, z3.And(answered, z3.Not(holds)))

    def _constant(self, of: Type, value: Value) -> Anything:
        if isinstance(value, tuple):
            return dict.fromkeys(value, YES)
        if of is Type.BOOLEAN:
            return YES if value else NO
        return z3.IntVal(self.world.text(value) if isinstance(value, str) else int(value))

    # --- variables ----------------------------------------------------------------------------------------------------

    def _cell(self, name: str, fact: FactType, key: str, *, required: bool) -> Cell:
        present = YES if required else self._optional(f"{name}?")
        constants = self.words.constants.get(key, set())
        if fact.type is Type.LIST:
            members = dict.fromkeys((*fact.values, *sorted(c for c in constants if isinstance(c, str))))
            inside = {m: self._bool(f"{name}:{m}") for m in members}
            self.world.wishes += [Wish(term, (NO, YES)) for term in inside.values()]
            return Cell(present, inside)
        value = self._bool(name) if fact.type is Type.BOOLEAN else self._int(name)
        self.world.wishes.append(wish(self.world, fact, value, constants))
        if fact.type is Type.ENUM:
            self._add(z3.Or([value == self.world.text(v) for v in fact.values]))
        elif fact.type is Type.DATE:
            self._add(value >= 1, value <= dt.date.max.toordinal())
            self.world.plausible += [value >= self.world.day - TWENTY_YEARS, value <= self.world.day + TWENTY_YEARS]
            if required:
                self.world.plausible.append(value <= self.world.day)
        elif fact.type in NUMBERS:
            self.world.plausible += [value >= 0, value <= MOST]
        return Cell(present, value)

    def _slots(self, kind: str, count: int) -> list[tuple[Anything, Cell, Env]]:
        declared = self.words.records[kind]
        slots: list[tuple[Anything, Cell, Env]] = []
        for number in range(count):
            name = f"{kind}#{number}"
            exists = self._optional(name)
            date = Cell(self._bool(f"{name}.date?"), self._int(f"{name}.date"))
            self._add(date.value >= 1, date.value <= dt.date.max.toordinal())
            self.world.plausible += [date.value >= self.world.day - TWENTY_YEARS, date.value <= self.world.day]
            self.world.wishes += [
                Wish(date.present, (YES, NO)),
                Wish(date.value, (self.world.day,), self.world.day, downwards=True),
            ]
            env: dict[str, Cell] = {
                field: self._cell(f"{name}.{field}", fact, f"{kind}.{field}", required=fact.required)
                for field, fact in declared.fields.items()
            }
            env["subject.kind"] = Cell(YES, self.kind)
            if declared.excluded is not None:  # such a record never counts, so there is no need to look at it
                self._add(z3.Not(self.truth(declared.excluded, env).true))
            if slots:
                self._add(z3.Implies(exists, slots[-1][0]))
            slots.append((exists, date, env))
        return slots

    def _answer(self, measure: str, department: str) -> Cell:
        value = self._int(f"answer {measure} {department}")
        outcomes = tuple(self.world.text(outcome) for outcome in OUTCOMES)
        self._add(z3.Or([value == outcome for outcome in outcomes]))
        self.world.wishes.append(Wish(value, outcomes))
        return Cell(self._optional(f"answered {measure} {department}"), value)

    def _person(self, role: str) -> Cell:
        value = self._int(f"kind of {role}")
        kinds = [self.world.text(kind) for kind in SUBJECT_KINDS]
        self._add(z3.Or([value == kind for kind in kinds]))
        self.world.wishes.append(Wish(value, (self.world.text("natural-person"), *kinds)))
        return Cell(self._optional(f"has {role}"), value)

    def _optional(self, name: str) -> Anything:
        part = self._bool(name)
        self.world.optional.append(part)
        return part

    def _bool(self, name: str) -> Anything:
        return z3.Bool(f"{self.name}{name}")

    def _int(self, name: str) -> Anything:
        return z3.Int(f"{self.name}{name}")

    def _add(self, *conditions: Anything) -> None:
        self.world.solver.add(*conditions)

    # --- witnesses ----------------------------------------------------------------------------------------------------

    def facts(self, model: Anything, day: dt.date) -> Facts:
        """The case of a model, with nothing in it that the model does not need."""
        listed = self.policy.lists[self.list]
        read = _Reading(self, model, day)
        values = {n: v for n, f in self.words.facts.items() if (v := read.value(self.base[n], f)) is not None}
        records = [
            Record(f"{kind}-{n}", kind, read.date(date), read.fields(kind, env))
            for kind, slots in self.slots.items()
            for n, (exists, date, env) in enumerate(slots, 1)
            if read.holds(exists)
        ]
        relations = [
            RelatedPerson(f"{role}-1", role, self.world.text_of(read.number(person.value)))
            for role, person in self.related.items()
            if read.holds(person.present)
        ]
        responses = [
            Response(measure, department, self.world.text_of(read.number(cell.value)))
            for (measure, department), cell in self.answers.items()
            if read.holds(cell.present)
        ]
        return Facts(
            subject=SUBJECT,
            subject_kind=self.world.text_of(read.number(self.kind)),
            list=self.list,
            initiator=listed.filed_by[0] if listed.filed_by else "",
            as_of=day,
            known_at=f"{day.isoformat()}T00:00:00Z",
            values=values,
            records=tuple(records),
            relations=tuple(relations),
            responses=tuple(responses),
        )


class _Reading:
    """Values out of a model. What the model says nothing about is left out where it may be, and plain where not."""

    def __init__(self, situation: Situation, model: Anything, day: dt.date) -> None:
        self.situation, self.model, self.day = situation, model, day

    def holds(self, formula: Anything) -> bool:
        return bool(z3.is_true(self.model.eval(formula)))

    def number(self, formula: Anything) -> int:
        return int(self.model.eval(formula, model_completion=True).as_long())

    def date(self, cell: Cell) -> int | None:
        return self.number(cell.value) if self.holds(cell.present) else None

    def fields(self, kind: str, env: Env) -> dict[str, Value]:
        declared = self.situation.words.records[kind].fields
        return {n: v for n, fact in declared.items() if (v := self.value(env[n], fact)) is not None}

    def value(self, cell: Cell, fact: FactType) -> Value | None:
        if not self.holds(cell.present):
            return None
        if isinstance(cell.value, dict):
            return tuple(member for member, inside in cell.value.items() if self.holds(inside))
        found = self.model.eval(cell.value)
        if fact.type is Type.BOOLEAN:
            return bool(z3.is_true(found))
        if z3.is_int_value(found):
            number: int = found.as_long()
            return self.situation.world.text_of(number) if fact.type in {Type.TEXT, Type.ENUM} else number
        return self._plain(fact)

    def _plain(self, fact: FactType) -> Value:
        """A value for a fact that has to be there and that nothing asks about."""
        match fact.type:
            case Type.ENUM:
                return fact.values[0]
            case Type.TEXT:
                return OTHER_TEXT
            case Type.DATE:
                return self.day.toordinal()
            case _:
                return 0


def same(one: Cell, other: Cell) -> Anything:
    """Whether two cells of one type have the same value, present or not."""
    if isinstance(one.value, dict):
        return z3.And([one.value[m] == other.value[m] for m in one.value]) if one.value else YES
    return one.value == other.value


def _and(parts: Anything) -> Anything:
    found = [p for p in parts if not z3.is_true(p)]
    return z3.And(found) if found else YES


def _or(parts: Anything) -> Anything:
    found = [p for p in parts if not z3.is_false(p)]
    return z3.Or(found) if found else NO


def _compared(op: str, left: Anything, right: Anything) -> Anything:
    match op:
        case "eq":
            return left == right
        case "ne":
            return left != right
        case "lt":
            return left < right
        case "lte":
            return left <= right
        case "gt":
            return left > right
        case _:
            return left >= right


def _count_truth(op: str, certain: Anything, possible: Anything, number: int) -> Kleene:
    """As `engine.decision.conditions.count_truth`."""
    match op:
        case "gte":
            return Kleene(certain >= number, possible < number)
        case "gt":
            return Kleene(certain > number, possible <= number)
        case "lt":
            return Kleene(possible < number, certain >= number)
        case "lte":
            return Kleene(possible <= number, certain > number)
        case _:
            same = z3.And(certain == possible, certain == number)
            other = z3.Or(certain > number, possible < number)
            return Kleene(same, other) if op == "eq" else Kleene(other, same)
