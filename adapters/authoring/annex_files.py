"""Reads and writes the annex of a memorandum: a table in an xlsx or docx file.

What comes in is not trusted: nothing is unpacked before its size is known, and a table may not be larger than a person
could have written. A cell with a formula is refused, since what it shows is not what stands in it.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from engine.workbench.annex import COLUMNS, AnnexRow

MAX_FILE = 20 << 20  # bytes; annexes have some ten pages
MAX_UNPACKED = 100 << 20
MAX_MEMBERS = 2_000
MAX_ROWS, MAX_COLUMNS = 3_000, 60
HEADER_WITHIN = 15  # rows in which the header has to come
MAX_HEADING = 20  # characters of a column's heading
OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # old Office formats, and the new ones under a password
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*?\br=[\"'](\d+)[\"']")
PLACE = re.compile(rb"\br=[\"']([A-Z]{1,3})(\d+)[\"']")
FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
DEPARTMENT_WORDS = ("单位", "部门", "机构")
WIDTHS = (6, 42, 48, 34)  # of the columns written, in characters


class AnnexError(Exception):
    """A file is no annex that can be read; the message says why, in Chinese."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table's cells as text. `name` and `first` say where its rows stand."""

    name: str
    rows: tuple[tuple[str, ...], ...]
    first: int = 1


@dataclass(frozen=True, slots=True)
class _Columns:
    measure: int
    basis: int
    departments: tuple[int, ...]
    number: int | None


def read_annex(path: Path) -> tuple[AnnexRow, ...]:
    """The rows of every table with columns for measure, basis and department.

    Raises:
        AnnexError: the file has no such table, or is nothing that may be read.
        OSError: it cannot be read.

    """
    content = _content(path)
    grids = list(_sheets(content) if path.suffix.lower() == ".xlsx" else _tables(content))
    rows = [row for grid in grids for row in _rows(grid)]
    if rows:
        return tuple(rows)
    if not any(cell for grid in grids for row in grid.rows for cell in row):
        raise AnnexError("文件里没有表格，或者表格是空的")
    if any(_header(row) for grid in grids for row in grid.rows[:HEADER_WITHIN]):
        raise AnnexError("表头下面没有内容")
    seen = "、".join(f"“{cell}”" for cell in next(r for g in grids for r in g.rows if any(r)) if cell)
    raise AnnexError(f"没有找到“措施、依据、实施单位”三列的表头；第一行写的是{seen[:200]}")


def _content(path: Path) -> bytes:
    """The file's bytes, once it is known to be a package of a size that can be opened."""
    suffix = path.suffix.lower()
    if suffix in {".xls", ".doc", ".et", ".wps"}:
        raise AnnexError(f"读不了 {suffix} 格式：请另存为 {'.xlsx' if suffix in {'.xls', '.et'} else '.docx'}")
    if suffix not in {".xlsx", ".docx"}:
        raise AnnexError("只能读 .xlsx 和 .docx 文件")
    with path.open("rb") as stream:
        content = stream.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise AnnexError(f"文件超过 {MAX_FILE >> 20} MiB")
    if content.startswith(OLE):
        encrypted = ENCRYPTED in content
        raise AnnexError("文件有密码：请去掉密码后再试" if encrypted else f"文件其实是旧格式：请另存为 {suffix}")
    try:
        with zipfile.ZipFile(BytesIO(content)) as package:
            members = package.infolist()
            if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_UNPACKED:
                raise AnnexError(f"文件解开后超过 {MAX_UNPACKED >> 20} MiB，不像一份附件")
            if any(m.flag_bits & 1 for m in members):
                raise AnnexError("文件有密码：请去掉密码后再试")
            if package.testzip() is not None:
                raise AnnexError("文件已损坏")
            wanted = "xl/workbook.xml" if suffix == ".xlsx" else "word/document.xml"
            if wanted not in package.namelist():
                raise AnnexError(f"内容不是 {suffix} 文件")
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise AnnexError(f"不是 {suffix} 文件，或者已损坏") from error
    return content


