"""Small mistakes in conditions and durations: what an officer might have written instead, and no reader notices.

Each is one change of the compiled policy. A comparison turns to its neighbour, a threshold moves by one unit or by a
digit, a value of an enum becomes another, a group loses a part, a look-back becomes longer, shorter or another unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from engine.language.conditions import ZERO_DAYS, CountOp
from engine.language.ir import (
    NEGATED,
    All,
    Any,
    AsOfMinus,
    Compare,
    Condition,
    Constant,
    Count,
    Duration,
    Fact,
    FactType,
    Known,
    Op,
    Quantifier,
    Responded,
    Span,
    Type,
    Value,
)
from engine.language.raw_memoranda import OUTCOMES
from engine.language.scalars import show
from engine.workbench.wording import Titles, condition_words

STRICTER: dict[str, Op] = {"gte": "gt", "gt": "gte", "lte": "lt", "lt": "lte"}
FURTHER: dict[str, int] = {"gte": -1, "gt": 1, "lt": -1, "lte": 1}
"""By how many units a threshold moves where moving the other way means the same as the neighbouring operator."""
NUMBERS = frozenset({Type.INTEGER, Type.MONEY, Type.RATIO})
INNER_MARKS = str.maketrans("“”", "‘’")
DIGIT = 10
MONTH = 30


@dataclass(frozen=True, slots=True)
class Change:
    """Another condition in the place of one, where, and what was there and is there now in words (empty: nothing)."""

    condition: Condition
    span: Span
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Words:
    """What the names in a condition mean: their titles and values, and the kinds of subject that can be listed."""

    titles: Titles
    kinds: tuple[str, ...]

    def values(self, fact: Fact) -> tuple[str, ...]:
        """What an enum may be."""
        if fact.name == "subject.kind":
            return self.kinds
        return self.titles.fact(fact.name, fact.type).values

    def of(self, condition: Condition) -> str:
        """A condition in Chinese, fit to stand in quotation marks."""
        return condition_words(condition, self.titles).translate(INNER_MARKS)


def durations(duration: Duration) -> Iterator[Duration]:
    """One unit more, one less, and the same number or thirty of a unit that is easily mistaken for it."""
    amount, unit = duration.amount, duration.unit
    yield replace(duration, amount=amount + 1)
    if amount > 1:
        yield replace(duration, amount=amount - 1)
    match unit:
        case "years":
            yield Duration(MONTH, "days")
        case "months":
            yield Duration(amount, "days")
        case "working days":
            # one day ends on the next working day anyway
            yield Duration(amount, "days") if amount > 1 else Duration(amount, "months")
        case "days":
            yield Duration(amount, "months")


def changes(condition: Condition, words: Words) -> Iterator[Change]:
    """Every condition that is `condition` with one mistake in it."""
    match condition:
        case All(parts) | Any(parts):
            for start, end in units(parts):
                unit = parts[start:end]
                for change in changes(unit[0], words):
                    whole = replace(condition, parts=(*parts[:start], change.condition, *parts[start + 1 :]))
                    yield replace(change, condition=whole)
                if len(unit) < len(parts):
                    left = replace(condition, parts=(*parts[:start], *parts[end:]))
                    yield Change(left, unit[0].span, words.of(together(unit)), "")
        case Compare():
            yield from _compare(condition, words)
        case Known(fact, present, span):
            flipped = Known(fact, not present, span)
            yield Change(flipped, span, words.of(condition), words.of(flipped))
        case Count():
            yield from _count(condition, words)
        case Responded():
            yield from _responded(condition, words)


def units(parts: Sequence[Condition]) -> Iterator[tuple[int, int]]:
    """The parts that an author wrote as one, as slices: `within` is two comparisons with one place."""
    start = 0
    while start < len(parts):
        end = start + 1
        if end < len(parts) and is_period(parts[start], parts[end]):
            end += 1
        yield start, end
        start = end


def is_period(lower: Condition, upper: Condition) -> bool:
    """Whether two neighbouring comparisons are the ends of one `within`, or of its negation."""
    return (
        isinstance(lower, Compare)
        and isinstance(upper, Compare)
        and lower.left == upper.left
        and lower.span == upper.span
        and isinstance(lower.right[0], AsOfMinus)
        and upper.right == (AsOfMinus(ZERO_DAYS),)
    )


def together(parts: Sequence[Condition]) -> Condition:
    """The parts of one unit (`units`) as a condition."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    group = All if isinstance(first, Compare) and first.op == "gte" else Any
    return group(tuple(parts), first.span)


