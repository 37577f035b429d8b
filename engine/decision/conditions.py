"""Conditions as Python closures from an environment to a Kleene truth value: `True`, `False`, or `None`, *unknown*."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any as Anything

from engine.decision.model import Facts, Record, Response
from engine.language.dates import minus
from engine.language.ir import (
    All,
    Any,
    AsOfMinus,
    Compare,
    Condition,
    Constant,
    Count,
    Duration,
    Fact,
    Known,
    Operand,
    Quantifier,
    Responded,
    Value,
)

Truth = bool | None
Env = dict[str, Anything]
Test = Callable[[Env], Truth]

AS_OF = "\0as-of"
RECORDS = "\0records"
RESPONSES = "\0responses"
EDGES = 1024
PAIR = 2

COMPARISONS: Mapping[str, Callable[[Anything, Anything], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
    "contains": operator.contains, "not_contains": lambda members, member: member not in members,
}  # fmt: skip


AGAINST_CONSTANT: Mapping[str, Callable[[str, Anything], Test]] = {
    "eq": lambda name, c: lambda env: None if (v := env.get(name)) is None else v == c,
    "ne": lambda name, c: lambda env: None if (v := env.get(name)) is None else v != c,
    "lt": lambda name, c: lambda env: None if (v := env.get(name)) is None else v < c,
    "lte": lambda name, c: lambda env: None if (v := env.get(name)) is None else v <= c,
    "gt": lambda name, c: lambda env: None if (v := env.get(name)) is None else v > c,
    "gte": lambda name, c: lambda env: None if (v := env.get(name)) is None else v >= c,
    "contains": lambda name, c: lambda env: None if (v := env.get(name)) is None else c in v,
    "not_contains": lambda name, c: lambda env: None if (v := env.get(name)) is None else c not in v,
}
"""The same comparisons with a constant, written out: they are most of what a decision computes."""


def environment(facts: Facts) -> Env:
    """The names that conditions see. Built-in names start with NUL, which no fact name can."""
    records: dict[str, list[Record]] = {}
    for record in facts.records:
        if not record.excluded:
            records.setdefault(record.kind, []).append(record)
    env: Env = dict(facts.values)
    env["subject.kind"] = facts.subject_kind
    env[AS_OF] = facts.as_of
    env[RECORDS] = records
    env[RESPONSES] = facts.responses
    return env


def compile_condition(condition: Condition) -> Test:
    """The closure that evaluates `condition`."""
    match condition:
        case Compare():
            return _compare(condition)
        case Known(fact, present):
            name = fact.name
            return (lambda env: name in env) if present else (lambda env: name not in env)
        case Count():
            return _count(condition)
        case Responded():
            return _responded(condition)
        case All(parts):
            return _all(tuple(compile_condition(part) for part in parts))
        case Any(parts):
            return _any(tuple(compile_condition(part) for part in parts))


def _all(tests: tuple[Test, ...]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == PAIR:  # most have two parts, and a loop costs more than they do
        left, right = tests

        def both(env: Env) -> Truth:
            first = left(env)
            if first is False:
                return False
            second = right(env)
            return second if first is True or second is False else None

        return both

    def test(env: Env) -> Truth:
        result: Truth = True
        for part in tests:
            truth = part(env)
            if truth is False:
                return False
            if truth is None:
                result = None
        return result

    return test


def _any(tests: tuple[Test, ...]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == PAIR:
        left, right = tests

        def either(env: Env) -> Truth:
            first = left(env)
            if first is True:
                return True
            second = right(env)
            return second if first is False or second is True else None

        return either

    def test(env: Env) -> Truth:
        result: Truth = False
        for part in tests:
            truth = part(env)
            if truth is True:
                return True
            if truth is None:
                result = None
        return result

    return test


def _compare(condition: Compare) -> Test:
    name = condition.left.name
    if condition.op in {"in", "not_in"}:
        members = frozenset(o.value for o in condition.right if isinstance(o, Constant))
        wanted = condition.op == "in"

        def member(env: Env) -> Truth:
            value = env.get(name)
            return None if value is None else (value in members) is wanted

        return member
    (right,) = condition.right
    if isinstance(right, Constant):
        return AGAINST_CONSTANT[condition.op](name, right.value)
    compare, operand = COMPARISONS[condition.op], _operand(right)

    def against_operand(env: Env) -> Truth:
        value, other = env.get(name), operand(env)
        return None if value is None or other is None else compare(value, other)

    return against_operand


def _operand(operand: Operand) -> Callable[[Env], Value | None]:
    match operand:
        case Fact(name):
            return lambda env: env.get(name)
        case AsOfMinus(duration):
            edge = _edge(duration)
            return lambda env: edge(env[AS_OF])
        case Constant(value):
            return lambda _: value


def _edge(duration: Duration) -> Callable[[dt.date], int]:
    """The day less a duration, as an ordinal; the last days are remembered."""

    @lru_cache(EDGES)
    def edge(day: dt.date) -> int:
        return minus(day, duration).toordinal()

    return edge


def matching(quantifier: Quantifier) -> Callable[[Env], tuple[int, int]]:
    """Counts a quantifier's records: those that certainly match, and those that may (certain ones included)."""
    where = compile_condition(quantifier.where) if quantifier.where is not None else None
    edge = _edge(quantifier.window.within) if quantifier.window else None
    kind = quantifier.record

    def count(env: Env) -> tuple[int, int]:
        certain = possible = 0
        records: Iterable[Record] = env[RECORDS].get(kind, ())
        if not records:
            return 0, 0
        as_of: dt.date = env[AS_OF]
        oldest = edge(as_of) if edge else 0
        newest = as_of.toordinal()
        for record in records:
            truth: Truth = True
            if edge is not None:
                truth = None if record.date is None else oldest <= record.date <= newest
            if truth is not False and where is not None:
                inner = where(record_environment(record, env))
                truth = inner if inner is False or truth is True else truth
            if truth is True:
                certain += 1
            if truth is not False:
                possible += 1
        return certain, possible

    return count


def record_environment(record: Record, env: Env) -> Env:
    """What `where` sees: the record's own fields, and the subject's kind."""
    return {**record.fields, "subject.kind": env["subject.kind"], AS_OF: env[AS_OF]}


def count_truth(op: str, certain: int, possible: int, number: int) -> Truth:
    """Compare a number known only to lie in `certain..possible`."""
    match op:
        case "gte":
            return True if certain >= number else False if possible < number else None
        case "gt":
            return True if certain > number else False if possible <= number else None
        case "lt":
            return True if possible < number else False if certain >= number else None
        case "lte":
            return True if possible <= number else False if certain > number else None
        case "eq":
            return certain == number if certain == possible else None if certain <= number <= possible else False
        case _:
            truth = count_truth("eq", certain, possible, number)
            return None if truth is None else not truth


def _count(condition: Count) -> Test:
    count, op, number = matching(condition.quantifier), condition.op, condition.number
    return lambda env: count_truth(op, *count(env), number)


def _responded(condition: Responded) -> Test:
    def test(env: Env) -> Truth:
        answers: list[Response] = [
            r for r in env[RESPONSES] if r.measure == condition.measure and condition.department in {None, r.department}
        ]
        if not answers:
            return None
        return any(r.outcome == condition.outcome for r in answers) is condition.holds

    return test
