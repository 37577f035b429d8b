"""What goes into the office and what comes out of it. Frozen values; HTTP and the command line only dress them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from adapters.office.errors import FieldError
from adapters.policy_checks import PolicyChanges, PolicyCheck
from engine.casework.clocks import Bound
from engine.casework.model import (
    Case,
    CaseState,
    Clock,
    Edge,
    Evidence,
    ObjectionRaised,
    Obligation,
    RepairApplication,
    Task,
)
from engine.casework.model import Party as PartyState
from engine.casework.visibility import Audience
from engine.decision.explain import Explanation, WhyNot
from engine.decision.model import Decision, SuggestedLimit, UnknownRule
from engine.language.ir import Ground, ListKind
from engine.proof.signed import Signed

Role = Literal["initiator", "implementer", "policy", "auditor", "custodian"]
"""`custodian`: the person in charge of protecting personal information (个人信息保护法第五十二条), who alone erases."""
ROLES: frozenset[str] = frozenset(get_args(Role))
Action = Literal["accept", "confirm", "arm", "apply", "respond", "refer", "lift"]
PAGE_LIMIT = 200
"""Most items on one page; a page is read and rendered in one go, so this bounds memory and time of a request."""


@dataclass(frozen=True, slots=True)
class Principal:
    """On whose behalf a call is made: the key's department and roles, and the named human using it.

    `officer` is needed for everything that changes a case or the policy; `dataclasses.replace` fills it in. `purpose`
    and `matter` are what they say they look for (`adapters.office.looks.stated`).
    """

    department: str
    roles: frozenset[str]
    key_id: str
    officer: str = ""
    purpose: str = ""
    matter: str = ""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The caller's `Idempotency-Key` and a SHA-256 (hex) over method, path and body of the request."""

    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Party:
    """A subject as an outsider names it: `kind` of `SUBJECT_KINDS`, identity code, display name."""

    kind: str
    code: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Related:
    """A person related to the subject in `role` of `engine.language.ir.ROLES`."""

    role: str
    party: Party
    served_on: dt.date | None = None  # the day on which the decision was served on this person before filing


# --- filing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filing:
    """A request to place a subject on a list.

    `facts` are JSON values by fact name, typed by the list: text for money (`5000 元`, or decimal yuan `5000.50`),
    ratio (`30%`), date (`2026-01-31`) and integer (or a JSON integer), a boolean for boolean, an array for list.
    Floats are refused. `as_of` defaults to today in China.
    """

    list: str
    subject: Party
    facts: Mapping[str, Any] = field(default_factory=dict)
    as_of: dt.date | None = None
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case's header. `version` counts its events (ETag), `head` is the hash of the last, `decision` a digest."""

    id: str
    list: str
    list_title: str
    list_kind: ListKind
    severe: bool
    subject: str
    initiator: str
    policy: str
    decision: str
    as_of: dt.date
    state: CaseState
    version: int
    head: str
    total: int
    unclosed: int
    filed_on: dt.date
    ended_on: dt.date | None
    ground: Ground | None
    marked: bool = False  # an objection is open
    suspended: bool = False  # its measures rest


@dataclass(frozen=True, slots=True)
class ObligationView:
    """An obligation as a queue shows it.

    `due_on` is the next date by which something is to be done (None: nothing now); `overdue` is that date against
    today; `actions` are what this principal may do now; `etag` changes whenever the obligation does.
    """

    obligation: Obligation
    subject: str
    title: str
    due_on: dt.date | None
    provisional: bool
    overdue: bool
    actions: tuple[str, ...]
    etag: str
    marked: bool = False  # the subject objects to the listing


@dataclass(frozen=True, slots=True)
class Filed:
    """A filing that is durably logged, with what follows from it. `replayed`: this answers a repeated request.

    `promise`, here and in what other writes answer: that the events will be in a signed checkpoint in time.
    """

    case: CaseView
    obligations: tuple[ObligationView, ...]
    advice: int
    limits: tuple[SuggestedLimit, ...]
    unknown: tuple[UnknownRule, ...]
    replayed: bool = False
    promise: Signed | None = None


