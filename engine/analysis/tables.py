"""Decision tables without gaps, without overlaps where the hit policy forbids them, and without dead rows.

Every input's values fall into finitely many classes that no row tells apart: the values of an enum, the constants that
rows mention and the stretches between them. One representative of each class, in all combinations, proves the table.

Bad: nobody has said what follows from a score of exactly 60::

    - {when: {score: {lt: 60}}, then: {grade: C}}
    - {when: {score: {gt: 60}}, then: {grade: B}}

Good: ``{score: {gte: 60}}`` in the second row.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any as Anything

from engine.language import scalars
from engine.language.bundle import Bundle
from engine.language.ir import All, Any, Compare, Condition, Constant, FactType, Policy, Table, Type, Value

MAX_WORK = 400_000  # representatives times rows: about a second
Cell = Mapping[str, Value]
Test = Callable[[Cell], bool]
OPERATORS: Mapping[str, Callable[[Anything, Anything], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}  # fmt: skip


def check(policy: Policy, bundle: Bundle) -> None:
    """Report gaps, forbidden overlaps (each with a witness), dead rows, and tables too large to prove."""
    for table in policy.tables.values():
        if bundle.reporter.clean(table.span.path):
            _check_table(table, bundle)


def _check_table(table: Table, bundle: Bundle) -> None:
    classes = {name: representatives(fact, table) for name, fact in table.inputs.items()}
    work = math.prod(len(values) for values in classes.values()) * len(table.rows)
    if work > MAX_WORK:
        bundle.reporter.report("XH112", table.span, f"分级表 {table.id} 要核对 {work:,} 种情形，上限 {MAX_WORK:,}")
        return
    tests = [_test(row.when) for row in table.rows]
    gap: Cell | None = None
    gaps = 0
    hit: set[int] = set()
    overlaps: dict[tuple[int, int], Cell] = {}
    for values in itertools.product(*classes.values()):
        cell: Cell = dict(zip(classes, values, strict=True))
        rows = [index for index, test in enumerate(tests) if test(cell)]
        if not rows:
            gaps += 1
            gap = gap or cell
        elif table.hit == "first":
            hit.add(rows[0])
        else:
            hit.update(rows)
            if len(rows) > 1:
                _overlap(table, rows, cell, overlaps)
    if gap is not None:
        more = f"（共 {gaps} 类情形）" if gaps > 1 else ""
        bundle.reporter.report("XH110", table.span, f"分级表 {table.id} 没有一行适用于 {witness(table, gap)}{more}")
    for (one, other), cell in overlaps.items():
        message = f"分级表 {table.id} 的第 {one + 1} 行与第 {other + 1} 行同时适用于 {witness(table, cell)}"
        notes = (f"第 {one + 1} 行在 {table.rows[one].span}",)
        bundle.reporter.report("XH111", table.rows[other].span, message, notes=notes)
    for index, row in enumerate(table.rows):
        if index not in hit:
            bundle.reporter.report("XH113", row.span, f"分级表 {table.id} 的第 {index + 1} 行永远轮不到")


def _overlap(table: Table, rows: list[int], cell: Cell, overlaps: dict[tuple[int, int], Cell]) -> None:
    if table.hit not in {"unique", "any"}:
        return
    first = rows[0]
    for other in rows[1:]:
        if table.hit == "unique" or table.rows[first].then != table.rows[other].then:
            overlaps.setdefault((first, other), cell)


def representatives(fact: FactType, table: Table) -> list[Value]:
    """One value of each class of a fact's values that the table's rows do not tell apart."""
    if fact.type is Type.ENUM:
        return list(fact.values)
    if fact.type is Type.BOOLEAN:
        return [True, False]
    mentioned = {value for row in table.rows for value in _constants(row.when, fact.name)}
    if fact.type is Type.TEXT:
        other = "其他"
        while other in mentioned:
            other += "·"
        return [*sorted(str(m) for m in mentioned), other]
    points = sorted(int(m) for m in mentioned)  # type: ignore[arg-type]  # all other types are integers
    if not points:
        return [1]
    between = [a + 1 for a, b in itertools.pairwise(points) if a + 1 < b]
    return sorted({points[0] - 1, *points, *between, points[-1] + 1})


def witness(table: Table, cell: Cell) -> str:
    """A case as the policy would write it."""
    return "{" + ", ".join(f"{n}: {scalars.show(table.inputs[n].type, v)}" for n, v in cell.items()) + "}"


def _constants(condition: Condition, name: str) -> list[Value]:
    match condition:
        case All(parts) | Any(parts):
            return [value for part in parts for value in _constants(part, name)]
        case Compare(left, _, right) if left.name == name:
            return [o.value for o in right if isinstance(o, Constant)]
        case _:
            return []


def _test(condition: Condition) -> Test:
    """A row's condition as a function; in a table it has only comparisons with constants."""
    match condition:
        case All(parts):
            tests = [_test(part) for part in parts]
            return lambda cell: all(test(cell) for test in tests)
        case Any(parts):
            tests = [_test(part) for part in parts]
            return lambda cell: any(test(cell) for test in tests)
        case Compare(left, op, right):
            name = left.name
            values = [o.value for o in right if isinstance(o, Constant)]
            if op in {"in", "not_in"}:
                wanted = op == "in"
                return lambda cell: (cell[name] in values) is wanted
            compare, value = OPERATORS[op], values[0]
            return lambda cell: compare(cell[name], value)
        case _:
            message = f"a table row cannot hold {type(condition).__name__}"
            raise TypeError(message)
