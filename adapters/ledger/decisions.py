"""Logged decisions, read back one by one or all in order. What was lawfully erased has no content any more.

Document, facts and limits are sealed together under the key of the subject, as three parts with their lengths before.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from adapters.ledger.key_tables import subject_keys
from adapters.ledger.tables import decisions
from adapters.ledger.vault import ErasedSubjectError, vault_of

LENGTHS = struct.Struct(">II")
Opened = Callable[[str, str | None, bytes | None, bytes, str], bytes]
"""`Vault.opening`."""


class UnknownDecisionError(Exception):
    """No decision has this digest."""


class ErasedDecisionError(Exception):
    """The personal data of the decision's subject were lawfully erased."""


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
    subject: str
    content: DecisionContent | None

    @property
    def present(self) -> DecisionContent:
        """Its content.

        Raises:
            ErasedDecisionError: it was erased.

        """
        if self.content is None:
            raise ErasedDecisionError(self.digest)
        return self.content


def sealed_decision(conn: Connection, subject: str, digest: str, document: bytes, facts: str, limits: str) -> bytes:
    """The content of a decision as its row keeps it."""
    said = facts.encode()
    content = LENGTHS.pack(len(document), len(said)) + document + said + limits.encode()
    return vault_of(conn).seal(conn, subject, content, _label(digest))


def read_decision(conn: Connection, digest: str) -> StoredDecision:
    """A decision by digest.

    Raises:
        UnknownDecisionError: there is none.

    """
    row = conn.execute(_rows().where(decisions.c.digest == digest)).one_or_none()
    if row is None:
        raise UnknownDecisionError(digest)
    return _stored(vault_of(conn).opening(), row)


def decisions_of(conn: Connection, case: str) -> tuple[StoredDecision, ...]:
    """The decisions of a case in the order in which they were made."""
    query = _rows().where(decisions.c.case_id == case).order_by(decisions.c.made_at, decisions.c.digest)
    opened = vault_of(conn).opening()
    return tuple(_stored(opened, row) for row in conn.execute(query))


def read_decisions(
    conn: Connection, *, first: str = "", last: str = "g", batch: int = 1000
) -> Iterator[StoredDecision]:
    """Decisions with `first` <= digest < `last`, by digest; digests are hex, so "" to "g" is all of them.

    Reads in batches, each by its place after the one before, so that nothing is held open or in memory for long.
    """
    vault = vault_of(conn)
    after, inclusive = first, True
    while True:
        place = decisions.c.digest >= after if inclusive else decisions.c.digest > after
        query = _rows().where(place, decisions.c.digest < last).order_by(decisions.c.digest).limit(batch)
        rows = conn.execute(query).all()
        opened = vault.opening()
        for row in rows:
            yield _stored(opened, row)
        if len(rows) < batch:
            return
        after, inclusive = rows[-1].digest, False


def count_decisions(conn: Connection) -> int:
    """How many there are."""
    return int(conn.execute(select(func.count()).select_from(decisions)).scalar_one())


def _rows() -> Select[Any]:
    keys = subject_keys.c
    return select(decisions, keys.master, keys.wrapped).join(
        subject_keys, keys.subject_id == decisions.c.subject_id, isouter=True
    )


def _stored(opened: Opened, row: Row[Any]) -> StoredDecision:
    content = None
    if row.content is not None:
        try:
            content = _content(opened(row.subject_id, row.master, row.wrapped, row.content, _label(row.digest)))
        except ErasedSubjectError:
            content = None
    return StoredDecision(
        row.digest, row.case_id, row.policy_version, row.as_of, row.made_at, row.listing_key, row.subject_id, content
    )


def _content(found: bytes) -> DecisionContent:
    document, facts = LENGTHS.unpack_from(found)
    middle = LENGTHS.size + document
    last = middle + facts
    return DecisionContent(found[LENGTHS.size : middle], found[middle:last].decode(), found[last:].decode())


def _label(digest: str) -> str:
    return f"decision {digest}"
