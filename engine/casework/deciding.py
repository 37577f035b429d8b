"""`decide`: what a command makes happen, or why it may not; and which commands are open to whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from engine.casework.answering import answer
from engine.casework.calendar import Calendars
from engine.casework.changing import correct, migrate
from engine.casework.commands import (
    AnswerObjection,
    AnswerStatement,
    ApplyRepair,
    Command,
    Correct,
    DecideListing,
    EndListing,
    FileCase,
    HoldHearing,
    Migrate,
    MoveRepair,
    Notify,
    OnObligation,
    Publish,
    RaiseObjection,
    ReceiveStatement,
    Redecide,
    RequestHearing,
    Serve,
    Shield,
    ShowBefore,
    Tick,
)
from engine.casework.events import Event
from engine.casework.filing import file_case, redecide
from engine.casework.lifting import end_listing
from engine.casework.model import SYSTEM, Case, Obligation, Party, Refusal
from engine.casework.remedies import answer_objection, apply_repair, move_repair, raise_objection, shield
from engine.casework.stages import (
    answer_statement,
    decide_listing,
    hold_hearing,
    notify,
    publish,
    ready_to_serve,
    receive_statement,
    request_hearing,
    serve,
    show_before,
    what_is_missing,
)
from engine.casework.ticking import tick
from engine.language.ir import Policy, Procedure

ACTIONS: tuple[str, ...] = ("accept", "confirm", "arm", "apply", "respond", "refer", "lift")
CASE_ACTIONS: tuple[str, ...] = (
    "notify", "statement", "answer-statement", "request-hearing", "hold-hearing", "show-before", "decide", "serve",
    "publish", "object", "answer-objection", "apply-repair", "accept-repair", "refuse-repair", "extend-repair",
    "grant-repair", "shield", "unshield", "correct", "end",
)  # fmt: skip


def decide(case: Case | None, command: Command, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """The events that `command` makes happen. Pure; `case` is `None` only for `FileCase`.

    Raises:
        Refusal: why it may not be done.

    """
    if not command.actor.officer.strip():
        raise Refusal("officer-required", "须写明经办人姓名")
    if isinstance(command, FileCase):
        if case is not None:
            raise Refusal("already", "案件已经存在", case.id)
        return file_case(command, policy, calendars)
    if case is None:
        raise Refusal("no-case", "没有这一案件")
    if case.last_on is not None and command.today < case.last_on:
        raise Refusal("clock-backwards", "日期早于案件的上一步，请检查系统时钟", f"{command.today} 早于 {case.last_on}")
    match command:
        case OnObligation():
            return answer(case, command, policy, calendars)
        case EndListing():
            return end_listing(case, command, policy, calendars)
        case Redecide():
            return redecide(case, command, policy, calendars)
        case Tick():
            return tick(case, command, policy, calendars)
        case _:
            return _step(case, command, policy, calendars)


def _step(case: Case, command: Command, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """A step of the procedure, by the department that filed the case or the one that decides it."""
    deciders = policy.lists[case.list].procedure.decided_by
    mine = (case.initiator, SYSTEM, *(deciders if isinstance(command, DecideListing) else ()))
    # policy staff bring any live case under new rules; nobody else reaches into another department's case
    if command.actor.department not in mine and not isinstance(command, Migrate):
        raise Refusal("not-yours", "没有这一案件")
    match command:
        case Notify():
            return notify(case, command, policy, calendars)
        case ReceiveStatement():
            return receive_statement(case, command)
        case AnswerStatement():
            return answer_statement(case, command)
        case RequestHearing():
            return request_hearing(case, command)
        case HoldHearing():
            return hold_hearing(case, command, policy, calendars)
        case ShowBefore():
            return show_before(case, command, policy)
        case DecideListing():
            return decide_listing(case, command, policy, calendars)
        case Serve():
            return serve(case, command, policy, calendars)
        case Publish():
            return publish(case, command)
        case RaiseObjection():
            return raise_objection(case, command, policy, calendars)
        case AnswerObjection():
            return answer_objection(case, command, policy, calendars)
        case ApplyRepair():
            return apply_repair(case, command, policy, calendars)
        case MoveRepair():
            return move_repair(case, command, policy, calendars)
        case Shield():
            return shield(case, command)
        case Correct():
            return correct(case, command, policy, calendars)
        case Migrate():
            return migrate(case, command, policy, calendars)
        case _:
            raise Refusal("unknown-action", "没有这种操作", type(command).__name__)


def available_actions(
    obligation: Obligation, department: str | None = None, roles: Collection[str] = ("implementer",)
) -> tuple[str, ...]:
    """What a principal may do with an obligation now, in the order of `ACTIONS`; the only place that says so."""
    if "implementer" not in roles or department not in {None, obligation.department}:
        return ()
    standing = obligation.mode == "standing"
    unconfirmed = obligation.restrictive and obligation.confirmed_by is None
    match obligation.state:
        case "open":
            return "accept", "respond", "refer"
        case "accepted" if unconfirmed:
            return "confirm", "respond", "refer"
        case "accepted":
            return ("arm", "respond", "refer") if standing else ("respond", "refer")
        case "in-force" if obligation.rearm_by is not None:
            return "arm", "apply", "respond"
        case "in-force":
            return "apply", "respond"
        case "lifting" if not obligation.unlifted:
            return ("lift",)
        case _:
            return ()


def available_case_actions(
    case: Case,
    policy: Policy,
    calendars: Calendars,
    today: dt.date,
    department: str | None = None,
    roles: Collection[str] = ("initiator",),
) -> tuple[str, ...]:
    """What a principal may do with a case now, in the order of `CASE_ACTIONS`; the only place that says so."""
    procedure = policy.lists[case.list].procedure
    deciders = procedure.decided_by or (case.initiator,)
    mine = department in {None, case.initiator}
    if "initiator" not in roles:
        return ()
    if case.state == "closed":  # an objection is owed its answer even now
        return ("answer-objection",) if mine and case.marked else ()
    able: set[str] = set()
    early = case.state in {"filed", "noticed"}
    parties = [p for p in case.parties.values() if p.removed_on is None]
    hearable = [p for p in parties if p.noticed_on and (early or (p.role != "subject" and p.served_on is None))]
    live = case.state in {"decided", "in-force"}
    if mine:
        if any(p.noticed_on is None and (procedure.notice if p.role == "subject" else True) for p in parties) and (
            early or any(p.role != "subject" and p.noticed_on is None for p in parties)
        ):
            able |= {"notify"} if early or live else set()
        able |= {"statement"} if hearable else set()
        able |= {"answer-statement"} if any(not s.answers for p in parties for s in p.statements) else set()
        able |= {"request-hearing"} if any(p.hearing_until and p.hearing == "none" for p in hearable) else set()
        able |= {"hold-hearing"} if any(p.hearing in {"requested", "requested-late"} for p in parties) else set()
        able |= {"show-before"} if early and procedure.pre_publicity and case.shown_before is None else set()
        able |= {"serve"} if any(_serves(case, p, procedure, today) for p in parties) else set()
        publish_, shown = case.tasks.get("publish"), case.publicity
        showable = publish_ is not None and publish_.done_on is None and (shown is None or shown.ended_on is None)
        able |= {"publish"} if case.state == "in-force" and showable else set()
        able |= {"object"}
        able |= {"answer-objection"} if case.marked else set()
        if case.state == "in-force":
            open_ = [r for r in case.repairs.values() if r.state in {"received", "accepted"}]
            able |= {"apply-repair"} if procedure.repair is not None else set()
            able |= {"accept-repair"} if any(r.state == "received" for r in open_) else set()
            able |= {"refuse-repair"} if open_ else set()
            able |= {"extend-repair", "grant-repair"} if any(r.state == "accepted" for r in open_) else set()
            able |= {"unshield"} if case.shielded else {"shield"}
        able |= {"correct", "end"} if case.state != "lifting" else set()
    if early and procedure.decision and (department is None or department in deciders):
        able |= set() if what_is_missing(case, policy, calendars, today) else {"decide"}
    return tuple(a for a in CASE_ACTIONS if a in able)


def _serves(case: Case, party: Party, procedure: Procedure, today: dt.date) -> bool:
    try:
        ready_to_serve(case, party, procedure, today)
    except Refusal:
        return False
    return True
