"""Commands about working-day calendars: calendar check."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from api.cli.common import FOUND, Json, bundle, errors, out, show

AHEAD = dt.timedelta(days=60)
"""How far deadlines reach that are set today. The notice for a year comes out in the November before it, so that from
then on its absence shows."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="查看工作日历。", no_args_is_help=True)
    group.callback()(_group)
    group.command("check")(check)
    app.add_typer(group, name="calendar")


def _group() -> None:
    """Keep `check` a command of its own while the group has no other."""


def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="政策文件或文件夹；默认随附的整套政策")] = None,
    today: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="以哪一天为今天")] = None,
    json_: Json = False,
) -> None:
    """检查放假通知是否够用；60 天内就要用到尚未公布的年份时，退出码为 1。"""
    from engine.analysis.calendars import published_until
    from engine.compiler import compile_policy
    from engine.language import as_text

    files = bundle(paths)
    compiled = compile_policy(files)
    if compiled.policy is None:
        typer.echo(as_text([d for d in compiled.diagnostics if d.severity == "error"], files), nl=False, err=True)
        raise typer.Exit(FOUND)
    calendars = compiled.policy.calendars
    day = today.date() if today else dt.datetime.now(ZoneInfo("Asia/Shanghai")).date()
    until = published_until(calendars, day)
    enough = until is not None and day + AHEAD <= until
    years = [calendars[year] for year in sorted(calendars)]
    if json_:
        out(
            {
                "today": day,
                "needed_until": day + AHEAD,
                "published_until": until,
                "enough": enough,
                "years": [{"year": c.year, "provisional": c.provisional, "source": c.source} for c in years],
            }
        )
    else:
        rows = [(str(c.year), "暂定" if c.provisional else "已公布", c.source) for c in years]
        show(rows, ("年份", "状态", "依据"))
        known = f"已公布至 {until}" if until else f"{day.year} 年的放假安排尚未公布"
        if enough:
            typer.echo(f"{known}，够用到 {day + AHEAD}。")
        else:
            missing = until.year + 1 if until else day.year
            errors.print(
                f"[bold red]{known}，不够用到 {day + AHEAD}（{day} 起 60 天）。[/]\n"
                f"请按国务院办公厅的通知补上 rules/calendars/{missing}.yaml，并写 provisional: false。",
                highlight=False,
            )
    raise typer.Exit(0 if enough else FOUND)
