"""What a round consists of, piece by piece, each safe to repeat; how the pieces are scheduled differs by database."""

from __future__ import annotations

import datetime as dt
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

import structlog

from adapters.office import Office
from adapters.office.model import MessageView
from adapters.worker import SEALING, Round, Send

log = structlog.get_logger("xinheng.worker")
MANY = 1_000_000
"""More cases than are ever due on one day."""
BATCH = 200
"""Messages, and letters, handled in one go."""


def log_message(message: MessageView, department: str) -> None:
    """Tell a department by the log: no personal data, for who reads a log is nobody's to know."""
    log.info(
        "message",
        department=department,
        audience=message.audience,
        case=message.case,
        obligation=message.obligation,
        title=message.title,
    )


def complain(what: str, error: BaseException, **about: Any) -> None:
    """Log a failure: what failed and where. Messages and local variables stay out: they hold codes and names.

    A log that cannot be written to is no reason to stop keeping time.
    """
    frames = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
    with suppress(OSError, ValueError):
        log.error(what, **about, error=type(error).__name__, frames=frames[-5:])


class Chores:
    """The pieces, and a count of what they did. Safe to share between threads."""

    def __init__(self, office: Office, *, name: str, period: int, send: Send, letters: bool = True) -> None:
        self._letters = letters
        self.office, self.name, self.period = office, name, period
        self._send = send
        self._lock = threading.Lock()
        self._done: Counter[str] = Counter()
        self._calendars_on: dt.date | None = None
        self._expired_on: dt.date | None = None

    def beat(self) -> bool:
        """Show that time is being kept; whether provisional deadlines have to be looked at again.

        They are when the calendars changed, and once a day besides: so one that a killed worker forgot is not lost.
        """
        if self.office.beat(self.name, period=self.period):
            self._calendars_on = None
        return self._calendars_on != self.office.context.today()

    def due(self, *, fresh_calendars: bool) -> tuple[str, ...]:
        """The cases to advance now."""
        found = self.office.due_cases(limit=MANY, fresh_calendars=fresh_calendars)
        self._count(due=len(found))
        return found

    def looked_at_calendars(self) -> None:
        """Every case that `due` named has been advanced, or is sure to be."""
        self._calendars_on = self.office.context.today()

    def advance(self, case: str) -> bool:
        """Let time pass for one case; false, and a line in the log, if that failed."""
        try:
            events = self.office.advance(case)
        except Exception as error:  # noqa: BLE001 - one case must not stop the others
            complain("advance failed", error, case=case)
            self._count(failed=1)
            return False
        self._count(events=events, moved=int(events > 0))
        return True

    def follow(self, stop: threading.Event | None = None) -> None:
        """Bring live cases under a policy that tells them to follow it."""
        for case in self._named("follow", lambda: self.office.cases_to_follow(limit=MANY)):
            if stop and stop.is_set():
                break
            try:
                done = self.office.follow_policy(case)
            except Exception as error:  # noqa: BLE001 - one case must not stop the others
                complain("follow failed", error, case=case)
                self._count(failed=1)
            else:
                self._count(followed=int(done is not None and done.done))

    def deliver(self, stop: threading.Event | None = None) -> None:
        """Tell departments what they have not been told yet."""
        while self._tried("deliver", self._deliver) and not (stop and stop.is_set()):
            pass

    def _deliver(self) -> bool:
        delivered = self.office.deliver(self._sent, limit=BATCH)
        self._count(delivered=delivered)
        return delivered == BATCH

    def _sent(self, message: MessageView, department: str) -> None:
        try:
            self._send(message, department)
        except Exception as error:
            complain("delivery failed", error, department=department, message=message.id)
            self._count(undelivered=1)
            raise

    def render(self, stop: threading.Event | None = None) -> None:
        """Render letters nobody has asked for yet."""
        while self._tried("render", self._render) and not (stop and stop.is_set()):
            pass

    def _render(self) -> bool:
        rendered = self.office.render_letters() if self._letters else 0
        self._count(rendered=rendered)
        return rendered > 0

    def expire(self, stop: threading.Event | None = None) -> None:
        """Erase the personal data that have been kept long enough; once a day, or until none are left."""
        today = self.office.context.today()
        while self._expired_on != today and not (stop and stop.is_set()):
            if not self._tried("expire", self._expire):
                break

    def _expire(self) -> bool:
        today = self.office.context.today()
        erased = self.office.erase_expired(limit=BATCH)
        self._count(erased=erased)
        if erased < BATCH:
            self._expired_on = today
        return erased == BATCH

    def seal(self) -> None:
        """Take events into the tree of proofs, and sign a checkpoint over them."""
        try:
            made = self.office.proofs.seal()
        except Exception as error:  # noqa: BLE001 - tried again in a moment; what is overdue shows in `Office.health`
            complain("seal failed", error)
            return
        self._count(sealed=sum(found.events for found in made))
        late = sum(found.late for found in made)
        if late:
            with suppress(OSError, ValueError):
                log.error("promises kept late", events=late)

    def stamp(self) -> None:
        """Have the latest checkpoint timestamped, where there is an authority; without it everything goes on."""
        try:
            self.office.proofs.stamp()
        except Exception as error:  # noqa: BLE001 - tried again next round
            complain("timestamp failed", error)

    @contextmanager
    def sealing(self) -> Iterator[None]:
        """Go on sealing in a thread of its own, whatever else is being done."""
        over = threading.Event()

        def work() -> None:
            while not over.wait(SEALING):
                self.seal()

        thread = threading.Thread(target=work, name="sealing", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _named(self, name: str, work: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the next round tries again
            complain(f"{name} failed", error)
            return ()

    def _tried(self, name: str, work: Callable[[], bool]) -> bool:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the next round tries again
            complain(f"{name} failed", error)
            return False

    def _count(self, **more: int) -> None:
        with self._lock:
            self._done.update(more)

    def done(self, seconds: float) -> Round:
        """What was done since this was last asked."""
        with self._lock:
            counted, self._done = self._done, Counter()
        return Round(**counted, seconds=round(seconds, 3))

    def report(self) -> None:
        """Log what was done since this was last asked, unless it was nothing."""
        done = self.done(0)
        if any(n for name, n in asdict(done).items() if name not in {"due", "sealed"}):
            with suppress(OSError, ValueError):
                log.info("round", worker=self.name, **{n: v for n, v in asdict(done).items() if v})
