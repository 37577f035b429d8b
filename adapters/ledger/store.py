"""The event store: appending to a case's stream with its projections in the same transaction, and reading it back."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from adapters.ledger.decisions import sealed_decision
from adapters.ledger.private import EVENT, SEALED, opened_text, put_back, sealed_text, taken_out
from adapters.ledger.projections import Header, save_changes, save_limits, save_new
from adapters.ledger.serial import (
    GENESIS,
    canonical,
    event_hash,
    event_text,
    facts_to_json,
    from_payload,
    limits_to_json,
    to_payload,
)
from adapters.ledger.tables import decisions, events
from adapters.ledger.tables import messages as message_table
from adapters.ledger.upcasting import upcast
from engine.casework.events import CaseFiled, CaseMoved, Event, ObligationMoved, ObligationsAdded
from engine.casework.messages import messages
from engine.casework.model import Actor, Case
from engine.decision.model import Decision
from engine.language.ir import Policy


class BrokenChainError(Exception):
    """An event does not carry the hash it must: the log was changed from outside."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it stands in the log."""

    position: int
    case: str
    version: int
    type: str
    on: dt.date
    at: str
    department: str
    officer: str
    key_id: str
    payload: dict[str, Any]  # with what was sealed, as far as it can be opened
    text: str  # the payload as stored and hashed
    prev_hash: str
    hash: str
    opened: Mapping[str, tuple[bytes, Any]] = field(default_factory=dict)  # commitment → salt, value

    def event(self) -> Event:
        """The event itself."""
        return from_payload(self.type, upcast(self.type, self.payload), self.on, Actor(self.department, self.officer))

    def canonical_text(self) -> str:
        """The text whose SHA-256 is its hash."""
        return event_text(
            case=self.case, version=self.version, kind=self.type, on=self.on.isoformat(), at=self.at,
            actor={"department": self.department, "officer": self.officer, "key": self.key_id}, payload=self.text,
            prev=self.prev_hash,
        )  # fmt: skip

    def computed_hash(self) -> str:
        """The hash it must carry."""
        return hashlib.sha256(self.canonical_text().encode()).hexdigest()


def latest_decision(happened: Iterable[Event], otherwise: str) -> str:
    """The digest of the decision that these events name last."""
    found = otherwise
    for event in happened:
        if isinstance(event, CaseFiled | CaseMoved | ObligationsAdded) and event.decision is not None:
            found = event.decision
    return found


def append(
    conn: Connection,
    *,
    before: Case | None,
    after: Case,
    header: Header,
    happened: tuple[Event, ...],
    policy: Policy,
    key_id: str,
    at: str,
) -> Header:
    """Log events and bring the projections up to date; nothing of it stands unless `conn` commits.

    `before` is None for a case being filed. `header.head_hash` is the hash of the last event so far;
    `policy` is the case's, after the events. Returns the new header.

    Raises:
        VersionConflictError: another writer moved the case on after `before` was read, or filed the same listing.

    """
    version = before.version if before is not None else 0
    prev = header.head_hash
    rows = []
    for event in happened:
        version += 1
        kind, whole = to_payload(event)
        owner = after.obligations[event.obligation].target if isinstance(event, ObligationMoved) else after.subject
        document, words = taken_out(kind, whole, owner=owner, department=event.actor.department)
        payload = canonical(document)
        on = event.on.isoformat()
        actor = {"department": event.actor.department, "officer": event.actor.officer, "key": key_id}
        digest = event_hash(
            case=after.id, version=version, kind=kind, on=on, at=at, actor=actor, payload=payload, prev=prev
        )
        rows.append({
            "case_id": after.id, "version": version, "type": kind, "on": on, "at": at,
            "actor_department": event.actor.department, "actor_officer": event.actor.officer, "key_id": key_id,
            "payload": payload, "words": sealed_text(conn, words, EVENT), "prev_hash": prev, "hash": digest,
        })  # fmt: skip
        prev = digest
    new = replace(header, head_hash=prev, decision=latest_decision(happened, header.decision))
    # The case's row first: its version is the lock on which a second writer fails.
    if before is None:
        save_new(conn, after, new, lambda _: policy)
    else:
        save_changes(conn, before, after, new, lambda _: policy)
    conn.execute(insert(events), rows)
    told = [
        {
            "id": f"{after.id}.{row['version']:09}.{n}", "case_id": after.id, "department_id": m.to,
            "audience": m.audience, "title": m.title, "obligation_id": m.obligation,
            "due_on": m.due.isoformat() if m.due else None, "at": at,
        }
        for row, event in zip(rows, happened, strict=True)
        for n, m in enumerate(messages(event, after, policy))
    ]  # fmt: skip
    if told:
        conn.execute(insert(message_table), told)
    return new


