"""Small mistakes in the terms that lists and measures set: every period of a procedure, and of a measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine.language.build_procedure import GROUNDS
from engine.language.ir import SUBJECT_KINDS, Duration, Measure, Oblige, Policy, Procedure, Span
from engine.language.legality import possible_kinds
from engine.workbench.mutating import durations
from engine.workbench.mutating_consequences import RESPONSE, responses
from engine.workbench.places import Places

PERIODS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("statement", "within"): ("statement", "陈述申辩的期限"),
    ("hearing", "request"): ("hearing_request", "申请听证的期限"),
    ("hearing", "notice"): ("hearing_notice", "听证提前通知的时间"),
    ("pre_publicity", "min"): ("pre_publicity", "认定前公示的期限"),
    ("service", "within"): ("service", "送达期限"),
    ("publicity", "within"): ("publicity.within", "公示时限"),
    ("publicity", "min"): ("publicity.minimum", "公示最短期限"),
    ("publicity", "max"): ("publicity.maximum", "公示最长期限"),
    ("term", "length"): ("term.length", "列入期限"),
    ("repair", "after"): ("repair.after", "申请信用修复的最短期限"),
    ("repair", "accept"): ("repair.accept", "信用修复的受理时限"),
    ("repair", "decide"): ("repair.decide", "信用修复的办结时限"),
    ("repair", "extend"): ("repair.extend", "信用修复的延长时限"),
    ("objection", "own"): ("objection.own", "异议的答复时限"),
    ("objection", "verify"): ("objection.verify", "须核查的异议的答复时限"),
    ("objection", "provider"): ("objection.provider", "数据提供单位的答复时限"),
}
"""Where a list writes a period → where the compiled procedure has it, and what it is called.

The extension of a listing is not among them: nothing in casework extends one yet.
"""


def lists(identifier: str, policy: Policy, places: Places) -> Iterator[tuple[Span, str, Policy]]:
    """Every policy in which the procedure of one list has one mistake."""
    listed = policy.lists[identifier]
    for span, what, procedure in _procedures(listed.procedure, places):
        other = replace(listed, procedure=procedure)
        yield span, f"名单 {identifier} 的{what}", replace(policy, lists={**policy.lists, identifier: other})


def _procedures(procedure: Procedure, places: Places) -> Iterator[tuple[Span, str, Procedure]]:
    path = procedure.span.path
    for at, (field, title) in PERIODS.items():
        stated = places.node(path, "procedure", *at) is not None
        if stated and isinstance(period := _get(procedure, field), Duration):
            span = places.key(procedure.span, "procedure", *at)
            for other in durations(period):
                yield span, _said(title, period, other), _put(procedure, field, other)
    for ground, period in procedure.ends.items():
        span = places.key(procedure.span, "procedure", "ends", ground)
        title = f"因{GROUNDS[ground]}终止后的解除时限"
        for other in durations(period):
            yield span, _said(title, period, other), replace(procedure, ends={**procedure.ends, ground: other})
        left = {g: p for g, p in procedure.ends.items() if g != ground}
        yield span, f"{title}“{period.words}”删去", replace(procedure, ends=left)
    until = procedure.term.until_performed
    if until is not None:
        fact, values = until
        span = places.key(procedure.span, "procedure", "term", "until_performed")
        for value in values:
            left_values = tuple(v for v in values if v != value)
            term = replace(procedure.term, until_performed=(fact, left_values) if left_values else None)
            yield span, f"列入期限不再因 {fact} 为 {value} 而至履行完毕", replace(procedure, term=term)


def measures(identifier: str, policy: Policy, places: Places) -> Iterator[tuple[Span, str, Policy]]:
    """Every policy in which the terms of one measure have one mistake."""
    measure = policy.measures[identifier]
    for name in RESPONSE:
        if places.node(measure.span.path, "response", name) is not None:
            span = places.key(measure.span, "response", name)
            for what, terms in responses(measure.response, name):
                other = _with_response(policy, measure, name, getattr(terms, name))
                yield span, f"措施 {identifier} {what}", other
    reached = _reached(measure, policy)
    for kind in measure.subjects if len(measure.subjects) > 1 else ():
        if kind not in reached:
            continue  # no rule owes it of such a person, so nothing changes
        fewer = replace(measure, subjects=tuple(k for k in measure.subjects if k != kind))
        span = places.item(measure.span, kind, "subjects")
        what = f"措施 {identifier} 不再适用于 {kind}"
        yield span, what, replace(policy, measures={**policy.measures, identifier: fewer})
    if measure.term is not None:
        span = places.key(measure.span, "term")
        for term in durations(measure.term):
            changed = replace(measure, term=term)
            what = f"措施 {identifier} 的{_said('最长期限', measure.term, term)}"
            yield span, what, replace(policy, measures={**policy.measures, identifier: changed})
        what = f"措施 {identifier} 不再有最长期限 {measure.term.words}"
        changed = replace(measure, term=None)
        yield span, what, replace(policy, measures={**policy.measures, identifier: changed})


def _reached(measure: Measure, policy: Policy) -> frozenset[str]:
    """The kinds of person of whom some rule may owe the measure."""
    found: set[str] = set()
    for memorandum in policy.memoranda.values():
        for rule in memorandum.rules:
            for clause in rule.then:
                if isinstance(clause, Oblige) and clause.measure == measure.id:
                    subjects = possible_kinds(rule.when, policy.lists[memorandum.list].subjects)
                    found.update(SUBJECT_KINDS if clause.target.roles else subjects)
    return frozenset(found)


def _with_response(policy: Policy, measure: Measure, name: str, value: object) -> Policy:
    """The measure with another term, and the clauses that take that term from it."""
    usual = getattr(measure.response, name)
    terms: dict[str, Any] = {name: value}

    def changed(clause: Any) -> Any:
        if not isinstance(clause, Oblige) or clause.measure != measure.id or getattr(clause.response, name) != usual:
            return clause
        return replace(clause, response=replace(clause.response, **terms))

    memoranda = {
        i: replace(m, rules=tuple(replace(r, then=tuple(map(changed, r.then))) for r in m.rules))
        if any(isinstance(c, Oblige) and c.measure == measure.id for r in m.rules for c in r.then)
        else m
        for i, m in policy.memoranda.items()
    }
    response = replace(measure.response, **terms)
    measures = {**policy.measures, measure.id: replace(measure, response=response)}
    return replace(policy, measures=measures, memoranda=memoranda)


def _said(title: str, before: Duration, after: Duration) -> str:
    return f"{title}由“{before.words}”改为“{after.words}”"


def _get(procedure: Procedure, field: str) -> object:
    value: object = procedure
    for name in field.split("."):
        value = getattr(value, name, None)
    return value


def _put(procedure: Procedure, field: str, period: Duration) -> Procedure:
    first, _, second = field.partition(".")
    changed: Any = replace(getattr(procedure, first), **{second: period}) if second else period
    return replace(procedure, **{first: changed})
