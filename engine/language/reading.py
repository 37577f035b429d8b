"""From a file to a document of a known kind, validated against its raw model; mistakes lead back to lines."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, Any, Generic, TypeVar, Union, cast, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.language import raw_memoranda, raw_procedure, raw_retention, raw_rules, raw_tests, source
from engine.language.diagnostics import Reporter, looks_like, nearest, one_of
from engine.language.ir import Span
from engine.language.raw import Raw
from engine.language.scalars import shown

KINDS: Mapping[str, type[Raw]] = {
    "law": raw_rules.RawLaw,
    "department": raw_rules.RawDepartment,
    "record": raw_rules.RawRecord,
    "measure": raw_rules.RawMeasure,
    "matter": raw_rules.RawMatter,
    "table": raw_rules.RawTable,
    "calendar": raw_rules.RawCalendar,
    "retention": raw_retention.RawRetention,
    "memorandum": raw_memoranda.RawMemorandum,
    "tests": raw_tests.RawTests,
    "list": raw_rules.RawList,  # after what has a key `list` too: a memorandum
    "ladder": raw_procedure.RawLadder,  # likewise: a measure has a key `ladder`
}
SHAPES = {"model_type": "键值表", "dict_type": "键值表", "list_type": "列表", "string_type": "一段文字"}
MAX_LISTED = 120  # a little over what a file may report

Model = TypeVar("Model", bound=Raw)
Path = tuple[str | int, ...]


@dataclass(slots=True)
class Document(Generic[Model]):
    """A file that has the shape of its kind."""

    path: str
    kind: str
    id: str
    tree: source.Mapping
    model: Model
    _places: dict[Path, tuple[source.Node, Span, int]] = field(default_factory=dict, init=False, repr=False)

    def node(self, *path: str | int) -> source.Node | None:
        """The node at `path`, or `None` where the file has none."""
        node, _, taken = self._descend(path)
        return node if taken == len(path) else None

    def has(self, *path: str | int) -> bool:
        """Whether the file says anything at `path`."""
        return self.node(*path) is not None

    def span(self, *path: str | int) -> Span:
        """Where the value at `path` stands; if there is none, where its nearest parent does."""
        node, key, taken = self._descend(path)
        return node.span if taken == len(path) and isinstance(node, source.Scalar) else key

    def key(self, *path: str | int) -> Span:
        """Where the key at `path` stands, or the list item."""
        return self._descend(path)[1]

    def _descend(self, path: Path) -> tuple[source.Node, Span, int]:
        """As `source.descend`, and remembered: a bundle that is compiled again asks for the same places."""
        found = self._places.get(path)
        if found is None:
            found = self._places[path] = source.descend(self.tree, path)
        return found


def read_document(path: str, content: str | bytes, reporter: Reporter) -> Document[Any] | None:
    """The document in a file, or `None` after reporting what keeps it from being one."""
    tree = source.read(path, content, reporter)
    if tree is None:
        return None
    kind = _kind(tree, reporter)
    if kind is None:
        return None
    model_class = KINDS[kind]
    try:
        model = model_class.model_validate(source.plain(tree))
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False)[:MAX_LISTED]:
            _report(detail, model_class, tree, reporter)
        return None
    identifier = cast("source.Scalar", tree.items[kind]).value
    suffix = ".test.yaml" if kind == "tests" else ".yaml"
    if PurePosixPath(path).name != identifier + suffix:
        reporter.report(
            "XH026",
            tree.items[kind].span,
            f"标识 {identifier} 与文件名 {PurePosixPath(path).name} 不一致",
            expected=f"文件名为 {identifier}{suffix}",
        )
    return Document(path, kind, identifier, tree, model)


def _kind(tree: source.Mapping, reporter: Reporter) -> str | None:
    if not tree.items:
        reporter.report("XH013", tree.span, "文件是空的，没有政策文档")
        return None
    first = next(iter(tree.items))
    if first in KINDS:
        return first
    span = tree.keys[first]
    if looked := looks_like(first, KINDS):
        reporter.report("XH016", span, f"键{shown(first)}中有字形相似但不是半角英文的字符", suggestion=looked)
        return None
    kind = next((k for k in KINDS if k in tree.items), None)
    if kind is not None:
        reporter.report(
            "XH030", span, f"第一个键是 {shown(first)}，说明种类的“{kind}”须写在最前", expected=f"{kind}: …"
        )
        return None
    reporter.report(
        "XH020", span, f"不认识以{shown(first)}开头的文档", expected=one_of(KINDS), suggestion=nearest(first, KINDS)
    )
    return None


def _report(detail: ErrorDetails, model: type[Raw], tree: source.Mapping, reporter: Reporter) -> None:
    """Turn one pydantic error into a diagnostic."""
    at_key = bool(detail["loc"]) and detail["loc"][-1] == "[key]"
    loc = detail["loc"][:-1] if at_key else detail["loc"]
    node, key, taken = source.descend(tree, loc)
    if reporter.full(key.path):
        return
    where = ".".join(str(step) for step in loc[:taken]) or "文档"
    kind = detail["type"]
    if kind.startswith("XH"):
        context = detail.get("ctx", {})
        span = key if at_key else node.span
        reporter.report(
            kind, span, f"{where}：{context['message']}", expected=context["expected"], suggestion=context["suggestion"]
        )
    elif kind == "missing":
        parent, key, _ = source.descend(tree, loc[:-1])
        name = str(loc[-1])
        span = key if loc[:-1] else parent.span
        reporter.report("XH022", span, f"{where}缺少必填的键“{name}”", expected=f"{name}: {_description(model, loc)}")
    elif kind == "extra_forbidden":
        name, known = str(loc[-1]), known_keys(model, loc[:-1])
        parent_name = ".".join(str(step) for step in loc[:-1]) or "文档"
        looked = looks_like(name, known)
        code, what = ("XH016", "中有字形相似但不是半角英文的字符") if looked else ("XH021", f"不是{parent_name}的键")
        reporter.report(
            code, key, f"键{shown(name)}{what}", expected=one_of(known), suggestion=looked or nearest(name, known)
        )
    elif kind == "too_short":
        reporter.report("XH029", key, f"{where}至少须有一项")
    else:
        got = {source.Scalar: "一段文字", source.Sequence: "列表", source.Mapping: "键值表"}[type(node)]
        wanted = SHAPES.get(kind, "别的写法")
        reporter.report("XH023", node.span, f"{where}应为{wanted}，写成了{got}", expected=wanted)


def known_keys(model: type[Raw], loc: tuple[str | int, ...]) -> list[str]:
    """The keys that the mapping at `loc` may have; empty if they are free."""
    kind = _type_at(model, loc)
    if not (isinstance(kind, type) and issubclass(kind, Raw)):
        return []
    return [field.alias or name for name, field in kind.model_fields.items()]


def _description(model: type[Raw], loc: tuple[str | int, ...]) -> str:
    kind = _type_at(model, loc[:-1])
    if isinstance(kind, type) and issubclass(kind, Raw):
        for name, field in kind.model_fields.items():
            if loc[-1] in {name, field.alias}:
                return field.description or "…"
    return "…"


def _type_at(kind: Any, loc: tuple[str | int, ...]) -> Any:
    """The annotation that governs `loc`, looking through `Annotated`, `Optional`, lists and mappings."""
    kind = _bare(kind)
    for step in loc:
        if isinstance(kind, type) and issubclass(kind, Raw):
            fields = [f for name, f in kind.model_fields.items() if step in {name, f.alias}]
            if not fields:
                return None
            kind = _bare(fields[0].annotation)
        elif get_origin(kind) in {list, dict}:
            kind = _bare(get_args(kind)[-1])
        else:
            return None
    return kind


def _bare(kind: Any) -> Any:
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in {Union, types.UnionType}:
            kind = next(k for k in get_args(kind) if k is not type(None))
        else:
            return kind
