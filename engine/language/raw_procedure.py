"""Raw models of how a list is worked: its stages and clocks, and the ladders by which what is late is chased."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from engine.language.raw import Boolean, Document, FactName, Id, Ids, Raw, Term, Text, choice

ACTS = ("remind", "chief", "joint-office", "report")
REQUIREMENTS: Mapping[str, str] = {
    "performed": "义务已履行完毕",
    "corrected": "已改正",
    "harm-removed": "已消除危害后果",
    "no-recurrence": "未再发生同类行为",
    "publicity-duty-performed": "已履行公示义务",
    "commitment": "已公开作出信用承诺",
}
"""What a list may ask an application for repair to prove. A closed list: nobody can ever prove a misspelt word."""
Requirement = Annotated[str, choice(*REQUIREMENTS), WithJsonSchema({"enum": list(REQUIREMENTS)})]


class Sourced(Raw):
    """一个阶段或时限，连同它的出处。"""

    source: Text | None = Field(None, description="出处；未核对原文的须注明")


class RawUpstreamStage(Sourced):
    """申报前已由申报单位完成的阶段，由名单自己的必填事实证明。"""

    date: FactName = Field(description="证明日期的事实，date 类型")
    number: FactName | None = Field(None, description="证明文号的事实，text 类型")
    proof: FactName | None = Field(None, description="证明凭证的事实，text 类型")


class RawUpstream(Raw):
    """申报前已完成的各阶段。"""

    notice: RawUpstreamStage | None = Field(None, description="告知")
    statement: RawUpstreamStage | None = Field(None, description="陈述申辩")
    hearing: RawUpstreamStage | None = Field(None, description="听证")
    decision: RawUpstreamStage | None = Field(None, description="决定")
    service: RawUpstreamStage | None = Field(None, description="送达")


class RawNotice(Sourced):
    """事前告知，由本系统完成。"""


class RawStatement(Sourced):
    """陈述申辩。"""

    within: Term = Field(description="告知后多久内可以陈述申辩")


class RawHearing(Sourced):
    """听证。"""

    request: Term = Field(description="告知后多久内可以要求听证")
    notice: Term | None = Field(None, description="举行前多久通知")


class RawPrePublicity(Sourced):
    """认定前的公示，用于激励名单。"""

    minimum: Term = Field(alias="min", description="至少公示多久")


class RawDecision(Sourced):
    """列入决定，由本系统完成。"""

    by: Ids | None = Field(None, description="作出决定的部门，缺省为发起部门")


class RawService(Sourced):
    """送达。"""

    within: Term = Field(description="决定后多久内送达")


class RawLimits(Raw):
    """一项规定对公示期的限制。"""

    law: Id = Field(description="法律文件的标识")
    article: Text | None = Field(None, description="条款，须列在该文件的 articles 中")
    minimum: Term | None = Field(None, alias="min", description="最短")
    maximum: Term | None = Field(None, alias="max", description="最长")


class RawPublicity(Sourced):
    """公示，自决定之日起算。"""

    public: Boolean = Field(default=True, description="是否向社会公示")
    within: Term | None = Field(None, description="多久内公示")
    minimum: Term | None = Field(None, alias="min", description="最短公示期，满后方可修复")
    maximum: Term | None = Field(None, alias="max", description="最长公示期，缺省至名单结束")
    channels: list[Id] = Field(default=[], description="公示渠道")
    limits: list[RawLimits] = Field(default=[], description="各项规定对公示期的限制，取最严者")


class RawTerm(Sourced):
    """列入期限，自决定之日起算。"""

    length: Term | None = Field(None, description="期限，缺省至有事由使其结束")
    until_performed: dict[FactName, Annotated[list[Text], Field(min_length=1)]] | None = Field(
        None, description="枚举事实取这些值的，履行完毕方结束"
    )
    extension: Term | None = Field(None, description="最多可延长多久")


class RawRepair(Sourced):
    """信用修复。"""

    after: Term | None = Field(None, description="决定后多久方可申请；最短公示期另须届满")
    requires: list[Requirement] = Field(default=[], description="申请须证明什么")
    accept: Term = Field(description="收到后多久内决定是否受理")
    decide: Term = Field(description="受理后多久内办结")
    extend: Term | None = Field(None, description="复杂的可延长一次，延长多久")


class RawObjection(Sourced):
    """异议。"""

    own: Term | None = Field(None, description="本部门信息的核查时限，缺省 3 个工作日")
    verify: Term | None = Field(None, description="须向提供单位核查的时限，缺省 7 个工作日")
    provider: Term | None = Field(None, description="提供单位的答复时限，缺省 3 个工作日")
    suspends: Boolean = Field(default=False, description="异议期间措施是否暂停")


class RawEnds(Sourced):
    """名单因各种事由结束后，措施须在多久内解除；缺省按措施自己的时限。"""

    performance: Term | None = Field(None, description="履行完毕")
    repair: Term | None = Field(None, description="信用修复")
    expiry: Term | None = Field(None, description="期限届满")
    withdrawal: Term | None = Field(None, description="认定单位移出")
    annulment: Term | None = Field(None, description="依据被撤销")
    correction: Term | None = Field(None, description="列入有误")
    deceased: Term | None = Field(None, description="自然人死亡")
    dissolved: Term | None = Field(None, description="单位终止")
    not_listed: Term | None = Field(None, alias="not-listed", description="不予列入")


class RawProcedure(Sourced):
    """程序：各阶段与时限。写出的阶段由本系统完成，写在 upstream 中的在申报前已完成，都没有写的没有这一阶段。"""

    upstream: RawUpstream | None = Field(None, description="申报前已完成的阶段")
    notice: RawNotice | None = Field(None, description="告知")
    statement: RawStatement | None = Field(None, description="陈述申辩")
    hearing: RawHearing | None = Field(None, description="听证")
    pre_publicity: RawPrePublicity | None = Field(None, description="认定前公示")
    decision: RawDecision | None = Field(None, description="决定")
    service: RawService | None = Field(None, description="送达")
    publicity: RawPublicity | None = Field(None, description="公示")
    term: RawTerm | None = Field(None, description="列入期限")
    repair: RawRepair | None = Field(None, description="信用修复")
    objection: RawObjection | None = Field(None, description="异议")
    ends: RawEnds | None = Field(None, description="结束后解除措施的时限")
    ladder: Id | None = Field(None, description="督办阶梯")


class RawRung(Raw):
    """督办阶梯的一级。"""

    act: Annotated[Literal["remind", "chief", "joint-office", "report"], choice(*ACTS)] = Field(
        description="提醒经办人、提醒部门负责人、联席会议办公室督办或通报"
    )
    title: Text = Field(description="中文名称")
    after: Term = Field(description="逾期多久后，按工作日")
    to: list[Id] = Field(default=[], description="告知哪些部门，缺省为逾期的部门")


class RawLadder(Document):
    """督办阶梯：逾期的事项如何逐级督办。"""

    ladder: Id = Field(description="标识，同文件名")
    default: Boolean = Field(default=False, description="名单没有写明阶梯时是否用它")
    rungs: Annotated[list[RawRung], Field(min_length=1)] = Field(description="各级，由近及远，最后一级须为 report")
