"""Work of the worker in processes that die of it: forked from one in which the program is loaded, to be cheap."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path

from adapters.ledger import open_database
from adapters.ledger.vault import Vault, with_vault
from adapters.office import Office
from adapters.vault import FileMasterKeys
from adapters.worker import chores, faults
from tests.adapters.support import SECRET, Desk, ReferenceEvaluator

SECONDS = 60
NAME = "tests.faults.dying"


def dies(work: Callable[[chores.Chores], None], desk: Desk, masters: Path, fault: str) -> int | None:
    """What became of a process that did a piece of work on a desk's database: minus the signal that killed it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([NAME])
    url = desk.engine.url.render_as_string(hide_password=False)
    child = context.Process(target=_live, args=(work, url, masters, desk.clock.now, fault))
    child.start()
    child.join(SECONDS)
    return child.exitcode


def seal(own: chores.Chores) -> None:
    """Seal in the thread that does so beside everything else, until nothing waits."""
    chores.SEALING = 0
    over = threading.Event()
    with own.sealing():
        while own.office.proofs.waiting().count:
            over.wait(0.02)


def expire(own: chores.Chores) -> None:
    """Erase what has been kept long enough."""
    own.expire()


def _live(work: Callable[[chores.Chores], None], url: str, masters: Path, now: dt.datetime, fault: str) -> None:
    faults.arm(fault)
    engine = with_vault(open_database(url), Vault(FileMasterKeys(masters)))
    office = Office(engine, evaluator=ReferenceEvaluator(), clock=lambda: now, secret=SECRET)
    work(chores.Chores(office, name="w", period=60, send=lambda *_: None))
    engine.dispose()
