"""Commands for policy staff who write: fmt, new, export."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.progress import Progress

from api.cli.common import FOUND, NOT_FOUND, REFUSED, USAGE, Json, Paths, bundle, errors, fail, out

if TYPE_CHECKING:
    from engine.language.ir import Policy


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("fmt")(fmt)
    new = typer.Typer(help="起草新的政策文件。", no_args_is_help=True)
    new.callback()(_group)
    new.command("memorandum")(new_memorandum)
    app.add_typer(new, name="new")
    export = typer.Typer(help="把政策写成给人看的文件。", no_args_is_help=True)
    export.command("annex")(export_annex)
    export.command("rulebook")(export_rulebook)
    app.add_typer(export, name="export")


def _group() -> None:
    """起草新的政策文件。"""


def fmt(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="政策文件或文件夹；默认当前文件夹下的 rules 和 memoranda")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="只列出会改动的文件，不写入")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="只显示改动，不写入")] = False,
    json_: Json = False,
) -> None:
    """把政策文件排成规范的格式，保留每一条注释；读不了的文件不动，退出码为 1。"""
    from difflib import unified_diff

    from adapters.authoring.disk import replace_file
    from adapters.authoring.format import FormatError, format_text
    from adapters.policy_files import FOLDERS, BundleError, bundle_files
    from engine.language import as_text
    from engine.language.source import MAX_BYTES

    try:
        if not paths and not any(Path(name).is_dir() for name in FOLDERS):
            fail(USAGE, "当前文件夹下没有 rules 和 memoranda：请写明要排版的文件或文件夹")
        files = list(bundle_files(paths or [Path()]).values())
    except (BundleError, OSError) as error:
        fail(USAGE, str(error))
    changed, unreadable, diffs, reasons = [], [], [], []
    with Progress(transient=True, console=errors, disable=not sys.stderr.isatty()) as progress:
        for file in progress.track(files, description="排版"):
            name = _shown(file)
            try:
                with file.open("rb") as stream:
                    content = stream.read(MAX_BYTES + 1)
                made = format_text(name, content)
                if made.text is None:
                    unreadable.append(name)
                    reasons.append(as_text(made.diagnostics, {name: content}))
                elif (new := made.text.encode()) != content:
                    changed.append(name)
                    if diff:
                        sides = (content.decode().splitlines(), made.text.splitlines(), name, name)
                        diffs.append("\n".join(unified_diff(*sides, lineterm="")))
                    elif not check:
                        replace_file(file, new)
            except OSError as error:
                fail(USAGE, f"{name}：{error.strerror}")
            except FormatError as error:
                unreadable.append(name)
                reasons.append(f"{error}\n")
    typer.echo("".join(reasons), nl=False, err=True)
    if json_:
        out({"changed": changed, "unreadable": unreadable, "files": len(files)})
    else:
        verb = "须改动" if check or diff else "已改动"
        typer.echo("\n".join(diffs if diff else [f"{verb} {name}" for name in changed]), nl=bool(changed))
        rest = f"，{len(unreadable)} 个读不了" if unreadable else ""
        typer.echo(f"{len(files)} 个文件：{len(changed)} 个{verb}{rest}。", err=diff)
    raise typer.Exit(FOUND if unreadable or (changed and (check or diff)) else 0)


def _shown(path: Path) -> str:
    """A path as short as it can be said from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def new_memorandum(
    annex: Annotated[Path, typer.Argument(metavar="附件", help="三列的附件：措施、依据、实施单位（.xlsx 或 .docx）")],
    identifier: Annotated[str, typer.Option("--id", help="新备忘录的标识，也是文件名")],
    listed: Annotated[str, typer.Option("--list", help="名单的标识")],
    title: Annotated[str, typer.Option("--title", help="备忘录的名称")],
    document: Annotated[str | None, typer.Option("--document", help="文号")] = None,
    start: Annotated[
        dt.datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="自哪一日起施行；默认今天，并标为待核")
    ] = None,
    folder: Annotated[
        Path, typer.Option("--out", help="写入的文件夹；其下有 rules 和 memoranda 的，就按这套政策对照")
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="覆盖已有的文件")] = False,
    json_: Json = False,
) -> None:
    """由附件起草一份合作备忘录；拿不准的逐处标“待核”，依据一律不算已核对。"""
    from adapters.authoring.annex_files import AnnexError, read_annex
    from adapters.authoring.memorandum import DraftError, draft_memorandum
    from adapters.policy_files import FOLDERS
    from engine.language import as_json, as_text
    from engine.workbench.drafting import Request

    files = bundle([folder] if all((folder / name).is_dir() for name in FOLDERS) else None)
    policy = _compiled(files)
    _check_request(policy, identifier, listed, title)
    day = start.date() if start else dt.datetime.now(ZoneInfo("Asia/Shanghai")).date()
    request = Request(identifier, listed, title, document, annex.name, day, start is not None)
    try:
        made = draft_memorandum(read_annex(annex), files, policy, request)
    except (AnnexError, DraftError) as error:
        fail(FOUND, f"{annex}：{error}")
    except OSError as error:
        fail(USAGE, f"读不了 {annex}：{error.strerror}")
    there = [path for path in made.files if (folder / path).exists() or path in files]
    if there and not force:
        fail(REFUSED, "文件已经存在，没有写入任何文件；要覆盖请加 --force", *there)
    for path, text in made.files.items():
        _write(folder / path, text.encode())
    if json_:
        out({
            "files": [str(folder / path) for path in made.files], "rules": made.rules, "marks": made.marks,
            "new_measures": made.new_measures, "compiles": not made.errors, "diagnostics": as_json(made.errors),
        })  # fmt: skip
        return
    typer.echo("".join(f"已写 {folder / path}\n" for path in made.files), nl=False)
    new = f"，新建 {len(made.new_measures)} 项措施" if made.new_measures else ""
    typer.echo(f"{made.rules} 条规则{new}；{len(made.marks)} 处待核，在文件中找“待核”二字。")
    if made.errors:
        typer.echo(as_text(made.errors, {**files, **made.files}), nl=False)
        typer.echo(f"还不能编译：{len(made.errors)} 处须先改好。")
    else:
        typer.echo("可以编译；所附的测试只记下草稿算出的结果，也须核对。")


