"""What is said of the effect that another policy would have on the cases in the ledger. Subjects by opaque id alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from engine.workbench.backlog import Load


@dataclass(frozen=True, slots=True)
class Counts:
    """Obligations that come into being, are lifted after they took effect, or are cancelled before they did."""

    gained: int = 0
    lifted: int = 0
    cancelled: int = 0

    @property
    def lost(self) -> int:
        """Lifted and cancelled together."""
        return self.lifted + self.cancelled


def added(found: Iterable[Counts]) -> Counts:
    """All of them together."""
    every = list(found)
    return Counts(sum(c.gained for c in every), sum(c.lifted for c in every), sum(c.cancelled for c in every))


@dataclass(frozen=True, slots=True)
class ListImpact:
    """What comes of the live cases of one list.

    follows: whether they go under the new policy by themselves when it comes into force; else only if somebody
    migrates them. sooner, later: cases whose listing would end earlier or later than now.
    """

    list: str
    title: str
    follows: bool
    cases: int
    changed: int
    refused: int
    sooner: int
    later: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class OwedImpact:
    """One measure on one list, by one department."""

    list: str
    list_title: str
    measure: str
    measure_title: str
    department: str
    department_title: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class DepartmentImpact:
    """What comes to a department, and how much it has to do on each day, as it is and with the change."""

    department: str
    title: str
    counts: Counts
    before: Load
    after: Load


@dataclass(frozen=True, slots=True)
class LimitImpact:
    """Suggested limits of one table: in how many cases new, withdrawn, raised or lowered, and the sums (fen)."""

    table: str
    title: str
    granted: int = 0
    granted_sum: int = 0
    withdrawn: int = 0
    withdrawn_sum: int = 0
    raised: int = 0
    raised_by: int = 0
    lowered: int = 0
    lowered_by: int = 0


@dataclass(frozen=True, slots=True)
class StayingCase:
    """A case that could not be brought under the new policy, and why in words."""

    case: str
    list: str
    list_title: str
    why: str


@dataclass(frozen=True, slots=True)
class Impact:
    """What would change on `day` for the cases that stand today, and the load of the `days` from then on.

    restricted, released: persons (opaque ids) who come under restrictive measures, or out of them all.
    """

    before: str | None  # version; None where each case is taken under its own
    after: str
    today: dt.date
    day: dt.date
    days: int
    cases: int
    changed: int
    subjects: int
    subjects_changed: int
    restricted: tuple[str, ...]
    released: tuple[str, ...]
    lists: tuple[ListImpact, ...]
    owed: tuple[OwedImpact, ...]
    departments: tuple[DepartmentImpact, ...]
    limits: tuple[LimitImpact, ...]
    staying: tuple[StayingCase, ...]

    @property
    def counts(self) -> Counts:
        """Everything together."""
        return added(one.counts for one in self.lists)
