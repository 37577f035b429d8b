"""Commands for policy staff: check, test, schema, procedures, policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from api.cli.common import (
    FOUND,
    USAGE,
    As,
    Database,
    Json,
    Key,
    Officer,
    bundle,
    console,
    fail,
    office_of,
    out,
    principal_of,
    show,
)

Paths = Annotated[list[Path] | None, typer.Argument(help="政策文件或文件夹；默认随附的整套政策")]
COUNTS = {
    "law": "法律文件", "department": "部门", "record": "征集目录", "list": "名单", "measure": "措施", "matter": "事项",
    "table": "决策表", "memorandum": "备忘录", "calendar": "年历", "ladder": "督办阶梯",
    "tests": "测试文件", "cases": "测试", "rule": "规则", "test": "测试",
}  # fmt: skip
SINGULAR = {"memoranda": "memorandum"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("check")(check)
    app.command("test")(run_beside)
    app.command("schema")(schema)
    app.command("procedures")(procedures)
    group = typer.Typer(help="查看、提出、批准政策。", no_args_is_help=True)
    group.command("show")(show_policy)
    group.command("propose")(propose)
    group.command("approve")(approve)
    app.add_typer(group, name="policy")


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


def run_beside(paths: Paths = None, json_: Json = False) -> None:
    """运行写在规则旁边的测试；有失败时退出码为 1。"""
    from engine.compiler import compile_policy
    from engine.decision.policy_tests import run_tests
    from engine.language import as_text

    files = bundle(paths)
    compiled = compile_policy(files)
    if compiled.policy is None:
        typer.echo(as_text([d for d in compiled.diagnostics if d.severity == "error"], files), nl=False, err=True)
        raise typer.Exit(FOUND)
    outcomes, coverage = run_tests(compiled.policy)
    failed = [o for o in outcomes if not o.passed]
    if json_:
        out(
            {
                "passed": len(outcomes) - len(failed),
                "failed": [{"test": o.test, "at": str(o.span), "problems": o.problems} for o in failed],
                "never_fired": coverage.never_fired,
                "never_silent": coverage.never_silent,
            }
        )
    else:
        for outcome in failed:
            console.print(f"[bold red]✗[/] {outcome.span}  {outcome.memorandum}：{outcome.test}", highlight=False)
            for problem in outcome.problems:
                console.print(f"    {problem}", highlight=False, markup=False)
        for title, rules in (("没有测试使其成立", coverage.never_fired), ("没有测试使其不成立", coverage.never_silent)):
            for rule in rules:
                console.print(f"[yellow]{title}[/] {rule}", highlight=False)
        typer.echo(f"{len(outcomes) - len(failed)} 个通过，{len(failed)} 个失败")
    raise typer.Exit(FOUND if failed else 0)


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
