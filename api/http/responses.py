"""Response bodies, apart from the domain. Amounts are decimal yuan as text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from adapters.office import (
    CaseView,
    CheckResult,
    DirectiveView,
    Ended,
    EventView,
    Filed,
    ObligationView,
    PolicyView,
    RecordResult,
    SubjectView,
)
from api.http.problems import FieldProblem
from api.http.signed import PROMISE, SignedOut, promise_out
from engine.casework.model import Due
from engine.decision.explain import display_number
from engine.language.ir import Type


class Out(BaseModel):
    """A response body."""

    model_config = ConfigDict(from_attributes=True)


def yuan(fen: int) -> str:
    """An amount in yuan, without the unit."""
    return display_number(fen, Type.MONEY).removesuffix(" 元")


class CaseOut(Out):
    """A case."""

    id: str
    list: str = Field(description="名单标识")
    list_title: str = Field(description="名单名称")
    list_kind: str = Field(description="incentive | sanction | watch")
    severe: bool = Field(description="是否严重失信主体名单")
    subject: str = Field(description="主体的不透明标识")
    initiator: str = Field(description="发起部门")
    policy: str = Field(description="政策版本")
    decision: str = Field(description="决定的 SHA-256")
    as_of: dt.date = Field(description="决定所依据的日期")
    state: str = Field(description="filed | noticed | decided | in-force | lifting | closed")
    version: int = Field(description="事件数；即 ETag")
    total: int = Field(description="应响应事项总数")
    unclosed: int = Field(description="尚未办结数")
    filed_on: dt.date
    ended_on: dt.date | None
    ground: str | None = Field(description="终止事由")
    marked: bool = Field(description="有异议尚未答复")
    suspended: bool = Field(description="措施暂停实施")

    @classmethod
    def of(cls, view: CaseView) -> CaseOut:
        """From the office's view."""
        return cls.model_validate(view)


class ObligationOut(Out):
    """An obligation."""

    id: str
    case: str
    subject: str = Field(description="案件主体")
    target: str = Field(description="措施所针对的人")
    target_role: str
    department: str
    measure: str
    title: str = Field(description="措施名称")
    kind: str
    mode: str = Field(description="standing 常态 | one-shot 一次性")
    duty: str = Field(description="implement 实施 | assist 协助 | transmit 转送")
    restrictive: bool = Field(description="减损权益，须经确认")
    evidence_required: bool
    state: str
    blocked: bool = Field(description="须待他人先办")
    due_on: dt.date | None = Field(description="下一个期限")
    provisional: bool = Field(description="期限所在年份的放假安排尚未公布")
    overdue: bool
    accept_by: dt.date | None
    act_by: dt.date | None
    lift_by: dt.date | None
    feedback_by: dt.date | None
    rearm_by: dt.date | None = Field(description="承接撤并部门的，重新布置的期限")
    expires_on: dt.date | None = Field(description="措施的末日；没有的随名单终止")
    confirmed_by: str | None
    outcome: str | None
    reason: str | None
    rules: list[str] = Field(description="所依条款")
    basis: list[list[str]] = Field(description="法律依据：[文件, 条]")
    actions: list[str] = Field(description="本部门现在可以做的")
    etag: str
    marked: bool = Field(description="主体对名单的异议尚未答复")

    @classmethod
    def of(cls, view: ObligationView) -> ObligationOut:
        """From the office's view."""
        o = view.obligation

        def day(due: Due | None) -> dt.date | None:
            return due.on if due else None

        return cls.model_construct(
            id=o.id, case=o.case, subject=view.subject, target=o.target, target_role=o.target_role,
            department=o.department, measure=o.measure, title=view.title, kind=o.kind, mode=o.mode, duty=o.duty,
            restrictive=o.restrictive, evidence_required=o.evidence_required, state=o.state,
            blocked=o.unmet > 0 or o.unlifted > 0, due_on=view.due_on, provisional=view.provisional,
            overdue=view.overdue, accept_by=day(o.accept_by), act_by=day(o.act_by), lift_by=day(o.lift_by),
            feedback_by=day(o.feedback_by), rearm_by=day(o.rearm_by), expires_on=o.expires_on,
            confirmed_by=o.confirmed_by, outcome=o.outcome, reason=o.reason, rules=list(o.rules),
            basis=[list(b) for b in o.basis], actions=list(view.actions), etag=view.etag, marked=view.marked,
        )  # fmt: skip


