"""Commands for policy staff: check."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from api.cli.common import COUNTS, FOUND, UNAVAILABLE, Paths, bundle, errors, fail
from api.cli.editing import citations

if TYPE_CHECKING:
    from engine.workbench.findings import Finding


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    paths: Paths = None,
    form: Annotated[Literal["text", "json", "github"], typer.Option("--format", help="输出格式")] = "text",
    quick: Annotated[bool, typer.Option("--quick", help="只编译，不作求解证明")] = False,
    day: Annotated[str | None, typer.Option("--day", help="先在哪一天找见证，默认今天")] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="求解证明最多用多少秒")] = 120,
    laws: Annotated[Path | None, typer.Option("--laws", help="法律文本的文件夹：逐条核对引用")] = None,
) -> None:
    """检查政策文件，一次列出全部问题，并以求解器证明或举出见证；有错误时退出码为 1。"""
    from engine.compiler import compile_policy
    from engine.language import as_github, as_json, as_text

    files = bundle(paths)
    compiled = compile_policy(files)
    deep = () if quick else _deep(files, _day(day), seconds)
    cited = citations(compiled.draft, laws) if laws else None
    witnesses = {f.diagnostic: f for f in deep}
    plain = compiled.diagnostics if quick else ()  # the deep check repeats them, with witnesses
    found = [*plain, *witnesses, *(cited.diagnostics if cited else ())]
    bad = sum(d.severity == "error" for d in found)
    if form == "json":
        version = compiled.policy.version if compiled.policy else None
        shown: list[Mapping[str, Any]] = [
            {**told, "witness": _witness(witnesses.get(d))} for d, told in zip(found, as_json(found), strict=True)
        ]
        document = {"counts": dict(compiled.counts), "version": version, "diagnostics": shown}
        if cited:
            document["citations"] = {"held": cited.held, "unknown": cited.unknown}
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
    elif form == "github":
        typer.echo(as_github(found), nl=False)
    else:
        typer.echo(as_text(found, files), nl=False)
        counts = "，".join(f"{COUNTS.get(k, k)} {v}" for k, v in compiled.counts.items())
        typer.echo(f"{len(files)} 个文件：{counts}。{bad} 个错误，{len(found) - bad} 个其他提示。")
        if quick:
            typer.echo("只作了编译检查；去掉 --quick 才会证明规则能否成立、有无矛盾、过罚是否相当。")
        if cited:
            typer.echo(f"引用 {cited.held} 处已与文本核对，{cited.unknown} 处没有文本，对错未知。")
        if compiled.policy:
            typer.echo(f"版本 {compiled.policy.version}")
    raise typer.Exit(FOUND if bad else 0)


def _day(text: str | None) -> dt.date:
    try:
        return dt.date.fromisoformat(text) if text else dt.date.today()  # noqa: DTZ011 - a person's own day
    except ValueError:
        raise typer.BadParameter("写成 2026-11-24", param_hint="--day") from None


def _deep(files: Mapping[str, str | bytes], day: dt.date, seconds: float) -> tuple[Finding, ...]:
    """The findings of the deep check, with a progress bar where someone watches."""
    from rich.progress import Progress

    from adapters.checking import deep_check
    from adapters.trials import TrialError

    try:
        with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
            task = bar.add_task("证明", total=None)
            return deep_check(
                files, day, seconds=seconds, progress=lambda done, total: bar.update(task, completed=done, total=total)
            ).findings
    except TrialError as error:
        fail(UNAVAILABLE, f"未能判定：{error}", "没有证明完的不能当作没有问题；可加大 --seconds，或先用 --quick 只编译")


def _witness(found: Finding | None) -> list[Any]:
    from engine.decision.model import plain

    return [plain(facts) for facts in found.witness] if found else []
