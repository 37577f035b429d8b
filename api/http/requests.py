"""Request bodies. Money, dates and ratios in facts are text; the list's declaration types them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.office import Answer, CheckRequest, Filing, Party, Related
from adapters.office.filing import MAX_RELATED
from engine.casework.model import Evidence

Text = Annotated[str, Field(max_length=2_000)]
Id = Annotated[str, Field(min_length=1, max_length=200)]
Officer = Annotated[str, Field(max_length=100, description="经办人姓名或工号；必须是自然人", examples=["王芳"])]


class Body(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PartyIn(Body):
    """A subject, named by its identity code."""

    kind: Id = Field(description="主体类型", examples=["enterprise"])
    code: str = Field(max_length=64, description="统一社会信用代码或公民身份号码", examples=["91410728MA0000000C"])
    name: str = Field(
        default="", max_length=200, description="名称；只供显示，不参与匹配", examples=["示例建筑有限公司"]
    )

    def party(self) -> Party:
        """As the office takes it."""
        return Party(self.kind, self.code, self.name)


class RelatedIn(Body):
    """A person related to the subject."""

    role: Id = Field(description="关系", examples=["legal-representative"])
    party: PartyIn
    served_on: dt.date | None = Field(
        default=None,
        description="列入前已向此人送达决定之日；未送达的，送达之前对其措施不生效",
        examples=["2026-03-04"],
    )


class FilingIn(Body):
    """Place a subject on a list."""

    list: Id = Field(description="名单标识", examples=["wage-arrears"])
    subject: PartyIn
    facts: dict[str, Any] = Field(
        default={}, description="名单所需事实；金额、日期、比例用文本", examples=[{"amount_owed": "80 万元"}]
    )
    as_of: dt.date | None = Field(default=None, description="决定所依据的日期；默认当日")
    related: tuple[RelatedIn, ...] = Field(default=(), max_length=MAX_RELATED, description="相关人员")
    officer: Officer

    def filing(self) -> Filing:
        """As the office takes it."""
        related = tuple(Related(r.role, r.party.party(), r.served_on) for r in self.related)
        return Filing(self.list, self.subject.party(), self.facts, self.as_of, related)


class EndIn(Body):
    """End a listing."""

    ground: Literal[
        "performance", "repair", "expiry", "withdrawal", "annulment", "correction", "deceased", "dissolved"
    ] = Field(description="终止事由；设有信用修复程序的名单须经该程序修复", examples=["performance"])
    reason: Text = Field(description="理由", examples=["已足额支付拖欠的工资"])
    officer: Officer


class EvidenceIn(Body):
    """A document attached by its digest."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="文件的 SHA-256", examples=["0" * 64])
    title: str = Field(min_length=1, max_length=200, description="文件名称", examples=["停止受理通知书"])


EvidenceList = Annotated[list[EvidenceIn], Field(max_length=50, description="证明材料")]


class AnswerIn(Body):
    """What every answer has."""

    officer: Officer


def evidence_of(given: list[EvidenceIn]) -> tuple[Evidence, ...]:
    """As casework takes it."""
    return tuple(Evidence(e.sha256, e.title) for e in given)


class AcceptIn(AnswerIn):
    """接收。"""

    def answer(self) -> Answer:
        """As the office takes it."""
        return Answer("accept")


class ConfirmIn(AnswerIn):
    """确认减损权益的措施可以生效。"""

    remark: Text = ""

    def answer(self) -> Answer:
        """As the office takes it."""
        return Answer("confirm", remark=self.remark)


class ArmIn(AnswerIn):
    """布置常态措施。"""

    remark: Text = ""
    evidence: EvidenceList = []

    def answer(self) -> Answer:
        """As the office takes it."""
        return Answer("arm", remark=self.remark, evidence=evidence_of(self.evidence))


class LiftIn(ArmIn):
    """解除措施。"""

    def answer(self) -> Answer:
        """As the office takes it."""
        return Answer("lift", remark=self.remark, evidence=evidence_of(self.evidence))


class ApplyIn(AnswerIn):
    """常态措施遇到一次适用情形。"""

    occasion: Annotated[str, Field(min_length=1, max_length=500, description="何时何事")]
    applied: bool = Field(description="是否适用了措施")
    reason: Text = Field(default="", description="未适用的理由")
    evidence: EvidenceList = []

    def answer(self) -> Answer:
        """As the office takes it."""
        return Answer(
            "apply",
            occasion=self.occasion,
            applied=self.applied,
            reason=self.reason,
            evidence=evidence_of(self.evidence),
        )


class RespondIn(AnswerIn):
    """反馈：已实施（一次性措施）、不适用（附理由）、暂无适用情形（常态措施）。"""

    outcome: Literal["implemented", "not-applicable", "no-occasion"]
    reason: Text = ""
    evidence: EvidenceList = []

    def answer(self) -> Answer:
        """As the office takes it."""
        return Answer("respond", outcome=self.outcome, reason=self.reason, evidence=evidence_of(self.evidence))


class ReferIn(AnswerIn):
    """转办。"""

    to: Id = Field(description="转办部门", examples=["transport"])
    reason: Text

    def answer(self) -> Answer:
        """As the office takes it."""
        return Answer("refer", to=self.to, reason=self.reason)


class SlipIn(AnswerIn):
    """开具响应回执。"""


class CheckIn(Body):
    """逢办必查：办理事项前查询主体。"""

    matter: Id = Field(description="事项", examples=["government-procurement"])
    purpose: str = Field(
        min_length=1, max_length=500, description="查询目的；每次查询都记录", examples=["采购项目资格审查"]
    )
    code: str | None = Field(default=None, max_length=64, description="身份代码")
    subject: str | None = Field(default=None, max_length=64, description="主体的不透明标识，与 code 二选一")
    department: str | None = Field(default=None, max_length=64, description="默认为密钥所属部门")
    kind: str | None = Field(default=None, max_length=64, description="主体类型；代码含义不唯一时需要")
    officer: str = Field(default="", max_length=100, description="查询的经办人", examples=["王芳"])

    def request(self) -> CheckRequest:
        """As the office takes it."""
        return CheckRequest(self.matter, self.purpose, self.code, self.subject, self.department, self.kind)


class MigrationIn(Body):
    """Bring live cases under the policy in force."""

    cases: Annotated[list[Id], Field(max_length=1_000)] | None = Field(
        default=None, description="案件号；默认全部未结案件"
    )
    reason: Text = Field(default="", description="迁移理由；实际迁移时必填", examples=["措施的法律依据已修订"])
    dry_run: bool = Field(default=True, description="只模拟，不改变任何案件")
    officer: Officer
