"""Deadlines on Chinese working days, make-up days included, or on calendar days, as the law says.

The day on which a period begins is not counted (民法典 第二百零一条). A period of calendar days, months or years whose
last day is not a working day ends on the next one (民法典 第二百零三条). A year without a published calendar is
reckoned with plain weekends, and every deadline that touches it is provisional.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from engine.casework.model import Due
from engine.language.dates import plus
from engine.language.ir import Calendar, Duration

Calendars = Mapping[int, Calendar]
SATURDAY = 5
DAY = dt.timedelta(days=1)
CYCLES: Mapping[str, int] = {"monthly": 1, "quarterly": 3, "half-yearly": 6, "yearly": 12}


def is_working_day(day: dt.date, calendars: Calendars) -> bool:
    """Whether offices are open on `day`."""
    calendar = calendars.get(day.year)
    if calendar is None:
        return day.weekday() < SATURDAY
    return day in calendar.makeup or (day.weekday() < SATURDAY and day not in calendar.holidays)


def is_provisional(day: dt.date, calendars: Calendars) -> bool:
    """Whether the calendar of the day's year is not published yet."""
    calendar = calendars.get(day.year)
    return calendar is None or calendar.provisional


def add(start: dt.date, duration: Duration, calendars: Calendars) -> Due:
    """The last day of a period of `duration` that begins on `start`."""
    if duration.unit != "working days":
        end = next_working_day(plus(start, duration), calendars)
        return Due(end.on, provisional=True, since=start, term=str(duration)) if end.provisional else end
    day, provisional = start, False
    left = duration.amount
    while left:
        day += DAY
        provisional = provisional or is_provisional(day, calendars)
        left -= is_working_day(day, calendars)
    return Due(day, provisional=True, since=start, term=str(duration)) if provisional else Due(day)


def next_working_day(day: dt.date, calendars: Calendars) -> Due:
    """`day` itself, or the first working day after it."""
    provisional = is_provisional(day, calendars)
    while not is_working_day(day, calendars):
        day += DAY
        provisional = provisional or is_provisional(day, calendars)
    return Due(day, provisional)


def working_days_between(start: dt.date, end: dt.date, calendars: Calendars) -> int:
    """Working days after `start` up to and including `end`; 0 when `end` is not later."""
    days = 0
    while start < end:
        start += DAY
        days += is_working_day(start, calendars)
    return days


def feedback_due(cycle: str, day: dt.date, calendars: Calendars) -> Due | None:
    """When the next recurring feedback is due after `day`; `None` for a measure without feedback."""
    months = CYCLES.get(cycle)
    return add(day, Duration(months, "months"), calendars) if months else None
