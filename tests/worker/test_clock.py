"""Whether time is being kept, as the service says it; the worker inside the service; a clock from a file."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api.clock import ClockError, now
from api.http import create_app
from api.settings import Settings
from tests.adapters.databases import Databases
from tests.worker.support import Desk, open_desk


@pytest.fixture
def sqlite(databases: Databases) -> Iterator[Desk]:
    """An office on SQLite."""
    with databases.fresh("sqlite") as engine:
        yield open_desk(engine)


@contextmanager
def serving(app: FastAPI) -> Iterator[httpx.Client]:
    """The service on a free loopback port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        yield http
    server.should_exit = True
    thread.join()


def test_the_clock_tells_whether_time_is_kept(desk: Desk) -> None:
    """503 with the same body while nobody keeps it; open to all; readiness does not depend on it."""
    with serving(create_app(Settings(), desk.office)) as http:
        never, ready = http.get("/v1/clock"), http.get("/readyz")
        desk.office.beat("w", period=60)
        alive = http.get("/v1/clock")
        desk.clock.turn(seconds=121)
        silent = http.get("/v1/clock")

    nobody = {"alive": False, "canary": False, "last": None, "waiting": 0, "promises": True}
    assert (never.status_code, never.json()) == (503, nobody)
    assert [ready.status_code, alive.status_code, silent.status_code] == [200, 200, 503]
    assert set(nobody) == set(alive.json())
    assert (silent.json()["alive"], silent.json()["last"]) == (False, alive.json()["last"])


def test_a_service_on_sqlite_keeps_time_itself(sqlite: Desk) -> None:
    """What is due is advanced while it serves; the worker ends with it."""
    case = sqlite.late()
    sqlite.clock.turn(days=60)
    with serving(create_app(Settings(), sqlite.office, keep_time=True)) as http:
        end = time.monotonic() + 15
        well = {"alive": True, "canary": True, "last": "", "waiting": 0, "promises": True}
        while http.get("/v1/clock").json() | {"last": ""} != well:
            assert time.monotonic() < end
            time.sleep(0.05)
        while (case, "task") not in sqlite.rungs():
            assert time.monotonic() < end
            time.sleep(0.05)
    worker = sqlite.office.health().worker or ""

    assert worker.startswith("serve@")


def test_a_service_keeps_no_time_unless_told(sqlite: Desk) -> None:
    """Tests and commands open applications without starting anything."""
    with serving(create_app(Settings(), sqlite.office)) as http:
        http.get("/healthz")

    assert sqlite.office.health().last is None


def test_on_postgresql_processes_of_their_own_keep_time(databases: Databases) -> None:
    """The service starts no worker there, even if told to keep time."""
    with databases.fresh("postgresql") as engine:
        desk = open_desk(engine)
        with serving(create_app(Settings(), desk.office, keep_time=True)) as http:
            http.get("/healthz")

        assert desk.office.health().last is None


def test_a_simulated_time_is_said_on_every_answer(sqlite: Desk, tmp_path: Path) -> None:
    """Also on errors; without the setting there is no such header."""
    clock = tmp_path / "clock"
    clock.write_text("2031-05-01T08:00:00+08:00")
    with serving(create_app(Settings(simulated_clock=clock), sqlite.office)) as http:
        simulated = [http.get(path).headers.get("Xinheng-Simulated-Time") for path in ("/healthz", "/nowhere")]
    with serving(create_app(Settings(), sqlite.office)) as http:
        real = http.get("/healthz").headers.get("Xinheng-Simulated-Time")

    assert simulated == ["2031-05-01T08:00:00+08:00"] * 2
    assert real is None


def test_the_clock_follows_its_file(tmp_path: Path) -> None:
    """Each look reads it anew; without a file it is the real time."""
    clock = tmp_path / "clock"
    seen = []
    for day in ("2031-05-01", "2040-01-01"):
        clock.write_text(f"{day}T08:00:00+08:00\n")
        seen.append(now(clock).date().isoformat())

    assert seen == ["2031-05-01", "2040-01-01"]
    assert abs((now() - dt.datetime.now(dt.UTC)).total_seconds()) < 5


@pytest.mark.parametrize("text", ["", "soon", "2031-05-01T08:00:00", "2031-13-01T08:00:00+08:00"])
def test_a_file_without_an_instant_is_an_error(tmp_path: Path, text: str) -> None:
    """Never a guess: an instant without its zone is not one."""
    clock = tmp_path / "clock"
    clock.write_text(text)

    with pytest.raises(ClockError, match="clock"):
        now(clock)
    with pytest.raises(ClockError):
        now(tmp_path / "nowhere")
