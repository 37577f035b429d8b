"""What the auditor's desk is asked and what it answers. Frozen values; ids are opaque, days are days in China."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from engine.language.ir import Ground

Stratum = Literal["department", "list"]
Duty = Literal["query", "carry-out"]
DUTY_BASIS: dict[Duty, tuple[tuple[str, str], ...]] = {
    "query": (
        ("henan-credit-regulation-2019", "第六十一条"),
        ("henan-credit-regulation-2019", "第六十五条"),  # （三）未根据履职需要查询社会信用信息
    ),
    "carry-out": (
        ("henan-credit-regulation-2019", "第六十五条"),  # （六）未落实守信联合激励和失信联合惩戒措施
    ),
}
"""Where officials are made liable for either duty: (law id, article)."""
KINDS: dict[str, str] = {
    "applied-unchecked": "记录了办理情形，此前没有本部门的查询",
    "never-checked": "措施实施以来没有本部门的查询",
    "not-accepted": "逾期未接收",
    "not-armed": "逾期未布置",
    "not-done": "逾期未实施",
    "no-feedback": "逾期未反馈或者未重新布置",
    "not-lifted": "逾期未解除",
    "late": "逾期后才办理",
    "not-applied": "遇到情形而未适用",
}
"""What a finding is, in Chinese."""


@dataclass(frozen=True, slots=True)
class Search:
    """Which decisions are looked for; all that is given must hold. `law` and `article` name a basis of an obligation.

    rule: `<memorandum>/<rule>`. initiator: the department that filed. implementer: one that owes, or owed, something.
    officer: who did anything in the case. outcome: a state or ground of the case, or the outcome of an obligation.
    since, until: days on which the decision was made, both included. What is asked about obligations (rule, law,
    article, implementer, and an outcome of theirs) has to hold of one and the same.
    """

    rule: str | None = None
    law: str | None = None
    article: str | None = None
    initiator: str | None = None
    implementer: str | None = None
    officer: str | None = None
    list: str | None = None
    policy: str | None = None
    outcome: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None


@dataclass(frozen=True, slots=True)
class FoundDecision:
    """A decision by digest, and the case in which it was made. `latest`: the case goes by it now."""

    digest: str
    case: str
    subject: str
    list: str
    list_title: str
    initiator: str
    policy: str
    as_of: dt.date
    made_at: str
    state: str
    ground: Ground | None
    obligations: int
    latest: bool


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Decisions, those of the latest cases first. `next` is None on the last page."""

    items: tuple[FoundDecision, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class StratumCount:
    """How many decisions of a department or list there are, and how many of them were drawn."""

    stratum: str
    population: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Decisions drawn for review, with all that another auditor needs to draw the same.

    Of the decisions made before the instant `until`, those stand first whose SHA-256 of `<seed>:<digest>` is least;
    each stratum gives a share in proportion, by largest remainders. `population_digest` is the SHA-256 over the sorted
    digests of the population, each with a line feed.
    """

    seed: str
    size: int
    by: Stratum | None
    until: str
    population: int
    population_digest: str
    strata: tuple[StratumCount, ...]
    items: tuple[FoundDecision, ...]


@dataclass(frozen=True, slots=True)
class EventProof:
    """An event that a finding rests on, by its place in the case and its hash."""

    version: int
    action: str
    on: dt.date
    at: str
    department: str
    officer: str
    hash: str


@dataclass(frozen=True, slots=True)
class Told:
    """Who was told of it, and when; `delivered_at` is None while the message is under way."""

    department: str
    audience: str
    title: str
    at: str
    delivered_at: str | None


@dataclass(frozen=True, slots=True)
class DutyFinding:
    """Something that a department did not do, as far as the ledger shows it.

    `known` False: the ledger cannot tell whether there was anything to do; `remark` says why. `officer` is whoever last
    acted on the obligation for the department, empty if nobody did. `basis` is the measure's own, (law id, article).
    """

    duty: Duty
    kind: str
    known: bool
    department: str
    officer: str
    case: str
    obligation: str
    person: str
    measure: str
    title: str
    matter: str | None
    due_on: dt.date | None
    on: dt.date | None
    days: int | None
    basis: tuple[tuple[str, str], ...]
    events: tuple[EventProof, ...]
    told: tuple[Told, ...]
    remark: str


@dataclass(frozen=True, slots=True)
class DutyPage:
    """Findings by obligation. `next` is None on the last page; `walked` counts the obligations that were looked at."""

    items: tuple[DutyFinding, ...]
    walked: int
    next: str | None


@dataclass(frozen=True, slots=True)
class Reversal:
    """A listing that was reversed, in what way, and how many days after it was filed."""

    case: str
    subject: str
    initiator: str
    list: str
    list_title: str
    kind: str
    on: dt.date
    days: int


@dataclass(frozen=True, slots=True)
class ReversalCount:
    """Reversals of one department's listings on one list. `rate` is in basis points; `median` in days, None for none.

    `upheld`, `corrected`, `annulled`, `withdrawn` and `not_listed` count cases; a case may be in several, and is once
    in `reversed`.
    """

    initiator: str
    list: str
    list_title: str
    filed: int
    upheld: int
    corrected: int
    annulled: int
    withdrawn: int
    not_listed: int
    reversed: int
    rate: int
    median: int | None


@dataclass(frozen=True, slots=True)
class Reversals:
    """Of the cases filed between two days, how many were reversed until today."""

    since: dt.date | None
    until: dt.date | None
    today: dt.date
    counts: tuple[ReversalCount, ...]
    cases: tuple[Reversal, ...]
