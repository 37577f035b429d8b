"""Writes a letter as PDF: fonts embedded as subsets, nothing in it from the clock, the machine or a random source."""

from __future__ import annotations

import zlib
from html import escape
from typing import Any

from fpdf import FPDF
from fpdf.enums import TextMode
from fpdf.fonts import Glyph, SubsetMap, TTFFont
from fpdf.output import OutputProducer, PDFFont, PDFType3Font
from fpdf.syntax import Name, PDFContentStream, PDFObject
from pylopdf_fonts_zh_cn import sans_path, serif_path

from adapters.documents.blocks import Face, Letter
from adapters.documents.layout import Fill, Mark, Stroke, Text, paginate
from adapters.documents.moment import moment

_FILES = {"serif": serif_path, "sans": sans_path}
_BOLDNESS = 0.03  # a bold character is drawn with an outline this wide, in font sizes: the fonts come in one weight
_PRODUCER = "xinheng"
_COMPLIANCE = "PDF/A-2U"


def to_pdf(letter: Letter) -> bytes:
    """The letter as a PDF."""
    paper = _Paper(letter)
    for page in paginate(letter, paper.measure):
        paper.add_page()
        for mark in page:
            paper.draw(mark)
    return bytes(paper.output(output_producer_class=_Plain))


class _Paper(FPDF):
    def __init__(self, letter: Letter) -> None:
        super().__init__(unit="pt", format=letter.size, enforce_compliance=_COMPLIANCE)
        self.set_auto_page_break(False)
        self.set_margin(0)
        self.set_lang("zh-CN")
        created = moment(letter.date)
        self.set_creation_date(created)
        self.set_xmp_metadata(_xmp(letter, f"{created:%Y-%m-%dT%H:%M:%SZ}"))

    def face(self, name: Face) -> TTFFont:
        """The font of that name, added when it is first asked for."""
        if name not in self.fonts:
            self.add_font(name, "", _FILES[name]())
            added = self.fonts[name]
            assert isinstance(added, TTFFont)
            added.subset = _Direct(added)
        font = self.fonts[name]
        assert isinstance(font, TTFFont)
        return font

    def measure(self, character: str, face: Face) -> float | None:
        """The width of a character in font sizes, or None if the face lacks it."""
        font = self.face(face)
        code = ord(character)
        return font.cw[code] / 1000 if code in font.cmap else None

    def draw(self, mark: Mark) -> None:
        """Put one mark on the page."""
        if isinstance(mark, Fill):
            self.set_fill_color(f"#{mark.color}")
            self.rect(mark.x, mark.y, mark.width, mark.height, style="F")
            self.set_fill_color(0)
        elif isinstance(mark, Stroke):
            self._stroke(mark)
        else:
            self._write(mark)

    def _stroke(self, mark: Stroke) -> None:
        self.set_draw_color(f"#{mark.border.color}")
        self.set_line_width(mark.border.width)
        self.line(mark.x1, mark.y1, mark.x2, mark.y2)

    def _write(self, mark: Text) -> None:
        look = mark.look
        self.face(look.face)
        self.set_font(look.face, size=look.size)
        self.set_text_color(f"#{look.color}")
        self.set_char_spacing(mark.spacing)
        if look.bold:
            self.set_draw_color(f"#{look.color}")
            with self.local_context(text_mode=TextMode.FILL_STROKE, line_width=look.size * _BOLDNESS):
                self.text(mark.x, mark.y, mark.text)
        else:
            self.text(mark.x, mark.y, mark.text)
        if look.underline:
            depth = mark.y + look.size * 0.14
            self.set_draw_color(f"#{look.color}")
            self.set_line_width(look.size * 0.05)
            self.line(mark.x, depth, mark.x + mark.width, depth)


class _Direct(SubsetMap):
    """Characters keep the codes that the font itself gives them.

    So the font can use the encoding Identity-H, which every program that reads PDF understands; fpdf2's own numbering
    needs an embedded encoding, which some do not. Where two characters share a glyph (a radical and the character that
    looks like it), copied text has the one that came first.
    """

    def __init__(self, font: TTFFont) -> None:
        super().__init__(font)
        self._char_id_per_glyph.clear()
        self.taken: set[int] = set()

    def pick_glyph(self, glyph: Glyph | None) -> int | None:
        if glyph is None:
            return None
        code = int(glyph.glyph_name.removeprefix("cid"))  # the fonts are keyed by number: cid00001, cid00002, …
        if code not in self.taken:
            self.taken.add(code)
            self._char_id_per_glyph[glyph] = code
        return code


class _Plain(OutputProducer):
    """Writes every stream as it is: what deflate gives depends on the zlib of the machine."""

    def _add_fonts(self, *objects: Any) -> dict[int, PDFFont | PDFType3Font]:
        fonts = super()._add_fonts(*objects)
        for font in fonts.values():
            assert isinstance(font, PDFFont)
            font.encoding = Name("Identity-H")
        return fonts

    def _add_pdf_obj(self, pdf_obj: PDFObject, trace_label: str | None = None) -> int:
        if isinstance(pdf_obj, PDFContentStream) and pdf_obj.filter is not None:
            pdf_obj._contents = zlib.decompress(pdf_obj._contents)  # noqa: SLF001 - fpdf2 has no public switch for fonts
            pdf_obj.filter = None
            pdf_obj.length = len(pdf_obj._contents)  # noqa: SLF001 - as above
        return super()._add_pdf_obj(pdf_obj, trace_label)


def _xmp(letter: Letter, created: str) -> str:
    """The metadata that PDF/A asks for."""
    title, author = escape(letter.title), escape(letter.author)
    creator = f"<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>" if author else ""
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 xmp:CreateDate="{created}" xmp:ModifyDate="{created}" xmp:MetadataDate="{created}" pdf:Producer="{_PRODUCER}">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>U</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>{creator}
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>"""
