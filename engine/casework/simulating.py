"""Playing cases forward: what falls due on which day, when nobody acts, or when everybody acts on the last day.

Pure: a case is played with the commands that the service itself uses, and thrown away. Not played is what nobody can
know beforehand: decisions and service that are still to come, answers that bring new obligations about.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from engine.casework.calendar import DAY, Calendars
from engine.casework.commands import (
    Accept,
    AnswerObjection,
    Arm,
    Command,
    Confirm,
    Lift,
    MoveRepair,
    Publish,
    Respond,
    Tick,
)
from engine.casework.deadlines import next_due
from engine.casework.deciding import decide
from engine.casework.events import CaseMoved, Event, ListingEnded, ObligationMoved
from engine.casework.evolving import fold
from engine.casework.model import SYSTEM, Actor, Case, Evidence, Obligation, Refusal
from engine.casework.ticking import case_wakes_on, wake_on
from engine.language.ir import Department, Policy

Assumption = Literal["late", "on-time"]
What = Literal[
    "accept", "arm", "respond", "feedback", "rearm", "lift", "publish", "serve", "objection", "repair",
    "expiry", "end-publicity", "measure-expiry", "rung",
]  # fmt: skip
CLOCK = Actor(SYSTEM, "模拟")
PROOF = (Evidence("0" * 64, "模拟"),)
STEPS = 8
"""Actions in a row about one thing on one day; accepting, confirming and arming are three."""


@dataclass(frozen=True, slots=True)
class Falls:
    """Something that falls due, or happens because time passes, and for which department."""

    on: dt.date
    department: str
    what: What
    case: str
    list: str
    obligation: str | None = None
    title: str = ""  # of the measure, or of the rung


@dataclass(frozen=True, slots=True)
class Owing:
    """What is open at the end: whose, and whether its day has passed."""

    department: str
    case: str
    late: bool


@dataclass(frozen=True, slots=True)
class Played:
    """A case played to the end: what fell due, in order, and how it then stands."""

    falls: tuple[Falls, ...]
    case: Case

    def owing(self, today: dt.date) -> Iterator[Owing]:
        """What somebody has to do."""
        for department, due, _, _ in _dues(self.case):
            yield Owing(department, self.case.id, due < today)


def play(
    case: Case,
    policy: Policy,
    *,
    calendars: Calendars,
    departments: Mapping[str, Department],
    start: dt.date,
    until: dt.date,
    assume: Assumption = "late",
) -> Played:
    """Let the days from `start` to `until` pass for a case that is known whole."""
    player = _Player(case, policy, calendars, departments, assume)
    day = max(start, case.last_on or start)
    while day <= until and player.case.state != "closed":
        player.live(day)
        day = player.next_day(day)
    return Played(tuple(player.falls), player.case)


Owed = tuple[str, dt.date, What, Obligation | str | None]
"""Whose, by when, what, and about which obligation or entry of the procedure."""


def _dues(case: Case) -> Iterator[Owed]:
    """Everything that somebody has to do by a day."""
    for obligation in case.obligations.values():
        due = next_due(obligation)
        if due is not None:
            yield obligation.department, due.on, _step(obligation), obligation
    if case.state == "closed":
        return
    for task in case.tasks.values():
        if task.done_on is None and case.state != "lifting":
            yield case.initiator, task.due.on, "publish" if task.name == "publish" else "serve", task.name
    for objection in case.objections.values():
        if objection.outcome is None:
            yield case.initiator, objection.due.on, "objection", objection.id
    if case.state == "in-force":
        for repair in case.repairs.values():
            if repair.state in {"received", "accepted"}:
                yield case.initiator, repair.due.on, "repair", repair.id


def _step(obligation: Obligation) -> What:
    match obligation.state:
        case "open":
            return "accept"
        case "accepted":
            return "arm" if obligation.mode == "standing" else "respond"
        case "lifting":
            return "lift"
        case _:
            feedback, rearm = obligation.feedback_by, obligation.rearm_by
            return "rearm" if rearm is not None and (feedback is None or rearm.on <= feedback.on) else "feedback"


class _Player:
    """One case on its way through time."""

    def __init__(
        self,
        case: Case,
        policy: Policy,
        calendars: Calendars,
        departments: Mapping[str, Department],
        assume: Assumption,
    ) -> None:
        self.case, self.policy, self.calendars, self.departments = case, policy, calendars, departments
        self.assume = assume
        self.title = policy.lists[case.list].title
        self.falls: list[Falls] = []
        self._told: set[tuple[str, What, dt.date]] = set()

    def live(self, day: dt.date) -> None:
        """What happens on one day: first because time passed, then because somebody acts."""
        self._tick(day)
        for _ in range(STEPS):
            self._tell(day)
            if self.assume == "late" or not self._act(day):
                break

    def next_day(self, day: dt.date) -> dt.date:
        """The next day on which something may happen."""
        wakes = [wake_on(o) for o in self.case.obligations.values()]
        days = [w for w in (*wakes, case_wakes_on(self.case)) if w is not None]
        days += [due for _, due, _, _ in _dues(self.case) if due > day]
        return max(min(days), day + DAY) if days else dt.date.max

    def _tick(self, day: dt.date) -> None:
        before = self.case
        for event in self._happen(Tick(CLOCK, day, self.departments)):
            found = self._seen(event, before, day)
            if found is not None:
                self.falls.append(found)

    def _seen(self, event: Event, before: Case, day: dt.date) -> Falls | None:
        """What an event of passing time means to people."""
        match event:
            case ObligationMoved(action="escalate", obligation=name, detail=detail):
                return self._fall(day, detail["late"], "rung", name, detail["title"])
            case CaseMoved(action="escalate", detail=detail):
                return self._fall(day, detail["late"], "rung", None, detail["title"])
            case CaseMoved(action="end-publicity"):
                return self._fall(day, self.case.initiator, "end-publicity")
            case ListingEnded(ground="expiry"):
                return self._fall(day, self.case.initiator, "expiry")
            case ObligationMoved(obligation=name, changes={"outcome": "expired"}):
                obligation = before.obligations[name]
                if obligation.expires_on is not None and obligation.expires_on < day:
                    return self._fall(day, obligation.department, "measure-expiry", name)
        return None

    def _fall(self, day: dt.date, department: str, what: What, obligation: str | None = None, title: str = "") -> Falls:
        if obligation is not None and not title:
            measure = self.policy.measures.get(self.case.obligations[obligation].measure)
            title = measure.title if measure is not None else self.case.obligations[obligation].measure
        return Falls(day, department, what, self.case.id, self.title, obligation, title)

    def _tell(self, day: dt.date) -> None:
        for department, due, what, about in _dues(self.case):
            name = about.id if isinstance(about, Obligation) else str(about)
            if due == day and (name, what, due) not in self._told:
                self._told.add((name, what, due))
                self.falls.append(self._fall(day, department, what, name if isinstance(about, Obligation) else None))

    def _act(self, day: dt.date) -> bool:
        """Everybody does what is due by today; whether anybody could."""
        acted = False
        for owed in list(_dues(self.case)):
            if owed[1] <= day:
                acted = self._do(owed, day) or acted
        return acted

    def _do(self, owed: Owed, day: dt.date) -> bool:
        department, _, what, about = owed
        actor = Actor(department, "模拟")
        if isinstance(about, Obligation):
            about = self.case.obligations[about.id]  # what others did today may have changed it
            command = _answer(about, what, actor, day)
        else:
            command = _procedure(str(about), what, actor, day, self.case)
        if command is None:
            return False
        try:
            return bool(self._happen(command))
        except Refusal:
            return False  # it needs something that is not played; so it stays undone, and late

    def _happen(self, command: Command) -> tuple[Event, ...]:
        happened = decide(self.case, command, self.policy, self.calendars)
        self.case = fold(happened, self.case) if happened else self.case
        return happened


def _answer(obligation: Obligation, what: What, actor: Actor, day: dt.date) -> Command | None:
    """What a department does about an obligation that is due."""
    name = obligation.id
    unconfirmed = obligation.restrictive and obligation.confirmed_by is None
    match obligation.state, what:
        case "open", _:
            return Accept(actor, day, name)
        case "accepted", _ if unconfirmed:
            return Confirm(actor, day, name)
        case "accepted", "arm":
            return Arm(actor, day, name, PROOF)
        case "accepted", _:
            return Respond(actor, day, name, "implemented", evidence=PROOF)
        case "in-force", "rearm":
            return Arm(actor, day, name, PROOF)
        case "in-force", _:
            return Respond(actor, day, name, "no-occasion")
        case "lifting", _ if not obligation.unlifted:
            return Lift(actor, day, name, PROOF)
        case _:
            return None


def _procedure(name: str, what: What, actor: Actor, day: dt.date, case: Case) -> Command | None:
    """What the initiator does about its own duties: repair is granted, objections are rejected."""
    match what:
        case "publish":
            return Publish(actor, day, "模拟")
        case "objection":
            return AnswerObjection(actor, day, name, "rejected", "模拟")
        case "repair":
            return MoveRepair(actor, day, name, "accept" if case.repairs[name].state == "received" else "grant", "模拟")
        case _:
            return None
