"""Annex tables in Excel and Word: written ones are read back, people's own are understood, bad ones are refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from docx import Document
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from adapters.authoring.annex_files import MAX_UNPACKED, OLE, AnnexError, docx_annex, read_annex, xlsx_annex
from engine.workbench.annex import AnnexRow, rows_of
from tests.shipped import shipped_policy

HEAD = ("序号", "惩戒措施", "法律及政策依据", "实施单位")
ROW = ("1", "限制甲", "《甲法》第一条", "财政局")


def workbook(path: Path, write: Callable[[Workbook], object]) -> Path:
    """A workbook that `write` fills."""
    book = Workbook(str(path))
    write(book)
    book.close()
    return path


def sheet(*rows: tuple[str, ...]) -> Callable[[Workbook], object]:
    """Writes plain rows."""

    def write(book: Workbook) -> None:
        page = book.add_worksheet("附件")
        for at, row in enumerate(rows):
            page.write_row(at, 0, row)

    return write


def placed(row: AnnexRow) -> AnnexRow:
    """A row without where it was found."""
    return replace(row, place="")


@pytest.mark.parametrize("form", [".xlsx", ".docx"])
def test_what_is_written_is_read_back(form: str, tmp_path: Path) -> None:
    """Measures over several rows among them; the same rows give the same bytes."""
    policy = shipped_policy()
    memorandum = policy.memoranda["public-body-default-2025"]
    rows = rows_of(memorandum, policy)
    write = {".xlsx": xlsx_annex, ".docx": docx_annex}[form]
    path = tmp_path / f"annex{form}"
    path.write_bytes(write(rows, memorandum.title))

    again = read_annex(path)

    assert tuple(map(placed, again)) == rows
    assert write(rows, memorandum.title) == path.read_bytes()


@pytest.mark.parametrize("evil", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "http://x.example/"])
def test_no_cell_of_a_written_workbook_is_a_formula_or_becomes_one(evil: str, tmp_path: Path) -> None:
    """The text is kept as it is, as text, and marked so that editing the cell does not turn it into a formula."""
    path = tmp_path / "annex.xlsx"
    path.write_bytes(xlsx_annex([AnnexRow(evil, evil, evil, number=evil)], evil))

    with zipfile.ZipFile(path) as package:
        cells = package.read("xl/worksheets/sheet1.xml")
        styles = package.read("xl/styles.xml")
    assert b"<f" not in cells.replace(b"<formatCode", b"")
    assert b'quotePrefix="1"' in styles
    assert CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()[-1] == [evil] * 4


def test_other_people_s_workbooks_are_understood(tmp_path: Path) -> None:
    """A title above, other words in the header, two columns of departments, merged cells, headings, hidden sheets."""

    def write(book: Workbook) -> None:
        page = book.add_worksheet("附件1")
        page.merge_range(0, 0, 0, 4, "联合惩戒措施清单（共两项）")
        page.write_row(1, 0, ("项目", "联合 激励措施", "法律依据", "牵头部门", "责任单位"))
        page.merge_range(2, 0, 2, 4, "一、市场准入")
        page.merge_range(3, 0, 4, 0, 1)
        page.merge_range(3, 1, 4, 1, "限制甲")
        page.write_row(3, 2, ("《甲法》第一条\n《乙法》", "财政局", "税务局"))
        page.write_row(4, 2, ("《丙法》第二条", "财政局"))
        page.write_row(6, 2, ("《丁法》", "公安局"))
        hidden = book.add_worksheet("草稿")
        hidden.write_row(0, 0, HEAD)
        hidden.write_row(1, 0, ROW)
        hidden.hide()

    assert read_annex(workbook(tmp_path / "a.xlsx", write)) == (
        AnnexRow("一、市场准入", "", "", "工作表“附件1”第 3 行"),
        AnnexRow("限制甲", "《甲法》第一条\n《乙法》", "财政局、税务局", "工作表“附件1”第 4 行", "1"),
        AnnexRow("限制甲", "《丙法》第二条", "财政局", "工作表“附件1”第 5 行", "1"),
        AnnexRow("限制甲", "《丁法》", "公安局", "工作表“附件1”第 7 行", above=True),
    )


def test_other_people_s_documents_are_understood(tmp_path: Path) -> None:
    """Text around the tables, a header on every page, cells merged down and across."""
    document = Document()
    document.add_paragraph("附件：")
    for start in (1, 3):
        table = document.add_table(0, 4)
        for row in (HEAD, (str(start), "限制甲", "《甲法》", "财政局"), (str(start + 1), "", "《乙法》", "税务局")):
            for cell, text in zip(table.add_row().cells, row, strict=True):
                cell.text = text
        table.cell(1, 1).merge(table.cell(2, 1))
        across = table.add_row().cells
        across[0].merge(across[3]).text = "二、其他"
    path = tmp_path / "a.docx"
    document.save(str(path))

    rows = read_annex(path)

    assert [(r.number, r.measure, r.basis, r.departments) for r in rows[:3]] == [
        ("1", "限制甲", "《甲法》", "财政局"),
        ("2", "限制甲", "《乙法》", "税务局"),
        ("", "二、其他", "", ""),
    ]
    assert [r.place for r in rows[2:5]] == ["第 1 个表格第 4 行", "第 2 个表格第 2 行", "第 2 个表格第 3 行"]


def bomb(path: Path) -> Path:
    """A package whose one member says that it is far too large."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("xl/workbook.xml", "x")
    content = bytearray(out.getvalue())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (MAX_UNPACKED + 1).to_bytes(4, "little")  # the size once unpacked
    path.write_bytes(content)
    return path


