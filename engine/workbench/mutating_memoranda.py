"""Small mistakes in memoranda, and in the tables and record kinds that they read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from engine.language.conditions import negated
from engine.language.ir import (
    All,
    Condition,
    Derivation,
    Memorandum,
    Policy,
    Row,
    Rule,
    Span,
    Table,
    Type,
    Value,
)
from engine.language.scalars import show
from engine.workbench.mutating import NUMBERS, Change, Words, another, changes, quantifiers
from engine.workbench.mutating_consequences import consequences
from engine.workbench.places import Places
from engine.workbench.wording import titles_of

DAY = dt.timedelta(days=1)


def memoranda(memorandum: Memorandum, policy: Policy, places: Places) -> Iterator[tuple[Span, str, Memorandum]]:
    """Every memorandum that is this one with one mistake in it: where, which, and the memorandum."""
    words = Words(titles_of(policy, memorandum), policy.lists[memorandum.list].subjects)
    for n, derivation in enumerate(memorandum.derivations):
        for span, what, other in _derivations(derivation, words):
            derivations = (*memorandum.derivations[:n], other, *memorandum.derivations[n + 1 :])
            yield span, f"推导 {derivation.fact.name} {what}", replace(memorandum, derivations=derivations)
    for n, rule in enumerate(memorandum.rules):
        for span, what, changed in _rules(rule, memorandum, policy, places, words):
            rules = (*memorandum.rules[:n], changed, *memorandum.rules[n + 1 :])
            yield span, f"规则 {_name(rule.id)} {what}", replace(memorandum, rules=rules)


def said(change: Change) -> str:
    """A change of a condition in words."""
    if not change.after:
        return f"删去条件“{change.before}”"
    return f"的条件“{change.before}”改为“{change.after}”"


def _name(rule: str) -> str:
    return rule.partition("/")[2]


# --- derived facts -------------------------------------------------------------------------------------------------


def _derivations(derivation: Derivation, words: Words) -> Iterator[tuple[Span, str, Derivation]]:
    if derivation.truth is not None:
        for change in changes(derivation.truth, words):
            yield change.span, said(change), replace(derivation, truth=change.condition)
    if derivation.count is not None:
        for count, span, before, after in quantifiers(derivation.count, words):
            yield span, f"的“{before}”改为“{after}”", replace(derivation, count=count)
    for n, choice in enumerate(derivation.choices):
        above, below = derivation.choices[:n], derivation.choices[n + 1 :]
        for change in changes(choice.when, words):
            row = replace(choice, when=change.condition)
            yield change.span, said(change), replace(derivation, choices=(*above, row, *below))
        value = other_value(derivation.fact.type, choice.value, derivation.fact.values)
        if value is not None:
            shown = f"的取值 {_shown(derivation.fact.type, choice.value)} 改为 {_shown(derivation.fact.type, value)}"
            row = replace(choice, value=value)
            yield choice.when.span, shown, replace(derivation, choices=(*above, row, *below))
        if len(derivation.choices) > 1:
            shown = f"删去取值 {_shown(derivation.fact.type, choice.value)} 的一行"
            yield choice.when.span, shown, replace(derivation, choices=(*above, *below))


def other_value(of: Type, value: Value, values: Sequence[str]) -> Value | None:
    """A value that is easily written instead of `value`."""
    if of is Type.BOOLEAN:
        return not value
    if isinstance(value, int):
        return value + 1
    return another(value, values) if isinstance(value, str) else None


def _shown(of: Type, value: Value) -> str:
    return show(of, value)


# --- rules ---------------------------------------------------------------------------------------------------------


def _rules(
    rule: Rule, memorandum: Memorandum, policy: Policy, places: Places, words: Words
) -> Iterator[tuple[Span, str, Rule]]:
    for span, what, when in _conditions(rule, memorandum, places, words):
        yield span, what, replace(rule, when=when)
    for name, title in (("start", "自"), ("end", "至")):
        day = getattr(rule.validity, name)
        for other in (day - DAY, day + DAY) if day is not None else ():
            period: dict[str, Any] = {name: other}
            span = places.key(rule.span, *places.rule(rule), "valid", "from" if name == "start" else "until")
            validity = replace(rule.validity, **period)
            yield span, f"有效期{title} {day} 改为{title} {other}", replace(rule, validity=validity)
    for span, what, then in consequences(rule, policy, places):
        yield span, what, replace(rule, then=then)


def _conditions(
    rule: Rule, memorandum: Memorandum, places: Places, words: Words
) -> Iterator[tuple[Span, str, Condition]]:
    """The rule's own condition with a mistake, and without each rule that overrides it.

    The negations of overriding rules are the compiler's; a mistake in them would be one in those rules.
    """
    own, exceptions = split(rule, memorandum)
    tail = tuple(part for _, parts in exceptions for part in parts)
    whole = All(own, rule.when.span)
    for change in changes(whole, words):
        condition = change.condition
        parts = condition.parts if isinstance(condition, All) else (condition,)
        yield change.span, said(change), All((*parts, *tail), rule.when.span)
    if own and not any(not c.after for c in changes(whole, words) if isinstance(c.condition, All)
                       and len(c.condition.parts) < len(own)):  # fmt: skip
        yield own[0].span, f"删去条件“{words.of(whole)}”", All(tail, rule.when.span)
    others = {other.id: other for other in memorandum.rules}
    for n, (name, _) in enumerate(exceptions):
        left = tuple(part for k, (_, parts) in enumerate(exceptions) if k != n for part in parts)
        span = places.item(others[name].span, _name(rule.id), *places.rule(others[name]), "overrides")
        yield span, f"不再因规则 {_name(name)} 优先而不适用", All((*own, *left), rule.when.span)


def split(rule: Rule, memorandum: Memorandum) -> tuple[tuple[Condition, ...], list[tuple[str, tuple[Condition, ...]]]]:
    """The parts of a rule's condition that its author wrote, and those that each overriding rule put in."""
    others = {other.id: other for other in memorandum.rules}
    exceptions: list[tuple[str, tuple[Condition, ...]]] = []
    for name in rule.overridden_by:
        exception = negated(others[name].when)
        exceptions.append((name, exception.parts if isinstance(exception, All) else (exception,)))
    parts = rule.when.parts if isinstance(rule.when, All) else (rule.when,)
    return parts[: len(parts) - sum(len(p) for _, p in exceptions)], exceptions


