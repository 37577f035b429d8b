"""Raw model of how long the personal data of a subject are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.language.raw import BasisEntry, Document, Id, Raw, Subject, Term, Text


class RawKeeping(Raw):
    """一条保存期限的规则。"""

    id: Id = Field(description="规则标识，删除时记入台账")
    title: Text | None = Field(None, description="中文名称")
    subjects: Annotated[list[Subject], Field(min_length=1)] = Field(description="适用的主体种类")
    lists: list[Id] = Field(default=[], description="只适用于列入这些名单的案件；缺省为其余的案件和全部记录")
    keep: Term = Field(description="保存多久：自案件办结之日、记录之日起，按日、月、年")
    basis: Annotated[list[BasisEntry], Field(min_length=1)] = Field(description="依据")


class RawRetention(Document):
    """保存期限：主体的个人信息保存多久，届满即删除。"""

    retention: Id = Field(description="标识，同文件名")
    rules: Annotated[list[RawKeeping], Field(min_length=1)] = Field(
        description="各条规则；一个案件或一条记录适用其中第一条合适的"
    )
