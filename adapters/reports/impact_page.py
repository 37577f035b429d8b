"""The effect of a change of policy as one HTML file that needs nothing else: charts, and beside each its figures."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from adapters.office.impact_model import DepartmentImpact, Impact
from adapters.reports.charts import bars, lines
from adapters.reports.wording import Labels, assumptions, limit_words

MOST_BARS, MOST_LINES = 12, 4
"""Departments in the charts; the tables beside them have all."""
MOST_IDS = 200
DAY = dt.timedelta(days=1)
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


def impact_page(found: Impact, labels: Labels) -> str:
    """The whole page."""
    touched = [d for d in found.departments if d.counts.gained or d.counts.lost]
    touched.sort(key=lambda d: (-d.counts.gained - d.counts.lost, d.department))
    loaded = [d for d in found.departments if d.before.peak or d.after.peak]
    loaded.sort(key=lambda d: (d.before == d.after, -max(d.before.peak, d.after.peak), d.department))
    days = [found.day + DAY * n for n in range(found.days)]
    why = Counter((case.list_title, case.why) for case in found.staying)
    return TEMPLATES.get_template("impact.html").render(
        found=found,
        lists=sorted(found.lists, key=lambda o: (not o.changed and not o.refused, o.list)),
        labels=labels,
        assumptions=assumptions(found),
        departments=touched,
        bar_chart=_bars(touched[:MOST_BARS]) if touched else "",
        shown=min(len(touched), MOST_BARS),
        loaded=loaded,
        curves=[_curve(n, d, days) for n, d in enumerate(_most_moved(loaded), 1)],
        limits=[(limit, limit_words(limit)) for limit in found.limits],
        why=sorted(why.items(), key=lambda item: (-item[1], item[0])),
        staying=found.staying[:MOST_IDS],
    )


@dataclass(frozen=True, slots=True)
class _Curve:
    """A department's load, drawn and as rows: first and last day of a stretch, as it is, with the change."""

    title: str
    svg: str
    rows: tuple[tuple[dt.date, dt.date, int, int], ...]


def _bars(departments: Sequence[DepartmentImpact]) -> str:
    parts = [f"{d.title}新增 {d.counts.gained} 项、解除和撤销 {d.counts.lost} 项" for d in departments]
    return bars(
        "bars", "各部门新增、解除和撤销的事项", "；".join(parts) + "。", [d.title for d in departments],
        [d.counts.gained for d in departments], [d.counts.lost for d in departments],
    )  # fmt: skip


def _most_moved(loaded: Sequence[DepartmentImpact]) -> list[DepartmentImpact]:
    """The busiest of those whose load changes; the busiest of all where none does."""
    return ([d for d in loaded if d.before != d.after] or list(loaded))[:MOST_LINES]


def _curve(number: int, department: DepartmentImpact, days: Sequence[dt.date]) -> _Curve:
    before, after = department.before, department.after
    desc = (
        f"现行最多 {before.peak} 项{_on(before.peak_on)}，改依新政策后最多 {after.peak} 项{_on(after.peak_on)}；"
        f"第一天由 {before.counts[0]} 项变为 {after.counts[0]} 项，"
        f"最后一天由 {before.counts[-1]} 项变为 {after.counts[-1]} 项。"
    )
    names = [f"{d.month}月{d.day}日" for d in days]
    svg = lines(f"load{number}", f"{department.title}的每日待办", desc, names, before.counts, after.counts)
    return _Curve(department.title, svg, tuple(_stretches(days, before.counts, after.counts)))


def _stretches(
    days: Sequence[dt.date], before: Sequence[int], after: Sequence[int]
) -> Iterator[tuple[dt.date, dt.date, int, int]]:
    """Days in a row with equal figures, such as a weekend, as one."""
    for (was, now), found in groupby(zip(days, before, after, strict=True), key=lambda row: row[1:]):
        stretch = [row[0] for row in found]
        yield stretch[0], stretch[-1], was, now


def _on(day: dt.date | None) -> str:
    return f"（{day.month}月{day.day}日）" if day is not None else ""
