"""Publishing policy: propose, look, approve, refuse, withdraw, roll back."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from adapters.office import PolicyProposal, PolicyView
from api.http.calls import LINK, REPLAYED, CallNow, IfMatch, RepeatableCall, entity_tag
from api.http.requests import Body, Officer, Text
from api.http.responses import Out

router = APIRouter(prefix="/v1/policies", tags=["policy"])
Version = Annotated[str, Path(max_length=64, description="政策版本，全部文件的 SHA-256")]
Reason = Annotated[str, Field(min_length=1, max_length=2_000, description="理由", examples=["门槛随上级文件调整"])]
ETAG = {"ETag": {"schema": {"type": "string"}, "description": "提议的状态"}}
DONE: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": ETAG | {REPLAYED: {"schema": {"type": "string"}, "description": "true：这是对重复请求的答复"}},
        "description": "已办理",
    }
}


class ProposalIn(Body):
    """A policy bundle to be put in force."""

    files: dict[str, str] = Field(min_length=1, max_length=10_000, description="路径到内容；须是整套")
    reason: Reason
    start: dt.date | None = Field(
        default=None,
        alias="from",
        description="自该日（北京时间）零时起施行；缺省或当日：批准即施行",
        examples=["2027-01-01"],
    )
    base: str | None = Field(default=None, max_length=64, description="依据哪一版修改；与届时所替换的版本不同即退回")
    migration: Literal["migrate", "keep"] = Field(
        default="migrate",
        description="migrate：备忘录写明 existing_cases: migrate 的名单，在办案件改依新政策；keep：都不改",
    )
    officer: Officer

    def proposal(self) -> PolicyProposal:
        """As the office takes it."""
        return PolicyProposal(self.files, self.reason, self.start, self.base, self.migration)


class ApprovalIn(Body):
    """Approval by a second person."""

    remark: Text = Field(default="", description="批准意见")
    officer: Officer


class ReasonIn(Body):
    """Refusal, or withdrawal."""

    reason: Reason
    officer: Officer


class RollbackIn(Body):
    """Going back."""

    reason: Reason
    to: str | None = Field(
        default=None, max_length=64, description="回到哪一版；缺省是上一次批准之前的版本，一人即可，立即施行"
    )
    officer: Officer


class PolicyFindingOut(Out):
    """One finding of a check."""

    at: str = Field(description="文件:行:列")
    code: str
    message: str


class PolicyCheckOut(Out):
    """One check of a proposal."""

    name: str = Field(description="compile | tests | deep | citations")
    title: str
    result: str = Field(description="passed | unknown（没有得出结论）")
    details: list[PolicyFindingOut]


class PolicyChangesOut(Out):
    """What a proposal changes."""

    added: list[str] = Field(description="新增的文件")
    changed: list[str] = Field(description="改动的文件")
    removed: list[str] = Field(description="删除的文件")
    summary: list[str] = Field(description="改了什么")


class ProposalOut(Out):
    """A version, how it was proposed, and what became of it."""

    id: str = Field(description="提议的编号；同一版本可以多次提出")
    version: str
    state: str = Field(description="proposed 待批准 | pending 待施行 | in-force | past | refused | withdrawn")
    active: bool = Field(description="正是现行政策的内容")
    reason: str
    base: str | None = Field(description="所替换的版本")
    rollback: bool = Field(description="是回退")
    start: dt.date | None = Field(validation_alias="start", serialization_alias="from", description="施行日期")
    migration: str
    proposed_by: str
    proposed_at: str
    approved_by: str | None
    approved_at: str | None
    effective_from: str | None = Field(description="施行的时刻")
    closed_by: str | None = Field(description="批准、不予批准或者撤回的人")
    closed_at: str | None
    remark: str
    key: str | None = Field(description="签名公钥的编号；null：没有签名")
    counts: dict[str, int]
    checks: list[PolicyCheckOut]
    changes: PolicyChangesOut

    @classmethod
    def of(cls, view: PolicyView) -> ProposalOut:
        """From the office's view."""
        return cls.model_validate(view)


class PolicyHistoryOut(Out):
    """Proposals, newest first."""

    items: list[ProposalOut]
    next: str | None


