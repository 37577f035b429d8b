"""Small policies in IR, built by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from engine.decision.model import Facts, Record
from engine.language.ir import (
    Compare,
    Condition,
    Constant,
    Duration,
    Fact,
    ListDef,
    Memorandum,
    Objection,
    Policy,
    Procedure,
    Publicity,
    Rule,
    Span,
    Table,
    Term,
    Type,
    Validity,
    Value,
)

HERE = Span("built.yaml", 1, 1)
WEEKS = Duration(7, "working days")
DAYS = Duration(3, "working days")
PROCEDURE = Procedure(
    {}, False, None, None, None, None, False, (), None, Publicity(True, None, None, None, (), ()),
    Term(None, None, None), None, Objection(DAYS, WEEKS, DAYS, suspends=False), {}, None, {}, HERE,
)  # fmt: skip
"""No stage, and no clock that runs out."""


def compare(name: str, op: str, value: Value, of: Type = Type.INTEGER) -> Compare:
    """`name op value`."""
    return Compare(Fact(name, of), op, (Constant(value, of, str(value)),), HERE)  # type: ignore[arg-type]


def memorandum_of(conditions: Sequence[Condition], validity: Sequence[Validity] = ()) -> Memorandum:
    """A memorandum with one rule `m/<i>` for each condition."""
    always = [*validity, *[Validity()] * len(conditions)]
    rules = tuple(Rule(f"m/{i}", "", None, c, (), (), always[i], HERE) for i, c in enumerate(conditions))
    return Memorandum("m", "备忘录", None, "list", (), rules, (), Validity(), HERE)


def policy_of(memorandum: Memorandum, tables: Mapping[str, Table] | None = None, version: str = "v") -> Policy:
    """A policy with one memorandum for the sanction list `list`."""
    listed = ListDef("list", "名单", "sanction", False, (), (), {}, PROCEDURE, (), Validity(), HERE)
    return Policy(version, {}, {}, {}, {"list": listed}, {}, {}, tables or {}, {"m": memorandum}, {}, {}, (), {})


def facts_of(values: Mapping[str, Value], records: Sequence[Record] = (), as_of: str = "2026-11-24") -> Facts:
    """Facts about an enterprise."""
    day = dt.date.fromisoformat(as_of)
    return Facts("s", "enterprise", "list", "tax", day, f"{as_of}T00:00:00Z", values, tuple(records))
