"""The compiled policy: typed, frozen, with every reference checked and every test's source line kept.

Conditions are in negation normal form: `not` exists only in the source; in here a negated test is a test with
the opposite operator, so each back end (reference interpreter, durable_rules, SQL) reads one small tree.
All runtime values are `bool`, `int`, `str` or a tuple of `str`: money is fen, ratio is basis points, a date is its
proleptic ordinal (`datetime.date.toordinal`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Value = bool | int | str | tuple[str, ...]
"""A runtime value of a fact."""


class Type(StrEnum):
    """The types a fact may have; there are no floats."""

    TEXT = "text"
    INTEGER = "integer"
    MONEY = "money"
    RATIO = "ratio"
    DATE = "date"
    BOOLEAN = "boolean"
    ENUM = "enum"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a policy file; line and column count from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Validity:
    """From which day until which day (both inclusive, `None` = unbounded) a thing is in force."""

    start: dt.date | None = None
    end: dt.date | None = None

    def covers(self, day: dt.date) -> bool:
        """Whether the thing is in force on `day`."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)

    def contains(self, other: Validity) -> bool:
        """Whether this is in force on every day that `other` is."""
        starts = self.start is None or (other.start is not None and self.start <= other.start)
        ends = self.end is None or (other.end is not None and other.end <= self.end)
        return starts and ends


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time as a law states it. Calendar months and years are not converted into days."""

    amount: int
    unit: Literal["working days", "days", "months", "years"]

    def __str__(self) -> str:
        unit = self.unit if self.amount != 1 else self.unit.removesuffix("s")
        return f"{self.amount} {unit}"

    @property
    def words(self) -> str:
        """As people read it, in Chinese."""
        units = {"working days": "个工作日", "days": "日", "months": "个月", "years": "年"}
        return f"{self.amount} {units[self.unit]}"


@dataclass(frozen=True, slots=True)
class FactType:
    """The declaration of a fact: its type, whether it must be supplied, and its title in Chinese."""

    name: str
    type: Type
    title: str
    span: Span
    values: tuple[str, ...] = ()  # for enum; for list: its permitted members, empty = any text
    required: bool = False
    changeable: bool = False  # whether the subject can still change it (pay, correct, promise); never a past event
    titles: Mapping[str, str] = field(default_factory=dict, hash=False)  # value → its Chinese title; may be empty
    worse: Literal["higher", "lower"] | None = None  # which way it weighs against the subject; enums by file order


# --- operands and conditions -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """The value of a named fact: `amount_owed`, `subject.kind`, a derived fact, or a record's field inside `where`."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal, with the text it had in the source for display."""

    value: Value
    type: Type
    text: str


@dataclass(frozen=True, slots=True)
class AsOfMinus:
    """The day of the decision less a duration: the lower edge of a look-back window."""

    duration: Duration


