"""What only the queue on PostgreSQL has: its tables, what may wait in it, and jobs whose worker is dead."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text

from adapters.ledger.tables import metadata
from adapters.worker import open_worker
from adapters.worker.queue import SCHEMA, QueueWorker, cron, prepare_queue
from tests.adapters.databases import Databases
from tests.worker.support import Desk, open_desk


@pytest.fixture
def postgres(databases: Databases) -> Iterator[Engine]:
    """A fresh database on PostgreSQL."""
    with databases.fresh("postgresql") as fresh:
        yield fresh


@pytest.fixture
def desk(postgres: Engine) -> Desk:
    """An office on it."""
    return open_desk(postgres)


def queue_worker(desk: Desk, name: str = "w") -> QueueWorker:
    """A worker with its queue ready."""
    worker = open_worker(desk.office, name=name)
    assert isinstance(worker, QueueWorker)
    prepare_queue(desk.engine)
    return worker


def plan(worker: QueueWorker) -> None:
    """Make a round without doing anything of what it queues."""

    async def make_round() -> None:
        queue = worker._open(threading.Event())
        async with queue.app.open_async():
            await queue.make_round()

    asyncio.run(make_round())


def jobs(desk: Desk, columns: str = "task_name, status, queueing_lock") -> list[tuple[Any, ...]]:
    """What is in the queue."""
    with desk.engine.begin() as conn:
        rows = conn.execute(text(f"SELECT {columns} FROM {SCHEMA}.procrastinate_jobs ORDER BY id"))
        return [tuple(row) for row in rows]


def test_nothing_piles_up_while_nobody_works(desk: Desk) -> None:
    """However many rounds are made, a case waits in the queue once, and so do following, telling and rendering."""
    cases = sorted(desk.late() for _ in range(3))
    desk.clock.turn(days=60)
    for _ in range(3):
        plan(queue_worker(desk))
    waiting = jobs(desk)
    done = queue_worker(desk).round()

    assert [("advance", "todo", f"case:{case}") for case in cases] == waiting[:3]
    assert waiting[3:] == [(name, "todo", name) for name in ("follow", "deliver", "render", "expire", "stamp")]
    assert done.moved == 3
    assert jobs(desk) == []


def test_a_job_that_died_with_its_worker_is_done_by_another(desk: Desk) -> None:
    """It is taken out of the queue, and its case is queued again; the same when its worker was never known."""
    case = desk.late()
    desk.clock.turn(days=60)
    plan(queue_worker(desk))
    with desk.engine.begin() as conn:
        conn.execute(text(f"SET LOCAL search_path TO {SCHEMA}"))
        dead = conn.execute(
            text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id")
        ).scalar_one()
        conn.execute(text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :dead"), {"dead": dead})
    done = queue_worker(desk).round()

    assert (done.moved, jobs(desk)) == (1, [])
    assert (case, f"{case}.2") in desk.rungs()


def test_a_queue_that_others_fill_at_the_same_moment(desk: Desk) -> None:
    """Two rounds at once queue each case once; neither fails."""
    for _ in range(4):
        desk.late()
    desk.clock.turn(days=60)
    failures: list[BaseException] = []

    def work(worker: QueueWorker) -> None:
        try:
            plan(worker)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(queue_worker(desk, name),)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    locks = [lock for _, _, lock in jobs(desk)]

    assert failures == []
    assert len(locks) == len(set(locks)) == 9


def test_the_queue_is_prepared_once_by_any_number_of_workers(postgres: Engine) -> None:
    """Four at once on an empty database, and again later; the ledger's migrations see nothing of it."""
    failures: list[BaseException] = []

    def prepare() -> None:
        try:
            prepare_queue(postgres)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    prepare_queue(postgres)
    with postgres.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})

        assert compare_metadata(context, metadata) == []
        assert conn.execute(text(f"SELECT count(*) FROM {SCHEMA}.procrastinate_jobs")).scalar() == 0
    assert failures == []


@pytest.mark.parametrize(
    ("period", "expected"),
    [(1, "* * * * * */1"), (20, "* * * * * */20"), (60, "*/1 * * * *"), (900, "*/15 * * * *"), (3600, "0 * * * *")],
)
def test_a_period_becomes_a_cron_line(period: int, expected: str) -> None:
    """Seconds that go into a minute, minutes that go into an hour."""
    assert expected == cron(period)


@pytest.mark.parametrize("period", [0, -60, 7, 59, 61, 420, 7200])
def test_other_periods_are_refused(period: int) -> None:
    """They would begin anew with each minute or hour, and so come at other times than was said."""
    with pytest.raises(ValueError, match=f"{period} 秒不行"):
        cron(period)
