"""Compile a memorandum into a durable_rules ruleset.

durable_rules is two-valued, drops joins behind nested groups, multiplies firings with every nested `$or`, and dies or
hangs beyond fixed limits. So the program that goes to it is flat: an *item* is one conjunction or one disjunction of
tests on one message, and a nested group is an item of its own whose result is a field of the next message.
Three values come from two forms of every item: the *T* form fires when the item is true, the *F* form (the negation,
pushed to the leaves) when it is false; an item of which neither fires is unknown. When every field that a message
needs is present nothing can be unknown, and the F form is not asked.

    all: [a > 1, any: [b == 2, c == 3]]   →   level 0: x0 = any(b == 2, c == 3);   level 1: all(a > 1, x0 == 1)

All values are integers: text and enum values are interned, booleans are 0 and 1, dates are ordinals, money is fen.
Records are messages of their own; a count is made of those that fire the quantifier's T form (certain) and those that
do not fire its F form (possible).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.decision.reference import tables_used
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
    Known,
    Memorandum,
    Quantifier,
    Responded,
    Table,
    Type,
    Value,
)

MAX_RULES_PER_GROUP = 60  # MAX_STACK_SIZE 64: more siblings matched by one message, and nothing fires (error 303)
MAX_SIBLINGS = 400  # NEXT_BUCKET_LENGTH 512: the 513th hangs create_ruleset
MAX_FIELDS = 200  # MAX_OBJECT_PROPERTIES 255 per message
MAX_LEAVES = 25  # siblings of one item, the values of an inline `in` included; more become items of their own
MAX_GROUPS = 180  # message kinds are siblings too, two for each group
OPERATORS: Mapping[str, str] = {"ne": "$neq", "lt": "$lt", "lte": "$lte", "gt": "$gt", "gte": "$gte"}

Expression = dict[str, "Expression | int | str | list[Expression]"]
Conjunction = tuple[Expression, ...]


class BudgetError(Exception):
    """The memorandum cannot be put into durable_rules within its limits, however it is sharded."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A test: it is true when one of `true` holds, false when one of `false` holds. `fields` are what it reads."""

    true: tuple[Conjunction, ...]
    false: tuple[Conjunction, ...]
    fields: tuple[str, ...]

    def negated(self) -> Leaf:
        """The opposite test."""
        return Leaf(self.false, self.true, self.fields)


@dataclass(frozen=True, slots=True)
class Group:
    """Items that one message of kind `kind` evaluates; kind `kind!` asks for their F forms. `aux`: item → field."""

    kind: str
    items: tuple[str, ...]
    fields: tuple[str, ...]
    aux: tuple[tuple[str, str], ...]


Block = tuple[tuple[Group, ...], ...]
"""Groups by level: a level reads the fields that earlier levels set."""


@dataclass(frozen=True, slots=True)
class DerivedPlan:
    """How a derived fact gets its value: `truth` item, or first true of `choices` (item, value), or `count`."""

    name: str
    fields: tuple[tuple[str, str], ...]
    truth: str | None = None
    choices: tuple[tuple[str, Value], ...] = ()
    count: str | None = None


@dataclass(frozen=True, slots=True)
class Encoding:
    """How facts become message fields. Each input fact has a field; a list fact one for each member asked about."""

    fields: Mapping[str, tuple[tuple[str, str], ...]]  # name → (field, member or "")
    interned: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Program:
    """A memorandum as durable_rules runs it. `name` is content-addressed: equal programs share a ruleset."""

    name: str
    memorandum: str
    ruleset: str  # JSON
    firings: Mapping[str, str]  # durable rule name → item
    encoding: Encoding
    windows: tuple[tuple[str, Duration], ...]
    answers: tuple[tuple[str, Responded], ...]
    quantifiers: Mapping[str, tuple[str, str]]  # field → (record kind, item)
    record_blocks: Mapping[str, tuple[Encoding, Block]]
    strata: tuple[tuple[Block, tuple[DerivedPlan, ...]], ...]
    final: Block
    rules: Mapping[str, str]  # item → rule id
    rows: tuple[tuple[str, tuple[str, ...]], ...]  # table → item of each row


