"""What would lift a measure: the fewest facts the subject can still change that leave no rule to owe it.

The reference interpreter alone judges: a way out is a change of facts under which it finds every rule that owes the
obligation *false* (unknown is not enough), and no other rule that would owe the same obligation true, or unknown where
it was settled before. Only facts that the list declares `changeable` move, derived facts follow from them, and
everything else stays. A fact is changed or first supplied, never taken back.

The search is bounded. Each fact is tried with one value for each way of answering the tests that the rules hang on
(each constant, between them and beyond), the nearest to the present value first; a figure that is never negative does
not become so, and a text is tried at the constants alone. Facts are combined, fewest first, until enough ways are found
or `STEPS` are spent; what was found by then is returned, so with very many changeable facts few ways, or none, may mean
that the bound was reached. Figures compared with one another are tried at each other's constants, not along chains.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, islice, product, takewhile
from typing import TypeVar, cast

from engine.decision.conditions import compile_condition, environment
from engine.decision.consequences import conclude
from engine.decision.explain import display_number
from engine.decision.model import Evaluation, Facts
from engine.decision.reference import Interpreter
from engine.language import ir
from engine.language.dates import minus
from engine.language.ir import Compare, Fact, FactType, Known, Memorandum, Policy, Type, Value
from engine.language.scalars import show_fact

STEPS = 10_000  # what one search may spend: one for each evaluation and for each combination looked at
PER_FACT = 64  # values tried for one fact, and thresholds looked past on either side to put a way into words
LARGEST = 2**62  # the language reads no larger number
FINITE = frozenset({Type.BOOLEAN, Type.ENUM, Type.TEXT})
EXACT = {Type.INTEGER: ("不少于 ", "不超过 "), Type.DATE: ("不早于 ", "不晚于 ")}  # the others say 以上, 以下
UNITS = ((10**10, "亿元"), (10**6, "万元"))  # in fen

Assignment = tuple[tuple[str, Value], ...]
Range = tuple[int, int]  # both ends included
Scalar = TypeVar("Scalar", int, str)


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that changes. 以上 and 以下 in `needed` include the figure unless they say 不含 (民法典 第一千二百五十九条)."""  # noqa: E501 - wide characters

    fact: str
    title: str
    now: Value | None
    needed: str  # in Chinese: what it may become while the other changes of the way stay
    value: Value  # a witness that was checked, for figures the nearest to `now`


@dataclass(frozen=True, slots=True)
class WayOut:
    """Changes that together lift the obligation; no proper subset of them does."""

    changes: tuple[Change, ...]
    silences: tuple[str, ...]  # every rule that held and is then false, those that owe the obligation among them


def ways_out(policy: Policy, facts: Facts, key: str, *, at_most: int = 3, size: int = 3) -> tuple[WayOut, ...]:
    """The ways to lift obligation or advice `key` of the decision on `facts`, by at most `size` changes each.

    At most one way for each set of facts; fewest changes first, then in the order in which the list declares its facts.
    Empty: nothing that the subject can change lifts it, as far as the bounded search saw.

    Raises:
        KeyError: the decision on `facts` has no obligation or advice `key`.

    """
    search = _Search(policy, facts, key)
    found: list[Assignment] = []
    for count in range(1, size + 1):
        for names in combinations(search.options, count):
            if len(found) >= at_most or search.left <= 0:
                break
            found += search.nearest(names)
    return tuple(search.way(assignment) for assignment in found)


def describe(way: WayOut) -> str:
    """One Chinese sentence."""
    return f"若{'，且'.join(f'“{c.title}”{c.needed}' for c in way.changes)}，该措施的适用条件即不再成立。"


