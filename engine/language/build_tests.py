"""Builds the tests beside a memorandum: every name in them exists, every value is typed, nothing contradicts itself.

A step of a case becomes a test of its own: the answers before it are its situation.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from engine.language.build_tables import fact_value
from engine.language.bundle import LISTING, LISTING_FIELDS, Bundle
from engine.language.diagnostics import looks_like, nearest, one_of
from engine.language.ir import FactType, Limit, Memorandum, PolicyTest, Span, Value
from engine.language.raw_tests import (
    RawArticle,
    RawCase,
    RawExpect,
    RawNamed,
    RawOwed,
    RawTestRecord,
    RawTestResponse,
    RawTests,
)
from engine.language.reading import Document
from engine.language.scalars import shown

Path = tuple[str | int, ...]
SUBJECT = "subject"
RULE_WORDS = {"fires": "触发", "silent": "不触发", "unknown": "悬而未决"}


@dataclass(frozen=True, slots=True)
class Expected:
    """An obligation or advice that a test names: one measure, one department, one person (`subject` or a person's id).

    terms: fields of the obligation that have to be so (`RawTerms`, `after`, `duty`).
    basis: articles among its bases, as (law, article).
    """

    measure: str
    by: str
    target: str
    span: Span
    terms: Mapping[str, object]
    basis: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it one obligation."""
        return self.measure, self.by, self.target


@dataclass(frozen=True, slots=True)
class PinnedMeasure:
    """A measure whose own terms (`RawTerms`) a test names."""

    measure: str
    span: Span
    terms: Mapping[str, object]


def tests(read: Document[RawTests], memoranda: Mapping[str, Memorandum], bundle: Bundle) -> tuple[PolicyTest, ...]:
    """One test a case, and one a step. Values are runtime values: money in fen, dates of facts as ordinals."""
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
    return tuple(test for index, case in enumerate(raw.cases) for test in builder.case(index, case))


class _Cases:
    def __init__(self, read: Document[RawTests], memorandum: Memorandum, bundle: Bundle) -> None:
        self.read, self.memorandum, self.bundle = read, memorandum, bundle
        self.situations: dict[str, dict[str, Any]] = {}
        self.derived = {d.fact.name: d.fact for d in memorandum.derivations}
        scope = bundle.scopes[memorandum.id]
        self.facts = {n: f for n, f in scope.items() if n not in self.derived and n != "subject.kind"}
        self.rules = [rule.id.split("/", 1)[1] for rule in memorandum.rules]
        self.owed = {
            (c.measure, d) for rule in memorandum.rules for c in rule.then if not isinstance(c, Limit) for d in c.by
        }

    def case(self, index: int, raw: RawCase) -> list[PolicyTest]:
        at: Path = ("cases", index)
        given = self.given(raw, at)
        if given is None:
            return []
        self.situations[raw.name] = given
        people = {SUBJECT, *(relation["id"] for relation in given["relations"])}
        subjects = self.bundle.lists[self.memorandum.list].subjects
        if given["subject"] not in subjects:
            message = f"名单 {self.memorandum.list} 不列入 {given['subject']}"
            self.bundle.reporter.report("XH145", self.read.span(*at, "subject"), message, expected=one_of(subjects))
        self.in_force(given["as_of"], (*at, "as_of"))
        found = [self.test(raw.name, given, raw.expect, at, people)]
        for n, step in enumerate(raw.steps):
            here = (*at, "steps", n)
            if step.on is not None:
                if step.on < given["as_of"]:
                    message = f"这一步在 {step.on}，早于前一步的 {given['as_of']}"
                    self.bundle.reporter.report("XH146", self.read.span(*here, "on"), message)
                self.in_force(step.on, (*here, "on"))
                given = {**given, "as_of": step.on}
            answers = tuple(self.response(r, (*here, "respond", k)) for k, r in enumerate(step.respond))
            given = {**given, "responses": (*given["responses"], *answers)}
            found.append(self.test(f"{raw.name}，第 {n + 1} 步", given, step.expect, here, people))
        return found

    def test(self, name: str, given: Mapping[str, Any], raw: RawExpect, at: Path, people: set[str]) -> PolicyTest:
        expect = self.expect(raw, (*at, "expect"), people)
        if not expect:
            self.bundle.reporter.report("XH140", self.read.key(*at, "expect"), f"测试{shown(name)}没有写任何预期")
        return PolicyTest(
            f"{self.memorandum.id}/{name}",
            self.memorandum.id,
            MappingProxyType(dict(given)),
            MappingProxyType(expect),
            self.read.key(*at),
        )

    def in_force(self, day: dt.date, at: Path) -> None:
        if not self.memorandum.validity.covers(day):
            start, end = self.memorandum.validity.start, self.memorandum.validity.end
            message = f"{day} 备忘录 {self.memorandum.id} 不在有效期内"
            expected = f"{start or '…'} 至 {end or '…'}"
            self.bundle.reporter.report("XH147", self.read.span(*at), message, expected=expected)

    def given(self, raw: RawCase, at: Path) -> dict[str, Any] | None:
        """The situation: that of the case named by `like`, if any, with what this one says otherwise."""
        base: Mapping[str, Any] = {}
        if raw.like is not None:
            if not self.known(raw.like, self.situations, "XH148", "前面的测试", self.read.span(*at, "like")):
                return None
            base = self.situations[raw.like]
        given = {**base, "as_of": raw.as_of or base.get("as_of"), "subject": raw.subject or base.get("subject")}
        lacking = [name for name in ("as_of", "subject") if given[name] is None]
        for name in lacking:
            self.bundle.reporter.report("XH149", self.read.key(*at), f"测试{shown(raw.name)}没有写 {name}")
        if lacking:
            return None
        facts = dict(base.get("facts", {}))
        for n, name in enumerate(raw.without):
            if self.known(name, facts, "XH060", "可以去掉的事实", self.read.span(*at, "without", n)):
                del facts[name]
        given["facts"] = {**facts, **self.values(raw.facts, self.facts, (*at, "facts"), "名单的事实")}
        parts: Mapping[str, Callable[[Any, Path], object]] = {
            "records": self.record, "relations": lambda r, _: {"role": r.role, "id": r.id, "kind": r.kind},
            "responses": self.response,
        }  # fmt: skip
        for key, part in parts.items():
            if key in raw.model_fields_set or key not in base:
                given[key] = tuple(part(item, (*at, key, n)) for n, item in enumerate(getattr(raw, key)))
        return given

    def expect(self, stated: RawExpect, at: Path, people: set[str]) -> dict[str, object]:
        has = stated.model_fields_set
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
        for key in ("owes", "owes_exactly", "owes_not", "advice", "advice_exactly"):
            if key in has:
                entries: list[RawNamed] = getattr(stated, key)
                named = [e for n, raw in enumerate(entries) for e in self.named(raw, (*at, key, n), people)]
                expect[key] = tuple(named)
        if "limit" in has:
            expect["limit"] = stated.limit
        if "limit_by" in has:
            expect["limit_by"] = self.bundle.refer_all("department", stated.limit_by or (), self.read, *at, "limit_by")
        if "derived" in has:
            expect["derived"] = self.values(stated.derived, self.derived, (*at, "derived"), "推导的事实")
        if "explains" in has:
            expect["explains"] = tuple(stated.explains)
        if dates := _stated(stated.dates, {"lifts"}):
            expect["dates"] = dates
        if lifts := _stated(stated.dates.lifts):
            expect["lifts"] = lifts
        if "measures" in has:
            expect["measures"] = tuple(
                PinnedMeasure(name, self.read.key(*at, "measures", n), _stated(raw, {"measure"}))
                for n, raw in enumerate(stated.measures)
                for name in self.bundle.refer_all("measure", raw.measure, self.read, *at, "measures", n, "measure")
            )
        self.consistent(expect, at)
        return expect

    def named(self, raw: RawNamed, at: Path, people: set[str]) -> list[Expected]:
        """One entry for each department and person that `raw` names."""
        known = self.bundle.refer("measure", raw.measure, self.read.span(*at, "measure"))
        for by in self.bundle.refer_all("department", raw.by, self.read, *at, "by"):
            if known and (raw.measure, by) not in self.owed:
                message = f"备忘录 {self.memorandum.id} 没有由 {by} 实施 {raw.measure} 的规则"
                measures = sorted(m for m, d in self.owed if d == by)
                self.bundle.reporter.report("XH143", self.read.key(*at), message, expected=one_of(measures))
        targets = raw.target or [SUBJECT]
        for n, target in enumerate(targets):
            self.known(target, people, "XH060", "关联人", self.read.span(*at, "target", n))
        terms, basis = self.pinned(raw, at) if isinstance(raw, RawOwed) else ({}, ())
        return [Expected(raw.measure, d, t, self.read.key(*at), terms, basis) for t in targets for d in raw.by]

    def pinned(self, raw: RawOwed, at: Path) -> tuple[dict[str, object], tuple[tuple[str, str], ...]]:
        """What an entry says about the obligation besides that it is owed."""
        terms = _stated(raw, {*RawNamed.model_fields, "basis"})
        if raw.after is not None:
            terms["after"] = frozenset(self.bundle.refer_all("measure", raw.after, self.read, *at, "after"))
        articles: list[RawArticle] = raw.basis
        for n, article in enumerate(articles):
            self.bundle.cite(article.law, article.article, self.read, *at, "basis", n)
        return terms, tuple((a.law, a.article) for a in articles)

    def consistent(self, expect: Mapping[str, object], at: Path) -> None:
        """Report what can never be met, whatever the rules say."""
        said: dict[str, str] = {}
        for key, word in RULE_WORDS.items():
            names = expect.get(key, ())
            assert isinstance(names, tuple | dict)
            for n, name in enumerate(names):
                if said.setdefault(name, word) != word:
                    span = self.read.key(*at, key, name if key == "unknown" else n)
                    message = f"规则 {name} 既写了{said[name]}，又写了{word}"
                    self.bundle.reporter.report("XH144", span, message)
        groups = {key: _keys(expect.get(key)) for key in ("owes", "owes_exactly", "owes_not", "advice_exactly")}
        owed = {**groups["owes"], **groups["owes_exactly"]}
        self.contradict(groups["owes_not"], owed, "既写了应有，又写了不得有")
        self.contradict(groups["advice_exactly"], owed, "既写了应响应事项，又写了建议")
        if "owes_exactly" in expect:
            beyond = {k: span for k, span in groups["owes"].items() if k not in groups["owes_exactly"]}
            self.contradict(beyond, beyond, "不在 owes_exactly 中")

    def contradict(self, some: Mapping[tuple[str, str, str], Span], others: Iterable[object], what: str) -> None:
        others = set(others)
        for key, span in some.items():
            if key in others:
                self.bundle.reporter.report("XH144", span, f"{key[1]} 的 {key[0]}（{key[2]}）{what}")

    def record(self, raw: RawTestRecord, at: Path) -> dict[str, object]:
        declared: Mapping[str, FactType] | None = LISTING_FIELDS
        fields = raw.fields
        if raw.record != LISTING:
            declared = self.bundle.fields.get(raw.record)
        if declared is None:
            self.bundle.refer("record", raw.record, self.read.span(*at, "record"))
            declared, fields = {}, {}
        values = self.values(fields, declared, (*at, "fields"), f"记录 {raw.record} 的字段")
        return {"record": raw.record, "date": raw.date.toordinal() if raw.date else None, "fields": values}

    def response(self, raw: RawTestResponse, at: Path) -> dict[str, object]:
        self.bundle.refer("measure", raw.measure, self.read.span(*at, "measure"))
        self.bundle.refer("department", raw.by, self.read.span(*at, "by"))
        return {"measure": raw.measure, "by": raw.by, "outcome": raw.outcome}

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


def _keys(entries: object) -> dict[tuple[str, str, str], Span]:
    assert entries is None or isinstance(entries, tuple)
    return {entry.key: entry.span for entry in entries or ()}


def _stated(model: BaseModel, without: Iterable[str] = ()) -> dict[str, object]:
    """The fields that a file writes, by the names it writes."""
    left = set(without)
    return {
        (field.alias or name): getattr(model, name)
        for name, field in type(model).model_fields.items()
        if name in model.model_fields_set and name not in left
    }
