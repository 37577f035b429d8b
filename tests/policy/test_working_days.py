"""Working-day arithmetic against an independent oracle: the package `chinesecalendar`, walked day by day.

It transcribes the notices of the State Council's general office on its own. The default bundle's published years are
held against it day by day; the years before them are built from it, so that ten years of start days are compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import chinese_calendar
import pytest

from adapters.policy_files import read_bundle
from engine.casework.calendar import add
from engine.compiler import compile_policy
from engine.language.dates import longest
from engine.language.ir import Calendar, Duration, Span

YEARS = range(2016, 2026)  # of start days; the last periods end in the year after
PERIODS = range(1, 21)
DAY = dt.timedelta(days=1)


def days_of(year: int) -> Iterator[dt.date]:
    """Every day of a year."""
    day = dt.date(year, 1, 1)
    while day.year == year:
        yield day
        day += DAY


def calendar_of(year: int) -> Calendar:
    """A year as `chinesecalendar` has it, in our form."""
    weekdays = [day for day in days_of(year) if day.weekday() < 5]
    weekends = [day for day in days_of(year) if day.weekday() >= 5]
    return Calendar(
        year,
        frozenset(day for day in weekdays if not chinese_calendar.is_workday(day)),
        frozenset(day for day in weekends if chinese_calendar.is_workday(day)),
        provisional=False,
        source="chinesecalendar",
        span=Span("chinesecalendar", 1, 1),
    )


@pytest.fixture(scope="module")
def published() -> dict[int, Calendar]:
    """The default bundle's years whose notice is out."""
    policy = compile_policy(read_bundle(())).policy
    assert policy is not None
    return {year: found for year, found in policy.calendars.items() if not found.provisional}


@pytest.fixture(scope="module")
def calendars(published: dict[int, Calendar]) -> dict[int, Calendar]:
    """Our years, and before them the oracle's."""
    return {year: published.get(year) or calendar_of(year) for year in range(YEARS.start, YEARS.stop + 1)}


def naive(start: dt.date) -> list[dt.date]:
    """The last day of a period of 1, 2, 3 … working days that begins on `start`, found by walking."""
    ends, day = [], start
    while len(ends) < len(PERIODS):
        day += DAY
        if chinese_calendar.is_workday(day):
            ends.append(day)
    return ends


def test_the_published_calendars_agree_with_the_oracle_on_every_day(published: dict[int, Calendar]) -> None:
    """Two transcriptions of each notice, made apart, name the same days."""
    differing = {
        year: (found.holidays ^ calendar_of(year).holidays, found.makeup ^ calendar_of(year).makeup)
        for year, found in published.items()
    }

    assert {2024, 2025, 2026} <= set(published)
    assert dict.fromkeys(published, (frozenset(), frozenset())) == differing


@pytest.mark.parametrize("year", YEARS)
def test_every_period_from_every_day_ends_where_the_oracle_ends_it(year: int, calendars: dict[int, Calendar]) -> None:
    """All start days of the year, all periods of 1 to 20 working days."""
    for start in days_of(year):
        expected = naive(start)

        ends = [add(start, Duration(period, "working days"), calendars) for period in PERIODS]

        assert expected == [end.on for end in ends]
        assert not any(end.provisional for end in ends)


def test_no_period_outlasts_what_the_compiler_allows_for(calendars: dict[int, Calendar]) -> None:
    """`longest` is what `may_exceed` compares with calendar days; the holidays of ten years never break it."""
    broken = [
        (start, period)
        for year in YEARS
        for start in days_of(year)
        for period, end in zip(PERIODS, naive(start), strict=True)
        if (end - start).days > longest(period)
    ]

    assert broken == []
