"""Fills a docx template: docxtpl in a sandbox, names checked beforehand, the archive packed without a trace of the day.

A value never becomes markup: every output goes through `_as_text`, which hides from XML, from Jinja and from docxtpl's
own post-processing whatever they could mistake for an instruction.
"""

from __future__ import annotations

import difflib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import jinja2
from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement, parse_xml
from docxtpl import DocxTemplate  # type: ignore[import-untyped]
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from adapters.documents.moment import moment
from adapters.documents.placeholders import PLACEHOLDERS
from adapters.documents.proof import attach

_ENTITIES = {ord(character): f"&#{ord(character)};" for character in "&<>\"'{}"}
_FULL_WIDTH = re.compile(r"[{｛]｛|｛[{%#％＃]|\{[％＃]|[%％#＃]｝")
_FIRST_PARTS = ("[Content_Types].xml", "_rels/.rels")
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip archive can name
_LIBREOFFICE = b"http://schemas.openxmlformats.org/officedocument/2006/relationships/metadata/core-properties"
_STANDARD = b"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
"""LibreOffice names the document properties in a way that python-docx does not find."""
_LINES_SHOWN = 3
_CLOSING = "。！？；：…"
_GLOBALS = frozenset({"range", "namespace"})
_UNKNOWN: Any = object()
"""The shape of an expression that the check cannot follow."""


class TemplateError(Exception):
    """A template cannot be used; the message names the file and says why.

    Attributes:
        file: the template's file name.
        cause: what is wrong, without the file name.

    """

    def __init__(self, file: str, cause: str) -> None:
        super().__init__(f"文书模板 {file}：{cause}")
        self.file = file
        self.cause = cause


def fill(source: bytes, values: Mapping[str, Any], *, name: str, title: str) -> bytes:
    """The docx with its placeholders replaced.

    Args:
        source: the template.
        values: a completed context (`placeholders.complete`).
        name: the template's file name, for messages.
        title: the letter's name, for the document properties.

    Raises:
        TemplateError: the file is no docx, a placeholder is unknown, or a tag is wrong.

    """
    environment = _environment()
    try:
        document = _Strict(io.BytesIO(_packed(source)))
        document.name = name
        document.init_docx()
        properties = document.docx.core_properties
        properties.title = properties.subject = properties.author = properties.comments = ""  # no tags there
        properties.identifier = properties.keywords = properties.category = ""
        document.render(dict(values), environment)
    except TemplateError:
        raise
    except Exception as error:  # a broken archive and a template's own code can raise anything
        raise TemplateError(name, f"{type(error).__name__}：{error}") from error
    _close_gaps(document.docx.element.body)
    if values["promise"]:
        attach(document.docx, values["promise"])
    properties = document.docx.core_properties
    properties.title = f"{title} {values['number']}".strip()[:255]
    properties.author = values["initiator_title"][:255]
    properties.created = properties.modified = moment(values["date"]).replace(tzinfo=None)
    properties.last_modified_by = ""
    properties.revision = 1
    properties.language = "zh-CN"
    buffer = io.BytesIO()
    document.docx.save(buffer)
    return _packed(buffer.getvalue())


class _Strict(DocxTemplate):  # type: ignore[misc]  # docxtpl has no types
    """A template that reports what docxtpl would silently repair."""

    name = ""

    def render_xml_part(self, src_xml: str, part: Any, context: Any, jinja_env: Any = None) -> str:
        """The filled XML of the body, a header or a footer, after its tags and names were checked.

        Raises:
            TemplateError: a tag is wrong, a name is unknown, or the result is not well-formed.

        """
        source = re.sub(r"<w:p([ >])", r"\n<w:p\1", src_xml)
        names = dict.fromkeys((*context, *jinja_env.globals), _UNKNOWN) | dict(PLACEHOLDERS)
        if wrong := _FULL_WIDTH.search(_without_tags(src_xml)):
            raise TemplateError(self.name, f"标签要用半角的花括号和百分号，这里是全角的 {wrong[0]!r}")
        try:
            for problem in _problems(jinja_env.parse(source), names):
                raise TemplateError(self.name, problem)
            filled = str(super().render_xml_part(src_xml, part, context, jinja_env))
        except jinja2.TemplateSyntaxError as error:
            near = _excerpt(source, error.lineno)
            raise TemplateError(self.name, f"标签写错了（{error.message}），在这几行附近：{near}") from error
        except jinja2.TemplateError as error:
            raise TemplateError(self.name, f"{type(error).__name__}：{error.message}") from error
        try:
            parse_xml(filled)
        except SyntaxError as error:  # what lxml raises
            cause = f"填好后的结构不完整（{error.msg}）；{{%p …%}} 要独占一段，{{%tr …%}} 要独占表格的一行"
            raise TemplateError(self.name, cause) from error
        return filled


def _environment() -> ImmutableSandboxedEnvironment:
    """What a template's code can reach: neither Python's insides nor chance."""
    environment = ImmutableSandboxedEnvironment(autoescape=True, finalize=_as_text, undefined=jinja2.StrictUndefined)
    for name in environment.globals.keys() - _GLOBALS:
        del environment.globals[name]
    del environment.filters["random"]
    environment.filters["sentence"] = _sentence
    return environment


