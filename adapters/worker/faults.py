"""Named fault points: where a test may kill, stop or fail a worker. Nothing happens, and nothing is paid, when unset.

`XINHENG_FAULT="before-commit:kill"` kills the process (SIGKILL) the first time it gets there; `after-send:kill:3` the
third time; several are separated by commas. `stop` is SIGSTOP, `raise` a `FaultError`. For tests only.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from typing import Literal

VARIABLE = "XINHENG_FAULT"
POINTS = (
    "after-due",  # the heartbeat stands, the due cases are known, and on PostgreSQL queued; none is advanced yet
    "before-write",  # a case's events are decided, its transaction has not begun
    "before-commit",  # everything is written, nothing is committed
    "after-commit",  # the events stand, nobody has been told of them
    "after-send",  # a department was told, that is not noted yet
    "after-note",  # it is noted
    "before-seal",  # events are in the tree and a checkpoint is signed, nothing is committed
    "after-seal",  # the checkpoint stands, nobody has counted it
    "before-erase",  # a subject's key and all that it sealed is gone, nothing is committed
    "after-erase",  # the erasure stands, the master keys do not know of it
)
ACTIONS = ("kill", "stop", "raise")
STOPPING = 0.2
"""Seconds within which every thread has stopped."""


class FaultError(Exception):
    """A fault point was told to fail."""


@dataclass(slots=True)
class _Fault:
    action: Literal["kill", "stop", "raise"]
    left: int


def parse(text: str) -> dict[str, _Fault]:
    """The faults that `text` names, by point.

    Raises:
        ValueError: an unknown point or action: a test that faults nowhere proves nothing.

    """
    found: dict[str, _Fault] = {}
    for part in filter(None, text.split(",")):
        point, action, *count = part.split(":")
        if point not in POINTS or action not in ACTIONS:
            raise ValueError(f"{VARIABLE}: {part}")
        found[point] = _Fault(action, int(*count) if count else 1)  # type: ignore[arg-type]
    return found


_armed = parse(os.environ.get(VARIABLE, ""))
_lock = threading.Lock()


def arm(text: str) -> None:
    """Fault there from now on, in a process that was not started with the variable.

    Raises:
        ValueError: see `parse`.

    """
    _armed.clear()
    _armed.update(parse(text))


def reach(point: str) -> None:
    """Pass a fault point.

    Raises:
        FaultError: it was told to fail here and now.

    """
    if not _armed or point not in _armed:
        return
    with _lock:
        fault = _armed[point]
        fault.left -= 1
        if fault.left:
            return
    match fault.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(STOPPING)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(STOPPING)  # another thread may be the one to take the signal, and this one would run on
        case "raise":
            raise FaultError(point)
