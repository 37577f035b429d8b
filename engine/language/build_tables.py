"""Builds decision tables, and checks that a memorandum supplies what a table reads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.language import scalars
from engine.language.bundle import Bundle
from engine.language.conditions import TYPE_TITLES, Scope, compile_condition
from engine.language.diagnostics import nearest, one_of
from engine.language.ir import FactType, LimitFormula, Ratio, Row, Span, Table, Type, Value
from engine.language.raw_rules import RawTable
from engine.language.reading import Document

COLLECTING = ("min", "max", "sum")


def table(read: Document[RawTable], bundle: Bundle) -> Table:
    """A table whose rows fit its inputs and outputs; gaps and overlaps are found by `engine.analysis.tables`."""
    raw, report = read.model, bundle.reporter.report
    inputs = bundle.facts(raw.inputs, read, "inputs")
    outputs = bundle.facts(raw.outputs, read, "outputs")
    for name, fact in inputs.items():
        if fact.type is Type.LIST:
            report("XH072", read.span("inputs", name, "type"), f"分级表的输入 {name} 不能是列表")
    numeric = [f for f in outputs.values() if f.type in {Type.INTEGER, Type.MONEY}]
    if raw.hit in COLLECTING and (len(outputs) != 1 or not numeric):
        report("XH117", read.span("hit"), f"{raw.hit} 只能有一个整数或金额输出，本表有 {len(outputs)} 个输出")
    rows = []
    for index, row in enumerate(raw.rows):
        scope = Scope(inputs, bundle.reporter, f"table:{raw.table}/{index}", "本表的 inputs ", nested=False, plain=True)
        node = read.node("rows", index, "when")
        assert node is not None
        when = compile_condition(node, scope)
        then = _outputs(row.then, outputs, read, index, bundle)
        rows.append(Row(index, when, MappingProxyType(then), read.key("rows", index)))
    built = Table(
        raw.table, raw.title, MappingProxyType(inputs), MappingProxyType(outputs), raw.hit, tuple(rows),
        _limit(read, outputs, bundle), bundle.basis(raw.basis, read, "basis"), read.key("table"),
    )  # fmt: skip
    bundle.tables[built.id] = built
    return built


def _outputs(
    stated: Mapping[str, object], outputs: Mapping[str, FactType], read: Document[RawTable], index: int, bundle: Bundle
) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name in outputs:
        if name not in stated:
            bundle.reporter.report("XH118", read.key("rows", index, "then"), f"本行没有给出输出 {name}")
    for name, raw in stated.items():
        fact = outputs.get(name)
        if fact is None:
            bundle.reporter.report(
                "XH118",
                read.key("rows", index, "then", name),
                f"{scalars.shown(name)}不是本表的输出",
                expected=one_of(outputs),
                suggestion=nearest(name, outputs),
            )
            continue
        value = fact_value(fact, raw, read.span("rows", index, "then", name), bundle)
        if value is not None:
            values[name] = value
    return values


def fact_value(fact: FactType, raw: object, span: Span, bundle: Bundle) -> Value | None:
    """The runtime value of a fact written in the policy; `None` after reporting that it does not fit."""
    try:
        return scalars.parse_fact(fact, raw)
    except scalars.ScalarError as error:
        code = error.code if error.code == "XH074" else "XH073"
        bundle.reporter.report(
            code, span, f"{fact.name}：{error.message}", expected=error.expected, suggestion=error.suggestion
        )
        return None


def _limit(read: Document[RawTable], outputs: Mapping[str, FactType], bundle: Bundle) -> LimitFormula | None:
    raw = read.model.limit
    if raw is None:
        return None
    amount = outputs.get(raw.amount)
    if amount is None or amount.type is not Type.MONEY:
        what = "不是本表的输出" if amount is None else f"是{TYPE_TITLES[amount.type]}，不是金额"
        expected = one_of([n for n, f in outputs.items() if f.type is Type.MONEY])
        bundle.reporter.report(
            "XH115", read.span("limit", "amount"), f"额度基数{scalars.shown(raw.amount)}{what}", expected=expected
        )
    if raw.floor > raw.cap:
        bundle.reporter.report("XH116", read.span("limit", "floor"), "额度下限高于上限")
    bundle.distinct([part.of for part in raw.plus], read, "limit", "plus")
    return LimitFormula(raw.amount, tuple(Ratio(part.ratio, part.of) for part in raw.plus), raw.floor, raw.cap)


def check_use(table: Table, scope: Mapping[str, FactType], span: Span, bundle: Bundle) -> set[str]:
    """Report what `table` reads and the memorandum's facts do not supply; the names of all it reads are returned."""
    for name, wanted in table.inputs.items():
        found = scope.get(name)
        if found is None:
            message = f"分级表 {table.id} 的输入 {name} 在名单与备忘录中没有"
            bundle.reporter.report("XH114", span, message, expected=f"{TYPE_TITLES[wanted.type]}类型的事实 {name}")
        elif found.type is not wanted.type:
            message = (
                f"分级表 {table.id} 的输入 {name} 是{TYPE_TITLES[wanted.type]}，备忘录中是{TYPE_TITLES[found.type]}"
            )
            bundle.reporter.report("XH114", span, message, notes=(f"事实声明在 {found.span}",))
        elif extra := [v for v in found.values if wanted.type is Type.ENUM and v not in wanted.values]:
            message = f"事实 {name} 可以取 {'、'.join(extra)}，分级表 {table.id} 没有这些取值"
            bundle.reporter.report("XH114", span, message, notes=(f"事实声明在 {found.span}",))
    if table.limit is None:
        bundle.reporter.report("XH119", span, f"分级表 {table.id} 没有 limit，不能给出额度")
        return set(table.inputs)
    for part in table.limit.plus:
        found = scope.get(part.of)
        if found is None or found.type is not Type.MONEY:
            what = "没有" if found is None else f"是{TYPE_TITLES[found.type]}，不是金额"
            message = f"分级表 {table.id} 的额度公式用到金额 {part.of}，名单与备忘录中{what}"
            bundle.reporter.report("XH115", span, message, suggestion=nearest(part.of, scope))
    return {*table.inputs, *(part.of for part in table.limit.plus)}
