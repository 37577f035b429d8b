"""Raw models of the documents under `rules/`: laws, departments, lists, measures and the rest."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from engine.language.ir import Effect, Level, MeasureClass, Mode, Nature
from engine.language.raw import (
    LEVELS,
    BasisEntry,
    Boolean,
    Condition,
    Date,
    Document,
    FactDecl,
    FactName,
    Id,
    Ids,
    Integer,
    Money,
    RatioValue,
    Raw,
    Response,
    Subject,
    Term,
    Text,
    Valid,
    Value,
    choice,
)
from engine.language.raw_procedure import RawProcedure
from engine.language.scalars import shown

DEPARTMENT_KINDS = ("administrative", "judicial", "party", "public-institution", "association", "market")
GOVERNMENT_LEVELS = ("national", "provincial", "city", "county", "township")
EFFECTS: tuple[str, ...] = Effect.__args__  # type: ignore[attr-defined]
HITS = ("unique", "first", "any", "min", "max", "sum")


def _digest(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch("[0-9a-f]{64}", value):
        context = {"message": f"{shown(value)}不是 SHA-256 摘要", "expected": "64 位小写十六进制", "suggestion": ""}
        raise PydanticCustomError("XH180", "{message}", context)
    return value


Sha256 = Annotated[str, BeforeValidator(_digest), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]


class RawLaw(Document):
    """法律文件：法律、法规、规章、政策文件或备忘录，供他处引用。"""

    law: Id = Field(description="标识，同文件名")
    level: Annotated[Level, choice(*LEVELS)] = Field(description="效力层级")
    number: Text | None = Field(None, description="文号")
    issuer: Text | None = Field(None, description="制定机关")
    valid: Valid = Field(description="有效期")
    text: Text | None = Field(None, description="核对所用文本的文件名")
    sha256: Sha256 | None = Field(None, description="核对时文本的 SHA-256 摘要")
    articles: dict[Text, Text] = Field(description="被引用的条款及其摘要")


class RawName(Raw):
    """部门用过的名称。"""

    name: Text = Field(description="名称")
    start: Date | None = Field(None, alias="from", description="自哪一日起")
    until: Date | None = Field(None, description="至哪一日止（含当日）")


class RawDepartment(Document):
    """部门：发起或实施措施的机关、组织。"""

    department: Id = Field(description="标识，同文件名，不随更名而变")
    level: Annotated[str, choice(*GOVERNMENT_LEVELS), WithJsonSchema({"enum": list(GOVERNMENT_LEVELS)})] = Field(
        description="层级"
    )
    kind: Annotated[
        Literal["administrative", "judicial", "party", "public-institution", "association", "market"],
        choice(*DEPARTMENT_KINDS),
    ] = Field(description="性质")
    names: list[RawName] = Field(default=[], description="历任名称")
    valid: Valid | None = Field(None, description="存续期")
    merged_into: Id | None = Field(None, description="撤并后由哪个部门承接")


class RawRecord(Document):
    """记录种类：征集目录中的一项。"""

    record: Id = Field(description="标识，同文件名")
    supplied_by: list[Id] = Field(default=[], description="由哪些部门提供，缺省为任何部门")
    fields: dict[FactName, FactDecl] = Field(description="字段")
    excluded: Condition = Field(None, description="满足此条件的记录一律不作依据")
    worse: Annotated[Literal["more", "fewer"], choice("more", "fewer")] | None = Field(
        None, description="more：越多情节越重；fewer：越少越重。用于证明过罚相当"
    )


class RawList(Document):
    """名单。"""

    list_: Id = Field(alias="list", description="标识，同文件名")
    kind: Annotated[Literal["incentive", "sanction", "watch"], choice("incentive", "sanction", "watch")] = Field(
        description="激励、惩戒或重点关注"
    )
    severe: Boolean = Field(default=False, description="是否严重失信主体名单")
    filed_by: Ids = Field(description="发起部门")
    subjects: Annotated[list[Subject], Field(min_length=1)] = Field(description="主体种类")
    facts: dict[FactName, FactDecl] = Field(default={}, description="列入时的事实")
    procedure: RawProcedure | None = Field(None, description="程序：各阶段与时限")
    basis: list[BasisEntry] = Field(default=[], description="依据")
    valid: Valid | None = Field(None, description="有效期")


class RawDirective(Raw):
    """窗口办理该事项时的指令。"""

    matter: Id = Field(description="事项")
    effect: Annotated[Effect, choice(*EFFECTS)] = Field(description="作用")


def _any_is_empty(value: object) -> object:
    return [] if value == "any" else value


Authority = Annotated[
    list[Id],
    BeforeValidator(_any_is_empty),
    WithJsonSchema({"anyOf": [{"const": "any"}, {"type": "array", "items": {"type": "string"}}]}),
]


class RawMeasure(Document):
    """措施。"""

    measure: Id = Field(description="标识，同文件名")
    kind: Annotated[Literal["incentive", "sanction"], choice("incentive", "sanction")] = Field(description="激励或惩戒")
    class_: Annotated[MeasureClass, choice("restrictive", "managerial", "voluntary")] = Field(
        alias="class", description="减损权益、管理性或自愿性"
    )
    nature: Annotated[Nature, choice("administrative", "market", "industry", "social")] = Field(
        description="行政性、市场性、行业性或社会性"
    )
    mode: Annotated[Mode, choice("standing", "one-shot")] = Field(description="持续性或一次性")
    reversible: Boolean | None = Field(None, description="一次性措施：名单结束时是否须恢复，缺省 true")
    subjects: list[Subject] = Field(default=[], description="适用的主体种类，缺省为所有")
    authority: Authority = Field(default=[], description="有权作出的部门；any 为任何实施部门")
    directive: RawDirective | None = Field(None, description="窗口指令")
    steps: list[Id] = Field(default=[], description="从严核验的步骤，须在该事项的 verification 中")
    response: Response = Field(default=Response.model_construct(), description="响应要求")
    base_list_item: Text | None = Field(None, description="全国失信惩戒措施基础清单中的条目")
    term: Term | None = Field(None, description="最长实施多久，缺省与列入同长")
    ladder: Id | None = Field(None, description="督办阶梯，缺省按名单的")
    basis: list[BasisEntry] = Field(default=[], description="依据")
    valid: Valid | None = Field(None, description="有效期")


class RawDocument(Raw):
    """申请材料。"""

    id: Id = Field(description="材料标识")
    title: Text = Field(description="材料名称")
    may_be_outstanding: Term | None = Field(None, description="可容缺多久，缺省为不可容缺")


class RawMatter(Document):
    """事项：窗口办理的业务。"""

    matter: Id = Field(description="标识，同文件名")
    departments: Ids = Field(description="办理部门")
    documents: list[RawDocument] = Field(default=[], description="申请材料")
    verification: dict[Id, Text] = Field(default={}, description="依法可加做的核验步骤")
    basis: list[BasisEntry] = Field(default=[], description="依据")


class RawRow(Raw):
    """分级表的一行。"""

    when: Condition = Field(description="条件；{} 为任何情形")
    then: dict[FactName, Value] = Field(description="输出")


class RawRatio(Raw):
    """金额事实的一个比例。"""

    ratio: RatioValue = Field(description="比率")
    of: FactName = Field(description="金额事实")


class RawLimit(Raw):
    """建议授信额度的公式。"""

    amount: FactName = Field(description="作为基数的输出")
    plus: list[RawRatio] = Field(default=[], description="另加的各项")
    floor: Money = Field(description="下限")
    cap: Money = Field(description="上限")


class RawTable(Document):
    """分级表（决策表）。"""

    table: Id = Field(description="标识，同文件名")
    inputs: Annotated[dict[FactName, FactDecl], Field(min_length=1)] = Field(description="输入")
    outputs: Annotated[dict[FactName, FactDecl], Field(min_length=1)] = Field(description="输出")
    hit: Annotated[Literal["unique", "first", "any", "min", "max", "sum"], choice(*HITS)] = Field(
        description="多行同时成立时如何取值"
    )
    rows: Annotated[list[RawRow], Field(min_length=1)] = Field(description="各行")
    limit: RawLimit | None = Field(None, description="额度公式")
    basis: list[BasisEntry] = Field(default=[], description="依据")


class RawCalendar(Raw):
    """工作日历：一年的放假与调休安排。"""

    calendar: Integer = Field(description="年份，同文件名")
    title: Text | None = Field(None, description="中文名称")
    holidays: list[Date] = Field(description="放假的工作日；周末不必写")
    makeup: list[Date] = Field(default=[], description="调休上班的周末")
    provisional: Boolean = Field(default=False, description="通知尚未公布时为 true")
    source: Text = Field(description="放假通知")
