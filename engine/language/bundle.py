"""What every builder needs: the documents read so far, references between them, and the parts many kinds share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar

from engine.language.diagnostics import Reporter, nearest, one_of
from engine.language.ir import (
    SUBJECT_KINDS,
    Basis,
    Duration,
    FactType,
    Law,
    ListDef,
    Measure,
    ResponseTerms,
    Span,
    Table,
    Type,
    Validity,
    Verified,
)
from engine.language.legality import Assessment
from engine.language.raw import BasisEntry, FactDecl, Permitted, Response, Valid
from engine.language.reading import Document
from engine.language.scalars import shown

REFERENCE_CODES: Mapping[str, tuple[str, str]] = {
    "law": ("XH050", "法律文件"),
    "department": ("XH052", "部门"),
    "list": ("XH053", "名单"),
    "measure": ("XH054", "措施"),
    "matter": ("XH055", "事项"),
    "table": ("XH056", "分级表"),
    "record": ("XH057", "记录种类"),
    "memorandum": ("XH058", "备忘录"),
    "ladder": ("XH063", "督办阶梯"),
}
BUILT_IN = Span("built-in", 1, 1)
SUBJECT_KIND = FactType("subject.kind", Type.ENUM, "主体种类", BUILT_IN, SUBJECT_KINDS, required=True)
LISTING = "listing"
LISTING_FIELDS: Mapping[str, FactType] = {
    "list": FactType("list", Type.TEXT, "名单", BUILT_IN, required=True),
    "kind": FactType("kind", Type.ENUM, "名单性质", BUILT_IN, ("incentive", "sanction", "watch"), required=True),
    "severe": FactType("severe", Type.BOOLEAN, "是否严重失信主体名单", BUILT_IN, required=True),
}
DEFAULT_RESPONSE = ResponseTerms(
    accept=Duration(3, "working days"),
    arm=Duration(10, "working days"),
    lift=Duration(3, "working days"),
    feedback="none",
    evidence=False,
)

Key = TypeVar("Key", bound=Hashable)
Path = tuple[str | int, ...]


@dataclass(slots=True)
class Bundle:
    """The documents by kind and id, what has been built of them, and what analysis will want to know.

    broken: ids (file names) of files that could not be read; references to them are not reported again.
    """

    reporter: Reporter
    documents: Mapping[str, Mapping[str, Document[Any]]]
    broken: frozenset[str]
    laws: dict[str, Law] = field(default_factory=dict)
    lists: dict[str, ListDef] = field(default_factory=dict)
    measures: dict[str, Measure] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    fields: dict[str, Mapping[str, FactType]] = field(default_factory=dict)  # record kind → its fields and subject.kind
    periods: dict[str, Validity] = field(default_factory=dict)  # department → validity
    scopes: dict[str, Mapping[str, FactType]] = field(default_factory=dict)  # memorandum → its facts
    used: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # memorandum → facts its conditions use
    assessments: list[Assessment] = field(default_factory=list)

    def ids(self, kind: str) -> tuple[str, ...]:
        """The ids of all documents of a kind."""
        return tuple(self.documents.get(kind, {}))

    def refer(self, kind: str, identifier: str, span: Span) -> bool:
        """Whether a document exists; if not, that is reported (unless its own file is broken, which has been)."""
        known = self.documents.get(kind, {})
        if identifier in known:
            return True
        if identifier not in self.broken and not self.reporter.full(span.path):
            code, what = REFERENCE_CODES[kind]
            self.reporter.report(
                code,
                span,
                f"没有{what}{shown(identifier)}",
                expected=one_of(sorted(known)),
                suggestion=nearest(identifier, known),
            )
        return False

    def refer_all(
        self, kind: str, identifiers: Sequence[str], document: Document[Any], *path: str | int
    ) -> tuple[str, ...]:
        """Those of a list of ids that exist, without doubles; what is missing or doubled is reported."""
        self.distinct(identifiers, document, *path)
        found = [i for n, i in enumerate(identifiers) if self.refer(kind, i, document.span(*path, n))]
        return tuple(dict.fromkeys(found))

    def distinct(self, items: Sequence[Hashable], document: Document[Any], *path: str | int) -> None:
        """Report items that a list names twice."""
        seen: dict[Hashable, int] = {}
        for index, item in enumerate(items):
            if item in seen:
                span = document.span(*path, index)
                self.reporter.report(
                    "XH038", span, f"{shown(str(item))}在列表中重复", notes=(f"第一次是第 {seen[item] + 1} 项",)
                )
            seen.setdefault(item, index)

    def validity(self, valid: Valid | None, document: Document[Any], *path: str | int) -> Validity:
        """The period that a `valid:` states, or an unbounded one."""
        if valid is None:
            return Validity()
        period = valid.validity()
        if period.start and period.end and period.start > period.end:
            self.reporter.report(
                "XH037", document.span(*path, "from"), f"生效日 {period.start} 晚于失效日 {period.end}"
            )
        return period

    def facts(
        self, declarations: Mapping[str, FactDecl], document: Document[Any], *path: str | int
    ) -> dict[str, FactType]:
        """Declared facts, fields, inputs or outputs."""
        result = {}
        for name, raw in declarations.items():
            self.values(raw.type, raw.values, document, *path, name)
            span = document.key(*path, name)
            result[name] = FactType(
                name,
                raw.type,
                raw.title or name,
                span,
                raw.values.ids,
                raw.required,
                raw.changeable,
                raw.values.titles,
                raw.worse,
            )
        return result

    def values(self, kind: Type, values: Permitted, document: Document[Any], *path: str | int) -> None:
        """Check that `values` stands where the type wants it, and only there."""
        if kind is Type.ENUM and not values.ids:
            self.reporter.report("XH083", document.key(*path), "enum 类型须写 values", expected="values: [甲, 乙]")
        if values.ids and kind not in {Type.ENUM, Type.LIST}:
            self.reporter.report("XH083", document.key(*path, "values"), f"{kind} 类型不能写 values")
        self.distinct(values.ids, document, *path, "values")

    def cite(self, law: str, article: str | None, document: Document[Any], *path: str | int) -> bool:
        """Whether a law exists; if not, or if it has no such article, that is reported."""
        if not self.refer("law", law, document.span(*path, "law")):
            return False
        articles = self.documents["law"][law].model.articles
        if article is not None and article not in articles:
            self.reporter.report(
                "XH051",
                document.span(*path, "article"),
                f"{law} 没有条款{shown(article)}",
                expected=one_of(articles),
                suggestion=nearest(article, articles),
            )
        return True

    def basis(self, entries: Sequence[BasisEntry], document: Document[Any], *path: str | int) -> tuple[Basis, ...]:
        """Legal bases whose law and article exist."""
        result = []
        for index, raw in enumerate(entries):
            at = (*path, index)
            self.refer_all("list", raw.covers.lists, document, *at, "covers", "lists")
            if not self.cite(raw.law, raw.article, document, *at):
                continue
            verified = Verified("text", raw.verified.on) if raw.verified else None
            result.append(
                Basis(
                    raw.law,
                    raw.article,
                    raw.quote,
                    verified,
                    tuple(raw.covers.subjects),
                    tuple(raw.covers.roles),
                    tuple(raw.covers.lists),
                    document.key(*at),
                    raw.max_,
                )
            )
        return tuple(result)


def response_terms(raw: Response, default: ResponseTerms) -> ResponseTerms:
    """`default` with what a `response:` states put over it."""
    evidence = getattr(raw, "evidence", None)
    return ResponseTerms(
        accept=raw.accept or default.accept,
        arm=raw.arm or default.arm,
        lift=raw.lift or default.lift,
        feedback=raw.feedback or default.feedback,
        evidence=default.evidence if evidence is None else evidence == "required",
    )


def intersection(*periods: Validity) -> Validity | None:
    """The days that all `periods` have in common; `None` if there are none."""
    starts = [p.start for p in periods if p.start is not None]
    ends = [p.end for p in periods if p.end is not None]
    start, end = max(starts, default=None), min(ends, default=None)
    return None if start and end and start > end else Validity(start, end)


def find_cycle(edges: Mapping[Key, Iterable[Key]]) -> list[Key] | None:
    """A cycle in a graph given as node → what it points to, first node repeated at the end; `None` if there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        cycle: list[Key] = error.args[1]
        return cycle[::-1]
    return None


def once(items: Iterable[Key], complain: Callable[[Key], None]) -> None:
    """Call `complain` for each item that occurred before."""
    seen: set[Key] = set()
    for item in items:
        if item in seen:
            complain(item)
        seen.add(item)
