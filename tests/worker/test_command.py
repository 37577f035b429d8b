"""`xinheng worker` and `xinheng simulate` as people and programs use them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer
from click.testing import Result
from sqlalchemy import Engine
from typer.testing import CliRunner

from adapters.office import Office
from adapters.signing import FileSigner
from api.cli import simulate, worker
from tests.adapters.databases import Databases
from tests.worker.support import Desk, open_desk

app = typer.Typer()
worker.register(app)
simulate.register(app)


@pytest.fixture
def desk(databases: Databases) -> Iterator[Desk]:
    """One database is enough: what the commands say does not depend on it."""
    with databases.fresh("sqlite") as engine:
        yield open_desk(engine)


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A clock two months after the desk's, and nothing of the developer's own surroundings; logs as they were."""
    clock = tmp_path / "clock"
    clock.write_text("2027-01-23T10:00:00+08:00")
    monkeypatch.setenv("XINHENG_SIMULATED_CLOCK", str(clock))
    monkeypatch.delenv("XINHENG_DATABASE_URL", raising=False)
    yield clock
    structlog.reset_defaults()


def run(engine: Engine | None, *words: object) -> Result:
    """A command and what it did."""
    url = engine.url.render_as_string(hide_password=False) if engine is not None else None
    return CliRunner().invoke(app, [*map(str, words), *(["--db", url] if url else [])])


def data(result: Result) -> Any:
    """What a command says with `--json`."""
    return json.loads(result.stdout)


def test_one_round_says_what_it_did(desk: Desk) -> None:
    """In words and as JSON; the second has nothing left to do."""
    desk.late()
    first = run(desk.engine, "worker", "--once", "--json")
    second = run(desk.engine, "worker", "--once")

    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    assert {
        name: value for name, value in data(first).items() if name in {"due", "moved", "events", "failed", "delivered"}
    } == {"due": 1, "moved": 1, "events": 8, "failed": 0, "delivered": 8}
    assert "送达的消息" in second.stdout


