"""Events, obligations and facts as JSON, both ways, in one file so that they stay inverse; and the hash of events."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from engine.casework.events import (
    CaseClosed,
    CaseFiled,
    CaseMoved,
    Event,
    ListingEnded,
    ObligationMoved,
    ObligationsAdded,
)
from engine.casework.model import (
    Actor,
    Case,
    Clock,
    Due,
    Edge,
    Evidence,
    ObjectionRaised,
    Obligation,
    Party,
    RepairApplication,
    Statement,
    Task,
)
from engine.decision.model import Facts, Record, RelatedPerson, Response, SuggestedLimit

GENESIS = "0" * 64
"""`prev` of the first event of a stream."""

MAX_SAFE_INTEGER = 2**53 - 1
"""RFC 8785 has no greater integers."""

Json = dict[str, Any]

TAGS: Mapping[type, str] = {
    Party: "@party", Statement: "@statement", ObjectionRaised: "@objection", RepairApplication: "@repair",
    Clock: "@clock", Task: "@task",
}  # fmt: skip
KINDS: Mapping[str, type] = {tag: kind for kind, tag in TAGS.items()}
PROCESS = (
    "last_on", "drafter", "shown_before", "decided_on", "number", "parties", "objections", "repairs", "tasks",
    "publicity", "listing", "warned_of", "shielded",
)  # fmt: skip
"""Fields of a case that its row keeps together, because nothing but the case itself asks for them."""


def event_hash(
    *, case: str, version: int, kind: str, on: str, at: str, actor: Mapping[str, str], payload: str, prev: str
) -> str:
    """SHA-256 in hex over the text of an event; all proofs rest on it."""
    written = event_text(case=case, version=version, kind=kind, on=on, at=at, actor=actor, payload=payload, prev=prev)
    return hashlib.sha256(written.encode()).hexdigest()


def event_text(
    *, case: str, version: int, kind: str, on: str, at: str, actor: Mapping[str, str], payload: str, prev: str
) -> str:
    """The RFC 8785 form of an event.

    `payload` is canonical text already. It stands between `on` and `prev`, where the order of keys puts it.
    """
    before = canonical({"actor": dict(actor), "at": at, "case": case, "on": on})
    after = canonical({"prev": prev, "type": kind, "version": version})
    return f'{before[:-1]},"payload":{payload},{after[1:]}'


def canonical(value: object) -> str:
    """RFC 8785 text of values that events are made of: text, integers below 2^53, truth values, null; ASCII keys.

    For these the C encoder writes the same text as a full implementation, twenty times as fast; a test compares them.
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def to_payload(event: Event) -> tuple[str, Json]:
    """An event's type and what is particular to it; day and actor are columns of their own."""
    match event:
        case CaseFiled():
            return "case-filed", {
                "case": event.case, "subject": event.subject, "list": event.list, "policy": event.policy,
                "decision": event.decision,
            }  # fmt: skip
        case ObligationsAdded():
            return "obligations-added", {
                "decision": event.decision,
                "obligations": [_from_obligation(o) for o in event.obligations],
                "edges": [[e.before, e.after, e.kind] for e in event.edges],
            }
        case ObligationMoved():
            return "obligation-moved", {
                "obligation": event.obligation,
                "action": event.action,
                "changes": {name: _encode(value) for name, value in event.changes.items()},
                "detail": {name: _encode(value) for name, value in event.detail.items()},
            }
        case CaseMoved():
            return "case-moved", {
                "action": event.action,
                "changes": {name: _encode(value) for name, value in event.changes.items()},
                "detail": {name: _encode(value) for name, value in event.detail.items()},
                "decision": event.decision,
            }
        case ListingEnded():
            return "listing-ended", {"ground": event.ground, "reason": event.reason}
        case CaseClosed():
            return "case-closed", {}
        case _:
            message = f"no serial form for {type(event).__name__}"
            raise TypeError(message)


def from_payload(kind: str, payload: Json, on: dt.date, actor: Actor) -> Event:
    """The inverse of `to_payload`.

    Raises:
        ValueError: an event type this version does not know.

    """
    match kind:
        case "case-filed":
            return CaseFiled(on, actor, **payload)
        case "obligations-added":
            return ObligationsAdded(
                on,
                actor,
                payload["decision"],
                tuple(_to_obligation(o) for o in payload["obligations"]),
                tuple(Edge(before, after, edge) for before, after, edge in payload["edges"]),
            )
        case "obligation-moved":
            return ObligationMoved(
                on,
                actor,
                payload["obligation"],
                payload["action"],
                {name: _decode(value) for name, value in payload["changes"].items()},
                {name: _decode(value) for name, value in payload["detail"].items()},
            )
        case "case-moved":
            return CaseMoved(
                on,
                actor,
                payload["action"],
                {name: _decode(value) for name, value in payload["changes"].items()},
                {name: _decode(value) for name, value in payload["detail"].items()},
                payload["decision"],
            )
        case "listing-ended":
            return ListingEnded(on, actor, payload["ground"], payload["reason"])
        case "case-closed":
            return CaseClosed(on, actor)
        case _:
            message = f"unknown event type {kind}"
            raise ValueError(message)


