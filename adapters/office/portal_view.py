"""What a person reached by a listing is shown about it, in words that need no explaining, and nothing besides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Group = Literal["active", "pending", "lifting", "over"]


@dataclass(frozen=True, slots=True)
class AccessCode:
    """A new code for one look at one case. `code` is shown once and stored nowhere."""

    code: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class Session:
    """What a code was good for: a token that shows the case until then. The token is stored nowhere."""

    token: str
    until: str


@dataclass(frozen=True, slots=True)
class Cited:
    """An article that something rests on. `says` is a summary of it, empty where the policy has none."""

    law: str
    number: str
    article: str
    says: str

    @property
    def words(self) -> str:
        """《政府采购法》第二十二条."""
        return f"《{self.law}》{'' if self.article == '全文' else self.article}"


@dataclass(frozen=True, slots=True)
class RecordedFact:
    """One fact of the listing."""

    title: str
    value: str


@dataclass(frozen=True, slots=True)
class RecordedItem:
    """One record that a measure rests on, or that the law excludes from being a basis (`excluded`)."""

    title: str
    date: dt.date | None
    supplier: str
    fields: tuple[RecordedFact, ...]
    excluded: bool


@dataclass(frozen=True, slots=True)
class ClockView:
    """One of the three clocks. `limits` says in words what each norm allows; `until` how it ends without a maximum."""

    name: Literal["publicity", "listing", "measure"]
    title: str
    start: dt.date
    minimum: dt.date | None
    maximum: dt.date | None
    ended_on: dt.date | None
    until: str = ""
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasureView:
    """One measure by one department. `since` is when it took effect, `lifted_on` when it was taken down."""

    key: str
    title: str
    department: str
    group: Group
    state: str
    effect: str
    restrictive: bool
    rests: bool
    since: dt.date | None
    lifted_on: dt.date | None
    lift_by: dt.date | None
    lift_within: str
    clock: ClockView | None
    basis: tuple[Cited, ...]
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lever:
    """One fact of a way out: what it is now, and what it would have to become."""

    fact: str
    title: str
    now: str | None
    needed: str


@dataclass(frozen=True, slots=True)
class Way:
    """Changes that together take away the ground of a measure, with the sentence that says so."""

    words: str
    levers: tuple[Lever, ...]


@dataclass(frozen=True, slots=True)
class WaysOut:
    """Measures that the same changes would take the ground of. No `ways`: none that the person can bring about."""

    measures: tuple[str, ...]
    keys: tuple[str, ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a listing ends, and within what time every measure is then taken down."""

    ground: str
    within: str


@dataclass(frozen=True, slots=True)
class RepairView:
    """Credit repair: from when, what the application has to prove, how long it takes, and applications made."""

    available: bool
    earliest: dt.date | None
    requires: tuple[str, ...]
    accept: str
    decide: str
    applications: tuple[ApplicationView, ...]


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """An application for repair and by when it is answered."""

    received_on: dt.date
    state: str
    due: dt.date | None
    answered_on: dt.date | None


@dataclass(frozen=True, slots=True)
class ObjectionView:
    """An objection and by when it is answered; `provider_due`: by when the supplier of the data answers."""

    received_on: dt.date
    points: tuple[str, ...]
    open: bool
    suspends: bool
    due: dt.date
    provider_due: dt.date | None
    outcome: str
    answered_on: dt.date | None


@dataclass(frozen=True, slots=True)
class StatementView:
    """A statement (陈述申辩): each point with its answer, empty while there is none."""

    received_on: dt.date
    points: tuple[tuple[str, str], ...]
    late: bool


@dataclass(frozen=True, slots=True)
class DueProcess:
    """The stages before the listing, as this person went through them."""

    noticed_on: dt.date | None
    statement_until: dt.date | None
    statements: tuple[StatementView, ...]
    hearing: str
    hearing_until: dt.date | None
    decided_on: dt.date | None
    number: str
    served_on: dt.date | None
    letters: tuple[tuple[str, str, dt.date], ...]  # what, number, day


@dataclass(frozen=True, slots=True)
class Remedy:
    """Something that this person may do. `until`: the last day, where there is one; `over`: it has passed."""

    title: str
    how: str
    period: str
    until: dt.date | None = None
    over: bool = False
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Someone looked. `who` is a department, never an officer, or 本人查询; `what` is what they were shown."""

    at: dt.datetime
    who: str
    what: str
    matter: str
    purpose: str


@dataclass(frozen=True, slots=True)
class SuggestedAmount:
    """A suggested credit limit; a lender decides."""

    title: str
    amount: str


@dataclass(frozen=True, slots=True)
class LoggedStep:
    """A step of the case that concerns the party; `version` is its place among the case's events."""

    version: int
    on: dt.date
    title: str


@dataclass(frozen=True, slots=True)
class SubjectReceipt:
    """The receipt of a step: `document` to be kept and verified anywhere, `code` its short form for a QR code."""

    step: LoggedStep
    code: str
    document: Mapping[str, Any]
    session_until: str


@dataclass(frozen=True, slots=True)
class SubjectCaseView:
    """Everything that one party of one case is shown.

    `name` and `code` are the party's own, the code with its middle hidden. `role` is how the listing reaches a related
    person, and `concerning` whose listing it is, where that is an organisation; both are empty for the subject.
    """

    case: str
    today: dt.date
    session_until: str
    name: str
    code: str
    role: str
    concerning: str
    list_title: str
    list_kind: Literal["incentive", "sanction", "watch"]
    severe: bool
    initiator: str
    state: str
    state_title: str
    since: dt.date
    ended_on: dt.date | None
    ground: str
    removed_on: dt.date | None
    objected: bool
    rests: str
    published_on: dt.date | None
    basis: tuple[Cited, ...]
    facts: tuple[RecordedFact, ...]
    records: tuple[RecordedItem, ...]
    process: DueProcess
    clocks: tuple[ClockView, ...]
    measures: tuple[MeasureView, ...]
    ways: tuple[WaysOut, ...]
    repair: RepairView
    endings: tuple[Ending, ...]
    objections: tuple[ObjectionView, ...]
    remedies: tuple[Remedy, ...]
    amounts: tuple[SuggestedAmount, ...]
    steps: tuple[LoggedStep, ...]
    looks: tuple[Look, ...]
    looks_total: int
