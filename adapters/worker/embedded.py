"""The worker on SQLite: one loop, in a thread of the service or in a process of its own."""

from __future__ import annotations

import threading
import time

from adapters.worker import Round
from adapters.worker.chores import Chores, complain
from adapters.worker.faults import reach


class LoopWorker:
    """Does every chore itself, one after the other."""

    def __init__(self, chores: Chores) -> None:
        self.chores = chores

    def round(self) -> Round:
        """See `Worker.round`."""
        started = time.monotonic()
        self._round(threading.Event())
        return self.chores.done(time.monotonic() - started)

    def run(self, stop: threading.Event) -> None:
        """See `Worker.run`."""
        with self.chores.sealing():
            while not stop.is_set():
                try:
                    self._round(stop)
                except Exception as error:  # noqa: BLE001 - without a database there is nothing but to try again
                    complain("round failed", error, worker=self.chores.name)
                self.chores.report()
                stop.wait(self.chores.period)

    def _round(self, stop: threading.Event) -> None:
        chores = self.chores
        fresh = chores.beat()
        beaten, all_well = time.monotonic(), True
        due = chores.due(fresh_calendars=fresh)
        reach("after-due")
        for case in due:
            if stop.is_set():
                break
            all_well = chores.advance(case) and all_well
            if time.monotonic() - beaten > chores.period / 2:  # a long round is no silence
                chores.beat()
                beaten = time.monotonic()
        else:
            if fresh and all_well:
                chores.looked_at_calendars()
        if not stop.is_set():
            chores.follow(stop)
            chores.deliver(stop)
            chores.render(stop)
            chores.expire(stop)
        chores.seal()
        chores.stamp()