# Values other than JSON's own are objects with one key that starts with "@", so that no plain value looks like one.


def _encode(value: object) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int() if abs(value) <= MAX_SAFE_INTEGER:
            return value
        case dt.date():
            return {"@date": value.isoformat()}
        case Due():
            due = {"@due": value.on.isoformat(), "provisional": value.provisional}
            return due if value.since is None else due | {"since": value.since.isoformat(), "term": value.term}
        case _ if type(value) in TAGS:
            return {TAGS[type(value)]: {f.name: _encode(getattr(value, f.name)) for f in fields(value)}}  # type: ignore[arg-type]
        case Evidence():
            return {"@evidence": value.sha256, "title": value.title}
        case tuple() | list():
            return [_encode(v) for v in value]
        case Mapping():
            return {str(k): _encode(v) for k, v in value.items()}
        case _:
            message = f"no serial form for {type(value).__name__} {value!r}"
            raise TypeError(message)


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decode(v) for v in value)
    if isinstance(value, dict):
        if "@date" in value:
            return dt.date.fromisoformat(value["@date"])
        if "@due" in value:
            since = value.get("since")
            start = dt.date.fromisoformat(since) if since is not None else None
            return Due(dt.date.fromisoformat(value["@due"]), value["provisional"], start, value.get("term"))
        if "@evidence" in value:
            return Evidence(value["@evidence"], value["title"])
        if len(value) == 1 and (tag := next(iter(value))) in KINDS:
            return KINDS[tag](**{k: _decode(v) for k, v in value[tag].items()})
        return {k: _decode(v) for k, v in value.items()}
    return value


def process_to_plain(case: Case) -> Json:
    """What a case holds of its procedure, as plain JSON."""
    return {name: _encode(getattr(case, name)) for name in PROCESS}


def process_from_plain(document: Json) -> Json:
    """The inverse of `process_to_plain`: fields of `Case` by name."""
    return {name: _decode(value) for name, value in document.items()}


_FIELDS = tuple(Obligation.__dataclass_fields__)
_PLAIN = frozenset({str, bool, type(None)})


def _from_obligation(obligation: Obligation) -> Json:
    document = {}
    for name in _FIELDS:
        value = getattr(obligation, name)
        # most fields are plain; asking for the exact type first halves the time of logging a large case
        document[name] = value if type(value) in _PLAIN else _encode(value)
    return document


def _to_obligation(document: Json) -> Obligation:
    return Obligation(**{name: _decode(value) for name, value in document.items()})


def facts_to_json(facts: Facts) -> str:
    """Facts as JSON text with integers kept as integers, so that they come back with their types."""
    return json.dumps(
        {
            "subject": facts.subject,
            "subject_kind": facts.subject_kind,
            "list": facts.list,
            "initiator": facts.initiator,
            "as_of": facts.as_of.isoformat(),
            "known_at": facts.known_at,
            "values": dict(facts.values),
            "records": [[r.id, r.kind, r.date, dict(r.fields), r.excluded] for r in facts.records],
            "relations": [[p.id, p.role, p.kind] for p in facts.relations],
            "responses": [[r.measure, r.department, r.outcome] for r in facts.responses],
            "salt": facts.salt,
        },
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )


def facts_from_json(text: str) -> Facts:
    """The inverse of `facts_to_json`."""
    doc = json.loads(text)
    return Facts(
        subject=doc["subject"],
        subject_kind=doc["subject_kind"],
        list=doc["list"],
        initiator=doc["initiator"],
        as_of=dt.date.fromisoformat(doc["as_of"]),
        known_at=doc["known_at"],
        values=_values(doc["values"]),
        records=tuple(Record(i, k, d, _values(f), x) for i, k, d, f, x in doc["records"]),
        relations=tuple(RelatedPerson(*p) for p in doc["relations"]),
        responses=tuple(Response(*r) for r in doc["responses"]),
        salt=doc.get("salt", ""),
    )


def _values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def limits_to_json(limits: tuple[SuggestedLimit, ...]) -> str:
    """Suggested limits as JSON text."""
    return json.dumps(
        [[x.rule, x.table, list(x.departments), x.amount, [list(p) for p in x.parts]] for x in limits],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def limits_from_json(text: str) -> tuple[SuggestedLimit, ...]:
    """The inverse of `limits_to_json`."""
    return tuple(
        SuggestedLimit(rule, table, tuple(departments), amount, tuple((n, a) for n, a in parts))
        for rule, table, departments, amount, parts in json.loads(text)
    )
