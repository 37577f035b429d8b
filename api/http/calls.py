"""What every route needs to know of its call: the key, the named officer, idempotency and preconditions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from adapters.office import Idempotency, Office, Principal, UnauthenticatedError

BEARER = HTTPBearer(auto_error=False, description="部门密钥，由 xinheng keys issue 签发")


@dataclass(frozen=True, slots=True)
class Call:
    """One request. The key is checked by `principal`, inside the route, which runs in a thread of its own."""

    office: Office
    request: Request
    token: str | None
    idempotency: Idempotency | None
    if_match: str | None

    def principal(self, officer: str = "") -> Principal:
        """Who calls, and the human named.

        Raises:
            UnauthenticatedError: no key, an unknown one, or a revoked one.

        """
        if self.token is None:
            raise UnauthenticatedError
        principal = self.office.authenticate(self.token)
        self.request.state.key_id = principal.key_id
        return replace(principal, officer=officer) if officer else principal

    def version(self) -> int:
        """The case version that `If-Match` names; the header is required.

        Raises:
            HTTPException: 428, it is missing. 412 follows from a version that never matches.

        """
        if self.if_match is None:
            raise HTTPException(428)
        text = self.if_match.strip('"')
        return int(text) if text.isdecimal() and len(text) < 10 else -1  # noqa: PLR2004 - no case has 10^9 events


async def call_of(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
    idempotency_key: Annotated[
        str | None, Header(description="幂等键：同键同内容的重复请求只办理一次", max_length=200)
    ] = None,
    if_match: Annotated[str | None, Header(description="所依据的版本（ETag）", max_length=200)] = None,
) -> Call:
    """The call. Reads the body only when a key makes its digest necessary."""
    idempotency = None
    if idempotency_key is not None and request.method == "POST":
        digest = hashlib.sha256(f"{request.method} {request.url.path}\n".encode())
        digest.update(await request.body())
        idempotency = Idempotency(idempotency_key, digest.hexdigest())
    token = credentials.credentials if credentials else None
    return Call(request.app.state.office, request, token, idempotency, if_match)


CallNow = Annotated[Call, Depends(call_of)]