def raw(content: bytes) -> Callable[[Path], Path]:
    """Writes bytes."""

    def write(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return write


def packed(*names: str) -> bytes:
    """A package with empty members."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name in names:
            package.writestr(name, "")
    return out.getvalue()


def with_formula(book: Workbook) -> None:
    """The right table, but for one cell."""
    page = book.add_worksheet()
    page.write_row(0, 0, HEAD)
    page.write_row(1, 0, ROW)
    page.write_formula("B3", "=B2")


def far_out(book: Workbook) -> None:
    """A cell far below the table."""
    book.add_worksheet().write("A1048576", "x")


def of_book(write: Callable[[Workbook], object]) -> Callable[[Path], Path]:
    """Writes a workbook."""
    return lambda path: workbook(path, write)


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("a.xlsx", of_book(sheet()), "没有表格"),
        ("a.xlsx", of_book(sheet(("甲", "乙"), ("1", "2"))), "第一行写的是“甲”、“乙”"),
        ("a.xlsx", of_book(sheet(HEAD)), "表头下面没有内容"),
        ("a.xlsx", of_book(with_formula), "单元格 B3 是公式"),
        ("a.xlsx", of_book(far_out), "表格太长"),
        ("a.xlsx", of_book(lambda book: book.add_worksheet().write("XFD1", "x")), "单元格 XFD1 太远"),
        ("a.xlsx", bomb, "解开后超过"),
        ("a.xlsx", raw(OLE + b"x" * 100 + "EncryptedPackage".encode("utf-16-le")), "有密码"),
        ("a.xlsx", raw(OLE), "旧格式"),
        ("a.xlsx", raw(b"PK\x03\x04 no"), "已损坏"),
        ("a.xlsx", raw(packed("word/document.xml")), "内容不是 .xlsx"),
        ("a.xlsx", raw(packed("xl/workbook.xml")), "已损坏"),
        ("a.docx", raw(packed("word/document.xml", "[Content_Types].xml")), "已损坏"),
        ("a.docx", raw(b""), "已损坏"),
        ("a.xls", raw(OLE), "另存为 .xlsx"),
        ("a.doc", raw(OLE), "另存为 .docx"),
        ("a.csv", raw(b"a,b"), "只能读"),
    ],
)
def test_what_is_no_annex_is_refused_with_the_reason(
    name: str, make: Callable[[Path], Path], words: str, tmp_path: Path
) -> None:
    """In words that say what to do."""
    with pytest.raises(AnnexError, match=words):
        read_annex(make(tmp_path / name))