def in_force(memorandum: Memorandum, day: dt.date) -> Memorandum:
    """The memorandum with only the rules in force on `day`, so that the engine never compares legal dates."""
    rules = tuple(rule for rule in memorandum.rules if rule.validity.covers(day))
    return memorandum if len(rules) == len(memorandum.rules) else replace(memorandum, rules=rules)


def compile_program(memorandum: Memorandum, tables: Mapping[str, Table]) -> Program:
    """The durable_rules program of the memorandum.

    Raises:
        BudgetError: it exceeds what durable_rules can hold.

    """
    return _Compiler().program(memorandum, tables)


class _Names:
    """Message fields for the facts of one kind of message."""

    def __init__(self, prefix: str, interned: dict[str, int]) -> None:
        self.prefix, self.interned = prefix, interned
        self.fields: dict[tuple[str, str], str] = {}

    def field(self, name: str, member: str = "") -> str:
        return self.fields.setdefault((name, member), f"{self.prefix}{len(self.fields)}")

    def intern(self, value: Value) -> int:
        if isinstance(value, str):
            return self.interned.setdefault(value, len(self.interned) + 1)
        assert isinstance(value, int)
        return int(value)

    def encoding(self) -> Encoding:
        fields: dict[str, list[tuple[str, str]]] = {}
        for (name, member), field in self.fields.items():
            fields.setdefault(name, []).append((field, member))
        return Encoding({name: tuple(pairs) for name, pairs in fields.items()}, self.interned)


