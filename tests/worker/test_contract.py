"""What every worker does, whatever the database: the same suite for the loop on SQLite and the queue on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.office import Office
from adapters.office.model import MessageView
from adapters.worker import Round, Send, Worker, open_worker
from tests.worker.support import LADDERS, Desk, files, whole

START = dt.date(2026, 11, 24)
ACCEPT_BY, PUBLISH_BY = dt.date(2026, 11, 27), dt.date(2026, 11, 25)


def worker_of(desk: Desk, *, name: str = "w", send: Send | None = None, period: int = 60) -> Worker:
    """A worker of the kind that the database asks for."""
    return open_worker(desk.office, name=name, send=send, period=period)


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for something to come about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def run(worker: Worker) -> tuple[threading.Thread, threading.Event]:
    """A worker at work in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    return thread, stop


def test_a_round_advances_every_due_case(desk: Desk) -> None:
    """All rungs reached by today fire for each of them; a case that is in time is left alone."""
    late = [desk.late(ladder) for ladder in LADDERS]
    desk.clock.turn(days=60)
    in_time = desk.late(decided=0)
    done = worker_of(desk).round()
    rungs = desk.rungs()

    assert (len(LADDERS), 0) == (done.moved, done.failed)
    assert done.events == sum(map(len, rungs.values()))
    for case, ladder in zip(late, LADDERS, strict=True):
        assert whole(ladder, ACCEPT_BY) == rungs[case, f"{case}.2"]
        assert whole(ladder, PUBLISH_BY) == rungs[case, "task"]
    assert not any(case == in_time for case, _ in rungs)


def test_nothing_is_advanced_twice(desk: Desk) -> None:
    """A second round on the same day finds nothing to do, by this worker or another."""
    desk.late()
    desk.clock.turn(days=3)
    first, before = worker_of(desk).round(), desk.count()
    again = [worker_of(desk, name=name).round() for name in ("w", "other")]

    assert first.events > 0
    assert [done.events for done in again] == [0, 0]
    assert before == desk.count()


def test_two_workers_at_once_make_each_event_once(desk: Desk) -> None:
    """Both see the same cases due; every ladder is climbed once."""
    late = [desk.late(LADDERS[n % len(LADDERS)]) for n in range(8)]
    desk.clock.turn(days=60)
    start, done = threading.Barrier(2), []

    def work(name: str) -> None:
        worker = worker_of(desk, name=name)
        start.wait()
        done.append(worker.round())

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rungs = desk.rungs()

    assert sum(map(len, rungs.values())) == sum(one.events for one in done)
    for n, case in enumerate(late):
        assert whole(LADDERS[n % len(LADDERS)], ACCEPT_BY) == rungs[case, f"{case}.2"]


def test_after_a_long_sleep_every_rung_fires_once_and_in_order(desk: Desk) -> None:
    """Ten months later the log says what rounds on every day would have made it say."""
    slept = desk.late()
    desk.clock.turn(days=300)
    worker_of(desk).round()
    overslept = desk.rungs()[slept, f"{slept}.2"]
    desk.clock.turn(days=1)
    watched = desk.late()
    due = desk.office.context.today() + dt.timedelta(days=1)
    worker = worker_of(desk)
    for _ in range(25):
        worker.round()
        desk.clock.turn(days=1)
    daily = desk.rungs()[watched, f"{watched}.2"]

    assert whole("standard", ACCEPT_BY) == overslept
    assert [rung.act for rung in overslept] == [rung.act for rung in daily]
    assert all(rung.due >= due for rung in daily)


