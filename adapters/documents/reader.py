"""Reads a filled docx into blocks. What the PDF could not show as the docx does is refused, never dropped."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import docx
from docx.document import Document
from docx.oxml.ns import qn
from docx.section import _Footer, _Header
from docx.styles.style import BaseStyle

from adapters.documents.blocks import (
    PAGE,
    PAGE_BREAK,
    PAGES,
    Align,
    Block,
    Border,
    Cell,
    Code,
    Edge,
    Face,
    Letter,
    Look,
    Paragraph,
    Row,
    Rule,
    Span,
    Table,
)
from adapters.documents.proof import SIDE, promise_of
from adapters.documents.template import TemplateError

_SILENT = frozenset(
    qn(f"w:{tag}")
    for tag in (
        "bookmarkStart", "bookmarkEnd", "proofErr", "permStart", "permEnd", "pPr", "rPr", "tblPr", "tblGrid", "trPr",
        "tcPr", "sectPr", "lastRenderedPageBreak", "softHyphen", "commentRangeStart", "commentRangeEnd", "tblPrEx",
    )
)  # fmt: skip
"""Elements that show nothing themselves."""
_WRAPPERS = frozenset(qn(f"w:{tag}") for tag in ("sdt", "sdtContent", "smartTag", "hyperlink"))
"""Elements that only group what is shown."""
_CHARACTERS = {qn("w:tab"): "\t", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "\u2011"}
_SPACES = str.maketrans("\n\t", "  ")
_FIELDS = {"PAGE": PAGE, "NUMPAGES": PAGES, "SECTIONPAGES": PAGES}
_SANS = ("黑体", "雅黑", "等线", "hei", "sans", "gothic", "arial", "helvetica", "calibri", "dengxian", "deng xian")
_HEAVY = ("小标宋", "xiaobiaosong", "大标宋", "粗宋")
_ALIGN: dict[str, Align] = {
    "left": "left", "start": "left", "center": "center", "right": "right", "end": "right", "both": "justify",
    "distribute": "justify",
}  # fmt: skip
_RULES: dict[str, Rule] = {"exact": "exact", "atLeast": "least", "auto": "multiple"}
_NAMES = {
    "drawing": "图片", "pict": "图片", "object": "嵌入对象", "footnoteReference": "脚注", "endnoteReference": "尾注",
    "ins": "未接受的修订", "del": "未接受的修订", "moveFrom": "未接受的修订", "moveTo": "未接受的修订", "tbl": "表中表",
    "AlternateContent": "图形或者文本框", "sym": "符号字体的字符", "numPr": "自动编号", "strike": "删除线",
    "dstrike": "删除线", "oMath": "公式", "oMathPara": "公式", "altChunk": "嵌入文档", "ruby": "拼音",
    "commentReference": "批注",
}  # fmt: skip
_LOGICAL = {"left": "start", "right": "end"}
"""The second names of sides, which LibreOffice writes."""
_TWIPS = 20
_DEFAULT_HALF_POINTS = "21"
_CHARS = 100
_LINES = 240
_CELL_MARGIN = "108"


def read(content: bytes, *, name: str) -> Letter:
    """The letter that a filled docx holds.

    Args:
        content: the docx.
        name: the template's file name, for messages.

    Raises:
        TemplateError: the docx holds what the PDF cannot show, or its layout makes no sense.

    """
    try:
        return _Reader(docx.Document(io.BytesIO(content)), name).letter()
    except (ValueError, KeyError, AttributeError, TypeError) as error:  # measures and links that no editor writes
        raise TemplateError(name, f"读不懂它的排版：{type(error).__name__}：{error}") from error


class _Reader:
    def __init__(self, document: Document, name: str) -> None:
        self.document = document
        self.name = name
        self.styles = {style.style_id: style.element for style in cast("Iterable[BaseStyle]", document.styles)}
        self.default = next(
            (
                identity
                for identity, style in self.styles.items()
                if style.get(qn("w:type")) == "paragraph" and style.get(qn("w:default")) in {"1", "true"}
            ),
            None,
        )
        self.field: str | None = None  # the instruction of the complex field being read
        self.in_result = False
        self.at_edge = False  # in a header or footer, where page numbers are known

    def letter(self) -> Letter:
        sections = list(self.document.sections)
        if len(sections) != 1:
            raise self._refuse("分节符")
        section = sections[0]
        properties = self.document.core_properties
        blocks = tuple(self._blocks(self.document.element.body))
        first = section.different_first_page_header_footer
        even = self.document.settings.odd_and_even_pages_header_footer
        self.at_edge = True
        above, below = _points(section.header_distance), _points(section.footer_distance)
        header, footer = self._edge(section.header, above), self._edge(section.footer, below)
        return Letter(
            blocks,
            (_points(section.page_width), _points(section.page_height)),
            (
                _points(section.top_margin),
                _points(section.right_margin),
                _points(section.bottom_margin),
                _points(section.left_margin),
            ),
            (
                self._edge(section.first_page_header, above) if first else header,
                self._edge(section.even_page_header, above) if even else header,
                header,
            ),
            (
                self._edge(section.first_page_footer, below) if first else footer,
                self._edge(section.even_page_footer, below) if even else footer,
                footer,
            ),
            properties.title,
            properties.author,
            f"{properties.created:%Y年%m月%d日}",
        )

    def _edge(self, part: _Header | _Footer, distance: float) -> Edge:
        if part.is_linked_to_previous:
            return Edge((), distance)
        return Edge(tuple(self._blocks(part._element)), distance)  # noqa: SLF001 - python-docx has no public door to it

    def _refuse(self, what: str) -> TemplateError:
        return TemplateError(self.name, f"用了 PDF 排不出的内容：{what}；请从模板里去掉")

    def _children(self, element: Any) -> Iterator[Any]:
        """The children that show something, through the elements that only group."""
        for child in element:
            if child.tag in _WRAPPERS:
                yield from self._children(child.find(qn("w:sdtContent")) if child.tag == qn("w:sdt") else child)
            elif child.tag not in _SILENT and isinstance(child.tag, str):
                yield child

    def _unsupported(self, element: Any) -> TemplateError:
        tag = element.tag.rpartition("}")[2]
        return self._refuse(_NAMES.get(tag, f"元素 {tag}"))

    def _blocks(self, element: Any) -> Iterator[Block]:
        for child in self._children(element):
            if child.tag == qn("w:p"):
                drawn = None if self.at_edge else child.find(f".//{qn('w:drawing')}")
                promise = promise_of(drawn) if drawn is not None else None
                yield self._paragraph(child) if promise is None else Code(promise, SIDE)
            elif child.tag == qn("w:tbl"):
                yield self._table(child)
            else:
                raise self._unsupported(child)

    # Styles: the nearest of the element's own properties, its styles' and the document's defaults.

    def _chain(self, identity: str | None) -> Iterator[Any]:
        seen: set[str] = set()
        while identity and identity in self.styles and identity not in seen:
            seen.add(identity)
            style = self.styles[identity]
            yield style
            identity = _value(style.find(qn("w:basedOn")))

    def _sources(self, own: Any, kind: str, style: str | None) -> list[Any]:
        """The `pPr`, `rPr` or `tblPr` elements that apply, nearest first."""
        elements = [own, *(link.find(qn(f"w:{kind}")) for link in self._chain(style))]
        defaults = self.document.styles.element.find(
            f"{qn('w:docDefaults')}/{qn(f'w:{kind}Default')}/{qn(f'w:{kind}')}"
        )
        return [element for element in (*elements, defaults) if element is not None]

    def _paragraph(self, element: Any) -> Paragraph:
        own = element.find(qn("w:pPr"))
        style = _value(own.find(qn("w:pStyle"))) if own is not None else None
        style = style or self.default
        sources = self._sources(own, "pPr", style)
        if (numbering := _first(sources, "numPr")) is not None and _value(numbering.find(qn("w:numId"))) != "0":
            raise self._refuse(_NAMES["numPr"])
        runs = self._sources(None, "rPr", style)
        mark = self._look(runs)
        spans = tuple(self._spans(element, runs))
        size = max((span.look.size for span in spans), default=mark.size)
        rule = _RULES.get(_attribute(sources, "spacing", "lineRule") or "auto", "multiple")
        line = float(_attribute(sources, "spacing", "line") or _LINES)
        borders = _first(sources, "pBdr")
        return Paragraph(
            spans,
            mark,
            _ALIGN.get(_value(_first(sources, "jc")) or "left", "left"),
            _indent(sources, ("left", "start"), size),
            _indent(sources, ("right", "end"), size),
            _indent(sources, ("firstLine",), size) - _indent(sources, ("hanging",), size),
            float(_attribute(sources, "spacing", "before") or 0) / _TWIPS,
            float(_attribute(sources, "spacing", "after") or 0) / _TWIPS,
            rule,
            line / (_LINES if rule == "multiple" else _TWIPS),
            _on(_first(sources, "keepNext")),
            _on(_first(sources, "pageBreakBefore")),
            _border(borders, "top"),
            _border(borders, "bottom"),
        )

    def _look(self, sources: Sequence[Any]) -> Look:
        for struck in ("strike", "dstrike"):
            if _on(_first(sources, struck)):
                raise self._refuse(_NAMES[struck])
        font = (_attribute(sources, "rFonts", "eastAsia") or _attribute(sources, "rFonts", "ascii") or "").lower()
        face: Face = "sans" if any(word in font for word in _SANS) else "serif"
        color = _value(_first(sources, "color")) or "auto"
        return Look(
            face,
            float(_value(_first(sources, "sz")) or _DEFAULT_HALF_POINTS) / 2,
            _on(_first(sources, "b")) or any(word in font for word in _HEAVY),
            (_value(_first(sources, "u")) or "none") != "none",
            "000000" if color == "auto" else color,
        )

    def _spans(self, element: Any, inherited: list[Any]) -> Iterator[Span]:
        for child in self._children(element):
            if child.tag == qn("w:fldSimple"):
                yield from self._simple_field(child, inherited)
            elif child.tag == qn("w:r"):
                own = child.find(qn("w:rPr"))
                style = _value(own.find(qn("w:rStyle"))) if own is not None else None
                links = [link.find(qn("w:rPr")) for link in self._chain(style)]
                sources = [source for source in (own, *links) if source is not None] + inherited
                text = "".join(self._text(part) for part in self._children(child))
                if text and not _on(_first(sources, "vanish")):
                    yield Span(text, self._look(sources))
            else:
                raise self._unsupported(child)

    def _text(self, part: Any) -> str:
        if part.tag == qn("w:fldChar"):
            return self._field_mark(part.get(qn("w:fldCharType")))
        if part.tag == qn("w:instrText"):
            self.field = (self.field or "") + (part.text or "")
            return ""
        if self.field is not None and self.in_result:
            return ""
        if part.tag == qn("w:t"):
            return (part.text or "").translate(_SPACES)
        if part.tag == qn("w:br"):
            return PAGE_BREAK if part.get(qn("w:type")) in {"page", "column"} else "\n"
        if part.tag in _CHARACTERS:
            return _CHARACTERS[part.tag]
        raise self._unsupported(part)

    def _field_mark(self, mark: str | None) -> str:
        if mark == "begin":
            self.field, self.in_result = "", False
        elif mark == "separate":
            self.in_result = True
        elif mark == "end":
            instruction, self.field, self.in_result = self.field or "", None, False
            return self._page_number(instruction)
        return ""

    def _simple_field(self, element: Any, inherited: list[Any]) -> Iterator[Span]:
        run = element.find(qn("w:r"))
        own = run.find(qn("w:rPr")) if run is not None else None
        sources = [own, *inherited] if own is not None else inherited
        yield Span(self._page_number(element.get(qn("w:instr")) or ""), self._look(sources))

    def _page_number(self, instruction: str) -> str:
        word = (instruction.split() or [""])[0].upper()
        if word not in _FIELDS or not self.at_edge:
            raise self._refuse(f"域 {word or '（空）'}（只有页眉、页脚里的 PAGE 和 NUMPAGES 可用）")
        return _FIELDS[word]

    def _table(self, element: Any) -> Table:
        own = element.find(qn("w:tblPr"))
        style = _value(own.find(qn("w:tblStyle"))) if own is not None else None
        sources = self._sources(own, "tblPr", style)
        rows = _bordered([self._row(row) for row in self._children(element)], _first(sources, "tblBorders"))
        margins = _first(sources, "tblCellMar")
        grid = element.find(qn("w:tblGrid"))
        widths = [float(column.get(qn("w:w")) or 0) / _TWIPS for column in (grid if grid is not None else ())]
        return Table(
            tuple(widths),
            rows,
            (
                _side(margins, ("top",), "0"),
                _side(margins, ("right", "end"), _CELL_MARGIN),
                _side(margins, ("bottom",), "0"),
                _side(margins, ("left", "start"), _CELL_MARGIN),
            ),
            _value(_first(sources, "jc")) == "center",
            float(_attribute(sources, "tblInd", "w") or 0) / _TWIPS,
        )

    def _row(self, element: Any) -> tuple[Row, list[Any]]:
        """The row, and beside it the cells' own border elements."""
        if element.tag != qn("w:tr"):
            raise self._unsupported(element)
        own = element.find(qn("w:trPr"))
        sources = [] if own is None else [own]
        cells = list(self._children(element))
        row = Row(
            tuple(self._cell(cell) for cell in cells),
            _on(_first(sources, "tblHeader")),
            float(_attribute(sources, "trHeight", "val") or 0) / _TWIPS,
        )
        return row, [cell.find(f"{qn('w:tcPr')}/{qn('w:tcBorders')}") for cell in cells]

    def _cell(self, element: Any) -> Cell:
        if element.tag != qn("w:tc"):
            raise self._unsupported(element)
        own = element.find(qn("w:tcPr"))
        sources = [] if own is None else [own]
        merge = _first(sources, "vMerge")
        fill = _attribute(sources, "shd", "fill")
        blocks = []
        for block in self._blocks(element):
            if not isinstance(block, Paragraph):
                raise self._refuse(_NAMES["tbl"])
            blocks.append(block)
        return Cell(
            tuple(blocks),
            int(_value(_first(sources, "gridSpan")) or 1),
            _value(_first(sources, "vAlign")) == "center",
            merge is not None and _value(merge) != "restart",
            None if fill in {None, "auto"} else fill,
        )


