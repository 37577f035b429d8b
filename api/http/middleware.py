"""Pure ASGI middleware: size and type of bodies, and the access log. Neither sees or logs a path's values."""

from __future__ import annotations

import time
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import problem
from api.settings import Settings

log = structlog.get_logger("xinheng.access")
LIMITS = {"/v1/records": "max_records_bytes", "/v1/policy": "max_policy_bytes"}
TYPES = {"/v1/records": "application/x-ndjson"}


class BodyGuard:
    """Refuses bodies that are too large, while they arrive, or of another type than JSON."""

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
        too_large = problem(
            "body-too-large", 413, f"最大 {limit} 字节", limit=limit, setting=f"XINHENG_{setting.upper()}"
        )
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await too_large(scope, receive, send)
            return
        received = 0
        messages: list[Message] = []
        while True:  # the body is small enough to be held, and a route must not act on half of it
            message = await receive()
            messages.append(message)
            received += len(message.get("body", b""))
            if received > limit:
                await too_large(scope, receive, send)
                return
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                break
        pending = iter(messages)

        async def replay() -> Message:
            return next(pending, None) or await receive()

        await self.app(scope, replay, send)


class AccessLog:
    """One line a request: route template, status, duration, key id. No path values, no query, no body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            route: Any = scope.get("route")
            log.info(
                "request",
                method=scope["method"],
                route=getattr(route, "path", "unknown"),
                status=status,
                ms=round((time.perf_counter() - start) * 1000, 1),
                key=scope.get("state", {}).get("key_id"),
            )
