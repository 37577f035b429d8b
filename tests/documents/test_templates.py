"""A template that is wrong says so, with its file and the cause; what Word and LibreOffice do to one is kept."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pytest
from docx.enum.text import WD_BREAK
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from pypdf import PdfReader

from adapters.documents import TemplateError, default_templates, render
from tests.documents.support import SAMPLE, custom, docx_text, filled, pdf_pages, pdf_text, saved, squeezed

BROKEN = [
    (["正文", "{% if number %}", "结尾"], r"标签写错了.*在这几行附近：.*结尾"),
    (["{{ number"], "标签写错了"),
    (["{{ number }"], "标签写错了"),
    (["{%p for fact in facts %}", "{{ fact.title }}"], "标签写错了"),
    (["{{ number | upper_case }}"], "标签写错了.*upper_case"),
    (["{{ nunber }}"], r"没有占位符 nunber；是不是 number"),
    (["{%p for fact in facts %}", "{{ fact.vale }}", "{%p endfor %}"], r"fact 没有占位符 vale；是不是 value"),
    (["{{ repair.earlest }}"], r"repair 没有占位符 earlest；是不是 earliest"),
    (["{%p for e in obligation.evidence %}", "{{ e.sha }}", "{%p endfor %}"], r"e 没有占位符 sha；"),
    (["{{ facts.title }}"], r"facts 是列表，先用 \{%p for … in facts %\}"),
    (["{{ number.year }}"], "number 是一段文字，没有 year"),
    (["｛｛ number ｝｝"], "半角的花括号"),
    (["{％ if number %}{% endif %}"], "半角的花括号"),
    (["{{ number + 1 }}"], "TypeError"),
    (["{{ 1 / 0 }}"], "ZeroDivisionError"),
    (["{% include 'x' %}"], "no loader"),
    (["{{ range(1000000000) | list }}"], "OverflowError"),
    (["{{ rights | random }}"], "标签写错了.*random"),
    (["{{ lipsum() }}"], "没有占位符 lipsum"),
    (["{{ ''.__class__.__mro__ }}"], "SecurityError"),
    (["{%tr for fact in facts %}", "x", "{%tr endfor %}"], "标签写错了"),
]


@pytest.mark.parametrize(("texts", "cause"), BROKEN)
def test_a_wrong_tag_is_named_with_its_file(tmp_path: Path, texts: list[str], cause: str) -> None:
    """The message has the file's name and the cause; nothing is rendered."""
    with pytest.raises(TemplateError, match=rf"文书模板 notice\.docx：.*{cause}") as caught:
        render("notice", SAMPLE, custom(tmp_path, *texts))

    assert caught.value.file == "notice.docx"


def test_a_tag_that_breaks_the_structure_is_found(tmp_path: Path) -> None:
    """By itself docxtpl would repair the XML silently and lose text."""
    document = docx.Document()
    table = document.add_table(2, 1)
    table.cell(0, 0).text, table.cell(1, 0).text = "{%tr if not number %}", "{%p endif %}"
    with pytest.raises(TemplateError, match=r"结构不完整.*要独占"):
        render("notice", SAMPLE, saved(tmp_path, document))


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 half a zip"])
def test_a_file_that_is_no_docx_is_named(tmp_path: Path, content: bytes) -> None:
    """A damaged file is the template's fault."""
    (tmp_path / "notice.docx").write_bytes(content)
    with pytest.raises(TemplateError, match=r"文书模板 notice\.docx：BadZipFile"):
        render("notice", {}, tmp_path)


def test_typographic_quotes_in_a_tag_are_understood(tmp_path: Path) -> None:
    """Word turns straight quotes into curly ones while one types."""
    assert filled(tmp_path, "{{ number or “无” }}") == "无"


def test_a_caller_may_give_more_than_the_list_of_placeholders(tmp_path: Path) -> None:
    """A key of one's own is a placeholder as soon as the context has it."""
    assert filled(tmp_path, "{{ court.name }}", court={"name": "项城市人民法院"}) == "项城市人民法院"