def _points(length: Any) -> float:
    return 0.0 if length is None else float(length.pt)


def _value(element: Any) -> str | None:
    return None if element is None else element.get(qn("w:val"))


def _first(sources: Iterable[Any], *tags: str) -> Any:
    found = (source.find(qn(f"w:{tag}")) for source in sources for tag in tags)
    return next((element for element in found if element is not None), None)


def _attribute(sources: Iterable[Any], tag: str, attribute: str) -> str | None:
    """The nearest value of one attribute; unlike whole elements, attributes of one tag are inherited one by one."""
    elements = (source.find(qn(f"w:{tag}")) for source in sources)
    values = (element.get(qn(f"w:{attribute}")) for element in elements if element is not None)
    return next((value for value in values if value is not None), None)


def _on(element: Any) -> bool:
    return element is not None and (_value(element) or "true") not in {"0", "false", "off", "none"}


def _indent(sources: Sequence[Any], names: tuple[str, ...], size: float) -> float:
    """An indent in points; one counted in characters goes before one in twips, as Word does it."""
    for name in names:
        if (characters := float(_attribute(sources, "ind", f"{name}Chars") or 0)) != 0:
            return characters / _CHARS * size
        if (twips := _attribute(sources, "ind", name)) is not None:
            return float(twips) / _TWIPS
    return 0.0


