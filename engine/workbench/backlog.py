"""How much lies on a department's desk on each day, if every department answers on its last permitted day.

On the desk is what a department has to accept and set up (or do), to set up again after it took over, and to lift. What
waits for others comes onto the desk on the day on which the last of them has answered; what waits for something that
has no day, such as the service on a related person, is left out.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from engine.casework.calendar import DAY, Calendars
from engine.casework.lifting import lift_due
from engine.casework.model import Case, Due, Obligation
from engine.casework.terms import opened
from engine.language.ir import Policy


@dataclass(frozen=True, slots=True)
class Pending:
    """Something on a department's desk from its first day to its last; `lifting`: a measure to be taken down."""

    department: str
    first: dt.date
    last: dt.date
    lifting: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """How many things are on a department's desk, day by day from the first."""

    first: dt.date
    counts: tuple[int, ...]

    @property
    def peak(self) -> int:
        """The most there is on one day."""
        return max(self.counts, default=0)

    @property
    def peak_on(self) -> dt.date | None:
        """The first such day; None if there is never anything."""
        return self.first + DAY * self.counts.index(self.peak) if self.peak else None


class Tally:
    """Counts what is pending on each day of a window; holds two numbers a change and nothing of the cases."""

    def __init__(self, first: dt.date, days: int) -> None:
        self.first, self.days = first, days
        self._steps: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (days + 1))

    def add(self, pending: Iterable[Pending]) -> None:
        """Take in what is pending of one case."""
        for one in pending:
            begin, end = (one.first - self.first).days, (one.last - self.first).days
            if end >= 0 and begin < self.days and begin <= end:
                steps = self._steps[one.department]
                steps[max(begin, 0)] += 1
                steps[min(end + 1, self.days)] -= 1

    def loads(self) -> dict[str, Load]:
        """The load of each department that has any, by id."""
        found = {}
        for department, steps in sorted(self._steps.items()):
            counts, now = [], 0
            for step in steps[:-1]:
                now += step
                counts.append(now)
            found[department] = Load(self.first, tuple(counts))
        return found


def pending(
    case: Case,
    policy: Policy,
    calendars: Calendars,
    today: dt.date,
    *,
    before: Case | None = None,
    since: dt.date | None = None,
) -> Iterator[Pending]:
    """What the case puts on desks from today on, when every department answers on its last permitted day.

    What is late already is done today.

    Args:
        case: the whole case.
        policy: the one that it goes by.
        calendars: working days.
        today: the day that it is known on.
        before: the case without a change that comes later than today.
        since: the day of that change: what it brought about or moved begins then.

    """
    moved = set()
    if before is not None and since is not None:
        was = {name: o.state for name, o in before.obligations.items()}
        moved = {name for name, o in case.obligations.items() if was.get(name) != o.state}
    starts = {name: since if name in moved and since is not None else today for name in case.obligations}
    return _Desk(case, policy, calendars, starts).pending()


class _Desk:
    """One case whose departments all answer on the last day."""

    def __init__(self, case: Case, policy: Policy, calendars: Calendars, starts: Mapping[str, dt.date]) -> None:
        self.case, self.policy, self.calendars, self.starts = case, policy, calendars, starts
        self._last: dict[str, dt.date] = {}  # of those that come to be done at all
        self._needs: dict[str, list[str]] = {name: [] for name in case.obligations}
        self._needed: dict[str, list[str]] = {name: [] for name in case.obligations}
        for edge in case.edges:
            if edge.kind == "needs":
                self._needs[edge.after].append(edge.before)
                self._needed[edge.before].append(edge.after)

    def pending(self) -> Iterator[Pending]:
        # each is set up after all that it needs, and lifted after all that need it
        order = list(TopologicalSorter(self._needs).static_order())
        for name in order:
            yield from self._to_set_up(self.case.obligations[name])
        for name in reversed(order):
            yield from self._to_lift(self.case.obligations[name])

    def _to_set_up(self, obligation: Obligation) -> Iterator[Pending]:
        first: dt.date | None = self.starts[obligation.id]
        dues: list[Due | None]
        match obligation.state:
            case "open" | "accepted":
                dues = [obligation.accept_by, obligation.act_by]
            case "in-force":
                dues = [obligation.rearm_by]
            case "waiting":
                unsettled = [n for n in self._needs[obligation.id] if not self.case.obligations[n].settled]
                first = self._after(obligation, unsettled, obligation.unmet)
                if first is None:
                    return
                now = opened(obligation, self.policy, self.calendars, first)
                dues = [now.accept_by, now.act_by]
            case _:
                return
        yield from self._until(obligation, first, dues)

    def _to_lift(self, obligation: Obligation) -> Iterator[Pending]:
        if obligation.state != "lifting":
            return
        if not obligation.unlifted:
            yield from self._until(obligation, self.starts[obligation.id], [obligation.lift_by])
            return
        dependents = [n for n in self._needed[obligation.id] if self.case.obligations[n].state == "lifting"]
        first = self._after(obligation, dependents, obligation.unlifted)
        if first is not None:
            due = lift_due(self.case, obligation, first, self.policy, self.calendars)
            yield from self._until(obligation, first, [due])

    def _after(self, obligation: Obligation, others: Sequence[str], waits: int) -> dt.date | None:
        """The day on which the last of the others is through; None if that, or something else, has no day."""
        if waits > len(others) or not all(n in self._last for n in others):
            return None
        return max([self.starts[obligation.id], *(self._last[n] for n in others)])

    def _until(self, obligation: Obligation, first: dt.date | None, dues: Sequence[Due | None]) -> Iterator[Pending]:
        days = [due.on for due in dues if due is not None]
        if first is not None and days:
            last = self._last[obligation.id] = max([first, *days])
            yield Pending(obligation.department, first, last, obligation.state == "lifting")
