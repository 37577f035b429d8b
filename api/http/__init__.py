"""The HTTP API: thin routes over the office."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from adapters.ledger import is_current
from adapters.office import Office
from api.assembly import open_office
from api.http import (
    audit,
    cases,
    clock,
    counter,
    erasing,
    letters,
    obligations,
    policies,
    portal,
    problems,
    procedure,
    proofs,
    replays,
)
from api.http.middleware import AccessLog, BodyGuard
from api.settings import Settings
from api.web import pages

__all__ = ["create_app"]

DESCRIPTION = "联合奖惩：发起、响应、反馈，直至每一项措施办结并解除。身份代码只出现在请求内容里，从不出现在地址里。"


def create_app(settings: Settings | None = None, office: Office | None = None, *, keep_time: bool = False) -> FastAPI:
    """The application. Without an office it opens its own for as long as it runs.

    `keep_time` runs the worker inside, where the database is SQLite; see `docs/worker.md`.
    """
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as stack:
            app.state.office = office or stack.enter_context(open_office(settings))
            if keep_time:
                stack.enter_context(clock.embedded_worker(app.state.office))
            yield

    app = FastAPI(
        title="信衡 Xinheng", version=version("xinheng"), description=DESCRIPTION, lifespan=lifespan, docs_url="/docs",
        redoc_url=None, redirect_slashes=False, responses=problems.PROBLEMS,
    )  # fmt: skip
    app.state.settings = settings
    app.state.attempts = portal.Attempts(settings)
    if office is not None:
        app.state.office = office
    app.add_middleware(BodyGuard, settings=settings)
    app.add_middleware(AccessLog)
    if settings.simulated_clock is not None:
        app.add_middleware(clock.SimulatedTime, settings=settings)
    problems.install(app)
    app.include_router(cases.router)
    app.include_router(procedure.router)
    app.include_router(obligations.router)
    app.include_router(letters.router)
    app.include_router(counter.router)
    app.include_router(policies.router)
    app.include_router(proofs.router)
    app.include_router(proofs.receipts)
    app.include_router(audit.router)
    app.include_router(replays.router)
    app.include_router(erasing.router)
    app.include_router(portal.router)
    app.include_router(pages.router)
    app.include_router(clock.router)

    @app.get("/healthz", tags=["health"], summary="存活")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", tags=["health"], summary="就绪")
    def readyz() -> JSONResponse:
        ready = is_current(app.state.office.context.engine)
        return JSONResponse({"status": "ok" if ready else "migrating"}, 200 if ready else 503)

    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        document["components"]["schemas"]["Problem"] = problems.SCHEMA
        return document

    app.openapi = openapi  # type: ignore[method-assign]
    return app
