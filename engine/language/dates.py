"""Calendar arithmetic on durations as laws state them. Working days need a calendar: `engine.casework.calendar`."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from functools import cache

from engine.language.ir import Duration

MONTHS: Mapping[str, int] = {"months": 1, "years": 12}
STARTS = tuple(  # between the 1st and the 28th all days of a month give the same length; its last days may be cut short
    dt.date(year, month, day)
    for year in range(2000, 2004)
    for month in range(1, 13)
    for day in (1, *range(29, calendar.monthrange(year, month)[1] + 1))
)


def minus(day: dt.date, duration: Duration) -> dt.date:
    """The day that lies `duration` before `day`; months and years end on the last day of a shorter month.

    Raises:
        ValueError: the duration counts working days, or leads before year 1.

    """
    return shift(day, duration, -1)


def plus(day: dt.date, duration: Duration) -> dt.date:
    """The day that lies `duration` after `day`, by the same rule as `minus`."""
    return shift(day, duration, 1)


def shift(day: dt.date, duration: Duration, sign: int) -> dt.date:
    """`plus` for sign 1, `minus` for sign -1."""
    match duration.unit:
        case "days":
            return day + dt.timedelta(days=sign * duration.amount)
        case "months" | "years":
            months = duration.amount * (12 if duration.unit == "years" else 1)
            index = day.year * 12 + day.month - 1 + sign * months
            year, month = divmod(index, 12)
            return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
        case _:
            message = f"{duration} needs a working-day calendar"
            raise ValueError(message)


def may_exceed(one: Duration, other: Duration) -> bool:
    """Whether a period of `one` can end after a period of `other` that begins on the same day.

    Periods of one unit compare by their number. Where working days meet calendar days no calendar is at hand here, so
    the longest or the shortest that they can be stands for them, and the answer errs towards true.
    """
    if one.unit == other.unit:
        return one.amount > other.amount
    if one.unit in MONTHS and other.unit in MONTHS:
        return one.amount * MONTHS[one.unit] > other.amount * MONTHS[other.unit]
    return day_bounds(one)[1] > day_bounds(other)[0]


def longest(working_days: int) -> int:
    """Calendar days that so many working days never exceed: their weekends, and ten days of holidays each quarter."""
    return working_days + 2 * (working_days // 5 + 1) + 10 * (working_days // 60 + 1)


def day_bounds(duration: Duration) -> tuple[int, int]:
    """The fewest and the most calendar days that a duration can be."""
    match duration.unit:
        case "days":
            return duration.amount, duration.amount
        case "working days":
            return duration.amount, longest(duration.amount)
        case unit:
            return _days_of_months(duration.amount * MONTHS[unit])


@cache
def _days_of_months(months: int) -> tuple[int, int]:
    lengths = [(plus(day, Duration(months, "months")) - day).days for day in STARTS]
    return min(lengths), max(lengths)
