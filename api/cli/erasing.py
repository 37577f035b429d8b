"""`xinheng erase`, `erasures` and `master`: lawful erasure, and the keys on which it rests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer

from api.cli.common import (
    REFUSED,
    UNAVAILABLE,
    Database,
    Json,
    fail,
    office_of,
    out,
    principal_of,
    show,
)

Subject = Annotated[str, typer.Argument(help="主体编号", show_default=False)]
Officer = Annotated[str, typer.Option("--officer", help="经办人姓名或工号", show_default=False)]
Department = Annotated[str | None, typer.Option("--as", help="以该部门名义", show_default=False)]
Key = Annotated[str | None, typer.Option("--key", envvar="XINHENG_KEY", help="部门密钥", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", help="不再询问")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("erase")(erase)
    app.command("erasures")(erasures)
    group = typer.Typer(help="主密钥：查看、更换、停用。", no_args_is_help=True)
    group.command("list")(list_masters)
    group.command("rotate")(rotate)
    group.command("retire")(retire)
    app.add_typer(group, name="master")


def erase(
    subject: Subject,
    ground: Annotated[str, typer.Option("--ground", help="法定事由，如 retention-expired", show_default=False)],
    reference: Annotated[str, typer.Option("--reference", help="申请或者批准的文号、事由", show_default=False)],
    officer: Officer,
    department: Department = None,
    key: Key = None,
    yes: Yes = False,
    json_: Json = False,
    db: Database = None,
) -> None:
    """依法删除一个主体的个人信息：销毁其密钥，不能恢复；各项证明仍然成立。"""
    from adapters.office.erasing import GROUNDS

    if not yes and not typer.confirm(f"删除主体 {subject} 的全部个人信息，不能恢复。继续？", err=True):
        fail(REFUSED, "没有删除")
    with office_of(db) as office:
        done = office.erase(principal_of(office, key, department, officer), subject, ground, reference)
    if json_:
        out(asdict(done))
        return
    words, article = GROUNDS[done.ground]
    typer.echo(f"已依法删除：{done.subject}（{words}，个人信息保护法{article}）")
    typer.echo(f"涉及案件 {done.cases} 件、决定 {done.decisions} 份；台账的证明不受影响：xinheng log verify")


def erasures(department: Department = None, key: Key = None, json_: Json = False, db: Database = None) -> None:
    """列出依法删除的记录。"""
    from adapters.office.erasing import GROUNDS

    with office_of(db) as office:
        found = office.erasures(principal_of(office, key, department))
    if json_:
        out([asdict(e) for e in found])
        return
    rows = [(e.at[:19], e.subject, GROUNDS[e.ground][0], e.article, e.reference, e.by) for e in found]
    show(rows, ("时刻", "主体", "事由", "依据", "文号", "经办"))


def list_masters(json_: Json = False, db: Database = None) -> None:
    """列出主密钥，以及各自包着多少主体的密钥。"""
    from adapters.office.erasing import wrapped_with

    with office_of(db) as office, _masters() as _:
        masters = office.context.masters
        wrapped, current = wrapped_with(office.context), masters.current()
        names = sorted({*masters.known(), *wrapped}, key=lambda name: (name not in masters.known(), name))
        rows = [
            {"id": n, "current": n == current, "present": n in masters.known(), "subjects": wrapped.get(n, 0)}
            for n in names
        ]
    if json_:
        out(rows)
        return
    show(
        [
            (str(r["id"]), "使用中" if r["current"] else "" if r["present"] else "缺失", str(r["subjects"]))
            for r in rows
        ],
        ("主密钥", "状态", "主体密钥数"),
    )


def rotate(db: Database = None) -> None:
    """更换主密钥：产生新的一把，把全部主体的密钥改由它包裹；中断以后可以再运行。"""
    from rich.progress import Progress

    from adapters.office.erasing import rewrap, wrapped_with
    from api.cli.common import errors

    with office_of(db) as office, _masters():
        masters = office.context.masters
        before = masters.current()
        waiting = wrapped_with(office.context)
        unfinished = sum(n for name, n in waiting.items() if name != before)
        name = before if unfinished else masters.rotate()
        total = unfinished or sum(waiting.values())
        with Progress(console=errors, transient=True) as progress:
            task = progress.add_task("重新包裹主体的密钥", total=total)
            done = 0
            for size in rewrap(office.context):
                done += size
                progress.advance(task, size)
    typer.echo(f"现用主密钥 {name}；重新包裹 {done} 个主体的密钥")
    typer.echo("旧的主密钥仍能打开更换以前的备份；备份保存期满后停用它：xinheng master retire 主密钥")


def retire(
    master: Annotated[str, typer.Argument(help="主密钥", show_default=False)],
    yes: Yes = False,
    db: Database = None,
) -> None:
    """停用并销毁一把旧的主密钥；由它包裹的，备份中的也在内，从此打不开。"""
    from adapters.office.erasing import wrapped_with

    with office_of(db) as office, _masters():
        if count := wrapped_with(office.context).get(master, 0):
            fail(REFUSED, f"主密钥 {master} 还包着 {count} 个主体的密钥", "先运行：xinheng master rotate")
        if not yes and not typer.confirm(f"销毁主密钥 {master}，更换以前的备份从此打不开。继续？", err=True):
            fail(REFUSED, "没有停用")
        office.context.masters.retire(master)
    typer.echo(f"已停用 {master}")


@contextmanager
def _masters() -> Iterator[None]:
    from adapters.vault import MasterKeyError

    try:
        yield
    except MasterKeyError as error:
        fail(UNAVAILABLE, "主密钥不可用", str(error))
