"""Building blocks of the raw models: scalars parsed from text, with the Chinese descriptions that editors show.

The raw models say what a policy file may look like, key by key. They validate, and the JSON Schemas come from them;
what the values mean together is checked in `engine.language.build`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError

from engine.language import scalars
from engine.language.ir import ROLES, SUBJECT_KINDS, Duration, Level, Type, Validity


class Raw(BaseModel):
    """A mapping with fixed keys."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)


def _text_only(value: object) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "text expected")
    return value


def _scalar(parse: Callable[[str], Any]) -> BeforeValidator:
    """A validator that turns a `ScalarError` into an error whose type is the diagnostic's code."""

    def validate(value: object) -> Any:
        try:
            return parse(_text_only(value))
        except scalars.ScalarError as error:
            context = {"message": error.message, "expected": error.expected, "suggestion": error.suggestion}
            raise PydanticCustomError(error.code, "{message}", context) from None

    return BeforeValidator(validate)


def _text(value: str) -> str:
    if not value.strip():
        raise scalars.ScalarError("XH028", "文字为空", expected="一段文字")
    return value


def _one_of(values: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        try:
            return scalars.enum(text, values)
        except scalars.ScalarError as error:
            raise scalars.ScalarError(
                "XH024", error.message, expected=error.expected, suggestion=error.suggestion
            ) from None

    return parse


def choice(*values: str) -> Any:
    """Annotation metadata: one of `values`."""
    return _scalar(_one_of(values))


def _schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$", "examples": [example]})


SCALAR_SCHEMA = {"type": ["string", "number", "boolean"]}  # editors type plain YAML scalars before the schema sees them
CONDITION = "x-condition"  # its value names the part of the condition grammar that `engine.language.schema` puts there

Text = Annotated[str, _scalar(_text), WithJsonSchema(SCALAR_SCHEMA)]
Id = Annotated[str, _scalar(scalars.identifier), _schema("[a-z][a-z0-9-]*", "market-regulation")]
FactName = Annotated[str, _scalar(scalars.fact_name), _schema("[a-z][a-z0-9_]*", "amount_owed")]
Date = Annotated[dt.date, _scalar(scalars.date), _schema("[0-9]{4}-[0-9]{2}-[0-9]{2}", "2024-01-31")]
DateOrNone = Annotated[
    dt.date | None,
    _scalar(lambda text: None if text == "none" else scalars.date(text)),
    _schema("[0-9]{4}-[0-9]{2}-[0-9]{2}|none", "2024-01-31"),
]
Boolean = Annotated[bool, _scalar(scalars.boolean), WithJsonSchema({"type": "boolean"})]
Integer = Annotated[int, _scalar(scalars.integer), WithJsonSchema({"type": "integer"})]
Money = Annotated[int, _scalar(scalars.money), _schema(r"-?[0-9_,.]+ ?(?:元|万元|亿元|CNY)", "10 万元")]
RatioValue = Annotated[int, _scalar(scalars.ratio), _schema(r"-?[0-9]+(?:\.[0-9]{1,2})?%", "30%")]
Term = Annotated[
    Duration,
    _scalar(scalars.duration),
    _schema("[0-9]+ (?:working days?|days?|months?|years?)", "3 working days"),
]
Subject = Annotated[str, choice(*SUBJECT_KINDS), WithJsonSchema({"enum": list(SUBJECT_KINDS)})]
Role = Annotated[str, choice(*ROLES), WithJsonSchema({"enum": list(ROLES)})]
Condition = Annotated[Any, WithJsonSchema({CONDITION: "Condition"})]
Quantifier = Annotated[Any, WithJsonSchema({CONDITION: "Quantifier"})]
Value = Annotated[Any, WithJsonSchema({"anyOf": [SCALAR_SCHEMA, {"type": "array", "items": SCALAR_SCHEMA}]})]
Ids = Annotated[list[Id], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Permitted:
    """What an enum or the members of a list may be, in file order, with the titles that the file gives."""

    ids: tuple[str, ...] = ()
    titles: dict[str, str] = field(default_factory=dict)


TEXTS: TypeAdapter[list[str]] = TypeAdapter(list[Text])
TITLED: TypeAdapter[dict[str, str]] = TypeAdapter(dict[Text, Text])


def _permitted(value: object) -> Permitted:
    """From `[id, …]`, or from `{id: title, …}`. Not a union: its errors would not lead back to lines."""
    if isinstance(value, dict):
        titles = TITLED.validate_python(value)
        return Permitted(tuple(titles), titles)
    return Permitted(tuple(TEXTS.validate_python(value)))


Values = Annotated[
    Permitted,
    PlainValidator(_permitted),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": SCALAR_SCHEMA},
                {"type": "object", "additionalProperties": SCALAR_SCHEMA},
            ]
        }
    ),
]