def _sentence(text: str) -> str:
    """The filter `sentence`: the text with a full stop, unless it is empty or its last mark closes a sentence."""
    return text if not text or text[-1] in _CLOSING else f"{text}。"


def _close_gaps(body: Any) -> None:
    """Tables that lost all rows go, cells that lost all paragraphs get one: Word would call the file damaged."""
    for table in list(body.iter(qn("w:tbl"))):
        if table.find(qn("w:tr")) is None:
            table.getparent().remove(table)
    for cell in body.iter(qn("w:tc")):
        if cell.find(qn("w:p")) is None:
            cell.append(OxmlElement("w:p"))


def _as_text(value: Any) -> Markup:
    """What an output tag writes: the value's text, with nothing in it that could be taken for markup or for a tag."""
    text = str(value.unescape()) if isinstance(value, Markup) else str(value)
    return Markup(text.translate(_ENTITIES))  # noqa: S704 - every special character has just become an entity


def _problems(tree: nodes.Node, names: Mapping[str, Any]) -> Iterator[str]:
    """Sentences about names that no context will ever have: they would leave a gap in a letter."""
    if isinstance(tree, nodes.For):
        yield from _problems(tree.iter, names)
        inner = {**names, **_bound(tree, names)}
        for child in (*tree.body, *([tree.test] if tree.test else [])):
            yield from _problems(child, inner)
        for child in tree.else_:
            yield from _problems(child, names)
        return
    if isinstance(tree, nodes.Getattr | nodes.Getitem):
        shape = _shape(tree.node, names)
        key = _key(tree)
        if isinstance(shape, Mapping) and key is not None and key not in shape:
            yield _unknown(key, shape, f"{_written(tree.node)} 没有")
        elif isinstance(shape, str) and isinstance(tree, nodes.Getattr):
            yield f"{_written(tree.node)} 是一段文字，没有 {tree.attr}"
        elif isinstance(shape, list) and isinstance(tree, nodes.Getattr):
            yield f"{_written(tree.node)} 是列表，先用 {{%p for … in {_written(tree.node)} %}} 逐项取出"
    if isinstance(tree, nodes.Name) and tree.ctx == "load" and tree.name not in names:
        yield _unknown(tree.name, names, "没有")
    bound = dict(names)
    for child in tree.iter_child_nodes():
        yield from _problems(child, bound)
        if isinstance(child, nodes.Assign):
            bound |= {name.name: _UNKNOWN for name in child.find_all(nodes.Name) if name.ctx == "store"}


def _bound(loop: nodes.For, names: Mapping[str, Any]) -> dict[str, Any]:
    """The names that a loop's body sees, with their shapes."""
    over = _shape(loop.iter, names)
    item = over[0] if isinstance(over, list) else _UNKNOWN
    if isinstance(loop.target, nodes.Name):
        return {"loop": _UNKNOWN, loop.target.name: item}
    return {"loop": _UNKNOWN} | {name.name: _UNKNOWN for name in loop.target.find_all(nodes.Name)}


def _shape(tree: nodes.Node, names: Mapping[str, Any]) -> Any:
    if isinstance(tree, nodes.Name):
        return names.get(tree.name, _UNKNOWN)
    if isinstance(tree, nodes.Getattr | nodes.Getitem):
        shape = _shape(tree.node, names)
        if isinstance(shape, Mapping):
            return shape.get(_key(tree) or "", _UNKNOWN)
        if isinstance(shape, list) and isinstance(tree, nodes.Getitem):
            return shape[0]
    return _UNKNOWN


def _key(tree: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(tree, nodes.Getattr):
        return tree.attr
    return tree.arg.value if isinstance(tree.arg, nodes.Const) and isinstance(tree.arg.value, str) else None


def _written(tree: nodes.Node) -> str:
    if isinstance(tree, nodes.Name):
        return tree.name
    return f"{_written(tree.node)}.{_key(tree)}" if isinstance(tree, nodes.Getattr | nodes.Getitem) else "这个值"


def _unknown(name: str, known: Mapping[str, Any], subject: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"{subject}占位符 {name}" + (f"；是不是 {near[0]}" if near else f"；可用的是 {'、'.join(known)}")


def _without_tags(xml: str) -> str:
    return re.sub(r"<[^>]+>", "", xml)


def _excerpt(source: str, line: int) -> str:
    lines = source.splitlines()[max(line - _LINES_SHOWN, 0) : line + 1]
    return " / ".join(text for text in (_without_tags(part).strip() for part in lines) if text)


def _packed(archive: bytes) -> bytes:
    """The same parts in a fixed order with fixed dates, stored: what deflate gives depends on the machine's zlib."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for part in sorted(source.namelist(), key=lambda part: (part not in _FIRST_PARTS, part)):
            info = zipfile.ZipInfo(part, _EARLIEST)
            info.create_system = 0
            info.external_attr = 0
            content = source.read(part)
            target.writestr(info, content.replace(_LIBREOFFICE, _STANDARD) if part == "_rels/.rels" else content)
    return buffer.getvalue()