class LimitOut(Out):
    """A suggested credit limit; a lender decides."""

    rule: str
    table: str
    departments: list[str]
    amount: str = Field(description="建议额度（元）", examples=["160000"])
    parts: list[list[str]] = Field(description="组成：[名称, 元]")


class UnknownOut(Out):
    """A rule that cannot be decided yet."""

    rule: str
    missing: list[str] = Field(description="补齐即可判定的事实")


class FiledOut(Out):
    """A filing and what follows from it."""

    case: CaseOut
    obligations: list[ObligationOut]
    advice: int = Field(description="仅作建议的措施数")
    limits: list[LimitOut]
    unknown: list[UnknownOut]
    promise: SignedOut | None = Field(description=PROMISE)

    @classmethod
    def of(cls, filed: Filed) -> FiledOut:
        """From the office's result."""
        return cls.model_construct(
            case=CaseOut.of(filed.case),
            obligations=[ObligationOut.of(o) for o in filed.obligations],
            advice=filed.advice,
            limits=[
                LimitOut(
                    rule=s.rule, table=s.table, departments=list(s.departments), amount=yuan(s.amount),
                    parts=[[name, yuan(part)] for name, part in s.parts],
                )
                for s in filed.limits
            ],
            unknown=[UnknownOut(rule=u.rule, missing=list(u.missing)) for u in filed.unknown],
            promise=promise_out(filed.promise),
        )  # fmt: skip


class AnsweredOut(Out):
    """An obligation after an answer."""

    obligation: ObligationOut
    case: CaseOut
    added: list[str] = Field(description="由此产生的新事项")
    promise: SignedOut | None = Field(description=PROMISE)


class EndedOut(CaseOut):
    """A case whose listing ended."""

    promise: SignedOut | None = Field(description=PROMISE)

    @classmethod
    def of_ended(cls, ended: Ended) -> EndedOut:
        """From the office's result."""
        case = CaseOut.of(ended.case)
        return cls.model_construct(**case.__dict__, promise=promise_out(ended.promise))


class ObligationsOut(Out):
    """A page of obligations, the most urgent first: release work, then by due date."""

    items: list[ObligationOut]
    next: str | None = Field(description="下一页的游标")


class EventOut(Out):
    """One event as logged."""

    case: str
    version: int
    type: str
    on: dt.date
    at: str
    department: str
    officer: str
    payload: dict[str, Any]
    prev_hash: str
    hash: str

    @classmethod
    def of(cls, view: EventView) -> EventOut:
        """From the office's view."""
        return cls.model_validate(view)


class EventsOut(Out):
    """A page of events."""

    items: list[EventOut]
    next: int | None


class StepOut(Out):
    """One comparison behind a rule."""

    text: str
    found: str | None
    truth: bool | None = Field(description="null 表示尚不能判定")
    at: str = Field(description="所在文件与行")
    steps: list[StepOut]

    @classmethod
    def of(cls, step: Mapping[str, Any]) -> StepOut:
        """From an explanation as it is shown."""
        steps = [cls.of(s) for s in step["steps"]]
        return cls(text=step["text"], found=step["found"], truth=step["truth"], at=step["span"], steps=steps)


class RuleOut(Out):
    """One rule and why it holds or not."""

    rule: str
    title: str
    clause: str | None
    truth: bool | None
    measures: list[str]
    departments: list[str]
    missing: list[str]
    at: str
    condition: StepOut

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> RuleOut:
        """From an explanation as it is shown."""
        return cls(
            rule=rule["rule"], title=rule["title"], clause=rule["clause"], truth=rule["truth"],
            measures=rule["measures"], departments=rule["departments"], missing=rule.get("missing", []),
            at=rule["span"], condition=StepOut.of(rule["condition"]),
        )  # fmt: skip


