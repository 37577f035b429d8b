"""`xinheng calendar check` says in time that the notice for the next year has to be entered."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from api.cli import calendars
from engine.analysis.calendars import published_until
from engine.language.ir import Calendar, Span


def run(*words: str) -> Result:
    """`xinheng calendar check` with these options."""
    app = typer.Typer()
    calendars.register(app)
    return CliRunner().invoke(app, ["calendar", "check", *words])


def year(number: int, *, provisional: bool = False) -> Calendar:
    """A year without holidays."""
    return Calendar(number, frozenset(), frozenset(), provisional, "通知", Span("x.yaml", 1, 1))


def test_within_sixty_days_of_the_last_notice_it_fails() -> None:
    """The day on which sixty days no longer fit, and the one before."""
    before, on = run("--today", "2026-11-01"), run("--today", "2026-11-02")

    assert (before.exit_code, on.exit_code) == (0, 1)
    assert "2026-12-31" in before.stdout
    assert "rules/calendars/2027.yaml" in on.stderr
    assert "2027-01-01" in on.stderr


def test_it_lists_each_year_with_its_notice() -> None:
    """For people and for programs."""
    shown, data = run("--today", "2026-03-02"), json.loads(run("--today", "2026-03-02", "--json").stdout)

    assert "国办发明电〔2024〕12号" in shown.stdout
    assert "暂定" in shown.stdout
    assert (data["enough"], data["published_until"]) == (True, "2026-12-31")
    assert {y["year"]: y["provisional"] for y in data["years"]} == {2024: False, 2025: False, 2026: False, 2027: True}
    assert all(y["source"] for y in data["years"])


def test_a_year_without_any_calendar_fails() -> None:
    """Nothing is published for the day itself."""
    result = run("--today", "2031-03-02", "--json")
    data = json.loads(result.stdout)

    assert (result.exit_code, data["published_until"], data["enough"]) == (1, None, False)


@pytest.mark.parametrize(
    ("years", "expected"),
    [
        ([year(2025)], dt.date(2025, 12, 31)),
        ([year(2025), year(2026)], dt.date(2026, 12, 31)),
        ([year(2025), year(2026, provisional=True), year(2027)], dt.date(2025, 12, 31)),
        ([year(2025), year(2027)], dt.date(2025, 12, 31)),
        ([year(2025, provisional=True), year(2026)], None),
        ([], None),
    ],
)
def test_the_horizon_ends_before_the_first_year_without_a_notice(
    years: list[Calendar], expected: dt.date | None
) -> None:
    """A later year does not bridge a gap."""
    assert expected == published_until({c.year: c for c in years}, dt.date(2025, 6, 1))
