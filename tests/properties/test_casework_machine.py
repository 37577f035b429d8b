"""Random casework against a plain model: acyclic, nothing lost or closed early, closing for good, always closable."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.casework import available_actions, decide, fold
from engine.casework.commands import Accept, Arm, Command, Confirm, EndListing, Lift, Redecide, Refer, Respond
from engine.casework.events import Event, ObligationMoved
from engine.casework.graph import find_cycle
from engine.casework.model import TRANSITIONS, Case, Evidence, Refusal
from engine.decision.model import Owed
from tests.casework.build import CALENDARS, DAY, DEPARTMENTS, MEASURES, POLICY, by, decision_of, filed, owed, run

EVIDENCE = (Evidence("0" * 64, "回执"),)
SETTLED = {"in-force", "done", "lifting", "closed"}


def drawn(draw: st.DrawFn, number: int, before: list[Owed]) -> list[Owed]:
    """Obligations that each need some of those drawn before."""
    made: list[Owed] = []
    for n in range(number):
        earlier = [o.key for o in (*before, *made)]
        after = draw(st.lists(st.sampled_from(earlier), max_size=3, unique=True)) if earlier else []
        target = f"p{len(before) + n}"
        made.append(
            owed(draw(st.sampled_from(sorted(MEASURES))), draw(st.sampled_from(DEPARTMENTS[1:8])), after, target)
        )
    return made


@st.composite
def sets(draw: st.DrawFn, least: int = 0) -> list[Owed]:
    """A random directed acyclic set of obligations."""
    return drawn(draw, draw(st.integers(least, 14)), [])


def neighbours(case: Case, name: str, keys: set[str]) -> Case:
    """What the ledger loads for a command on one obligation: itself, what it touches, and any with these keys."""
    edges = tuple(e for e in case.edges if name in {e.before, e.after})
    near = {name} | {e.before for e in edges} | {e.after for e in edges}
    near |= {o.id for o in case.obligations.values() if o.key in keys}
    return replace(case, obligations={n: case.obligations[n] for n in near if n in case.obligations}, edges=edges)


class Casework(RuleBasedStateMachine):
    """The model is a dictionary from obligation id to its state, and a set of pairs (first, then)."""

    def __init__(self) -> None:
        super().__init__()
        self.case = filed()
        self.today = DAY
        self.states: dict[str, str] = {}
        self.order: set[tuple[str, str]] = set()
        self.closed: set[str] = set()
        self.ended = False
        self.events: list[Event] = []

    @initialize(obligations=sets(4))
    def file(self, obligations: list[Owed]) -> None:
        """A case with a random graph."""
        self.owes = obligations
        self.case = filed(*obligations)
        self.adopt()

    def adopt(self) -> None:
        """The model learns of obligations that came into being."""
        for name in set(self.case.obligations) - set(self.states):
            self.states[name] = self.case.obligations[name].state
        self.order |= {(e.before, e.after) for e in self.case.edges if e.kind == "needs"}

    def do(self, command: Command) -> None:
        """Carry a command out on the whole case and on the slice; the events are the same."""
        events = decide(self.case, command, POLICY, CALENDARS)
        name = getattr(command, "obligation", None)
        if name is not None:
            keys = (
                {Owed.key_for(self.case.obligations[name].measure, command.to, self.case.obligations[name].target)}
                if isinstance(command, Refer)
                else set()
            )
            assert events == decide(neighbours(self.case, name, keys), command, POLICY, CALENDARS)
        before = self.case
        self.case = fold(events, self.case)
        self.events += events
        for event in events:
            if isinstance(event, ObligationMoved) and "state" in event.changes:
                step = (self.states[event.obligation], event.changes["state"])
                assert step in TRANSITIONS, step
                self.states[event.obligation] = event.changes["state"]
        assert self.case.version == before.version + len(events)
        self.adopt()

    def choose(self, data: st.DataObject, action: str) -> str | None:
        """An obligation with which `action` may be done now."""
        able = sorted(n for n, o in self.case.obligations.items() if action in available_actions(o))
        return data.draw(st.sampled_from(able)) if able else None

    @rule(data=st.data(), action=st.sampled_from(("accept", "confirm", "arm", "respond", "lift")))
    def act(self, data: st.DataObject, action: str) -> None:
        """A department does what `available_actions` offers; it is always accepted."""
        name = self.choose(data, action)
        if name is None:
            return
        obligation = self.case.obligations[name]
        actor = by(obligation.department)
        commands: dict[str, Command] = {
            "accept": Accept(actor, self.today, name),
            "confirm": Confirm(actor, self.today, name),
            "arm": Arm(actor, self.today, name, EVIDENCE),
            "lift": Lift(actor, self.today, name, EVIDENCE),
        }
        if action == "respond":
            if obligation.state == "in-force":
                commands["respond"] = Respond(actor, self.today, name, "no-occasion")
            elif obligation.state == "accepted" and obligation.mode == "one-shot" and data.draw(st.booleans()):
                commands["respond"] = Respond(actor, self.today, name, "implemented", "", EVIDENCE)
            else:
                commands["respond"] = Respond(actor, self.today, name, "not-applicable", "无此情形")
        self.do(commands[action])

    @rule(data=st.data(), several=st.integers(1, 8))
    def implement(self, data: st.DataObject, several: int) -> None:
        """Departments take open obligations all the way to their effect."""
        for _ in range(several):
            name = self.choose(data, "accept")
            if name is None:
                return
            obligation = self.case.obligations[name]
            actor = by(obligation.department)
            self.do(Accept(actor, self.today, name))
            if obligation.restrictive:
                self.do(Confirm(actor, self.today, name))
            standing = obligation.mode == "standing"
            once = Respond(actor, self.today, name, "implemented", "", EVIDENCE)
            self.do(Arm(actor, self.today, name, EVIDENCE) if standing else once)

    @rule(data=st.data(), to=st.sampled_from(DEPARTMENTS[1:12]))
    def refer(self, data: st.DataObject, to: str) -> None:
        """A department passes an obligation on; refused only for the reasons it may be."""
        name = self.choose(data, "refer")
        if name is None:
            return
        refused = ""
        try:
            self.do(Refer(by(self.case.obligations[name].department), self.today, name, to, "职责划转"))
        except Refusal as refusal:
            refused = refusal.code
        assert refused in {"", "same-department", "already-owed"}

    @precondition(lambda self: not self.ended)
    @rule(data=st.data())
    def grow(self, data: st.DataObject) -> None:
        """A new decision of the same case owes more."""
        more = data.draw(st.composite(lambda draw: drawn(draw, draw(st.integers(1, 3)), self.owes))())
        self.owes = self.owes + more
        self.do(Redecide(by("tax"), self.today, decision_of(self.owes)))

    @precondition(lambda self: not self.ended and len(self.events) > 30)
    @rule()
    def end(self) -> None:
        """The listing ends."""
        self.do(EndListing(by("tax"), self.today, "repair", "已修复"))
        self.ended = True

    @rule(days=st.integers(0, 40))
    def wait(self, days: int) -> None:
        """Time passes."""
        self.today += dt.timedelta(days=days)

    @rule(data=st.data(), command=st.sampled_from((Accept, Confirm, Arm, Lift)))
    def try_anything(self, data: st.DataObject, command: type[Command]) -> None:
        """What is not offered is refused and changes nothing."""
        if not self.case.obligations:
            return
        name = data.draw(st.sampled_from(sorted(self.case.obligations)))
        obligation = self.case.obligations[name]
        if command.__name__.lower() in available_actions(obligation):
            return
        try:
            decide(self.case, command(by(obligation.department), self.today, name), POLICY, CALENDARS)
        except Refusal:
            return
        raise AssertionError(f"{command.__name__} was accepted in {obligation.state}")

    @invariant()
    def the_model_and_the_case_agree(self) -> None:
        """Every obligation is where the model has it, and the header counts what is there."""
        assert self.states == {n: o.state for n, o in self.case.obligations.items()}
        assert self.case.total == len(self.states)
        assert self.case.unclosed == sum(s != "closed" for s in self.states.values())

    @invariant()
    def the_graph_has_no_ring(self) -> None:
        """Nobody waits for himself, however far round."""
        assert find_cycle(self.case.edges) == ()

    @invariant()
    def order_is_kept(self) -> None:
        """What needs another begins after it is settled, and is lifted before it."""
        for first, then in self.order:
            if self.states[then] in {"open", "accepted", "in-force", "done"}:
                assert self.states[first] in SETTLED
            if self.states[then] == "lifting":
                assert self.case.obligations[first].state in {"lifting", "closed"}
                effective = self.case.obligations[first].outcome == "implemented"
                reversible = self.case.obligations[first].reversible
                assert self.states[first] == "lifting" or not effective or not reversible

    @invariant()
    def counters_are_right(self) -> None:
        """`unmet` and `unlifted` are what counting the neighbours gives."""
        for name, obligation in self.case.obligations.items():
            before = {f for f, t in self.order if t == name and self.states[f] not in SETTLED}
            after = {t for f, t in self.order if f == name and self.states[t] == "lifting"}
            if obligation.state == "waiting":
                assert obligation.unmet == len(before) > 0
            if obligation.state == "lifting":
                assert obligation.unlifted == len(after)

    @invariant()
    def closing_is_for_good(self) -> None:
        """No obligation comes back, and a case closes exactly when it has ended and nothing is left."""
        closed = {n for n, s in self.states.items() if s == "closed"}
        assert self.closed <= closed
        self.closed = closed
        assert (self.case.state == "closed") == (self.ended and len(closed) == len(self.states))

    @invariant()
    def nothing_standing_closes_before_the_end(self) -> None:
        """What took effect stays in effect while the listing lasts."""
        for obligation in self.case.obligations.values():
            if obligation.outcome == "implemented" and obligation.state == "closed":
                assert self.ended

    def teardown(self) -> None:
        """From wherever it is, the case can reach closed."""
        if not self.ended:
            with pytest.raises(Refusal, match="not-expired"):  # a list without a term never expires
                self.do(EndListing(by("tax"), self.today, "expiry", "到期"))
            self.do(EndListing(by("tax"), self.today, "performance", "义务履行完毕"))
            self.ended = True
        while self.case.state != "closed":
            name = min(n for n, o in self.case.obligations.items() if "lift" in available_actions(o))
            self.do(Lift(by(self.case.obligations[name].department), self.today, name, EVIDENCE))
            self.order_is_kept()
            self.counters_are_right()
            self.closing_is_for_good()


Casework.TestCase.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
TestCasework = Casework.TestCase


def test_a_case_without_obligations_closes_when_it_ends() -> None:
    """Nothing owed, nothing to lift."""
    assert run(filed(), EndListing(by("tax"), DAY, "withdrawal", "")).state == "closed"
