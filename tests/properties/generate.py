"""hypothesis strategies for typed policies and subjects: everything the language can say, in small."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any as Anything

from hypothesis import strategies as st

from engine.decision.model import Facts, Record, Response
from engine.language.ir import (
    All,
    Any,
    AsOfMinus,
    Choice,
    Compare,
    Condition,
    Constant,
    Count,
    Derivation,
    Duration,
    Fact,
    FactType,
    Known,
    Limit,
    LimitFormula,
    Memorandum,
    Quantifier,
    Ratio,
    Responded,
    Row,
    Rule,
    Span,
    Table,
    Type,
    Validity,
    Window,
)

HERE = Span("generated.yaml", 1, 1)
LARGE = 2**62
TEXTS = ("张三", '引"号', "1", "true", "", "\\", "工商局 → 市监局", "a'b", "null", "😀")
GRADES = ("AAA", "AA", "A", "B", "优")
MEMBERS = ("税务", "环保", "a b")
DURATIONS = tuple(
    Duration(n, u) for n, u in ((1, "years"), (2, "years"), (6, "months"), (1, "months"), (90, "days"), (0, "days"))
)
DAYS = tuple(dt.date.fromisoformat(d) for d in ("2024-02-29", "2023-02-28", "2025-03-31", "2026-11-24", "2024-01-01"))
INTEGERS = st.one_of(st.integers(-3, 3), st.sampled_from((LARGE, -LARGE, LARGE - 1, 2**53 + 1, 2**31)))
ORDINALS = st.one_of(
    st.sampled_from(tuple(d.toordinal() for d in DAYS)),
    st.builds(
        lambda d, n: d.toordinal() - n,
        st.sampled_from(DAYS),
        st.sampled_from((0, 1, 30, 31, 89, 90, 91, 181, 182, 364, 365, 366, 730, 731)),
    ),
)
VALUES: dict[Type, st.SearchStrategy[Anything]] = {
    Type.INTEGER: INTEGERS,
    Type.MONEY: INTEGERS,
    Type.RATIO: st.integers(0, 10_000),
    Type.DATE: ORDINALS,
    Type.BOOLEAN: st.booleans(),
    Type.TEXT: st.sampled_from(TEXTS),
    Type.ENUM: st.sampled_from(GRADES),
    Type.LIST: st.lists(st.sampled_from(MEMBERS), max_size=2, unique=True).map(tuple),
}
ORDERED = (Type.INTEGER, Type.MONEY, Type.RATIO, Type.DATE)
INPUTS: dict[str, Type] = {
    "amount": Type.MONEY, "欠薪金额": Type.MONEY, "count_of": Type.INTEGER, "share": Type.RATIO, "decided": Type.DATE,
    "served": Type.DATE, "grave": Type.BOOLEAN, "consent": Type.BOOLEAN, "grade": Type.ENUM, "cause": Type.TEXT,
    "remark": Type.TEXT, "tags": Type.LIST,
}  # fmt: skip
FIELDS: dict[str, Type] = {
    "severity": Type.ENUM, "fine": Type.MONEY, "paid": Type.MONEY, "corrected": Type.BOOLEAN, "note": Type.TEXT,
    "until": Type.DATE, "kinds": Type.LIST,
}  # fmt: skip
RECORDS = ("penalty", "honour")
MEASURES = ("no-posts", "no-bidding")
OUTCOMES = ("implemented", "not-applicable", "referred")
KINDS = ("enterprise", "natural-person")


def constants(of: Type) -> st.SearchStrategy[Constant]:
    """Literals of a type."""
    return VALUES[of].map(lambda v: Constant(v, of, str(v)))


@st.composite
def comparisons(draw: st.DrawFn, names: dict[str, Type]) -> Compare:
    """A test on one of `names`."""
    name = draw(st.sampled_from(sorted(names)))
    of = names[name]
    left = Fact(name, of)
    if of is Type.LIST:
        member = draw(st.sampled_from(MEMBERS))
        op = draw(st.sampled_from(("contains", "not_contains")))
        return Compare(left, op, (Constant(member, Type.TEXT, member),), HERE)
    shape = draw(st.sampled_from(("constant", "constant", "members", "fact", "window")))
    if shape == "members":
        size = draw(st.sampled_from((1, 2, 3, 60)))
        members = draw(st.lists(constants(of), min_size=1, max_size=3)) if size < 60 else _many(of)
        return Compare(left, draw(st.sampled_from(("in", "not_in"))), tuple(members), HERE)
    op = draw(st.sampled_from(("eq", "ne", "lt", "lte", "gt", "gte") if of in ORDERED else ("eq", "ne")))
    others = sorted(n for n, t in names.items() if t is of and n != name)
    if shape == "fact" and others:
        return Compare(left, op, (Fact(draw(st.sampled_from(others)), of),), HERE)
    if shape == "window" and of is Type.DATE:
        return Compare(left, op, (AsOfMinus(draw(st.sampled_from(DURATIONS))),), HERE)
    return Compare(left, op, (draw(constants(of)),), HERE)


def _many(of: Type) -> list[Constant]:
    if of in {Type.INTEGER, Type.MONEY, Type.RATIO, Type.DATE}:
        return [Constant(n, of, str(n)) for n in range(-2, 58)]
    return [Constant(v, of, str(v)) for v in ((True, False) if of is Type.BOOLEAN else (*GRADES, *TEXTS))]


@st.composite
def leaves(draw: st.DrawFn, names: dict[str, Type], *, records: bool) -> Condition:
    """A leaf condition: comparison, presence, and (outside `where`) counts and responses."""
    shape = draw(st.sampled_from(("compare",) * 4 + ("known",) + (("count", "count", "responded") if records else ())))
    if shape == "known":
        name = draw(st.sampled_from(sorted(names)))
        return Known(Fact(name, names[name]), draw(st.booleans()), HERE)
    if shape == "count":
        op = draw(st.sampled_from(("eq", "ne", "lt", "lte", "gt", "gte")))
        return Count(draw(quantifiers()), op, draw(st.integers(0, 3)), HERE)
    if shape == "responded":
        return Responded(
            draw(st.sampled_from(MEASURES)), draw(st.sampled_from((None, "finance", "tax"))),
            draw(st.sampled_from(OUTCOMES)), draw(st.booleans()), HERE,
        )  # fmt: skip
    return draw(comparisons(names))


@st.composite
def quantifiers(draw: st.DrawFn) -> Quantifier:
    """A quantifier; its id is its content, so equal ones are the same."""
    record = draw(st.sampled_from(RECORDS))
    where = draw(st.none() | conditions(FIELDS, records=False, depth=2))
    window = draw(st.none() | st.sampled_from(DURATIONS).map(Window))
    return Quantifier(repr((record, where, window)), record, where, window, HERE)


def conditions(names: dict[str, Type], *, records: bool, depth: int = 3) -> st.SearchStrategy[Condition]:
    """Conditions nested to `depth`."""
    leaf = leaves(names, records=records)
    if depth == 0:
        return leaf
    inner = conditions(names, records=records, depth=depth - 1)
    parts = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(leaf, st.builds(All, parts, st.just(HERE)), st.builds(Any, parts, st.just(HERE)))


@dataclass(frozen=True)
class Situation:
    """A memorandum with its tables, and subjects to decide on."""

    memorandum: Memorandum
    tables: dict[str, Table]
    subjects: tuple[Facts, ...]


@st.composite
def derivations(draw: st.DrawFn) -> tuple[Derivation, ...]:
    """Up to three derived facts in strata, each reading inputs and those before it."""
    names = dict(INPUTS)
    made: list[Derivation] = []
    for stratum in range(draw(st.integers(0, 3))):
        shape = draw(st.sampled_from(("truth", "choices", "count")))
        condition = conditions(names, records=True, depth=1)
        if shape == "truth":
            fact = FactType(f"derived{stratum}", Type.BOOLEAN, "推定", HERE)
            made.append(Derivation(fact, draw(condition), (), None, stratum, HERE))
        elif shape == "choices":
            fact = FactType(f"derived{stratum}", Type.ENUM, "档次", HERE, values=GRADES)
            choices = draw(st.lists(st.builds(Choice, condition, VALUES[Type.ENUM]), min_size=1, max_size=3))
            made.append(Derivation(fact, None, tuple(choices), None, stratum, HERE))
        else:
            fact = FactType(f"derived{stratum}", Type.INTEGER, "次数", HERE)
            made.append(Derivation(fact, None, (), draw(quantifiers()), stratum, HERE))
        names[fact.name] = fact.type
    return tuple(made)


@st.composite
def memoranda(draw: st.DrawFn) -> tuple[Memorandum, dict[str, Table]]:
    """A memorandum with derivations, rules, and perhaps a table."""
    derived = draw(derivations())
    names = INPUTS | {"subject.kind": Type.ENUM} | {d.fact.name: d.fact.type for d in derived}
    whens = draw(st.lists(conditions(names, records=True), min_size=1, max_size=5))
    rules = [Rule(f"m/{i}", "", None, when, (), (), Validity(), HERE) for i, when in enumerate(whens)]
    tables: dict[str, Table] = {}
    if draw(st.booleans()):
        rows = draw(
            st.lists(
                st.tuples(conditions(names, records=False, depth=1), st.integers(0, 10**9)), min_size=1, max_size=4
            )
        )
        tables["credit"] = Table(
            "credit", "授信", {}, {"base": FactType("base", Type.MONEY, "", HERE)},
            draw(st.sampled_from(("first", "max", "sum", "min"))),
            tuple(Row(i, when, {"base": base}, HERE) for i, (when, base) in enumerate(rows)),
            LimitFormula("base", (Ratio(1_000, "amount"),), 0, 10**10), (), HERE,
        )  # fmt: skip
        rules.append(
            Rule("m/limit", "", None, All((), HERE), (Limit("credit", ("banks",), HERE),), (), Validity(), HERE)
        )
    return Memorandum("m", "备忘录", None, "list", derived, tuple(rules), (), Validity(), HERE), tables


@st.composite
def subjects(draw: st.DrawFn) -> Facts:
    """A subject with gaps: each fact, date and field may be missing."""
    values = draw(st.fixed_dictionaries({}, optional={n: VALUES[t] for n, t in INPUTS.items()}))
    fields = st.fixed_dictionaries({}, optional={n: VALUES[t] for n, t in FIELDS.items()})
    record = st.tuples(st.sampled_from(RECORDS), st.none() | ORDINALS, fields, st.booleans())
    records = [
        Record(str(i), kind, date, own, excluded=excluded and i == 0)
        for i, (kind, date, own, excluded) in enumerate(draw(st.lists(record, max_size=4)))
    ]
    response = st.builds(
        Response, st.sampled_from(MEASURES), st.sampled_from(("finance", "tax")), st.sampled_from(OUTCOMES)
    )
    return Facts(
        subject="s", subject_kind=draw(st.sampled_from(KINDS)), list="list", initiator="tax",
        as_of=draw(st.sampled_from(DAYS)), known_at="2026-11-24T00:00:00Z", values=values,
        records=tuple(records), responses=tuple(draw(st.lists(response, max_size=2))),
    )  # fmt: skip


@st.composite
def situations(draw: st.DrawFn, size: int = 8) -> Situation:
    """One memorandum and `size` subjects."""
    memorandum, tables = draw(memoranda())
    return Situation(memorandum, tables, tuple(draw(subjects()) for _ in range(size)))
