"""Small mistakes in what follows from a rule: who owes what about whom, after what, by when, and whether at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from engine.language.ir import Duration, Limit, Oblige, Policy, ResponseTerms, Rule, Span, Target
from engine.language.raw_tests import FEEDBACKS
from engine.workbench.mutating import another, durations
from engine.workbench.places import Path, Places

RESPONSE: Mapping[str, str] = {
    "accept": "接收时限", "arm": "落实时限", "lift": "解除时限", "feedback": "反馈周期", "evidence": "证据要求",
}  # fmt: skip
SHOWN: Mapping[object, str] = {True: "须附证据", False: "可不附证据"}

Clauses = tuple[Oblige | Limit, ...]


def consequences(rule: Rule, policy: Policy, places: Places) -> Iterator[tuple[Span, str, Clauses]]:
    """Every list of consequences that is the rule's with one mistake in it.

    A consequence as its author wrote it is several clauses with one place when departments have different duties.
    """
    for span, numbered in groupby(enumerate(rule.then), key=lambda pair: pair[1].span):
        group = list(numbered)
        start, clauses = group[0][0], tuple(clause for _, clause in group)
        before, after = rule.then[:start], rule.then[start + len(clauses) :]
        at = places.consequence(rule, clauses[0])
        for place, what, other in _group(span, clauses, policy, places, at):
            yield place, what, (*before, *other, *after)


def _group(
    span: Span, clauses: Clauses, policy: Policy, places: Places, at: Path
) -> Iterator[tuple[Span, str, Clauses]]:
    first = clauses[0]
    name = first.table if isinstance(first, Limit) else first.measure
    yield span, f"删去后果 {name}", ()
    for place, what, other in _departments(span, clauses, policy, places, at):
        yield place, f"{name} 的{what}", other
    obliges = tuple(clause for clause in clauses if isinstance(clause, Oblige))
    if obliges:
        for place, what, changed in _obligations(span, obliges, policy, places, at):
            yield place, f"{name} {what}", changed


def _departments(
    span: Span, clauses: Clauses, policy: Policy, places: Places, at: Path
) -> Iterator[tuple[Span, str, Clauses]]:
    """One department fewer, or another one where there is only one, and one more."""
    everyone = [department for clause in clauses for department in clause.by]
    stranger = next((d for d in sorted(policy.departments) if d not in everyone), None)

    def title(department: str) -> str:
        return f"{department}（{policy.departments[department].title}）"

    for department in everyone:
        place = places.item(span, department, *at, "by")
        if len(everyone) > 1:
            fewer = [replace(c, by=tuple(d for d in c.by if d != department)) for c in clauses]
            yield place, f"实施部门少了 {title(department)}", tuple(clause for clause in fewer if clause.by)
        elif stranger is not None:
            other = replace(clauses[0], by=(stranger,))
            yield place, f"实施部门 {title(department)} 改为 {title(stranger)}", (other,)
    if stranger is not None:
        more = replace(clauses[0], by=(*clauses[0].by, stranger))
        yield places.key(span, *at, "by"), f"实施部门多了 {title(stranger)}", (more, *clauses[1:])


def _obligations(
    span: Span, obliges: tuple[Oblige, ...], policy: Policy, places: Places, at: Path
) -> Iterator[tuple[Span, str, Clauses]]:
    def all_with(**changes: Any) -> Clauses:
        return tuple(replace(oblige, **changes) for oblige in obliges)

    first = obliges[0]
    owed = first.advice is None
    yield span, "由应当实施改为建议" if owed else "由建议改为应当实施", all_with(advice="advised" if owed else None)
    roles = first.target.roles
    for role in roles:
        left = tuple(r for r in roles if r != role)
        place = places.item(span, role, *at, "target", "related")
        yield place, f"不再针对 {role}" if left else f"不针对 {role} 而针对主体", all_with(target=Target(left))
    for measure in first.after if owed else ():  # advice waits for nothing
        place = places.item(span, measure, *at, "after")
        yield place, f"无须等待 {measure}", all_with(after=tuple(m for m in first.after if m != measure))
    usual, terms = policy.measures[first.measure].response, first.response
    for name in RESPONSE:
        if getattr(terms, name) != getattr(usual, name):
            place = places.key(span, *at, "response", name)
            for what, other in responses(terms, name):
                yield place, what, all_with(response=other)


def responses(terms: ResponseTerms, name: str) -> Iterator[tuple[str, ResponseTerms]]:
    """The terms with a mistake in one of `RESPONSE`: which, and the terms."""
    before = getattr(terms, name)
    others: Iterable[Any]
    if isinstance(before, Duration):
        others = durations(before)
    else:
        others = [not before] if isinstance(before, bool) else [another(before, FEEDBACKS)]
    for other in others:
        shown = [value.words if isinstance(value, Duration) else SHOWN.get(value, value) for value in (before, other)]
        changed: dict[str, Any] = {name: other}
        yield f"的{RESPONSE[name]}由“{shown[0]}”改为“{shown[1]}”", replace(terms, **changed)
