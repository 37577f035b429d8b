"""What a decision is made from and what it says. Plain frozen values; pydantic appears only at the edges."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.decision.writing import written
from engine.language.ir import Value

LISTING_RECORD = "listing"
"""The built-in record kind: another list on which the subject stands; fields `list`, `kind`, `severe`."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record about the subject. `date` is an ordinal; `excluded` records never count as a basis."""

    id: str
    kind: str
    date: int | None
    fields: Mapping[str, Value]
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class RelatedPerson:
    """Someone one relation away from the subject, by opaque subject id."""

    id: str
    role: str
    kind: str = "natural-person"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer already given in this case."""

    measure: str
    department: str
    outcome: str  # implemented | not-applicable | referred | no-occasion


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision may look at. `values` holds the listing's facts as runtime values."""

    subject: str
    subject_kind: str
    list: str
    initiator: str
    as_of: dt.date
    known_at: str  # RFC 3339 instant: what was known when
    values: Mapping[str, Value]
    records: tuple[Record, ...] = ()
    relations: tuple[RelatedPerson, ...] = ()
    responses: tuple[Response, ...] = ()
    salt: str = ""  # random, so that the decision's digest alone gives nothing away; nothing else depends on it


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a back end found for one memorandum. Anything not named is false; the back ends must agree on all of it."""

    memorandum: str
    fired: frozenset[str]  # rule ids that are true
    unknown: frozenset[str]  # rule ids that are unknown
    derived: Mapping[str, Value]  # derived facts with a value
    rows: Mapping[str, tuple[frozenset[int], frozenset[int]]]  # table id → rows that are true, rows that are unknown


@dataclass(frozen=True, slots=True)
class Owed:
    """An obligation as decided: one measure, one department, one person. `key` is unique within a case."""

    key: str
    measure: str
    department: str
    target: str  # opaque subject id of the person it is about
    target_role: str  # "subject" or the relation's role
    rules: tuple[str, ...]
    basis: tuple[tuple[str, str], ...]  # (law id, article)
    duty: str  # implement | assist | transmit
    after: tuple[str, ...]  # keys
    advice: str | None = None  # None = owed; else why it is only advice

    @staticmethod
    def key_for(measure: str, department: str, target: str) -> str:
        """The identity of an obligation inside its case."""
        return f"{measure}@{department}/{target}"


@dataclass(frozen=True, slots=True)
class SuggestedLimit:
    """A credit limit in fen that lenders may confirm, with the parts it was added up from. Never an entitlement."""

    rule: str
    table: str
    departments: tuple[str, ...]
    amount: int
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class UnknownRule:
    """A rule that neither holds nor fails, and the facts that would settle it."""

    rule: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two owed measures that tell one counter opposite things about one person."""

    matter: str
    target: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a listing, under one policy version, as of one day, with what was known at one moment."""

    policy: str
    facts: Facts
    obligations: tuple[Owed, ...]
    advice: tuple[Owed, ...]
    limits: tuple[SuggestedLimit, ...]
    unknown: tuple[UnknownRule, ...]
    contradictions: tuple[Contradiction, ...]
    fired: tuple[str, ...]
    derived: tuple[tuple[str, str, Value], ...] = field(default=())  # (memorandum, fact, value)

    def document(self) -> dict[str, Any]:
        """The decision as a JSON document; integers beyond 2^53 would be refused by RFC 8785, so all are text.

        An empty salt is left out: decisions from before there were salts say nothing of one.
        """
        doc = plain(self)
        assert isinstance(doc, dict)
        if not self.facts.salt:
            del doc["facts"]["salt"]
        return doc

    def canonical(self) -> bytes:
        """RFC 8785 bytes over policy version, as-of date, known-at moment, facts and result."""
        return written(self).encode()

    def digest(self) -> str:
        """SHA-256 over `canonical()`, in hex."""
        return hashlib.sha256(self.canonical()).hexdigest()


def plain(value: object) -> Any:
    """A JSON-ready copy: dataclasses become objects, dates ISO text, integers decimal text (RFC 8785 stops at 2^53)."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, frozenset):
        return sorted(plain(v) for v in value)
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}  # type: ignore[attr-defined]