class _Compiler:
    def __init__(self) -> None:
        self.ruleset: dict[str, object] = {}
        self.firings: dict[str, str] = {}
        self.windows: dict[Duration, str] = {}
        self.answers: dict[tuple[str, str | None, str], tuple[str, Responded]] = {}
        self.quantifiers: dict[str, tuple[str, Quantifier]] = {}  # quantifier id → field, quantifier
        self.interned: dict[str, int] = {}
        self.kinds = 0
        self.items = 0

    def program(self, memorandum: Memorandum, tables: Mapping[str, Table]) -> Program:
        names = _Names("f", self.interned)
        strata: list[tuple[Block, tuple[DerivedPlan, ...]]] = []
        for stratum in sorted({d.stratum for d in memorandum.derivations}):
            block = _Block(self, names)
            plans = []
            for derivation in memorandum.derivations:
                if derivation.stratum != stratum:
                    continue
                name = derivation.fact.name
                if derivation.truth is not None:
                    plans.append(DerivedPlan(name, (), truth=block.add(derivation.truth)))
                elif derivation.count is not None:
                    plans.append(DerivedPlan(name, (), count=self.quantifier(derivation.count)))
                else:
                    choices = tuple((block.add(c.when), c.value) for c in derivation.choices)
                    plans.append(DerivedPlan(name, (), choices=choices))
            strata.append((block.finish(), tuple(plans)))
        final = _Block(self, names)
        rules = {final.add(rule.when): rule.id for rule in memorandum.rules}
        rows = tuple(
            (table, tuple(final.add(row.when) for row in tables[table].rows)) for table in tables_used(memorandum)
        )
        final_block = final.finish()
        record_blocks, quantifiers = self.records()
        if self.kinds > MAX_GROUPS:
            message = f"{memorandum.id}: {self.kinds} message kinds, at most {MAX_GROUPS} fit into one ruleset"
            raise BudgetError(message)
        ruleset = json.dumps(self.ruleset, separators=(",", ":"), sort_keys=True)
        return Program(
            name=f"{memorandum.id}@{hashlib.sha256(ruleset.encode()).hexdigest()[:16]}",
            memorandum=memorandum.id,
            ruleset=ruleset,
            firings=self.firings,
            encoding=names.encoding(),
            windows=tuple((field, duration) for duration, field in self.windows.items()),
            answers=tuple(self.answers.values()),
            quantifiers=quantifiers,
            record_blocks=record_blocks,
            strata=tuple(strata),
            final=final_block,
            rules=rules,
            rows=rows,
        )

    def records(self) -> tuple[dict[str, tuple[Encoding, Block]], dict[str, tuple[str, str]]]:
        """Blocks that evaluate `where` and `within`, one for each record kind."""
        blocks: dict[str, tuple[_Names, _Block]] = {}
        plan: dict[str, tuple[str, str]] = {}
        for field, quantifier in self.quantifiers.values():
            if quantifier.record not in blocks:
                names = _Names("f", self.interned)
                blocks[quantifier.record] = names, _Block(self, names)
            block = blocks[quantifier.record][1]
            parts: list[Condition] = [quantifier.where] if quantifier.where is not None else []
            if quantifier.window is not None:
                # the record's date is the field named by the empty string, which no fact can be
                date, zero = Fact("", Type.DATE), AsOfMinus(Duration(0, "days"))
                oldest = AsOfMinus(quantifier.window.within)
                parts += [
                    Compare(date, "gte", (oldest,), quantifier.span),
                    Compare(date, "lte", (zero,), quantifier.span),
                ]
            plan[field] = quantifier.record, block.add(All(tuple(parts), quantifier.span))
        return {kind: (names.encoding(), block.finish()) for kind, (names, block) in blocks.items()}, plan

    def quantifier(self, quantifier: Quantifier) -> str:
        """The field prefix under which a quantifier's counts stand: `<f>c` certain, `<f>p` possible, `<f>x` exact."""
        if quantifier.id not in self.quantifiers:
            self.quantifiers[quantifier.id] = f"q{len(self.quantifiers)}", quantifier
        return self.quantifiers[quantifier.id][0]

    def window(self, duration: Duration) -> str:
        return self.windows.setdefault(duration, f"w{len(self.windows)}")

    def answer(self, test: Responded) -> str:
        """The field prefix of an awaited answer: `<f>m` answers that match, `<f>a` answers, `<f>x` any at all."""
        key = (test.measure, test.department, test.outcome)
        return self.answers.setdefault(key, (f"a{len(self.answers)}", test))[0]

    def rule(self, conjunction: Sequence[Expression], kind: str, item: str) -> None:
        name = f"r{len(self.firings)}"
        self.firings[name] = item
        self.ruleset[name] = {"all": [{"m": {"$and": [{"kind": kind}, *conjunction]}}]}

    def kind(self) -> str:
        self.kinds += 1
        for suffix in ("", "!"):
            # a message that nothing matches corrupts memory when its context is deleted
            self.ruleset[f"z{self.kinds}{suffix}"] = {"all": [{"m": {"kind": f"k{self.kinds}{suffix}"}}]}
        return f"k{self.kinds}"


