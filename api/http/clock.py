"""Whether time is being kept, for whoever watches the service; and the embedded worker that keeps it on SQLite."""

from __future__ import annotations

import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.office import Office
from adapters.worker import open_worker
from api.clock import now
from api.settings import Settings

router = APIRouter(tags=["health"])
HEADER = "Xinheng-Simulated-Time"
STOPPING_SECONDS = 30


class ClockOut(BaseModel):
    """Whether deadlines, expiry and escalation are being looked after."""

    alive: bool = Field(description="定时任务在其周期之内有过心跳")
    canary: bool = Field(description="当日的试验事项逐级督办无误")
    last: str | None = Field(description="上次心跳")
    waiting: int = Field(description="尚未送达的消息")
    promises: bool = Field(description="收录承诺没有逾期未兑现的")


@router.get(
    "/v1/clock", summary="定时任务是否在运行", response_model=ClockOut,
    responses={503: {"model": ClockOut, "description": "没有在运行，试验事项未能督办，或者收录承诺逾期"}},
)  # fmt: skip
def clock(request: Request) -> Any:
    """Open to all, for it holds nobody's data. 503 when nobody keeps time."""
    health = request.app.state.office.health()
    body = {
        "alive": health.alive, "canary": health.canary, "last": health.last, "waiting": health.waiting,
        "promises": health.promises,
    }  # fmt: skip
    return JSONResponse(body, 200 if health.alive and health.canary and health.promises else 503)


@contextmanager
def embedded_worker(office: Office) -> Iterator[None]:
    """Keep time in a thread of this process, on SQLite; on PostgreSQL processes of their own do (`xinheng worker`)."""
    if office.context.engine.dialect.name != "sqlite":
        yield
        return
    worker, stop = open_worker(office, name=f"serve@{platform.node()}"), threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOPPING_SECONDS)


class SimulatedTime:
    """Says on every answer that this service does not live in the present, and when it does."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.file = app, settings.simulated_clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and mark the answer."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                instant = now(self.file).isoformat()
                message["headers"] = [*message["headers"], (HEADER.lower().encode(), instant.encode())]
            await send(message)

        await self.app(scope, receive, marked if scope["type"] == "http" else send)
