"""Response bodies of the procedure: where a case stands, its letters, messages, and migrations."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from adapters.office.model import LetterView, MessageView, Migration, ProcessView, Stepped
from api.http.responses import CaseOut, Out
from api.http.signed import PROMISE, SignedOut


class DueOut(Out):
    """A deadline."""

    on: dt.date
    provisional: bool = Field(description="期限所在年份的放假安排尚未公布")


class StatementOut(Out):
    """A statement and its answers."""

    id: str
    received_on: dt.date
    points: list[str]
    answers: list[str] = Field(description="与各点意见一一对应；尚未答复的为空")
    late: bool = Field(description="逾期收到")


class PartyOut(Out):
    """Someone whom the listing reaches."""

    id: str = Field(description="不透明标识")
    role: str = Field(description="subject 主体，或者相关人员的关系")
    noticed_on: dt.date | None = Field(description="告知之日")
    statement_until: DueOut | None = Field(description="陈述申辩期至")
    hearing_until: DueOut | None = Field(description="听证申请期至")
    statements: list[StatementOut]
    hearing: str = Field(description="none | requested | requested-late | held")
    served_on: dt.date | None = Field(description="送达之日")
    removed_on: dt.date | None = Field(description="名单不再涉及此人之日")


class ObjectionOut(Out):
    """An objection and its answer."""

    id: str
    party: str
    received_on: dt.date
    points: list[str]
    own: bool = Field(description="是否发起部门自己的信息")
    suspends: bool = Field(description="异议期间措施暂停")
    due: DueOut = Field(description="答复期限")
    provider_due: DueOut | None = Field(description="提供单位的核查期限")
    answered_on: dt.date | None
    outcome: str | None = Field(description="upheld | rejected")


class RepairOut(Out):
    """An application for repair and what became of it."""

    id: str
    party: str
    received_on: dt.date
    proved: list[str]
    state: str = Field(description="received | accepted | refused | granted")
    due: DueOut = Field(description="受理期限；受理之后为办结期限")
    extended: bool
    answered_on: dt.date | None


class TaskOut(Out):
    """What the initiator owes in the procedure itself."""

    name: str = Field(description="publish 公示 | serve 送达")
    due: DueOut
    done_on: dt.date | None


class PeriodOut(Out):
    """A period of the listing: publicity, or the listing itself."""

    start: dt.date
    minimum: dt.date | None = Field(description="最短期限的末日")
    maximum: dt.date | None = Field(description="最长期限的末日；没有的至终止事由出现")
    ended_on: dt.date | None


class BoundOut(Out):
    """What one norm says of publicity."""

    law: str
    article: str | None
    minimum: dt.date | None
    maximum: dt.date | None


class ProcessOut(Out):
    """Where a case stands."""

    case: CaseOut
    parties: list[PartyOut]
    objections: list[ObjectionOut]
    repairs: list[RepairOut]
    tasks: list[TaskOut]
    decided_on: dt.date | None
    number: str = Field(description="决定文号")
    shown_before: dt.date | None = Field(description="认定前公示开始之日")
    publicity: PeriodOut | None = Field(description="公示期")
    listing: PeriodOut | None = Field(description="列入期限")
    bounds: list[BoundOut] = Field(description="各项规定的公示期限，最先届满的在前")
    earliest_repair: dt.date | None = Field(description="最早可以申请信用修复之日")
    repair_requires: list[str] = Field(description="信用修复须证明的条件")
    shielded: str = Field(description="暂停实施所依据的法院裁定")
    missing: list[str] = Field(description="作出决定之前还缺什么")
    actions: list[str] = Field(description="本部门现在可以办的步骤")

    @classmethod
    def of(cls, view: ProcessView) -> ProcessOut:
        """From the office's view."""
        return cls.model_validate(view)


class SteppedOut(Out):
    """A case after a step."""

    process: ProcessOut
    added: list[str] = Field(description="由此产生的新事项")
    lifted: list[str] = Field(description="由此须解除的事项")
    cancelled: list[str] = Field(description="由此取消的事项")
    changed: list[str] = Field(description="更正了什么")
    promise: SignedOut | None = Field(description=PROMISE)

    @classmethod
    def of(cls, stepped: Stepped) -> SteppedOut:
        """From the office's result."""
        return cls.model_validate(stepped)


class LetterOut(Out):
    """A letter."""

    id: str
    case: str
    kind: str = Field(
        description="notice | decision | repair-notice | repair-answer | objection-answer | response-slip | delisting"
    )
    number: str = Field(description="文号")
    party: str | None = Field(description="当事人的不透明标识")
    at: str
    docx: str | None = Field(description="Word 文档的 SHA-256；首次下载时生成")
    pdf: str | None = Field(description="PDF 的 SHA-256；首次下载时生成")

    @classmethod
    def of(cls, view: LetterView) -> LetterOut:
        """From the office's view."""
        return cls.model_validate(view)


class LettersOut(Out):
    """The letters of a case."""

    items: list[LetterOut]


class MessageOut(Out):
    """Something the department is to know."""

    id: str
    case: str
    audience: str = Field(description="notice 通知 | remind 提醒 | chief 负责人 | joint-office 督办 | report 通报")
    title: str
    obligation: str | None
    due_on: dt.date | None
    at: str
    delivered_at: str | None

    @classmethod
    def of(cls, view: MessageView) -> MessageOut:
        """From the office's view."""
        return cls.model_validate(view)


class MessagesOut(Out):
    """A page of messages, newest first."""

    items: list[MessageOut]
    next: str | None = Field(description="下一页的游标")


class MigrationOut(Out):
    """What bringing one case under the policy in force does, or would do."""

    case: str
    subject: str
    list_title: str
    added: list[str]
    lifted: list[str]
    cancelled: list[str]
    changed: list[str] = Field(description="政策版本和事实的变化，或者不能迁移的原因")
    done: bool
    promise: SignedOut | None = Field(description=PROMISE)

    @classmethod
    def of(cls, view: Migration) -> MigrationOut:
        """From the office's view."""
        return cls.model_validate(view)


class MigrationsOut(Out):
    """The cases that were looked at."""

    items: list[MigrationOut]
    more: bool = Field(description="还有案件未列出；可以 cases 指定，或者用 xinheng migrate-cases 一次办完")
