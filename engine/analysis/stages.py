"""Stages in an order that a listing can go through, and due process where rights are at stake.

Bad: a statement that nobody was told he may make, a decision made here and served before it was filed::

    procedure:
      statement: {within: 5 working days}
      upstream: {service: {date: service_date}}
      decision: {}

Good: what was done before filing comes first and is proved; what is done here follows::

    procedure:
      upstream: {notice: {date: notice_date}}
      statement: {within: 5 working days}
      decision: {}
      service: {within: 7 working days}
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.build_procedure import AT, STAGES, in_house
from engine.language.bundle import Bundle
from engine.language.diagnostics import one_of
from engine.language.ir import ListDef, Policy, Span, Stage
from engine.language.legality import overlap
from engine.language.raw_rules import RawList
from engine.language.reading import Document

RANK: Mapping[Stage, int] = {"notice": 0, "statement": 1, "hearing": 1, "decision": 2, "service": 3}
DUE_PROCESS: tuple[Stage, ...] = ("notice", "decision", "service")


def check(policy: Policy, bundle: Bundle) -> None:
    """Report stages done twice, out of order, without what they rest on, or missing where the law wants them."""
    for identifier, document in sorted(bundle.documents.get("list", {}).items()):
        listed = policy.lists[identifier]
        _check_order(listed, document, bundle)
        _check_kind(listed, document, bundle)
        _check_deciders(listed, document, bundle)


def _check_order(listed: ListDef, document: Document[RawList], bundle: Bundle) -> None:
    report = bundle.reporter.report
    here, before = in_house(listed.procedure), listed.procedure.upstream
    for stage in STAGES:
        if stage in here and stage in before:
            notes = (f"写在 upstream 的在 {before[stage].span}",)
            report("XH160", document.key(AT, stage), f"{STAGES[stage]}既在本系统办理，又在申报前已完成", notes=notes)
    for stage in ("statement", "hearing"):
        if (stage in here or stage in before) and not ("notice" in here or "notice" in before):
            report("XH163", _span(stage, here, document), f"有{STAGES[stage]}而没有告知", expected="notice")
    for stage in ("statement", "hearing", "decision"):
        earlier = [other for other in here if RANK[other] < RANK[stage]]
        if stage in before and earlier:
            message = f"{STAGES[stage]}在申报前已完成，{'、'.join(STAGES[s] for s in earlier)}却在本系统办理"
            report("XH165", before[stage].span, message, expected=f"{one_of(earlier)} 也写在 upstream 中")
    started = [STAGES[s] for s in here if s in {"notice", "statement", "hearing"}]
    started += ["认定前公示"] if listed.procedure.pre_publicity is not None else []
    if started and "decision" not in {*here, *before}:
        message = f"{'、'.join(started)}之后没有决定，案件永远不会生效"
        report("XH178", listed.procedure.span, message, expected="decision: {}")
    if listed.procedure.pre_publicity is not None and "decision" in before:
        message = "认定前公示在本系统办理，认定的决定却在申报前已作出"
        report("XH165", document.key(AT, "pre_publicity"), message, expected="decision 不在 upstream 中")
    for stage, where, other in (("service", here, before), ("service", before, here)):
        if stage in where and "decision" not in where:
            elsewhere = "写在 upstream 中" if where is here else "在本系统作出"
            why = f"决定却{elsewhere}" if "decision" in other else "却没有决定"
            report("XH164", _span(stage, here, document), f"有送达，{why}", expected="送达与决定在一处办理")


def _span(stage: Stage, here: tuple[Stage, ...], document: Document[RawList]) -> Span:
    return document.key(AT, stage) if stage in here else document.key(AT, "upstream", stage)


def _check_kind(listed: ListDef, document: Document[RawList], bundle: Bundle) -> None:
    report, procedure = bundle.reporter.report, listed.procedure
    done = {*in_house(procedure), *procedure.upstream}
    missing = [stage for stage in DUE_PROCESS if stage not in done]
    if listed.kind == "sanction" and listed.severe and missing:
        report(
            "XH171",
            procedure.span,
            f"严重失信主体名单 {listed.id} 没有{'、'.join(STAGES[s] for s in missing)}，不得减损权益",
            expected=one_of(missing),
        )
    if procedure.pre_publicity is not None and listed.kind != "incentive":
        report("XH172", document.key(AT, "pre_publicity"), "只有激励名单在认定前公示", expected="notice：告知本人")


def _check_deciders(listed: ListDef, document: Document[RawList], bundle: Bundle) -> None:
    decision = document.model.procedure.decision if document.model.procedure else None
    for index, department in enumerate((decision.by or []) if decision else []):
        exists = bundle.periods.get(department)
        if exists is not None and not overlap(exists, listed.validity):
            span = document.span(AT, "decision", "by", index)
            bundle.reporter.report("XH123", span, f"部门 {department} 在名单 {listed.id} 有效期间不存在")
