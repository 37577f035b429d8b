"""The worker on PostgreSQL: procrastinate's queue, so that any number of processes on any machines share the work.

Once a period one of them makes the round: it shows that time is being kept and queues one job for each due case. The
case's id is the job's queueing lock, so a case waits in the queue once at most, however slow the workers are. Nothing
in the queue is true by itself: what is due follows from the ledger. So jobs are deleted when they are done, whatever
came of them, and one that died with its worker is simply queued again by the next round.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import procrastinate
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.schema import SchemaManager
from sqlalchemy import Engine, text

from adapters.ledger.database import write
from adapters.worker import Round
from adapters.worker.chores import Chores, complain
from adapters.worker.faults import reach

SCHEMA = "queue_" + "_".join(procrastinate.__version__.split(".")[:2])
"""The queue's own PostgreSQL schema. Another version of procrastinate gets another one: while old and new workers run
side by side each has the functions that it knows, and both find the same cases due."""
LOCK = 0x78696E68
"""Key of the advisory lock under which the schema is made ("xinh")."""
CHUNK = 500
"""Jobs queued by one statement."""
POLL = 1.0
"""Seconds between two looks at whether the queue still runs; a wish to stop is seen at once."""
PAUSE = 5
"""Seconds before a worker that lost its database starts again."""
MINUTE, HOUR = 60, 3600
ROUND, ADVANCE, TELL = 10, 0, -10  # priorities: the round before cases, cases before telling of them


def cron(period: int) -> str:
    """When rounds begin, as procrastinate wants to hear it.

    Raises:
        ValueError: the period does not go into a minute, or is not minutes that go into an hour.

    """
    if 0 < period < MINUTE and MINUTE % period == 0:
        return f"* * * * * */{period}"
    if MINUTE <= period <= HOUR and period % MINUTE == 0 and HOUR % period == 0:
        return "0 * * * *" if period == HOUR else f"*/{period // MINUTE} * * * *"
    raise ValueError(f"PostgreSQL 上的周期须整除一分钟，或者是整除一小时的整分钟数：{period} 秒不行")


def prepare_queue(engine: Engine) -> None:
    """Make the queue's tables unless they are there. Any number of workers may start at once."""
    with write(engine) as conn:
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        if conn.execute(text("SELECT to_regnamespace(:name)"), {"name": SCHEMA}).scalar() is not None:
            return
        cursor: Any = conn.connection.cursor()  # many statements at once, which only the driver's own cursor takes
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        cursor.execute(f"SET LOCAL search_path TO {SCHEMA}")
        cursor.execute(SchemaManager.get_schema())


class QueueWorker:
    """One process among others that share the queue."""

    def __init__(self, chores: Chores, *, workers: int) -> None:
        self.chores, self.workers = chores, workers
        self._cron = cron(chores.period)

    def round(self) -> Round:
        """See `Worker.round`. Also does what others have queued."""
        started = time.monotonic()
        prepare_queue(self.chores.office.context.engine)
        asyncio.run(self._one_round())
        self.chores.seal()
        return self.chores.done(time.monotonic() - started)

    def run(self, stop: threading.Event) -> None:
        """See `Worker.run`."""
        with self.chores.sealing():
            while not stop.is_set():
                try:
                    prepare_queue(self.chores.office.context.engine)
                    asyncio.run(self._until(stop))
                except Exception as error:  # noqa: BLE001 - without a database there is nothing but to try again
                    complain("worker failed", error, worker=self.chores.name)
                if not stop.is_set():
                    stop.wait(PAUSE)

    async def _one_round(self) -> None:
        queue = self._open(threading.Event())
        async with queue.app.open_async():
            await queue.make_round()
            await self._work(queue, wait=False)

    async def _until(self, stop: threading.Event) -> None:
        queue = self._open(stop)
        queue.repeat(self._cron)
        async with queue.app.open_async():
            await queue.begin()  # whoever comes back after an outage does not wait for the next full minute
            work = asyncio.create_task(self._work(queue, wait=True))
            while not work.done() and not await asyncio.to_thread(stop.wait, POLL):
                pass
            if not work.done():
                work.cancel()  # procrastinate takes it as the wish to finish the jobs in hand, and then to stop
            await asyncio.wait({work})
            if not work.cancelled():
                work.result()

    async def _work(self, queue: _Queue, *, wait: bool) -> None:
        await queue.app.run_worker_async(
            name=self.chores.name, wait=wait, concurrency=self.workers, delete_jobs="always",
            install_signal_handlers=False, listen_notify=wait,
        )  # fmt: skip

    def _open(self, stop: threading.Event) -> _Queue:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(self.workers + 2))
        return _Queue(self.chores, self.workers, stop)