@dataclass(frozen=True, slots=True)
class FilingResult:
    """The outcome of one line of a bulk filing; exactly one of `filed` and `code` is set. Lines count from 1."""

    line: int
    filed: Filed | None
    code: str | None = None
    title: str | None = None
    errors: tuple[FieldError, ...] = ()


# --- working a case ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What a department does about one obligation; which fields matter depends on `action`.

    accept: none. confirm: remark. arm, lift: evidence, remark. apply: applied, occasion, reason, evidence.
    respond: outcome (implemented | not-applicable | no-occasion), reason, evidence. refer: to, reason.
    """

    action: Action
    remark: str = ""
    reason: str = ""
    outcome: Literal["implemented", "not-applicable", "no-occasion"] = "implemented"
    applied: bool = True
    occasion: str = ""
    to: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """An obligation after an answer, the case's header, and ids of obligations that the answer brought into being."""

    obligation: ObligationView
    case: CaseView
    added: tuple[str, ...] = ()
    replayed: bool = False
    promise: Signed | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A case whose listing ended; lifting has begun, or the case is closed already."""

    case: CaseView
    replayed: bool = False
    promise: Signed | None = None


CaseAction = Literal[
    "notify", "statement", "answer-statement", "request-hearing", "hold-hearing", "show-before", "decide", "serve",
    "publish", "object", "answer-objection", "apply-repair", "accept-repair", "refuse-repair", "extend-repair",
    "grant-repair", "shield", "unshield", "correct",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the procedure; which fields matter depends on `action`.

    `party` is an opaque subject id, by default the subject; `on` the day it happened, by default today.
    notify: on, method, reason, evidence. statement: on, points. answer-statement: statement, answers.
    request-hearing: on. hold-hearing: on, announced_on, chair, evidence. decide: outcome (list | not-list), number,
    reason. serve: on, method, evidence. publish: channel. object: on, points, own. answer-objection: objection,
    outcome (upheld | rejected), reason, facts. apply-repair: on, proved, evidence. accept-, refuse-, extend-,
    grant-repair: repair, reason. shield: reason. correct: facts, reason.
    """

    action: CaseAction
    party: str | None = None
    on: dt.date | None = None
    announced_on: dt.date | None = None
    method: str = ""
    reason: str = ""
    outcome: str = ""
    number: str = ""
    chair: str = ""
    channel: str = ""
    statement: str = ""
    objection: str = ""
    repair: str = ""
    own: bool = True
    points: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    proved: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ProcessView:
    """Where a case stands in its procedure: parties, clocks, remedies, own duties, what is missing, what may be done.

    `bounds` are the publicity limits of each norm, the one that ends first in front; `missing` says in words what has
    to happen before the decision; `actions` are the principal's.
    """

    case: CaseView
    parties: tuple[PartyState, ...]
    objections: tuple[ObjectionRaised, ...]
    repairs: tuple[RepairApplication, ...]
    tasks: tuple[Task, ...]
    decided_on: dt.date | None
    number: str
    shown_before: dt.date | None
    publicity: Clock | None
    listing: Clock | None
    bounds: tuple[Bound, ...]
    earliest_repair: dt.date | None
    repair_requires: tuple[str, ...]
    shielded: str
    missing: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stepped:
    """A case after a step, and what the step brought into being or takes down."""

    process: ProcessView
    added: tuple[str, ...] = ()
    lifted: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()  # for a correction: what differs, in words
    replayed: bool = False
    promise: Signed | None = None


@dataclass(frozen=True, slots=True)
class LetterView:
    """A letter (文书) of a case. `docx` and `pdf` are the SHA-256 of the files, None until one of them is asked for."""

    id: str
    case: str
    kind: str
    number: str
    party: str | None
    at: str
    docx: str | None
    pdf: str | None


