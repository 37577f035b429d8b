"""One picture of a case, drawn from the engine's value and from the plain model, to hold the two together."""

from __future__ import annotations

from typing import Any

from engine.casework.model import Case, Clock, Obligation, Party
from engine.casework.model import Due as EngineDue
from engine.language.scalars import duration
from tests.casework.plain import Plain
from tests.casework.plain_owed import Due

Picture = dict[str, Any]


def pictured(plain: Plain) -> Picture:
    """What the plain model shows."""
    return {
        "stage": plain.stage, "ground": plain.ground, "filed": plain.filed, "last": plain.last, "ended": plain.ended,
        "decided": plain.decided, "shown": plain.shown, "warned": plain.warned, "shielded": plain.shielded,
        "version": plain.version,
        "parties": {i: {**p, "statements": [dict(s) for s in p["statements"]]} for i, p in plain.parties.items()},
        "objections": {i: dict(o) for i, o in plain.objections.items()},
        "repairs": {i: dict(r) for i, r in plain.repairs.items()},
        "tasks": {n: dict(t) for n, t in plain.tasks.items()},
        "clocks": {n: dict(k) for n, k in plain.clocks.items()},
        "owed": {
            n: {k: v for k, v in o.items() if k not in {"pressed", "passed to"}}
            | {"unmet": plain.unmet(n) if o["state"] == "waiting" else 0}
            | {"unlifted": plain.unlifted(n) if o["state"] == "lifting" else 0}
            for n, o in plain.owed.items()
        },
        "marked": any(o["outcome"] is None for o in plain.objections.values()),
        "suspended": bool(plain.shielded)
        or any(o["outcome"] is None and o["suspends"] for o in plain.objections.values()),
    }  # fmt: skip


def picture_of(case: Case) -> Picture:
    """What the engine's case shows."""
    clocks = {"publicity": case.publicity, "listing": case.listing}
    return {
        "stage": case.state, "ground": case.ground, "filed": case.filed_on, "last": case.last_on,
        "ended": case.ended_on, "decided": case.decided_on, "shown": case.shown_before, "warned": case.warned_of,
        "shielded": case.shielded, "version": case.policy,
        "parties": {i: _party(p) for i, p in case.parties.items()},
        "objections": {
            i: {"due": _due(o.due), "fired": o.rungs, "party": o.party, "outcome": o.outcome, "suspends": o.suspends,
                "provider": _due(o.provider_due)}
            for i, o in case.objections.items()
        },
        "repairs": {
            i: {"due": _due(r.due), "fired": r.rungs, "party": r.party, "state": r.state, "extended": r.extended}
            for i, r in case.repairs.items()
        },
        "tasks": {n: {"due": _due(t.due), "fired": t.rungs, "done": t.done_on} for n, t in case.tasks.items()},
        "clocks": {n: _clock(k) for n, k in clocks.items() if k is not None},
        "owed": {n: _owed(o) for n, o in case.obligations.items()},
        "marked": case.marked,
        "suspended": case.suspended,
    }  # fmt: skip


def _due(due: EngineDue | None) -> Due | None:
    if due is None:
        return None
    assert due.provisional == (due.since is not None) == (due.term is not None)
    return due.on, (due.since, duration(due.term)) if due.since and due.term else None


def _clock(clock: Clock) -> Picture:
    return {"start": clock.start, "min": clock.minimum, "max": clock.maximum, "ended": clock.ended_on}


def _party(party: Party) -> Picture:
    return {
        "role": party.role, "noticed": party.noticed_on, "until": _due(party.statement_until),
        "hearing until": _due(party.hearing_until), "hearing": party.hearing, "served": party.served_on,
        "removed": party.removed_on,
        "statements": [
            {"id": s.id, "points": len(s.points), "answered": bool(s.answers), "late": s.late} for s in party.statements
        ],
    }  # fmt: skip


def _owed(o: Obligation) -> Picture:
    return {
        "key": o.key, "measure": o.measure, "department": o.department, "target": o.target, "state": o.state,
        "outcome": o.outcome, "confirmed": o.confirmed_by, "accept": _due(o.accept_by), "act": _due(o.act_by),
        "lift": _due(o.lift_by), "feedback": _due(o.feedback_by), "rearm": _due(o.rearm_by), "expires": o.expires_on,
        "fired": o.rungs, "unmet": o.unmet if o.state == "waiting" else 0,
        "unlifted": o.unlifted if o.state == "lifting" else 0,
    }  # fmt: skip
