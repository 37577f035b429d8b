"""Working-day arithmetic."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from engine.casework.calendar import add, feedback_due, is_working_day, working_days_between
from engine.casework.model import Due
from engine.language.ir import Calendar, Duration, Span

HERE = Span("2026.yaml", 1, 1)
D = dt.date
# 春节 2026: 2026-02-15 to 02-23 off, worked on Saturdays 02-14 and 02-28
SPRING = Calendar(
    2026,
    frozenset(D(2026, 2, d) for d in (16, 17, 18, 19, 20, 23)),
    frozenset({D(2026, 2, 14), D(2026, 2, 28)}),
    False,
    "test",
    HERE,
)
CALENDARS = {2026: SPRING}
DAYS = st.dates(D(2024, 1, 1), D(2028, 12, 31))


def test_make_up_days_count_and_holidays_do_not() -> None:
    """Three working days from Friday before Spring Festival end on the second day after it."""
    assert add(D(2026, 2, 13), Duration(3, "working days"), CALENDARS) == Due(D(2026, 2, 25))


def test_the_day_a_period_begins_is_not_counted() -> None:
    """One working day from a Monday is Tuesday; a month from a day ends on the same day of the next."""
    assert add(D(2026, 3, 2), Duration(1, "working days"), CALENDARS) == Due(D(2026, 3, 3))
    assert add(D(2026, 3, 2), Duration(1, "months"), CALENDARS) == Due(D(2026, 4, 2))


def test_a_period_of_calendar_days_ends_on_a_working_day() -> None:
    """Ten days that end in the holidays end on the first day after."""
    assert add(D(2026, 2, 8), Duration(10, "days"), CALENDARS) == Due(D(2026, 2, 24))


def test_month_ends_are_kept_and_leap_days_do_not_fail() -> None:
    """A month from 31 January ends in February; years from 29 February end on the 28th."""
    assert add(D(2026, 1, 31), Duration(1, "months"), CALENDARS) == Due(D(2026, 2, 28))
    assert add(D(2024, 2, 29), Duration(2, "years"), CALENDARS) == Due(D(2026, 2, 28))


def test_an_unpublished_year_gives_a_provisional_deadline() -> None:
    """Reckoned on plain weekends, and marked."""
    provisional = Due(D(2027, 1, 1), provisional=True, since=D(2026, 12, 31), term="1 working day")

    assert add(D(2026, 12, 31), Duration(1, "working days"), CALENDARS) == provisional
    assert add(D(2026, 12, 1), Duration(3, "working days"), CALENDARS) == Due(D(2026, 12, 4))


def test_feedback_recurs_by_its_cycle() -> None:
    """Quarterly is three months on; none is none."""
    assert feedback_due("quarterly", D(2026, 3, 2), CALENDARS) == Due(D(2026, 6, 2))
    assert feedback_due("none", D(2026, 3, 2), CALENDARS) is None


@given(DAYS, st.integers(0, 60))
def test_a_working_day_period_ends_on_a_working_day_and_contains_as_many(start: dt.date, amount: int) -> None:
    """Against plain counting: the period holds exactly `amount` working days, the last of them its end."""
    end = add(start, Duration(amount, "working days"), CALENDARS).on

    assert working_days_between(start, end, CALENDARS) == amount
    assert end == start or is_working_day(end, CALENDARS)


@given(DAYS, st.integers(0, 30), st.integers(0, 30))
def test_periods_add_up(start: dt.date, first: int, second: int) -> None:
    """Two periods one after the other end where one of both lengths ends."""
    once = add(start, Duration(first + second, "working days"), CALENDARS).on
    twice = add(
        add(start, Duration(first, "working days"), CALENDARS).on, Duration(second, "working days"), CALENDARS
    ).on

    assert once == twice
