"""`decide`: what a command makes happen, or why it may not; and which commands are open to whom."""

from __future__ import annotations

from collections.abc import Collection

from engine.casework.answering import answer
from engine.casework.calendar import Calendars
from engine.casework.filing import file_case, redecide
from engine.casework.lifting import end_listing
from engine.casework.model import (
    Case,
    Command,
    EndListing,
    Event,
    FileCase,
    Obligation,
    OnObligation,
    Redecide,
    Refusal,
)
from engine.language.ir import Policy

ACTIONS: tuple[str, ...] = ("accept", "confirm", "arm", "apply", "respond", "refer", "lift")


def decide(case: Case | None, command: Command, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    """The events that `command` makes happen. Pure; `case` is `None` only for `FileCase`.

    Raises:
        Refusal: why it may not be done.

    """
    if not command.actor.officer.strip():
        raise Refusal("officer-required", "须写明经办人姓名")
    match command:
        case FileCase():
            if case is not None:
                raise Refusal("already", "案件已经存在", case.id)
            return file_case(command, policy, calendars)
        case _ if case is None:
            raise Refusal("no-case", "没有这一案件")
        case EndListing():
            return end_listing(case, command, policy, calendars)
        case Redecide():
            return redecide(case, command, policy, calendars)
        case OnObligation():
            return answer(case, command, policy, calendars)
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
        case "in-force":
            return "apply", "respond"
        case "lifting" if not obligation.unlifted:
            return ("lift",)
        case _:
            return ()
