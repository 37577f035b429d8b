"""The worker: keeps time for every case. `xinheng worker`, and `--status` for whoever watches it."""

from __future__ import annotations

import platform
import signal
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.common import FOUND, UNAVAILABLE, USAGE, Database, Json, fail, office_of, out, show

if TYPE_CHECKING:
    from adapters.office import Office
    from adapters.worker import Round


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker")(work)


def work(
    once: Annotated[bool, typer.Option("--once", help="只办一轮即退出")] = False,
    status: Annotated[bool, typer.Option("--status", help="定时任务是否在运行；没有在运行时退出码为 6")] = False,
    period: Annotated[int, typer.Option(help="每隔多少秒办一轮", min=1)] = 60,
    workers: Annotated[int, typer.Option(help="同时办理多少个案件（PostgreSQL）", min=1, max=64)] = 1,
    letters: Annotated[bool, typer.Option("--letters/--no-letters", help="是否预先排印文书")] = True,
    name: Annotated[str, typer.Option(help="心跳的名称，默认为本机名")] = "",
    db: Database = None,
    json_: Json = False,
) -> None:
    """办理时间到了的事：期限届满、停止公示、逐级督办、承接撤并部门、送达消息、排印文书。"""
    stop = threading.Event()
    if not (once or status):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    with office_of(db) as office:
        if status:
            say_status(office, json_=json_)
            return
        from adapters.worker import open_worker
        from api.cli.host import publish_default

        log_as_json()
        publish_default(office)
        try:
            worker = open_worker(office, name=name or platform.node(), period=period, workers=workers, letters=letters)
        except ValueError as error:
            fail(USAGE, str(error))
        if once:
            say_round(worker.round(), json_=json_)
            return
        typer.echo(f"每 {period} 秒办一轮（Ctrl-C 停止）", err=True)
        worker.run(stop)


ROUND = {
    "due": "到期查看的案件", "moved": "其中有变化的", "events": "事件", "failed": "没有办成的案件（下一轮再办）",
    "followed": "随政策迁移的案件", "delivered": "送达的消息", "undelivered": "没有送达的部门（下一轮再送）",
    "rendered": "排印的文书", "erased": "保存期满而删除个人信息的主体", "sealed": "收录存证的事件",
    "seconds": "用时（秒）",
}  # fmt: skip


def say_round(done: Round, *, json_: bool) -> None:
    """What a round did; exit code 1 when something is left for the next one."""
    if json_:
        out(asdict(done))
    else:
        show([(title, str(getattr(done, field))) for field, title in ROUND.items()], ("本轮", "数量"))
    if done.failed or done.undelivered:
        raise typer.Exit(FOUND)


def say_status(office: Office, *, json_: bool) -> None:
    """Whether a worker keeps time; exit code 6 when none does."""
    health = office.health()
    if json_:
        out(asdict(health))
    else:
        rows = (
            ("运行", "是" if health.alive else "否"),
            ("试验事项", "逐级督办无误" if health.canary else "当日未见逐级督办"),
            ("上次心跳", health.last or "从未"),
            ("进程", health.worker or ""),
            ("尚未送达的消息", str(health.waiting)),
            ("收录承诺", "没有逾期" if health.promises else "有逾期未兑现的"),
        )
        show(rows, ("项目", "状况"))
    if not (health.alive and health.canary and health.promises):
        raise typer.Exit(UNAVAILABLE)


def log_as_json() -> None:
    """One JSON object a line on standard error, as the service does; without loading the service."""
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
