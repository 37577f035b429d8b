"""What is said beforehand is what then comes about."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator

import pytest

from adapters.worker import open_worker
from adapters.worker.standing import standing
from engine.casework.simulating import Played, play
from tests.adapters.databases import Databases
from tests.adapters.support import FINANCE, HR
from tests.worker.support import LADDERS, Desk, open_desk

DAYS = 60


@pytest.fixture
def desk(databases: Databases) -> Iterator[Desk]:
    """An office; looking ahead is the same on each database."""
    with databases.fresh("sqlite") as engine:
        yield open_desk(engine)


def ahead(desk: Desk, days: int, assume: str = "late") -> list[Played]:
    """Every case played forward from today."""
    found, today = standing(desk.engine, desk.office.context.now()), desk.office.context.today()
    return [
        play(
            case, policy, calendars=found.current.calendars, departments=found.current.departments, start=today,
            until=today + dt.timedelta(days=days), assume=assume,  # type: ignore[arg-type]
        )
        for case, policy in found.cases
    ]  # fmt: skip


def mixed(desk: Desk) -> None:
    """Cases nobody has looked at, one being worked, one being lifted."""
    for ladder in LADDERS:
        desk.late(ladder)
    case = desk.late()
    publish = desk.find(case, "publish")
    desk.do(HR, publish, "accept")
    desk.do(HR, publish, "respond", outcome="implemented")
    ended = desk.late()
    for action in ("accept", "respond"):
        desk.do(HR, desk.find(ended, "publish"), action, **({"outcome": "implemented"} if action == "respond" else {}))
    for action in ("accept", "confirm", "arm"):
        desk.do(FINANCE, desk.find(ended, "no-procurement"), action)
    desk.office.end_case(HR, ended, "annulment", "试验")


def test_rungs_foretold_are_the_rungs_that_fire(desk: Desk) -> None:
    """Day by day: what the simulation says of doing nothing, a worker's rounds on each of these days then do."""
    mixed(desk)
    foretold = Counter((f.case, f.obligation or "task", f.title) for p in ahead(desk, DAYS) for f in p.falls
                       if f.what == "rung")  # fmt: skip
    days = {f.on for p in ahead(desk, DAYS) for f in p.falls if f.what == "rung"}
    worker, fired = open_worker(desk.office, name="w"), set()
    for _ in range(DAYS + 1):
        if worker.round().events:
            fired.add(desk.office.context.today())
        desk.clock.turn(days=1)
    ladders = standing(desk.engine, desk.office.context.now()).current.ladders
    titles = {(name, rung.act): rung.title for name, ladder in ladders.items() for rung in ladder.rungs}
    came = Counter(
        (case, late, titles[rung.ladder, rung.act]) for (case, late), rungs in desk.rungs().items() for rung in rungs
    )

    assert foretold == came
    assert days == fired


def test_nobody_is_late_who_acts_on_the_last_day(desk: Desk) -> None:
    """No rung, nothing open that is late; a term ends by itself and everything is taken down."""
    mixed(desk)
    played = ahead(desk, 3 * 366 + 30, "on-time")
    whats = {f.what for p in played for f in p.falls}

    assert "rung" not in whats
    assert {"accept", "arm", "respond", "lift", "publish", "expiry"} <= whats
    assert {"closed"} == {p.case.state for p in played}
    assert [o for p in played for o in p.owing(dt.date.max)] == []


def test_the_day_on_which_something_falls_due_is_said_once(desk: Desk) -> None:
    """However many days it then stays undone."""
    mixed(desk)
    falls = [f for p in ahead(desk, 400) for f in p.falls if f.what != "rung"]

    assert {1} == set(Counter((f.case, f.obligation, f.what, f.on) for f in falls).values())


def test_what_is_late_already_is_late_from_the_first_day(desk: Desk) -> None:
    """It does not fall due again, but it is escalated at once and counted as late."""
    case = desk.late()
    desk.clock.turn(days=30)
    (played,) = ahead(desk, 5)

    assert {"rung"} == {f.what for f in played.falls}
    assert {desk.office.context.today()} == {f.on for f in played.falls}
    assert {(case, True)} == {(o.case, o.late) for o in played.owing(desk.office.context.today())}