class _Search:
    """One obligation, the rules that may owe it, and what each changeable fact may become."""

    def __init__(self, policy: Policy, facts: Facts, key: str) -> None:
        self.facts, self.env, self.left = facts, environment(facts), STEPS
        self.known: dict[Assignment, bool] = {}
        self.whole, self.part = Interpreter(policy), Interpreter(policy)
        self.now = self.whole.evaluate_all(facts)
        if not (owing := _rules_owing(policy, facts, self.now, key)):
            raise KeyError(key)
        every = [replace(e, fired=frozenset(r.id for r in policy.memoranda[e.memorandum].rules)) for e in self.now]
        may_owe = _rules_owing(policy, facts, every, key)
        self.unsettled = frozenset(rule for e in self.now for rule in e.unknown)
        self.memoranda: list[Memorandum] = []  # with no other rules than those that may owe
        self.owing: dict[str, frozenset[str]] = {}  # rule → names it hangs on
        self.tests: defaultdict[str, list[Compare | Known]] = defaultdict(list)  # name → tests on it
        self.pool: defaultdict[str, set[Value]] = defaultdict(set)  # name → its values, and what it is compared with
        self.near: defaultdict[str, set[str]] = defaultdict(set)  # name → names it is compared with
        for evaluation in self.now:
            memorandum = policy.memoranda[evaluation.memorandum]
            rules = tuple(rule for rule in memorandum.rules if rule.id in may_owe)
            self.memoranda += [replace(memorandum, rules=rules)] if rules else []
            for name, value in {**facts.values, **evaluation.derived}.items():
                self.pool[name].add(value)
            for derivation in memorandum.derivations:
                self.pool[derivation.fact.name].update(choice.value for choice in derivation.choices)
            for rule in rules:
                tests = tuple(_tests(rule, memorandum))
                if rule.id in owing:
                    self.owing[rule.id] = frozenset(name for test in tests for name in _names(test))
                for test in tests:
                    self._note(test)
        self.specs = {n: s for n, s in policy.lists[facts.list].facts.items() if s.changeable and n in self.tests}
        self.options = {n: values for n, spec in self.specs.items() if (values := self._values(spec))}

    def _note(self, test: Compare | Known) -> None:
        left, *others = _names(test)
        for name in (left, *others):
            self.tests[name].append(test)
            self.near[name].update({left, *others} - {name})
        for operand in test.right if isinstance(test, Compare) else ():
            if isinstance(operand, ir.Constant):
                self.pool[left].add(operand.value)
            elif isinstance(operand, ir.AsOfMinus):
                self.pool[left].add(minus(self.facts.as_of, operand.duration).toordinal())

    def enough(self, assignment: Assignment) -> bool:
        """Whether the obligation is gone when the facts in `assignment` have these values."""
        if assignment not in self.known:
            self.left -= 1
            env = self.env | dict(assignment)
            found = [self.part.evaluate(memorandum, self.facts, env) for memorandum in self.memoranda]
            self.known[assignment] = not any(e.fired or e.unknown - self.unsettled for e in found)
        return self.known[assignment]

    def nearest(self, names: tuple[str, ...]) -> Iterator[Assignment]:
        """The first values of `names`, none of them in vain, that are enough; nothing when there are none."""
        self.left -= 1
        if not all(hangs_on.intersection(names) for hangs_on in self.owing.values()):
            return
        for values in product(*(self.options[name] for name in names)):
            self.left -= 1
            if self.left <= 0:
                return
            assignment = tuple(zip(names, values, strict=True))
            parts = chain.from_iterable(combinations(assignment, n) for n in range(1, len(names)))
            if not any(self.enough(part) for part in parts) and self.enough(assignment):
                yield assignment
                return

    def _compared(self, name: str, of: type[Scalar], more: Iterable[Value] = ()) -> list[Scalar]:
        """The values of a type with which a fact is compared, its present one and `more` included, in order."""
        values = {*more, *(value for n in (name, *self.near[name]) for value in self.pool[n])}
        return sorted(value for value in values if isinstance(value, of) and not isinstance(value, bool))

    def _domain(self, spec: FactType) -> list[Value]:
        """Every value of a boolean or enum; of a text those that the policy names."""
        return [True, False] if spec.type is Type.BOOLEAN else [*spec.values] or [*self._compared(spec.name, str)]

    def _values(self, spec: FactType) -> tuple[Value, ...]:
        """What is tried for a fact: one value for each way of answering its tests other than the present one."""
        name, now = spec.name, self.facts.values.get(spec.name)
        values: Iterable[Value]
        if spec.type in FINITE:
            values = self._domain(spec)
        elif spec.type is Type.LIST:
            values = _toggled(cast("tuple[str, ...]", now or ()), self._compared(name, str))
        else:
            start = self.facts.as_of.toordinal() if spec.type is Type.DATE else 0
            anchor = cast("int", start if now is None else now)
            figures = [min(max(anchor, low), high) for low, high in _ranges(spec.type, self._compared(name, int))]
            figures.sort(key=lambda figure: (abs(figure - anchor), figure))
            values = figures
        tests = [compile_condition(test) for test in self.tests[name]]

        def answers(value: Value) -> object:
            return value if self.near[name] else tuple(test(self.env | {name: value}) for test in tests)

        distinct: dict[object, Value | None] = {} if now is None else {answers(now): None}
        for value in values:
            distinct.setdefault(answers(value), value)
        return tuple(islice((value for value in distinct.values() if value is not None), PER_FACT))

    def way(self, assignment: Assignment) -> WayOut:
        """What was found, in words, with every rule of the decision that it silences."""
        changes = tuple(self._change(i, assignment) for i in range(len(assignment)))
        then = self.whole.evaluate_all(replace(self.facts, values={**self.facts.values, **dict(assignment)}))
        holding = frozenset(rule for e in then for rule in e.fired | e.unknown)
        return WayOut(changes, tuple(sorted(r for e in self.now for r in e.fired if r not in holding)))

    def _change(self, index: int, assignment: Assignment) -> Change:
        name, value = assignment[index]
        spec, now = self.specs[name], self.facts.values.get(name)

        def holds(other: Value) -> bool:
            return self.enough((*assignment[:index], (name, other), *assignment[index + 1 :]))

        if spec.type in FINITE:
            needed = _finite_words(now, spec, {v: holds(v) for v in self._domain(spec)})
        elif isinstance(value, tuple):
            needed = _list_words(cast("tuple[str, ...] | None", now), value, spec)
        else:
            figure, others = cast("int", value), [v for n, v in assignment if n in self.near[name]]
            ranges = _ranges(spec.type, compared := self._compared(name, int, others))
            at = next(i for i, (low, high) in enumerate(ranges) if low <= figure <= high)
            below, above = reversed(ranges[max(0, at - PER_FACT) : at]), ranges[at + 1 : at + 1 + PER_FACT]
            first = at - sum(1 for _ in takewhile(lambda r: holds(r[0]), below))
            last = at + sum(1 for _ in takewhile(lambda r: holds(r[0]), above))
            verb = "改为" if spec.type is Type.DATE else "降至" if figure < cast("int", now or 0) else "升至"
            ends = (ranges[first][0], ranges[last][1]), (ranges[0][0], ranges[-1][1])
            needed = _range_words("补充为" if now is None else verb, spec.type, *ends, compared)
        return Change(name, spec.title or name, now, needed, value)