class _Queue:
    """The queue's application: which kinds of jobs there are, and what each does."""

    def __init__(self, chores: Chores, workers: int, stop: threading.Event) -> None:
        self.chores, self.stop = chores, stop
        url = chores.office.context.engine.url.set(drivername="postgresql")
        self.app = App(
            connector=PsycopgConnector(
                conninfo=url.render_as_string(hide_password=False), kwargs={"options": f"-c search_path={SCHEMA}"},
                min_size=1, max_size=workers + 4,
            )
        )  # fmt: skip
        self._round = self.app.task(name="round", queueing_lock="round", priority=ROUND)(self._make_round)
        self._advance = self.app.task(name="advance", priority=ADVANCE)(self._advance_case)
        self._follow = self.app.task(name="follow", queueing_lock="follow", priority=ADVANCE)(self._follow_policy)
        self._deliver = self.app.task(name="deliver", queueing_lock="deliver", priority=TELL)(self._deliver_messages)
        self._expire = self.app.task(name="expire", queueing_lock="expire", priority=TELL)(self._erase_expired)
        self._stamp = self.app.task(name="stamp", queueing_lock="stamp", priority=TELL)(self._stamp_checkpoint)
        self._render = self.app.task(name="render", queueing_lock="render", priority=TELL)(self._render_letters)

    def repeat(self, when: str) -> None:
        """Have a round queued whenever `when` says so; the database sees to it that only one worker does."""
        self.app.periodic(cron=when, periodic_id=when)(self._round)

    async def begin(self) -> None:
        """Queue a round for now."""
        await self._queue([self._round.configure().job.evolve(task_kwargs={"timestamp": 0})])

    async def _make_round(self, timestamp: int) -> None:  # noqa: ARG002 - procrastinate says for when it was due
        try:
            await self.make_round()
        except Exception as error:  # noqa: BLE001 - the next round tries again
            complain("round failed", error, worker=self.chores.name)
        self.chores.report()  # what this process did since its last round

    async def make_round(self) -> None:
        """Beat, and queue what is to be done."""
        await self._clear()
        fresh = await asyncio.to_thread(self.chores.beat)
        due = await asyncio.to_thread(lambda: self.chores.due(fresh_calendars=fresh))
        blank = self._advance.configure().job
        await self._queue(blank.evolve(queueing_lock=f"case:{c}", task_kwargs={"case": c}) for c in due)
        if fresh:
            self.chores.looked_at_calendars()
        own = (self._follow, self._deliver, self._render, self._expire, self._stamp)
        await self._queue([task.configure().job for task in own])
        reach("after-due")

    async def _advance_case(self, case: str) -> None:
        await asyncio.to_thread(self.chores.advance, case)

    async def _follow_policy(self) -> None:
        await asyncio.to_thread(self.chores.follow, self.stop)

    async def _deliver_messages(self) -> None:
        await asyncio.to_thread(self.chores.deliver, self.stop)

    async def _render_letters(self) -> None:
        await asyncio.to_thread(self.chores.render, self.stop)

    async def _erase_expired(self) -> None:
        await asyncio.to_thread(self.chores.expire, self.stop)

    async def _stamp_checkpoint(self) -> None:
        await asyncio.to_thread(self.chores.stamp)

    async def _clear(self) -> None:
        """Take out jobs whose worker is dead. The round that does it queues anew what is still due."""
        for job in await self.app.job_manager.get_stalled_jobs():
            try:
                await self.app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
            except ConnectorException:
                continue  # another round has just taken it out

    async def _queue(self, jobs: Iterable[Job]) -> None:
        """Queue jobs, but for those that wait in the queue already."""
        for chunk in _chunks(jobs):
            while left := await self._unqueued(chunk):
                try:
                    await self.app.job_manager.batch_defer_jobs_async(left)
                except AlreadyEnqueued:  # someone else makes a round at this moment
                    continue
                break

    async def _unqueued(self, jobs: list[Job]) -> list[Job]:
        waiting = await self.app.connector.execute_query_all_async(
            "SELECT queueing_lock FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock = ANY(%(locks)s)",
            locks=[job.queueing_lock for job in jobs],
        )
        known = {row["queueing_lock"] for row in waiting}
        return [job for job in jobs if job.queueing_lock not in known]


def _chunks(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    chunk: list[Job] = []
    for job in jobs:
        chunk.append(job)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
