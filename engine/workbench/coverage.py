"""What the tests have seen: each rule firing and silent, and each single test of a condition true, false and unknown.

Only what can happen counts. `known:` is never unknown, nor is a fact that every listing has; a comparison that holds
for every kind of subject of the list is never false. What is missing may be impossible for a deeper reason: what
`prove` proves impossible does not count either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from engine.decision.conditions import RECORDS, Env, compile_condition, environment, record_environment
from engine.decision.reference import Interpreter, tables_used
from engine.language.ir import (
    All,
    Any,
    Condition,
    Count,
    Memorandum,
    Policy,
    PolicyTest,
    Quantifier,
    Span,
    Validity,
)
from engine.workbench.mutating import INNER_MARKS, together, units
from engine.workbench.mutating_memoranda import split
from engine.workbench.policy_tests import facts_of
from engine.workbench.possible import KNOWN, Possible, Truth, Truths
from engine.workbench.wording import Titles, condition_words, titles_of

SEEN: Mapping[Truth, str] = {True: "成立", False: "不成立", None: "不能判定"}
Prove = Callable[[Memorandum, Condition, Truth], bool]
"""Whether it is proved that a condition of a memorandum never has a truth value."""
Look = Callable[[Env], Iterable[Truth]]
ALWAYS = Validity()


@dataclass(frozen=True, slots=True)
class Point:
    """Something that tests should show in several ways. `condition`: what it is about, where it stands by itself.

    wanted: the ways in which it can be; seen: those that a test has shown.
    rule: the whole rule it is, by id; empty for a part.
    """

    span: Span
    what: str
    wanted: Truths
    seen: Truths = frozenset()
    rule: str = ""
    condition: Condition | None = None

    @property
    def missing(self) -> tuple[Truth, ...]:
        """The ways that no test has shown."""
        return tuple(truth for truth in SEEN if truth in self.wanted - self.seen)

    def __str__(self) -> str:
        return f"{self.what}：没有测试见过{'、'.join(SEEN[truth] for truth in self.missing)}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Everything that tests should show, by memorandum."""

    points: Mapping[str, tuple[Point, ...]]

    def count(self, memorandum: str | None = None) -> tuple[int, int]:
        """How many ways were seen, of how many, in one memorandum or in all."""
        chosen = [p for name, points in self.points.items() if memorandum in {None, name} for p in points]
        return sum(len(p.wanted & p.seen) for p in chosen), sum(len(p.wanted) for p in chosen)

    def missing(self) -> Iterator[Point]:
        """What no test has shown, by memorandum and place."""
        for _, points in sorted(self.points.items()):
            yield from sorted((p for p in points if p.missing), key=lambda p: (p.span.path, p.span.line, p.span.column))


@dataclass(slots=True)
class _Watch:
    point: Point
    look: Look
    validity: Validity = ALWAYS
    seen: set[Truth] = field(default_factory=set)


def cover(policy: Policy, tests: Iterable[PolicyTest] | None = None, prove: Prove | None = None) -> Coverage:
    """What the policy's tests (or those given) have seen of each memorandum that they test."""
    by_memorandum: defaultdict[str, list[PolicyTest]] = defaultdict(list)
    for test in policy.tests if tests is None else tests:
        by_memorandum[test.memorandum].append(test)
    interpreter = Interpreter(policy)
    found = {}
    for name, theirs in sorted(by_memorandum.items()):
        memorandum = policy.memoranda[name]
        watches = list(_watches(memorandum, policy))
        for test in theirs:
            facts = facts_of(policy, test)
            env: Env = {**environment(facts), **interpreter.evaluate(memorandum, facts).derived}
            for watch in watches:
                if watch.validity.covers(facts.as_of):
                    watch.seen.update(watch.look(env))
        found[name] = tuple(_point(watch, memorandum, prove) for watch in watches)
    return Coverage(found)


def _point(watch: _Watch, memorandum: Memorandum, prove: Prove | None) -> Point:
    point = replace(watch.point, seen=frozenset(watch.seen))
    if prove is None or point.condition is None:
        return point
    never = {truth for truth in point.missing if prove(memorandum, point.condition, truth)}
    return replace(point, wanted=point.wanted - never)


def _watches(memorandum: Memorandum, policy: Policy) -> Iterator[_Watch]:
    titles, possible = titles_of(policy, memorandum), Possible(policy, memorandum)
    for derivation in memorandum.derivations:
        what = f"推导 {derivation.fact.name} "
        if derivation.truth is not None:
            yield from _parts(derivation.truth, what, titles, possible)
        if derivation.count is not None:
            yield from _counted(derivation.count, what, titles, possible)
        for n, choice in enumerate(derivation.choices):
            yield from _parts(choice.when, what, titles, possible)
            taken = Point(choice.when.span, f"{what}的第 {n + 1} 行", frozenset({True}))
            yield _Watch(taken, _taken([c.when for c in derivation.choices[: n + 1]]))
    for rule in memorandum.rules:
        wanted = possible.of(rule.when) & KNOWN
        own, _ = split(rule, memorandum)
        name = f"规则 {rule.id.partition('/')[2]} "
        point = Point(rule.span, name.strip(), wanted, rule=rule.id, condition=rule.when)
        yield _Watch(point, _truth(rule.when), rule.validity)
        for watch in _parts(All(own, rule.when.span), name, titles, possible):
            yield replace(watch, validity=rule.validity)
    for identifier in tables_used(memorandum):
        table = policy.tables[identifier]
        names = titles_of(policy, memorandum, table)
        for row in table.rows:
            what = f"分级表 {identifier} 第 {row.index + 1} 行"
            yield _Watch(Point(row.span, what, frozenset({True})), _truth(row.when))
            yield from _parts(row.when, f"{what}", names, possible)


def _parts(condition: Condition, what: str, titles: Titles, possible: Possible) -> Iterator[_Watch]:
    """The single tests of a condition; the two ends of a `within` are one."""
    if isinstance(condition, All | Any):
        for start, end in units(condition.parts):
            unit = condition.parts[start:end]
            if len(unit) == 1:
                yield from _parts(unit[0], what, titles, possible)
            else:
                yield _leaf(together(unit), what, titles, possible)
        return
    yield _leaf(condition, what, titles, possible)
    if isinstance(condition, Count):
        yield from _counted(condition.quantifier, what, titles, possible)


def _leaf(condition: Condition, what: str, titles: Titles, possible: Possible) -> _Watch:
    text = f"{what}的条件“{condition_words(condition, titles).translate(INNER_MARKS)}”"
    return _Watch(Point(condition.span, text, possible.of(condition), condition=condition), _truth(condition))


def _counted(quantifier: Quantifier, what: str, titles: Titles, possible: Possible) -> Iterator[_Watch]:
    """The tests on the fields of records, seen on each record that a test has."""
    if quantifier.where is None:
        return
    inner, kind = titles.inside(quantifier.record), quantifier.record
    for watch in _parts(quantifier.where, what, inner, possible.inside(kind)):
        yield replace(watch, point=replace(watch.point, condition=None), look=_on_records(kind, watch.look))


def _truth(condition: Condition) -> Look:
    test = compile_condition(condition)
    return lambda env: (test(env),)


def _taken(rows: list[Condition]) -> Look:
    """Whether the last row is the first that is true."""
    *before, last = [compile_condition(row) for row in rows]
    return lambda env: (last(env) is True and all(row(env) is False for row in before),)


def _on_records(kind: str, look: Look) -> Look:
    return lambda env: [
        truth for record in env[RECORDS].get(kind, ()) for truth in look(record_environment(record, env))
    ]
