"""Casework said once more, in dictionaries: which steps are refused, where a case stands, when everything is due.

A model to hold the engine against. It shares the commands and the policy with it, and none of its code. Where the
engine counts up and down, this looks at what is there; where the engine makes events, this changes its dictionaries.
Obligations are in `plain_owed`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from engine.casework import commands as c
from engine.decision.model import Decision
from engine.language.ir import Policy
from tests.casework.plain_owed import Days, Due, Owing, later

EARLY = {"filed", "noticed"}
BEFORE_FORCE = {"filed", "noticed", "decided"}
PENDING = {"received", "accepted"}
WITHOUT_FORCE = {"withdrawal", "annulment", "correction", "deceased", "dissolved"}
Entry = dict[str, Any]


def reached(decision: Decision) -> dict[str, str]:
    """Whom a decision reaches, in which role."""
    return {decision.facts.subject: "subject", **{o.target: o.target_role for o in decision.obligations}}


def person(role: str) -> Entry:
    """Someone of whom nothing is known yet but the role."""
    return {
        "role": role, "noticed": None, "until": None, "hearing until": None, "statements": [], "hearing": "none",
        "served": None, "removed": None,
    }  # fmt: skip


class Plain(Owing):
    """One case."""

    def __init__(self, filing: c.FileCase, policy: Policy, days: Days) -> None:
        super().__init__(policy, days)
        facts, done = filing.decision.facts, self.upstream(filing.decision)
        self.stage, self.ground, self.initiator = "filed", None, filing.actor.department
        self.drafter, self.filed, self.last, self.ended = filing.actor.officer, filing.today, filing.today, None
        self.decided: dt.date | None = None
        self.shown: dt.date | None = None
        self.warned: dt.date | None = None
        self.shielded, self.version = "", filing.decision.policy
        self.objections: dict[str, Entry] = {}
        self.repairs: dict[str, Entry] = {}
        self.tasks: dict[str, Entry] = {}
        self.clocks: dict[str, Entry] = {}
        self.parties = {name: person(role) for name, role in reached(filing.decision).items()}
        for name, served in filing.served:
            self.parties[name] |= {"noticed": done.get("notice", served), "served": served}
        self.parties[facts.subject] |= {"noticed": done.get("notice"), "served": done.get("service")}
        p = self.procedure
        if not (p.notice or p.pre_publicity or p.decision or p.service):
            self.enter(filing.decision, done.get("decision", filing.today), filing.today)

    def upstream(self, decision: Decision) -> dict[str, dt.date]:
        """The day of each stage that was done before filing."""
        values = decision.facts.values
        return {s: dt.date.fromordinal(int(values[u.date])) for s, u in self.procedure.upstream.items()}  # type: ignore[arg-type]

    # what is asked, of whom

    def wrong(self, do: c.Command) -> set[str]:
        """Every reason against a step; none means that it is accepted."""
        if do.today < self.last:
            return {"clock-backwards"}
        if isinstance(do, c.Tick):
            return set()
        if isinstance(do, c.OnObligation):
            return self.wrong_answer(do)
        if isinstance(do, c.Redecide):
            return {"ended"} - ({"ended"} if self.stage == "in-force" else set())
        decides = self.procedure.decided_by if isinstance(do, c.DecideListing) else ()
        if do.actor.department not in {self.initiator, "system", *decides}:
            return {"not-yours"}
        return {code for code, why in self.reasons(do) if why}

    def reasons(self, do: c.Command) -> list[tuple[str, Any]]:
        """Pairs of a code and whether it stands against a step."""
        p, today, stage = self.procedure, do.today, self.stage
        party = self.parties.get(getattr(do, "party", ""))
        who: Entry = party or person("")
        related = who["role"] != "subject"
        alive = [("no-such-party", party is None), ("wrong-stage", stage == "closed"), ("already", who["removed"])]
        hearable = stage in EARLY or (related and who["served"] is None)
        heard = [*alive, ("not-noticed", who["noticed"] is None), ("use-objection", not hearable)]
        got = getattr(do, "received_on", today)
        days = [("day-in-future", got > today)]
        bare = [("evidence-required", not getattr(do, "evidence", True))]
        blank = [("reason-required", not getattr(do, "reason", "x").strip())]
        pointless = [("reason-required", not any(x.strip() for x in getattr(do, "points", ("x",))))]
        match do:
            case c.Notify():
                here = EARLY | ({"decided", "in-force"} if related else set())
                return [*alive, *bare, ("no-such-stage", party and not related and not p.notice),
                        ("wrong-stage", stage not in here), ("already", who["noticed"]),
                        ("day-in-future", do.served_on > today), ("day-too-early", do.served_on < self.filed),
                        ("reason-required", not do.reasons.strip())]  # fmt: skip
            case c.ReceiveStatement():
                return [*heard, *days, *pointless, ("day-too-early", who["noticed"] and got < who["noticed"])]
            case c.AnswerStatement():
                found = next((s for s in who["statements"] if s["id"] == do.statement), None)
                full = found and len(do.answers) == found["points"] and all(a.strip() for a in do.answers)
                return [*alive, ("no-such-statement", not found), ("already", found and found["answered"]),
                        ("answer-each-point", not full)]  # fmt: skip
            case c.RequestHearing():
                return [*heard, *days, ("no-hearing-right", who["noticed"] and who["hearing until"] is None),
                        ("already", who["hearing"] != "none"),
                        ("day-too-early", who["noticed"] and got < who["noticed"])]  # fmt: skip
            case c.HoldHearing():
                ahead = p.hearing_notice and self.days.due(do.announced_on, p.hearing_notice)[0] > do.held_on
                return [*alive, *bare, ("no-hearing-requested", who["hearing"] not in {"requested", "requested-late"}),
                        ("day-in-future", do.held_on > today), ("announced-too-late", ahead),
                        ("day-too-early", who["noticed"] and do.held_on < who["noticed"]),
                        ("reason-required", not do.chair.strip()),
                        ("same-person", do.chair == self.drafter)]  # fmt: skip
            case c.ShowBefore():
                return [("no-such-stage", not p.pre_publicity), ("wrong-stage", stage not in EARLY),
                        ("already", self.shown)]  # fmt: skip
            case c.DecideListing():
                return [*blank, ("no-such-stage", not p.decision), ("wrong-stage", stage not in EARLY),
                        ("not-decider", do.actor.department not in (p.decided_by or (self.initiator,))),
                        ("same-person", do.actor.officer == self.drafter), ("stage-incomplete", self.missing(today)),
                        ("reason-required", not do.number.strip())]  # fmt: skip
            case c.Serve():
                somewhere = p.service or (related and "service" in p.upstream)
                return [*alive, *bare, ("no-such-stage", party and not somewhere), ("already", who["served"]),
                        ("wrong-stage", stage != "decided" and not (related and stage == "in-force")),
                        ("not-noticed", (p.notice or "notice" in p.upstream) and not who["noticed"]),
                        ("stage-incomplete", related and self.unheard(who, today)),
                        ("service-before-decision", self.decided and do.served_on < self.decided),
                        ("day-in-future", do.served_on > today)]  # fmt: skip
            case c.Publish():
                task = self.tasks.get("publish", {"done": None})
                return [("wrong-stage", stage != "in-force"), ("not-public", "publish" not in self.tasks),
                        ("already", task["done"]), ("publicity-over", self.over_for_good())]  # fmt: skip
            case c.RaiseObjection():
                return [*alive[:2], *days, *pointless, ("day-too-early", got < self.filed)]
            case c.AnswerObjection():
                raised = self.objections.get(do.objection)
                return [*blank, ("no-such-objection", not raised), ("already", raised and raised["outcome"])]
            case c.ApplyRepair():
                own = [r for r in self.repairs.values() if r["party"] == do.party and r["state"] in PENDING]
                mins = [k["min"] for k in self.clocks.values() if k["min"]]
                short = p.repair and set(p.repair.requires) - set(do.proved)
                return [alive[0], alive[2], *days, ("wrong-stage", stage != "in-force"), ("no-repair", not p.repair),
                        ("already", own), ("repair-too-early", any(got <= m for m in mins)), ("proof-missing", short),
                        ("day-too-early", self.decided and got < self.decided)]  # fmt: skip
            case c.MoveRepair():
                asked = self.repairs.get(do.repair)
                state = asked["state"] if asked else ""
                wanted = {"accept": {"received"}, "refuse": PENDING}.get(do.step, {"accepted"})
                again = do.step == "extend" and asked and p.repair and (asked["extended"] or not p.repair.extend)
                return [("no-such-repair", not asked), ("wrong-stage", stage != "in-force" or state not in wanted),
                        ("already", state in {"refused", "granted"}), ("no-extension", again),
                        *(blank if do.step in {"refuse", "extend"} else [])]  # fmt: skip
            case c.Shield():
                return [
                    ("wrong-stage", stage != "in-force"),
                    ("already", bool(do.reason.strip()) == bool(self.shielded)),
                ]
            case c.Migrate() | c.Correct():
                same = isinstance(do, c.Migrate) and do.decision.policy == self.version
                return [*blank, ("ended", stage in {"lifting", "closed"}), ("same-policy", same)]
            case c.EndListing():
                last = self.clocks["listing"]["max"] if self.clocks else None
                return [("not-yours", do.actor.department != self.initiator),
                        ("already", stage in {"lifting", "closed"}),
                        ("not-in-force", stage in BEFORE_FORCE and do.ground not in WITHOUT_FORCE),
                        ("use-repair", do.ground == "repair" and p.repair), ("use-decide", do.ground == "not-listed"),
                        ("not-expired", do.ground == "expiry" and not (last and last < today))]  # fmt: skip
        raise NotImplementedError(do)

    def unheard(self, who: Entry, today: dt.date) -> bool:
        """Whether a person still has to be heard."""
        return bool(
            (who["until"] and today <= who["until"][0])
            or (who["hearing until"] and today <= who["hearing until"][0] and who["hearing"] == "none")
            or any(not s["answered"] and not s["late"] for s in who["statements"])
            or who["hearing"] == "requested"
        )

    def missing(self, today: dt.date) -> bool:
        """Whether anything still has to come before the decision."""
        p, live = self.procedure, [x for x in self.parties.values() if not x["removed"]]
        shown = p.pre_publicity and (not self.shown or today <= self.days.due(self.shown, p.pre_publicity)[0])
        return bool(
            shown
            or any(p.notice and not x["noticed"] for x in live)
            or any(self.unheard(x, today) for x in live)
            or any(o["outcome"] is None for o in self.objections.values())
        )

    # what a step does

    def does(self, do: c.Command) -> None:
        """Carry out a step that nothing stands against."""
        match do:
            case c.Tick():
                self.passes(do)
            case c.OnObligation():
                self.answers(do)
                self.close_if_done()
            case c.Redecide():
                self.owe(do.decision, do.today)
            case c.Correct():
                self.change(do.decision, do.today, again=True)
            case c.Migrate():
                self.change(do.decision, do.today, again=False)
            case c.EndListing():
                self.end(do.ground, do.today)
            case c.Shield():
                self.shielded = do.reason.strip()
            case c.RaiseObjection() | c.AnswerObjection() | c.ApplyRepair() | c.MoveRepair():
                self.remedies(do)
            case _:
                self.steps(do, self.parties.get(getattr(do, "party", ""), {}))

    def steps(self, do: c.Command, who: Entry) -> None:
        """A step of due process."""
        p, today = self.procedure, do.today
        match do:
            case c.Notify():
                due = self.days.due
                who |= {"noticed": do.served_on, "until": p.statement and due(do.served_on, p.statement),
                        "hearing until": p.hearing_request and due(do.served_on, p.hearing_request)}  # fmt: skip
                if self.stage == "filed" and all(x["noticed"] for x in self.parties.values() if not x["removed"]):
                    self.stage = "noticed"
            case c.ReceiveStatement():
                late = bool(who["until"] and do.received_on > who["until"][0])
                number, points = len(who["statements"]) + 1, sum(bool(x.strip()) for x in do.points)
                who["statements"].append({"id": f"s{number}", "points": points, "answered": False, "late": late})
            case c.AnswerStatement():
                next(s for s in who["statements"] if s["id"] == do.statement)["answered"] = True
            case c.RequestHearing():
                who["hearing"] = "requested-late" if do.received_on > who["hearing until"][0] else "requested"
            case c.HoldHearing():
                who["hearing"] = "held"
            case c.ShowBefore():
                self.shown = today
            case c.DecideListing(outcome="not-list"):
                self.stage, self.ground, self.ended, self.decided = "closed", "not-listed", today, today
            case c.DecideListing() if p.service is None:
                self.enter(do.decision, today, today)
            case c.DecideListing():
                self.stage, self.decided = "decided", today
                self.tasks["serve"] = self.duty(self.days.due(today, p.service), done=None)
            case c.Serve():
                who["served"] = do.served_on
                if who["role"] == "subject":
                    self.tasks["serve"]["done"] = do.served_on
                    assert self.decided is not None
                    self.enter(do.decision, self.decided, today)
                self.settle(today)
            case c.Publish():
                self.tasks["publish"]["done"] = today

    def remedies(self, do: c.Command) -> None:
        """A step of an objection or of an application for repair."""
        p, today = self.procedure, do.today
        match do:
            case c.RaiseObjection():
                terms, got = p.objection, do.received_on
                self.objections[f"o{len(self.objections) + 1}"] = self.duty(
                    self.days.due(got, terms.own if do.own else terms.verify), party=do.party, outcome=None,
                    suspends=terms.suspends, provider=None if do.own else self.days.due(got, terms.provider),
                )  # fmt: skip
            case c.AnswerObjection():
                self.objections[do.objection]["outcome"] = do.outcome
                if do.outcome == "upheld" and self.stage not in {"lifting", "closed"}:
                    if do.decision is not None:
                        self.change(do.decision, today, again=True)
                    else:
                        self.out(self.objections[do.objection]["party"], "annulment", today)
            case c.ApplyRepair():
                assert p.repair is not None
                due = self.days.due(do.received_on, p.repair.accept)
                name = f"r{len(self.repairs) + 1}"
                self.repairs[name] = self.duty(due, party=do.party, state="received", extended=False)
            case c.MoveRepair():
                self.move_repair(do)

    def duty(self, due: Due, **more: Any) -> Entry:
        """Something that the initiator has to do by a day."""
        return {"due": due, "fired": 0, **more}

    def move_repair(self, do: c.MoveRepair) -> None:
        """A step of an application."""
        asked, terms = self.repairs[do.repair], self.procedure.repair
        assert terms is not None
        match do.step:
            case "accept":
                asked |= {"state": "accepted", "due": self.days.due(do.today, terms.decide), "fired": 0}
            case "refuse":
                asked["state"] = "refused"
            case "extend":
                assert terms.extend is not None
                asked |= {"extended": True, "due": self.days.due(asked["due"][0], terms.extend), "fired": 0}
            case "grant":
                asked["state"] = "granted"
                self.out(asked["party"], "repair", do.today)

    def out(self, name: str, ground: str, today: dt.date) -> None:
        """A person is off the list: all of it for the subject, their part for another."""
        who = self.parties[name]
        if who["role"] == "subject":
            self.end(ground, today)
        elif who["removed"] is None:
            who["removed"] = today
            self.undo({i for i, o in self.owed.items() if o["target"] == name}, today, "removed")

    def end(self, ground: str, today: dt.date) -> None:
        """The listing ends, and with it everything."""
        self.stage, self.ground, self.ended = "lifting", ground, today
        for clock in self.clocks.values():
            clock["ended"] = clock["ended"] or today
        self.clocks = {n: {**k, "ended": k["ended"] or today} for n, k in self.clocks.items()}
        self.undo(set(self.owed), today, None)
        self.close_if_done()

    def close_if_done(self) -> None:
        """The last obligation of an ended case closes it."""
        if self.stage == "lifting" and all(o["state"] == "closed" for o in self.owed.values()):
            self.stage = "closed"

    def enter(self, decision: Decision, decided: dt.date, today: dt.date) -> None:
        """The listing is in force."""
        p = self.procedure
        self.stage, self.decided = "in-force", decided
        self.start(decision)
        if p.publicity.public and p.publicity.within:
            self.tasks["publish"] = self.duty(self.days.due(decided, p.publicity.within), done=None)
        self.owe(decision, today)

    def start(self, decision: Decision) -> None:
        """The clocks, from the day of the decision; one that has ended stays so."""
        p, day = self.procedure, self.decided
        assert day is not None
        unpaid = p.term.until_performed and decision.facts.values.get("wrong") in p.term.until_performed[1]
        limits = {
            "publicity": (p.publicity.minimum, p.publicity.maximum),
            "listing": (p.repair and p.repair.after, None if unpaid else p.term.length),
        }
        for name, (least, most) in limits.items():
            ended = self.clocks.get(name, {}).get("ended")
            self.clocks[name] = {
                "start": day, "min": least and later(day, least), "max": most and later(day, most), "ended": ended,
            }  # fmt: skip

    def change(self, decision: Decision, today: dt.date, *, again: bool) -> None:
        """Other facts (the procedure begins again, if the listing is not in force) or another policy."""
        self.version = decision.policy
        if self.stage not in BEFORE_FORCE:
            self.start(decision)
            self.undo(self.surplus(decision), today, "corrected")
            self.owe(decision, today)
        elif again:
            self.stage, self.shown, self.decided, self.tasks = "filed", None, None, {}
            now = reached(decision)
            for name in set(self.parties) - set(now):
                self.parties[name]["removed"] = today
            self.parties |= {name: person(role) for name, role in now.items()}
            self.parties[decision.facts.subject]["noticed"] = self.upstream(decision).get("notice")
