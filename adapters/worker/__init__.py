"""The worker: lets time pass for cases, tells departments, renders letters, erases what is due, shows that it lives.

Everything it does may be done again and by several at once: `Office.advance` is idempotent, and messages are delivered
at least once. So a worker needs no lease; one that was killed, stopped or cut off loses nothing and doubles nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from adapters.office import Office
    from adapters.office.model import MessageView

__all__ = ["PERIOD", "SEALING", "Round", "Send", "Worker", "open_worker"]

PERIOD = 60
"""Seconds from one round to the next; a rung that falls due at midnight has fired a minute later."""
SEALING = 5
"""Seconds from one checkpoint of the log to the next, while there is something to seal."""

Send = Callable[["MessageView", str], None]
"""Hands a message to a department (by id). It fails by raising; the message is then tried again next round."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did, in this process."""

    due: int = 0  # cases about which time may have had something to say
    moved: int = 0  # of these, cases that changed
    events: int = 0
    failed: int = 0  # cases that could not be advanced; logged, and tried again next round
    followed: int = 0  # cases brought under a policy that tells them to follow it
    delivered: int = 0  # messages
    undelivered: int = 0  # messages that their department's way did not take; tried again next round
    rendered: int = 0  # letters
    erased: int = 0  # subjects whose data had been kept long enough
    sealed: int = 0  # events taken into the tree of proofs
    seconds: float = 0


class Worker(Protocol):
    """Keeps time for an office."""

    def round(self) -> Round:
        """Do now all that time asks for, and return when it is done."""
        ...

    def run(self, stop: threading.Event) -> None:
        """Make a round every period until `stop` is set; the case in hand is finished first. Survives any failure."""
        ...


def open_worker(
    office: Office, *, name: str, period: int = PERIOD, workers: int = 1, send: Send | None = None, letters: bool = True
) -> Worker:
    """A worker that suits the office's database. `send` logs by default; `workers` are cases advanced at one time.

    Without `letters` it leaves them to be rendered when they are asked for.

    Raises:
        ValueError: the period is none that the queue can keep, or SQLite is to have several workers.

    """
    from adapters.worker.chores import Chores, log_message  # noqa: PLC0415 - the office knows this package

    chores = Chores(office, name=name, period=period, send=send or log_message, letters=letters)
    if office.context.engine.dialect.name == "postgresql":
        from adapters.worker.queue import QueueWorker  # noqa: PLC0415 - only PostgreSQL pays for procrastinate

        return QueueWorker(chores, workers=workers)
    if workers != 1:
        raise ValueError("SQLite 只有一个写入者，办理时间事项的工作线程只能是 1 个")
    from adapters.worker.embedded import LoopWorker  # noqa: PLC0415 - see above

    return LoopWorker(chores)
