"""RFC 9457 problem details: every error of the API, with a stable type and a Chinese title."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from adapters.ledger.policies import CorruptPolicyError, UntrustedPolicyError
from adapters.ledger.vault import VaultError
from adapters.office import (
    ConflictError,
    ErasedError,
    FieldError,
    ForbiddenError,
    IdempotencyError,
    InvalidError,
    NotFoundError,
    OfficeError,
    PreconditionError,
    RefusedError,
    UnauthenticatedError,
    UndecidedError,
    UnrecordedError,
)
from adapters.signing import SigningKeyError
from adapters.vault import MasterKeyError

MEDIA_TYPE = "application/problem+json"
STATUS: Mapping[type[OfficeError], int] = {
    UnauthenticatedError: 401, ForbiddenError: 403, NotFoundError: 404, ConflictError: 409, RefusedError: 409,
    ErasedError: 410, PreconditionError: 412, IdempotencyError: 422, InvalidError: 422, UndecidedError: 503,
    UnrecordedError: 503,
}  # fmt: skip

TITLES: Mapping[str, str] = {
    "unauthenticated": "密钥无效或已吊销",
    "forbidden": "无权办理",
    "role-required": "缺少所需角色",
    "not-filed-by": "本部门不是该名单的发起部门",
    "other-department": "只能查看本部门的内容",
    "not-your-matter": "本部门不办理该事项",
    "same-person": "须由另一人办理",
    "not-found": "未找到",
    "no-policy": "尚无生效的政策",
    "method-not-allowed": "不支持这种请求方法",
    "not-acceptable": "不能以所要的形式给出",
    "not-a-witness": "该公钥没有登记为见证人",
    "witness-known": "该公钥已经登记",
    "session-over": "查询已经结束，请凭新的查询码再次进入",
    "conflict": "与他人的办理冲突，请刷新后重试",
    "already-listed": "该主体已以相同事实列入该名单",
    "policy-active": "该政策已经生效",
    "policy-proposed": "同样的政策已经提出，待批准",
    "policy-closed": "该政策不在待批准之列",
    "policy-moved": "政策已变，请在现行版本上重新修改",
    "policy-pending": "已有更晚施行的版本待生效",
    "policy-corrupt": "所存的政策与版本或者签名不符，已停止使用",
    "never-in-force": "该版本从未生效，不能回退到它",
    "no-earlier-policy": "没有可以直接回退的版本",
    "not-proposer": "待批准的政策由提出人撤回",
    "signing-unavailable": "签名密钥不可用，未作任何处理",
    "erased": "个人信息已依法删除",
    "case-open": "案件未办结，不能删除",
    "already-erased": "个人信息此前已经删除",
    "vault-unavailable": "主密钥不可用，或者封存的内容被改动",
    "precondition-failed": "内容已变化，请刷新后重试",
    "precondition-required": "须以 If-Match 写明所依据的版本",
    "body-too-large": "请求内容过大",
    "unsupported-media-type": "不支持这种内容类型",
    "too-many-lines": "行数超出上限",
    "too-many-attempts": "查询码填错的次数过多，请稍后再试",
    "malformed": "请求无法读取",
    "invalid": "内容有误",
    "idempotency-mismatch": "幂等键已用于另一请求",
    "undecided": "两个引擎未得出一致的决定，未作任何处理",
    "unrecorded": "查询记录写不进去，未作答复，请稍后重试",
    "unavailable": "数据库暂不可用，请稍后重试",
    "internal": "系统内部错误，请求未被处理",
    # refusals of casework
    "already": "已经办理过",
    "already-owed": "该部门已负有同一应响应事项",
    "arm-instead": "常态措施请先布置，再逐次记录适用情况",
    "blocked": "须待依赖它的措施先行解除",
    "confirmation-required": "减损权益的措施须经具名人员确认后方可生效",
    "cyclic-obligations": "应响应事项相互等待，形成循环",
    "ended": "名单已终止",
    "evidence-required": "须附证明材料",
    "no-authority": "该部门无权决定此项措施",
    "announced-too-late": "听证须提前通知，通知时间不足",
    "answer-each-point": "须对每一点意见分别答复",
    "clock-backwards": "日期早于案件的上一步，请检查系统时钟",
    "day-in-future": "记录的日期不能晚于今天",
    "day-too-early": "记录的日期早于前一阶段",
    "no-case": "没有这一案件",
    "no-confirmation-needed": "该措施不减损权益，无需确认",
    "no-extension": "办理期限不能再延长",
    "no-hearing-requested": "未申请听证，或者听证已经举行",
    "no-hearing-right": "该名单不适用听证",
    "no-repair": "该名单不适用信用修复",
    "no-such-department": "没有该部门，或该部门已撤并",
    "no-such-objection": "没有这一异议",
    "no-such-party": "该案件不涉及此人",
    "no-such-repair": "没有这一信用修复申请",
    "no-such-stage": "该名单没有这一阶段",
    "no-such-statement": "没有这份陈述申辩",
    "not-decider": "本部门无权作出列入决定",
    "not-expired": "名单期限未满",
    "not-in-force": "名单尚未生效，不能以此事由终止",
    "not-initiator": "本部门不是该名单的发起部门",
    "not-noticed": "尚未告知",
    "not-public": "该名单不向社会公示，或者没有公示期限",
    "not-standing": "只有常态措施才可如此反馈",
    "not-yours": "没有这一应响应事项",
    "officer-required": "须写明经办人姓名",
    "proof-missing": "缺少证明",
    "publicity-over": "公示期已满，不得再公示",
    "reason-required": "须说明理由",
    "repair-too-early": "未满最短期限，尚不能申请信用修复",
    "respond-instead": "一次性措施请直接反馈实施结果",
    "same-department": "不能转办给本部门",
    "same-policy": "案件已经适用这一政策版本",
    "service-before-decision": "送达日期早于决定日期",
    "stage-incomplete": "前置程序尚未完成",
    "stages-out-of-order": "列入前各阶段的日期有误",
    "unknown-action": "没有这种操作",
    "use-decide": "不予列入由列入决定作出",
    "use-objection": "决定已经送达，请提出异议",
    "use-repair": "信用修复须先受理申请，再作出决定",
    "wrong-stage": "案件当前阶段不能进行此操作",
    "wrong-state": "当前状态下不能进行此操作",
}
MESSAGES: Mapping[str, str] = {
    "missing": "缺少该字段",
    "extra_forbidden": "没有这个字段",
    "string_type": "应为文本",
    "bool_type": "应为 true 或 false",
    "int_parsing": "应为整数",
    "json_invalid": "不是有效的 JSON",
    "literal_error": "取值不在允许范围内",
    "enum": "取值不在允许范围内",
    "string_too_long": "过长",
    "string_too_short": "不能为空",
    "too_long": "项数过多",
    "string_pattern_mismatch": "格式不符",
    "date_from_datetime_parsing": "应为日期，如 2026-01-31",
    "date_parsing": "应为日期，如 2026-01-31",
    "int_type": "应为整数",
    "bool_parsing": "应为 true 或 false",
    "greater_than_equal": "过小",
    "less_than_equal": "过大",
    "too_short": "至少一项",
    "model_attributes_type": "应为 JSON 对象",
    "dict_type": "应为 JSON 对象",
    "list_type": "应为数组",
    "tuple_type": "应为数组",
}


class FieldProblem(BaseModel):
    """One field that is wrong."""

    model_config = ConfigDict(from_attributes=True)

    field: str = Field(description="字段路径，如 facts.amount_owed")
    code: str
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="稳定的问题类型", examples=["/problems/not-found"])
    title: str = Field(description="问题标题", examples=["未找到"])
    status: int = Field(examples=[404])
    detail: str = Field(default="", description="具体原因")
    errors: list[FieldProblem] = Field(default=[], description="逐个字段的问题")
    limit: int | None = Field(default=None, description="触及的上限")
    setting: str | None = Field(default=None, description="规定该上限的设置项")


class ProblemResponse(JSONResponse):
    """A problem as it is sent. What it repeats of the request may be no text at all."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """As UTF-8, with a question mark for half a surrogate pair."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def problem(
    code: str,
    status: int,
    detail: str = "",
    *,
    title: str | None = None,
    errors: list[FieldProblem] | None = None,
    limit: int | None = None,
    setting: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem response."""
    body = Problem(
        type=f"/problems/{code}",
        title=title or TITLES[code],
        status=status,
        detail=detail,
        errors=errors or [],
        limit=limit,
        setting=setting,
    )
    content = body.model_dump(exclude_none=True)
    return ProblemResponse(content, status, headers=dict(headers or {}))


class LimitError(Exception):
    """A request beyond a limit that a setting names."""

    def __init__(self, code: str, status: int, detail: str, *, limit: int, setting: str) -> None:
        super().__init__(detail)
        self.code, self.status, self.detail, self.limit, self.setting = code, status, detail, limit, setting

    def response(self) -> JSONResponse:
        """The problem; the connection ends with it, since what is left of the body is not read."""
        return problem(
            self.code, self.status, self.detail, limit=self.limit, setting=f"XINHENG_{self.setting.upper()}",
            headers={"Connection": "close"},
        )  # fmt: skip


def of_office_error(error: OfficeError) -> JSONResponse:
    """The problem of an error of the office."""
    status = next(code for cls, code in STATUS.items() if isinstance(error, cls))
    code, title, detail = error.code, error.title, error.detail
    if code in {"not-yours", "no-case"}:
        status, code, title, detail = 404, "not-found", TITLES["not-found"], ""
    errors = [of_field(e) for e in error.errors] if isinstance(error, InvalidError) else []
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None  # noqa: PLR2004
    return problem(code, status, detail, title=title, errors=errors, headers=headers)


def of_field(error: FieldError) -> FieldProblem:
    """A field error as it is sent."""
    return FieldProblem(field=error.field, code=error.code, message=error.message)


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem, and describe each type under `/problems`."""

    @app.exception_handler(OfficeError)
    async def office(_: Request, error: OfficeError) -> JSONResponse:
        return of_office_error(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            FieldProblem(
                field=".".join(str(part) for part in e["loc"] if part not in {"body", "query", "path", "header"}),
                code=str(e["type"]),
                message=MESSAGES.get(str(e["type"]), "格式有误"),
            )
            for e in error.errors()[:100]
        ]
        return problem("invalid", 422, "；".join(f"{e.field}：{e.message}" for e in errors[:5]), errors=errors)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        code = {
            404: "not-found", 405: "method-not-allowed", 406: "not-acceptable", 428: "precondition-required",
        }.get(error.status_code)  # fmt: skip
        return problem(code or "malformed", error.status_code, headers=error.headers)

    @app.exception_handler(LimitError)
    async def limited(_: Request, error: LimitError) -> JSONResponse:
        return error.response()

    async def unavailable(_: Request, __: Exception) -> JSONResponse:
        return problem("unavailable", 503, headers={"Retry-After": "1"})

    async def untrusted(_: Request, __: Exception) -> JSONResponse:
        return problem("policy-corrupt", 503)

    for untrusted_error in (CorruptPolicyError, UntrustedPolicyError):
        app.add_exception_handler(untrusted_error, untrusted)

    @app.exception_handler(SigningKeyError)
    async def unsigned(_: Request, __: SigningKeyError) -> JSONResponse:
        return problem("signing-unavailable", 503)

    @app.exception_handler(MasterKeyError)
    @app.exception_handler(VaultError)
    async def closed(_: Request, error: Exception) -> JSONResponse:
        structlog.get_logger().error("vault_unavailable", reason=str(error))
        return problem("vault-unavailable", 503)

    for cls in (OperationalError, InterfaceError, PoolTimeoutError):
        app.add_exception_handler(cls, unavailable)

    @app.get("/problems", tags=["problems"], summary="全部问题类型")
    async def catalogue() -> dict[str, str]:
        return {f"/problems/{code}": title for code, title in TITLES.items()}

    @app.get("/problems/{code}", tags=["problems"], summary="一种问题类型")
    async def one(code: str) -> dict[str, str]:
        if code not in TITLES:
            raise NotFoundError
        return {"type": f"/problems/{code}", "title": TITLES[code]}


SCHEMA: dict[str, Any] = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/Problem/$defs/{model}")
"""The schema of a problem, for the OpenAPI document."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": title, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status, title in (
        (400, "请求无法读取"), (401, "密钥无效"), (403, "无权办理"), (404, "未找到"), (405, "请求方法不支持"),
        (409, "冲突或者当前状态不允许"), (410, "个人信息已依法删除"), (412, "版本已变"), (413, "内容过大"),
        (415, "内容类型不支持"), (422, "内容有误"), (428, "缺少 If-Match"),
        (500, "系统内部错误"), (503, "数据库不可用，或未能作出决定"),
    )
}  # fmt: skip
"""Responses that any operation may give, for the OpenAPI document."""
