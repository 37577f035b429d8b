"""The three clocks of a listing: publicity, listing, measure. Each has a start, a minimum, a maximum and an early end.

Publicity and listing run from the date of the decision (信用修复管理办法). A term ends on its last calendar day,
working day or not: nobody has to act on it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from engine.casework.calendar import DAY, Calendars, add
from engine.casework.model import Case, Clock, Due, Task
from engine.language.dates import plus
from engine.language.ir import ListDef, Procedure, Value

WARNING = dt.timedelta(days=30)
"""How long before a listing ends by itself those concerned are told."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What one norm says of the publicity clock of a case."""

    law: str
    article: str | None
    minimum: dt.date | None
    maximum: dt.date | None


def start_clocks(listed: ListDef, facts: Mapping[str, Value], decided_on: dt.date) -> tuple[Clock, Clock]:
    """The publicity and the listing clock of a case decided on `decided_on`."""
    procedure = listed.procedure
    shown, term = procedure.publicity, procedure.term
    publicity = Clock(
        decided_on,
        plus(decided_on, shown.minimum) if shown.minimum else None,
        plus(decided_on, shown.maximum) if shown.maximum else None,
    )
    repair = procedure.repair
    listing = Clock(
        decided_on,
        plus(decided_on, repair.after) if repair and repair.after else None,
        None if term.length is None or until_performed(procedure, facts) else plus(decided_on, term.length),
    )
    return publicity, listing


def until_performed(procedure: Procedure, facts: Mapping[str, Value]) -> bool:
    """Whether this listing ends by performance alone, however long that takes."""
    exception = procedure.term.until_performed
    return exception is not None and facts.get(exception[0]) in exception[1]


def publish_task(procedure: Procedure, decided_on: dt.date, calendars: Calendars) -> Task | None:
    """By when the listing has to be shown to the public, if it is."""
    within = procedure.publicity.within if procedure.publicity.public else None
    return Task("publish", add(decided_on, within, calendars)) if within else None


def bounds(procedure: Procedure, clock: Clock) -> tuple[Bound, ...]:
    """What each norm says of a publicity clock; the one that ends first, and so warns first, comes first."""
    found = [
        Bound(
            limit.law,
            limit.article,
            plus(clock.start, limit.minimum) if limit.minimum else None,
            plus(clock.start, limit.maximum) if limit.maximum else None,
        )
        for limit in procedure.publicity.limits
    ]
    return tuple(sorted(found, key=lambda b: (b.maximum or dt.date.max, b.law)))


def earliest_repair(case: Case, procedure: Procedure) -> dt.date | None:
    """The first day on which repair may be applied for; `None` when the list knows no repair or has not begun."""
    if procedure.repair is None or case.listing is None or case.publicity is None:
        return None
    days = [day + DAY for day in (case.listing.minimum, case.publicity.minimum) if day is not None]
    return max(days, default=case.listing.start)


def ends_soon(case: Case, today: dt.date) -> Due | None:
    """The day on which publicity or listing ends by itself, when that is near."""
    days = [
        clock.maximum
        for clock in (case.publicity, case.listing)
        if clock is not None and clock.ended_on is None and clock.maximum is not None
    ]
    nearest = min(days, default=None)
    return Due(nearest) if nearest is not None and nearest - today <= WARNING else None
