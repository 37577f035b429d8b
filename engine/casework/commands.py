"""What someone wants done with a case or an obligation: frozen values for `decide`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.casework.model import Actor, Evidence
from engine.language.ir import Department, Ground


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
    served: tuple[tuple[str, dt.date], ...] = ()  # related persons already served upstream, each with the day


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
class Correct(Command):
    """Wrong data were put right: what the new decision no longer owes is lifted, what it owes besides is added."""

    decision: Any
    reason: str
    changed: tuple[str, ...]  # what differs, in words: facts, rules, calendar


@dataclass(frozen=True, slots=True)
class Migrate(Command):
    """Bring a live case under another policy version; what differs is lifted or added."""

    decision: Any
    reason: str
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tick(Command):
    """Time has passed. Idempotent: a second one on the same day makes nothing happen.

    `departments` is the register as it stands now, with what was merged into what.
    """

    departments: Mapping[str, Department]


@dataclass(frozen=True, slots=True)
class Notify(Command):
    """A party was given written notice: facts, reasons, basis, intended measures, rights (河南条例 第二十八条)."""

    party: str
    served_on: dt.date
    method: str
    reasons: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiveStatement(Command):
    """A party's statement or defence came in; after the period it is recorded as late."""

    party: str
    received_on: dt.date
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerStatement(Command):
    """A recorded answer to each point (行政处罚法 第四十五条)."""

    party: str
    statement: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RequestHearing(Command):
    """A party asks for a hearing where it has a right to one."""

    party: str
    received_on: dt.date


@dataclass(frozen=True, slots=True)
class HoldHearing(Command):
    """The hearing took place."""

    party: str
    announced_on: dt.date
    held_on: dt.date
    chair: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class ShowBefore(Command):
    """The intended recognition is shown to the public before it is made."""


@dataclass(frozen=True, slots=True)
class DecideListing(Command):
    """The decision to list or not to list, by a named human other than the drafter."""

    outcome: Literal["list", "not-list"]
    number: str
    reason: str
    decision: Any = None  # engine.decision.model.Decision as of today; for a list that needs no service


@dataclass(frozen=True, slots=True)
class Serve(Command):
    """The decision was served on a party, together with the repair notice (两书同达)."""

    party: str
    served_on: dt.date
    method: str
    evidence: tuple[Evidence, ...] = ()
    decision: Any = None  # for the subject: what is owed now


@dataclass(frozen=True, slots=True)
class Publish(Command):
    """The listing is shown to the public."""

    channel: str


@dataclass(frozen=True, slots=True)
class RaiseObjection(Command):
    """A party objects; the record is marked at once."""

    party: str
    received_on: dt.date
    points: tuple[str, ...]
    own: bool = True


@dataclass(frozen=True, slots=True)
class AnswerObjection(Command):
    """The answer to an objection.

    Upheld for a related person, the listing no longer reaches that person; for the subject it is annulled or, with a
    new decision on the right data, corrected.
    """

    objection: str
    outcome: Literal["upheld", "rejected"]
    reason: str
    decision: Any = None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplyRepair(Command):
    """A party applies for credit repair."""

    party: str
    received_on: dt.date
    proved: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class MoveRepair(Command):
    """A step of the application: accepted for decision, refused, extended once, granted."""

    repair: str
    step: Literal["accept", "refuse", "extend", "grant"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Shield(Command):
    """A court approved a reorganisation plan or settlement: the listing rests; `reason` empty lets it go on."""

    reason: str


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
