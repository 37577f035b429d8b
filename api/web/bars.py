"""Where a person stands between start, minimum and maximum of a clock, as places on a line."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from adapters.office.portal_view import ClockView

ROOM = 1.25
"""How much further than the last known day a line without an end is drawn."""
EDGE = 18.0
"""Percent from either end within which a label is written inwards, so that it stays on the page."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A day on the line: percent from the left, where its label hangs, and what it says."""

    at: float
    anchor: str  # of an SVG text: start, middle or end
    day: dt.date


@dataclass(frozen=True, slots=True)
class Bar:
    """A line from the first day on. `filled` is how much of it has passed; `open`: it has no fixed end."""

    filled: float
    today: Mark
    minimum: Mark | None
    open: bool
    words: str


def bar_of(clock: ClockView, today: dt.date) -> Bar:
    """The line of a clock. It stands still once the clock has been ended."""
    day = min(today, clock.ended_on) if clock.ended_on else today
    end = clock.maximum
    if end is None:
        known = max((day, clock.minimum or day), default=day)
        end = clock.start + max(dt.timedelta(days=30), (known - clock.start) * ROOM)
    now = _mark(clock.start, end, day)
    minimum = _mark(clock.start, end, clock.minimum) if clock.minimum else None
    return Bar(now.at, now, minimum, open=clock.maximum is None, words=_words(clock, day))


def _mark(start: dt.date, end: dt.date, day: dt.date) -> Mark:
    whole = max((end - start).days, 1)
    at = round(min(max((day - start).days / whole, 0.0), 1.0) * 100, 2)
    return Mark(at, "start" if at < EDGE else "end" if at > 100 - EDGE else "middle", day)


def _words(clock: ClockView, day: dt.date) -> str:
    """The same in a sentence, for those who cannot see it."""
    passed = max((day - clock.start).days, 0) + 1
    if clock.ended_on is not None:
        return f"已于{chinese(clock.ended_on)}结束"
    if clock.maximum is None:
        return f"今天是第 {passed} 天，没有固定的最后一天"
    left = (clock.maximum - day).days
    return f"今天是第 {passed} 天，还有 {left} 天到期" if left >= 0 else "已经到期"


def chinese(day: dt.date) -> str:
    """2026年11月24日."""
    return f"{day.year}年{day.month}月{day.day}日"
