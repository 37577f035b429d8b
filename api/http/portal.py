"""The subject's own view as JSON: a code from the initiating department, a short session, one party's case."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response, Security
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field

from adapters.office import Office, UnauthenticatedError
from adapters.office.portal_view import AccessCode, Session, SubjectCaseView
from adapters.office.proofs import MAX_VERSION
from api.http.calls import CallNow
from api.http.problems import MEDIA_TYPE, LimitError, problem
from api.http.proofs import ReceiptOut
from api.http.requests import Body
from api.settings import Settings

router = APIRouter(prefix="/v1", tags=["portal"])
NO_STORE = {"Cache-Control": "no-store"}
SHARED = 64
"""Bits of an IPv6 address that a network owns; whoever has one has all that follow."""
SESSION = HTTPBearer(
    auto_error=False, scheme_name="SubjectSession", description="会话令牌，由 POST /v1/subject-sessions 给出"
)
PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


class TooManyError(LimitError):
    """Too many wrong codes; the problem says when to come again."""

    def __init__(self, limit: int, setting: str, seconds: float) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__(
            "too-many-attempts", 429, f"请在 {math.ceil(seconds / 60)} 分钟后再试", limit=limit, setting=setting
        )

    def response(self) -> JSONResponse:
        """The problem."""
        return problem(
            self.code, self.status, self.detail, limit=self.limit, setting=f"XINHENG_{self.setting.upper()}",
            headers={"Retry-After": str(self.seconds)},
        )  # fmt: skip


class Attempts:
    """Wrong codes in a sliding window, from each address and from all, of this process.

    What is counted is bounded by the limits themselves, so is what is remembered.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._failed: deque[tuple[float, str]] = deque()

    @contextmanager
    def one(self, request: Request) -> Iterator[None]:
        """An attempt with a code: refused beyond the limits, and counted unless the code was good.

        Raises:
            TooManyError: come again later.

        """
        mark = self._admit(network_of(request.client.host if request.client else ""))
        yield
        with self._lock:  # no exception: it was good
            if mark in self._failed:
                self._failed.remove(mark)

    def _admit(self, address: str) -> tuple[float, str]:
        settings = self._settings
        with self._lock:
            now = self._clock()
            while self._failed and self._failed[0][0] <= now - settings.portal_window_seconds:
                self._failed.popleft()
            own = [at for at, whose in self._failed if whose == address]
            for marks, setting in ((own, "portal_attempts"), (self._failed, "portal_attempts_total")):
                limit: int = getattr(settings, setting)
                if len(marks) >= limit:
                    # the one that has to leave the window before another fits in
                    oldest = own[-limit] if marks is own else self._failed[-limit][0]
                    raise TooManyError(limit, setting, oldest + settings.portal_window_seconds - now)
            mark = (now, address)
            self._failed.append(mark)  # counted at once: attempts made side by side do not slip through together
            return mark


def network_of(host: str) -> str:
    """What one caller is known by: an address, of IPv6 the network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network((address, SHARED), strict=False))  # noqa: PLR2004


def redeem(request: Request, code: str) -> Session:
    """Use up a code, within the limits.

    Raises:
        NotFoundError: not a code that is good now.
        TooManyError: too many wrong ones.

    """
    office: Office = request.app.state.office
    attempts: Attempts = request.app.state.attempts
    with attempts.one(request):
        return office.redeem_code(code)


class AccessCodeIn(Body):
    """Whom a code is for, and for how long."""

    party: str | None = Field(
        default=None, max_length=64, description="相关人员的不透明标识（见案件的程序）；默认为案件主体"
    )
    days: int = Field(default=30, ge=1, le=90, description="多少日内有效")


class SessionIn(Body):
    """A code as it was handed over."""

    code: str = Field(
        max_length=200, description="查询码；大小写、空格、连字符都不影响", examples=["7K2M-9QRT-XW4C-HJ8P"]
    )


@router.post("/cases/{case}/access-codes", status_code=201, summary="签发查询码", response_model=AccessCode)
def issue_access_code(
    case: Annotated[str, Path(max_length=200, description="案件号")],
    body: AccessCodeIn,
    call: CallNow,
    response: Response,
) -> AccessCode:
    """发起部门为案件涉及的一方签发一次性查询码；只在此显示一次，以前签发而未使用的随即作废。"""
    response.headers.update(NO_STORE)
    return call.office.issue_access_code(call.principal(), case, body.party, body.days)


@router.post(
    "/subject-sessions", status_code=201, summary="凭查询码进入", response_model=Session,
    responses={
        429: {
            "description": "填错次数过多", "content": PROBLEM,
            "headers": {"Retry-After": {"schema": {"type": "string"}, "description": "多少秒后再试"}},
        }
    },
)  # fmt: skip
def open_session(body: SessionIn, request: Request, response: Response) -> Session:
    """查询码只能使用一次，换得半小时的会话。错误、过期、作废、用过的查询码答复相同。不需要部门密钥。"""
    response.headers.update(NO_STORE)
    return redeem(request, body.code)


async def session_of(credentials: Annotated[HTTPAuthorizationCredentials | None, Security(SESSION)]) -> str:
    """The token of a session; checked by the office."""
    if credentials is None:
        raise UnauthenticatedError(code="session-over", title="查询已经结束，请凭新的查询码再次进入")
    return credentials.credentials


@router.get("/subject-view", summary="本人查询", response_model=SubjectCaseView)
def subject_view(token: Annotated[str, Depends(session_of)], request: Request, response: Response) -> SubjectCaseView:
    """本案中关于本人的记录、措施、期限、解除的途径、异议和谁查询过。每次查看都有记录。"""
    response.headers.update(NO_STORE)
    office: Office = request.app.state.office
    return office.subject_view(token)


@router.get("/subject-view/receipts/{event}", summary="本人的凭证", response_model=ReceiptOut)
def subject_receipt(
    event: Annotated[int, Path(ge=0, le=MAX_VERSION, description="本人查询的 steps 中的 version")],
    token: Annotated[str, Depends(session_of)],
    request: Request,
    response: Response,
) -> ReceiptOut:
    """涉及本人的某一步已收入存证日志的凭证：承诺、收录证明和签名的检查点，可以保存，离线核对。"""
    response.headers.update(NO_STORE)
    office: Office = request.app.state.office
    return ReceiptOut.model_validate(office.subject_receipt(token, event).document)
