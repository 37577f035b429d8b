"""A plain Word document: title, headings, paragraphs, lists and tables, set for Chinese; same content, same bytes."""

# ruff: noqa: SLF001 - python-docx offers no other way to the XML under its objects
from __future__ import annotations

import datetime as dt
import re
import zipfile
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

if TYPE_CHECKING:
    from docx.table import Table as WordTable
    from docx.text.paragraph import Paragraph

EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip archive can name
BODY, HEADING = "宋体", "黑体"
SIZES = {1: 18, 2: 15, 3: 13, 4: 11}  # points of headings
MARGIN = 2.2  # cm
NAME = 40  # characters of a bookmark's name


class Page:
    """A document being written, on A4."""

    def __init__(self, *, landscape: bool = False) -> None:
        self.document = Document()
        self.anchors: dict[str, int] = {}
        section = self.document.sections[0]
        wide, high = Cm(21), Cm(29.7)
        if landscape:
            section.orientation = WD_ORIENT.LANDSCAPE
            wide, high = high, wide
        section.page_width, section.page_height = wide, high
        section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(MARGIN)
        self.width = wide - 2 * Cm(MARGIN)
        normal = self.document.styles["Normal"]
        _font(normal, BODY, 10.5)
        normal.paragraph_format.space_after = Pt(4)
        normal.paragraph_format.line_spacing = 1.3
        for level, size in SIZES.items():
            style = self.document.styles[f"Heading {level}"]
            _font(style, HEADING, size)
            style.font.color.rgb = RGBColor(0, 0, 0)
        _numbered_foot(section)

    def title(self, text: str) -> None:
        """The document's title, in the middle."""
        self.document.core_properties.title = text[:255]
        paragraph = self.document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = paragraph.add_run(text)
        _font(run, HEADING, 20)
        paragraph.paragraph_format.space_after = Pt(12)

    def heading(self, text: str, level: int, anchor: str = "") -> None:
        """A heading; with an `anchor` the table of contents can lead to it."""
        paragraph = self.document.add_heading(text, level)
        if anchor:
            self.anchors.setdefault(anchor, len(self.anchors))
            number = str(self.anchors[anchor])
            for tag, attributes in (("w:bookmarkStart", {"w:name": _bookmark(anchor)}), ("w:bookmarkEnd", {})):
                mark = OxmlElement(tag, attrs={qn(k): v for k, v in {"w:id": number, **attributes}.items()})
                paragraph._p.append(mark)

    def paragraph(self, text: str, *, bold: str = "", indent: float = 0, grey: bool = False) -> None:
        """A paragraph; `bold` comes first in bold face, `indent` is in cm."""
        paragraph = self.document.add_paragraph()
        if indent:
            paragraph.paragraph_format.left_indent = Cm(indent)
        if bold:
            paragraph.add_run(bold).bold = True
        run = paragraph.add_run(text)
        if grey:
            run.font.color.rgb = RGBColor(0x59, 0x59, 0x59)

    def contents(self, entries: Sequence[tuple[int, str, str]]) -> None:
        """A table of contents: level, text and anchor. Word puts in page numbers when told to update it."""
        for index, (level, text, anchor) in enumerate(entries):
            paragraph = self.document.add_paragraph()
            paragraph.paragraph_format.left_indent = Cm(0.75 * (level - 1))
            paragraph.paragraph_format.space_after = Pt(1)
            if index == 0:
                _field(paragraph, "begin", 'TOC \\o "1-3" \\h \\z \\u', "separate")
            link = OxmlElement("w:hyperlink", attrs={qn("w:anchor"): _bookmark(anchor)})
            link.append(paragraph.add_run(text)._r)
            paragraph._p.append(link)
            if index + 1 == len(entries):
                _field(paragraph, "end")

    def table(self, columns: Sequence[str], widths: Sequence[float]) -> Table:
        """A table with a head that is repeated on every page; `widths` are in proportion."""
        return Table(self.document.add_table(0, len(columns)), columns, [self.width * w / sum(widths) for w in widths])

    def rows(self, columns: Sequence[str], widths: Sequence[float], rows: Sequence[Sequence[str]]) -> None:
        """A whole table, and a little room below it."""
        table = self.table(columns, widths)
        for row in rows:
            table.row(row)
        self.document.add_paragraph().paragraph_format.space_after = Pt(2)

    def page_break(self) -> None:
        """What follows begins on a new page."""
        self.document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)

    def content(self) -> bytes:
        """The file."""
        properties = self.document.core_properties
        properties.created = properties.modified = dt.datetime(*EARLIEST, tzinfo=dt.UTC).replace(tzinfo=None)
        properties.author, properties.language = "", "zh-CN"
        raw, out = BytesIO(), BytesIO()
        self.document.save(raw)
        with zipfile.ZipFile(raw) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
            for name in made.namelist():
                info = zipfile.ZipInfo(name, EARLIEST)
                info.compress_type = zipfile.ZIP_DEFLATED
                target.writestr(info, made.read(name))
        return out.getvalue()


