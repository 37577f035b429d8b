"""Whom an event has to be told to. Pure; the ledger keeps messages with the event that made them, a worker delivers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from engine.casework.deadlines import next_due
from engine.casework.events import CaseMoved, Event, ObligationMoved
from engine.casework.model import Case
from engine.language.ir import Policy

ALL_CONCERNED = frozenset({"object", "answer-objection", "shield", "unshield"})
INITIATOR_ONLY = frozenset({"warn", "end-publicity", "reissue"})
DUTIES = {
    "publish": "公示名单", "serve": "送达决定", "objection": "答复异议", "repair": "办理信用修复申请",
}  # fmt: skip
TITLES = {
    "object": "主体提出异议，记录已标注", "answer-objection": "异议已答复", "shield": "重整期间暂停实施",
    "unshield": "恢复实施", "warn": "名单或公示即将到期", "end-publicity": "公示期满，已停止公示",
    "reissue": "放假安排已公布，期限重新计算", "succeed": "承接撤并部门的事项", "begin-lift": "须解除措施",
    "release": "可以解除措施",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """Something a department is to know. `audience`: remind (the officer), chief, joint-office, report, or notice."""

    to: str
    audience: str
    title: str
    obligation: str | None = None
    due: dt.date | None = None


def messages(event: Event, case: Case, policy: Policy) -> Iterator[Message]:
    """What `event` has to be told, given the case (or the loaded slice of it) after it."""
    if isinstance(event, ObligationMoved):
        yield from _about_obligation(event, case, policy)
    elif isinstance(event, CaseMoved):
        if event.action == "escalate":
            for to in event.detail["to"]:
                title = f"{event.detail['title']}：{_own_duty(event)}"
                yield Message(to, event.detail["act"], title, None, event.detail["due"])
        elif event.action in ALL_CONCERNED:
            concerned = {o.department for o in case.obligations.values() if o.state != "closed"} | {case.initiator}
            for to in sorted(concerned):
                yield Message(to, "notice", TITLES[event.action])
        elif event.action in INITIATOR_ONLY:
            yield Message(case.initiator, "notice", TITLES[event.action], None, event.changes.get("warned_of"))


def _own_duty(event: CaseMoved) -> str:
    """What the initiator is late with, in words."""
    task = event.changes.get("task")
    if task is not None:
        return DUTIES[task.name]
    return DUTIES["objection" if "objection" in event.changes else "repair"]


def _about_obligation(event: ObligationMoved, case: Case, policy: Policy) -> Iterator[Message]:
    obligation = case.obligations[event.obligation]
    measure = policy.measures.get(obligation.measure)
    title = measure.title if measure is not None else obligation.measure
    detail = event.detail
    if event.action == "escalate":
        for to in detail["to"]:
            yield Message(to, detail["act"], f"{detail['title']}：{title}", event.obligation, detail["due"])
        return
    released = event.action in {"begin-lift", "release"} and not obligation.unlifted
    if released or event.action in {"reissue", "succeed"}:
        due = next_due(obligation)
        text = f"{TITLES[event.action]}：{title}"
        yield Message(obligation.department, "notice", text, event.obligation, due.on if due else None)