def _rules_owing(policy: Policy, facts: Facts, evaluations: Iterable[Evaluation], key: str) -> frozenset[str]:
    decision = conclude(policy, facts, evaluations)
    return frozenset(rule for o in (*decision.obligations, *decision.advice) if o.key == key for rule in o.rules)


def _names(test: Compare | Known) -> tuple[str, ...]:
    operands = (test.fact,) if isinstance(test, Known) else (test.left, *test.right)
    return tuple(operand.name for operand in operands if isinstance(operand, Fact))


def _tests(rule: ir.Rule, memorandum: Memorandum) -> Iterator[Compare | Known]:
    """Every test on a fact that `rule` hangs on, those behind derived facts included; records and answers stay."""
    derivations = {d.fact.name: d for d in memorandum.derivations}
    pending = [rule.when]
    while pending:
        test = pending.pop()
        if isinstance(test, ir.All | ir.Any):
            pending += test.parts
        elif isinstance(test, Compare | Known):
            yield test
            for derivation in (derivations.pop(name) for name in _names(test) if name in derivations):
                pending += [choice.when for choice in derivation.choices]
                pending += [derivation.truth] if derivation.truth is not None else []


def _ranges(of: Type, points: Sequence[int]) -> list[Range]:
    """The `points` and the stretches between and beyond them, in order."""
    low = 1 if of is Type.DATE else -LARGEST if min(points, default=0) < 0 else 0
    end = dt.date.max.toordinal() if of is Type.DATE else LARGEST
    found: list[Range] = []
    for point in points:
        found += [(low, point - 1)] if low < point else []
        found.append((point, point))
        low = point + 1
    return found + ([(low, end)] if low <= end else [])


def _toggled(now: tuple[str, ...], members: Sequence[str]) -> Iterator[Value]:
    """`now` with some of `members` put in or taken out, fewest first; at last all of them out, and all in."""
    some = chain.from_iterable(combinations(members, n) for n in range(len(members) + 1))
    for flipped in chain(islice(some, PER_FACT), (set(members).intersection(now), set(members).difference(now))):
        yield (*(m for m in now if m not in flipped), *(m for m in members if m in flipped and m not in now))


def _finite_words(now: Value | None, spec: FactType, holds: Mapping[Value, bool]) -> str:
    good = [show_fact(spec, value) for value, held in holds.items() if held]
    if len(good) > 1:
        return "补充提供" if len(good) == len(holds) else f"属于 {'、'.join(good)}"
    return f"{'补充为' if now is None else '改为'} {good[0]}"


def _list_words(now: tuple[str, ...] | None, value: tuple[str, ...], spec: FactType) -> str:
    if now is None:
        return f"补充为 {show_fact(spec, value) or '空'}"
    added, gone = tuple(m for m in value if m not in now), tuple(m for m in now if m not in value)
    changes = (("增加", added), ("去掉", gone))
    return "并".join(f"{verb} {show_fact(spec, members)}" for verb, members in changes if members)


def _range_words(verb: str, of: Type, stretch: Range, whole: Range, compared: Sequence[int]) -> str:
    """A stretch in words, without an end that it shares with the whole. Sums and ratios name what they are held to."""
    if stretch[0] == stretch[1]:
        return f"{verb} {_figure(stretch[0], of)}"
    words = []
    for end, limit, step, name in zip(stretch, whole, (-1, 1), ("以上", "以下"), strict=True):
        if end != limit and of in EXACT:
            words.append(EXACT[of][step > 0] + _figure(end, of))
        elif end != limit:
            words.append(f"{_figure(end, of)}{name}" if end in compared else f"{_figure(end + step, of)}{name}（不含）")
    return f"{verb} {'、'.join(words)}" if words else "补充提供"


def _figure(value: int, of: Type) -> str:
    """A figure as people write it: round sums in 万元 and 亿元."""
    for size, unit in UNITS if of is Type.MONEY and value else ():
        if value % size == 0:
            return f"{value // size} {unit}"
    return display_number(value, of)