def append_note(
    conn: Connection,
    stream: str,
    kind: str,
    payload: dict[str, Any],
    *,
    on: dt.date,
    actor: Actor,
    key_id: str,
    at: str,
) -> str:
    """Log an event that belongs to no case; returns its hash.

    `stream` has a colon, which no case id has (`policy:activations`, `subject:<id>`); what folds cases passes such
    streams by. The payload is plain JSON and says nothing personal. Whoever calls holds a lock under which nobody else
    writes to the stream, or is told of the conflict by the unique (stream, version).
    """
    last = conn.execute(
        select(events.c.version, events.c.hash).where(events.c.case_id == stream).order_by(events.c.version.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    version, prev = (last.version + 1, last.hash) if last is not None else (1, GENESIS)
    text = canonical(payload)
    who = {"department": actor.department, "officer": actor.officer, "key": key_id}
    digest = event_hash(
        case=stream, version=version, kind=kind, on=on.isoformat(), at=at, actor=who, payload=text, prev=prev
    )
    conn.execute(
        insert(events),
        {
            "case_id": stream, "version": version, "type": kind, "on": on.isoformat(), "at": at,
            "actor_department": actor.department, "actor_officer": actor.officer, "key_id": key_id,
            "payload": text, "prev_hash": prev, "hash": digest,
        },
    )  # fmt: skip
    return digest


def put_decision(
    conn: Connection, decision: Decision, document: bytes, digest: str, *, case: str, listing_key: str, at: str
) -> None:
    """Log a decision with its facts, and the limits it suggests. The same decision twice is one row."""
    exists = conn.execute(select(decisions.c.digest).where(decisions.c.digest == digest)).scalar()
    if exists is None:
        facts, limits = facts_to_json(decision.facts), limits_to_json(decision.limits)
        conn.execute(
            insert(decisions),
            {
                "digest": digest, "case_id": case, "policy_version": decision.policy,
                "as_of": decision.facts.as_of.isoformat(), "listing_key": listing_key,
                "subject_id": decision.facts.subject,
                "content": sealed_decision(conn, decision.facts.subject, digest, document, facts, limits),
                "made_at": at,
            },
        )  # fmt: skip


def put_limits(conn: Connection, decision: Decision, case: Case) -> None:
    """Project a decision's suggested limits."""
    save_limits(conn, decision.limits, case.id, case.subject)


def read_events(conn: Connection, case: str, *, after: int = 0, limit: int | None = None) -> tuple[StoredEvent, ...]:
    """Events of a case after a version, in order."""
    query = select(events).where(events.c.case_id == case, events.c.version > after).order_by(events.c.version)
    return tuple(stored(row, conn) for row in conn.execute(query if limit is None else query.limit(limit)).all())


def stored(row: Row[Any], conn: Connection | None = None) -> StoredEvent:
    """An event from its row. Without a connection what is sealed in it stays closed, and is shown as if erased."""
    opened = opened_text(conn, row.words, EVENT) if conn is not None else {}
    payload = json.loads(row.payload)
    if SEALED in row.payload:
        payload = put_back(payload, opened)
    return StoredEvent(
        row.position, row.case_id, row.version, row.type, dt.date.fromisoformat(row.on), row.at, row.actor_department,
        row.actor_officer, row.key_id, payload, row.payload, row.prev_hash, row.hash, opened,
    )  # fmt: skip


def checked(stream: Iterable[StoredEvent]) -> Iterator[StoredEvent]:
    """The events of one whole stream, each with version, link and hash verified.

    Raises:
        BrokenChainError: at the first that does not hold.

    """
    prev = GENESIS
    for number, event in enumerate(stream, start=1):
        if event.version != number or event.prev_hash != prev or event.computed_hash() != event.hash:
            message = f"case {event.case}, event {event.version}"
            raise BrokenChainError(message)
        prev = event.hash
        yield event
