"""How long what is known of a subject is kept: until the last of its cases and records has been kept long enough.

A person is one: as long as anything about them has to be kept, who they are is kept, and nothing is erased.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from engine.language.dates import plus
from engine.language.ir import Keeping, Policy


@dataclass(frozen=True, slots=True)
class HeldCase:
    """A case about a subject, as its own or as a related person's: its list, and when it was closed (None: open)."""

    list: str
    closed_on: dt.date | None


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of a subject: its kind, the day it became known, its cases, and the days of records about it."""

    kind: str
    since: dt.date
    cases: tuple[HeldCase, ...] = ()
    records: tuple[dt.date, ...] = ()


def keeping_of(policy: Policy, kind: str, list_id: str | None) -> Keeping | None:
    """The rule that governs a case on a list, or with None a record, about a subject of a kind."""
    for _, document in sorted(policy.retention.items()):
        for rule in document.rules:
            if kind in rule.subjects and (not rule.lists or list_id in rule.lists):
                return rule
    return None


def kept_until(policy: Policy, held: Held) -> tuple[dt.date, Keeping] | None:
    """The last day on which what is held of a subject is kept, and the rule that keeps it so long.

    None: no end is in sight, because a case is open, or something is held that no rule governs.
    """
    ends = []
    for list_id, day in _days(held):
        rule = keeping_of(policy, held.kind, list_id)
        if rule is None or day is None:
            return None
        try:
            ends.append((plus(day, rule.keep), rule))
        except (OverflowError, ValueError):  # beyond the calendar
            return None
    return max(ends, key=lambda end: (end[0], end[1].id))


def due_for_erasure(policy: Policy, held: Held, today: dt.date) -> Keeping | None:
    """The rule by which a subject's personal data are to be erased by today; None: they are to be kept."""
    end = kept_until(policy, held)
    return end[1] if end is not None and end[0] < today else None


def _days(held: Held) -> Iterator[tuple[str | None, dt.date | None]]:
    """From which days what is held is kept, each with its list."""
    yield None, max((held.since, *held.records))
    for case in held.cases:
        yield case.list, case.closed_on