def _check_request(policy: Policy, identifier: str, listed: str, title: str) -> None:
    """End the command if a draft under this id, of this list or title could not be read."""
    from engine.language.diagnostics import nearest
    from engine.language.scalars import ScalarError
    from engine.language.scalars import identifier as parsed

    try:
        parsed(identifier)
    except ScalarError as error:
        fail(USAGE, f"--id：{error.message}", error.expected)
    if not title.strip():
        fail(USAGE, "--title 是空的")
    if listed not in policy.lists:
        near = nearest(listed, policy.lists)
        known = "、".join(f"{i}（{found.title}）" for i, found in sorted(policy.lists.items()))
        fail(NOT_FOUND, f"没有名单 {listed}", *([f"是不是 {near}？"] if near else []), f"现有：{known}")


def export_annex(
    memorandum: Annotated[str, typer.Argument(metavar="备忘录", help="备忘录的标识")],
    file: Annotated[Path, typer.Option("--out", help="写入的文件，.xlsx 或 .docx")],
    paths: Paths = None,
) -> None:
    """把一份备忘录写回三列的附件：措施、法律及政策依据、实施单位。"""
    from adapters.authoring.annex_files import docx_annex, xlsx_annex
    from engine.language.diagnostics import nearest
    from engine.workbench.annex import rows_of

    writers = {".xlsx": xlsx_annex, ".docx": docx_annex}
    if file.suffix.lower() not in writers:
        fail(USAGE, "只能写成 .xlsx 或 .docx 文件")
    policy = _compiled(bundle(paths))
    if memorandum not in policy.memoranda:
        near = nearest(memorandum, policy.memoranda)
        fail(NOT_FOUND, f"没有备忘录 {memorandum}", *([f"是不是 {near}？"] if near else []))
    found = policy.memoranda[memorandum]
    rows = rows_of(found, policy)
    _write(file, writers[file.suffix.lower()](rows, f"{found.title}附件"))
    typer.echo(f"{file}：{len({row.number for row in rows})} 项措施，{len(rows)} 行。条件、对象和先后次序不在附件中。")


def export_rulebook(
    file: Annotated[Path, typer.Option("--out", help="写入的文件，.html 或 .docx")],
    paths: Paths = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="只要这份备忘录；可以多次")] = None,
    title: Annotated[str | None, typer.Option("--title", help="书名")] = None,
) -> None:
    """把政策写成中文的规则汇编：每条规则一句话，附依据，另按部门和措施索引。"""
    from adapters.authoring.rulebook import TITLE, docx_book, html_book
    from engine.language.diagnostics import nearest
    from engine.workbench.rulebook import book_of

    writers = {".html": html_book, ".docx": docx_book}
    if file.suffix.lower() not in writers:
        fail(USAGE, "只能写成 .html 或 .docx 文件")
    policy = _compiled(bundle(paths))
    for name in only or ():
        if name not in policy.memoranda:
            near = nearest(name, policy.memoranda)
            fail(NOT_FOUND, f"没有备忘录 {name}", *([f"是不是 {near}？"] if near else []))
    with Progress(transient=True, console=errors, disable=not sys.stderr.isatty()) as progress:
        progress.add_task("排版", total=None)
        book = book_of(policy, only or ())
        content = writers[file.suffix.lower()](book, title or TITLE)
    _write(file, content)
    lists, memoranda, rules, departments = book.counts
    typer.echo(f"{file}：{lists} 份名单，{memoranda} 件备忘录，{rules} 条规则，{departments} 个实施部门。")


def _compiled(files: Mapping[str, str | bytes]) -> Policy:
    """What the files compile to; errors end the command."""
    from engine.compiler import compile_policy
    from engine.language import as_text

    compiled = compile_policy(files)
    if compiled.policy is None:
        typer.echo(as_text([d for d in compiled.diagnostics if d.severity == "error"], files), nl=False, err=True)
        raise typer.Exit(FOUND)
    return compiled.policy


def _write(file: Path, content: bytes) -> None:
    from adapters.authoring.disk import replace_file

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, content)
    except OSError as error:
        fail(USAGE, f"写不了 {file}：{error.strerror}")