class _Block:
    """Flattens conditions into items by level, and packs the items of a level into groups."""

    def __init__(self, compiler: _Compiler, names: _Names) -> None:
        self.compiler, self.names = compiler, names
        self.levels: list[list[tuple[str, bool, tuple[Leaf, ...], str | None]]] = []

    def add(self, condition: Condition) -> str:
        """Evaluate `condition` in this block; the name of its item."""
        return self._item(*self._flatten(condition), aux=None)

    def _item(self, every: bool, leaves: list[Leaf], level: int, aux: str | None) -> str:
        name = f"i{self.compiler.items}"
        self.compiler.items += 1
        while len(self.levels) <= level:
            self.levels.append([])
        self.levels[level].append((name, every, tuple(leaves), aux))
        return name

    def _nested(self, every: bool, leaves: list[Leaf], level: int) -> tuple[Leaf, int]:
        field = f"x{self.compiler.items}"
        self._item(every, leaves, level, aux=field)
        return _leaf(field, "eq", 1), level + 1

    def _flatten(self, condition: Condition) -> tuple[bool, list[Leaf], int]:
        if not isinstance(condition, All | Any):
            leaf, level = self._leaf(condition)
            return True, *self._fitted(True, [leaf], level)
        every = isinstance(condition, All)
        leaves: list[Leaf] = []
        level = 0
        for part in condition.parts:
            if isinstance(part, All | Any):
                inner_every, inner, inner_level = self._flatten(part)
                if inner_every is every or len(inner) == 1:
                    leaves += inner
                else:
                    leaf, inner_level = self._nested(inner_every, inner, inner_level)
                    leaves.append(leaf)
            else:
                leaf, inner_level = self._leaf(part)
                leaves.append(leaf)
            level = max(level, inner_level)
        return every, *self._fitted(every, leaves, level)

    def _fitted(self, every: bool, leaves: list[Leaf], level: int) -> tuple[list[Leaf], int]:
        """Leaves fit for one item: at most `MAX_LEAVES`, each with one conjunction where the item joins them."""
        fitted: list[Leaf] = []
        for leaf in leaves:
            if len(leaf.true if every else leaf.false) != 1:
                nested, level_of = self._nested(not every, [leaf], level)
                fitted.append(nested)
                level = max(level, level_of)
            else:
                fitted.append(leaf)
        while len(chunks := _chunks(fitted)) > 1:
            fitted = [self._nested(every, chunk, level)[0] for chunk in chunks]
            level += 1
        return fitted, level

    def _leaf(self, condition: Condition) -> tuple[Leaf, int]:
        match condition:
            case Known(fact, present):
                ex: tuple[Conjunction, ...] = (({"$ex": {self.names.field(fact.name): 1}},),)
                nex: tuple[Conjunction, ...] = (({"$nex": {self.names.field(fact.name): 1}},),)
                return Leaf(ex if present else nex, nex if present else ex, (self.names.field(fact.name),)), 0
            case Count(quantifier, op, number):
                return _count_leaf(self.compiler.quantifier(quantifier), op, number), 0
            case Responded():
                prefix = self.compiler.answer(condition)
                matched: tuple[Conjunction, ...] = (({"$gte": {f"{prefix}m": 1}},),)
                other: tuple[Conjunction, ...] = (({"$gte": {f"{prefix}a": 1}}, {f"{prefix}m": 0}),)
                leaf = Leaf(matched, other, (f"{prefix}m", f"{prefix}a", f"{prefix}x"))
                return leaf if condition.holds else leaf.negated(), 0
            case Compare():
                return self._compare(condition)
            case _:
                raise TypeError(condition)

    def _compare(self, condition: Compare) -> tuple[Leaf, int]:
        name, op, names = condition.left.name, condition.op, self.names
        constants = [o.value for o in condition.right if isinstance(o, Constant)]
        if op in {"contains", "not_contains"}:
            member = str(constants[0])
            return _leaf(names.field(name, member), "eq", 1 if op == "contains" else 0), 0
        if op in {"in", "not_in"}:
            values = sorted({names.intern(v) for v in constants})
            chunks = [tuple(values[i : i + MAX_LEAVES]) for i in range(0, len(values), MAX_LEAVES)] or [()]
            leaves = [_in_leaf(names.field(name), chunk) for chunk in chunks]
            if op == "not_in":
                leaves = [leaf.negated() for leaf in leaves]
            if len(leaves) == 1:
                return leaves[0], 0
            return self._nested(op == "not_in", *self._fitted(op == "not_in", leaves, 0))
        (right,) = condition.right
        match right:
            case Constant(value):
                return _leaf(names.field(name), op, names.intern(value)), 0
            case Fact(other):
                return _leaf(names.field(name), op, names.field(other)), 0
            case AsOfMinus(duration):
                return _leaf(names.field(name), op, self.compiler.window(duration)), 0

    def finish(self) -> Block:
        return tuple(tuple(self._groups(level)) for level in self.levels)

    def _groups(self, items: list[tuple[str, bool, tuple[Leaf, ...], str | None]]) -> list[Group]:
        groups: list[Group] = []
        members: list[str] = []
        aux: list[tuple[str, str]] = []
        fields: dict[str, None] = {}
        rules = siblings = 0
        kind = ""
        for name, every, leaves, field in items:
            true = _forms(every, leaves)
            false = _forms(not every, tuple(leaf.negated() for leaf in leaves))
            own = max(len(true), len(false))
            weight = max(sum(_weight(c) for c in true), sum(_weight(c) for c in false))
            wanted = {f: None for leaf in leaves for f in leaf.fields}
            full = (
                rules + own > MAX_RULES_PER_GROUP
                or siblings + weight > MAX_SIBLINGS
                or len(fields | wanted) > MAX_FIELDS
            )
            if kind and full:
                groups.append(Group(kind, tuple(members), tuple(fields), tuple(aux)))
                kind, members, aux, fields, rules, siblings = "", [], [], {}, 0, 0
            kind = kind or self.compiler.kind()
            for conjunction in true:
                self.compiler.rule(conjunction, kind, name)
            for conjunction in false:
                self.compiler.rule(conjunction, f"{kind}!", name)
            members.append(name)
            if field is not None:
                aux.append((name, field))
            fields |= wanted
            rules += own
            siblings += weight
        if kind:
            groups.append(Group(kind, tuple(members), tuple(fields), tuple(aux)))
        return groups


