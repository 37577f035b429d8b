"""Commands for policy staff: check."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from api.cli.common import COUNTS, FOUND, Paths, bundle


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    paths: Paths = None,
    form: Annotated[Literal["text", "json", "github"], typer.Option("--format", help="输出格式")] = "text",
) -> None:
    """检查政策文件，一次列出全部问题；有错误时退出码为 1。"""
    from engine.compiler import compile_policy
    from engine.language import as_github, as_json, as_text

    files = bundle(paths)
    compiled = compile_policy(files)
    bad = sum(d.severity == "error" for d in compiled.diagnostics)
    if form == "json":
        version = compiled.policy.version if compiled.policy else None
        document = {"counts": dict(compiled.counts), "version": version, "diagnostics": as_json(compiled.diagnostics)}
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
    elif form == "github":
        typer.echo(as_github(compiled.diagnostics), nl=False)
    else:
        typer.echo(as_text(compiled.diagnostics, files), nl=False)
        counts = "，".join(f"{COUNTS.get(k, k)} {v}" for k, v in compiled.counts.items())
        others = len(compiled.diagnostics) - bad
        typer.echo(f"{len(files)} 个文件：{counts}。{bad} 个错误，{others} 个其他提示。")
        if compiled.policy:
            typer.echo(f"版本 {compiled.policy.version}")
    raise typer.Exit(FOUND if bad else 0)