@router.get(
    "", summary="政策沿革", response_model=PolicyHistoryOut, responses={200: {"headers": LINK, "description": "一页"}}
)
def history(
    call: CallNow,
    response: Response,
    after: Annotated[str | None, Query(max_length=64, description="上一页的 next")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> PolicyHistoryOut:
    """历次提议及其结果，最近的在前；政策人员和审计可见。"""
    page = call.office.policy_history(call.principal(), after=after, limit=limit)
    if page.next is not None:
        response.headers["Link"] = f'</v1/policies?after={page.next}&limit={limit}>; rel="next"'
    return PolicyHistoryOut(items=[ProposalOut.of(v) for v in page.items], next=page.next)


@router.post(
    "", status_code=201, summary="提出政策", response_model=ProposalOut,
    responses={201: {"headers": ETAG | {"Location": {"schema": {"type": "string"}}}, "description": "已提出"}},
)  # fmt: skip
def propose(body: ProposalIn, call: RepeatableCall, response: Response) -> ProposalOut:
    """提出一整套政策文件；编译、测试、深入检查有一处不过即退回，逐条给出文件、行、列，什么也不留下。"""
    view = call.office.propose_policy(call.principal(body.officer), body.proposal(), idempotency=call.idempotency)
    response.headers["Location"] = f"/v1/policies/{view.version}"
    return _told(view, response)


@router.post("/rollback", summary="回退", response_model=ProposalOut, responses=DONE)
def rollback(body: RollbackIn, call: RepeatableCall, response: Response) -> ProposalOut:
    """撤销上一次批准：一人即可，立即施行，尚未施行的一并撤销。回到更早的版本：作为提议，由另一人批准。"""
    principal = call.principal(body.officer)
    return _told(
        call.office.roll_policy_back(principal, body.reason, to=body.to, idempotency=call.idempotency), response
    )


@router.get(
    "/{version}", summary="一个政策版本", response_model=ProposalOut,
    responses={200: {"headers": ETAG, "description": "最近一次提议"}, 304: {"description": "未变化"}},
)  # fmt: skip
def show(version: Version, call: CallNow, request: Request, response: Response) -> ProposalOut | Response:
    """理由、检查结果、改了什么、谁提出、谁批准、何时施行；政策人员和审计可见。"""
    view = call.office.get_policy(call.principal(), version)
    if request.headers.get("if-none-match") == f'"{view.etag}"':
        return Response(status_code=304, headers={"ETag": f'"{view.etag}"'})
    return _told(view, response)


@router.get(
    "/{version}/files", summary="政策文件", response_model=dict[str, str],
    responses={200: {"headers": ETAG, "description": "路径到内容"}, 304: {"description": "未变化"}},
)  # fmt: skip
def files(version: Version, call: CallNow, request: Request, response: Response) -> dict[str, str] | Response:
    """一个版本的全部文件，永不改变；政策人员和审计可见。"""
    found = call.office.policy_files(call.principal(), version)
    if request.headers.get("if-none-match") == f'"{version}"':
        return Response(status_code=304, headers={"ETag": f'"{version}"'})
    response.headers["ETag"] = f'"{version}"'
    return found


@router.post("/{version}/approval", summary="批准政策", response_model=ProposalOut, responses=DONE)
def approve(
    version: Version, body: ApprovalIn, call: RepeatableCall, response: Response, if_match: IfMatch = None
) -> ProposalOut:
    """由另一人批准，签名后自施行日期起生效；此前的案件仍按当时的政策办理，备忘录另有规定的除外。"""
    principal = call.principal(body.officer)
    view = call.office.approve_policy(
        principal, version, remark=body.remark, if_match=entity_tag(if_match), idempotency=call.idempotency
    )
    return _told(view, response)


@router.post("/{version}/refusal", summary="不予批准", response_model=ProposalOut, responses=DONE)
def refuse(
    version: Version, body: ReasonIn, call: RepeatableCall, response: Response, if_match: IfMatch = None
) -> ProposalOut:
    """由提出人以外的人退回。"""
    principal = call.principal(body.officer)
    view = call.office.refuse_policy(
        principal, version, body.reason, if_match=entity_tag(if_match), idempotency=call.idempotency
    )
    return _told(view, response)


@router.post("/{version}/withdrawal", summary="撤回", response_model=ProposalOut, responses=DONE)
def withdraw(
    version: Version, body: ReasonIn, call: RepeatableCall, response: Response, if_match: IfMatch = None
) -> ProposalOut:
    """待批准的由提出人撤回；已批准而尚未施行的，政策人员一人即可撤销，其后待施行的一并撤销。"""
    principal = call.principal(body.officer)
    view = call.office.withdraw_policy(
        principal, version, body.reason, if_match=entity_tag(if_match), idempotency=call.idempotency
    )
    return _told(view, response)


def _told(view: PolicyView, response: Response) -> ProposalOut:
    response.headers["ETag"] = f'"{view.etag}"'
    if view.replayed:
        response.headers[REPLAYED] = "true"
    return ProposalOut.of(view)
