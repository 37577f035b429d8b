"""Proportion (过罚相当, 行政处罚法 第五条): that worse facts never give lighter measures, or the pair that shows it.

A list says of its facts which way they weigh (`worse: higher`), a kind of record whether more of them do. Two subjects
differ in such facts alone, one of them in nothing for the better. Lighter is the outcome of the worse one if it loses a
sanction and gains none at least as heavy, or gains an incentive that the other lacks without losing one as valuable,
or may borrow more. A measure weighs by its class, then by what a clerk is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any as Anything

import z3

from engine.decision.model import Facts
from engine.language.ir import Limit, Measure, Span, Type
from engine.workbench.findings import Finding, finding, undecided
from engine.workbench.limits import amount_of
from engine.workbench.situations import same
from engine.workbench.symbolic import Answer, Cell
from engine.workbench.views import Due, ListView
from engine.workbench.weights import weight
from engine.workbench.witness import differing, money


@dataclass(frozen=True, slots=True)
class _Imposed:
    """A measure on a person in a role, by whichever departments.

    eased: the milder case alone has the sanction, or the graver alone the incentive.
    even: it is not the other way round, which would make up for something else that is eased.
    """

    measure: Measure
    role: str
    weight: tuple[int, int]
    eased: Anything
    even: Anything
    dues: tuple[Due, ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.measure.id, self.role

    @property
    def span(self) -> Span:
        return self.dues[0].oblige.span


def check(view: ListView) -> Iterator[Finding]:
    """Findings about one list's memoranda taken together."""
    counted = (view.words.records[kind].worse for kind in view.situation.slots)
    if any(fact.worse for fact in view.list.facts.values()) or any(counted):
        with view.world.trial():
            yield from list(_check(_Pair(view)))


def _check(pair: _Pair) -> Iterator[Finding]:
    imposed = pair.imposed()
    for one in imposed:
        rivals = [o for o in imposed if o.measure.kind == one.measure.kind and o.weight >= one.weight and o is not one]
        conditions = (one.eased, *(o.even for o in rivals))
        answer = pair.find(*conditions)
        if answer.status == "unknown":
            yield undecided(one.span, f"情节更重时“{one.measure.title}”是否反而减免")
        elif answer.status == "yes":
            yield from pair.tell(one, pair.world.lean(answer, *conditions))
    yield from pair.limits()


