"""What the deep check finds: a diagnostic, and the case or the pair of cases that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any as Anything

from engine.decision.model import Facts
from engine.language.catalogue import CATALOGUE
from engine.language.diagnostics import Diagnostic
from engine.language.ir import Policy, Span
from engine.workbench.views import Due, ListView
from engine.workbench.witness import describe

UNKNOWN = "XH219"
CODES = frozenset(code for code in CATALOGUE if code.startswith("XH2"))
"""What only the deep check reports."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnostic with its witness: cases on which the reference interpreter was seen to do what it says."""

    diagnostic: Diagnostic
    witness: tuple[Facts, ...] = ()


def finding(
    policy: Policy,
    code: str,
    span: Span,
    message: str,
    witness: Sequence[Facts],
    *,
    expected: str = "",
    notes: Sequence[str] = (),
) -> Finding:
    """A finding whose notes tell its witness in words."""
    found = Diagnostic(code, CATALOGUE[code].severity, span, message, expected, "", tuple(notes))
    return witnessed(policy, found, witness, first=True)


def witnessed(policy: Policy, diagnostic: Diagnostic, witness: Sequence[Facts], *, first: bool = False) -> Finding:
    """A diagnostic with a witness; its words stand before or after the notes that there are."""
    labels = ("见证：",) if len(witness) == 1 else ("见证甲：", "见证乙：")
    told = [label + describe(policy, facts) for label, facts in zip(labels, witness, strict=False)]
    notes = (*told, *diagnostic.notes) if first else (*diagnostic.notes, *told)
    return Finding(replace(diagnostic, notes=tuple(notes)), tuple(witness))


def undecided(span: Span, question: str) -> Finding:
    """A question that the solver did not answer within its effort: neither found nor proved."""
    return Finding(Diagnostic(UNKNOWN, CATALOGUE[UNKNOWN].severity, span, f"未能判定：{question}"))


def owing(view: ListView, dues: Sequence[Due], *conditions: Anything, question: str) -> Facts | Finding | None:
    """A case under `conditions` in which all `dues` are owed, and the reference interpreter says so; None if none is.

    Where neither is certain, the finding that says so; `question` is what then stays open, at the last of the dues.
    """
    answer, facts = view.witness(*(due.owed for due in dues), *conditions)
    if answer.status == "no":
        return None
    if facts is None:
        return undecided(dues[-1].oblige.span, question)
    if not {due.key for due in dues} <= view.keys(facts).keys():
        return undecided(dues[-1].oblige.span, f"{question}（见证与参考解释器不一致）")
    return facts