class WhyNotOut(Out):
    """Why a department owes nothing, or what it owes."""

    department: str
    reason: str
    owes: list[str]
    advice: list[str]
    rules: list[RuleOut]


class DecisionOut(Out):
    """A decision with its explanation, as far as the one who asks may see it."""

    audience: str = Field(description="按谁的可见范围：subject | initiator | implementer | auditor")
    digest: str
    reproduced: bool = Field(description="以当时的规则和事实重算，结果逐字节一致")
    document: dict[str, Any] = Field(description="决定原文（规范化 JSON 的内容），略去不在可见范围的")
    rules: list[RuleOut]
    why_not: WhyNotOut | None


class DirectiveOut(Out):
    """What the clerk is told."""

    effect: str
    measure: str
    title: str
    department: str
    list: str
    obligation: str
    basis: tuple[tuple[str, str], ...]
    marked: bool = Field(description="主体对名单的异议尚未答复")

    @classmethod
    def of(cls, view: DirectiveView) -> DirectiveOut:
        """From the office's view."""
        return cls.model_construct(
            effect=view.effect, measure=view.measure, title=view.title, department=view.department, list=view.list,
            obligation=view.obligation, basis=view.basis, marked=view.marked,
        )  # fmt: skip


class DocumentOut(Out):
    """A document that may be outstanding."""

    id: str
    title: str
    within: str


class StepToTakeOut(Out):
    """A lawful verification step."""

    id: str
    title: str


class CheckLimitOut(Out):
    """A suggested limit at the counter."""

    case: str
    rule: str
    table: str
    amount: str


class CheckOut(Out):
    """The answer at the counter."""

    check: str = Field(description="查询记录号")
    matter: str
    known: bool
    directives: list[DirectiveOut]
    documents: list[DocumentOut] = Field(description="可以容缺的材料")
    verification: list[StepToTakeOut] = Field(description="须增加的核验步骤")
    limits: list[CheckLimitOut]
    suspended: list[DirectiveOut] = Field(description="因严重失信而暂停的激励")

    @classmethod
    def of(cls, result: CheckResult) -> CheckOut:
        """From the office's result."""
        return cls.model_construct(
            check=result.check, matter=result.matter, known=result.known,
            directives=[DirectiveOut.of(d) for d in result.directives],
            documents=[DocumentOut.model_validate(d) for d in result.documents],
            verification=[StepToTakeOut.model_validate(v) for v in result.verification],
            limits=[
                CheckLimitOut(case=s.case, rule=s.rule, table=s.table, amount=yuan(s.amount)) for s in result.limits
            ],
            suspended=[DirectiveOut.of(d) for d in result.suspended],
        )  # fmt: skip


class RecordOut(Out):
    """What became of one line."""

    line: int
    status: str = Field(description="accepted | duplicate | rejected")
    id: str | None
    excluded: bool = Field(description="依法不得作为联合惩戒依据")
    errors: list[FieldProblem]

    @classmethod
    def of(cls, result: RecordResult) -> RecordOut:
        """From the office's result."""
        return cls.model_validate(result)


class RecordsOut(Out):
    """A result for each line."""

    accepted: int
    duplicates: int
    rejected: int
    results: list[RecordOut]


class ListingOut(Out):
    """A list on which the subject stands or stood."""

    case: str
    list: str
    title: str
    kind: str
    state: str
    filed_on: dt.date
    ended_on: dt.date | None
    marked: bool = Field(description="有异议尚未答复")


class SubjectOut(Out):
    """A subject."""

    id: str
    kind: str
    name: str | None
    listings: list[ListingOut]

    @classmethod
    def of(cls, view: SubjectView) -> SubjectOut:
        """From the office's view."""
        return cls.model_validate(view)


class PolicyOut(Out):
    """A policy version."""

    version: str
    proposed_by: str
    proposed_at: str
    approved_by: str | None
    approved_at: str | None
    effective_from: str | None = Field(description="施行的时刻")
    active: bool
    counts: dict[str, int]

    @classmethod
    def of(cls, view: PolicyView) -> PolicyOut:
        """From the office's view."""
        return cls.model_validate(view)
