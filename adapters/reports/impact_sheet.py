"""The effect of a change of policy as a workbook: every figure of the page, and every department's load by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from adapters.office.impact_model import Impact
from adapters.reports.wording import FEN_PER_YUAN, Labels, assumptions

DAY = dt.timedelta(days=1)
WIDEST = 46


def impact_sheet(found: Impact, labels: Labels, path: Path) -> None:
    """Write the workbook.

    Raises:
        OSError: the file cannot be written.

    """
    from xlsxwriter import Workbook  # noqa: PLC0415 - few commands write workbooks
    from xlsxwriter.exceptions import FileCreateError  # noqa: PLC0415 - as above

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = Workbook(str(path), options)
    # otherwise the file would hold the moment at which it was written, and no two would be equal
    book.set_properties({"created": dt.datetime.combine(found.today, dt.time(), dt.UTC).replace(tzinfo=None)})
    head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#E8EFF6", "text_wrap": True, "valign": "top"})
    for name, columns, rows in _sheets(found, labels):
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, columns, head)
        texts: list[list[str]] = [[c] for c in columns]
        for number, row in enumerate(rows, 1):
            sheet.write_row(number, 0, row)
            for column, value in enumerate(row):
                texts[column].append(str(value))
        for column, told in enumerate(texts):
            sheet.set_column(column, column, min(max(map(_width, told)) + 2, WIDEST))
        sheet.freeze_panes(1, 0)
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(*error.args) from error


def _sheets(found: Impact, labels: Labels) -> Iterable[tuple[str, Sequence[str], list[tuple[Any, ...]]]]:
    counts = found.counts
    yield "概况", ("项目", "数值"), [
        ("改之前", labels.before), ("改之后", labels.after), ("测算之日", found.today.isoformat()),
        ("自", found.day.isoformat()), ("天数", found.days), ("在办案件", found.cases), ("主体", found.subjects),
        ("有变化的案件", found.changed), ("有变化的主体", found.subjects_changed), ("新增事项", counts.gained),
        ("解除的事项", counts.lifted), ("撤销的事项", counts.cancelled),
        ("开始受减损权益的措施的人", len(found.restricted)), ("不再受减损权益的措施的人", len(found.released)),
        ("不能调整的案件", len(found.staying)), *(("怎样算的", line) for line in assumptions(found)),
    ]  # fmt: skip
    yield (
        "名单",
        ("名单", "标识", "新政策施行时", "案件", "有变化", "不能调整", "新增", "解除", "撤销", "提前期满", "推后期满"),
        [
            (
                o.title, o.list, "随之调整" if o.follows else "不动", o.cases, o.changed, o.refused, o.counts.gained,
                o.counts.lifted, o.counts.cancelled, o.sooner, o.later,
            )
            for o in found.lists
        ],
    )  # fmt: skip
    yield (
        "事项", ("名单", "措施", "部门", "新增", "解除", "撤销"),
        [
            (o.list_title, o.measure_title, o.department_title, o.counts.gained, o.counts.lifted, o.counts.cancelled)
            for o in found.owed
        ],
    )  # fmt: skip
    yield (
        "部门", ("部门", "标识", "新增", "解除", "撤销", "现行最多", "在", "新政策最多", "在（新政策）"),
        [
            (
                d.title, d.department, d.counts.gained, d.counts.lifted, d.counts.cancelled, d.before.peak,
                _day(d.before.peak_on), d.after.peak, _day(d.after.peak_on),
            )
            for d in found.departments
        ],
    )  # fmt: skip
    days = [found.day + DAY * n for n in range(found.days)]
    yield (
        "每日待办", ("部门", "日期", "现行", "新政策"),
        [
            (d.title, day.isoformat(), before, after)
            for d in found.departments
            for day, before, after in zip(days, d.before.counts, d.after.counts, strict=True)
            if before or after
        ],
    )  # fmt: skip
    yield (
        "额度", ("决策表", *(f"{w}{unit}" for w in ("新给", "取消", "提高", "降低") for unit in ("", "合计（元）"))),
        [
            (
                o.title, o.granted, o.granted_sum / FEN_PER_YUAN, o.withdrawn, o.withdrawn_sum / FEN_PER_YUAN, o.raised,
                o.raised_by / FEN_PER_YUAN, o.lowered, o.lowered_by / FEN_PER_YUAN,
            )
            for o in found.limits
        ],
    )  # fmt: skip
    yield "不能调整", ("案件", "名单", "原因"), [(c.case, c.list_title, c.why) for c in found.staying]


def _day(day: dt.date | None) -> str:
    return day.isoformat() if day is not None else ""


def _width(text: str) -> int:
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)  # noqa: PLR2004 - Chinese characters are twice as wide
