"""Builds laws, departments, records, lists, measures, matters and calendars from their raw models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.language.build_procedure import procedure
from engine.language.bundle import DEFAULT_RESPONSE, LISTING, SUBJECT_KIND, Bundle, find_cycle, response_terms
from engine.language.conditions import Scope, compile_condition
from engine.language.diagnostics import nearest, one_of
from engine.language.ir import (
    Calendar,
    Department,
    Directive,
    Document,
    Law,
    ListDef,
    Matter,
    Measure,
    Name,
    RecordKind,
    Validity,
)
from engine.language.raw_rules import (
    RawCalendar,
    RawDepartment,
    RawLaw,
    RawList,
    RawMatter,
    RawMeasure,
    RawRecord,
)
from engine.language.reading import Document as Read
from engine.language.scalars import shown
from engine.language.source import Sequence


def law(read: Read[RawLaw], bundle: Bundle) -> Law:
    """A law with the articles that others cite."""
    raw = read.model
    if raw.sha256 is not None and raw.text is None:
        bundle.reporter.report("XH180", read.key("sha256"), "写了 sha256 而没有写 text，不知道是哪份文本的摘要")
    return Law(
        raw.law, raw.title, raw.level, raw.number, raw.issuer, MappingProxyType(dict(raw.articles)),
        bundle.validity(raw.valid, read, "valid"), raw.source, read.key("law"),
    )  # fmt: skip


def department(read: Read[RawDepartment], bundle: Bundle) -> Department:
    """A department with its former names."""
    raw = read.model
    names = []
    for index, name in enumerate(raw.names):
        if name.start and name.until and name.start > name.until:
            span = read.span("names", index, "from")
            bundle.reporter.report("XH037", span, f"名称的起始日 {name.start} 晚于终止日 {name.until}")
        names.append(Name(name.name, Validity(name.start, name.until)))
    if raw.merged_into is not None:
        bundle.refer("department", raw.merged_into, read.span("merged_into"))
    validity = bundle.validity(raw.valid, read, "valid")
    bundle.periods[raw.department] = validity
    return Department(
        raw.department, raw.title, raw.level, raw.kind, tuple(names), validity, read.key("department"), raw.merged_into
    )


def record(read: Read[RawRecord], bundle: Bundle) -> RecordKind:
    """A record kind; its fields come into scope for `where`."""
    raw = read.model
    if raw.record == LISTING:
        bundle.reporter.report("XH027", read.span("record"), f"{shown(LISTING)}是内建的记录种类，不能另行定义")
    fields = bundle.facts(raw.fields, read, "fields")
    bundle.fields[raw.record] = {**fields, SUBJECT_KIND.name: SUBJECT_KIND}
    node = read.node("excluded")
    excluded = None
    if node is not None:
        scope = Scope(
            bundle.fields[raw.record], bundle.reporter, f"record:{raw.record}", f"记录 {raw.record} ", nested=False
        )
        excluded = compile_condition(node, scope)
    suppliers = bundle.refer_all("department", raw.supplied_by, read, "supplied_by")
    return RecordKind(
        raw.record, raw.title, suppliers, MappingProxyType(fields), excluded, read.key("record"), raw.worse
    )


def list_(read: Read[RawList], bundle: Bundle) -> ListDef:
    """A list and its facts."""
    raw = read.model
    facts = bundle.facts(raw.facts, read, "facts")
    bundle.distinct(raw.subjects, read, "subjects")
    built = ListDef(
        id=raw.list_,
        title=raw.title,
        kind=raw.kind,
        severe=raw.severe,
        filed_by=bundle.refer_all("department", raw.filed_by, read, "filed_by"),
        subjects=tuple(raw.subjects),
        facts=MappingProxyType(facts),
        procedure=procedure(read, facts, bundle),
        basis=bundle.basis(raw.basis, read, "basis"),
        validity=bundle.validity(raw.valid, read, "valid"),
        span=read.key("list"),
    )
    bundle.lists[built.id] = built
    return built


def measure(read: Read[RawMeasure], bundle: Bundle) -> Measure:
    """A measure; its directive and steps fit its matter."""
    raw = read.model
    report = bundle.reporter.report
    if raw.kind == "incentive" and raw.class_ == "restrictive":
        report("XH100", read.span("class"), "激励措施不能减损权益", expected="managerial 或 voluntary")
    if raw.mode == "standing" and raw.reversible is not None:
        report("XH101", read.key("reversible"), "持续性措施（standing）不写 reversible")
    if isinstance(node := read.node("authority"), Sequence) and not node.items:
        report("XH029", read.key("authority"), "authority 至少须有一个部门，或写 any")
    if raw.term is not None and raw.mode == "one-shot" and raw.reversible is False:
        report(
            "XH105", read.key("term"), "一次完成、不可恢复的措施没有实施期限", expected="reversible: true，或删去 term"
        )
    if raw.ladder is not None:
        bundle.refer("ladder", raw.ladder, read.span("ladder"))
    directive = Directive(raw.directive.matter, raw.directive.effect) if raw.directive else None
    _check_directive(read, bundle)
    built = Measure(
        id=raw.measure,
        title=raw.title,
        kind=raw.kind,
        cls=raw.class_,
        nature=raw.nature,
        mode=raw.mode,
        reversible=raw.mode == "standing" or raw.reversible is not False,
        subjects=tuple(raw.subjects),
        authority=bundle.refer_all("department", raw.authority, read, "authority"),
        directive=directive,
        steps=tuple(raw.steps),
        response=response_terms(raw.response, DEFAULT_RESPONSE),
        basis=bundle.basis(raw.basis, read, "basis"),
        base_list_item=raw.base_list_item,
        term=raw.term,
        ladder=raw.ladder,
        validity=bundle.validity(raw.valid, read, "valid"),
        span=read.key("measure"),
    )
    bundle.measures[built.id] = built
    return built


def _check_directive(read: Read[RawMeasure], bundle: Bundle) -> None:
    raw, report = read.model, bundle.reporter.report
    effect = raw.directive.effect if raw.directive else None
    if raw.steps and effect != "verify-further":
        report(
            "XH102", read.key("steps"), "只有 effect 为 verify-further 的措施才有核验步骤", expected="verify-further"
        )
    if raw.directive is None or not bundle.refer("matter", raw.directive.matter, read.span("directive", "matter")):
        return
    matter: RawMatter = bundle.documents["matter"][raw.directive.matter].model
    if effect == "verify-further":
        if not matter.verification:
            report(
                "XH061",
                read.span("directive", "effect"),
                f"事项 {matter.matter} 没有依法可加做的核验步骤（verification），不能从严核验",
            )
        for index, step in enumerate(raw.steps):
            if step not in matter.verification:
                report(
                    "XH061",
                    read.span("steps", index),
                    f"{shown(step)}不是事项 {matter.matter} 依法可加做的核验步骤",
                    expected=one_of(matter.verification),
                    suggestion=nearest(step, matter.verification),
                )
    elif effect == "tolerate-missing" and not any(d.may_be_outstanding for d in matter.documents):
        report("XH103", read.span("directive", "effect"), f"事项 {matter.matter} 没有一份材料写了 may_be_outstanding")


def matter(read: Read[RawMatter], bundle: Bundle) -> Matter:
    """A matter and its documents."""
    raw = read.model
    bundle.distinct([d.id for d in raw.documents], read, "documents")
    return Matter(
        raw.matter,
        raw.title,
        bundle.refer_all("department", raw.departments, read, "departments"),
        tuple(Document(d.id, d.title, d.may_be_outstanding) for d in raw.documents),
        MappingProxyType(dict(raw.verification)),
        bundle.basis(raw.basis, read, "basis"),
        read.key("matter"),
    )


def calendar(read: Read[RawCalendar]) -> Calendar:
    """A year's working-day arrangement; its days are checked in `engine.analysis.calendars`."""
    raw = read.model
    return Calendar(
        raw.calendar, frozenset(raw.holidays), frozenset(raw.makeup), raw.provisional, raw.source, read.key("calendar")
    )


def check_mergers(bundle: Bundle) -> None:
    """Departments that were merged into one another in a circle."""
    reads: Mapping[str, Read[RawDepartment]] = bundle.documents.get("department", {})
    edges = {i: [r.model.merged_into] for i, r in reads.items() if r.model.merged_into is not None}
    if cycle := find_cycle(edges):
        read = reads[cycle[0]]
        bundle.reporter.report("XH062", read.span("merged_into"), f"部门撤并成环：{' → '.join(cycle)}")
