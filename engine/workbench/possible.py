"""Which truth values a test of a condition can have at all, looked at by itself: an answer that errs towards more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any as Anything

from engine.decision.conditions import COMPARISONS
from engine.language.bundle import LISTING, LISTING_FIELDS
from engine.language.ir import (
    All,
    Any,
    Compare,
    Condition,
    Constant,
    Count,
    Derivation,
    Fact,
    FactType,
    Known,
    Memorandum,
    Policy,
    Quantifier,
    Responded,
    Type,
    Value,
)

Truth = bool | None
Truths = frozenset[Truth]
EVERY: Truths = frozenset({True, False, None})
KNOWN: Truths = frozenset({True, False})


class Possible:
    """The facts of one memorandum: what values they can have, and which are never missing."""

    def __init__(self, policy: Policy, memorandum: Memorandum) -> None:
        listed = policy.lists[memorandum.list]
        self.policy = policy
        self.values: dict[str, tuple[Value, ...]] = {"subject.kind": listed.subjects}
        self.sure = {"subject.kind"}
        self._declare(listed.facts.values())
        for derivation in memorandum.derivations:
            self._derive(derivation)

    def of(self, condition: Condition) -> Truths:
        """The truth values of a condition over the memorandum's facts, its parts taken as independent."""
        match condition:
            case All(parts) | Any(parts):
                return _group([self.of(part) for part in parts], conjunction=isinstance(condition, All))
            case Known(fact, present):
                return frozenset({present}) if fact.name in self.sure else KNOWN
            case Compare():
                return self._compare(condition)
            case Count(quantifier):
                return EVERY if self.uncertain(quantifier) else KNOWN
            case Responded():
                return EVERY

    def inside(self, record: str) -> Possible:
        """The same over the fields of one kind of record."""
        declared = self.policy.records.get(record)
        fields = LISTING_FIELDS if record == LISTING else declared.fields if declared else {}
        inner = object.__new__(Possible)
        inner.policy, inner.sure = self.policy, {"subject.kind"}
        inner.values = {"subject.kind": self.values["subject.kind"]}
        inner._declare(fields.values())
        return inner

    def uncertain(self, quantifier: Quantifier) -> bool:
        """Whether records can be such that it is unknown how many count: one without a date, or with a gap."""
        where = quantifier.where
        return quantifier.window is not None or (where is not None and None in self.inside(quantifier.record).of(where))

    def _declare(self, facts: Iterable[FactType]) -> None:
        for fact in facts:
            if fact.type is Type.BOOLEAN:
                self.values[fact.name] = (True, False)
            elif fact.type is Type.ENUM:
                self.values[fact.name] = fact.values
            if fact.required:
                self.sure.add(fact.name)

    def _derive(self, derivation: Derivation) -> None:
        name = derivation.fact.name
        if derivation.truth is not None:
            truths = self.of(derivation.truth)
            self.values[name] = tuple(t for t in (True, False) if t in truths)
            missing = None in truths
        elif derivation.count is not None:
            missing = self.uncertain(derivation.count)
        else:
            rows = [self.of(choice.when) for choice in derivation.choices]
            reached = [n for n in range(len(rows)) if all(False in before for before in rows[:n])]
            self.values[name] = tuple(dict.fromkeys(derivation.choices[n].value for n in reached if True in rows[n]))
            missing = any(None in rows[n] for n in reached) or all(False in row for row in rows)
        if not missing:
            self.sure.add(name)

    def _compare(self, test: Compare) -> Truths:
        facts = [test.left, *(o for o in test.right if isinstance(o, Fact))]
        gaps: Truths = frozenset() if all(f.name in self.sure for f in facts) else frozenset({None})
        values = self.values.get(test.left.name)
        constants = [o.value for o in test.right if isinstance(o, Constant)]
        if values is None or len(constants) < len(test.right):
            return KNOWN | gaps
        return frozenset(_holds(test.op, value, constants) for value in values) | gaps


def _holds(op: str, value: Anything, constants: list[Value]) -> bool:
    if op in {"in", "not_in"}:
        return (value in constants) is (op == "in")
    return bool(COMPARISONS[op](value, constants[0]))


def _group(parts: list[Truths], *, conjunction: bool) -> Truths:
    """What a group can be when each part can be each of its values."""
    decisive = not conjunction  # one part with this value decides
    found: set[Truth] = set()
    if all((not decisive) in part for part in parts):
        found.add(not decisive)
    if any(decisive in part for part in parts):
        found.add(decisive)
    if any(None in part for part in parts) and all(part - {decisive} for part in parts):
        found.add(None)
    return frozenset(found)
