"""Raw models of joint memoranda (合作备忘录)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from engine.language.ir import ROLES, Type
from engine.language.raw import (
    BasisEntry,
    Condition,
    Document,
    FactName,
    Id,
    Ids,
    Permitted,
    Quantifier,
    Raw,
    Response,
    Role,
    Text,
    Valid,
    Value,
    Values,
    choice,
)

OUTCOMES = ("implemented", "not-applicable", "referred", "no-occasion")
Outcome = Annotated[Literal["implemented", "not-applicable", "referred", "no-occasion"], choice(*OUTCOMES)]


class RawChoice(Raw):
    """推导取值的一行。"""

    when: Condition = Field(None, description="条件；最后一行可不写")
    value: Value = Field(description="取值")


class RawDerivation(Raw):
    """由其他事实推导出的事实。when、choose、count 三者取一。"""

    fact: FactName = Field(description="名称")
    title: Text = Field(description="中文名称")
    type: Annotated[Type, choice(*Type)] | None = Field(None, description="类型；choose 必写")
    values: Values = Field(default_factory=Permitted, description="枚举的取值；可写“取值: 名称”")
    when: Condition = Field(None, description="条件成立则为真")
    choose: list[RawChoice] | None = Field(None, description="自上而下第一个成立的取值")
    count: Quantifier = Field(None, description="记录计数")


def _subject_is_empty(value: object) -> object:
    return {"related": []} if value == "subject" else value


class RawTarget(Raw):
    """措施针对谁。"""

    related: list[Role] = Field(description="关联人的身份")


Target = Annotated[
    RawTarget,
    BeforeValidator(_subject_is_empty),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "subject"},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["related"],
                    "properties": {
                        "related": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"enum": list(ROLES)},
                            "description": "关联人的身份",
                        }
                    },
                },
            ]
        }
    ),
]


class RawConsequence(Raw):
    """后果：oblige（应当实施）、advise（建议）、limit（建议额度）三者取一。"""

    oblige: Id | None = Field(None, description="应当实施的措施")
    advise: Id | None = Field(None, description="建议实施的措施")
    limit: Id | None = Field(None, description="给出建议额度的分级表")
    by: Ids = Field(description="实施部门")
    target: Target | None = Field(None, description="针对谁；缺省 subject")
    after: list[Id] = Field(default=[], description="须先行的措施")
    basis: list[BasisEntry] = Field(default=[], description="依据")
    response: Response = Field(default=Response.model_construct(), description="响应要求")


class RawRule(Raw):
    """备忘录的一条规则。"""

    id: Id = Field(description="规则标识，在备忘录内唯一")
    title: Text | None = Field(None, description="中文名称")
    clause: Text | None = Field(None, description="在备忘录中的条款位置")
    when: Condition = Field(None, description="触发条件；缺省为总是")
    unless: Condition = Field(None, description="例外")
    overrides: list[Id] = Field(default=[], description="本规则成立时不再适用的规则；须有依据")
    basis: list[BasisEntry] = Field(default=[], description="依据")
    valid: Valid | None = Field(None, description="有效期")
    then: Annotated[list[RawConsequence], Field(min_length=1)] = Field(description="后果")


class RawMemorandum(Document):
    """合作备忘录：列入哪份名单，哪些部门采取哪些措施。"""

    memorandum: Id = Field(description="标识，同文件名")
    document: Text | None = Field(None, description="文号")
    list_: Id = Field(alias="list", description="名单")
    valid: Valid | None = Field(None, description="有效期")
    existing_cases: Annotated[Literal["keep", "migrate"], choice("keep", "migrate")] = Field(
        "keep", description="本备忘录施行或修改时的在办案件：keep 仍依原政策，migrate 改依新政策"
    )
    basis: list[BasisEntry] = Field(default=[], description="备忘录自身的依据；不计入措施的依据")
    derive: list[RawDerivation] = Field(default=[], description="推导的事实")
    rules: Annotated[list[RawRule], Field(min_length=1)] = Field(description="规则")
