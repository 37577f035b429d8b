"""Commands for policy staff: procedures; and policy versions to look at. Putting them in force: `publishing`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import publishing
from api.cli.common import (
    COUNTS,
    FOUND,
    USAGE,
    As,
    Database,
    Json,
    Key,
    Paths,
    bundle,
    console,
    fail,
    office_of,
    out,
    principal_of,
    show,
)
from api.cli.publishing import CHECKED, CLOSED, STATES, full_version, moment, say

if TYPE_CHECKING:
    from adapters.office import Office, PolicyView, Principal

SINGULAR = {"memoranda": "memorandum"}
SHORT = 12
"""Digits of a version that tell it apart for people."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("procedures")(procedures)
    group = typer.Typer(help="查看、提出、批准、回退政策。", no_args_is_help=True)
    group.command("show")(show_policy)
    group.command("history")(history)
    group.command("changelog")(changelog)
    group.command("files")(files_of)
    group.command("verify")(verify)
    publishing.register(group)
    app.add_typer(group, name="policy")


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


def show_policy(
    version: Annotated[str, typer.Argument(help="政策版本，可只写开头几位；默认现行政策")] = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """一个政策版本：理由、检查结果、改了什么、谁提出、谁批准、何时施行。"""
    with office_of(db) as office:
        principal = principal_of(office, key, department)
        if version:
            view = office.get_policy(principal, full_version(office, principal, version))
        else:
            view = office.describe_policy()
        if json_:
            out(asdict(view))
            return
        say(view)
        counts = [(COUNTS.get(SINGULAR.get(k, k.removesuffix("s")), k), str(v)) for k, v in view.counts.items()]
        show(counts, ("内容", "数量"))


def history(
    limit: Annotated[int, typer.Option(help="最近多少次")] = 20,
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """历次提议及其结果，最近的在前。"""
    with office_of(db) as office:
        found = _newest(office, principal_of(office, key, department), limit)
        if json_:
            out([asdict(v) for v in found])
            return
        for v in found:
            since = moment(v.effective_from) if v.effective_from else str(v.start or "")
            which = "原定 " if v.state in {"refused", "withdrawn"} else "拟 " if v.state == "proposed" else ""
            console.print(
                f"[bold]{v.version[:SHORT]}[/]  {STATES[v.state]}" + (f"  {which}{since} 起" if since else "")
            )
            acts = [f"提出：{v.proposed_by} {moment(v.proposed_at)}"]
            acts += [f"{CLOSED[v.state]}：{v.closed_by} {moment(v.closed_at)}"] if v.closed_by and v.closed_at else []
            for line in (v.reason, "　".join(acts), v.remark, *v.changes.summary):
                if line:
                    console.print(f"    {line}", highlight=False, markup=False)


def _newest(office: Office, principal: Principal, limit: int) -> list[PolicyView]:
    found: list[PolicyView] = []
    after = None
    while len(found) < limit:
        page = office.policy_history(principal, after=after, limit=min(limit - len(found), 200))
        found += page.items
        after = page.next
        if after is None:
            break
    return found


def changelog(
    page: Annotated[Path | None, typer.Option("--out", help="写入的文件，默认输出到屏幕")] = None,
    key: Key = None,
    department: As = None,
    db: Database = None,
) -> None:
    """政策沿革（Markdown）：每个施行过或者待施行的版本改了什么、为什么、谁提出、谁批准。"""
    with office_of(db) as office:
        found = _newest(office, principal_of(office, key, department), 10_000)
    text = "# 政策沿革\n" + "".join(_entry(v) for v in found if v.state in {"in-force", "past", "pending"})
    if page is None:
        typer.echo(text, nl=False)
        return
    try:
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(USAGE, f"写不了 {page}：{error.strerror}")
    typer.echo(str(page))


def _entry(view: PolicyView) -> str:
    start = moment(view.effective_from) if view.effective_from else ""
    checks = "，".join(f"{c.title}{CHECKED[c.result]}" for c in view.checks)
    lines = [
        f"\n## {view.version[:SHORT]}　{start}　{STATES[view.state]}\n",
        f"{view.reason or '（无）'}\n",
        f"- 提出：{view.proposed_by}，{moment(view.proposed_at)}",
        f"- 批准：{view.approved_by}，{moment(view.approved_at or '')}" + (f"（{view.remark}）" if view.remark else ""),
        f"- 替换：{view.base[:SHORT] if view.base else '（无）'}" + ("（回退）" if view.rollback else ""),
    ]
    lines += [f"- 检查：{checks}"] if checks else []
    lines += [f"- 签名：{view.key}" if view.key else "- 没有签名（启用签名之前）"]
    lines += [f"- {line}" for line in view.changes.summary]
    return "\n".join(lines) + "\n"


def files_of(
    version: Annotated[str, typer.Argument(help="政策版本，可只写开头几位；current 为现行")],
    folder: Annotated[Path, typer.Option("--out", help="写入的文件夹，须是空的或者还没有")],
    key: Key = None,
    department: As = None,
    db: Database = None,
) -> None:
    """把一个版本的全部文件写到文件夹里，以便在它之上修改。"""
    with office_of(db) as office:
        principal = principal_of(office, key, department)
        wanted = office.describe_policy().version if version == "current" else full_version(office, principal, version)
        files = office.policy_files(principal, wanted)
    if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in files):
        fail(FOUND, "这一版本里有指向文件夹之外的路径，不写出")
    try:
        if folder.exists() and any(folder.iterdir()):
            fail(USAGE, f"{folder} 不是空的")
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        fail(USAGE, f"写不了 {folder}：{error.strerror}")
    typer.echo(f"{folder}：{len(files)} 个文件")


def verify(
    version: Annotated[str, typer.Argument(help="只核对这一版本，可只写开头几位；默认全部")] = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """核对：内容与版本的哈希、批准的签名、前后次序；有不符时退出码为 1。"""
    with office_of(db) as office:
        principal = principal_of(office, key, department)
        found = office.verify_policies(principal, full_version(office, principal, version) if version else None)
    if json_:
        out(asdict(found))
    else:
        for f in found.findings:
            which = f"（第 {f.activation} 次启用）" if f.activation else ""
            typer.echo(f"✗ {f.version[:SHORT]}{which}：{f.problem}")
        for v in found.unsigned:
            typer.echo(f"没有签名（启用签名之前）：{v[:SHORT]}")
        for signer in found.signers:
            typer.echo(f"签署的公钥：{signer}")
        typer.echo(f"{found.versions} 个版本，{found.activations} 次启用，{len(found.findings)} 处不符")
    raise typer.Exit(FOUND if found.findings else 0)
