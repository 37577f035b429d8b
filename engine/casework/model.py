"""Cases and obligations: frozen values. Commands, events, `decide` and `evolve` live beside.

A case's life (which of the first stages there are is the list's `procedure`; what was done upstream is passed over)::

    filed ──every party has its notice──▶ noticed ──decide──▶ decided ──the subject is served──▶ in-force
      └───────────── decide (no notice stage) ─────────────────▶ │ └──▶ in-force (no service stage)
    filed | noticed ── decide not to list ──▶ closed             │
    noticed | decided ── corrected before it is in force ──▶ filed
    decided | in-force ── ended on a ground ──▶ lifting ── last obligation closed ──▶ closed

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
from typing import Literal

from engine.language.ir import Ground

ObligationState = Literal["waiting", "open", "accepted", "in-force", "done", "lifting", "closed"]
CaseState = Literal["filed", "noticed", "decided", "in-force", "lifting", "closed"]
EdgeKind = Literal["needs", "releases", "supersedes"]

TRANSITIONS: frozenset[tuple[str, str]] = frozenset({
    ("waiting", "open"), ("waiting", "closed"),
    ("open", "accepted"), ("open", "closed"),
    ("accepted", "in-force"), ("accepted", "done"), ("accepted", "closed"),
    ("in-force", "lifting"), ("done", "lifting"), ("done", "closed"),
    ("lifting", "closed"),
})  # fmt: skip

CASE_TRANSITIONS: frozenset[tuple[str, str]] = frozenset({
    ("filed", "noticed"), ("filed", "decided"), ("filed", "in-force"), ("filed", "closed"),
    ("noticed", "decided"), ("noticed", "in-force"), ("noticed", "closed"),
    ("noticed", "filed"), ("decided", "filed"),
    ("decided", "in-force"), ("decided", "closed"),
    ("in-force", "lifting"), ("in-force", "closed"),
    ("lifting", "closed"),
})  # fmt: skip

SYSTEM = "system"
"""The department of what happens because time passes."""


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
    """A deadline. `provisional` when it rests on a calendar year that is not published yet.

    A provisional one remembers the period it is the end of, so that it can be reckoned again.
    """

    on: dt.date
    provisional: bool = False
    since: dt.date | None = None
    term: str | None = None  # a duration as the language writes it


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
    policy: str = ""  # the version under which it came into being
    state: ObligationState = "waiting"
    unmet: int = 0  # predecessors not settled yet, and the service on the person it is about
    unlifted: int = 0  # dependents still lifting; it may be lifted at 0
    confirmed_by: str | None = None
    outcome: str | None = None  # implemented | not-applicable | referred | never-effective
    reason: str | None = None
    accept_by: Due | None = None
    act_by: Due | None = None  # to be armed (standing) or done (one-shot)
    lift_by: Due | None = None
    feedback_by: Due | None = None
    rearm_by: Due | None = None  # a department that took over from another sets the measure up again by then
    effective_on: dt.date | None = None  # the measure clock starts
    expires_on: dt.date | None = None  # its last day, where the law gives the measure a longest time
    rungs: int = 0  # rungs of the escalation fired for the deadline that runs now
    quiet: bool = False  # no rung is left for it

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
class Statement:
    """A statement or defence (陈述申辩): its points, and the recorded answer to each once there is one."""

    id: str
    received_on: dt.date
    points: tuple[str, ...]
    answers: tuple[str, ...] = ()
    late: bool = False  # after the period: recorded, answered, but nothing waited for it


@dataclass(frozen=True, slots=True)
class Party:
    """Whom the listing reaches: the subject, or a related person, each with a notice and a remedy of their own."""

    id: str
    role: str  # "subject" or the relation
    noticed_on: dt.date | None = None
    statement_until: Due | None = None
    hearing_until: Due | None = None  # by when a hearing may be asked for
    statements: tuple[Statement, ...] = ()
    hearing: Literal["none", "requested", "requested-late", "held"] = "none"
    served_on: dt.date | None = None
    removed_on: dt.date | None = None  # the listing no longer reaches this person


@dataclass(frozen=True, slots=True)
class ObjectionRaised:
    """An objection (异议) and its answer."""

    id: str
    party: str
    received_on: dt.date
    points: tuple[str, ...]
    own: bool  # about the initiator's own data; else a supplier has to verify
    suspends: bool
    due: Due
    provider_due: Due | None = None
    answered_on: dt.date | None = None
    outcome: Literal["upheld", "rejected"] | None = None
    rungs: int = 0
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class RepairApplication:
    """An application for credit repair (信用修复) and what became of it."""

    id: str
    party: str
    received_on: dt.date
    proved: tuple[str, ...]
    state: Literal["received", "accepted", "refused", "granted"]
    due: Due  # to accept, then to decide
    extended: bool = False
    answered_on: dt.date | None = None
    rungs: int = 0
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Clock:
    """One of the three clocks (publicity, listing, measure): first day, last day of the minimum, last day of all."""

    start: dt.date
    minimum: dt.date | None = None
    maximum: dt.date | None = None
    ended_on: dt.date | None = None

    def over(self, today: dt.date) -> bool:
        """Whether its last day has passed and nobody has ended it yet."""
        return self.ended_on is None and self.maximum is not None and self.maximum < today


@dataclass(frozen=True, slots=True)
class Task:
    """Something that the initiator owes in the procedure itself: publish, serve. `due` runs until `done_on`."""

    name: str
    due: Due
    done_on: dt.date | None = None
    rungs: int = 0
    quiet: bool = False


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
    last_on: dt.date | None = None  # day of the last event: time does not run backwards
    drafter: str = ""  # the officer who filed; another one decides
    shown_before: dt.date | None = None  # publicity before the recognition began
    decided_on: dt.date | None = None
    number: str = ""  # of the decision
    parties: Mapping[str, Party] = field(default_factory=dict)
    objections: Mapping[str, ObjectionRaised] = field(default_factory=dict)
    repairs: Mapping[str, RepairApplication] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    publicity: Clock | None = None
    listing: Clock | None = None
    warned_of: dt.date | None = None  # the end of which those concerned have been told ahead
    shielded: str = ""  # why the listing rests: a reorganisation plan approved by a court

    @property
    def marked(self) -> bool:
        """Whether an objection is open: shown wherever the listing is (异议标注)."""
        return any(o.outcome is None for o in self.objections.values())

    @property
    def suspended(self) -> bool:
        """Whether its measures rest for now."""
        return bool(self.shielded) or any(o.outcome is None and o.suspends for o in self.objections.values())


class Refusal(Exception):  # noqa: N818 - the domain's word
    """Why a command cannot be carried out. `code` is stable; `title` is Chinese for people."""

    def __init__(self, code: str, title: str, detail: str = "") -> None:
        super().__init__(code, title, detail)
        self.code, self.title, self.detail = code, title, detail
