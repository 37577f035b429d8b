"""A suggested credit limit as a formula, as `engine.decision.consequences` works it out."""

from __future__ import annotations

from typing import Any as Anything

import z3

from engine.decision.consequences import BASIS_POINTS, FEN_PER_YUAN
from engine.language.ir import Limit, Memorandum
from engine.workbench.symbolic import NO, Cell
from engine.workbench.views import ListView


def amount_of(view: ListView, memorandum: Memorandum, limit: Limit) -> Cell:
    """The amount in fen. Present where every row of the table is settled, one holds, and no figure is missing."""
    table = view.policy.tables[limit.table]
    formula = table.limit
    if formula is None:
        return Cell(NO, z3.IntVal(0))
    env = view.situation.env(memorandum)
    truths = [view.situation.truth(row.when, env) for row in table.rows]
    bases = [int(row.then[formula.amount]) for row in table.rows]  # type: ignore[arg-type]  # money
    settled = z3.And([z3.Or(t.true, t.false) for t in truths])
    base = _base(table.hit, [t.true for t in truths], bases)
    parts = [env[part.of] for part in formula.plus]
    scaled = base * BASIS_POINTS + z3.Sum(
        [z3.IntVal(0), *(part.basis_points * cell.value for part, cell in zip(formula.plus, parts, strict=True))]
    )
    whole_yuan = scaled / (BASIS_POINTS * FEN_PER_YUAN) * FEN_PER_YUAN
    raised = z3.If(whole_yuan < formula.floor, formula.floor, whole_yuan)
    amount = z3.If(raised > formula.cap, formula.cap, raised)
    return Cell(z3.And(settled, z3.Or([t.true for t in truths]), *(cell.present for cell in parts)), amount)


def _base(hit: str, rows: list[Anything], bases: list[int]) -> Anything:
    base: Anything = z3.IntVal(0)
    if hit == "sum":
        return z3.Sum([z3.If(row, amount, 0) for row, amount in zip(rows, bases, strict=True)])
    order = list(zip(rows, bases, strict=True))
    if hit in {"min", "max"}:
        order.sort(key=lambda pair: pair[1], reverse=hit == "max")
    for row, amount in reversed(order):
        base = z3.If(row, amount, base)
    return base
