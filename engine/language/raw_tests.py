"""Raw models of the tests beside a memorandum: a situation, and what must follow from it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from engine.language.raw import (
    Boolean,
    Date,
    DateOrNone,
    FactName,
    Id,
    Money,
    Raw,
    Role,
    Subject,
    Text,
    Value,
    choice,
)
from engine.language.raw_memoranda import Outcome

ID_SCHEMA = {"type": "string", "pattern": "^(?:[a-z][a-z0-9-]*)$"}
FEEDBACKS = ("none", "monthly", "quarterly", "half-yearly", "yearly")
DUTIES = ("implement", "assist", "transmit")

Feedback = Annotated[Literal["none", "monthly", "quarterly", "half-yearly", "yearly"], choice(*FEEDBACKS)]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


OneOrMore = Annotated[
    Annotated[list[Id], Field(min_length=1)],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [ID_SCHEMA, {"type": "array", "minItems": 1, "items": ID_SCHEMA}]}),
]


class RawTestRecord(Raw):
    """测试情形中的一条记录。"""

    record: Id = Field(description="记录种类")
    date: Date | None = Field(None, description="日期；可缺")
    fields: dict[FactName, Value] = Field(default={}, description="字段")


class RawTestRelation(Raw):
    """测试情形中的一个关联人。"""

    role: Role = Field(description="身份")
    id: Id = Field(description="代号")
    kind: Subject = Field(default="natural-person", description="主体种类")


class RawTestResponse(Raw):
    """测试情形中已有的一次答复。"""

    measure: Id = Field(description="措施")
    by: Id = Field(description="部门")
    outcome: Outcome = Field(description="答复结果")


class RawNamed(Raw):
    """一项或几项措施：by 的每个部门、target 的每个人各一项。"""

    measure: Id = Field(description="措施")
    by: OneOrMore = Field(description="部门，一个或几个")
    target: OneOrMore | None = Field(None, description="关联人代号，一个或几个；subject 或缺省为主体自身")


class RawTerms(Raw):
    """措施的时限和反馈，都自测试的决定之日起算。"""

    accept_by: Date | None = Field(None, description="当日开始的，最迟何日接收")
    act_by: Date | None = Field(None, description="当日开始的，最迟何日落实")
    lift_by: Date | None = Field(None, description="名单当日终止的，最迟何日解除（按措施自己的时限）")
    expires_on: DateOrNone = Field(None, description="当日落实的，何日届满；none 为与名单同期")
    feedback_by: DateOrNone = Field(None, description="当日落实的，何日前首次反馈；none 为不必定期反馈")
    feedback: Feedback | None = Field(None, description="反馈周期")
    evidence: Boolean | None = Field(None, description="反馈须否附证据")


class RawMeasureTerms(RawTerms):
    """一项或几项措施各自的时限。"""

    measure: OneOrMore = Field(description="措施，一项或几项")


class RawArticle(Raw):
    """一条依据。"""

    law: Id = Field(description="法律文件的标识")
    article: Text = Field(description="条款")


class RawOwed(RawNamed, RawTerms):
    """预期的应响应事项；写出的时限等也须相符，没有写的不问。"""

    after: list[Id] | None = Field(None, description="恰好须先行的措施；[] 为无须等待")
    duty: Annotated[Literal["implement", "assist", "transmit"], choice(*DUTIES)] | None = Field(
        None, description="职责：implement 实施、assist 协助、transmit 转送"
    )
    basis: list[RawArticle] = Field(default=[], description="依据中须有的条款")


class RawLifts(Raw):
    """名单当日因某一事由终止的，各项措施最迟何日解除；none 为按各项措施自己的时限。"""

    performance: DateOrNone = Field(None, description="履行完毕")
    repair: DateOrNone = Field(None, description="信用修复")
    expiry: DateOrNone = Field(None, description="期限届满")
    withdrawal: DateOrNone = Field(None, description="认定单位移出")
    annulment: DateOrNone = Field(None, description="依据被撤销")
    correction: DateOrNone = Field(None, description="列入有误")
    deceased: DateOrNone = Field(None, description="自然人死亡")
    dissolved: DateOrNone = Field(None, description="单位终止")
    not_listed: DateOrNone = Field(None, alias="not-listed", description="不予列入")


class RawDates(Raw):
    """名单的程序在这一情形下给出的日期。各步都当作在测试的决定之日办理；none 为没有这一期限。"""

    statement_until: DateOrNone = Field(None, description="当日告知的，陈述申辩至何日")
    hearing_until: DateOrNone = Field(None, description="当日告知的，申请听证至何日")
    hearing_from: DateOrNone = Field(None, description="当日通知的，听证最早何日举行")
    shown_before_until: DateOrNone = Field(None, description="当日开始认定前公示的，至何日")
    serve_by: DateOrNone = Field(None, description="当日决定的，最迟何日送达")
    publish_by: DateOrNone = Field(None, description="最迟何日公示；自决定之日（在申报前决定的，为该日）")
    publicity_minimum: DateOrNone = Field(None, description="最短公示期至何日；自决定之日")
    publicity_until: DateOrNone = Field(None, description="公示至何日；自决定之日")
    listing_until: DateOrNone = Field(None, description="列入至何日；自决定之日")
    repair_minimum: DateOrNone = Field(None, description="申请信用修复的最短期限至何日；自决定之日，不计最短公示期")
    repair_from: DateOrNone = Field(None, description="最早何日申请信用修复；自决定之日")
    repair_accept_by: DateOrNone = Field(None, description="当日申请的，最迟何日决定是否受理")
    repair_decide_by: DateOrNone = Field(None, description="当日受理的，最迟何日办结")
    repair_extended_by: DateOrNone = Field(None, description="当日受理并延长的，最迟何日办结")
    objection_by: DateOrNone = Field(None, description="当日提出异议的，最迟何日答复（本单位数据）")
    verification_by: DateOrNone = Field(None, description="当日提出异议的，最迟何日答复（须核查的数据）")
    provider_by: DateOrNone = Field(None, description="当日提出异议的，数据提供单位最迟何日答复")
    lifts: RawLifts = Field(default=RawLifts.model_construct(), description="终止后何日解除")


class RawExpect(Raw):
    """预期：至少写一项。"""

    fires: list[Id] = Field(default=[], description="必须触发的规则")
    silent: list[Id] = Field(default=[], description="必须不触发的规则")
    unknown: dict[Id, list[Text]] = Field(default={}, description="悬而未决的规则，及补上哪些事实即可决定")
    owes: list[RawOwed] = Field(default=[], description="应响应事项")
    owes_exactly: list[RawOwed] = Field(default=[], description="全部应响应事项，此外没有；[] 为没有任何事项")
    owes_not: list[RawNamed] = Field(default=[], description="不得出现的应响应事项")
    advice: list[RawNamed] = Field(default=[], description="建议")
    advice_exactly: list[RawNamed] = Field(default=[], description="全部建议，此外没有；[] 为没有任何建议")
    limit: Money | None = Field(None, description="建议额度")
    limit_by: OneOrMore | None = Field(None, description="建议额度给哪些部门，一个或几个")
    derived: dict[FactName, Value] = Field(default={}, description="推导的事实")
    explains: list[Text] = Field(default=[], description="决定的理由中须有的文字，每项为一行或其一部分")
    dates: RawDates = Field(default=RawDates.model_construct(), description="名单的程序给出的日期")
    measures: list[RawMeasureTerms] = Field(default=[], description="措施自己的时限；不问条款是否触发")


class RawStep(Raw):
    """其后的一步：又有答复，重新决定。"""

    on: Date | None = Field(None, description="何日；缺省同前一步")
    respond: Annotated[list[RawTestResponse], Field(min_length=1)] = Field(description="这一步的答复")
    expect: RawExpect = Field(description="预期")


class RawCase(Raw):
    """一个测试。"""

    name: Text = Field(description="一句话说明")
    like: Text | None = Field(None, description="与前面哪一个测试情形相同；下面只写不同之处")
    as_of: Date | None = Field(None, description="决定之日；写了 like 的可不写")
    subject: Subject | None = Field(None, description="主体种类；写了 like 的可不写")
    facts: dict[FactName, Value] = Field(default={}, description="事实；写了 like 的，其余事实照旧")
    without: list[FactName] = Field(default=[], description="like 的测试中有、这里没有的事实")
    records: list[RawTestRecord] = Field(default=[], description="记录；写了 like 的，写出即全部替换，[] 为没有")
    relations: list[RawTestRelation] = Field(default=[], description="关联人；同上")
    responses: list[RawTestResponse] = Field(default=[], description="已有的答复；同上")
    expect: RawExpect = Field(description="预期")
    steps: list[RawStep] = Field(default=[], description="其后的各步，依次累加")


class RawTests(Raw):
    """备忘录旁的测试。"""

    tests: Id = Field(description="所测的备忘录")
    title: Text | None = Field(None, description="中文名称")
    source: Text | None = Field(None, description="资料出处")
    cases: Annotated[list[RawCase], Field(min_length=1)] = Field(description="各个测试")