@dataclass(frozen=True, slots=True)
class MessageView:
    """Something a department is to know. `audience`: notice, remind, chief, joint-office, report."""

    id: str
    case: str
    audience: str
    title: str
    obligation: str | None
    due_on: dt.date | None
    at: str
    delivered_at: str | None


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages of a department, newest first. `next` is None on the last page."""

    items: tuple[MessageView, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether time is being kept. `waiting`: messages not delivered yet; `last`: instant of the last heartbeat.

    `promises`: every event that was promised to be in a checkpoint by now is in one.
    """

    alive: bool
    canary: bool
    last: str | None
    worker: str | None
    waiting: int
    promises: bool


@dataclass(frozen=True, slots=True)
class Migration:
    """What bringing a case under another policy version does, or would do."""

    case: str
    subject: str
    list_title: str
    added: tuple[str, ...]  # measure and department, in words
    lifted: tuple[str, ...]
    cancelled: tuple[str, ...]
    changed: tuple[str, ...]
    done: bool
    promise: Signed | None = None


@dataclass(frozen=True, slots=True)
class GraphInput:
    """What the graph is drawn from. An implementing department sees its own obligations and their neighbours."""

    case: CaseView
    obligations: tuple[ObligationView, ...]
    edges: tuple[Edge, ...]
    departments: Mapping[str, str]  # id → title on the day the case was filed
    header: Case  # without obligations

    def as_case(self) -> Case:
        """What is visible as a case of the domain, for `engine.casework.graph`."""
        seen = {v.obligation.id: v.obligation for v in self.obligations}
        return replace(self.header, obligations=seen, edges=self.edges)


@dataclass(frozen=True, slots=True)
class EventView:
    """One event of a case as logged. `hash` covers every other field but `position`."""

    position: int
    case: str
    version: int
    type: str
    on: dt.date
    at: str
    department: str
    officer: str
    key_id: str
    payload: Mapping[str, Any]
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision with its explanation.

    `document` is what was logged, `decision` what its rules and facts give when they are run again, `reproduced`
    whether the two are equal byte for byte and the digest fits. `why_not` is filled when a department was asked about.
    """

    digest: str
    document: Mapping[str, Any]
    decision: Decision
    reproduced: bool
    explanation: Explanation
    why_not: WhyNot | None = None


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """A decision with its explanation as one audience may see it (`engine.casework.visibility`).

    `document`: digest, reproduced, document, rules, why_not, with the fields that are not shown left out.
    """

    audience: Audience
    case: str
    policy: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ObligationQuery:
    """Filters of the queue; all optional, all must hold. `after` is a page's `next`. `today` decides `overdue`."""

    department: str | None = None
    state: str | None = None
    due_before: dt.date | None = None
    overdue: bool = False
    subject: str | None = None
    case: str | None = None
    limit: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True)
