"""Obligations and the passing of time, said once more in dictionaries. See `plain`."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from engine.casework import commands as c
from engine.decision.model import Decision
from engine.language.ir import Calendar, Department, Duration, Policy, Procedure

DAY = dt.timedelta(days=1)
SETTLED = {"in-force", "done", "lifting", "closed"}
Due = tuple[dt.date, tuple[dt.date, Duration] | None]
"""The day, and while it is provisional what it was reckoned from."""


def later(day: dt.date, length: Duration) -> dt.date:
    """`length` after `day`, in days, months or years; the last of a month that is too short."""
    if length.unit == "days":
        return day + length.amount * DAY
    months = day.month - 1 + length.amount * (12 if length.unit == "years" else 1)
    year, month = day.year + months // 12, months % 12 + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


class Days:
    """Working days of the years published so far."""

    def __init__(self, years: Mapping[int, Calendar]) -> None:
        self.years = years

    def works(self, day: dt.date) -> bool:
        """Whether offices are open."""
        year = self.years.get(day.year)
        return day.isoweekday() < 6 and not (year and day in year.holidays)

    def due(self, start: dt.date, length: Duration) -> Due:
        """The last day of a period, reckoned day by day."""
        if length.unit == "working days":
            passed, left, day = [], length.amount, start
            while left:
                day += DAY
                passed.append(day)
                left -= self.works(day)
        else:
            day = later(start, length)
            passed = [day]
            while not self.works(day):
                day += DAY
                passed.append(day)
        return day, None if all(d.year in self.years for d in passed) else (start, length)

    def again(self, due: Due | None) -> Due | None:
        """A provisional day as it is reckoned now."""
        return self.due(*due[1]) if due and due[1] else due


class Owing:
    """What departments owe in one case, and what time does to it."""

    stage: str
    parties: dict[str, dict[str, Any]]
    objections: dict[str, dict[str, Any]]
    repairs: dict[str, dict[str, Any]]
    tasks: dict[str, dict[str, Any]]
    clocks: dict[str, dict[str, Any]]
    ground: str | None
    warned: dt.date | None

    def __init__(self, policy: Policy, days: Days) -> None:
        self.policy, self.days = policy, days
        self.owed: dict[str, dict[str, Any]] = {}
        self.needs: set[tuple[str, str]] = set()

    @property
    def procedure(self) -> Procedure:
        """The list's procedure as it stands."""
        return self.policy.lists["list"].procedure

    def end(self, ground: str, today: dt.date) -> None:
        """The listing ends."""
        raise NotImplementedError

    # what is owed

    def owe(self, decision: Decision, today: dt.date) -> None:
        """What a decision owes and nobody answers for yet comes into being."""
        claimed: dict[str, str] = {}
        for name, o in self.owed.items():
            if self.last_of(name)["outcome"] != "corrected":
                claimed |= dict.fromkeys((o["key"], self.known_as(o)), name)

        new = [
            o for o in decision.obligations
            if o.key not in claimed and not self.parties.get(o.target, {}).get("removed")
            and not (self.over_for_good() and self.shows(o.measure))
        ]  # fmt: skip
        names = {o.key: f"c1.{len(self.owed) + n}" for n, o in enumerate(new, start=1)}
        for o in new:
            blank = dict.fromkeys(("noticed", "until", "hearing until", "served", "removed"))
            self.parties.setdefault(o.target, {"role": o.target_role, "statements": [], "hearing": "none", **blank})
            self.needs |= {(before, names[o.key]) for k in o.after if (before := (names | claimed).get(k))}
            self.owed[names[o.key]] = self.fresh(o.key, o.measure, o.department, o.target, "waiting")
        self.settle(today)

    def fresh(self, key: str, measure: str, department: str, target: str, state: str) -> dict[str, Any]:
        """An obligation that nobody has touched."""
        return {
            "key": key, "measure": measure, "department": department, "target": target, "state": state,
            "outcome": None, "confirmed": None, "accept": None, "act": None, "lift": None, "feedback": None,
            "rearm": None, "expires": None, "fired": 0, "pressed": None, "passed to": None,
        }  # fmt: skip

    def known_as(self, o: Mapping[str, Any]) -> str:
        """The key that an obligation would have, were it owed anew."""
        return f"{o['measure']}@{o['department']}/{o['target']}"

    def last_of(self, name: str) -> dict[str, Any]:
        """The obligation that answers for this one in the end."""
        o = self.owed[name]
        return self.last_of(o["passed to"]) if o["passed to"] else o

    def shows(self, measure: str) -> bool:
        """Whether a measure shows the listing to the public."""
        directive = self.policy.measures[measure].directive
        return directive is not None and directive.effect == "publicise"

    def over_for_good(self) -> bool:
        """Whether the listing may not be shown to the public any more."""
        return bool(self.clocks and self.clocks["publicity"]["ended"])

    def held(self, o: Mapping[str, Any]) -> bool:
        """Whether a measure waits for the service on the person it is about."""
        p, who = self.procedure, self.parties[o["target"]]
        serves = p.service is not None or "service" in p.upstream
        sanction = self.policy.measures[o["measure"]].kind == "sanction"
        return serves and sanction and who["role"] != "subject" and not who["served"]

    def unmet(self, name: str) -> int:
        """What it still waits for."""
        return self.held(self.owed[name]) + sum(
            after == name and self.owed[before]["state"] not in SETTLED for before, after in self.needs
        )

    def unlifted(self, name: str) -> int:
        """How many that need it are still being lifted."""
        return sum(before == name and self.owed[after]["state"] == "lifting" for before, after in self.needs)

    def settle(self, today: dt.date) -> None:
        """What waits for nothing opens, what blocks nothing may be lifted; a new day to be done by starts afresh."""
        for name, o in self.owed.items():
            terms = self.policy.measures[o["measure"]].response
            if o["state"] == "waiting" and not self.unmet(name):
                accept, act = self.days.due(today, terms.accept), self.days.due(today, terms.arm)
                o |= {"state": "open", "accept": accept, "act": act}
            if o["state"] == "lifting" and self.unlifted(name):
                o["lift"] = None
            elif o["state"] == "lifting" and o["lift"] is None:
                stated = self.procedure.ends.get(self.ground) if self.ground else None  # type: ignore[call-overload]
                o["lift"] = self.days.due(today, stated or terms.lift)
            due = self.next_due(o)
            if due != o["pressed"]:
                o |= {"pressed": due, "fired": 0}

    def next_due(self, o: Mapping[str, Any]) -> dt.date | None:
        """The day by which its department has to do something."""
        slots = {"open": ("accept",), "accepted": ("act",), "in-force": ("feedback", "rearm"), "lifting": ("lift",)}
        return min((o[s][0] for s in slots.get(o["state"], ()) if o[s]), default=None)

    def surplus(self, decision: Decision) -> set[str]:
        """What is live and not owed by a decision, neither by itself nor for what it took over."""
        wanted, names = {o.key for o in decision.obligations}, dict[str, set[str]]()
        for name, o in self.owed.items():
            names.setdefault(name, set()).update((o["key"], self.known_as(o)))
            if o["passed to"]:
                names.setdefault(o["passed to"], set()).update(names[name])
        live = {n for n, o in self.owed.items() if o["state"] not in {"closed", "lifting"}}
        return {n for n in live if not names[n] & wanted}

    def undo(self, names: Collection[str], today: dt.date, outcome: str | None) -> None:
        """Take down what took effect, close the rest."""
        for o in (self.owed[n] for n in names):
            measure = self.policy.measures[o["measure"]]
            if o["state"] in {"lifting", "closed"}:
                continue
            if o["state"] == "in-force" or (o["state"] == "done" and measure.reversible):
                o |= {"state": "lifting", "feedback": None, "rearm": None, "outcome": outcome or o["outcome"]}
            elif o["state"] == "done":
                o["state"] = "closed"
            else:
                o |= {"state": "closed", "outcome": outcome or "never-effective"}
        self.settle(today)

    # what departments do

    def wrong_answer(self, do: c.OnObligation) -> set[str]:
        """Every reason against a department's answer."""
        o = self.owed.get(do.obligation)
        if o is None or o["department"] != do.actor.department:
            return {"not-yours"}
        measure, state = self.policy.measures[o["measure"]], o["state"]
        standing, restrictive = measure.mode == "standing", measure.cls == "restrictive"
        bare = ("evidence-required", measure.response.evidence and not getattr(do, "evidence", ()))
        open_, accepted = state in {"open", "accepted"}, state == "accepted"
        silent = not getattr(do, "reason", "x").strip()
        why: list[tuple[str, Any]]
        match do:
            case c.Accept():
                why = [("state", state != "open")]
            case c.Confirm():
                why = [
                    ("no-confirmation-needed", not restrictive),
                    ("state", not accepted),
                    ("already", o["confirmed"]),
                ]
            case c.Arm() if o["rearm"]:
                why = [bare]
            case c.Arm() | c.Respond(outcome="implemented"):
                other = "arm-instead" if standing else "respond-instead"
                why = [(other, standing != isinstance(do, c.Arm)), ("state", not accepted), bare,
                       ("confirmation-required", restrictive and not o["confirmed"])]  # fmt: skip
            case c.Apply():
                why = [("not-standing", not standing), ("state", state != "in-force"),
                       ("reason-required", not do.applied and silent)]  # fmt: skip
            case c.Respond(outcome="no-occasion"):
                why = [("not-standing", not standing), ("state", state != "in-force")]
            case c.Respond():
                why = [("state", not open_), ("reason-required", silent)]
            case c.Refer():
                there = self.policy.departments.get(do.to)
                key = self.known_as({**o, "department": do.to})
                why = [("state", not open_), ("reason-required", silent), ("same-department", do.to == o["department"]),
                       ("no-such-department", there is None or not there.validity.covers(do.today)),
                       ("already-owed", any(x["key"] == key for x in self.owed.values()))]  # fmt: skip
            case c.Lift():
                why = [("state", state != "lifting"), ("blocked", self.unlifted(do.obligation)), bare]
            case _:
                raise NotImplementedError(do)
        codes = {code for code, stands in why if stands}
        return codes | {"wrong-state", "already"} if "state" in codes else codes

    def answers(self, do: c.OnObligation) -> None:
        """Carry out an answer that nothing stands against."""
        o, today = self.owed[do.obligation], do.today
        measure = self.policy.measures[o["measure"]]
        cycle = {"quarterly": 3}.get(measure.response.feedback)
        fed = {"feedback": self.days.due(today, Duration(cycle, "months"))} if cycle else {}
        match do:
            case c.Accept():
                o["state"] = "accepted"
            case c.Confirm():
                o["confirmed"] = do.actor.officer
            case c.Arm() if o["rearm"]:
                o["rearm"] = None
            case c.Arm():
                ends = measure.term and later(today, measure.term)
                o |= {"state": "in-force", "outcome": "implemented", "expires": ends, **fed}
            case c.Apply():
                o |= {"outcome": "implemented", **fed}
            case c.Respond(outcome="implemented"):
                o |= {"state": "done", "outcome": "implemented"}
            case c.Respond(outcome="no-occasion"):
                o |= {"outcome": "no-occasion", **fed}
            case c.Respond():
                o |= {"state": "closed", "outcome": "not-applicable"}
            case c.Lift():
                o["state"] = "closed"
            case c.Refer():
                new = f"c1.{len(self.owed) + 1}"
                key = self.known_as({**o, "department": do.to})
                self.owed[new] = self.fresh(key, o["measure"], do.to, o["target"], "waiting")
                self.needs |= {(new, after) for before, after in self.needs if before == do.obligation}
                self.needs |= {(before, new) for before, after in self.needs if after == do.obligation}
                o |= {"state": "closed", "outcome": "referred", "passed to": new}
        self.settle(today)

    # what time does

    def passes(self, do: c.Tick) -> None:
        """A tick: new dates, heirs, ends of clocks, a warning, and rungs."""
        today = do.today
        self.reckon_again(today)
        for o in self.owed.values():
            heir = self.heir_of(o["department"], do.departments, today) if o["state"] != "closed" else None
            if heir:
                o["department"] = heir
                arm = self.policy.measures[o["measure"]].response.arm
                o["rearm"] = self.days.due(today, arm) if o["state"] == "in-force" else o["rearm"]
        self.settle(today)
        while self.stage == "in-force" and (last := self.last_day_passed(today)):
            self.press(last)
            self.ends_on(last, today)
        if self.stage == "in-force":
            self.warn(today)
        self.press(today)

    def press(self, until: dt.date) -> None:
        """The rungs reached by a day fire for all that is late."""
        rungs = next((x.rungs for x in self.policy.ladders.values()), ())
        late = [(o, o["pressed"]) for o in self.owed.values()] + [(d, d["due"][0]) for d in self.duties()]
        for entry, due in late:
            if due:
                reached = [r for r in rungs if due < until and self.days.due(due, r.after)[0] <= until]
                entry["fired"] = max(entry["fired"], len(reached))

    def last_day_passed(self, today: dt.date) -> dt.date | None:
        """The first last day, of publicity, the listing or a measure in force, that is behind us and not acted upon."""
        clocks = [k["max"] for k in self.clocks.values() if not k["ended"]]
        measures = [o["expires"] for o in self.owed.values() if o["state"] == "in-force"]
        return min((day for day in (*clocks, *measures) if day and day < today), default=None)

    def ends_on(self, last: dt.date, today: dt.date) -> None:
        """Publicity, measures and the listing end after their last day."""
        publicity, listing = self.clocks["publicity"], self.clocks["listing"]
        if not publicity["ended"] and publicity["max"] == last:
            publicity["ended"] = today
            self.undo({n for n, o in self.owed.items() if self.shows(o["measure"])}, today, "expired")
        over = {n for n, o in self.owed.items() if o["state"] == "in-force" and o["expires"] == last}
        self.undo(over, today, "expired")
        if listing["max"] == last:
            self.end("expiry", today)

    def warn(self, today: dt.date) -> None:
        """Those concerned are told before."""
        publicity, listing = self.clocks["publicity"], self.clocks["listing"]
        ahead = [k["max"] for k in (publicity, listing) if k["max"] and not k["ended"]]
        if ahead and min(ahead) <= today + 30 * DAY:
            self.warned = min(ahead)

    def duties(self) -> Iterator[dict[str, Any]]:
        """What the initiator owes now."""
        if self.stage not in {"lifting", "closed"}:
            yield from (
                t for n, t in self.tasks.items() if not t["done"] and not (n == "publish" and self.over_for_good())
            )
        yield from (o for o in self.objections.values() if o["outcome"] is None)
        if self.stage == "in-force":
            yield from (r for r in self.repairs.values() if r["state"] in {"received", "accepted"})

    def reckon_again(self, today: dt.date) -> None:
        """Provisional days are reckoned by the calendars of today."""
        for o in self.owed.values():
            if o["state"] != "closed":
                o |= {slot: self.days.again(o[slot]) for slot in ("accept", "act", "lift", "feedback", "rearm")}
        for who in self.parties.values() if self.stage not in {"lifting", "closed"} else ():
            if not who["served"] and (who["role"] != "subject" or self.stage in {"filed", "noticed", "decided"}):
                who |= {slot: self.days.again(who[slot]) for slot in ("until", "hearing until")}
        for duty in self.duties():
            due = self.days.again(duty["due"])
            assert due is not None
            duty |= {"due": due, "fired": duty["fired"] if due[0] == duty["due"][0] else 0}
            if duty.get("provider"):
                duty["provider"] = self.days.again(duty["provider"])
        self.settle(today)

    def heir_of(self, department: str, register: Mapping[str, Department], today: dt.date) -> str | None:
        """Who has taken over."""
        now: str | None = department
        for _ in register:
            found = register[now] if now else None
            if found is None or found.validity.end is None or found.validity.end >= today:
                break
            now = found.merged_into
        return now if now and now != department else None
