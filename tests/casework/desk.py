"""A desk at which one case is worked: a policy with every stage, and steps with sensible arguments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from engine.casework import available_case_actions, decide, fold
from engine.casework.calendar import Calendars
from engine.casework.commands import (
    Accept,
    Arm,
    Command,
    Confirm,
    DecideListing,
    FileCase,
    Notify,
    Respond,
    Serve,
    Tick,
)
from engine.casework.events import CaseMoved, Event, ObligationMoved
from engine.casework.model import SYSTEM, Actor, Case, Evidence, Obligation, Party, Refusal
from engine.decision.model import Decision, Owed
from engine.language.ir import (
    Calendar,
    Department,
    Directive,
    Duration,
    Ladder,
    Limits,
    Measure,
    Objection,
    Policy,
    Procedure,
    Publicity,
    Repair,
    Rung,
    Term,
    Upstream,
    Value,
)
from tests.casework.build import CALENDARS, DAY, HERE, INITIATOR, POLICY, by, measure_of, only
from tests.decision.build import PROCEDURE as NO_STAGES
from tests.decision.build import facts_of

EVIDENCE = (Evidence("0" * 64, "送达回证"),)
CLERK = Actor(INITIATOR, "王芳")
CHIEF = Actor(INITIATOR, "赵敏")
CLOCKWORK = Actor(SYSTEM, "定时任务")
SUBJECT, PRINCIPAL = "s", "p"
D = dt.date


def days(amount: int) -> Duration:
    """`amount` working days."""
    return Duration(amount, "working days")


def months(amount: int) -> Duration:
    """`amount` months."""
    return Duration(amount, "months")


LADDER = Ladder(
    "standard", "逾期督办", True,
    (
        Rung("remind", "提醒经办人", days(1), (), HERE),
        Rung("chief", "提醒部门负责人", days(3), (), HERE),
        Rung("report", "报县政府通报", days(5), ("dept50",), HERE),
    ),
    HERE,
)  # fmt: skip
FULL = replace(
    NO_STAGES,
    notice=True,
    statement=days(5),
    hearing_request=days(5),
    hearing_notice=days(7),
    decision=True,
    service=days(7),
    publicity=Publicity(
        True, days(7), months(3), Duration(1, "years"),
        (
            Limits("credit-repair-measures-2026", "全文", months(3), Duration(1, "years"), HERE),
            Limits("henan-credit-regulation-2019", "第十九条", None, Duration(5, "years"), HERE),
        ),
        ("credit-website",),
    ),
    term=Term(Duration(2, "years"), ("wrong", ("unpaid",)), None),
    repair=Repair(months(6), ("corrected", "commitment"), days(3), days(10), days(10)),
    objection=Objection(days(3), days(7), days(3), suspends=True),
    ends={"repair": days(1)},
)  # fmt: skip
"""Every stage in house and every clock running."""
RECOGNITION = replace(NO_STAGES, pre_publicity=days(5), decision=True)
"""As an incentive list has it: shown first, then recognised; nobody is served."""
UPSTREAM = replace(
    NO_STAGES,
    upstream={
        stage: Upstream(f"{stage}_date", "decision_number" if stage == "decision" else None, None, HERE)
        for stage in ("notice", "decision", "service")
    },
)
"""Everything done before filing, as the filing's facts prove."""
PROVED = {"notice_date": D(2026, 1, 5), "decision_date": D(2026, 2, 2), "service_date": D(2026, 2, 5)}
PROOFS: Mapping[str, Value] = {**{n: d.toordinal() for n, d in PROVED.items()}, "decision_number": "县列〔2026〕7号"}
"""Facts that prove the stages upstream."""
STANDING, SHOWING, PERSONAL, DONE = (
    Owed.key_for("standing", "dept1", SUBJECT),
    Owed.key_for("showing", "dept2", SUBJECT),
    Owed.key_for("restrictive", "dept3", PRINCIPAL),
    Owed.key_for("withdraw", "dept4", SUBJECT),
)
MEASURES: Mapping[str, Measure] = {
    **POLICY.measures,
    "showing": replace(measure_of("showing"), directive=Directive("any", "publicise")),
    "limited": measure_of("limited", term=months(3)),
}


def owes(key: str, after: Sequence[str] = ()) -> Owed:
    """The obligation that a key names."""
    measure, _, rest = key.partition("@")
    department, _, target = rest.partition("/")
    role = "subject" if target == SUBJECT else "principal"
    return Owed(key, measure, department, target, role, (), (), "implement", tuple(after))


def decision_on(*owed: Owed | str, values: Mapping[str, Value] | None = None, version: str = "v1") -> Decision:
    """A decision that owes these."""
    found = sorted((owes(o) if isinstance(o, str) else o for o in owed), key=lambda o: o.key)
    return Decision(version, facts_of(values or {}), tuple(found), (), (), (), (), ())