# --- xlsx --------------------------------------------------------------------------------------------------------


def _sheets(content: bytes) -> Iterator[Grid]:
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum  # noqa: PLC0415 - late

    _check_cells(content)
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(content))
        for described in book.sheets_metadata:
            if described.typ is not SheetTypeEnum.WorkSheet or described.visible is not SheetVisibleEnum.Visible:
                continue
            sheet = book.get_sheet_by_name(described.name)
            rows = [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
            for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
                for below in range(top + 1, min(bottom + 1, len(rows))):
                    if left < len(rows[below]):
                        rows[below][left] = rows[top][left]
            yield Grid(f"工作表“{described.name}”", tuple(map(tuple, rows)))
    except (CalamineError, ValueError) as error:
        raise AnnexError("工作簿已损坏，读不出来") from error


def _check_cells(packed: bytes) -> None:
    """No formulas, and no cell so far out that the table in between would fill the memory."""
    with zipfile.ZipFile(BytesIO(packed)) as package:
        for name in package.namelist():
            if not re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                continue
            content = package.read(name)
            if any(int(row) > MAX_ROWS for row in ROW.findall(content)):
                raise AnnexError(f"表格太长：附件最多 {MAX_ROWS} 行，请删去多余的行")
            for attributes, inside in CELL.findall(content):
                place = PLACE.search(attributes)
                if place and (int(place[2]) > MAX_ROWS or _column(place[1]) > MAX_COLUMNS):
                    raise AnnexError(
                        f"单元格 {_named(place)} 太远：附件最多 {MAX_ROWS} 行、{MAX_COLUMNS} 列，请删去多余的格"
                    )
                if FORMULA.search(inside):
                    raise AnnexError(f"单元格 {_named(place)} 是公式：请改成公式算出的文字")


def _named(place: re.Match[bytes] | None) -> str:
    return place[1].decode() + place[2].decode() if place else "（位置不明）"


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value).strip()


# --- docx --------------------------------------------------------------------------------------------------------


def _tables(content: bytes) -> Iterator[Grid]:
    from docx import Document  # noqa: PLC0415 - late, so that other commands start fast
    from docx.opc.exceptions import OpcError  # noqa: PLC0415 - likewise
    from lxml.etree import XMLSyntaxError  # type: ignore[import-untyped]  # noqa: PLC0415 - likewise

    try:
        for number, table in enumerate(Document(BytesIO(content)).tables, 1):
            if len(table.rows) > MAX_ROWS or len(table.columns) > MAX_COLUMNS:
                raise AnnexError(f"第 {number} 个表格超过 {MAX_ROWS} 行或 {MAX_COLUMNS} 列")
            rows = []
            for row in table.rows:
                cells, before = [], None
                for cell in row.cells:
                    cells.append("" if cell._tc is before else cell.text.strip())  # noqa: SLF001 - merged across
                    before = cell._tc  # noqa: SLF001 - as above
                rows.append(tuple(cells))
            yield Grid(f"第 {number} 个表格", tuple(rows))
    except (OpcError, XMLSyntaxError, KeyError, ValueError) as error:
        raise AnnexError("文档已损坏，读不出来") from error


# --- rows --------------------------------------------------------------------------------------------------------


def _rows(grid: Grid) -> Iterator[AnnexRow]:
    """The rows below the header; a header repeated on the next page is passed over."""
    columns: _Columns | None = None
    above = ""
    for index, cells in enumerate(grid.rows):
        if (found := _header(cells)) is not None:
            columns = found
            continue
        if columns is None or not any(cells):
            if columns is None and index >= HEADER_WITHIN:
                return
            continue
        row = AnnexRow(
            _cell(cells, columns.measure),
            _cell(cells, columns.basis),
            "、".join(dict.fromkeys(filter(None, (_cell(cells, at) for at in columns.departments)))),
            place=f"{grid.name}第 {index + grid.first} 行",
            number=_cell(cells, columns.number),
        )
        if not (row.measure or row.basis or row.departments):  # a heading merged over the table
            yield AnnexRow(next(filter(None, cells)), "", "", row.place)
        elif row.measure:
            above = row.measure
            yield row
        else:
            yield AnnexRow(above, row.basis, row.departments, row.place, row.number, above=True)


