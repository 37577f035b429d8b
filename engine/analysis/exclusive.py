"""Whether two conditions can never be true together: sound, simple, and silent when it does not know.

Their conjunction is spread into alternatives (DNF); each must contradict itself by intervals, sets of values, signs of
a comparison between facts, counts of the same records, or a fact both known and not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.language.ir import (
    All,
    Any,
    Compare,
    Condition,
    Constant,
    Count,
    Fact,
    FactType,
    Known,
    Responded,
    Span,
    Type,
    Value,
)

MAX_TERMS = 2_000  # beyond that the answer is "not provable"
NOWHERE = Span("", 0, 0)
SIGNS: Mapping[str, frozenset[int]] = {
    "eq": frozenset({0}), "ne": frozenset({-1, 1}), "lt": frozenset({-1}), "lte": frozenset({-1, 0}),
    "gt": frozenset({1}), "gte": frozenset({0, 1}),
}  # fmt: skip
Leaf = Compare | Known | Count | Responded
Key = tuple[object, ...]


class TooLargeError(Exception):
    """The disjunctive normal form has more terms than are worth looking at."""


def exclusive(one: Condition, other: Condition, facts: Mapping[str, FactType]) -> bool:
    """Whether it is proved that `one` and `other` are never both true."""
    try:
        terms = _terms(All((one, other), NOWHERE))
    except TooLargeError:
        return False
    return all(_impossible(term, facts) for term in terms)


def _terms(condition: Condition) -> list[tuple[Leaf, ...]]:
    match condition:
        case Any(parts):
            terms = [term for part in parts for term in _terms(part)]
        case All(parts):
            terms = [()]
            for part in parts:
                alternatives = _terms(part)
                if len(terms) * len(alternatives) > MAX_TERMS:
                    raise TooLargeError
                terms = [left + right for left in terms for right in alternatives]
        case leaf:
            return [(leaf,)]
    if len(terms) > MAX_TERMS:
        raise TooLargeError
    return terms


@dataclass(slots=True)
class _Range:
    """The values a fact or a count may still have."""

    allowed: set[Value] | None = None
    excluded: set[Value] = field(default_factory=set)
    low: int | None = None
    high: int | None = None

    def restrict(self, op: str, values: tuple[Value, ...]) -> None:
        match op:
            case "eq" | "in":
                self.allowed = set(values) if self.allowed is None else self.allowed & set(values)
            case "ne" | "not_in":
                self.excluded |= set(values)
            case _:
                bound = int(values[0])  # type: ignore[arg-type]  # order exists for integers only
                if op in {"gt", "gte"}:
                    lowest = bound + (op == "gt")
                    self.low = lowest if self.low is None else max(self.low, lowest)
                else:
                    highest = bound - (op == "lt")
                    self.high = highest if self.high is None else min(self.high, highest)

    def empty(self) -> bool:
        if self.allowed is not None:
            return not any(self._fits(value) for value in self.allowed)
        if self.low is not None and self.high is not None:
            return self.low > self.high or (self.low == self.high and self.low in self.excluded)
        return False

    def _fits(self, value: Value) -> bool:
        if value in self.excluded:
            return False
        if isinstance(value, int) and not isinstance(value, bool):
            return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        return True


def _impossible(term: Iterable[Leaf], facts: Mapping[str, FactType]) -> bool:
    ranges: dict[Key, _Range] = {}
    signs: dict[Key, frozenset[int]] = {}
    answers: dict[Key, bool] = {}
    members: dict[Key, str] = {}
    known: set[str] = set()
    absent: set[str] = set()
    for leaf in term:
        match leaf:
            case Known(fact, present):
                (known if present else absent).add(fact.name)
            case Responded(measure, department, outcome, holds):
                if answers.setdefault((measure, department, outcome), holds) is not holds:
                    return True
            case Count(quantifier, op, number):
                key = ("count", quantifier.record, _shape(quantifier.where), quantifier.window)
                ranges.setdefault(key, _Range(low=0)).restrict(op, (number,))
            case Compare():
                known |= {o.name for o in (leaf.left, *leaf.right) if isinstance(o, Fact)}
                if _contradicts(leaf, ranges, signs, members, facts):
                    return True
    return bool(known & absent) or any(r.empty() for r in ranges.values())


def _contradicts(
    leaf: Compare,
    ranges: dict[Key, _Range],
    signs: dict[Key, frozenset[int]],
    members: dict[Key, str],
    facts: Mapping[str, FactType],
) -> bool:
    constants = tuple(o.value for o in leaf.right if isinstance(o, Constant))
    if leaf.op in {"contains", "not_contains"}:
        return members.setdefault((leaf.left.name, constants), leaf.op) != leaf.op
    if len(constants) == len(leaf.right):
        key: Key = ("fact", leaf.left.name)
        if key not in ranges:
            ranges[key] = _Range(allowed=_domain(leaf.left, facts))
        ranges[key].restrict(leaf.op, constants)
        return False
    (right,) = leaf.right
    possible = SIGNS[leaf.op]
    pair: Key = (leaf.left.name, right)
    if isinstance(right, Fact) and right.name < leaf.left.name:
        pair, possible = (right.name, leaf.left), frozenset(-sign for sign in possible)
    signs[pair] = signs.get(pair, frozenset({-1, 0, 1})) & possible
    return not signs[pair]


def _domain(fact: Fact, facts: Mapping[str, FactType]) -> set[Value] | None:
    if fact.type is Type.BOOLEAN:
        return {True, False}
    declared = facts.get(fact.name)
    return set(declared.values) if fact.type is Type.ENUM and declared is not None else None


def _shape(condition: Condition | None) -> object:
    """A condition without its places, so that two equal ones compare equal."""
    match condition:
        case None:
            return None
        case All(parts) | Any(parts):
            return (type(condition).__name__, tuple(_shape(part) for part in parts))
        case Compare(left, op, right):
            return (left, op, tuple((o.value, o.type) if isinstance(o, Constant) else o for o in right))
        case Known(fact, present):
            return (fact, present)
        case Count(quantifier, op, number):
            return (quantifier.record, _shape(quantifier.where), quantifier.window, op, number)
        case Responded(measure, department, outcome, holds):
            return (measure, department, outcome, holds)
