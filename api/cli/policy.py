"""Commands for policy staff: schema, procedures, policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from api.cli.common import (
    COUNTS,
    FOUND,
    USAGE,
    As,
    Database,
    Json,
    Key,
    Officer,
    Paths,
    bundle,
    fail,
    office_of,
    out,
    principal_of,
    show,
)

SINGULAR = {"memoranda": "memorandum"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("schema")(schema)
    app.command("procedures")(procedures)
    group = typer.Typer(help="查看、提出、批准政策。", no_args_is_help=True)
    group.command("show")(show_policy)
    group.command("propose")(propose)
    group.command("approve")(approve)
    app.add_typer(group, name="policy")


def schema(
    folder: Annotated[Path, typer.Option("--out", help="写入的文件夹")] = Path("rules/schema"), json_: Json = False
) -> None:
    """写出各种政策文件的 JSON Schema，供编辑器补全和提示。"""
    from engine.language import json_schemas

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind, document in sorted(json_schemas().items()):
            text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
            path = folder / f"{kind}.json"
            path.write_text(text, encoding="utf-8")
            written.append(str(path))
    except OSError as error:
        fail(USAGE, f"写不了 {folder}：{error.strerror}")
    if json_:
        out(written)
    else:
        typer.echo("\n".join(written))


def procedures(
    paths: Paths = None,
    page: Annotated[Path | None, typer.Option("--out", help="写入的文件，默认输出到屏幕")] = None,
) -> None:
    """列出每个名单的阶段、时限、救济及其出处（Markdown）；政策有错误时退出码为 1。"""
    from engine.compiler import compile_policy
    from engine.language import as_text
    from engine.language.procedures import as_page

    files = bundle(paths)
    compiled = compile_policy(files)
    if compiled.policy is None:
        typer.echo(as_text([d for d in compiled.diagnostics if d.severity == "error"], files), nl=False, err=True)
        raise typer.Exit(FOUND)
    text = as_page(compiled.policy)
    if page is None:
        typer.echo(text, nl=False)
        return
    try:
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(USAGE, f"写不了 {page}：{error.strerror}")
    typer.echo(str(page))


def show_policy(db: Database = None, json_: Json = False) -> None:
    """现行政策。"""
    with office_of(db) as office:
        view = office.describe_policy()
        if json_:
            out(
                {
                    "version": view.version,
                    "proposed_by": view.proposed_by,
                    "approved_by": view.approved_by,
                    "counts": dict(view.counts),
                }
            )
        else:
            rows = [("版本", view.version), ("提出", f"{view.proposed_by} {view.proposed_at}")]
            rows += [("批准", f"{view.approved_by} {view.approved_at}")]
            rows += [(COUNTS.get(SINGULAR.get(k, k.removesuffix("s")), k), str(v)) for k, v in view.counts.items()]
            show(rows, ("项目", "内容"))


def propose(
    paths: Paths = None,
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """提出一整套政策；编译有误时逐条列出，退出码为 1。"""
    files = _texts(bundle(paths))
    with office_of(db) as office:
        view = office.propose_policy(principal_of(office, key, department, officer), files)
        if json_:
            out({"version": view.version, "active": view.active, "proposed_by": view.proposed_by})
        else:
            typer.echo(view.version)


def approve(
    version: Annotated[str, typer.Argument(help="提出的政策版本")],
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """由另一人批准一套政策，使其生效。"""
    with office_of(db) as office:
        view = office.approve_policy(principal_of(office, key, department, officer), version)
        if json_:
            out({"version": view.version, "active": view.active, "approved_by": view.approved_by})
        else:
            typer.echo(f"{view.version} 已生效")


def _texts(files: Mapping[str, str | bytes]) -> dict[str, str]:
    """The files as text; one that is none is reported as the compiler would."""
    from engine.compiler import compile_policy
    from engine.language import as_text

    try:
        return {name: text.decode() if isinstance(text, bytes) else text for name, text in files.items()}
    except UnicodeDecodeError:
        typer.echo(as_text([d for d in compile_policy(files).diagnostics if d.severity == "error"], files), err=True)
        raise typer.Exit(FOUND) from None
