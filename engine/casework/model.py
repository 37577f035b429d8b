"""Cases and obligations: states, commands, events. Frozen values only; `decide` and `evolve` live beside.

An obligation's life (the machine that a test keeps true to `TRANSITIONS`)::

    waiting ──needs met──▶ open ──accept──▶ accepted ──[confirm]──▶ accepted ──arm (standing)──▶ in-force ─┐
                            │                  │                              ──respond (one-shot)──▶ done ─┤
                            └──────────────────┴── respond not-applicable | refer ──▶ closed               │
    waiting | open | accepted ── listing ended ──▶ closed (never took effect)                               │
    in-force | done (reversible) ── listing ended ──▶ lifting ── lift ──▶ closed  ◀─────────────────────────┘
    done (not reversible) ── listing ended ──▶ closed
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ObligationState = Literal["waiting", "open", "accepted", "in-force", "done", "lifting", "closed"]
CaseState = Literal["in-force", "lifting", "closed"]  # the due-process stages before "in-force" come with procedures
Ground = Literal["performance", "repair", "expiry", "withdrawal", "annulment", "correction", "deceased", "dissolved"]
EdgeKind = Literal["needs", "releases", "supersedes"]

TRANSITIONS: frozenset[tuple[str, str]] = frozenset({
    ("waiting", "open"), ("waiting", "closed"),
    ("open", "accepted"), ("open", "closed"),
    ("accepted", "in-force"), ("accepted", "done"), ("accepted", "closed"),
    ("in-force", "lifting"), ("done", "lifting"), ("done", "closed"),
    ("lifting", "closed"),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the department whose key was used, and the named officer (a human, never a system account)."""

    department: str
    officer: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A document that proves an answer, attached by digest; the file itself stays with the department."""

    sha256: str
    title: str


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline. `provisional` when it rests on a calendar year that is not published yet."""

    on: dt.date
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Obligation:
    """One measure owed by one department about one person, as it stands now."""

    id: str  # globally unique: "<case id>.<n>"
    key: str
    case: str
    measure: str
    department: str
    target: str
    target_role: str
    kind: Literal["incentive", "sanction"]
    mode: Literal["standing", "one-shot"]
    restrictive: bool
    reversible: bool
    duty: str
    evidence_required: bool
    matter: str | None
    effect: str | None
    rules: tuple[str, ...]
    basis: tuple[tuple[str, str], ...]
    feedback: str
    state: ObligationState = "waiting"
    unmet: int = 0  # predecessors not settled yet
    unlifted: int = 0  # dependents still lifting; it may be lifted at 0
    confirmed_by: str | None = None
    outcome: str | None = None  # implemented | not-applicable | referred | never-effective
    reason: str | None = None
    accept_by: Due | None = None
    act_by: Due | None = None  # to be armed (standing) or done (one-shot)
    lift_by: Due | None = None
    feedback_by: Due | None = None

    @property
    def settled(self) -> bool:
        """Whether what depends on it may begin: it took effect, or was answered otherwise."""
        return self.state in {"in-force", "done", "lifting", "closed"}


@dataclass(frozen=True, slots=True)
class Edge:
    """`before` comes first: `after` needs it. `supersedes`: `after` replaces `before`. Both are obligation ids."""

    before: str
    after: str
    kind: EdgeKind


@dataclass(frozen=True, slots=True)
class Case:
    """One listing of one subject. `obligations` may be the whole case or only the slice a command needs."""

    id: str
    subject: str
    list: str
    initiator: str
    policy: str
    state: CaseState = "in-force"
    version: int = 0  # number of events so far
    total: int = 0  # obligations ever created
    unclosed: int = 0  # obligations not closed yet
    filed_on: dt.date | None = None
    ended_on: dt.date | None = None
    ground: Ground | None = None
    obligations: Mapping[str, Obligation] = field(default_factory=dict)  # by id
    edges: tuple[Edge, ...] = ()


# --- commands ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Command:
    """What someone wants done. `today` is the acting day in China; the engine has no clock."""

    actor: Actor
    today: dt.date


@dataclass(frozen=True, slots=True)
class FileCase(Command):
    """Place a subject on a list. The decision has been computed by both engines and agreed."""

    case: str
    decision: Any  # engine.decision.model.Decision


@dataclass(frozen=True, slots=True)
class EndListing(Command):
    """End the listing on a ground; everything that took effect has to be lifted."""

    ground: Ground
    reason: str


@dataclass(frozen=True, slots=True)
class Redecide(Command):
    """Add what a new decision of the same case owes beyond the old one (rules that react to responses)."""

    decision: Any


@dataclass(frozen=True, slots=True)
class OnObligation(Command):
    """A command about one obligation."""

    obligation: str


@dataclass(frozen=True, slots=True)
class Accept(OnObligation):
    """The department takes the obligation on."""


@dataclass(frozen=True, slots=True)
class Confirm(OnObligation):
    """A named human confirms that a restrictive measure may take effect (个人信息保护法 第二十四条)."""

    remark: str = ""


@dataclass(frozen=True, slots=True)
class Arm(OnObligation):
    """A standing measure is set up, to be applied at each occasion."""

    evidence: tuple[Evidence, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Apply(OnObligation):
    """A standing measure met an occasion: it was applied, or not, with a reason."""

    applied: bool
    occasion: str
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Respond(OnObligation):
    """An answer: implemented (one-shot), not-applicable with a reason, or no-occasion (standing, periodic)."""

    outcome: Literal["implemented", "not-applicable", "no-occasion"]
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Refer(OnObligation):
    """The obligation belongs to another department; a successor is created there."""

    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class Lift(OnObligation):
    """A measure that took effect has been undone."""

    evidence: tuple[Evidence, ...] = ()
    remark: str = ""


# --- events ------------------------------------------------------------------------------------------------------


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
    action: str  # accept | confirm | arm | apply | respond | refer | lift | open | cancel | release | begin-lift
    changes: Mapping[str, Any]
    detail: Mapping[str, Any] = field(default_factory=dict)  # reason, occasion, evidence, remark


@dataclass(frozen=True, slots=True)
class ListingEnded(Event):
    """The listing ended; lifting begins."""

    ground: Ground
    reason: str


@dataclass(frozen=True, slots=True)
class CaseClosed(Event):
    """Every obligation of an ended case is closed."""


@dataclass(frozen=True, slots=True)
class Refusal(Exception):  # noqa: N818 - the domain's word
    """Why a command cannot be carried out. `code` is stable; `title` is Chinese for people."""

    code: str
    title: str
    detail: str = ""