class Valid(Raw):
    """有效期：首尾两日都有效，缺省为不限。"""

    start: Date | None = Field(None, alias="from", description="自哪一日起有效")
    until: Date | None = Field(None, description="至哪一日止有效（含当日）")

    def validity(self) -> Validity:
        """The period as the IR has it."""
        return Validity(self.start, self.until)


class VerifiedOn(Raw):
    """引用何时与原文逐字核对过。没有核对过就不写。"""

    by: Annotated[Literal["text"], choice("text")] = Field(description="text：与原文逐字核对")
    on: Date = Field(description="核对日期")


class Covers(Raw):
    """依据所及的范围。缺省：所有主体种类、没有关联人、所有名单。"""

    subjects: list[Subject] = Field(default=[], description="主体种类")
    roles: list[Role] = Field(default=[], description="关联人的身份")
    lists: list[Id] = Field(default=[], description="名单")


class BasisEntry(Raw):
    """一条法律依据。"""

    law: Id = Field(description="法律文件的标识")
    article: Text = Field(description="条款，须列在该文件的 articles 中")
    quote: Text | None = Field(None, description="条款中的原话，逐字")
    verified: VerifiedOn | None = Field(None, description="与原文核对的情况")
    covers: Covers = Field(default=Covers(), description="依据所及的范围")
    max_: Term | None = Field(None, alias="max", description="依本条采取的措施最长多久")
    note: Text | None = Field(None, description="备注")


class FactDecl(Raw):
    """一个事实的声明。"""

    type: Annotated[Type, choice(*Type)] = Field(description="类型")
    title: Text | None = Field(None, description="中文名称")
    values: Values = Field(default_factory=Permitted, description="枚举的取值，或列表允许的成员；可写“取值: 名称”")
    required: Boolean = Field(default=False, description="列入名单时是否必须提供")
    changeable: Boolean = Field(default=False, description="主体此后能否使其改变（缴清、改正、履行）；既往的行为不能")
    worse: Annotated[Literal["higher", "lower"], choice("higher", "lower")] | None = Field(
        None, description="取值往哪边情节更重：higher 越大、为真、枚举中越靠后越重；lower 相反。用于证明过罚相当"
    )


class Response(Raw):
    """响应要求：各个时限与反馈周期。"""

    accept: Term | None = Field(None, description="接收时限，缺省 3 个工作日")
    arm: Term | None = Field(None, description="落实时限，缺省 10 个工作日")
    lift: Term | None = Field(None, description="解除时限，缺省 3 个工作日")
    feedback: (
        Annotated[
            Literal["none", "monthly", "quarterly", "half-yearly", "yearly"],
            choice("none", "monthly", "quarterly", "half-yearly", "yearly"),
        ]
        | None
    ) = Field(None, description="反馈周期，缺省 none")
    evidence: Annotated[Literal["required", "optional"], choice("required", "optional")] | None = Field(
        None, description="是否须附证据，缺省 optional"
    )


class Document(Raw):
    """各类文档共有的键。"""

    title: Text = Field(description="中文名称")
    source: Text | None = Field(None, description="资料出处")


LEVELS: tuple[str, ...] = Level.__args__  # type: ignore[attr-defined]
