"""Cases: file, look, end."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api.http.calls import LINK, REPLAYED, IfMatch, LookNow, RepeatableCall, case_version
from api.http.requests import EndIn, FilingIn
from api.http.responses import (
    CaseOut,
    DecisionOut,
    EndedOut,
    EventOut,
    EventsOut,
    FiledOut,
    RuleOut,
    WhyNotOut,
)
from engine.casework.graph import as_document
from engine.casework.svg import render

router = APIRouter(prefix="/v1/cases", tags=["cases"])
CaseId = Annotated[str, Path(max_length=200, description="案件号")]
SVG = "image/svg+xml"
ETAG = {"ETag": {"schema": {"type": "string"}, "description": "案件版本"}}


@router.post(
    "", status_code=201, summary="列入名单", response_model=FiledOut,
    responses={201: {"headers": ETAG | {"Location": {"schema": {"type": "string"}}}, "description": "已列入"}},
)  # fmt: skip
def file_case(body: FilingIn, call: RepeatableCall, response: Response) -> FiledOut:
    """发起部门把主体列入名单；两个引擎一致作出决定并落库后才返回。"""
    filed = call.office.file_case(call.principal(body.officer), body.filing(), idempotency=call.idempotency)
    response.headers["Location"] = f"/v1/cases/{filed.case.id}"
    response.headers["ETag"] = f'"{filed.case.version}"'
    if filed.replayed:
        response.headers[REPLAYED] = "true"
    return FiledOut.of(filed)


@router.get(
    "/{case}", summary="案件", response_model=CaseOut,
    responses={200: {"headers": ETAG, "description": "案件"}, 304: {"description": "未变化"}},
)  # fmt: skip
def get_case(case: CaseId, call: LookNow, request: Request, response: Response) -> CaseOut | Response:
    """案件概况；发起部门、负有事项的部门和审计可见。"""
    view = call.office.get_case(call.principal(), case)
    etag = f'"{view.version}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return CaseOut.of(view)


@router.get(
    "/{case}/graph",
    summary="依赖关系图",
    response_model=dict[str, object],
    responses={200: {"content": {SVG: {"schema": {"type": "string"}}}, "description": "JSON，或按 Accept 给出 SVG"}},
)
def graph(case: CaseId, call: LookNow, request: Request, response: Response) -> dict[str, object] | Response:
    """谁等谁、该催谁、何时可以全部办结。"""
    given = call.office.graph(call.principal(), case)
    policy = call.office.policy_version(given.case.policy)
    today = call.office.context.today()
    response.headers["Vary"] = "Accept"
    if SVG in request.headers.get("accept", ""):
        return Response(render(given.as_case(), policy, today), media_type=SVG, headers={"Vary": "Accept"})
    return as_document(given.as_case(), today, policy.calendars)


@router.get("/{case}/decision", summary="决定及其理由", response_model=DecisionOut)
def decision(
    case: CaseId,
    call: LookNow,
    why_not: Annotated[str | None, Query(max_length=64, description="某部门为何没有应响应事项")] = None,
    as_: Annotated[
        str | None,
        Query(alias="as", max_length=64, description="审计以他人所见查看：subject 为主体，否则为部门标识"),
    ] = None,
) -> DecisionOut:
    """条款、依据、逐项比较及其文件行号，各按其可见范围：审计看全部，发起部门可以追问某部门为何没有事项。

    负有事项的部门只看使其负有事项的条款、这些条款所用的事实和自己报送的记录。
    """
    view = call.office.explanation(call.principal(), case, as_=as_, why_not=why_not)
    shown = view.document
    why = shown.get("why_not")
    return DecisionOut(
        audience=view.audience,
        digest=shown["digest"],
        reproduced=shown["reproduced"],
        document=shown["document"],
        rules=[RuleOut.of(rule) for rule in shown["rules"]],
        why_not=None if why is None else WhyNotOut(**why | {"rules": [RuleOut.of(rule) for rule in why["rules"]]}),
    )


@router.get(
    "/{case}/events", summary="事件流水", response_model=EventsOut,
    responses={200: {"headers": LINK, "description": "一页"}},
)  # fmt: skip
def events(
    case: CaseId,
    call: LookNow,
    response: Response,
    after: Annotated[int, Query(ge=0, le=2**53, description="从此版本之后")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> EventsOut:
    """只增不改的事件，每条都带有前一条的哈希。"""
    page = call.office.events(call.principal(), case, after=after, limit=limit)
    if page.next is not None:
        response.headers["Link"] = f'</v1/cases/{case}/events?after={page.next}&limit={limit}>; rel="next"'
    return EventsOut(items=[EventOut.of(e) for e in page.items], next=page.next)


@router.post(
    "/{case}/end", summary="终止名单", response_model=EndedOut,
    responses={200: {"headers": ETAG, "description": "已终止"}},
)  # fmt: skip
def end_case(case: CaseId, body: EndIn, call: RepeatableCall, response: Response, if_match: IfMatch = None) -> EndedOut:
    """终止名单；未生效的事项即行办结，已生效的按相反次序解除。须带 If-Match。"""
    principal = call.principal(body.officer)
    ended = call.office.end_case(
        principal, case, body.ground, body.reason, if_match=case_version(if_match), idempotency=call.idempotency
    )
    response.headers["ETag"] = f'"{ended.case.version}"'
    if ended.replayed:
        response.headers[REPLAYED] = "true"
    return EndedOut.of_ended(ended)
