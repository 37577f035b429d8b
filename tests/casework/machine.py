"""A machine that works one case through every stage and remedy, step by step beside the plain model in `plain`."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from dataclasses import fields, replace
from functools import reduce
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from adapters.ledger.serial import canonical, from_payload, process_from_plain, process_to_plain, to_payload
from engine.casework import (
    CASE_ACTIONS,
    available_actions,
    available_case_actions,
    decide,
    evolve,
    fold,
)
from engine.casework import commands as c
from engine.casework.clocks import earliest_repair
from engine.casework.events import Event, ObligationMoved
from engine.casework.model import CASE_TRANSITIONS, TRANSITIONS, Case, Refusal
from engine.casework.ticking import case_wakes_on, wake_on
from engine.decision.model import Decision, Owed
from engine.language.ir import Policy, Validity
from tests.casework.acting import STEP, answer_of, rungs_of, ways_to, wrong_about
from tests.casework.build import CALENDARS, DAY, by
from tests.casework.desk import CHIEF, CLERK, CLOCKWORK, EVIDENCE, published
from tests.casework.drawn import chosen, policies, universes
from tests.casework.pictures import picture_of, pictured
from tests.casework.plain import BEFORE_FORCE, EARLY, Plain
from tests.casework.plain_owed import Days

PICK = st.integers(0, 2**20)
PICKS = st.lists(PICK, min_size=1, max_size=4)
BITS = st.integers(1, 2**8 - 1)
SLEEPS = st.sampled_from((0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 7, 10, 14, 31, 90, 200))
NEAR = st.sampled_from((-31, -30, -29, -1, 0, 0, 1, 2))
FLAGS = st.tuples(st.booleans(), st.booleans())
BEGINNINGS = st.sampled_from(("filed", "noticed", "noticed", "noticed", "decided", "in-force", "in-force", "in-force"))
STARTS = st.sampled_from((DAY, DAY, dt.date(2026, 12, 21), dt.date(2026, 12, 28)))
GONE, HEIRS = st.sampled_from(("dept1", "dept2", "dept3")), st.sampled_from(("dept2", "dept8", None))
GROUNDS = (
    "performance", "withdrawal", "expiry", "repair", "correction", "deceased", "dissolved", "annulment", "not-listed",
)  # fmt: skip
ONWARD = ("notify", "answer-statement", "hold-hearing", "show-before", "answer-objection", "decide", "serve")
NOT_A_STAGE = {"apply-repair": {"repair-too-early", "already"}, "extend-repair": {"no-extension"}}
"""Refusals that do not hang on where the case stands; an action is offered all the same."""

SEEN: Counter[str] = Counter()
"""How often transitions, grounds and refusals were met so far."""


class Procedures(RuleBasedStateMachine):
    """The engine's case beside the plain one; every rule carries the same command out on both."""

    @initialize(drawn=policies(), universe=universes(), bits=BITS, flags=FLAGS, day=STARTS, go_to=BEGINNINGS)
    def file(
        self, drawn: dict[str, Policy], universe: tuple[Owed, ...], bits: int, flags: tuple[bool, bool], day: dt.date,
        go_to: str,
    ) -> None:  # fmt: skip
        """A case under a random procedure."""
        self.policies, self.universe, self.bits = drawn, universe, bits
        self.unpaid, served = flags
        self.policy, self.calendars, self.today = drawn["v1"], dict(CALENDARS), day
        self.register, self.stale = self.policy.departments, False
        self.fired: dict[tuple[str, dt.date], int] = {}
        decision = self.decision()
        upstream = served and any(o.target == "r1" for o in decision.obligations)
        filing = c.FileCase(CLERK, day, "c1", decision, (("r1", DAY - 5 * STEP),) if upstream else ())
        self.events = decide(None, filing, self.policy, self.calendars)
        self.case = fold(self.events)
        self.plain = Plain(filing, self.policy, Days(self.calendars))
        self.list_it(go_to)

    def decision(self) -> Decision:
        """What the facts and rules of the moment say."""
        return chosen(self.universe, self.bits, self.policy.version, unpaid=self.unpaid)

    # carrying out

    def attempt(self, command: c.Command) -> bool:
        """Carry a command out on both, or have it refused by both; whether it was accepted."""
        policy = self.policies[command.decision.policy] if isinstance(command, c.Migrate) else self.policy
        why = self.plain.wrong(command)
        code: str | None = None
        try:
            events = decide(self.case, command, policy, self.calendars)
        except Refusal as refusal:
            code, events = refusal.code, ()
        assert code in (why or {None}), (command, code, why)
        SEEN[code or ""] += 1
        if code is not None:
            return False
        before, had = self.case, pictured(self.plain)
        self.policy = self.plain.policy = policy
        self.plain.does(command)
        if events:
            self.happened(events)
            self.plain.last = command.today
        if isinstance(command, c.Tick | c.Redecide):
            assert bool(events) == (pictured(self.plain) != had), "silence and change go together"
        step = (before.state, self.case.state)
        assert step in CASE_TRANSITIONS or before.state == self.case.state
        SEEN.update((" → ".join(step), self.case.ground or ""))
        return True

    def happened(self, events: tuple[Event, ...]) -> None:
        """Fold events, one by one and at once, and as they come back from the ledger."""
        before, self.case = self.case, fold(events, self.case)
        self.events += events
        assert reduce(evolve, events, before) == self.case
        assert self.case.version == before.version + len(events)
        back = []
        for event in events:
            kind, payload = to_payload(event)
            stored = json.loads(canonical(payload))
            back.append(from_payload(kind, stored, event.on, event.actor))
            assert to_payload(back[-1]) == (kind, stored)

        assert fold(back, before) == self.case
        for about, due, number in rungs_of(events):
            assert number == self.fired.get((about, due), 0) + 1, (about, due, number)
            self.fired[about, due] = number
        assert replace(self.case, **process_from_plain(json.loads(canonical(process_to_plain(self.case))))) == self.case
        now = before.obligations
        for event in events:
            if isinstance(event, ObligationMoved) and "state" in event.changes and event.obligation in now:
                step = (now[event.obligation].state, event.changes["state"])
                assert step in TRANSITIONS, step
                SEEN[" → ".join(step)] += 1
                now = {**now, event.obligation: replace(now[event.obligation], state=event.changes["state"])}

    def ways(self, action: str) -> list[c.Command]:
        """The ways to do something today with every argument as it should be."""
        deciders = self.policy.lists["list"].procedure.decided_by
        return ways_to(action, self.case, self.today, self.decision(), deciders)

    def offered(self) -> tuple[str, ...]:
        """What the engine offers today."""
        return available_case_actions(self.case, self.policy, self.calendars, self.today)

    # rules: few, because hypothesis leaves some out of every run

    @rule(picks=PICKS)
    def step(self, picks: list[int]) -> None:
        """Someone does what is offered, or what a person reached would do now."""
        for pick in picks:
            able = [
                a for a in self.offered() if a not in {"end", "correct", "object"} or (a == "object" and pick % 5 == 0)
            ]
            if pick % 2 and self.case.state in EARLY:
                self.be_heard(pick // 4)
            elif pick % 4 == 1 and self.case.state == "in-force":
                self.seek_relief(pick // 4)
            elif ways := self.ways(able[pick // 4 % len(able)]) if able else ():
                self.attempt(ways[pick // 128 % len(ways)])

    @rule(several=st.integers(1, 4))
    def get_on(self, several: int) -> None:
        """The case goes on towards its listing, or departments take what they owe to its effect."""
        for _ in range(several if self.case.state in EARLY else 0):
            self.today += 0 * STEP if self.case.state == "decided" or self.onward() else STEP
        for o in [o for o in self.case.obligations.values() if o.state in {"open", "accepted"}][:several]:
            actor = by(o.department)
            self.attempt(c.Accept(actor, self.today, o.id))
            arm, done = (
                c.Arm(actor, self.today, o.id, EVIDENCE),
                c.Respond(actor, self.today, o.id, "implemented", "", EVIDENCE),
            )
            last = arm if o.mode == "standing" else done
            if o.restrictive:
                self.attempt(last)  # refused before a named human has confirmed
                self.attempt(c.Confirm(actor, self.today, o.id))
            self.attempt(last)
            assert self.case.obligations[o.id].state in {"in-force", "done"}

    @rule(pick=PICK, which=st.sampled_from((*CASE_ACTIONS, "publish", "publish", "decide")))
    def stumble(self, pick: int, which: str) -> None:
        """Someone gets one thing after another wrong about something, and then something that turns out to be right."""
        able = [a for a in self.offered() if a != "end"]
        which = able[pick // 512 % len(able)] if able and pick % 2 else which
        ways = self.ways(which)
        if ways:
            command, odd = ways[pick // 4 % len(ways)], wrong_about(which, self.today)
            tries = [replace(command, **{f.name: v}) for f in fields(command) for v in odd.get(f.name, ())]
            right = [each for each in tries if not self.plain.wrong(each)]
            for each in tries:
                assert each in right or not self.attempt(each)
            if right and pick % 8 < 6:
                self.attempt(right[pick // 64 % len(right)])

    @precondition(lambda self: self.case.obligations)
    @rule(picks=PICKS)
    def answer(self, picks: list[int]) -> None:
        """Departments answer, mostly as offered."""
        for pick in picks:
            all_ = list(self.case.obligations.values())
            able = [o for o in all_ if available_actions(o)] or all_
            among = all_ if pick % 8 == 7 else able
            o = among[pick // 8 % len(among)]
            command = answer_of(o, self.today, pick // 64)
            if self.attempt(command) and isinstance(command, c.Refer):  # and back again
                new = list(self.case.obligations)[-1]
                self.attempt(c.Refer(by(command.to), self.today, new, o.department, "退回"))

    @precondition(lambda self: self.case.state != "closed")
    @rule(bits=BITS, unpaid=st.booleans(), how=st.sampled_from(("correct", "correct", "migrate", "redecide", "object")))
    def decide_again(self, bits: int, unpaid: bool, how: str) -> None:
        """Facts, rules or answers changed, and with them what is owed; seldom before the listing is in force."""
        if self.case.state in BEFORE_FORCE and bits % 4:
            return
        self.bits, self.unpaid = bits, unpaid
        other = "v1" if self.policy.version == "v2" or bits % 8 == 0 else "v2"
        decision = self.decision()
        match how:
            case "correct":
                self.attempt(c.Correct(CHIEF, self.today, decision, "更正", ()))
            case "migrate":
                self.attempt(c.Migrate(CHIEF, self.today, replace(decision, policy=other), "新政策", ()))
            case "redecide":
                self.attempt(c.Redecide(CHIEF, self.today, decision))
            case "object":
                for i in [i for i, o in self.case.objections.items() if o.outcome is None][:1]:
                    self.attempt(c.AnswerObjection(CHIEF, self.today, i, "upheld", "有误", decision))

    @rule(days=SLEEPS, near=NEAR, pick=PICK)
    def time(self, days: int, near: int, pick: int) -> None:
        """Time passes, and the worker sleeps, or is awake at the end of it, or on a day about the end of a clock."""
        if pick % 4 == 3:
            self.today += days * STEP
        elif (ends := self.ends()) and pick % 4 == 2:
            self.tick(max(0, (ends[pick // 4 % len(ends)] + near * STEP - self.today).days))
        else:
            self.tick(days)

    @rule(year=st.sampled_from((2027, 2027, 2028)), off=st.lists(st.integers(0, 60), max_size=5), old=GONE, heir=HEIRS)
    def change_the_world(self, year: int, off: list[int], old: str, heir: str | None) -> None:
        """The government publishes the working days of a year, or does away with a department."""
        if year not in self.calendars:
            self.calendars[year] = published(year, *(dt.date(year, 1, 1) + n * STEP for n in off))
            self.stale = True
            return
        alive = {n for n in (old, heir) if n and self.register[n].validity.end is None}
        if old != heir and alive == {old, heir} - {None}:
            gone = replace(self.register[old], validity=Validity(end=self.today - STEP), merged_into=heir)
            self.register = {**self.register, old: gone}

    @precondition(lambda self: len(self.events) > (8 if self.case.state in BEFORE_FORCE else 40))
    @rule(ground=st.sampled_from(GROUNDS))
    def end(self, ground: Any) -> None:
        """The initiator ends the listing, if it may."""
        self.attempt(c.EndListing(CHIEF, self.today, ground, "理由"))

    # what rules are made of

    def be_heard(self, pick: int) -> None:
        """Someone who was told says something about it, or asks for a hearing, in time or too late."""
        told = [p for p in self.case.parties.values() if p.noticed_on and not p.removed_on]
        if told:
            who, self.today = told[pick % len(told)].id, self.today + pick // 4 % 5 * STEP
            asks = c.RequestHearing(CHIEF, self.today, who, self.today)
            says = c.ReceiveStatement(CHIEF, self.today, who, self.today, ("一",) * (1 + pick % 2))
            self.attempt(asks if pick // 32 % 2 else says)

    def seek_relief(self, pick: int) -> None:
        """Someone applies for repair when it can be, or objects; an open one goes a step on."""
        case, party = self.case, list(self.case.parties)[pick // 8 % len(self.case.parties)]
        pending = [r for r, x in case.repairs.items() if x.state in {"received", "accepted"}]
        marked = [i for i, x in case.objections.items() if x.outcome is None]
        step: Any = ("accept", "extend", "grant", "accept", "grant", "refuse")[pick // 8 % 6]
        if pending and pick % 2:
            self.attempt(c.MoveRepair(CHIEF, self.today, pending[0], step, "理由"))
        elif marked and pick % 4:
            outcome: Any = ("rejected", "rejected", "upheld")[pick // 8 % 3]
            self.attempt(c.AnswerObjection(CHIEF, self.today, marked[0], outcome, "理由"))
        elif pick % 8 < 4:
            self.today = max(self.today, earliest_repair(case, self.policy.lists["list"].procedure) or self.today)
            self.attempt(c.ApplyRepair(CHIEF, self.today, party, self.today, ("corrected",)))
        else:
            self.attempt(c.RaiseObjection(CHIEF, self.today, party, self.today, ("有误",)))

    def ends(self) -> list[dt.date]:
        """The last days of clocks that run."""
        clocks = [k.maximum for k in (self.case.listing, self.case.publicity) if k and not k.ended_on]
        measures = [o.expires_on for o in self.case.obligations.values() if o.state == "in-force"]
        return [d for d in (*clocks, *measures) if d and self.case.state == "in-force"]

    def tick(self, days: int) -> None:
        """The worker is awake after some days."""
        self.today += days * STEP
        wakes = [case_wakes_on(self.case), *(wake_on(o) for o in self.case.obligations.values())]
        live = {o.department for o in self.case.obligations.values() if o.state != "closed"}
        still = not self.stale and all(self.register[d].validity.covers(self.today) for d in live)
        asleep = still and self.today < min((w for w in wakes if w), default=dt.date.max)
        before, had = len(self.events), self.case
        self.attempt(c.Tick(CLOCKWORK, self.today, self.register))
        self.stale = False
        assert not asleep or len(self.events) == before, "a case wakes on the day it says"
        if still and 1 < days < 32:
            self.slept_well(had, self.events[before:], days)
        again = c.Tick(CLOCKWORK, self.today, self.register)
        assert decide(self.case, again, self.policy, self.calendars) == ()
        if self.case.listing and self.case.listing.maximum and self.case.state == "in-force":
            assert self.today <= self.case.listing.maximum

    def slept_well(self, case: Case, once: tuple[Event, ...], days: int) -> None:
        """Daily rounds would have pressed for the same; but what an end set going has its days from the end noticed."""
        later, daily = {n for n, o in case.obligations.items() if o.state == "waiting"}, list[Event]()
        lifting = {n for n, o in case.obligations.items() if o.state == "lifting"}
        for n in range(days - 1, -1, -1):
            round_ = c.Tick(CLOCKWORK, max(self.today - n * STEP, case.last_on or DAY), self.register)
            made = decide(case, round_, self.policy, self.calendars)
            case, daily = fold(made, case), daily + list(made)
        later |= {n for n, o in case.obligations.items() if o.state == "lifting"} - lifting
        slept, awake = ({rung for rung in rungs_of(events) if rung[0] not in later} for events in (once, daily))
        assert slept == awake, slept ^ awake

    def list_it(self, until: str = "in-force") -> None:
        """Go through what is left of the procedure, up to a stage."""
        for _ in range(200):
            if self.case.state not in BEFORE_FORCE - {until}:
                break
            self.today += 0 * STEP if self.onward() else STEP
            self.the_model_and_the_case_agree()
        assert self.case.state not in BEFORE_FORCE - {until}, "a case can always be listed"

    def onward(self) -> bool:
        """Do the next thing on the way to the listing; whether there was one today."""
        for action in ONWARD:
            for way in self.ways(action) if action in self.offered() else ():
                if not self.plain.wrong(way):
                    return self.attempt(way)
        return False

    # what always holds

    @invariant()
    def the_model_and_the_case_agree(self) -> None:
        """On the stage, every person, every clock, every deadline, every obligation."""
        case, plain = picture_of(self.case), pictured(self.plain)
        assert case == plain, {k: (case[k], plain[k]) for k in case if case[k] != plain[k]}
        assert self.case.unclosed == sum(o.state != "closed" for o in self.case.obligations.values())

    @invariant()
    def what_is_offered_is_what_can_be_done(self) -> None:
        """No action is offered that the stage refuses, and none is left out that it accepts."""
        able = {
            a for a in CASE_ACTIONS
            if any(not self.plain.wrong(w) - NOT_A_STAGE.get(a, set()) for w in self.ways(a))
        }  # fmt: skip

        assert set(self.offered()) == able

    @invariant()
    def nothing_takes_effect_before_its_stage(self) -> None:
        """Nothing is owed before the listing is in force; no sanction acts on a person who was not told."""
        p, case = self.policy.lists["list"].procedure, self.case
        if case.state in {"filed", "noticed", "decided"}:
            assert not case.obligations
        for o in case.obligations.values():
            who = case.parties[o.target]
            if o.kind == "sanction" and o.state in {"open", "accepted", "in-force", "done"}:
                assert case.decided_on is not None
                served = p.service is not None or "service" in p.upstream
                assert who.served_on is not None or not served
                assert who.noticed_on is not None or not (p.notice and served)
                assert who.removed_on is None or o.state == "done"

    def teardown(self) -> None:
        """From wherever it is, the case can be listed, and it can be closed."""
        if not hasattr(self, "case"):
            return
        self.the_model_and_the_case_agree()
        self.list_it()
        if self.case.state == "in-force" and self.case.listing and self.case.listing.maximum:
            self.tick(max(0, (self.case.listing.maximum + STEP - self.today).days))
        elif self.case.state == "in-force":
            assert self.attempt(c.EndListing(CHIEF, self.today, "performance", "已履行"))
        while self.case.state != "closed":
            lifting = [o for o in self.case.obligations.values() if o.state == "lifting"]
            first = next(o for o in lifting if not o.unlifted)
            for o in (*(x for x in lifting if x.unlifted), first):
                assert (o is first) == self.attempt(c.Lift(by(o.department), self.today, o.id, EVIDENCE))
            self.the_model_and_the_case_agree()
        assert fold(self.events) == self.case