def _chunks(leaves: list[Leaf]) -> list[list[Leaf]]:
    """Leaves in portions small enough for one item."""
    chunks: list[list[Leaf]] = [[]]
    room = MAX_LEAVES
    for leaf in leaves:
        weight = max(1, sum(_weight(c) for c in leaf.true), sum(_weight(c) for c in leaf.false))
        if chunks[-1] and weight > room:
            chunks.append([])
            room = MAX_LEAVES
        chunks[-1].append(leaf)
        room -= weight
    return chunks


def _forms(every: bool, leaves: tuple[Leaf, ...]) -> list[Conjunction]:
    """Conjunctions of which one holds exactly when the item is true."""
    if every:
        return [tuple(e for leaf in leaves for e in leaf.true[0])]
    return [conjunction for leaf in leaves for conjunction in leaf.true]


def _weight(conjunction: Conjunction) -> int:
    """Sibling nodes that the first expression registers."""
    first = conjunction[0].get("$or") if conjunction else None
    return len(first) if isinstance(first, list) else 1


def _leaf(field: str, op: str, value: int | str) -> Leaf:
    fields = (field, value) if isinstance(value, str) else (field,)
    return Leaf((_test(field, op, value),), (_test(field, NEGATED[op], value),), fields)


def _test(field: str, op: str, value: int | str) -> Conjunction:
    if isinstance(value, str):
        # durable_rules fires `a > $m.b` when b is missing, so both are guarded
        right: Expression = {"$m": value}
        test: Expression = {field: right} if op == "eq" else {OPERATORS[op]: {field: right}}
        return {"$ex": {field: 1}}, {"$ex": {value: 1}}, test
    return ({field: value} if op == "eq" else {OPERATORS[op]: {field: value}},)


def _in_leaf(field: str, values: tuple[int, ...]) -> Leaf:
    if not values:
        return Leaf((), (({"$ex": {field: 1}},),), (field,))
    one_of: Expression = {"$or": [{field: v} for v in values]} if len(values) > 1 else {field: values[0]}
    return Leaf(((one_of,),), (tuple({"$neq": {field: v}} for v in values),), (field,))


def _count_leaf(prefix: str, op: str, number: int) -> Leaf:
    """A number known to lie between `<prefix>c` and `<prefix>p`; both are always present."""
    certain, possible = f"{prefix}c", f"{prefix}p"
    fields = (certain, possible, f"{prefix}x")
    at_least, below = _test(certain, "gte", number), _test(possible, "lt", number)
    above, at_most = _test(certain, "gt", number), _test(possible, "lte", number)
    equal: Conjunction = ({certain: number}, {possible: number})
    match op:
        case "gte":
            return Leaf((at_least,), (below,), fields)
        case "lt":
            return Leaf((below,), (at_least,), fields)
        case "gt":
            return Leaf((above,), (at_most,), fields)
        case "lte":
            return Leaf((at_most,), (above,), fields)
        case "eq":
            return Leaf((equal,), (above, below), fields)
        case _:
            return Leaf((above, below), (equal,), fields)
