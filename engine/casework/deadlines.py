"""What is due, late or blocked. Derived from an obligation and today, never stored as a state."""

from __future__ import annotations

import datetime as dt

from engine.casework.model import Due, Obligation

RELEASE_WORK, WORK, NOTHING_NOW = 0, 1, 2
"""Queue ranks: taking a measure down comes before setting one up."""


def next_due(obligation: Obligation) -> Due | None:
    """The date by which its department has to do something next, if there is anything to do now."""
    match obligation.state:
        case "open":
            return obligation.accept_by
        case "accepted":
            return obligation.act_by
        case "in-force":
            dues = [d for d in (obligation.feedback_by, obligation.rearm_by) if d is not None]
            return min(dues, key=lambda d: d.on, default=None)
        case "lifting":
            return obligation.lift_by
        case _:
            return None


def is_overdue(obligation: Obligation, today: dt.date) -> bool:
    """Whether its department should have acted before `today`; want of an occasion is never being late."""
    due = next_due(obligation)
    return due is not None and due.on < today


def is_blocked(obligation: Obligation) -> bool:
    """Whether others have to act first: predecessors before it opens, dependents before it is lifted."""
    return (obligation.state == "waiting" and obligation.unmet > 0) or (
        obligation.state == "lifting" and obligation.unlifted > 0
    )


def queue_rank(obligation: Obligation) -> int:
    """Where it stands in its department's queue."""
    if next_due(obligation) is None:
        return NOTHING_NOW
    return RELEASE_WORK if obligation.state == "lifting" else WORK


def queue_key(obligation: Obligation) -> tuple[int, dt.date, str]:
    """Sort key of every queue: release work first, then what is due first."""
    due = next_due(obligation)
    return queue_rank(obligation), due.on if due else dt.date.max, obligation.id
