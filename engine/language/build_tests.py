"""Builds the tests beside a memorandum: every name in them exists, every value is typed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from engine.language.build_tables import fact_value
from engine.language.bundle import LISTING, LISTING_FIELDS, Bundle
from engine.language.diagnostics import looks_like, nearest, one_of
from engine.language.ir import FactType, Limit, Memorandum, PolicyTest, Span, Value
from engine.language.raw_memoranda import RawCase, RawOwed, RawTests
from engine.language.reading import Document
from engine.language.scalars import shown

Path = tuple[str | int, ...]


def tests(read: Document[RawTests], memoranda: Mapping[str, Memorandum], bundle: Bundle) -> tuple[PolicyTest, ...]:
    """One test a case. `given` and `expect` have runtime values: money in fen, dates of records as ordinals."""
    raw = read.model
    if not bundle.refer("memorandum", raw.tests, read.span("tests")):
        return ()
    memorandum = memoranda.get(raw.tests)
    if memorandum is None:
        return ()
    names: dict[str, int] = {}
    for index, case in enumerate(raw.cases):
        if case.name in names:
            bundle.reporter.report("XH141", read.span("cases", index, "name"), f"测试{shown(case.name)}重名")
        names.setdefault(case.name, index)
    builder = _Cases(read, memorandum, bundle)
    return tuple(builder.case(index, case) for index, case in enumerate(raw.cases))


class _Cases:
    def __init__(self, read: Document[RawTests], memorandum: Memorandum, bundle: Bundle) -> None:
        self.read, self.memorandum, self.bundle = read, memorandum, bundle
        self.derived = {d.fact.name: d.fact for d in memorandum.derivations}
        scope = bundle.scopes[memorandum.id]
        self.facts = {n: f for n, f in scope.items() if n not in self.derived and n != "subject.kind"}
        self.rules = [rule.id.split("/", 1)[1] for rule in memorandum.rules]
        self.owed = {
            (c.measure, d) for rule in memorandum.rules for c in rule.then if not isinstance(c, Limit) for d in c.by
        }

    def case(self, index: int, raw: RawCase) -> PolicyTest:
        at: Path = ("cases", index)
        expect = self.expect(raw, at)
        if not expect:
            self.bundle.reporter.report("XH140", self.read.key(*at, "expect"), f"测试{shown(raw.name)}没有写任何预期")
        return PolicyTest(
            f"{self.memorandum.id}/{raw.name}",
            self.memorandum.id,
            MappingProxyType(self.given(raw, at)),
            MappingProxyType(expect),
            self.read.key(*at),
        )

    def given(self, raw: RawCase, at: Path) -> dict[str, object]:
        return {
            "as_of": raw.as_of,
            "subject": raw.subject,
            "facts": self.values(raw.facts, self.facts, (*at, "facts"), "名单的事实"),
            "records": tuple(
                self.record(r.record, r.date, r.fields, (*at, "records", n)) for n, r in enumerate(raw.records)
            ),
            "relations": tuple({"role": r.role, "id": r.id, "kind": r.kind} for r in raw.relations),
            "responses": tuple(
                self.response(r.measure, r.by, r.outcome, (*at, "responses", n)) for n, r in enumerate(raw.responses)
            ),
        }

    def expect(self, raw: RawCase, at: Path) -> dict[str, object]:
        stated = raw.expect
        at = (*at, "expect")
        has = stated.model_fields_set
        related = {relation.id for relation in raw.relations}
        expect: dict[str, object] = {}
        for key in ("fires", "silent"):
            if key in has:
                names: list[str] = getattr(stated, key)
                expect[key] = tuple(names)
                for n, name in enumerate(names):
                    self.known(name, self.rules, "XH059", "规则", self.read.span(*at, key, n))
        if "unknown" in has:
            for name in stated.unknown:
                self.known(name, self.rules, "XH059", "规则", self.read.key(*at, "unknown", name))
            expect["unknown"] = {name: tuple(facts) for name, facts in stated.unknown.items()}
        for key in ("owes", "owes_not", "advice"):
            if key in has:
                entries: list[RawOwed] = getattr(stated, key)
                expect[key] = tuple(self.owes(e, (*at, key, n), related) for n, e in enumerate(entries))
        if "limit" in has:
            expect["limit"] = stated.limit
        if "derived" in has:
            expect["derived"] = self.values(stated.derived, self.derived, (*at, "derived"), "推导的事实")
        return expect

    def owes(self, raw: RawOwed, at: Path, related: set[str]) -> dict[str, object]:
        exists = self.bundle.refer("measure", raw.measure, self.read.span(*at, "measure"))
        exists = self.bundle.refer("department", raw.by, self.read.span(*at, "by")) and exists
        if exists and (raw.measure, raw.by) not in self.owed:
            message = f"备忘录 {self.memorandum.id} 没有由 {raw.by} 实施 {raw.measure} 的规则"
            measures = [m for m, d in self.owed if d == raw.by]
            self.bundle.reporter.report("XH143", self.read.key(*at), message, expected=one_of(sorted(measures)))
        if raw.target is not None:
            self.known(raw.target, related, "XH060", "关联人", self.read.span(*at, "target"))
        return {"measure": raw.measure, "by": raw.by, "target": raw.target}

    def record(self, kind: str, date: dt.date | None, fields: Mapping[str, object], at: Path) -> dict[str, object]:
        declared = LISTING_FIELDS if kind == LISTING else self.bundle.fields.get(kind)
        if declared is None:
            self.bundle.refer("record", kind, self.read.span(*at, "record"))
            declared = {}
            fields = {}
        values = self.values(fields, declared, (*at, "fields"), f"记录 {kind} 的字段")
        return {"record": kind, "date": date.toordinal() if date else None, "fields": values}

    def response(self, measure: str, by: str, outcome: str, at: Path) -> dict[str, object]:
        self.bundle.refer("measure", measure, self.read.span(*at, "measure"))
        self.bundle.refer("department", by, self.read.span(*at, "by"))
        return {"measure": measure, "by": by, "outcome": outcome}

    def values(
        self, stated: Mapping[str, object], declared: Mapping[str, FactType], at: Path, what: str
    ) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for name, raw in stated.items():
            if self.known(name, declared, "XH060", what, self.read.key(*at, name)):
                value = fact_value(declared[name], raw, self.read.span(*at, name), self.bundle)
                if value is not None:
                    values[name] = value
        return values

    def known(self, name: str, known: Iterable[str], code: str, what: str, span: Span) -> bool:
        known = known if isinstance(known, Mapping | set) else list(known)
        if name in known:
            return True
        if self.bundle.reporter.full(span.path):
            return False
        suggestion = looks_like(name, known) or nearest(name, known)
        self.bundle.reporter.report(
            code, span, f"没有{what}{shown(name)}", expected=one_of(known), suggestion=suggestion
        )
        return False