def _cell(cells: Sequence[str], at: int | None) -> str:
    return cells[at] if at is not None and at < len(cells) else ""


def _header(cells: Iterable[str]) -> _Columns | None:
    """Which column has what, if these cells are a header."""
    measure = basis = number = None
    departments: list[int] = []
    for at, cell in enumerate(cells):
        title = re.sub(r"\s", "", cell)
        if len(title) > MAX_HEADING:
            continue
        if "依据" in title:
            basis = at if basis is None else basis
        elif "措施" in title:
            measure = at if measure is None else measure
        elif any(word in title for word in DEPARTMENT_WORDS):
            departments.append(at)
        elif title in {"序号", "编号", "项目"}:
            number = at
    if measure is None or basis is None or not departments:
        return None
    return _Columns(measure, basis, tuple(departments), number)


# --- writing -----------------------------------------------------------------------------------------------------


def xlsx_annex(rows: Sequence[AnnexRow], title: str) -> bytes:
    """The table as a workbook. Cells are text, and stay text when somebody edits them."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - late, so that other commands start fast

    out = BytesIO()
    book = Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": title, "created": dt.datetime(2000, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)})
    sheet = book.add_worksheet("附件")
    look = {"text_wrap": True, "valign": "vcenter", "border": 1, "quote_prefix": True}
    body, middle = book.add_format(look), book.add_format({**look, "align": "center"})
    head = book.add_format({**look, "align": "center", "bold": True, "bg_color": "#E7E6E6"})
    top = book.add_format({"bold": True, "font_size": 14, "align": "center", "valign": "vcenter", "text_wrap": True})
    for at, wide in enumerate(WIDTHS):
        sheet.set_column(at, at, wide)
    sheet.merge_range(0, 0, 0, len(COLUMNS) - 1, title, top)
    sheet.set_row(0, 40)
    for at, name in enumerate(COLUMNS):
        sheet.write_string(1, at, name, head)
    for first, group in _grouped(rows):
        for offset, row in enumerate(group):
            line = first + offset + 2
            sheet.write_string(line, 2, row.basis, body)
            sheet.write_string(line, 3, row.departments, body)
            sheet.set_row(line, 15 * max(2, row.basis.count("\n") + 1, len(row.departments) // 16 + 1))
        for at, text, form in ((0, group[0].number, middle), (1, group[0].measure, body)):
            if len(group) > 1:
                sheet.merge_range(first + 2, at, first + len(group) + 1, at, text, form)
            else:
                sheet.write_string(first + 2, at, text, form)
    sheet.freeze_panes(2, 0)
    sheet.repeat_rows(1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    book.close()
    return out.getvalue()


def _grouped(rows: Sequence[AnnexRow]) -> Iterator[tuple[int, list[AnnexRow]]]:
    """Rows that share their measure, with the index of the first."""
    start = 0
    for index in range(1, len(rows) + 1):
        if index == len(rows) or (rows[index].number, rows[index].measure) != (rows[start].number, rows[start].measure):
            yield start, list(rows[start:index])
            start = index


def docx_annex(rows: Sequence[AnnexRow], title: str) -> bytes:
    """The table as a document, its head repeated on every page."""
    from adapters.authoring.word import Page  # noqa: PLC0415 - late, so that other commands start fast

    page = Page(landscape=True)
    page.title(title)
    table = page.table(COLUMNS, WIDTHS)
    for _, group in _grouped(rows):
        lines = [table.row(("", "", row.basis, row.departments)) for row in group]
        for at, text in ((0, group[0].number), (1, group[0].measure)):
            table.span(lines[0], lines[-1], at, text)
    return page.content()