def policy_with(procedure: Procedure, *, version: str = "v1", ladder: Ladder | None = LADDER) -> Policy:
    """The small policy with this procedure for its list."""
    listed = replace(POLICY.lists["list"], procedure=procedure)
    ladders = {ladder.id: ladder} if ladder else {}
    return replace(POLICY, version=version, lists={"list": listed}, measures=MEASURES, ladders=ladders)


class Desk:
    """One case, the day, and what happened so far."""

    def __init__(
        self,
        *owed: Owed | str,
        procedure: Procedure = FULL,
        values: Mapping[str, Value] | None = None,
        served: Mapping[str, dt.date] | None = None,
        calendars: Calendars = CALENDARS,
        ladder: Ladder | None = LADDER,
    ) -> None:
        self.policy, self.calendars, self.today = policy_with(procedure, ladder=ladder), calendars, DAY
        self.register: Mapping[str, Department] = self.policy.departments
        self.decision = decision_on(*(owed or (STANDING,)), values=values)
        self.events: list[Event] = []
        self._case: Case | None = None
        self.do(FileCase, "c1", self.decision, tuple((served or {}).items()), actor=CLERK)

    @property
    def case(self) -> Case:
        """The case as it stands."""
        assert self._case is not None
        return self._case

    def do(self, kind: type[Command], *args: Any, actor: Actor = CHIEF, on: dt.date | None = None) -> tuple[Event, ...]:
        """Carry out a command, on `on` if given; the events."""
        self.today = on or self.today
        events = decide(self._case, kind(actor, self.today, *args), self.policy, self.calendars)
        self.events += events
        self._case = fold(events, self._case) if events else self._case
        return events

    def refused(self, kind: type[Command], *args: Any, actor: Actor = CHIEF, on: dt.date | None = None) -> str:
        """The code with which a command is refused; nothing changes."""
        with pytest.raises(Refusal) as caught:
            decide(self._case, kind(actor, on or self.today, *args), self.policy, self.calendars)
        return caught.value.code

    def notify(self, party: str = SUBJECT, *, on: dt.date | None = None) -> None:
        """Give a party its notice on the day itself."""
        self.do(Notify, party, on or self.today, "直接送达", "事实与理由", EVIDENCE, on=on)

    def rule(self, *, on: dt.date | None = None) -> None:
        """Decide to list."""
        self.do(DecideListing, "list", "长列〔2026〕1号", "事实清楚", self.decision, on=on)

    def serve(self, party: str = SUBJECT, *, on: dt.date | None = None) -> None:
        """Serve the decision on the day itself."""
        self.do(Serve, party, on or self.today, "直接送达", EVIDENCE, self.decision, on=on)

    def decided(self) -> Desk:
        """Go as far as the decision: notice on 2 March, periods over on the 9th, decided on the 10th."""
        for party in self.case.parties:
            self.notify(party)
        self.rule(on=D(2026, 3, 10))
        return self

    def in_force(self) -> Desk:
        """Go on to the service on the subject on 11 March."""
        self.decided().serve(on=D(2026, 3, 11))
        return self

    def implement(self, key: str) -> None:
        """Take an obligation to its effect."""
        name, actor = self.owed(key).id, by(self.owed(key).department)
        self.do(Accept, name, actor=actor)
        if self.owed(key).restrictive:
            self.do(Confirm, name, actor=actor)
        if self.owed(key).mode == "standing":
            self.do(Arm, name, EVIDENCE, actor=actor)
        else:
            self.do(Respond, name, "implemented", "", EVIDENCE, actor=actor)

    def tick(self, *, on: dt.date | None = None) -> tuple[Event, ...]:
        """Let time pass."""
        return self.do(Tick, self.register, actor=CLOCKWORK, on=on)

    def offered(self, department: str | None = None) -> tuple[str, ...]:
        """What may be done with the case today."""
        return available_case_actions(self.case, self.policy, self.calendars, self.today, department)

    def party(self, name: str = SUBJECT) -> Party:
        """A party as it stands."""
        return self.case.parties[name]

    def owed(self, key: str) -> Obligation:
        """The latest obligation with a key."""
        return [o for o in self.case.obligations.values() if o.key == key][-1]

    def states(self) -> dict[str, str]:
        """State by key, of the latest obligation with each."""
        return {o.key: o.state for o in self.case.obligations.values()}

    def named(self, measure: str, department: str) -> str:
        """Id of a department's obligation."""
        return only(self.case, measure, department)


def actions(events: Sequence[Event]) -> list[str]:
    """What kinds of steps events are, for those that have a name."""
    return [e.action for e in events if isinstance(e, CaseMoved | ObligationMoved)]


def rungs(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Who was told in which way by the escalations among `events`, in order."""
    moved = [e for e in events if isinstance(e, CaseMoved | ObligationMoved) and e.action == "escalate"]
    return [(e.detail["act"], to) for e in moved for to in e.detail["to"]]


def published(year: int, *holidays: dt.date) -> Calendar:
    """A year's calendar with these holidays."""
    return Calendar(year, frozenset(holidays), frozenset(), False, "test", HERE)
