"""What happened to a case: frozen values that `evolve` folds into its state and the ledger logs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.casework.model import Actor, Edge, Obligation
from engine.language.ir import Ground


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. `on` is the acting day; the shell adds the instant, the actor's key and the hash chain."""

    on: dt.date
    actor: Actor


@dataclass(frozen=True, slots=True)
class CaseFiled(Event):
    """A subject was placed on a list."""

    case: str
    subject: str
    list: str
    policy: str
    decision: str  # digest


@dataclass(frozen=True, slots=True)
class ObligationsAdded(Event):
    """Obligations and their edges came into being, by a decision or a referral."""

    decision: str | None
    obligations: tuple[Obligation, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class ObligationMoved(Event):
    """One obligation changed. `changes` are the fields of `Obligation` that changed, with their new values."""

    obligation: str
    # accept | confirm | arm | apply | respond | refer | lift | open | cancel | retain | release | begin-lift | escalate
    # | reissue | succeed
    action: str
    changes: Mapping[str, Any]
    detail: Mapping[str, Any] = field(default_factory=dict)  # reason, occasion, evidence, remark


@dataclass(frozen=True, slots=True)
class CaseMoved(Event):
    """A step of the procedure. `changes` are fields of `Case`.

    The keys `party`, `objection`, `repair` and `task` replace one entry, `parties` several. `decision` is the digest
    of a decision that the step rests on, if it is a new one.
    """

    action: str
    changes: Mapping[str, Any]
    detail: Mapping[str, Any] = field(default_factory=dict)
    decision: str | None = None


@dataclass(frozen=True, slots=True)
class ListingEnded(Event):
    """The listing ended; lifting begins."""

    ground: Ground
    reason: str


@dataclass(frozen=True, slots=True)
class CaseClosed(Event):
    """Every obligation of an ended case is closed."""
