"""Replays over HTTP: for auditors, one decision or the decisions of one case."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from adapters.office import FieldError, InvalidError
from adapters.office.replaying import Outcome, Refolded, Replayed
from api.http.calls import LookNow
from api.http.requests import Body
from api.http.responses import Out
from engine.casework.replaying import Cause, Change, Question

router = APIRouter(prefix="/v1/replays", tags=["audit"])


class ReplayIn(Body):
    """What is to be decided again, and under which question."""

    decision: str | None = Field(
        default=None, pattern="^[0-9a-f]{64}$", description="决定的哈希；与 case 须且只须写一个"
    )
    case: str | None = Field(default=None, min_length=1, max_length=200, description="案件编号：其全部决定和事件")
    question: Question = Field(
        default="as-decided",
        description="as-decided：依当时的政策和事实，须逐字节一致；by-todays-rules：同样的事实依现行政策；"
        "knowing-now：依当时的政策，以今天所知的当时事实",
    )


class ChangeOut(Out):
    """A statement as it was and as it is."""

    what: str = Field(description="应响应事项、建议、额度、未定规则、矛盾、规则、推定事实、期限、决定文本或案件数据")
    about: str
    before: Any = Field(description="null：原来没有")
    after: Any = Field(description="null：现在没有")

    @classmethod
    def of(cls, change: Change) -> ChangeOut:
        """Dates and other values as text."""
        before, after = (json.loads(json.dumps(side, default=str)) for side in (change.before, change.after))
        return cls(what=change.what, about=change.about, before=before, after=after)


class DifferenceOut(Out):
    """Changes with one cause."""

    cause: Cause = Field(description="facts 事实、rules 规则、memorandum 备忘录、calendar 年历、code 程序")
    source: str = Field(description="哪一项事实、哪一类规则、哪一份备忘录")
    changes: list[ChangeOut]


class ReplayedOut(Out):
    """A decision made again."""

    digest: str
    case: str
    subject: str
    policy: str = Field(description="决定所依据的政策版本")
    against: str = Field(description="对照的政策版本")
    as_of: str
    outcome: Outcome = Field(description="erased：依法删除，不算差异")
    differences: list[DifferenceOut]
    error: str

    @classmethod
    def of(cls, found: Replayed) -> ReplayedOut:
        """From the office's view."""
        differences = [
            DifferenceOut(cause=d.cause, source=d.source, changes=[ChangeOut.of(c) for c in d.changes])
            for d in found.differences
        ]
        return cls(
            digest=found.digest, case=found.case, subject=found.subject, policy=found.policy, against=found.against,
            as_of=found.as_of, outcome=found.outcome, differences=differences, error=found.error,
        )  # fmt: skip


class RefoldedOut(Out):
    """The events of a case folded again."""

    same: bool = Field(description="事件重放所得与所存数据一致")
    changes: list[ChangeOut]
    error: str

    @classmethod
    def of(cls, found: Refolded) -> RefoldedOut:
        """From the office's view."""
        return cls(same=found.same, changes=[ChangeOut.of(c) for c in found.changes], error=found.error)


class ReplayOut(Out):
    """The answer to one question."""

    question: Question
    decisions: list[ReplayedOut]
    casework: RefoldedOut | None = Field(description="只问一份决定时为 null")


@router.post("", summary="重算决定", response_model=ReplayOut)
def replay(body: ReplayIn, call: LookNow) -> ReplayOut:
    """限角色 auditor。由所存的规则和事实重新得出决定，并说明差异的原因。"""
    principal = call.principal()
    if (body.decision is None) == (body.case is None):
        raise InvalidError((FieldError("decision", "one-of", "decision 与 case 须且只须写一个"),))
    if body.decision is not None:
        found = (call.office.replay_decision(principal, body.decision, body.question),)
        return ReplayOut(question=body.question, decisions=[ReplayedOut.of(f) for f in found], casework=None)
    every, folded = call.office.replay_case(principal, str(body.case), body.question)
    return ReplayOut(
        question=body.question, decisions=[ReplayedOut.of(f) for f in every], casework=RefoldedOut.of(folded)
    )