class Table:
    """A table being written."""

    def __init__(self, table: WordTable, columns: Sequence[str], widths: Sequence[float]) -> None:
        self.inner, self.widths, self.count = table, widths, 0
        table.style = "Table Grid"
        table.autofit = False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = int(width)
        self.row(columns, bold=True)
        head = table.rows[0]._tr.get_or_add_trPr()
        mark = OxmlElement("w:tblHeader")
        head.append(mark)

    def row(self, cells: Sequence[str], *, bold: bool = False) -> int:
        """Add a row; its index."""
        row = self.inner.add_row()  # type: ignore[no-untyped-call]  # absent from its annotations
        whole = OxmlElement("w:cantSplit")
        row._tr.get_or_add_trPr().append(whole)
        for cell, text, width in zip(row.cells, cells, self.widths, strict=True):
            cell.width = int(width)
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(2)
            paragraph.paragraph_format.line_spacing = 1.15
            lines = text.split("\n")
            for number, line in enumerate(lines):
                run = paragraph.add_run(line)
                run.bold = bold or None
                if number + 1 < len(lines):
                    run.add_break()
        self.count += 1
        return self.count - 1

    def span(self, first: int, last: int, column: int, text: str) -> None:
        """One cell from row `first` to row `last`, with `text`."""
        cell = self.inner.cell(first, column)
        if last > first:
            cell = cell.merge(self.inner.cell(last, column))
        for extra in cell.paragraphs[1:]:
            extra._p.getparent().remove(extra._p)
        cell.paragraphs[0].add_run(text)


def _bookmark(anchor: str) -> str:
    """A name that Word takes: letters, digits and underscores, at most 40."""
    plain = re.sub(r"\W", "_", anchor)
    return plain if len(plain) <= NAME else f"{plain[: NAME - 9]}_{zlib.crc32(plain.encode()):08x}"


def _field(paragraph: Paragraph, *parts: str) -> None:
    """Marks of a complex field, with its instruction among them."""
    for part in parts:
        run = paragraph.add_run()
        if part in {"begin", "separate", "end"}:
            mark = OxmlElement("w:fldChar", attrs={qn("w:fldCharType"): part})
        else:
            mark = OxmlElement("w:instrText", attrs={qn("xml:space"): "preserve"})
            mark.text = part
        run._r.append(mark)


def _font(target: Any, face: str, size: float) -> None:
    """Set the face for Latin and for Chinese text."""
    target.font.name = face
    target.font.size = Pt(size)
    properties = target.element.get_or_add_rPr() if hasattr(target, "element") else target._r.get_or_add_rPr()
    fonts = properties.get_or_add_rFonts()
    for name in ("w:eastAsia", "w:ascii", "w:hAnsi"):
        fonts.set(qn(name), face)
    for name in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        fonts.attrib.pop(qn(name), None)


def _numbered_foot(section: Any) -> None:
    paragraph = section.footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)