def test_a_round_that_left_something_undone_exits_with_1(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that whoever starts it from a timetable notices."""
    desk.late()

    def broken(self: Office, case: str) -> int:
        raise RuntimeError(case)

    monkeypatch.setattr(Office, "advance", broken)
    result = run(desk.engine, "worker", "--once", "--json")

    assert (result.exit_code, data(result)["failed"]) == (1, 1)


def test_the_status_tells_a_silent_scheduler(desk: Desk, surroundings: Path) -> None:
    """Exit code 6 before the first round, 0 after it, 6 again when it has been silent for longer than its period."""
    never = run(desk.engine, "worker", "--status", "--json")
    run(desk.engine, "worker", "--once", "--period", 30, "--name", "county-1")
    alive = run(desk.engine, "worker", "--status", "--json")
    surroundings.write_text("2027-01-23T10:01:01+08:00")
    silent = run(desk.engine, "worker", "--status")

    assert [r.exit_code for r in (never, alive, silent)] == [6, 0, 6]
    assert (data(never)["last"], data(alive)["worker"], data(alive)["canary"]) == (None, "county-1", True)
    assert "上次心跳" in silent.stdout


def test_sqlite_has_one_worker_thread(desk: Desk) -> None:
    """More could only wait for each other; exit code 2 says so."""
    result = run(desk.engine, "worker", "--once", "--workers", 2)

    assert result.exit_code == 2
    assert "SQLite" in result.stderr


def test_a_period_that_the_queue_cannot_keep_is_refused(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, and which periods can."""
    monkeypatch.setenv("XINHENG_SIGNING_KEY_FILE", str(tmp_path / "key.pem"))
    with databases.fresh("postgresql") as engine:
        open_desk(engine, signer=FileSigner(tmp_path / "key.pem"))
        result = run(engine, "worker", "--once", "--period", 7)

    assert result.exit_code == 2
    assert "整除" in result.stderr


@pytest.mark.parametrize("words", [("worker", "--once"), ("simulate", "--until", "2027-12-31")])
def test_a_clock_without_a_time_stops_the_start(desk: Desk, surroundings: Path, words: tuple[str, ...]) -> None:
    """The setting is named, exit code 2: nothing runs on a time that nobody gave."""
    surroundings.write_text("yesterday")
    result = run(desk.engine, *words)

    assert result.exit_code == 2
    assert "XINHENG_SIMULATED_CLOCK" in result.stderr


def test_looking_ahead_writes_nothing(desk: Desk) -> None:
    """Not an event, not a byte."""
    desk.late()
    path = Path(str(desk.engine.url.database))
    desk.engine.dispose()
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    result = run(desk.engine, "simulate", "--until", "2027-12-31", "--json")

    assert result.exit_code == 0, result.output
    assert data(result)["cases"] == 1
    assert before == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_falls_due_is_said_by_day_month_and_department(desk: Desk) -> None:
    """For everybody, or for one department alone."""
    desk.late()
    whole = run(desk.engine, "simulate", "--from", "2026-11-24", "--until", "2027-12-31", "--json")
    mine = run(desk.engine, "simulate", "--from", "2026-11-24", "--until", "2027-12-31", "--department", "finance",
               "--assume", "on-time", "--json")  # fmt: skip
    shown = run(desk.engine, "simulate", "--from", "2026-11-24", "--until", "2027-12-31")

    assert [(f["on"], f["department"], f["what"]) for f in data(whole)["falls"][:3]] == [
        ("2026-11-25", "human-resources", "publish"), ("2026-11-26", "human-resources", "rung"),
        ("2026-11-27", "human-resources", "accept"),
    ]  # fmt: skip
    assert {"2026-11", "2026-12"} == set(data(whole)["months"])
    assert data(whole)["departments"]["human-resources"] == {
        "title": "human-resources局", "fell_due": 2, "rungs": 8, "open": 2, "late": 2,
    }  # fmt: skip
    assert {"finance"} == {f["department"] for f in data(mine)["falls"]}
    assert [f["what"] for f in data(mine)["falls"][:2]] == ["accept", "arm"]
    assert "按月" in shown.stdout
    assert "按部门" in shown.stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--until", "soon"), 2),
        (("--from", "2027-01-01", "--until", "2026-01-01"), 2),
        (("--until", "2027-12-31", "--department", "nobody"), 2),
    ],
)
def test_what_makes_no_sense_is_refused(desk: Desk, words: tuple[str, ...], code: int) -> None:
    """With the usual exit code."""
    assert run(desk.engine, "simulate", *words).exit_code == code


def test_looking_ahead_makes_no_database(tmp_path: Path, databases: Databases) -> None:
    """One that is not there, or not current, is only reported: exit code 6."""
    path = tmp_path / "nowhere.db"
    missing = CliRunner().invoke(app, ["simulate", "--until", "2027-12-31", "--db", f"sqlite:///{path}"])
    with databases.fresh("sqlite", migrated=False) as engine:
        engine.connect().close()
        old = run(engine, "simulate", "--until", "2027-12-31")
    with databases.fresh("sqlite") as engine:
        empty = run(engine, "simulate", "--until", "2027-12-31")

    assert [missing.exit_code, old.exit_code, empty.exit_code] == [6, 6, 6]
    assert not path.exists()


@pytest.mark.parametrize("assume", ["late", "on-time"])
def test_a_year_of_the_county_takes_seconds(assume: str) -> None:
    """Sixteen cases of the shipped bundle; late, everything climbs its ladder, on time the year is worked off."""
    started = time.monotonic()
    result = run(None, "simulate", "--county", "--from", "2026-11-24", "--until", "2027-11-24", "--assume", assume,
                 "--json")  # fmt: skip
    seconds = time.monotonic() - started
    found = data(result)
    late = sum(d["late"] for d in found["departments"].values())

    assert result.exit_code == 0, result.output
    assert found["cases"] == 16
    assert seconds < 20  # two, on an idle machine
    assert (late > 200) == (assume == "late")
    assert any("arm" in counted for counted in found["months"].values()) == (assume == "on-time")
