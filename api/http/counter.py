"""Counter checks, records, subjects and policy."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.concurrency import run_in_threadpool

from adapters.office import Principal
from api.http.calls import Call, CallNow, LookNow
from api.http.ndjson import Lines
from api.http.procedure_responses import MigrationOut, MigrationsOut
from api.http.requests import CheckIn, MigrationIn, PartyIn
from api.http.responses import CheckOut, PolicyOut, RecordOut, RecordsOut, SubjectOut
from api.settings import Settings

router = APIRouter(prefix="/v1")
MAX_MIGRATED = 1_000
"""Cases in one call: each is decided again by both engines, which takes some milliseconds."""
LINE = {
    "record": "penalty", "id": "CF-2026-001", "date": "2026-01-31",
    "subject": {"kind": "enterprise", "code": "91410728MA0000000C", "name": "示例建筑有限公司"},
    "fields": {"document_number": "长人社罚〔2026〕1号", "severity": "serious"},
}  # fmt: skip
NDJSON = {
    "requestBody": {
        "required": True,
        "description": "每行一个 JSON 对象：记录或者关系",
        "content": {
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "example": json.dumps(LINE, ensure_ascii=False),
            }
        },
    }
}


@router.post("/checks", tags=["checks"], summary="逢办必查", response_model=CheckOut)
def check(body: CheckIn, call: CallNow) -> CheckOut:
    """窗口办理前查询：如何办、可以容缺什么、须增加何种核验、建议额度。每次查询连同目的一并记录。"""
    return CheckOut.of(call.office.check(call.principal(body.officer), body.request()))


@router.post("/records", tags=["records"], summary="归集记录和关系", response_model=RecordsOut, openapi_extra=NDJSON)
async def put_records(call: CallNow, request: Request) -> RecordsOut:
    """一次 1 至 10,000 行，逐行给出结果；一行有误不影响其他行。同一报送部门的同一编号只收一次，重复报送无妨。"""
    principal = await run_in_threadpool(call.principal)  # before a single line is read
    settings: Settings = request.app.state.settings
    lines = Lines(settings.max_records, settings.max_record_bytes)
    async for chunk in request.stream():
        lines.feed(chunk)
    lines.end()
    return await run_in_threadpool(_put, call, principal, lines)


def _put(call: Call, principal: Principal, lines: Lines) -> RecordsOut:
    results = list(lines.rejected)
    if lines.good:
        taken = call.office.put_records(principal, list(lines.good.values()))
        results += [replace(r, line=number) for number, r in zip(lines.good, taken, strict=True)]
    results.sort(key=lambda r: r.line)
    count = [r.status for r in results].count
    return RecordsOut(
        accepted=count("accepted"),
        duplicates=count("duplicate"),
        rejected=count("rejected"),
        results=[RecordOut.of(r) for r in results],
    )


@router.post("/subjects/lookup", tags=["subjects"], summary="按代码查主体", response_model=SubjectOut)
def lookup_subject(body: PartyIn, call: LookNow) -> SubjectOut:
    """以身份代码换取不透明标识；代码只出现在请求内容里，名称不参与匹配。"""
    return SubjectOut.of(call.office.lookup_subject(call.principal(), body.party()))


@router.get("/subjects/{subject}", tags=["subjects"], summary="主体", response_model=SubjectOut)
def get_subject(subject: Annotated[str, Path(max_length=64)], call: LookNow) -> SubjectOut:
    """与本部门有关的主体。"""
    return SubjectOut.of(call.office.get_subject(call.principal(), subject))


@router.get("/policy", tags=["policy"], summary="现行政策", response_model=PolicyOut)
def get_policy(call: CallNow) -> PolicyOut:
    """现行政策的版本和规模。"""
    call.principal()
    return PolicyOut.of(call.office.describe_policy())


@router.post("/policy/migration", tags=["policy"], summary="迁移案件", response_model=MigrationsOut)
def migrate_cases(body: MigrationIn, call: CallNow) -> MigrationsOut:
    """使未结案件适用现行政策，或者只看会有什么变化；一次至多 1,000 件，每件各自办理、各自记录。"""
    found = call.office.migrate_cases(
        call.principal(body.officer), cases=body.cases, reason=body.reason, dry_run=body.dry_run
    )
    items = [MigrationOut.of(m) for m in islice(found, MAX_MIGRATED)]
    return MigrationsOut(items=items, more=len(items) == MAX_MIGRATED)
