"""Conditions and values as Chinese that a policy officer would write.

A group inside another stands in brackets, so what belongs together is never in doubt. Sums, days and ratios come from
the values, not from how the source spells them; values of enums and the ids of measures, departments and records are
called by their titles where they have one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.language.bundle import LISTING, LISTING_FIELDS, SUBJECT_KIND
from engine.language.conditions import ZERO_DAYS
from engine.language.ir import (
    All,
    Any,
    AsOfMinus,
    Compare,
    Condition,
    Constant,
    Count,
    Fact,
    FactType,
    Known,
    Memorandum,
    Operand,
    Policy,
    Quantifier,
    Responded,
    Table,
    Type,
    Value,
)
from engine.language.procedures import KINDS as LIST_KINDS
from engine.language.scalars import show, show_fact
from engine.language.titles import OUTCOMES, SUBJECTS

SUM = {"lt": "低于", "lte": "不超过", "gt": "超过", "gte": "不低于"}
NUMBER = {"lt": "少于", "lte": "不多于", "gt": "多于", "gte": "不少于"}
DAY = {"lt": "早于", "lte": "不晚于", "gt": "晚于", "gte": "不早于"}
ORDER: Mapping[Type, Mapping[str, str]] = {
    Type.MONEY: SUM, Type.RATIO: SUM, Type.INTEGER: NUMBER, Type.DATE: DAY,
    **dict.fromkeys((Type.TEXT, Type.ENUM, Type.BOOLEAN, Type.LIST), NUMBER),
}  # fmt: skip
TIMES = {"lt": "不足 {} 条", "lte": "有不超过 {} 条", "gt": "有超过 {} 条", "gte": "有 {} 条以上", "eq": "恰有 {} 条"}
UNITS = ((10**10, "亿元"), (10**6, "万元"))  # in fen
AMBIGUOUS = frozenset("，、；。：且或")  # a title with one of these is quoted, or it would read as part of the sentence


@dataclass(frozen=True, slots=True)
class Titles:
    """What the ids in a condition are called. An id that is missing here is called by itself."""

    facts: Mapping[str, FactType]
    records: Mapping[str, str] = field(default_factory=dict)  # record kind → title
    fields: Mapping[str, Mapping[str, FactType]] = field(default_factory=dict)  # record kind → its fields
    measures: Mapping[str, str] = field(default_factory=dict)
    departments: Mapping[str, str] = field(default_factory=dict)

    def fact(self, name: str, of: Type) -> FactType:
        """The declaration of a fact; its title is never empty."""
        found = self.facts.get(name)
        if found is None:
            return FactType(name, of, name, SUBJECT_KIND.span)
        return found if found.title else replace(found, title=name)

    def inside(self, record: str) -> Titles:
        """For a condition over the fields of a record."""
        return replace(self, facts={SUBJECT_KIND.name: KIND, **self.fields.get(record, {})})


KIND = replace(SUBJECT_KIND, title="主体", titles=SUBJECTS)


def titles_of(policy: Policy, memorandum: Memorandum | None = None, table: Table | None = None) -> Titles:
    """The titles for conditions of a memorandum (its list's facts and derived ones), or of a table (its inputs)."""
    facts = {KIND.name: KIND}
    if memorandum is not None:
        facts |= policy.lists[memorandum.list].facts
        facts |= {d.fact.name: d.fact for d in memorandum.derivations}
    if table is not None:
        facts |= table.inputs
    lists = {i: listed.title for i, listed in policy.lists.items()}
    listing = {
        **LISTING_FIELDS,
        "list": replace(LISTING_FIELDS["list"], titles=lists),
        "kind": replace(LISTING_FIELDS["kind"], titles=LIST_KINDS),
    }
    return Titles(
        facts,
        {**{i: record.title for i, record in policy.records.items()}, LISTING: "在列的名单记录"},
        {**{i: record.fields for i, record in policy.records.items()}, LISTING: listing},
        {i: measure.title for i, measure in policy.measures.items()},
        {i: department.title for i, department in policy.departments.items()},
    )


def condition_words(condition: Condition, titles: Titles) -> str:
    """A condition as a clause that `的，` can follow: `拖欠金额不低于 50 万元，且属于工程建设领域`."""
    while isinstance(condition, All | Any) and len(parts := flattened(condition)) == 1:
        condition = parts[0]
    if not isinstance(condition, All | Any):
        return _part(condition, titles)
    texts = _texts(condition, titles)
    return _join(texts, "，且" if isinstance(condition, All) else "，或者")


def _part(condition: Condition, titles: Titles) -> str:
    """A condition as part of another: a group of several stands in brackets."""
    match condition:
        case Compare():
            return _compared(condition, titles)
        case Known(fact, present):
            return f"{'已' if present else '未'}提供“{title_of(titles.fact(fact.name, fact.type))}”"
        case Count():
            return _counted(condition, titles)
        case Responded(measure, department, outcome, holds):
            who = titles.departments.get(department, department) if department else "任一实施部门"
            what = titles.measures.get(measure, measure)
            return f"{who}对“{what}”的答复{'为' if holds else '不是'}“{OUTCOMES.get(outcome, outcome)}”"
        case All() | Any():
            parts = _texts(condition, titles)
            inner = _join(parts, "且" if isinstance(condition, All) else "或者")
            return inner if len(parts) == 1 else f"（{inner}）"


def _texts(group: All | Any, titles: Titles) -> list[str]:
    """The parts of a group in words; groups of its own kind are flattened, the two ends of a period are one part."""
    parts = flattened(group)
    if not parts:
        return ["任何情形" if isinstance(group, All) else "没有任何情形"]
    texts: list[str] = []
    skip = False
    for part, after in zip(parts, [*parts[1:], None], strict=True):
        if skip:
            skip = False
        elif (period := _period(part, after, titles)) is not None:
            texts.append(period)
            skip = True
        else:
            texts.append(_part(part, titles))
    return texts


def flattened(group: All | Any) -> list[Condition]:
    """The parts of a group, those of inner groups of its own kind among them."""
    found: list[Condition] = []
    for part in group.parts:
        found += flattened(part) if type(part) is type(group) else [part]
    return found


def _period(part: Condition, after: Condition | None, titles: Titles) -> str | None:
    """`within: 2 years`, or its negation, which the compiler splits in two comparisons with the decision's day."""
    match part, after:
        case (
            Compare(left, "gte" | "lt" as op, (AsOfMinus(length),)),
            Compare(other, "lte" | "gt" as end, (AsOfMinus(last),)),
        ) if left == other and last == ZERO_DAYS and (op == "gte") is (end == "lte") and length != ZERO_DAYS:
            sign = "" if op == "gte" else "不"
            return f"{_name(titles.fact(left.name, left.type))}{sign}在决定之日前 {length.words}内"
    return None


def _join(parts: Sequence[str], word: str) -> str:
    text = parts[0]
    for part in parts[1:]:
        text += (" " if text[-1].isascii() and word[0] != "，" else "") + word + part
    return text


def _compared(test: Compare, titles: Titles) -> str:
    fact = titles.fact(test.left.name, test.left.type)
    name, op = _name(fact), test.op
    single = test.right[0] if len(test.right) == 1 else None
    if isinstance(single, Fact):
        return _against_fact(fact, op, titles.fact(single.name, single.type))
    if fact.type is Type.BOOLEAN and isinstance(single, Constant) and op in {"eq", "ne", "in", "not_in"}:
        return _yes_or_no(fact, yes=(single.value is True) is (op in {"eq", "in"}))
    values = [_operand(operand, fact, titles) for operand in test.right]
    match op:
        case "eq" | "ne" | "in" | "not_in" if len(values) == 1:
            return f"{name}{'' if op in {'eq', 'in'} else '不'}为{values[0]}"
        case "contains" | "not_contains":
            return f"{name}{'' if op == 'contains' else '不'}包含{'、'.join(values)}"
        case "in" | "eq":
            return f"{name}为{'或者'.join(values)}" if len(values) == 2 else f"{name}为{_listed(values)}之一"  # noqa: PLR2004 - a pair
        case "not_in" | "ne":
            return f"{name}不在{_listed(values)}之列"
        case _:
            return f"{name}{ORDER[fact.type][op]}{'、'.join(values)}"


def _listed(values: Sequence[str]) -> str:
    return "".join(values) if all(value.startswith("“") for value in values) else "、".join(values)


def _against_fact(fact: FactType, op: str, other: FactType) -> str:
    name, right = _name(fact), f"“{title_of(other)}”"
    if op in {"eq", "ne"} and fact.type in {Type.TEXT, Type.ENUM, Type.BOOLEAN}:
        return f"{name}与{right}{'相同' if op == 'eq' else '不同'}"
    words = {
        "eq": "等于",
        "ne": "不等于",
        "in": "属于",
        "not_in": "不属于",
        "contains": "包含",
        "not_contains": "不包含",
    }
    return f"{name}{words.get(op) or ORDER[fact.type][op]}{right}"


def _yes_or_no(fact: FactType, *, yes: bool) -> str:
    """A title says what holds when the fact is true, so it is the clause itself."""
    title = title_of(fact)
    if yes:
        return _name(fact)
    if title.startswith("属于"):
        return f"不{_name(fact)}"
    return f"不属于“{title}”的情形"


def title_of(fact: FactType) -> str:
    """The title of a fact as a statement: without 是否."""
    return fact.title.removeprefix("是否") or fact.title


def _name(fact: FactType) -> str:
    """The title where a sentence goes on after it."""
    title = title_of(fact)
    if not AMBIGUOUS.intersection(title):
        return title
    rest = title.removeprefix("属于")
    return f"“{title}”" if rest == title else f"属于“{rest}”"


def _operand(operand: Operand, fact: FactType, titles: Titles) -> str:
    match operand:
        case Constant(value, _, text):
            return value_words(fact, value, text)
        case AsOfMinus(length):
            if length == ZERO_DAYS:
                return "决定之日"
            return f"决定之日前第 {length.words}" if length.unit == "days" else f"决定之日 {length.words}前的对应日"
        case Fact(name, of):
            return f"“{title_of(titles.fact(name, of))}”"


def value_words(fact: FactType, value: Value, text: str = "") -> str:
    """A value of `fact` as a sentence has it: ` 50 万元`, ` 2024年1月31日`, `“严重”`. `text` stands for no such day."""
    if fact.type is Type.DATE and isinstance(value, int):
        if not 1 <= value <= dt.date.max.toordinal():
            return f" {text or value}"
        day = dt.date.fromordinal(value)
        return f" {day.year}年{day.month}月{day.day}日"
    if fact.type is Type.MONEY and isinstance(value, int):
        return f" {money_words(value)}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f" {show(fact.type, value)}"
    shown = show_fact(fact, value)
    return shown if fact.name == SUBJECT_KIND.name else f"“{shown}”"


def money_words(fen: int) -> str:
    """A sum as people write it: round ones in 万元 and 亿元."""
    for size, unit in UNITS if fen else ():
        if fen % size == 0:
            return f"{fen // size} {unit}"
    return show(Type.MONEY, fen)


def _counted(test: Count, titles: Titles) -> str:
    op, number = test.op, test.number
    within, what = records_words(test.quantifier, titles)
    if (op, number) in {("gte", 1), ("gt", 0)}:
        return f"{within}有{what}"
    if (op, number) in {("eq", 0), ("lt", 1)}:
        return f"{within}没有{what}"
    if op == "ne":
        return f"{within}{what}的条数不为 {number}"
    return f"{within}{TIMES[op].format(number)}{what}"


def records_words(quantifier: Quantifier, titles: Titles) -> tuple[str, str]:
    """The period looked back over, and the records that are meant."""
    within = f"近 {quantifier.window.within.words}内" if quantifier.window else ""
    where = quantifier.where
    meant = f"（{condition_words(where, titles.inside(quantifier.record))}）" if where is not None else ""
    return within, titles.records.get(quantifier.record, quantifier.record) + meant


def of_those(text: str) -> str:
    """A clause with its 的."""
    return f"{text}{' ' if text[-1].isascii() else ''}的"
