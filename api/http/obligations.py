"""Obligations: the inbox, and the seven answers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Protocol
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Response

from adapters.office import Answer, ObligationQuery
from adapters.office.model import PAGE_LIMIT
from api.http.calls import LINK, REPLAYED, Call, IfMatch, LookNow, RepeatableCall, entity_tag
from api.http.requests import AcceptIn, ApplyIn, ArmIn, ConfirmIn, LiftIn, ReferIn, RespondIn
from api.http.responses import AnsweredOut, CaseOut, ObligationOut, ObligationsOut
from api.http.signed import promise_out

router = APIRouter(prefix="/v1/obligations", tags=["obligations"])
ANSWERED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "ETag": {"schema": {"type": "string"}, "description": "事项版本，供 If-Match 用"},
            REPLAYED: {"schema": {"type": "string"}, "description": "true：这是对重复请求的答复"},
        },
        "description": "已办理",
    }
}
ObligationId = Annotated[str, Path(max_length=200, description="应响应事项号")]


@router.get(
    "", summary="待办", response_model=ObligationsOut, responses={200: {"headers": LINK, "description": "一页"}}
)
def list_obligations(
    call: LookNow,
    response: Response,
    department: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[str | None, Query(max_length=20)] = None,
    due_before: Annotated[dt.date | None, Query(description="期限早于此日")] = None,
    overdue: Annotated[bool, Query(description="只看逾期的")] = False,
    subject: Annotated[str | None, Query(max_length=64, description="主体的不透明标识")] = None,
    case: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT)] = 50,
    after: Annotated[str | None, Query(max_length=500, description="上一页给出的游标")] = None,
) -> ObligationsOut:
    """本部门的事项，解除在先，其后按期限；审计可看全部。"""
    query = ObligationQuery(department, state, due_before, overdue, subject, case, limit, after)
    page = call.office.list_obligations(call.principal(), query)
    if page.next is not None:
        given = {
            "department": department, "state": state, "due_before": due_before, "overdue": str(overdue).lower(),
            "subject": subject, "case": case, "limit": limit, "after": page.next,
        }  # fmt: skip
        response.headers["Link"] = f'</v1/obligations?{urlencode({k: v for k, v in given.items() if v})}>; rel="next"'
    return ObligationsOut.model_construct(items=[ObligationOut.of(i) for i in page.items], next=page.next)


class Answering(Protocol):
    """A body that says what to do."""

    officer: str

    def answer(self) -> Answer:
        """What to do."""
        ...


def _answer(obligation: str, body: Answering, call: Call, response: Response, if_match: str | None) -> AnsweredOut:
    principal, tag = call.principal(body.officer), entity_tag(if_match)
    answered = call.office.answer(principal, obligation, body.answer(), if_match=tag, idempotency=call.idempotency)
    response.headers["ETag"] = f'"{answered.obligation.etag}"'
    if answered.replayed:
        response.headers[REPLAYED] = "true"
    return AnsweredOut.model_construct(
        obligation=ObligationOut.of(answered.obligation), case=CaseOut.of(answered.case), added=list(answered.added),
        promise=promise_out(answered.promise),
    )  # fmt: skip


@router.post("/{obligation}/accept", summary="接收", response_model=AnsweredOut, responses=ANSWERED)
def accept(
    obligation: ObligationId, body: AcceptIn, call: RepeatableCall, response: Response, if_match: IfMatch = None
) -> AnsweredOut:
    """实施部门接收事项。"""
    return _answer(obligation, body, call, response, if_match)


@router.post("/{obligation}/confirm", summary="具名确认", response_model=AnsweredOut, responses=ANSWERED)
def confirm(
    obligation: ObligationId, body: ConfirmIn, call: RepeatableCall, response: Response, if_match: IfMatch = None
) -> AnsweredOut:
    """减损权益的措施生效前，由具名人员确认。"""
    return _answer(obligation, body, call, response, if_match)


@router.post("/{obligation}/arm", summary="布置", response_model=AnsweredOut, responses=ANSWERED)
def arm(
    obligation: ObligationId, body: ArmIn, call: RepeatableCall, response: Response, if_match: IfMatch = None
) -> AnsweredOut:
    """布置常态措施，此后每遇情形即适用。"""
    return _answer(obligation, body, call, response, if_match)


@router.post("/{obligation}/apply", summary="记录适用", response_model=AnsweredOut, responses=ANSWERED)
def apply(
    obligation: ObligationId, body: ApplyIn, call: RepeatableCall, response: Response, if_match: IfMatch = None
) -> AnsweredOut:
    """常态措施遇到一次情形：适用了，或者没有适用及其理由。"""
    return _answer(obligation, body, call, response, if_match)


@router.post("/{obligation}/respond", summary="反馈", response_model=AnsweredOut, responses=ANSWERED)
def respond(
    obligation: ObligationId, body: RespondIn, call: RepeatableCall, response: Response, if_match: IfMatch = None
) -> AnsweredOut:
    """反馈结果。"""
    return _answer(obligation, body, call, response, if_match)


@router.post("/{obligation}/refer", summary="转办", response_model=AnsweredOut, responses=ANSWERED)
def refer(
    obligation: ObligationId, body: ReferIn, call: RepeatableCall, response: Response, if_match: IfMatch = None
) -> AnsweredOut:
    """事项属于另一部门。"""
    return _answer(obligation, body, call, response, if_match)


@router.post("/{obligation}/lift", summary="解除", response_model=AnsweredOut, responses=ANSWERED)
def lift(
    obligation: ObligationId, body: LiftIn, call: RepeatableCall, response: Response, if_match: IfMatch = None
) -> AnsweredOut:
    """名单终止后解除已经生效的措施。"""
    return _answer(obligation, body, call, response, if_match)
