"""The procedure of a case: where it stands, and one route for each step."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from api.http.calls import REPLAYED, Call, IfMatch, LookNow, RepeatableCall, case_version
from api.http.cases import ETAG, CaseId
from api.http.procedure_requests import STEPS, StepIn
from api.http.procedure_responses import ProcessOut, SteppedOut

router = APIRouter(prefix="/v1/cases/{case}", tags=["procedure"])
STEPPED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": ETAG | {REPLAYED: {"schema": {"type": "string"}, "description": "true：这是对重复请求的答复"}},
        "description": "已办理",
    }
}


@router.get(
    "/process", summary="程序", response_model=ProcessOut, responses={200: {"headers": ETAG, "description": "程序"}}
)
def process(case: CaseId, call: LookNow, response: Response) -> ProcessOut:
    """当事人、期限、异议、信用修复、还缺什么、现在可以办什么；发起部门、作出决定的部门和审计可见。"""
    view = call.office.process(call.principal(), case)
    response.headers["ETag"] = f'"{view.case.version}"'
    return ProcessOut.of(view)


def _step(case: str, body: StepIn, call: Call, response: Response, if_match: str | None) -> SteppedOut:
    principal = call.principal(body.officer)
    version = case_version(if_match) if if_match is not None else None
    stepped = call.office.step(principal, case, body.step(), if_match=version, idempotency=call.idempotency)
    response.headers["ETag"] = f'"{stepped.process.case.version}"'
    if stepped.replayed:
        response.headers[REPLAYED] = "true"
    return SteppedOut.of(stepped)


def _add(form: type[StepIn], summary: str) -> None:
    """Route a step to its body. The type of `body` is put in by hand: an annotation cannot name a variable."""

    def take(
        case: CaseId, body: StepIn, call: RepeatableCall, response: Response, if_match: IfMatch = None
    ) -> SteppedOut:
        return _step(case, body, call, response, if_match)

    take.__annotations__["body"] = form
    router.add_api_route(
        f"/steps/{form.action}", take, methods=["POST"], name=form.action, summary=summary,
        description=form.__doc__, response_model=SteppedOut, responses=STEPPED,
    )  # fmt: skip


for _form, _summary in STEPS:
    _add(_form, _summary)
