"""What the conditions of some memoranda speak of: facts, kinds of records and how many of them matter, answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

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
    Oblige,
    Policy,
    Quantifier,
    RecordKind,
    Responded,
    Span,
    Type,
    Value,
)

NOWHERE = Span("", 0, 0)
MAX_SLOTS = 12
"""Records of one kind that a situation can have. A threshold that needs more is looked at in part only."""


@dataclass(slots=True)
class Vocabulary:
    """Everything that a situation needs a variable for.

    facts: the facts of the list by name; of two policies that differ, the values of both.
    required: those that every listing has.
    kinds: kinds of subject that can be filed.
    records: record kind → its declaration, for the kinds that conditions count.
    slots: record kind → records enough to meet, and to miss, every threshold on it.
    bounded: record kinds of which no affordable number is enough.
    read: record kind → fields that conditions look at.
    answers: (measure, department) that conditions ask about.
    constants: the values that conditions compare a fact with.
    """

    facts: dict[str, FactType] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    kinds: dict[str, None] = field(default_factory=dict)
    records: dict[str, RecordKind] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)
    bounded: set[str] = field(default_factory=set)
    read: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    answers: dict[tuple[str, str], None] = field(default_factory=dict)
    constants: defaultdict[str, set[Value]] = field(default_factory=lambda: defaultdict(set))


def vocabulary(policies: Iterable[tuple[Policy, Sequence[Memorandum]]]) -> Vocabulary:
    """The vocabulary of memoranda for one list, of one policy or of two that are compared."""
    found = Vocabulary()
    for number, (policy, memoranda) in enumerate(policies):
        needed: dict[tuple[object, ...], int] = {}
        for memorandum in memoranda:
            _take_list(policy, memorandum.list, found, first=number == 0)
            _take_memorandum(policy, memorandum, needed, found)
        for kind in dict.fromkeys(str(key[0]) for key in needed):
            count = sum(number for key, number in needed.items() if key[0] == kind)
            found.slots[kind] = max(found.slots.get(kind, 0), min(count, MAX_SLOTS))
            if count > MAX_SLOTS:
                found.bounded.add(kind)
    return found


def conditions_of(memorandum: Memorandum) -> Iterator[Condition]:
    """Every condition of a memorandum, those of its derived facts included."""
    for derivation in memorandum.derivations:
        if derivation.truth is not None:
            yield derivation.truth
        yield from (choice.when for choice in derivation.choices)
    yield from (rule.when for rule in memorandum.rules)


def shape(condition: Condition | None) -> object:
    """A condition without the places where it is written, so that equal ones are equal."""
    match condition:
        case All(parts) | Any(parts):
            return type(condition).__name__, *(shape(part) for part in parts)
        case Count(quantifier, op, number):
            return quantifier.record, shape(quantifier.where), quantifier.window, op, number
        case None:
            return None
        case leaf:
            return replace(leaf, span=NOWHERE)


def leaves(condition: Condition) -> Iterator[Condition]:
    """The tests of a condition, without those inside the records that it counts."""
    if isinstance(condition, All | Any):
        for part in condition.parts:
            yield from leaves(part)
    else:
        yield condition


def reached(condition: Condition, memorandum: Memorandum) -> list[Condition]:
    """The tests of a condition, and those of every derived fact that it rests on."""
    derived = {d.fact.name: d for d in memorandum.derivations}
    found: list[Condition] = []
    pending, seen = [condition], set[str]()
    while pending:
        for leaf in leaves(pending.pop()):
            found.append(leaf)
            for name in names(leaf):
                if name in derived and name not in seen:
                    seen.add(name)
                    pending += tests_of(derived[name])
    return found


def tests_of(derivation: Derivation) -> list[Condition]:
    """The conditions of a derived fact; a count stands as a test of it."""
    counted = derivation.count
    own = [Count(counted, "gte", 1, counted.span)] if counted is not None else []
    truth = [derivation.truth] if derivation.truth is not None else []
    return [*own, *truth, *(choice.when for choice in derivation.choices)]


def names(leaf: Condition) -> list[str]:
    """The facts that a test looks at, those of records not among them."""
    match leaf:
        case Compare(left, _, right):
            return [o.name for o in (left, *right) if isinstance(o, Fact)]
        case Known(fact):
            return [fact.name]
        case _:
            return []


def _take_list(policy: Policy, identifier: str, found: Vocabulary, *, first: bool) -> None:
    listed = policy.lists[identifier]
    found.kinds |= dict.fromkeys(listed.subjects)
    required = {name for name, fact in listed.facts.items() if fact.required}
    found.required = required if first or not found.facts else found.required & required
    for name, fact in listed.facts.items():
        known = found.facts.get(name)
        if known is None or known.type is not fact.type:
            found.facts.setdefault(name, fact)
        else:
            values = tuple(dict.fromkeys((*known.values, *fact.values)))
            titles = {**fact.titles, **known.titles}
            found.facts[name] = replace(known, values=values, titles=titles)


def _take_memorandum(
    policy: Policy, memorandum: Memorandum, needed: dict[tuple[object, ...], int], found: Vocabulary
) -> None:
    counted = {d.fact.name: d.count for d in memorandum.derivations if d.count is not None}
    thresholds: defaultdict[str, set[int]] = defaultdict(set)  # derived count → the numbers it is compared with
    tables = dict.fromkeys(c.table for rule in memorandum.rules for c in rule.then if not isinstance(c, Oblige))
    rows = (row.when for table in tables for row in policy.tables[table].rows)
    for condition in (*conditions_of(memorandum), *rows):
        for leaf in leaves(condition):
            match leaf:
                case Count(quantifier, _, number):
                    _count(policy, quantifier, {number}, needed, found)
                case Responded(measure, department):
                    owing = [department] if department else _owing(policy, memorandum.list, measure)
                    found.answers |= dict.fromkeys((measure, d) for d in owing)
                case Compare(left, _, right):
                    constants = {o.value for o in right if isinstance(o, Constant)}
                    found.constants[left.name] |= constants
                    if left.name in counted:
                        thresholds[left.name] |= {int(v) for v in constants if isinstance(v, int)}
                    others = [o.name for o in right if isinstance(o, Fact)]
                    if others:  # against no fixed number, so that no number of records is enough
                        found.bounded |= {counted[n].record for n in (left.name, *others) if n in counted}
    for name, quantifier in counted.items():
        _count(policy, quantifier, thresholds[name] or {1}, needed, found)


def _count(
    policy: Policy, quantifier: Quantifier, numbers: set[int], needed: dict[tuple[object, ...], int], found: Vocabulary
) -> None:
    """A count is told apart from its neighbours by one record more than the number, certain ones and possible ones."""
    kind = quantifier.record
    key = (kind, shape(quantifier.where), quantifier.window)
    needed[key] = max(needed.get(key, 0), 2 * (max(*numbers, 0) + 1))
    if kind == LISTING:
        found.records.setdefault(kind, RecordKind(kind, "名单", (), LISTING_FIELDS, None, quantifier.span))
    elif kind in policy.records:
        found.records.setdefault(kind, policy.records[kind])
    for leaf in leaves(quantifier.where) if quantifier.where is not None else ():
        if isinstance(leaf, Known):
            found.read[kind].add(leaf.fact.name)
        if isinstance(leaf, Compare):
            values = {o.value for o in leaf.right if isinstance(o, Constant)}
            found.constants[f"{kind}.{leaf.left.name}"] |= values
            found.read[kind] |= {o.name for o in (leaf.left, *leaf.right) if isinstance(o, Fact)}


def _owing(policy: Policy, identifier: str, measure: str) -> list[str]:
    """The departments that may answer a measure on a list."""
    obliges = (
        c
        for m in policy.memoranda.values()
        if m.list == identifier
        for rule in m.rules
        for c in rule.then
        if isinstance(c, Oblige) and c.measure == measure
    )
    return sorted({department for oblige in obliges for department in oblige.by}) or [measure]


NUMBERS = frozenset({Type.INTEGER, Type.MONEY, Type.RATIO})
