"""Calendar arithmetic on durations as laws state them. Working days need a calendar: `engine.casework.calendar`."""

from __future__ import annotations

import calendar
import datetime as dt

from engine.language.ir import Duration


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
