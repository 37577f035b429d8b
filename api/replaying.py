"""Replaying a whole ledger, shared out among processes: decisions by digest, cases by id."""

from __future__ import annotations

import atexit
import gc
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from adapters.ledger.database import read
from adapters.ledger.decisions import count_decisions
from adapters.ledger.refolding import case_ids
from adapters.office import Office
from adapters.office.replaying import (
    LAST,
    Decider,
    Refolded,
    Replayed,
    Replayer,
    refold_range,
    replay_range,
    replay_sample,
)
from adapters.pool import EnginePool
from api.assembly import open_office
from api.settings import Settings
from engine.casework.replaying import Question

Engine = Literal["reference", "durable", "both"]
PARTS = 256
"""Tasks among which decisions are shared out: a two-digit beginning of a digest each."""
CASES = 1_000
"""Cases in one task."""
LAST_CASE = "~"


@dataclass
class Tally:
    """What was replayed. `different` and `broken` hold what differs or failed, in order."""

    decisions: int = 0
    erased: int = 0
    cases: int = 0
    different: list[Replayed] = field(default_factory=list)
    broken: list[Refolded] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing differs."""
        return not self.different and not self.broken

    def take(self, found: Replayed | None) -> None:
        """Count one decision; None is one that came out as it was."""
        self.decisions += 1
        if found is None:
            return
        if found.outcome == "erased":
            self.erased += 1
        elif found.outcome != "same":
            self.different.append(found)

    def add(self, other: Tally) -> None:
        """Count what another process found."""
        self.decisions += other.decisions
        self.erased += other.erased
        self.cases += other.cases
        self.different += other.different
        self.broken += other.broken


@dataclass(frozen=True, slots=True)
class _Task:
    """A part of the decisions or of the cases: keys from `first` up to but not including `last`."""

    what: Literal["decisions", "cases"]
    first: str
    last: str


@contextmanager
def decider(engine: Engine) -> Iterator[Decider | None]:
    """What makes decisions beside the reference interpreter; its processes end with the context."""
    if engine == "reference":
        yield None
        return
    with EnginePool(1) as pool:
        yield pool.decide if engine == "both" else pool.decide_alone


def replay_all(
    settings: Settings,
    question: Question = "as-decided",
    engine: Engine = "reference",
    *,
    jobs: int = 1,
    casework: bool = True,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Tally:
    """Replay every decision, and hold every case's events against its rows. `progress`: things done, things in all."""
    with open_office(settings, serving=False) as office:
        tasks, total = _tasks(office, casework=casework)
        tally = Tally()
        if jobs == 1:
            with decider(engine) as decide:
                replayer = Replayer(office.context, question, decide)
                for task in tasks:
                    tally.add(_done(office, replayer, task))
                    progress(tally.decisions + tally.cases, total)
            return _sorted(tally)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _open, (settings, question, engine)) as workers:
        for future in as_completed([workers.submit(_in_child, task) for task in tasks]):
            tally.add(future.result())
            progress(tally.decisions + tally.cases, total)
    return _sorted(tally)


def replay_some(office: Office, size: int, seed: str, question: Question, engine: Engine) -> Tally:
    """Replay `size` decisions that `seed` draws."""
    tally = Tally()
    with decider(engine) as decide:
        for found in replay_sample(office.context, Replayer(office.context, question, decide), size, seed):
            tally.take(found)
    return tally


def _tasks(office: Office, *, casework: bool) -> tuple[list[_Task], int]:
    edges = ["", *(f"{n:02x}" for n in range(1, PARTS)), LAST]
    tasks = [_Task("decisions", first, last) for first, last in pairwise(edges)]
    with read(office.context.engine) as conn:
        total = count_decisions(conn)
        ids = list(case_ids(conn)) if casework else []
    starts = [*ids[::CASES], LAST_CASE]
    tasks += [_Task("cases", first, last) for first, last in pairwise(starts)]
    return tasks, total + len(ids)


def _done(office: Office, replayer: Replayer, task: _Task) -> Tally:
    tally = Tally()
    if task.what == "decisions":
        for found in replay_range(office.context, replayer, task.first, task.last):
            tally.take(found)
        return tally
    for folded in refold_range(office.context, task.first, task.last):
        tally.cases += 1
        if not folded.same:
            tally.broken.append(folded)
    return tally


def _sorted(tally: Tally) -> Tally:
    tally.different.sort(key=lambda found: found.digest)
    tally.broken.sort(key=lambda found: found.case)
    return tally


# what a child process keeps between its tasks
_KEPT: list[tuple[Office, Replayer]] = []


def _open(settings: Settings, question: Question, engine: Engine) -> None:
    stack = ExitStack()
    office = stack.enter_context(open_office(settings, serving=False))
    _KEPT.append((office, Replayer(office.context, question, stack.enter_context(decider(engine)))))
    atexit.register(stack.close)
    # replay makes hardly any garbage that only a collector finds; looking for it would take a tenth of the time
    gc.freeze()
    gc.disable()


def _in_child(task: _Task) -> Tally:
    ((office, replayer),) = _KEPT
    done = _done(office, replayer, task)
    gc.collect()
    return done
