"""The one moment that a letter's metadata names: the day that the letter itself bears, never the clock's."""

from __future__ import annotations

import datetime as dt
import re

_DAY = re.compile(r"\s*(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日\s*")
_UNDATED = dt.datetime(1980, 1, 1, tzinfo=dt.UTC)


def moment(date: str) -> dt.datetime:
    """Midnight UTC of a day like 2026年11月24日; the first of 1980 if the text is no such day, or an earlier."""
    if found := _DAY.fullmatch(date):
        try:
            year, month, day = map(int, found.groups())
            return max(dt.datetime(year, month, day, tzinfo=dt.UTC), _UNDATED)
        except ValueError:
            pass
    return _UNDATED
