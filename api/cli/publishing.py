"""Commands for policy staff: what puts a policy in force, and takes it back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import Progress

from api.cli.common import (
    CONFLICT,
    FOUND,
    USAGE,
    As,
    Database,
    Json,
    Key,
    Officer,
    Paths,
    console,
    errors,
    fail,
    office_of,
    out,
    principal_of,
    show,
)

if TYPE_CHECKING:
    from adapters.office import Office, PolicyProposal, PolicyView, Principal
    from adapters.policy_checks import PolicyChanges, PolicyCheck

CHECKED = {"passed": "通过", "failed": "没有通过", "unknown": "没有结论"}
STATES = {
    "proposed": "待批准", "pending": "待施行", "in-force": "现行", "past": "已被替换", "refused": "不予批准",
    "withdrawn": "已撤回",
}  # fmt: skip
CLOSED = dict.fromkeys(STATES, "批准") | {"refused": "不予批准", "withdrawn": "撤回"}
COLOURS = {"passed": "green", "failed": "bold red", "unknown": "yellow"}
SHOWN = 20
"""Findings of one check that are shown to people; `--json` has all that were kept."""
WHOLE = 64  # hex digits of a version

Version = Annotated[str, typer.Argument(help="政策版本，可只写开头几位")]
Reason = Annotated[str, typer.Option("--reason", help="理由")]
Start = Annotated[str, typer.Option("--from", help="自该日（YYYY-MM-DD，北京时间）零时起施行；默认批准即施行")]
Base = Annotated[str, typer.Option("--base", help="依据哪一版修改；与届时所替换的版本不同即退回")]


def register(group: typer.Typer) -> None:
    """Add the commands to the group of `policy`."""
    group.command("check")(check)
    group.command("propose")(propose)
    group.command("approve")(approve)
    group.command("refuse")(refuse)
    group.command("withdraw")(withdraw)
    group.command("rollback")(rollback)


def check(
    paths: Paths = None,
    start: Start = "",
    base: Base = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """提出之前先看：各项检查的结果，与所要替换的版本相比改了什么；什么也不留下。没有通过时退出码为 1。"""
    files = _texts(paths)
    with office_of(db) as office, _progress() as progress:
        principal = principal_of(office, key, department)
        if not key and not department:
            fail(USAGE, "须以 --as 或 --key 写明是哪个部门的政策人员")
        given = _given(office, principal, files, "", start, base, "migrate")
        found = office.examine_policy(principal, given, progress=progress)
    if json_:
        out(asdict(found))
    else:
        _say_checks(found.checks)
        _say_changes(found.changes)
    raise typer.Exit(FOUND if found.failed else 0)


def propose(
    paths: Paths = None,
    reason: Reason = "",
    start: Start = "",
    base: Base = "",
    migration: Annotated[
        Literal["migrate", "keep"],
        typer.Option(help="migrate：备忘录写明 existing_cases: migrate 的，在办案件改依新政策；keep：都不改"),
    ] = "migrate",
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """提出一整套政策，须写理由；有一项检查没有通过即逐条列出，什么也不留下，退出码为 1。"""
    files = _texts(paths)
    with office_of(db) as office, _progress() as progress:
        principal = principal_of(office, key, department, officer)
        given = _given(office, principal, files, reason, start, base, migration)
        view = office.propose_policy(principal, given, progress=progress)
    if json_:
        out(asdict(view))
        return
    typer.echo(view.version)
    unknown = [c.title for c in view.checks if c.result == "unknown"]
    if unknown:
        errors.print(
            f"[yellow]没有结论：{'、'.join(unknown)}[/]（详见 xinheng policy show {view.version[:12]}）",
            highlight=False,
        )


def approve(
    version: Version,
    remark: Annotated[str, typer.Option("--remark", help="批准意见")] = "",
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """由另一人批准并签名；自施行日期起生效，没有写明日期或者日期已过的立即生效。"""
    with office_of(db) as office:
        principal = principal_of(office, key, department, officer)
        view = office.approve_policy(principal, full_version(office, principal, version), remark=remark)
    if json_:
        out(asdict(view))
    elif view.state == "pending":
        typer.echo(f"{view.version} 自 {moment(view.effective_from or '')} 起施行")
    else:
        typer.echo(f"{view.version} 已生效")


def refuse(
    version: Version,
    reason: Reason = "",
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """不予批准，须写理由；由提出人以外的人办理。"""
    with office_of(db) as office:
        principal = principal_of(office, key, department, officer)
        view = office.refuse_policy(principal, full_version(office, principal, version), reason)
    out(asdict(view)) if json_ else typer.echo(f"{view.version} 不予批准")


def withdraw(
    version: Version,
    reason: Reason = "",
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """撤回，须写理由：待批准的由提出人撤回；已批准而尚未施行的，连同其后待施行的一并撤销。"""
    with office_of(db) as office:
        principal = principal_of(office, key, department, officer)
        view = office.withdraw_policy(principal, full_version(office, principal, version), reason)
    out(asdict(view)) if json_ else typer.echo(f"{view.version} 已撤回")


def rollback(
    reason: Reason = "",
    to: Annotated[str, typer.Option("--to", help="回到哪一版，可只写开头几位；默认上一次批准之前的版本")] = "",
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """回退，须写理由：撤销上一次批准，一人即可，立即施行；回到更早的版本，作为提议由另一人批准。"""
    with office_of(db) as office:
        principal = principal_of(office, key, department, officer)
        target = full_version(office, principal, to) if to else None
        view = office.roll_policy_back(principal, reason, to=target)
    if json_:
        out(asdict(view))
    elif view.state == "proposed":
        typer.echo(f"{view.version} 已提出，待另一人批准：xinheng policy approve {view.version[:12]}")
    else:
        typer.echo(f"{view.version} 已恢复施行")


def full_version(office: Office, principal: Principal, text: str) -> str:
    """The whole of a version of which people gave the first digits."""
    if len(text) >= WHOLE:
        return text
    found, after = set(), None
    while True:
        page = office.policy_history(principal, after=after, limit=200)
        found |= {v.version for v in page.items if v.version.startswith(text)}
        after = page.next
        if after is None:
            break
    if len(found) > 1:
        fail(USAGE, f"以 {text} 开头的版本不止一个", *sorted(found))
    return found.pop() if found else text


def moment(instant: str) -> str:
    """An instant for people: the minute in China, and midnight as the day alone."""
    from adapters.office.ports import CHINA

    if not instant:
        return ""
    there = dt.datetime.fromisoformat(instant).astimezone(CHINA)
    return f"{there:%Y-%m-%d}" if there.time() == dt.time() else f"{there:%Y-%m-%d %H:%M}"


def say(view: PolicyView) -> None:
    """A version for people."""
    rows = [("版本", view.version), ("状态", STATES[view.state]), ("理由", view.reason)]
    rows += [("提出", f"{view.proposed_by} {moment(view.proposed_at)}")]
    rows += (
        [(CLOSED[view.state], f"{view.closed_by} {moment(view.closed_at or '')} {view.remark}")]
        if view.closed_by
        else []
    )
    rows += [("施行", moment(view.effective_from))] if view.effective_from else []
    rows += [("拟施行", str(view.start))] if view.start and not view.effective_from else []
    rows += [("替换", view.base)] if view.base else []
    rows += [("在办案件", "按备忘录所写" if view.migration == "migrate" else "都依原政策")]
    rows += [("签名公钥", view.key)] if view.key else []
    show(rows, ("项目", "内容"))
    _say_checks(view.checks)
    _say_changes(view.changes)


def _say_checks(checks: Sequence[PolicyCheck]) -> None:
    for one in checks:
        console.print(f"[{COLOURS[one.result]}]{CHECKED[one.result]}[/] {one.title}", highlight=False)
        for d in one.details[:SHOWN]:
            console.print(f"    {d.at + '：' if d.at else ''}{d.message}", highlight=False, markup=False)
        if len(one.details) > SHOWN:
            console.print(f"    ……另有 {len(one.details) - SHOWN} 处", highlight=False)


def _say_changes(changes: PolicyChanges) -> None:
    counts = [("新增", changes.added), ("改动", changes.changed), ("删除", changes.removed)]
    if any(paths for _, paths in counts):
        typer.echo("，".join(f"{word} {len(paths)} 个文件" for word, paths in counts if paths))
    for line in changes.summary:
        typer.echo(f"    {line}")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while a bundle is checked."""
    with Progress(transient=True, console=errors) as bar:
        task = bar.add_task("检查", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _given(
    office: Office,
    principal: Principal,
    files: Mapping[str, str],
    reason: str,
    start: str,
    base: str,
    migration: Literal["migrate", "keep"],
) -> PolicyProposal:
    from adapters.office import PolicyProposal

    try:
        day = dt.date.fromisoformat(start) if start else None
    except ValueError:
        fail(USAGE, f"--from 不是日期：{start}", "应写作 2027-01-31")
    return PolicyProposal(files, reason, day, full_version(office, principal, base) if base else None, migration)


def _texts(paths: Sequence[Path] | None) -> dict[str, str]:
    """The files as text, once nobody writes to them; one that is no text is reported as the compiler would."""
    from adapters.policy_files import BundleError, UnsettledError, read_settled
    from engine.compiler import compile_policy
    from engine.language import as_text

    try:
        files = read_settled(paths or ())
    except UnsettledError as error:
        fail(CONFLICT, str(error))
    except (BundleError, OSError) as error:
        fail(USAGE, str(error))
    try:
        return {name: text.decode() if isinstance(text, bytes) else text for name, text in files.items()}
    except UnicodeDecodeError:
        typer.echo(as_text([d for d in compile_policy(files).diagnostics if d.severity == "error"], files), err=True)
        raise typer.Exit(FOUND) from None
