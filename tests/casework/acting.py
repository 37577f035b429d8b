"""Commands for the procedure machine: as they should be, and with something wrong about them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from engine.casework import available_actions
from engine.casework import commands as c
from engine.casework.events import CaseMoved, Event, ObligationMoved
from engine.casework.model import Case, Obligation
from engine.decision.model import Decision
from tests.casework.build import by
from tests.casework.desk import CHIEF, CLERK, CLOCKWORK, EVIDENCE

STEP = dt.timedelta(days=1)
ANSWERS = ("accept", "confirm", "arm", "apply", "respond", "refer", "lift")


def ways_to(action: str, case: Case, day: dt.date, decision: Decision, deciders: Sequence[str]) -> list[c.Command]:
    """The ways to do something with every argument as it should be, whether or not the stage allows it."""
    parties = list(case.parties)
    match action:
        case "notify":
            return [c.Notify(CHIEF, day, p, day, "送达", "事实", EVIDENCE) for p in parties]
        case "statement":
            return [c.ReceiveStatement(CHIEF, day, p, day, ("一", "二")) for p in parties]
        case "answer-statement":
            made = [(p.id, s) for p in case.parties.values() for s in p.statements]
            return [c.AnswerStatement(CHIEF, day, p, s.id, ("答",) * len(s.points)) for p, s in made]
        case "request-hearing":
            return [c.RequestHearing(CHIEF, day, p, day) for p in parties]
        case "hold-hearing":
            return [c.HoldHearing(CHIEF, day, p, day - 60 * STEP, day, "孙立", EVIDENCE) for p in parties]
        case "show-before":
            return [c.ShowBefore(CHIEF, day)]
        case "decide":
            decider = by((*deciders, case.initiator)[0])
            return [
                c.DecideListing(decider, day, "list", "1号", "清楚", decision),
                c.DecideListing(decider, day, "not-list", "1号", "已付清"),
            ]
        case "serve":
            return [c.Serve(CHIEF, day, p, day, "送达", EVIDENCE, decision) for p in parties]
        case "publish":
            return [c.Publish(CHIEF, day, "网站")]
        case "object":
            return [c.RaiseObjection(CHIEF, day, p, day, ("有误",)) for p in parties]
        case "answer-objection":
            return [c.AnswerObjection(CHIEF, day, o, "rejected", "无误") for o in case.objections]
        case "apply-repair":
            return [c.ApplyRepair(CHIEF, day, p, day, ("corrected",)) for p in parties]
        case "shield" | "unshield":
            return [c.Shield(CHIEF, day, "裁定" if action == "shield" else "")]
        case "correct":
            return [c.Correct(CHIEF, day, decision, "更正", ())]
        case "end":
            return [c.EndListing(CHIEF, day, "withdrawal", "误列")]
    step: Any = action.removesuffix("-repair")
    return [c.MoveRepair(CHIEF, day, r, step, "理由") for r in case.repairs]


def wrong_about(action: str, day: dt.date) -> dict[str, tuple[Any, ...]]:
    """Values by which a step can go wrong, by field."""
    near = tuple(day + n * STEP for n in (1, -1, -3, -30, -400))
    return {
        "actor": (CLERK, by("dept1"), by("dept9"), CLOCKWORK), "today": near[1:], "party": ("x", "s", "r1", "r2"),
        "served_on": near, "received_on": near, "held_on": near, "announced_on": near, "evidence": ((),),
        "reasons": (" ",), "reason": ("",), "points": ((), (" ",)), "answers": ((), ("答", " ")), "statement": ("s9",),
        "chair": (" ", CLERK.officer), "number": ("",), "proved": ((),), "own": (False,), "channel": ("",),
        "outcome": ("upheld",) if action == "answer-objection" else (), "objection": ("o1", "o9"),
        "repair": ("r1", "r9"), "step": ("accept", "refuse", "extend", "grant"),
        "ground": ("not-listed", "repair", "expiry", "dissolved"),
    }  # fmt: skip


def rungs_of(events: Sequence[Event]) -> Iterator[tuple[str, dt.date, int]]:
    """The rungs fired: about what, for which deadline, the how manieth."""
    for event in events:
        if isinstance(event, ObligationMoved) and event.action == "escalate":
            yield event.obligation, event.detail["due"], event.changes["rungs"]
        elif isinstance(event, CaseMoved) and event.action == "escalate":
            ((kind, duty),) = event.changes.items()
            yield f"{kind} {getattr(duty, 'id', None) or duty.name}", event.detail["due"], duty.rungs


def answer_of(o: Obligation, day: dt.date, pick: int) -> c.Command:
    """One of the answers that a department can give, mostly as it should be."""
    actor = by("dept7" if pick % 16 == 13 else o.department)
    how, able = pick // 16, available_actions(o)
    proof = () if how % 8 == 5 else EVIDENCE
    action = (able or ANSWERS)[how // 8 % len(able or ANSWERS)] if how // 64 % 4 < 3 else ANSWERS[how // 8 % 7]
    match "lift" if o.state == "lifting" else action:
        case "accept":
            return c.Accept(actor, day, o.id)
        case "confirm":
            return c.Confirm(actor, day, o.id)
        case "arm":
            return c.Arm(actor, day, o.id, proof)
        case "apply":
            return c.Apply(actor, day, o.id, how % 3 < 2, "投标")
        case "refer":
            return c.Refer(actor, day, o.id, ("dept2", "dept8", "gone")[how % 3], "职责划转")
        case "lift":
            return c.Lift(actor, day, o.id, proof)
    usual: Any = {"in-force": "no-occasion", "accepted": "implemented"}.get(o.state, "not-applicable")
    outcome = "not-applicable" if o.mode == "standing" and o.state == "accepted" and how % 4 else usual
    return c.Respond(actor, day, o.id, outcome, "" if how % 4 == 3 else "理由", proof)
