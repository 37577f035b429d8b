"""Deriving every projection row again from the events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import groupby, islice

from sqlalchemy import Connection, Engine, delete, func, select

from adapters.ledger.database import write
from adapters.ledger.decisions import read_decision
from adapters.ledger.policies import PolicyStore
from adapters.ledger.projections import Header, Policies, save_limits, save_new
from adapters.ledger.serial import GENESIS, limits_from_json
from adapters.ledger.store import BrokenChainError, StoredEvent, checked, latest_decision, stored
from adapters.ledger.tables import cases, edges, events, limits, obligations
from engine.casework import fold
from engine.casework.events import CaseFiled
from engine.casework.lifting import BEFORE_FORCE
from engine.casework.model import Case
from engine.decision.model import SuggestedLimit
from engine.language.ir import Policy

BATCH = 100
"""Cases held in memory at one time."""


def rebuild(
    engine: Engine, policies: PolicyStore, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> int:
    """Replace all projection rows by what the events say; returns the number of cases.

    Readers go on seeing the old rows until the end, writers wait. Every hash is verified on the way. `progress`
    receives cases done and cases in all.

    Raises:
        BrokenChainError: the log was changed from outside; the projections stay as they were.

    """
    with write(engine) as conn:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("LOCK TABLE events, cases IN EXCLUSIVE MODE")
        # a stream cut short is a valid chain; only what the cases' rows say of its end gives it away
        heads = {row.id: row.head_hash for row in conn.execute(select(cases.c.id, cases.c.head_hash))}
        for table in (limits, edges, obligations, cases):
            conn.execute(delete(table))
        own = events.c.case_id.not_like("%:%")  # streams that belong to no case
        first = select(events.c.case_id).where(events.c.version == 1, own).order_by(events.c.position)
        total = conn.execute(select(func.count()).select_from(first.subquery())).scalar_one()
        done = 0
        waiting = iter(list(conn.execute(first).scalars()))
        while ids := list(islice(waiting, BATCH)):
            rows = conn.execute(
                select(events).where(events.c.case_id.in_(ids)).order_by(events.c.case_id, events.c.version)
            )
            whole_rows = (stored(row, conn) for row in rows.all())
            for _, stream in groupby(whole_rows, key=lambda event: event.case):
                whole = tuple(checked(stream))
                if heads.pop(whole[0].case, whole[-1].hash) != whole[-1].hash:
                    message = f"case {whole[0].case} does not end with the event it is known to end with"
                    raise BrokenChainError(message)
                _rebuild_case(conn, policies, whole)
                done += 1
                progress(done, total)
        if heads:
            message = f"case {min(heads)} has lost its events"
            raise BrokenChainError(message)
    return total


def _rebuild_case(conn: Connection, policies: PolicyStore, stream: tuple[StoredEvent, ...]) -> None:
    case, header, suggested = refolded(conn, policies, stream)
    save_new(conn, case, header, _resolver(policies, conn))
    save_limits(conn, suggested, case.id, case.subject)


def refolded(
    conn: Connection, policies: PolicyStore, stream: tuple[StoredEvent, ...]
) -> tuple[Case, Header, tuple[SuggestedLimit, ...]]:
    """What the events of one whole stream make of a case, and which limits are suggested in it.

    Raises:
        BrokenChainError: they do not begin with a filing.

    """
    happened = [event.event() for event in stream]
    filed = happened[0]
    if not isinstance(filed, CaseFiled):
        message = f"case {stream[0].case} does not begin with its filing"
        raise BrokenChainError(message)
    case = fold(happened)
    # obligations from before they named their policy go by the one under which their case was filed
    own = {i: o if o.policy else replace(o, policy=filed.policy) for i, o in case.obligations.items()}
    case = replace(case, obligations=own)
    digest = latest_decision(happened, filed.decision)
    first = read_decision(conn, filed.decision)
    header = header_for(policies.get(filed.policy, conn), filed, first.listing_key, first.as_of)
    last = read_decision(conn, digest).content
    suggested = limits_from_json(last.limits) if case.state not in BEFORE_FORCE and last is not None else ()
    return case, replace(header, decision=digest, head_hash=stream[-1].hash), suggested


def _resolver(policies: PolicyStore, conn: Connection) -> Policies:
    return lambda version: policies.get(version, conn)


def header_for(policy: Policy, filed: CaseFiled, listing_key: str, as_of: str) -> Header:
    """What a case's row holds before its first event is logged."""
    listing = policy.lists[filed.list]
    return Header(listing.title, listing.kind, listing.severe, listing_key, as_of, filed.decision, GENESIS)