def _compare(test: Compare, words: Words) -> Iterator[Change]:
    def change(after: Compare) -> Change:
        return Change(after, test.span, words.of(test), words.of(after))

    op, right = test.op, test.right
    if op in {"in", "not_in"}:
        yield from map(change, _members(test, words))
        return
    (operand,) = right
    if isinstance(operand, AsOfMinus):
        yield from _look_back(test, operand, words)
        return
    if op in STRICTER:
        yield change(replace(test, op=STRICTER[op]))
    else:
        yield change(replace(test, op=NEGATED[op]))
    if isinstance(operand, Constant):
        yield from (change(replace(test, right=(other,))) for other in _constants(test, operand, words))


def _constants(test: Compare, constant: Constant, words: Words) -> Iterator[Constant]:
    """Other values that the fact is compared with."""
    of, value = constant.type, constant.value
    if of is Type.BOOLEAN:
        return  # the negation says it
    if isinstance(value, int) and of in NUMBERS | {Type.DATE}:
        yield _constant(of, value + FURTHER.get(test.op, 1))
        if of in NUMBERS and value:
            yield _constant(of, value * DIGIT)
    elif isinstance(value, str) and (other := another(value, words.values(test.left))) is not None:
        yield _constant(of, other)


def _constant(of: Type, value: Value) -> Constant:
    return Constant(value, of, show(of, value) if of is not Type.LIST else str(value))


def another(value: Value, values: Sequence[Value]) -> Value | None:
    """The value after `value`, the first after the last; `None` where there is only one."""
    if value not in values:
        return values[0] if values else None
    return values[(values.index(value) + 1) % len(values)] if len(values) > 1 else None


def _members(test: Compare, words: Words) -> Iterator[Compare]:
    """A set with one member less, and one more. Kinds of subject that the list does not have change nothing."""
    values = words.values(test.left)
    members = [m for m in test.right if isinstance(m, Constant)]
    closed = test.left.name == "subject.kind"
    for member in members:
        if len(members) > 1 and (not closed or member.value in values):
            yield replace(test, right=tuple(m for m in test.right if m is not member))
    if len(members) == 1:
        yield replace(test, op=NEGATED[test.op])
    extra = next((v for v in values if all(v != m.value for m in members)), None)
    if extra is not None:
        yield replace(test, right=(*test.right, _constant(test.left.type, extra)))


def _look_back(test: Compare, operand: AsOfMinus, words: Words) -> Iterator[Change]:
    """`within` and `before`: other durations, and the day on the edge."""
    if operand.duration == ZERO_DAYS:
        return  # the decision's own day, the end of a `within`
    edge = replace(test, op=STRICTER.get(test.op) or NEGATED[test.op])
    yield Change(edge, test.span, words.of(test), words.of(edge))
    title = _title(words.titles.fact(test.left.name, test.left.type))
    for other in durations(operand.duration):
        after = replace(test, right=(AsOfMinus(other),))
        yield Change(after, test.span, f"{title}的期间 {operand.duration.words}", other.words)


def _title(fact: FactType) -> str:
    return f"‘{fact.title}’"


def _count(test: Count, words: Words) -> Iterator[Change]:
    def change(after: Count) -> Change:
        return Change(after, test.span, words.of(test), words.of(after))

    if (test.op, test.number) in {("gte", 1), ("ne", 0)}:  # exists
        yield change(replace(test, op="eq", number=0))
    elif (test.op, test.number) in {("eq", 0), ("lt", 1)}:  # none
        yield change(replace(test, op="gte", number=1))
    else:
        flipped = STRICTER.get(test.op) or NEGATED[test.op]
        yield change(replace(test, op=cast("CountOp", flipped)))
        yield change(replace(test, number=test.number + FURTHER.get(test.op, 1)))
    for quantifier, span, before, after in quantifiers(test.quantifier, words):
        yield Change(replace(test, quantifier=quantifier), span, before, after)


def quantifiers(quantifier: Quantifier, words: Words) -> Iterator[tuple[Quantifier, Span, str, str]]:
    """Other records than those of `quantifier`: another look-back, another `where`, or none."""
    record = words.titles.records.get(quantifier.record, quantifier.record)
    window, where, span = quantifier.window, quantifier.where, quantifier.span
    if window is not None:
        for other in durations(window.within):
            longer = replace(quantifier, window=replace(window, within=other))
            yield longer, span, f"回溯‘{record}’的期间 {window.within.words}", other.words
        yield replace(quantifier, window=None), span, f"回溯‘{record}’的期间 {window.within.words}", "不限"
    if where is not None:
        inner = Words(words.titles.inside(quantifier.record), words.kinds)
        for change in changes(where, inner):
            yield replace(quantifier, where=change.condition), change.span, change.before, change.after
        yield replace(quantifier, where=None), where.span, f"‘{record}’须{inner.of(where)}", "任何记录"


def _responded(test: Responded, words: Words) -> Iterator[Change]:
    others = [replace(test, holds=not test.holds), replace(test, outcome=str(another(test.outcome, OUTCOMES)))]
    if test.department is not None:
        others.append(replace(test, department=None))
    for after in others:
        yield Change(after, test.span, words.of(test), words.of(after))