class _Pair:
    """A milder and a graver case of one list."""

    def __init__(self, view: ListView) -> None:
        self.policy, self.listed, self.mild, self.world = view.policy, view.list, view, view.world
        self.grave = ListView(view.policy, view.list.id, (), world=view.world, words=view.words, name="乙 ")
        self.world.solver.add(*self._order())

    def find(self, *conditions: Anything) -> Answer:
        return self.world.find(*conditions)

    def cases(self, answer: Answer) -> tuple[Facts, Facts]:
        assert answer.day is not None
        return (
            self.mild.situation.facts(answer.model, answer.day),
            self.grave.situation.facts(answer.model, answer.day),
        )

    def _order(self) -> Iterator[Anything]:
        one, other = self.mild.situation, self.grave.situation
        text = one.world.text
        yield one.kind == other.kind
        for name, fact in one.words.facts.items():
            mild, grave = one.base[name], other.base[name]
            yield mild.present == grave.present
            if fact.worse is None or fact.type in {Type.LIST, Type.TEXT}:
                yield same(mild, grave)
            elif fact.type is Type.BOOLEAN:
                low, high = (mild.value, grave.value) if fact.worse == "higher" else (grave.value, mild.value)
                yield z3.Implies(low, high)
            elif fact.type is Type.ENUM:
                low, high = (_rank(cell, fact.values, text) for cell in (mild, grave))
                yield low <= high if fact.worse == "higher" else low >= high
            else:
                yield mild.value <= grave.value if fact.worse == "higher" else mild.value >= grave.value
        for kind, slots in one.slots.items():
            worse = one.words.records[kind].worse
            for (first, date, env), (second, other_date, other_env) in zip(slots, other.slots[kind], strict=True):
                yield (
                    z3.Implies(first, second)
                    if worse == "more"
                    else z3.Implies(second, first)
                    if worse
                    else first == second
                )
                yield same(date, other_date)
                yield z3.And(date.present, other_date.present)  # a gap is no milder case, it is no case yet
                yield z3.And([env[name].present for name in sorted(one.words.read[kind])])
                for name, cell in env.items():
                    yield cell.present == other_env[name].present
                    yield same(cell, other_env[name])
        for cells, others in ((one.answers, other.answers), (one.related, other.related)):
            for key, cell in cells.items():
                yield cell.present == others[key].present  # type: ignore[index]  # keys of the same mapping
                yield same(cell, others[key])  # type: ignore[index]

    def imposed(self) -> list[_Imposed]:
        """Every measure on every role, the heaviest first."""
        mild, grave = _together(self.mild.dues), _together(self.grave.dues)
        found = []
        for key, dues in mild.items():
            measure, advised = dues[0].measure, all(d.oblige.advice is not None for d in dues)
            cases = [z3.Or([d.owed for d in side]) for side in (dues, grave[key])]
            more, less = cases if measure.kind == "sanction" else reversed(cases)
            eased, even = z3.And(more, z3.Not(less)), z3.Or(more, z3.Not(less))
            found.append(_Imposed(measure, key[1], weight(measure, advised=advised), eased, even, tuple(dues)))
        return sorted(found, key=lambda i: (i.weight, i.key), reverse=True)

    def tell(self, one: _Imposed, answer: Answer) -> Iterator[Finding]:
        """The finding, if the reference interpreter sees the same on both cases."""
        mild, grave = self.cases(answer)
        sanction = one.measure.kind == "sanction"
        has, lacks = (mild, grave) if sanction else (grave, mild)
        if one.key not in _keys(self.mild.keys(has)) or one.key in _keys(self.mild.keys(lacks)):
            yield undecided(one.span, f"“{one.measure.title}”轻重的见证与参考解释器不一致")
            return
        what = (
            f"反而不再采取“{one.measure.title}”，也没有同等或更重的措施"
            if sanction
            else f"反而得到“{one.measure.title}”"
        )
        spans = [d.oblige.span for d in one.dues if self.mild.fires(d.firing.rule.id, has)]
        change = differing(self.policy, mild, grave)
        message = f"名单 {self.listed.id}：{change}（情节更重），{what}"
        yield finding(self.policy, "XH211", spans[0], message, [mild, grave])

    def limits(self) -> Iterator[Finding]:
        """Suggested limits that grow as the facts get worse, or that only the worse one is given."""
        limits = [(f, c) for f in self.mild.firings.values() for c in f.rule.then if isinstance(c, Limit)]
        none = [z3.And(z3.Not(f.fires), z3.Or(f.truth.true, f.truth.false)) for f, _ in limits]
        for firing, consequence in limits:
            other = self.grave.firings[firing.rule.id]
            mild = amount_of(self.mild, firing.memorandum, consequence)
            grave = amount_of(self.grave, other.memorandum, consequence)
            less = z3.And(firing.fires, mild.present, mild.value < grave.value)
            answer = self.find(other.fires, grave.present, grave.value > 0, z3.Or(less, z3.And(none)))
            question = f"情节更重时分级表 {consequence.table} 的额度是否反而更高"
            if answer.status == "unknown":
                yield undecided(consequence.span, question)
            elif answer.status == "yes":
                yield self._higher(firing.rule.id, consequence, answer, question)

    def _higher(self, rule: str, consequence: Limit, answer: Answer, question: str) -> Finding:
        one, two = self.cases(answer)
        before, after = self._amount(one, rule), self._amount(two, rule)
        if (before or 0) >= (after or 0):
            return undecided(consequence.span, f"{question}（见证与参考解释器不一致）")
        shown = [money(amount) if amount is not None else "没有额度" for amount in (before, after)]
        change = differing(self.policy, one, two)
        message = f"名单 {self.listed.id}：{change}（情节更重），建议额度反而由“{shown[0]}”变为“{shown[1]}”"
        return finding(self.policy, "XH212", consequence.span, message, [one, two])

    def _amount(self, facts: Facts, rule: str) -> int | None:
        decision = self.mild.interpreter.decide(facts)
        return next((limit.amount for limit in decision.limits if limit.rule == rule), None)


def _rank(cell: Cell, values: Sequence[str], text: Anything) -> Anything:
    rank = z3.IntVal(len(values))
    for number, value in enumerate(values):
        rank = z3.If(cell.value == text(value), number, rank)
    return rank


def _together(dues: Sequence[Due]) -> dict[tuple[str, str], list[Due]]:
    found: defaultdict[tuple[str, str], list[Due]] = defaultdict(list)
    for due in dues:
        found[due.measure.id, due.role].append(due)
    return found


def _keys(keys: Mapping[tuple[str, str, str], object]) -> set[tuple[str, str]]:
    return {(measure, role) for measure, _, role in keys}