# --- tables and records --------------------------------------------------------------------------------------------


def tables(identifier: str, policy: Policy, places: Places) -> Iterator[tuple[Span, str, Policy]]:
    """Every policy in which one table has one mistake."""
    table = policy.tables[identifier]
    for span, what, other in _tables(table, policy, places):
        yield span, f"分级表 {identifier} {what}", replace(policy, tables={**policy.tables, identifier: other})


def _tables(table: Table, policy: Policy, places: Places) -> Iterator[tuple[Span, str, Table]]:
    words = Words(titles_of(policy, table=table), ())
    for n, row in enumerate(table.rows):
        for span, what, other in _rows(row, table, words):
            yield span, what, replace(table, rows=(*table.rows[:n], other, *table.rows[n + 1 :]))
    formula = table.limit
    if formula is None:
        return
    for name in ("floor", "cap"):
        amount = getattr(formula, name)
        title = {"floor": "下限", "cap": "上限"}[name]
        for other in dict.fromkeys((amount + 1, amount - 1, amount * 10)):
            if other != amount:
                what = f"的{title}由“{show(Type.MONEY, amount)}”改为“{show(Type.MONEY, other)}”"
                limit = replace(formula, **{name: other})
                yield places.key(table.span, "limit", name), what, replace(table, limit=limit)
    for n, part in enumerate(formula.plus):
        before, after = formula.plus[:n], formula.plus[n + 1 :]
        span = places.key(table.span, "limit", "plus", n)
        for points in (part.basis_points + 1, part.basis_points - 1, part.basis_points * 10):
            what = f"的 {part.of} 由“{show(Type.RATIO, part.basis_points)}”改为“{show(Type.RATIO, points)}”"
            plus = (*before, replace(part, basis_points=points), *after)
            yield span, what, replace(table, limit=replace(formula, plus=plus))
        yield span, f"不再加上 {part.of}", replace(table, limit=replace(formula, plus=(*before, *after)))


def _rows(row: Row, table: Table, words: Words) -> Iterator[tuple[Span, str, Row]]:
    for change in changes(row.when, words):
        yield change.span, f"第 {row.index + 1} 行{said(change)}", replace(row, when=change.condition)
    for name, value in row.then.items():
        fact = table.outputs[name]
        numbers = (
            [int(value) + 1, int(value) * 10] if fact.type in NUMBERS and not isinstance(value, str | tuple) else []
        )
        others: list[Value | None] = [*numbers] or [other_value(fact.type, value, fact.values)]
        for other in others:
            if other is not None and other != value:
                what = f"第 {row.index + 1} 行的 {name} 由“{show(fact.type, value)}”改为“{show(fact.type, other)}”"
                yield row.span, what, replace(row, then={**row.then, name: other})


def records(identifier: str, policy: Policy, places: Places) -> Iterator[tuple[Span, str, Policy]]:
    """Every policy in which the law's exclusion of one kind of record has one mistake, or is missing."""
    kind = policy.records[identifier]
    if kind.excluded is None:
        return
    words = Words(
        titles_of(policy).inside(identifier), tuple({k: None for one in policy.lists.values() for k in one.subjects})
    )
    for change in changes(kind.excluded, words):
        other = replace(kind, excluded=change.condition)
        what = f"记录 {identifier} 不作依据{said(change)}"
        yield change.span, what, replace(policy, records={**policy.records, identifier: other})
    other = replace(kind, excluded=None)
    span = places.key(kind.span, "excluded")
    yield (
        span,
        f"记录 {identifier} 不再有不作依据的情形",
        replace(policy, records={**policy.records, identifier: other}),
    )
