"""Builds a list's procedure and the ladders: every fact, law, department and ladder they name exists and fits.

Whether the stages and clocks make sense together is proved in `engine.analysis.procedures`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.language.bundle import Bundle
from engine.language.diagnostics import nearest, one_of
from engine.language.ir import (
    Duration,
    FactType,
    Ground,
    Ladder,
    Limits,
    Objection,
    Procedure,
    Publicity,
    Repair,
    Rung,
    Stage,
    Term,
    Type,
    Upstream,
)
from engine.language.raw_procedure import (
    RawLadder,
    RawObjection,
    RawProcedure,
    RawPublicity,
    RawRepair,
    RawTerm,
    Sourced,
)
from engine.language.raw_rules import RawList
from engine.language.reading import Document as Read
from engine.language.scalars import shown

STAGES: Mapping[Stage, str] = {
    "notice": "告知", "statement": "陈述申辩", "hearing": "听证", "decision": "决定", "service": "送达",
}  # fmt: skip
"""The stages in their order, with their titles."""
GROUNDS: Mapping[Ground, str] = {
    "performance": "履行完毕", "repair": "信用修复", "expiry": "期限届满", "withdrawal": "认定单位移出",
    "annulment": "依据被撤销", "correction": "列入有误", "deceased": "自然人死亡", "dissolved": "单位终止",
    "not-listed": "不予列入",
}  # fmt: skip
"""Why a listing ends, with titles."""
CLOCKS = ("pre_publicity", "publicity", "term", "repair", "objection", "ends")
EVIDENCE: Mapping[str, Type] = {"date": Type.DATE, "number": Type.TEXT, "proof": Type.TEXT}
DEFAULT_OBJECTION = Objection(
    own=Duration(3, "working days"),
    verify=Duration(7, "working days"),
    provider=Duration(3, "working days"),
    suspends=False,
)
AT = "procedure"

Facts = Mapping[str, FactType]


def procedure(read: Read[RawList], facts: Facts, bundle: Bundle) -> Procedure:
    """The procedure of a list with these facts; a list that states none has no stages, and every default."""
    raw = read.model.procedure or RawProcedure.model_validate({})
    if raw.ladder is not None:
        bundle.refer("ladder", raw.ladder, read.span(AT, "ladder"))
    decided_by = (raw.decision.by or []) if raw.decision else []
    return Procedure(
        upstream=_upstream(raw, read, facts, bundle),
        notice=raw.notice is not None,
        statement=raw.statement.within if raw.statement else None,
        hearing_request=raw.hearing.request if raw.hearing else None,
        hearing_notice=raw.hearing.notice if raw.hearing else None,
        pre_publicity=raw.pre_publicity.minimum if raw.pre_publicity else None,
        decision=raw.decision is not None,
        decided_by=bundle.refer_all("department", decided_by, read, AT, "decision", "by"),
        service=raw.service.within if raw.service else None,
        publicity=_publicity(raw.publicity, read, bundle),
        term=_term(raw.term, read, facts, bundle),
        repair=_repair(raw.repair, read, bundle),
        objection=_objection(raw.objection),
        ends=_ends(raw),
        ladder=raw.ladder,
        sources=_sources(raw),
        span=read.key(AT) if read.has(AT) else read.key("list"),
    )


def in_house(procedure: Procedure) -> tuple[Stage, ...]:
    """The stages that are done here, in their order."""
    done: Mapping[Stage, bool] = {
        "notice": procedure.notice,
        "statement": procedure.statement is not None,
        "hearing": procedure.hearing_request is not None,
        "decision": procedure.decision,
        "service": procedure.service is not None,
    }
    return tuple(stage for stage in STAGES if done[stage])


def ladder(read: Read[RawLadder], bundle: Bundle) -> Ladder:
    """A ladder; its rungs are checked in `engine.analysis.ladders`."""
    raw = read.model
    rungs = tuple(
        Rung(
            rung.act,
            rung.title,
            rung.after,
            bundle.refer_all("department", rung.to, read, "rungs", index, "to"),
            read.key("rungs", index),
        )
        for index, rung in enumerate(raw.rungs)
    )
    return Ladder(raw.ladder, raw.title, raw.default, rungs, read.key("ladder"))


def _upstream(raw: RawProcedure, read: Read[RawList], facts: Facts, bundle: Bundle) -> Mapping[Stage, Upstream]:
    built: dict[Stage, Upstream] = {}
    for stage in STAGES:
        stated = getattr(raw.upstream, stage, None)
        if stated is None:
            continue
        for role, kind in EVIDENCE.items():
            if (name := getattr(stated, role)) is not None:
                _check_evidence(name, kind, facts, read, ("upstream", stage, role), bundle)
        span = read.key(AT, "upstream", stage)
        built[stage] = Upstream(stated.date, stated.number, stated.proof, span)
    return MappingProxyType(built)


def _check_evidence(
    name: str, kind: Type, facts: Facts, read: Read[RawList], at: tuple[str, ...], bundle: Bundle
) -> None:
    """Report a fact that cannot prove a stage: absent, optional, of another type, or one that may still change."""
    report, span = bundle.reporter.report, read.span(AT, *at)
    fact = _fact(name, facts, read, at, bundle)
    if fact is None:
        return
    if fact.type is not kind:
        message = f"事实 {name} 是 {fact.type} 类型，不能作为 {'.'.join(at)}"
        fitting = [n for n, f in facts.items() if f.type is kind]
        report("XH161", span, message, expected=f"{kind} 类型的事实", suggestion=nearest(name, fitting))
    if not fact.required:
        message = f"事实 {name} 不是必填，证明不了阶段 {at[1]}"
        report("XH162", span, message, expected="required: true", notes=(f"声明在 {fact.span}",))
    if fact.changeable:
        message = f"事实 {name} 此后还能改变，证明不了已经完成的阶段 {at[1]}"
        report("XH162", span, message, expected="changeable: false", notes=(f"声明在 {fact.span}",))


def _fact(name: str, facts: Facts, read: Read[RawList], at: tuple[str, ...], bundle: Bundle) -> FactType | None:
    if name not in facts:
        message = f"名单 {read.id} 没有事实{shown(name)}"
        bundle.reporter.report(
            "XH060", read.span(AT, *at), message, expected=one_of(facts), suggestion=nearest(name, facts)
        )
    return facts.get(name)


def _publicity(raw: RawPublicity | None, read: Read[RawList], bundle: Bundle) -> Publicity:
    if raw is None:
        return Publicity(public=True, within=None, minimum=None, maximum=None, limits=(), channels=())
    at = (AT, "publicity")
    bundle.distinct(raw.channels, read, *at, "channels")
    limits = []
    for index, limit in enumerate(raw.limits):
        here = (*at, "limits", index)
        if bundle.cite(limit.law, limit.article, read, *here):
            limits.append(Limits(limit.law, limit.article, limit.minimum, limit.maximum, read.key(*here)))
    return Publicity(raw.public, raw.within, raw.minimum, raw.maximum, tuple(limits), tuple(raw.channels))


def _term(raw: RawTerm | None, read: Read[RawList], facts: Facts, bundle: Bundle) -> Term:
    if raw is None:
        return Term(length=None, until_performed=None, extension=None)
    stated = raw.until_performed
    if stated is not None and len(stated) != 1:
        span = read.key(AT, "term", "until_performed")
        message = f"until_performed 须写且只写一个事实，写了 {len(stated)} 个"
        bundle.reporter.report("XH170", span, message, expected="until_performed: {事实: [取值]}")
    for name, values in (stated or {}).items():
        _check_performance(name, values, read, facts, bundle)
    until = next(((name, tuple(values)) for name, values in (stated or {}).items()), None)
    return Term(raw.length, until, raw.extension)


def _check_performance(name: str, values: list[str], read: Read[RawList], facts: Facts, bundle: Bundle) -> None:
    at = ("term", "until_performed", name)
    bundle.distinct(values, read, AT, *at)
    fact = _fact(name, facts, read, at, bundle)
    if fact is None:
        return
    if fact.type is not Type.ENUM:
        enums = [n for n, f in facts.items() if f.type is Type.ENUM]
        bundle.reporter.report(
            "XH170",
            read.key(AT, *at),
            f"事实 {name} 是 {fact.type} 类型，until_performed 只能看枚举事实",
            expected=one_of(enums) or "enum 类型的事实",
            suggestion=nearest(name, enums),
        )
        return
    for index, value in enumerate(values):
        if value not in fact.values:
            bundle.reporter.report(
                "XH074",
                read.span(AT, *at, index),
                f"事实 {name} 没有{shown(value)}这个取值",
                expected=one_of(fact.values),
                suggestion=nearest(value, fact.values),
            )


def _repair(raw: RawRepair | None, read: Read[RawList], bundle: Bundle) -> Repair | None:
    if raw is None:
        return None
    bundle.distinct(raw.requires, read, AT, "repair", "requires")
    return Repair(raw.after, tuple(raw.requires), raw.accept, raw.decide, raw.extend)


def _objection(raw: RawObjection | None) -> Objection:
    if raw is None:
        return DEFAULT_OBJECTION
    return Objection(
        own=raw.own or DEFAULT_OBJECTION.own,
        verify=raw.verify or DEFAULT_OBJECTION.verify,
        provider=raw.provider or DEFAULT_OBJECTION.provider,
        suspends=raw.suspends,
    )


def _ends(raw: RawProcedure) -> Mapping[Ground, Duration]:
    stated = {ground: getattr(raw.ends, ground.replace("-", "_"), None) for ground in GROUNDS}
    return MappingProxyType({ground: duration for ground, duration in stated.items() if duration is not None})


def _sources(raw: RawProcedure) -> Mapping[str, str]:
    """Stage or clock → where it comes from; `procedure` for what the list says of the whole."""
    stated: dict[str, str | None] = {AT: raw.source}
    for name in (*STAGES, *CLOCKS):
        parts: list[Sourced | None] = [getattr(raw, name, None)]
        if raw.upstream is not None:
            parts.append(getattr(raw.upstream, name, None))
        stated[name] = next((part.source for part in parts if part is not None and part.source), None)
    return MappingProxyType({name: source for name, source in stated.items() if source is not None})
