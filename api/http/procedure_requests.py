"""Request bodies of the procedure: one for each step, with only the fields that the step uses."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field

from adapters.office.model import CaseAction, Step
from api.http.requests import Body, EvidenceList, Id, Officer, Text, evidence_of

Day = Annotated[dt.date | None, Field(description="发生之日；默认当日", examples=["2026-03-02"])]
PartyId = Annotated[
    str | None, Field(min_length=1, max_length=200, description="当事人的不透明标识；默认案件主体", examples=[None])
]
Point = Annotated[str, Field(min_length=1, max_length=2_000)]
Points = Annotated[list[Point], Field(min_length=1, max_length=50)]
Facts = Annotated[dict[str, Any], Field(min_length=1)]


class StepIn(Body):
    """What every step has."""

    action: ClassVar[CaseAction]
    officer: Officer

    def step(self) -> Step:
        """As the office takes it."""
        given = {name: getattr(self, name) for name in type(self).model_fields if name != "officer"}
        given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
        if "evidence" in given:
            given["evidence"] = evidence_of(given["evidence"])
        return Step(self.action, **given)


class NotifyIn(StepIn):
    """书面告知一名当事人；陈述申辩期、听证申请期自告知之日起算。须附送达证明。"""

    action = "notify"
    party: PartyId = None
    on: Day = None
    method: Text = Field(default="", description="告知方式", examples=["直接送达"])
    reason: Text = Field(description="事实和理由", examples=["拒绝、逃避征集服现役，责令改正后仍不改正"])
    evidence: EvidenceList = Field(default=[])


class StatementIn(StepIn):
    """收到陈述申辩；逾期收到的照样记录，注明逾期。"""

    action = "statement"
    party: PartyId = None
    on: Day = None
    points: Points = Field(description="意见，逐点", examples=[["当时在外地住院，未收到通知书"]])


class AnswerStatementIn(StepIn):
    """逐点答复陈述申辩。"""

    action = "answer-statement"
    party: PartyId = None
    statement: Id = Field(description="陈述申辩的编号", examples=["s1"])
    answers: Points = Field(description="与各点意见一一对应的答复", examples=[["住院在通知送达之后，不影响认定"]])


class RequestHearingIn(StepIn):
    """收到听证申请；逾期申请的照样记录，注明逾期。"""

    action = "request-hearing"
    party: PartyId = None
    on: Day = None


class HoldHearingIn(StepIn):
    """听证已经举行；须提前通知，主持人不得是经办人，须附笔录。"""

    action = "hold-hearing"
    party: PartyId = None
    on: Day = None
    announced_on: dt.date | None = Field(default=None, description="通知之日；默认举行之日")
    chair: Text = Field(description="主持人", examples=["周敏"])
    evidence: EvidenceList = Field(default=[])


class ShowBeforeIn(StepIn):
    """开始认定前公示。"""

    action = "show-before"


class DecideIn(StepIn):
    """作出列入或者不予列入的决定；由经办人以外的具名人员作出，前置程序须已完成。"""

    action = "decide"
    outcome: Literal["list", "not-list"] = Field(description="list 列入 | not-list 不予列入", examples=["list"])
    number: Text = Field(description="决定文号", examples=["长政决〔2026〕9号"])
    reason: Text = Field(description="理由", examples=["事实清楚，陈述申辩不成立"])


class ServeIn(StepIn):
    """送达决定书，同时送达信用修复告知书；主体送达之后名单生效。须附送达回证。"""

    action = "serve"
    party: PartyId = None
    on: Day = None
    method: Text = Field(default="", description="送达方式", examples=["直接送达"])
    evidence: EvidenceList = Field(default=[])


class PublishIn(StepIn):
    """已向社会公示。"""

    action = "publish"
    channel: Text = Field(default="", description="公示渠道", examples=["credit-website"])


class ObjectIn(StepIn):
    """收到异议；记录即行标注。"""

    action = "object"
    party: PartyId = None
    on: Day = None
    points: Points = Field(description="异议，逐点", examples=[["金额计算有误"]])
    own: bool = Field(default=True, description="是否本部门自己的信息；否则须由提供单位核查，期限较长")


class AnswerObjectionIn(StepIn):
    """答复异议。成立的：给出更正后的事实即更正，未给出的撤销名单，或者不再涉及该相关人员。"""

    action = "answer-objection"
    objection: Id = Field(description="异议的编号", examples=["o1"])
    outcome: Literal["upheld", "rejected"] = Field(description="upheld 成立 | rejected 不成立", examples=["rejected"])
    reason: Text = Field(description="理由", examples=["经核查，银行流水显示已支付"])
    facts: Facts | None = Field(default=None, description="更正后的事实；值为 null 的删去", examples=[None])


class ApplyRepairIn(StepIn):
    """收到信用修复申请；未满最短期限、缺少证明的不予登记。"""

    action = "apply-repair"
    party: PartyId = None
    on: Day = None
    proved: list[Id] = Field(
        default=[], max_length=50, description="已证明的条件", examples=[["corrected", "commitment"]]
    )
    evidence: EvidenceList = Field(default=[])


class AcceptRepairIn(StepIn):
    """受理信用修复申请。"""

    action: ClassVar[CaseAction] = "accept-repair"
    repair: Id = Field(description="信用修复申请的编号", examples=["r1"])
    reason: Text = Field(default="", description="说明", examples=["材料齐全"])


class GrantRepairIn(AcceptRepairIn):
    """准予信用修复；名单随即终止，各部门解除措施。"""

    action = "grant-repair"


class RefuseRepairIn(StepIn):
    """不予受理或者不予修复；须说明理由。"""

    action: ClassVar[CaseAction] = "refuse-repair"
    repair: Id = Field(description="信用修复申请的编号", examples=["r1"])
    reason: Text = Field(description="理由", examples=["工资尚未付清"])


class ExtendRepairIn(RefuseRepairIn):
    """延长办理期限，只一次；须说明理由。"""

    action = "extend-repair"


class ShieldIn(StepIn):
    """法院批准重整计划或者和解协议，措施暂停实施。"""

    action = "shield"
    reason: Text = Field(description="法院裁定", examples=["（2026）豫0783破1号"])


class UnshieldIn(StepIn):
    """恢复实施。"""

    action = "unshield"


class CorrectIn(StepIn):
    """更正事实，依更正后的事实重新决定：不再负有的解除，新负有的增加。"""

    action = "correct"
    facts: Facts = Field(description="更正后的事实；值为 null 的删去", examples=[{"amount_owed": "20 万元"}])
    reason: Text = Field(description="理由", examples=["录入有误"])


STEPS: tuple[tuple[type[StepIn], str], ...] = (
    (NotifyIn, "告知"), (StatementIn, "陈述申辩"), (AnswerStatementIn, "答复陈述申辩"),
    (RequestHearingIn, "申请听证"), (HoldHearingIn, "举行听证"), (ShowBeforeIn, "认定前公示"), (DecideIn, "决定"),
    (ServeIn, "送达"), (PublishIn, "公示"), (ObjectIn, "异议"), (AnswerObjectionIn, "答复异议"),
    (ApplyRepairIn, "申请信用修复"), (AcceptRepairIn, "受理信用修复"), (RefuseRepairIn, "不予信用修复"),
    (ExtendRepairIn, "延长信用修复办理期限"), (GrantRepairIn, "准予信用修复"), (ShieldIn, "暂停实施"),
    (UnshieldIn, "恢复实施"), (CorrectIn, "更正"),
)  # fmt: skip
"""Every step with its name in Chinese, in the order of `CaseAction`."""
assert tuple(body.action for body, _ in STEPS) == get_args(CaseAction)
