"""What every route needs to know of its call: the key, the named officer, idempotency and preconditions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from adapters.office import Idempotency, Office, PreconditionError, Principal, UnauthenticatedError

BEARER = HTTPBearer(auto_error=False, description="部门密钥，由 xinheng keys issue 签发")


@dataclass(frozen=True, slots=True)
class Call:
    """One request. The key is checked by `principal`, inside the route, which runs in a thread of its own."""

    office: Office
    request: Request
    token: str
    idempotency: Idempotency | None = None

    def principal(self, officer: str = "") -> Principal:
        """Who calls, and the human named.

        Raises:
            UnauthenticatedError: an unknown key, or a revoked one.

        """
        principal = self.office.authenticate(self.token)
        self.request.state.key_id = principal.key_id
        return replace(principal, officer=officer) if officer else principal


async def call_of(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]
) -> Call:
    """The call.

    Raises:
        UnauthenticatedError: there is no key; said before anything is said about the request.

    """
    if credentials is None:
        raise UnauthenticatedError
    return Call(request.app.state.office, request, credentials.credentials)


CallNow = Annotated[Call, Depends(call_of)]


async def repeatable(
    request: Request,
    call: CallNow,
    idempotency_key: Annotated[
        str | None, Header(description="幂等键：同键同内容的重复请求只办理一次", min_length=1, max_length=200)
    ] = None,
) -> Call:
    """A call that may carry an idempotency key, which is bound to path and body."""
    if idempotency_key is None:
        return call
    digest = hashlib.sha256(f"{request.method} {request.url.path}\n".encode())
    digest.update(await request.body())
    return replace(call, idempotency=Idempotency(idempotency_key, digest.hexdigest()))


RepeatableCall = Annotated[Call, Depends(repeatable)]
IfMatch = Annotated[str | None, Header(description="所依据的版本（ETag）；* 表示任何版本", max_length=200)]
REPLAYED = "Idempotency-Replayed"
LINK: dict[str, Any] = {"Link": {"schema": {"type": "string"}, "description": "下一页，rel=next；末页没有"}}


def entity_tag(if_match: str | None) -> str | None:
    """The one strong entity tag that `If-Match` names, without quotes; None for any version.

    Raises:
        PreconditionError: no strong tag; nothing of this service ever had another kind.

    """
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip()
    if len(tag) < 2 or not (tag[0] == tag[-1] == '"'):  # noqa: PLR2004 - two quotes
        raise PreconditionError
    return tag[1:-1]


def case_version(if_match: str | None) -> int | None:
    """The case version that `If-Match` names, None for any; the header itself is required.

    Raises:
        HTTPException: 428, it is missing.
        PreconditionError: it names no version.

    """
    if if_match is None:
        raise HTTPException(428)
    tag = entity_tag(if_match)
    if tag is None:
        return None
    if not (tag.isascii() and tag.isdecimal() and len(tag) < 10):  # noqa: PLR2004 - no case has 10^9 events
        raise PreconditionError
    return int(tag)