@pytest.mark.parametrize(
    ("given", "shown"), [("", "无。"), ("甲", "甲。"), ("甲。", "甲。"), ("甲；", "甲；"), ("<甲>", "<甲>。")]
)
def test_the_filter_sentence_adds_a_full_stop_where_one_is_missing(tmp_path: Path, given: str, shown: str) -> None:
    """Whoever fills in a reason may or may not end it with a full stop; the letter has one."""
    assert filled(tmp_path, '{{ reasons | sentence or "无。" }}', reasons=given) == shown


def test_names_that_a_template_sets_itself_are_known(tmp_path: Path) -> None:
    """`set`, loops over loops and `loop` do not count as unknown placeholders."""
    loops = "{% for a in rights %}{{ loop.index }}{% for k, v in [(a, n)] %}{{ k }}{% endfor %}{% endfor %}"

    assert filled(tmp_path, "{% set n = 1 %}{{ n }}" + loops, rights=["甲"]) == "11甲"


def test_an_unknown_name_is_found_even_where_it_is_not_reached(tmp_path: Path) -> None:
    """A letter of another day might reach it."""
    with pytest.raises(TemplateError, match="没有占位符 reason；是不是 reasons"):
        filled(tmp_path, "{% if number %}{{ reason }}{% endif %}")


def paragraph(inner: str) -> str:
    """The XML of a paragraph."""
    return f"<w:p {nsdecls('w')}>{inner}</w:p>"


UNSUPPORTED = [
    (paragraph('<w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr>'), "自动编号"),
    (paragraph("<w:r><w:drawing/></w:r>"), "图片"),
    (paragraph("<w:r><w:footnoteReference w:id='2'/></w:r>"), "脚注"),
    (paragraph("<w:ins w:id='1' w:author='x'><w:r><w:t>新</w:t></w:r></w:ins>"), "未接受的修订"),
    (paragraph("<w:del w:id='1' w:author='x'><w:r><w:delText>旧</w:delText></w:r></w:del>"), "未接受的修订"),
    (paragraph("<w:r><w:rPr><w:strike/></w:rPr><w:t>x</w:t></w:r>"), "删除线"),
    (paragraph("<w:r><w:commentReference w:id='0'/></w:r>"), "批注"),
    (paragraph("<w:fldSimple w:instr=' DATE '><w:r><w:t>x</w:t></w:r></w:fldSimple>"), "域 DATE"),
    (paragraph("<w:pPr><w:sectPr/></w:pPr>"), "分节符"),
    (paragraph("<w:pPr><w:spacing w:line='x'/></w:pPr>"), "读不懂它的排版"),
]


@pytest.mark.parametrize(("xml", "cause"), UNSUPPORTED)
def test_what_the_pdf_cannot_show_is_refused_not_dropped(tmp_path: Path, xml: str, cause: str) -> None:
    """Both forms of a letter say the same, or there is no letter."""
    document = docx.Document()
    document.element.body.insert(0, parse_xml(xml))
    with pytest.raises(TemplateError, match=cause):
        render("notice", {}, saved(tmp_path, document))


def test_what_editors_leave_behind_is_ignored(tmp_path: Path) -> None:
    """Spelling marks, bookmarks, revision numbers, content controls and links neither break a tag nor lose text."""
    document = docx.Document()
    inner = (
        "<w:bookmarkStart w:id='0' w:name='x'/><w:r w:rsidR='00A'><w:t>{{ num</w:t></w:r>"
        "<w:proofErr w:type='spellStart'/>"
        "<w:r><w:rPr><w:b/></w:rPr><w:t>ber }}</w:t></w:r><w:bookmarkEnd w:id='0'/>"
        "<w:sdt><w:sdtContent><w:r><w:t>甲</w:t></w:r></w:sdtContent></w:sdt>"
        "<w:hyperlink><w:r><w:t>乙</w:t></w:r></w:hyperlink>"
    )
    document.element.body.insert(0, parse_xml(paragraph(inner)))
    letter = render("notice", {"number": "12号"}, saved(tmp_path, document))

    assert pdf_pages(letter) == ["12号甲乙"]