Operand = Fact | Constant | AsOfMinus
Op = Literal["eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in", "contains", "not_contains"]
NEGATED: Mapping[str, Op] = {
    "eq": "ne", "ne": "eq", "lt": "gte", "gte": "lt", "gt": "lte", "lte": "gt",
    "in": "not_in", "not_in": "in", "contains": "not_contains", "not_contains": "contains",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compare:
    """`left op right`. Unknown when an operand is missing. `in` and `not_in` have several right operands."""

    left: Fact
    op: Op
    right: tuple[Operand, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Known:
    """Whether a fact was supplied (`present=True`) or not; never unknown itself."""

    fact: Fact
    present: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Window:
    """A look-back over records: from the decision's date less `within` up to the decision's date, both included."""

    within: Duration


@dataclass(frozen=True, slots=True)
class Quantifier:
    """The subject's records of one kind that satisfy `where` inside `window`. `id` is unique in the policy."""

    id: str
    record: str
    where: Condition | None
    window: Window | None
    span: Span


@dataclass(frozen=True, slots=True)
class Count:
    """`count(quantifier) op number`; `exists` is `gte 1` and `none` is `eq 0`."""

    quantifier: Quantifier
    op: Literal["eq", "ne", "lt", "lte", "gt", "gte"]
    number: int
    span: Span


@dataclass(frozen=True, slots=True)
class Responded:
    """Whether a department answered a measure of this case with `outcome` (`holds=True`) or with another one.

    Unknown until the measure has been answered.
    """

    measure: str
    department: str | None
    outcome: str
    holds: bool
    span: Span


@dataclass(frozen=True, slots=True)
class All:
    """Kleene conjunction; empty is true."""

    parts: tuple[Condition, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Any:
    """Kleene disjunction; empty is false."""

    parts: tuple[Condition, ...]
    span: Span


Condition = Compare | Known | Count | Responded | All | Any


# --- documents ---------------------------------------------------------------------------------------------------

Level = Literal[
    "law", "administrative-regulation", "central-policy", "provincial-regulation", "judicial-interpretation",
    "department-rule", "normative-document", "memorandum",
]  # fmt: skip
ListKind = Literal["incentive", "sanction", "watch"]
MeasureClass = Literal["restrictive", "managerial", "voluntary"]
Nature = Literal["administrative", "market", "industry", "social"]
Mode = Literal["standing", "one-shot"]
Effect = Literal[
    "refuse", "verify-further", "expedite", "tolerate-missing", "prioritise", "limit", "caution", "publicise"
]
FAVOURABLE: frozenset[str] = frozenset({"expedite", "tolerate-missing", "prioritise"})
ADVERSE: frozenset[str] = frozenset({"refuse", "verify-further", "limit", "caution"})
SUBJECT_KINDS: tuple[str, ...] = (
    "enterprise", "sole-trader", "natural-person", "farmer-household", "public-body", "social-organisation",
    "village", "township",
)  # fmt: skip
ROLES: tuple[str, ...] = ("legal-representative", "principal", "actual-controller", "directly-responsible", "member")


@dataclass(frozen=True, slots=True)
class Verified:
    """How and when a citation was held against its text; `by='text'` means word for word."""

    by: Literal["text"]
    on: dt.date


@dataclass(frozen=True, slots=True)
class Basis:
    """A legal basis: an article of a law and what it reaches."""

    law: str
    article: str
    quote: str | None
    verified: Verified | None
    subjects: tuple[str, ...]  # subject kinds it reaches; empty = every kind
    roles: tuple[str, ...]  # related roles it reaches besides the subject itself
    lists: tuple[str, ...]  # lists it reaches; empty = every list
    span: Span
    maximum: Duration | None = None  # the longest that a measure on this basis may last


@dataclass(frozen=True, slots=True)
class Law:
    """A law, regulation or policy document that others cite."""

    id: str
    title: str
    level: Level
    number: str | None
    issuer: str | None
    articles: Mapping[str, str]  # article → short summary of what it says
    validity: Validity
    source: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    """A name a department bore for a time."""

    name: str
    validity: Validity


@dataclass(frozen=True, slots=True)
class Department:
    """A body that initiates or implements. `id` is stable across renamings; `names` has the former ones."""

    id: str
    title: str
    level: str
    kind: Literal["administrative", "judicial", "party", "public-institution", "association", "market"]
    names: tuple[Name, ...]
    validity: Validity
    span: Span
    merged_into: str | None = None  # who took over when `validity` ended

    def name_on(self, day: dt.date) -> str:
        """The name in use on `day`."""
        return next((n.name for n in self.names if n.validity.covers(day)), self.title)


@dataclass(frozen=True, slots=True)
class RecordKind:
    """An entry of the collection catalogue: a kind of record about a subject, who supplies it, and its fields."""

    id: str
    title: str
    supplied_by: tuple[str, ...]  # department ids; empty = every department
    fields: Mapping[str, FactType]
    excluded: Condition | None  # records for which this is true never count as a basis (Henan regulation art. 13)
    span: Span
    worse: Literal["more", "fewer"] | None = None  # whether having more of them weighs against the subject


Stage = Literal["notice", "statement", "hearing", "decision", "service"]
Ground = Literal[
    "performance", "repair", "expiry", "withdrawal", "annulment", "correction", "deceased", "dissolved", "not-listed"
]


@dataclass(frozen=True, slots=True)
class Upstream:
    """A stage done before filing: the list's required facts that prove it; its fields are names of facts."""

    date: str
    number: str | None
    proof: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Limits:
    """Minimum and maximum of a clock by one norm; several norms may bind the same clock."""

    law: str
    article: str | None
    minimum: Duration | None
    maximum: Duration | None
    span: Span


@dataclass(frozen=True, slots=True)
class Publicity:
    """The publicity clock. It runs from the decision's date (信用修复管理办法)."""

    public: bool  # False: the list is not shown to the public at all
    within: Duration | None  # by when the listing is shown
    minimum: Duration | None  # no repair before it
    maximum: Duration | None  # shown no longer than this; None = until the listing ends
    limits: tuple[Limits, ...]  # what each norm allows; the list's own figures respect all of them
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """The listing clock, from the decision's date. `length` None: until something ends it."""

    length: Duration | None
    until_performed: tuple[str, tuple[str, ...]] | None  # (enum fact, values): for these it ends by performance only
    extension: Duration | None  # the longest extension that the list allows


@dataclass(frozen=True, slots=True)
class Repair:
    """Credit repair (信用修复)."""

    after: Duration | None  # from the decision's date; the publicity minimum applies besides
    requires: tuple[str, ...]  # what the application has to prove: performed, corrected, commitment, harm-removed …
    accept: Duration  # from receipt
    decide: Duration  # from acceptance
    extend: Duration | None  # once, for a complex case


@dataclass(frozen=True, slots=True)
class Objection:
    """Objection (异议), Henan regulation art. 41."""

    own: Duration  # about the department's own data
    verify: Duration  # when another department supplied the data
    provider: Duration  # by when that supplier answers
    suspends: bool  # whether the measures rest while it is open


@dataclass(frozen=True, slots=True)
class Procedure:
    """The stages and clocks of a list; casework makes it impossible to skip them.

    A stage is done in house when its field is set, upstream when `upstream` names it, and not at all otherwise.
    """

    upstream: Mapping[Stage, Upstream]
    notice: bool
    statement: Duration | None  # how long after the notice a statement may be made
    hearing_request: Duration | None  # how long after the notice a hearing may be asked for; None = no right to one
    hearing_notice: Duration | None  # how long before it a hearing is announced
    pre_publicity: Duration | None  # shown before the recognition at least this long (incentive lists)
    decision: bool
    decided_by: tuple[str, ...]  # department ids; empty = the initiator
    service: Duration | None  # how long after the decision it has to be served; None = not served
    publicity: Publicity
    term: Term
    repair: Repair | None
    objection: Objection
    ends: Mapping[Ground, Duration]  # by when measures are lifted; else the measure's own time
    ladder: str | None
    sources: Mapping[str, str]  # stage or clock → where it comes from
    span: Span


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of an escalation: `after` working days past the deadline, who is told, and what kind of telling it is."""

    act: Literal["remind", "chief", "joint-office", "report"]
    title: str
    after: Duration
    to: tuple[str, ...]  # department ids; empty = the department that is late
    span: Span


@dataclass(frozen=True, slots=True)
class Ladder:
    """An escalation (督办). Rungs come ever later and the last one is a report: a ladder has an end."""

    id: str
    title: str
    default: bool  # used where neither list nor measure names one
    rungs: tuple[Rung, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ListDef:
    """A list (名单) on which subjects are placed."""

    id: str
    title: str
    kind: ListKind
    severe: bool  # a severe list (严重失信主体名单): suspends incentives while in force
    filed_by: tuple[str, ...]
    subjects: tuple[str, ...]
    facts: Mapping[str, FactType]
    procedure: Procedure
    basis: tuple[Basis, ...]
    validity: Validity
    span: Span


@dataclass(frozen=True, slots=True)
class Directive:
    """What a clerk at the counter is told while the measure is in force."""

    matter: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class ResponseTerms:
    """By when, and with what, an implementing department answers. Terms run from the day the obligation opens."""

    accept: Duration
    arm: Duration  # standing: armed; one-shot: done
    lift: Duration  # from the end of the listing
    feedback: Literal["none", "monthly", "quarterly", "half-yearly", "yearly"]
    evidence: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure (措施). `authority` empty = any implementing department may originate it."""

    id: str
    title: str
    kind: Literal["incentive", "sanction"]
    cls: MeasureClass
    nature: Nature
    mode: Mode
    reversible: bool
    subjects: tuple[str, ...]  # kinds of target it makes sense for; empty = every kind
    authority: tuple[str, ...]
    directive: Directive | None
    steps: tuple[str, ...]  # verify-further: the lawful verification steps it may choose
    response: ResponseTerms
    basis: tuple[Basis, ...]
    base_list_item: str | None  # item of the national base list of sanctions (全国失信惩戒措施基础清单)
    term: Duration | None  # the measure clock: longest time in force; None = as long as the listing
    ladder: str | None
    validity: Validity
    span: Span


@dataclass(frozen=True, slots=True)
class Document:
    """A document an applicant hands in for a matter."""

    id: str
    title: str
    may_be_outstanding: Duration | None  # how long acceptance may go ahead without it; None = never


@dataclass(frozen=True, slots=True)
class Matter:
    """A matter (事项) handled at a counter."""

    id: str
    title: str
    departments: tuple[str, ...]
    documents: tuple[Document, ...]
    verification: Mapping[str, str]  # lawful verification step id → title
    basis: tuple[Basis, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a decision table."""

    index: int
    when: Condition
    then: Mapping[str, Value]
    span: Span


@dataclass(frozen=True, slots=True)
class Ratio:
    """`basis_points` ten-thousandths of the money fact `of`."""

    basis_points: int
    of: str


@dataclass(frozen=True, slots=True)
class LimitFormula:
    """A credit limit: a table output plus ratios of money facts, rounded down to the yuan, between floor and cap."""

    amount: str
    plus: tuple[Ratio, ...]
    floor: int
    cap: int


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table with a DMN hit policy; `limit` turns its result into a suggested credit limit."""

    id: str
    title: str
    inputs: Mapping[str, FactType]
    outputs: Mapping[str, FactType]
    hit: Literal["unique", "first", "any", "min", "max", "sum"]
    rows: tuple[Row, ...]
    limit: LimitFormula | None
    basis: tuple[Basis, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Target:
    """Whom an obligation is about: the subject itself, or persons related to it in one of `roles`, one hop away."""

    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Oblige:
    """A consequence: each of `by` owes `measure` about `target`. `advice` when it is never owed, and why."""

    measure: str
    by: tuple[str, ...]
    target: Target
    after: tuple[str, ...]  # measures of the same memorandum that come first
    basis: tuple[Basis, ...]  # the bases that carry it, of clause, rule and measure, in this order
    advice: str | None  # None = owed; else why not: not-verified | advised | voluntary
    duty: Literal["implement", "assist", "transmit"]
    response: ResponseTerms
    span: Span


@dataclass(frozen=True, slots=True)
class Limit:
    """A consequence: `by` are suggested the limit that `table` gives."""

    table: str
    by: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a memorandum. `when` already includes the negation of `unless` and of the rules overriding it."""

    id: str  # "<memorandum>/<rule>"
    title: str
    clause: str | None
    when: Condition
    then: tuple[Oblige | Limit, ...]
    overridden_by: tuple[str, ...]
    validity: Validity
    span: Span


@dataclass(frozen=True, slots=True)
class Choice:
    """A row of a derived fact: the value it takes when its condition is the first that is true."""

    when: Condition
    value: Value


@dataclass(frozen=True, slots=True)
class Derivation:
    """A derived fact. Exactly one of `truth`, `choices`, `count` is set.

    truth: a boolean with the truth value of the condition (unknown = absent).
    choices: the value of the first true row; unknown if a row before it is unknown.
    count: the number of records; unknown while a record's membership is unknown.
    """

    fact: FactType
    truth: Condition | None
    choices: tuple[Choice, ...]
    count: Quantifier | None
    stratum: int
    span: Span


@dataclass(frozen=True, slots=True)
class Memorandum:
    """A joint memorandum: which list leads to which measures in which departments."""

    id: str
    title: str
    document: str | None
    list: str
    derivations: tuple[Derivation, ...]  # in evaluation order: stratum, then name
    rules: tuple[Rule, ...]
    basis: tuple[Basis, ...]
    validity: Validity
    span: Span
    existing_cases: Literal["keep", "migrate"] = "keep"  # whether live cases follow a version that comes into force


@dataclass(frozen=True, slots=True)
class Calendar:
    """A year of working days: weekday holidays and weekend make-up days, with the notice that orders them."""

    year: int
    holidays: frozenset[dt.date]
    makeup: frozenset[dt.date]
    provisional: bool
    source: str
    span: Span


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """A test beside a rule: a situation and what must, and must not, follow. Kept as read."""

    id: str
    memorandum: str
    given: Mapping[str, object]
    expect: Mapping[str, object]
    span: Span


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long personal data are kept: `keep` from the day a case was closed, or from the day of a record.

    It governs cases of these kinds of subject on its lists; without lists, on all lists, and records too.
    """

    id: str  # `<retention>/<rule>`
    title: str
    subjects: tuple[str, ...]
    lists: tuple[str, ...]
    keep: Duration  # never working days
    basis: tuple[Basis, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Retention:
    """A document of retention rules (保存期限). Of several that fit a case or a record, the first governs it."""

    id: str
    title: str
    rules: tuple[Keeping, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole compiled bundle. `version` is the SHA-256 over its files, so equal content is the same version."""

    version: str
    laws: Mapping[str, Law]
    departments: Mapping[str, Department]
    records: Mapping[str, RecordKind]
    lists: Mapping[str, ListDef]
    measures: Mapping[str, Measure]
    matters: Mapping[str, Matter]
    tables: Mapping[str, Table]
    memoranda: Mapping[str, Memorandum]
    calendars: Mapping[int, Calendar]
    ladders: Mapping[str, Ladder]
    tests: tuple[PolicyTest, ...]
    sources: Mapping[str, str] = field(repr=False)  # path → text, what `version` covers
    retention: Mapping[str, Retention] = field(default_factory=dict)

    def memoranda_for(self, list_id: str, day: dt.date) -> tuple[Memorandum, ...]:
        """The memoranda in force on `day` that say what follows from `list_id`, by id."""
        return tuple(m for _, m in sorted(self.memoranda.items()) if m.list == list_id and m.validity.covers(day))
