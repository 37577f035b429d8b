"""What every route needs to know of its call: the key, the named officer, idempotency and preconditions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from fastapi import Depends, Header, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from adapters.office import (
    FieldError,
    Idempotency,
    InvalidError,
    Office,
    PreconditionError,
    Principal,
    UnauthenticatedError,
)
from adapters.office.looks import MAX_PURPOSE, stated

BEARER = HTTPBearer(auto_error=False, description="部门密钥，由 xinheng keys issue 签发")


@dataclass(frozen=True, slots=True)
class Call:
    """One request. The key is checked by `principal`, inside the route, which runs in a thread of its own."""

    office: Office
    request: Request
    token: str
    idempotency: Idempotency | None = None
    said: Mapping[str, str] = field(default_factory=dict)  # purpose, matter and officer of a look, as in the headers

    def principal(self, officer: str = "") -> Principal:
        """Who calls, the human named, and what they say they look for.

        Raises:
            UnauthenticatedError: an unknown key, or a revoked one.
            InvalidError: what they say is too long, or no text.

        """
        principal = self.office.authenticate(self.token)
        self.request.state.key_id = principal.key_id
        if self.said:
            principal = stated(principal, **{name: decoded(name, text) for name, text in self.said.items()})
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


HEADER_LENGTH = MAX_PURPOSE * 12
"""Characters of a header: four bytes for each of its text, percent-encoded."""
_CHARSET = re.compile(r"(?i)utf-8'[a-z0-9-]*'")


def decoded(name: str, text: str) -> str:
    """The text of a header that is percent-encoded UTF-8, with or without the charset of RFC 8187 before it.

    Raises:
        InvalidError: it is neither.

    """
    try:
        return unquote_to_bytes(_CHARSET.sub("", text, count=1).encode("latin-1")).decode("utf-8")
    except UnicodeError as error:
        raise InvalidError((FieldError(f"X-{name.title()}", "encoding", "应为百分号编码的 UTF-8 文字"),)) from error


async def looking(
    call: CallNow,
    x_purpose: Annotated[
        str | None,
        Header(
            max_length=HEADER_LENGTH,
            examples=["%E6%A0%B8%E5%AF%B9"],
            description="查询用途，至多 500 字，百分号编码的 UTF-8；不写明的如实记为“未说明用途”，或者该环节的工作",
        ),
    ] = None,
    x_matter: Annotated[
        str | None, Header(max_length=HEADER_LENGTH, description="所办事项，编码同上；记入查询记录")
    ] = None,
    x_officer: Annotated[
        str | None, Header(max_length=HEADER_LENGTH, description="经办人，编码同上；记入查询记录，不向主体显示")
    ] = None,
) -> Call:
    """A call that is shown something about a subject, which is put on record with what it is for."""
    said = {"purpose": x_purpose, "matter": x_matter, "officer": x_officer}
    return replace(call, said={name: text for name, text in said.items() if text})


LookNow = Annotated[Call, Depends(looking)]


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
    # keyed, for a body with an identity number in it could be guessed from a plain digest
    keyed = call.office.context.code_digest(f"request:{digest.hexdigest()}")
    return replace(call, idempotency=Idempotency(idempotency_key, keyed))


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
