"""Logged decisions, read back one by one or all in order. What was lawfully erased has no content any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from adapters.ledger.tables import decisions


class UnknownDecisionError(Exception):
    """No decision has this digest."""


@dataclass(frozen=True, slots=True)
class DecisionContent:
    """What a decision was made from and says."""

    document: bytes  # the canonical text whose SHA-256 is the digest
    facts: str  # `serial.facts_to_json`
    limits: str  # `serial.limits_to_json`


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision as it stands in the log. `content` None: its subject's data were erased."""

    digest: str
    case: str
    policy: str
    as_of: str
    made_at: str
    listing_key: str
    content: DecisionContent | None


def read_decision(conn: Connection, digest: str) -> StoredDecision:
    """A decision by digest.

    Raises:
        UnknownDecisionError: there is none.

    """
    row = conn.execute(select(decisions).where(decisions.c.digest == digest)).one_or_none()
    if row is None:
        raise UnknownDecisionError(digest)
    return _stored(row)


def decisions_of(conn: Connection, case: str) -> tuple[StoredDecision, ...]:
    """The decisions of a case in the order in which they were made."""
    query = select(decisions).where(decisions.c.case_id == case).order_by(decisions.c.made_at, decisions.c.digest)
    return tuple(map(_stored, conn.execute(query)))


def read_decisions(
    conn: Connection, *, first: str = "", last: str = "g", batch: int = 1000
) -> Iterator[StoredDecision]:
    """Decisions with `first` <= digest < `last`, by digest; digests are hex, so "" to "g" is all of them.

    Reads in batches, each by its place after the one before, so that nothing is held open or in memory for long.
    """
    after, inclusive = first, True
    while True:
        place = decisions.c.digest >= after if inclusive else decisions.c.digest > after
        query = select(decisions).where(place, decisions.c.digest < last).order_by(decisions.c.digest).limit(batch)
        rows = conn.execute(query).all()
        yield from map(_stored, rows)
        if len(rows) < batch:
            return
        after, inclusive = rows[-1].digest, False


def count_decisions(conn: Connection) -> int:
    """How many there are."""
    return int(conn.execute(select(func.count()).select_from(decisions)).scalar_one())


def _stored(row: Row[Any]) -> StoredDecision:
    content = DecisionContent(row.document, row.facts, row.limits)
    return StoredDecision(row.digest, row.case_id, row.policy_version, row.as_of, row.made_at, row.listing_key, content)