def test_page_breaks_page_numbers_and_first_pages_are_kept(tmp_path: Path) -> None:
    """What sets pages apart in Word does so in the PDF."""
    document = docx.Document()
    section = document.sections[0]
    section.different_first_page_header_footer = True
    section.first_page_header.paragraphs[0].text = "首页 {{ number }}"
    section.header.paragraphs[0].text = "续页"
    for instruction in ("PAGE", "NUMPAGES"):
        field = f"<w:fldSimple {nsdecls('w')} w:instr=' {instruction} '><w:r><w:t>0</w:t></w:r></w:fldSimple>"
        section.header.paragraphs[0]._p.append(parse_xml(field))
    document.add_paragraph("甲").add_run().add_break(WD_BREAK.PAGE)
    document.add_paragraph("乙").paragraph_format.page_break_before = True
    letter = render("notice", {"number": "12号"}, saved(tmp_path, document))

    assert pdf_pages(letter) == ["甲首页12号", "续页23", "乙续页33"]


def test_merged_cells_and_repeated_headings_are_kept(tmp_path: Path) -> None:
    """A merged cell shows once; a heading row shows again on each page that the table goes on to."""
    document = docx.Document()
    table = document.add_table(60, 2)
    for place, row in enumerate(table.rows):
        row.cells[0].text, row.cells[1].text = f"左{place}", f"右{place}"
    table.rows[0]._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
    table.cell(1, 0).merge(table.cell(2, 0)).text = "竖并"
    table.cell(3, 0).merge(table.cell(3, 1)).text = "横并"
    pages = pdf_pages(render("notice", {}, saved(tmp_path, document)))

    assert all(page.startswith("左0右0") for page in pages)
    assert len(pages) > 1
    assert "左0右0竖并右1右2横并左4右4" in pages[0]


def test_a_template_that_libreoffice_saved_is_understood(tmp_path: Path) -> None:
    """LibreOffice names the document properties its own way; python-docx alone would write them twice."""
    import zipfile  # noqa: PLC0415 - beside its only use

    standard = b"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
    other = b"http://schemas.openxmlformats.org/officedocument/2006/relationships/metadata/core-properties"
    source = zipfile.ZipFile(default_templates() / "notice.docx")
    with source, zipfile.ZipFile(tmp_path / "notice.docx", "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(standard, other))
    letter = render("notice", SAMPLE, tmp_path)

    assert docx_text(render("notice", SAMPLE)) == docx_text(letter)
    with zipfile.ZipFile(io.BytesIO(letter.docx)) as archive:
        assert archive.namelist().count("docProps/core.xml") == 1


def test_a_table_or_a_cell_that_came_out_empty_leaves_a_sound_file(tmp_path: Path) -> None:
    """Word calls a table without rows and a cell without a paragraph damaged; neither is written."""
    document = docx.Document()
    rows = document.add_table(3, 1)
    for cell, text in zip(rows.columns[0].cells, ("{%tr for x in rights %}", "{{ x }}", "{%tr endfor %}"), strict=True):
        cell.text = text
    cell = document.add_table(1, 1).cell(0, 0)
    cell.text = "{%p if number %}"
    cell.add_paragraph("{{ number }}")
    cell.add_paragraph("{%p endif %}")
    content = render("notice", {}, saved(tmp_path, document)).docx

    tables = docx.Document(io.BytesIO(content)).tables
    assert [[[paragraph.text for paragraph in table.cell(0, 0).paragraphs]] for table in tables] == [[[""]]]


def test_lines_never_begin_or_end_with_the_wrong_mark(tmp_path: Path) -> None:
    """避头尾: no line begins with a closing mark or ends with an opening one."""
    text = "列入（名单）、《条例》：“公示”；" * 40
    reader = PdfReader(io.BytesIO(render("notice", {"reasons": text}, custom(tmp_path, "{{ reasons }}")).pdf))

    lines = [squeezed(line) for line in reader.pages[0].extract_text().splitlines() if line.strip()]
    assert squeezed(text) == "".join(lines)
    assert [line for line in lines if line[0] in "，。、；：）》”" or line[-1] in "（《“"] == []


def test_a_word_longer_than_a_line_is_broken(tmp_path: Path) -> None:
    """A digest or an address cannot run off the page."""
    letter = render("notice", {"receipt": "0123456789abcdef" * 16}, custom(tmp_path, "{{ receipt }}"))

    reader = PdfReader(io.BytesIO(letter.pdf))
    assert len(reader.pages[0].extract_text().splitlines()) > 1
    assert pdf_text(letter) == "0123456789abcdef" * 16