def _border(borders: Any, side: str, default: Border | None = None) -> Border | None:
    names = (side, _LOGICAL[side]) if side in _LOGICAL else (side,)
    element = None if borders is None else _first([borders], *names)
    if element is None:
        return default
    if _value(element) in {None, "nil", "none"}:
        return None
    color = element.get(qn("w:color")) or "auto"
    return Border(float(element.get(qn("w:sz")) or 4) / 8, "000000" if color == "auto" else color)


def _bordered(rows: Sequence[tuple[Row, Sequence[Any]]], shared: Any) -> tuple[Row, ...]:
    """The rows with each cell's four lines: its own where it has some, else the table's."""
    result = []
    for place, (row, own) in enumerate(rows):
        below = rows[place + 1][0].cells if place + 1 < len(rows) else ()
        goes_on = {column for column, cell in _columns(below) if cell.continued}
        cells, last = [], len(row.cells) - 1
        for number, (column, cell) in enumerate(_columns(row.cells)):
            sides = {
                "top": "top" if place == 0 else "insideH",
                "right": "right" if number == last else "insideV",
                "bottom": "insideH" if below else "bottom",
                "left": "left" if number == 0 else "insideV",
            }
            hidden = {"top"} if cell.continued else set()
            hidden |= {"bottom"} if column in goes_on else set()
            top, right, bottom, left = (
                None if side in hidden else _border(own[number], side, _border(shared, common))
                for side, common in sides.items()
            )
            cells.append(replace(cell, borders=(top, right, bottom, left)))
        result.append(replace(row, cells=tuple(cells)))
    return tuple(result)


def _columns(cells: Iterable[Cell]) -> Iterator[tuple[int, Cell]]:
    column = 0
    for cell in cells:
        yield column, cell
        column += cell.span


def _side(margins: Any, names: tuple[str, ...], default: str) -> float:
    elements = [] if margins is None else [margins.find(qn(f"w:{name}")) for name in names]
    values = (element.get(qn("w:w")) for element in elements if element is not None)
    return float(next((value for value in values if value is not None), default)) / _TWIPS