class ObligationPage:
    """A page of the queue in order of urgency: release work first, then by due date. `next` is None on the last."""

    items: tuple[ObligationView, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events of a case in order; `next` is the version to pass as `after`."""

    items: tuple[EventView, ...]
    next: int | None


# --- counter -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A clerk's question about a subject, named by `code` (any lawful kind of code) or by opaque `subject` id."""

    matter: str
    purpose: str
    code: str | None = None
    subject: str | None = None
    department: str | None = None  # defaults to the principal's; another one is refused
    kind: str | None = None  # only needed for the rare code that is valid for an organisation and for a person


@dataclass(frozen=True, slots=True)
class DirectiveView:
    """One thing the clerk is told. `basis` is (law id, article)."""

    effect: str
    measure: str
    title: str
    department: str
    list: str
    obligation: str
    basis: tuple[tuple[str, str], ...]
    marked: bool = False  # the subject objects to the listing


@dataclass(frozen=True, slots=True)
class OutstandingDocument:
    """A document that may be handed in later, and within what time (a duration as the matter states it)."""

    id: str
    title: str
    within: str


@dataclass(frozen=True, slots=True)
class VerificationStep:
    """A lawful extra verification step."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class LimitView:
    """A suggested credit limit in fen. Never an entitlement."""

    case: str
    rule: str
    table: str
    amount: int


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer at the counter. `known` is whether the code is on file at all; nothing is said of other matters."""

    check: str
    matter: str
    known: bool
    directives: tuple[DirectiveView, ...] = ()
    documents: tuple[OutstandingDocument, ...] = ()
    verification: tuple[VerificationStep, ...] = ()
    limits: tuple[LimitView, ...] = ()
    suspended: tuple[DirectiveView, ...] = ()  # incentives that an active severe sanction suspends


# --- records and subjects ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordResult:
    """What became of one line. `id` is the stored record's id, also for a duplicate. Lines count from 1."""

    line: int
    status: Literal["accepted", "duplicate", "rejected"]
    id: str | None = None
    excluded: bool = False
    errors: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True)
class ListingView:
    """A list the subject stands, or stood, on."""

    case: str
    list: str
    title: str
    kind: ListKind
    state: CaseState
    filed_on: dt.date
    ended_on: dt.date | None
    marked: bool = False


@dataclass(frozen=True, slots=True)
class SubjectView:
    """A subject by opaque id. The name only goes to departments that have a case or record about it, and auditors."""

    id: str
    kind: str
    name: str | None
    listings: tuple[ListingView, ...]


# --- policy and keys ---------------------------------------------------------------------------------------------


MigrationChoice = Literal["migrate", "keep"]
PolicyState = Literal["proposed", "pending", "in-force", "past", "refused", "withdrawn"]


@dataclass(frozen=True, slots=True)
class PolicyProposal:
    """A bundle (path → text) to be put in force.

    `start`: the day, in China, at whose beginning it comes into force; None for as soon as it is approved. `base`: the
    version that it was made from, by default the one in force then. `migration`: whether live cases follow where the
    memoranda say so (`existing_cases`), or all keep what they have.
    """

    files: Mapping[str, str] = field(repr=False)
    reason: str
    start: dt.date | None = None
    base: str | None = None
    migration: MigrationChoice = "migrate"


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A policy version, how it was proposed, and what became of it. `id` is the proposal's, of which there may be more.

    `closed_*` say who approved, refused or withdrew it. `effective_from` is an instant, None while it is not approved.
    `active`: this very content is in force now. `key` is the id of the key that signed, None for none.
    """

    id: str
    version: str
    state: PolicyState
    active: bool
    reason: str
    base: str | None
    rollback: bool
    start: dt.date | None
    migration: MigrationChoice
    proposed_by: str
    proposed_at: str
    approved_by: str | None
    approved_at: str | None
    effective_from: str | None
    closed_by: str | None
    closed_at: str | None
    remark: str
    key: str | None
    counts: Mapping[str, int]
    checks: tuple[PolicyCheck, ...]
    changes: PolicyChanges
    etag: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class PolicyHistory:
    """Proposals, newest first. `next` is None on the last page."""

    items: tuple[PolicyView, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """Something that does not fit in what is kept of a version: its content, a signature, the order."""

    version: str
    activation: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class PolicyVerification:
    """What was verified. `unsigned` are versions that came into force before there were signatures.

    `signers` are the public keys, in hex, that signed.
    """

    versions: int
    activations: int
    unsigned: tuple[str, ...]
    findings: tuple[PolicyFinding, ...]
    signers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyView:
    """An API key without its secret."""

    id: str
    department: str
    roles: frozenset[str]
    label: str
    created: str
    revoked: str | None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key. `token` is shown once and stored nowhere."""

    key: KeyView
    token: str
