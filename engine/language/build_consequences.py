"""Builds what follows from a rule: obligations with their legal standing and each department's duty, and limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from engine.language import build_tables
from engine.language.bundle import Bundle, intersection, response_terms
from engine.language.ir import (
    Basis,
    Condition,
    FactType,
    Limit,
    ListDef,
    Measure,
    Oblige,
    ResponseTerms,
    Target,
    Validity,
)
from engine.language.legality import Situation, assess, duty, overlap, possible_kinds
from engine.language.raw_memoranda import RawConsequence, RawMemorandum, RawRule
from engine.language.reading import Document

Duty = Literal["implement", "assist", "transmit"]
ONLY_FOR_MEASURES = ("target", "after", "basis", "response")


@dataclass(slots=True)
class RuleContext:
    """The rule whose consequences are built."""

    read: Document[RawMemorandum]
    index: int
    list: ListDef
    when: Condition
    period: Validity  # of the rule and the memorandum together
    facts: Mapping[str, FactType]


def consequences(raw: RawRule, context: RuleContext, bundle: Bundle) -> tuple[Oblige | Limit, ...]:
    """All that follows from one rule."""
    kinds = possible_kinds(context.when, context.list.subjects)
    if not kinds:
        span = context.read.span("rules", context.index, "id")
        bundle.reporter.report("XH124", span, f"规则 {raw.id} 对名单 {context.list.id} 的任何主体种类都不成立")
    return tuple(
        built
        for position, consequence in enumerate(raw.then)
        for built in _consequence(raw, consequence, position, context, kinds, bundle)
    )


def _consequence(
    rule: RawRule, raw: RawConsequence, position: int, context: RuleContext, kinds: tuple[str, ...], bundle: Bundle
) -> Iterator[Oblige | Limit]:
    read, at = context.read, ("rules", context.index, "then", position)
    report = bundle.reporter.report
    stated = [key for key in ("oblige", "advise", "limit") if getattr(raw, key) is not None]
    if len(stated) != 1:
        report("XH098", read.key(*at), f"一项后果写了 {len(stated)} 种做法", expected="oblige、advise、limit 之一")
        return
    departments = bundle.refer_all("department", raw.by, read, *at, "by")
    for n, department in enumerate(raw.by):
        _check_period(department, context, bundle, (*at, "by", n))
    if raw.limit is not None:
        for key in ONLY_FOR_MEASURES:
            if read.has(*at, key):
                report("XH099", read.key(*at, key), f"limit 不能有 {key}")
        if bundle.refer("table", raw.limit, read.span(*at, "limit")) and (table := bundle.tables.get(raw.limit)):
            bundle.used[read.id] |= build_tables.check_use(table, context.facts, read.span(*at, "limit"), bundle)
            yield Limit(table.id, departments, read.key(*at))
        return
    key, identifier = ("oblige", raw.oblige) if raw.oblige is not None else ("advise", raw.advise)
    assert identifier is not None
    own_basis = (
        *bundle.basis(raw.basis, read, *at, "basis"),
        *bundle.basis(rule.basis, read, "rules", context.index, "basis"),
    )
    target = _target(raw, context, bundle, at)
    if not bundle.refer("measure", identifier, read.span(*at, key)):
        return
    measure = bundle.measures.get(identifier)
    if measure is None:
        return
    _check_kind(measure, context, bundle, (*at, key))
    if not target.roles and measure.subjects:
        kinds = tuple(kind for kind in kinds if kind in measure.subjects)
        if not kinds:
            report("XH124", read.span(*at, key), f"措施 {measure.id} 不适用于本规则可能针对的任何主体种类")
    period = intersection(context.period, measure.validity)
    if period is None:
        report("XH124", read.span(*at, key), f"措施 {measure.id} 与本规则的有效期没有重合")
        period = context.period
    situation = Situation(context.list.id, kinds, target.roles, period)
    assessment = assess(
        measure, (*own_basis, *measure.basis), bundle.laws, situation, read.span(*at, key), advised=key == "advise"
    )
    bundle.assessments.append(assessment)
    terms = response_terms(raw.response, measure.response)
    yield from _by_duty(measure, departments, target, tuple(raw.after), assessment.carried, assessment.advice, terms,
                        context, at)  # fmt: skip


def _by_duty(
    measure: Measure, departments: tuple[str, ...], target: Target, after: tuple[str, ...], basis: tuple[Basis, ...],
    advice: str | None, terms: ResponseTerms, context: RuleContext, at: tuple[str | int, ...],
) -> Iterator[Oblige]:  # fmt: skip
    """One obligation for each kind of duty that the departments have."""
    groups: dict[str, list[str]] = {}
    for department in departments:
        groups.setdefault(duty(measure, department, context.list.filed_by), []).append(department)
    for kind, members in groups.items():
        yield Oblige(
            measure=measure.id,
            by=tuple(members),
            target=target,
            after=after,
            basis=basis,
            advice=advice,
            duty=cast("Duty", kind),
            response=terms,
            span=context.read.key(*at),
        )


def _target(raw: RawConsequence, context: RuleContext, bundle: Bundle, at: tuple[str | int, ...]) -> Target:
    if raw.target is None:
        return Target()
    if not raw.target.related and context.read.has(*at, "target", "related"):
        bundle.reporter.report("XH029", context.read.key(*at, "target", "related"), "related 至少须有一种身份")
    bundle.distinct(raw.target.related, context.read, *at, "target", "related")
    return Target(tuple(dict.fromkeys(raw.target.related)))


def _check_kind(measure: Measure, context: RuleContext, bundle: Bundle, at: tuple[str | int, ...]) -> None:
    if context.list.kind in {"incentive", "sanction"} and measure.kind != context.list.kind:
        titles = {"incentive": "激励", "sanction": "惩戒"}
        message = f"{titles[context.list.kind]}名单 {context.list.id} 引出{titles[measure.kind]}措施 {measure.id}"
        bundle.reporter.report("XH104", context.read.span(*at), message)


def _check_period(department: str, context: RuleContext, bundle: Bundle, at: tuple[str | int, ...]) -> None:
    exists = bundle.periods.get(department)
    if exists is None:
        return
    span = context.read.span(*at)
    if not overlap(exists, context.period):
        bundle.reporter.report("XH123", span, f"部门 {department} 在规则有效期间不存在")
    elif exists.end is not None and not (context.period.end and context.period.end <= exists.end):
        bundle.reporter.report("XH126", span, f"部门 {department} 自 {exists.end} 后不再存在，规则此后仍有效")
