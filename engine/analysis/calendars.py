"""Calendars whose days can be what they say: weekday holidays, weekend make-up days, each once, all in their year.

Bad: ``holidays: [2025-01-04]``, a Saturday, which nobody works anyway; it belongs to no list.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from engine.language.bundle import Bundle
from engine.language.ir import Calendar, Policy
from engine.language.raw_rules import RawCalendar
from engine.language.reading import Document

SATURDAY = 5


def check(policy: Policy, bundle: Bundle) -> None:
    """Report days that are doubled, of another year, or of the wrong part of the week."""
    del policy  # a calendar in the IR is a set, which has forgotten doubles
    for document in bundle.documents.get("calendar", {}).values():
        raw: RawCalendar = document.model
        seen: dict[dt.date, str] = {}
        _check_days(document, "holidays", raw.holidays, seen, bundle)
        _check_days(document, "makeup", raw.makeup, seen, bundle)


def published_until(calendars: Mapping[int, Calendar], day: dt.date) -> dt.date | None:
    """The last day up to which every year from that of `day` on has a published calendar; `None` if its own has none.

    Beyond it deadlines are provisional.
    """
    year = day.year
    while (calendar := calendars.get(year)) is not None and not calendar.provisional:
        year += 1
    return dt.date(year - 1, 12, 31) if year > day.year else None


def _check_days(
    document: Document[RawCalendar], key: str, days: Sequence[dt.date], seen: dict[dt.date, str], bundle: Bundle
) -> None:
    report = bundle.reporter.report
    for index, day in enumerate(days):
        span = document.span(key, index)
        if day in seen:
            report("XH130", span, f"{day} 已经列在 {seen[day]} 中")
        seen.setdefault(day, key)
        if day.year != document.model.calendar:
            report("XH133", span, f"{day} 不属于 {document.model.calendar} 年")
        weekend = day.weekday() >= SATURDAY
        weekdays = "一二三四五六日"
        if key == "holidays" and weekend:
            report("XH131", span, f"{day} 是星期{weekdays[day.weekday()]}，周末不必写入 holidays")
        if key == "makeup" and not weekend:
            report("XH132", span, f"{day} 是星期{weekdays[day.weekday()]}，不是周末，不能是调休上班日")
