"""Every rung of every ladder of the default bundle fires exactly once, in order, whatever becomes of the workers.

The workers are real processes, killed at every commit point; the proof is the event log, on both databases.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.databases import BACKENDS, Databases, shared_folder
from tests.faults.county import County, open_county

ADVANCING = ("after-due:kill", "before-write:kill:2", "before-commit:kill:2", "after-commit:kill:2")
TELLING = ("after-send:kill:3", "after-note:kill:3")
"""At the first pass of a point, or at a later one, when some cases or messages are through and others are not."""
MONTHS = 150
"""Days by which the clock jumps: every rung of every ladder is then behind, and none of the deadlines has moved."""


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The run's databases."""
    found = Databases(shared_folder(tmp_path_factory))
    yield found
    found.close()


@pytest.fixture(params=BACKENDS)
def county(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[County]:
    """A county on each database."""
    with databases.fresh(request.param) as engine:
        yield open_county(engine, tmp_path / "county")


def test_a_worker_killed_at_every_commit_point_loses_and_doubles_nothing(county: County) -> None:
    """Each dies where the next begins, after the clock jumped by months."""
    county.fill(each=4)
    county.jump(MONTHS)
    advancing = [(county.end(county.start(fault)), len(county.desk.rungs())) for fault in ADVANCING]
    telling = [(county.end(county.start(fault)), county.desk.waiting()) for fault in TELLING]
    clean = county.end(county.start())
    climbed, waiting = [n for _, n in advancing], [n for _, n in telling]

    assert {(-signal.SIGKILL,)} == {tuple(codes) for codes, _ in advancing + telling}
    assert clean == [0]
    # they died while there was work left, and each got a little further
    assert climbed == sorted(climbed)
    assert 0 < climbed[-1] < len(county.expected)
    assert waiting[0] > waiting[-1] > 0
    assert county.expected == county.desk.rungs()
    assert county.everything_told()


def test_a_worker_that_slept_through_the_work_of_another_adds_nothing(county: County) -> None:
    """Stopped between deciding and writing, for as long as it takes another to do it all; woken, it must not write."""
    county.fill(each=1)
    county.jump(MONTHS)
    sleeper = county.start("before-write:stop")
    sleeper.wait_until_stopped()
    other = county.end(county.start(name="other"))
    before = county.desk.count()
    sleeper.process.send_signal(signal.SIGCONT)

    assert other == county.end(sleeper) == [0]
    assert before == county.desk.count()
    assert county.expected == county.desk.rungs()


def test_asked_to_stop_a_worker_finishes_the_case_in_hand(county: County) -> None:
    """SIGTERM in the middle of a transaction: that case is committed whole, the others are left, the exit is clean."""
    county.fill(each=4)
    county.jump(MONTHS)
    worker = county.start("before-commit:stop", once=False)
    worker.wait_until_stopped()
    before = county.desk.count()
    worker.process.send_signal(signal.SIGTERM)
    worker.process.send_signal(signal.SIGCONT)
    code = county.end(worker)
    cases = {case for case, _ in county.desk.rungs()}
    finished = {late: rungs for late, rungs in county.expected.items() if late[0] in cases}

    assert code == [0]
    assert county.desk.count() > before
    assert len(cases) == 1
    assert finished == county.desk.rungs()


@pytest.mark.parametrize("seed", [int(os.environ.get("XINHENG_SEED", "7"))])
def test_two_workers_at_once_that_die_at_random(county: County, seed: int) -> None:
    """Both find the same backlog, after months; then days pass, and one after the other is killed at any moment."""
    dice = random.Random(seed)
    workers = [county.start(once=False, name=f"w{n}") for n in range(2)]
    county.fill(each=6)
    county.wait_until(lambda: county.desk.office.health().alive)
    for step in (MONTHS, 1, 2, 3, 5, 15):
        county.jump(step)
        county.fill(each=1)
        if step in {MONTHS, 3}:
            time.sleep(dice.uniform(0, 0.3))
            victim = workers.pop(dice.randrange(2))
            victim.process.kill()
            county.end(victim)
            workers.append(county.start(once=False, name=f"w{step}"))
        county.wait_until(county.idle)
    county.jump(MONTHS)
    county.wait_until(lambda: county.idle() and not county.desk.waiting())
    for worker in workers:
        worker.process.send_signal(signal.SIGTERM)

    assert set(county.end(*workers)) <= {0, -signal.SIGTERM}  # the latter for one that had not begun yet
    assert county.expected == county.desk.rungs()
    assert county.everything_told()
    assert county.desk.office.due_cases() == ()
