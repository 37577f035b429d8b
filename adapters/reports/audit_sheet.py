"""What the auditor's desk found as a workbook: first how it was asked, then the tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WIDEST = 60
MAX_ROWS = 1_048_575
"""Rows that a sheet holds besides its head."""
MAX_CELL = 32_767
"""Characters that a cell holds."""


@dataclass(frozen=True, slots=True)
class SheetTable:
    """One sheet: its name, its columns, and the rows."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[object]]


def audit_sheet(asked: Mapping[str, object], tables: Iterable[SheetTable], path: Path, *, today: dt.date) -> None:
    """Write the workbook. No text in it is ever taken for a formula, a link or a number.

    Raises:
        OSError: the file cannot be written.
        ValueError: there are more rows than a sheet holds.

    """
    from xlsxwriter import Workbook  # noqa: PLC0415 - few commands write workbooks
    from xlsxwriter.exceptions import FileCreateError  # noqa: PLC0415 - as above

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = Workbook(str(path), options)
    # otherwise the file would hold the moment at which it was written, and no two would be equal
    book.set_properties({"created": dt.datetime.combine(today, dt.time(), dt.UTC).replace(tzinfo=None)})
    head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#E8EFF6", "text_wrap": True, "valign": "top"})
    shown = [(name, "" if value is None else value) for name, value in asked.items()]
    for table in (SheetTable("怎样查的", ("项目", "内容"), shown), *tables):
        sheet = book.add_worksheet(table.name)
        sheet.write_row(0, 0, table.columns, head)
        widths = [_width(c) for c in table.columns]
        for number, row in enumerate(table.rows, 1):
            if number > MAX_ROWS:
                message = f"{table.name}：超过一张工作表所能容纳的 {MAX_ROWS} 行"
                raise ValueError(message)
            for column, value in enumerate(map(_cell, row)):
                sheet.write(number, column, value)
                widths[column] = max(widths[column], _width(str(value)))
        for column, width in enumerate(widths):
            sheet.set_column(column, column, min(width + 2, WIDEST))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, 0, len(table.columns) - 1)
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(*error.args) from error


def _cell(value: object) -> Any:
    """A value as a cell holds it."""
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case int():
            return value
        case _:
            return str(value)[:MAX_CELL]


def _width(text: str) -> int:
    """Columns that a text takes; Chinese characters take two."""
    longest = max(text[:MAX_CELL].splitlines() or [""], key=len)
    return sum(2 if ord(c) > 0x2E7F else 1 for c in longest)  # noqa: PLR2004
