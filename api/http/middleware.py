"""Pure ASGI middleware: size and type of bodies, and the access log. Neither sees or logs a path's values."""

from __future__ import annotations

import sys
import time
import traceback
from typing import Any

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import LimitError, problem
from api.settings import Settings

log = structlog.get_logger("xinheng.access")
LIMITS = {"/v1/records": "max_records_bytes", "/v1/policies": "max_policy_bytes"}
FORM = "application/x-www-form-urlencoded"
TYPES = {"/v1/records": "application/x-ndjson", "/me": FORM, "/me/logout": FORM}
STREAMED = frozenset({"/v1/records"})
GONE = 499  # the caller hung up; never sent, only logged


def log_as_json() -> None:
    """Write the log as one JSON object a line on standard error, for whoever runs the service."""
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


class BodyGuard:
    """Refuses bodies that are too large, while they arrive, or of another type than the route takes."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http" or scope["method"] not in {"POST", "PUT", "PATCH"}:
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        setting = LIMITS.get(path, "max_body_bytes")
        limit: int = getattr(self.settings, setting)
        headers = dict(scope["headers"])
        wanted = TYPES.get(path, "application/json")
        given = headers.get(b"content-type", b"").split(b";")[0].strip().decode("latin-1").lower()
        if given and given != wanted:
            await problem("unsupported-media-type", 415, f"应为 {wanted}")(scope, receive, send)
            return
        error = LimitError("body-too-large", 413, f"最大 {limit} 字节", limit=limit, setting=setting)
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await error.response()(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise error
            return message

        if path in STREAMED:
            await self.app(scope, counted, send)
            return
        messages: list[Message] = []
        try:
            while True:  # the body is small enough to be held, and a route must not act on half of it
                message = await counted()
                messages.append(message)
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    break
        except LimitError:
            await error.response()(scope, receive, send)
            return
        pending = iter(messages)

        async def replay() -> Message:
            return next(pending, None) or await receive()

        await self.app(scope, replay, send)


class AccessLog:
    """One line a request: route template, status, duration, key id. No path values, no query, no body.

    Also the last net: what nobody expected is logged and answered as an internal error. Left to the server it would
    cut the connection under the next request of the same caller.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except ClientDisconnect:
            status = GONE
        except Exception as error:
            log.error("failed", method=scope["method"], route=_template(scope), **_where(error))  # noqa: TRY400 - see there
            if status:
                raise  # half an answer is out; only cutting the connection tells the caller so
            await problem("internal", 500)(scope, receive, watch)
        finally:
            log.info(
                "request",
                method=scope["method"],
                route=_template(scope),
                status=status,
                ms=round((time.perf_counter() - start) * 1000, 1),
                key=scope.get("state", {}).get("key_id"),
            )


def _template(scope: Scope) -> str:
    route: Any = scope.get("route")
    return str(getattr(route, "path", "unknown"))


def _where(error: BaseException) -> dict[str, Any]:
    """What failed and where. Messages and local variables stay out of the log: they hold codes and names."""
    frames = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
    cause = error.__cause__
    return {"error": type(error).__name__, "cause": type(cause).__name__ if cause else None, "frames": frames}