def test_a_worker_that_is_stopped_finishes_the_case_in_hand(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its events stand; the cases after it are left for whoever comes next."""
    for _ in range(5):
        desk.late()
    desk.clock.turn(days=60)
    stop, real, taken = threading.Event(), desk.office.advance, []

    def slow(case: str) -> int:
        taken.append(case)
        stop.set()
        time.sleep(0.3)
        return real(case)

    monkeypatch.setattr(desk.office, "advance", slow)
    worker_of(desk).run(stop)
    monkeypatch.undo()

    assert {(taken[0], f"{taken[0]}.2"), (taken[0], "task")} == set(desk.rungs())
    assert len(taken) == 1
    assert worker_of(desk).round().moved == 4


def test_messages_are_delivered(desk: Desk) -> None:
    """Each to its department, once, without anybody's name or code."""
    sent: list[tuple[str, MessageView]] = []
    case = desk.late("release")
    desk.clock.turn(days=60)
    worker = worker_of(desk, send=lambda message, to: sent.append((to, message)))
    done = worker.round()
    worker.round()

    assert desk.waiting() == 0
    assert done.delivered == len(sent) == 6
    assert {(case, "county-government"), (case, "development-reform"), (case, "human-resources")} == {
        (message.case, to) for to, message in sent
    }
    assert {"remind", "joint-office", "report"} == {message.audience for _, message in sent}


def test_the_default_way_of_telling_is_a_line_in_the_log(desk: Desk) -> None:
    """Department, audience, case, obligation and title; nothing about the subject."""
    case = desk.late()
    desk.clock.turn(days=4)
    with capture_logs() as lines:
        worker_of(desk).round()
    told = [line for line in lines if line["event"] == "message"]

    assert told
    assert all(
        {"event", "log_level", "department", "audience", "case", "obligation", "title"} == set(line) for line in told
    )
    assert {case} == {line["case"] for line in told}


def test_the_heartbeat_is_renewed(desk: Desk) -> None:
    """A service without a worker is not alive; with one it is, until that is silent for two periods."""
    never = desk.office.health()
    worker_of(desk, name="county-1", period=30).round()
    alive = desk.office.health()
    desk.clock.turn(seconds=61)
    silent = desk.office.health()
    worker_of(desk, name="county-1", period=30).round()
    again = desk.office.health()

    assert (never.alive, alive.alive, silent.alive, again.alive) == (False, True, False, True)
    assert (alive.canary, alive.worker) == (True, "county-1")
    assert alive.last != again.last


def test_a_failing_case_does_not_stop_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, without what the error says, and advanced by a later round."""
    cases = [desk.late() for _ in range(4)]
    desk.clock.turn(days=60)
    real = desk.office.advance

    def poisoned(case: str) -> int:
        if case == cases[1]:
            raise RuntimeError("张三 410783195001010011")
        return real(case)

    worker = worker_of(desk)
    monkeypatch.setattr(desk.office, "advance", poisoned)
    with capture_logs() as lines:
        first = worker.round()
    monkeypatch.undo()
    second = worker.round()
    failures = [line for line in lines if line["event"] == "advance failed"]

    assert (first.moved, first.failed, second.moved, second.failed) == (3, 1, 1, 0)
    assert [(cases[1], "RuntimeError")] == [(line["case"], line["error"]) for line in failures]
    assert "张三" not in str(lines)


def test_failed_deliveries_are_tried_again(desk: Desk) -> None:
    """One department out of reach keeps nobody else from being told; nothing overtakes what it has not got yet."""
    desk.late("release")
    desk.clock.turn(days=60)
    broken, sent = ["development-reform"], []

    def send(message: MessageView, to: str) -> None:
        if to in broken:
            raise ConnectionError("unreachable")
        sent.append(to)

    worker = worker_of(desk, send=send)
    with capture_logs() as lines:
        first = worker.round()
    left = desk.waiting()
    broken.clear()
    second = worker.round()

    assert (first.delivered, first.undelivered, left) == (4, 1, 2)
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["delivery failed"]
    assert (second.delivered, second.undelivered, desk.waiting()) == (2, 0, 0)
    assert sent[4:] == ["development-reform"] * 2


def test_a_worker_works_on_until_it_is_stopped(desk: Desk) -> None:
    """Round after round: what falls due while it runs is advanced without anybody asking."""
    case = desk.late()
    thread, stop = run(worker_of(desk, period=1))
    try:
        until(lambda: desk.office.health().alive)
        desk.clock.turn(days=60)
        until(lambda: (case, f"{case}.2") in desk.rungs())
        until(lambda: desk.waiting() == 0)
    finally:
        stop.set()
        thread.join(15)

    assert not thread.is_alive()
    assert whole("standard", ACCEPT_BY) == desk.rungs()[case, f"{case}.2"]


def test_a_worker_survives_a_round_that_fails(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is gone for a while: it says so and goes on afterwards."""
    desk.late()
    desk.clock.turn(days=60)
    real, failures = desk.office.beat, iter(range(2))

    def beat(worker: str, *, period: int) -> bool:
        if next(failures, None) is not None:
            raise OSError("gone")
        return real(worker, period=period)

    monkeypatch.setattr(desk.office, "beat", beat)
    with capture_logs() as lines:
        thread, stop = run(worker_of(desk, period=1))
        try:
            until(lambda: bool(desk.rungs()))
        finally:
            stop.set()
            thread.join(15)

    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["round failed"] * 2


@pytest.mark.parametrize("killed", [False, True])
def test_published_calendars_move_provisional_deadlines(desk: Desk, killed: bool) -> None:
    """Also when the worker that saw the new calendars first died before it had looked at every case."""
    desk.clock.now = dt.datetime(2026, 12, 30, 2, 0, tzinfo=dt.UTC)
    case = desk.late()
    worker = worker_of(desk)
    worker.round()
    before = desk.count()
    activate(desk, published_2027())
    if killed:
        desk.office.beat("w", period=60)
        worker = worker_of(desk)
    done = worker.round()
    again = worker.round()

    assert (done.moved, again.events) == (1, 0)
    assert {"reissue"} == {event.action for event in events_after(desk, case, before)}


def published_2027() -> dict[str, str]:
    """The policy with a 2027 calendar that is published and has a long holiday."""
    days = ", ".join(f"2027-01-0{n}" for n in (1, 4, 5, 6, 7, 8))
    text = f"\ncalendar: 2027\nholidays: [{days}]\nmakeup: []\nprovisional: false\nsource: 试验\n"
    return {**files(), "rules/calendars/2027.yaml": text}


def activate(desk: Desk, given: dict[str, str]) -> None:
    """Put another policy in force."""
    desk.publish(given)


def events_after(desk: Desk, case: str, count: int) -> list[Any]:
    """What happened to a case after this many events in the log."""
    from adapters.ledger import read  # noqa: PLC0415 - only here
    from adapters.ledger.store import read_events  # noqa: PLC0415 - only here

    with read(desk.engine) as conn:
        return [stored.event() for stored in read_events(conn, case, after=count)]


def test_letters_are_rendered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as there are any."""
    left = [20, 3, 0]

    def render(self: Office, *, limit: int = 20) -> int:
        return left.pop(0)

    monkeypatch.setattr(Office, "render_letters", render)

    assert Round(rendered=23) == blank(worker_of(desk).round())


def blank(done: Round) -> Round:
    """Without what differs from run to run."""
    return Round(rendered=done.rendered, due=done.due, events=done.events, delivered=done.delivered)
