"""The auditor in a box: `xinheng audit export`, `verify` and `verifier`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.cli.common import (
    USAGE,
    Database,
    Json,
    Key,
    Officer,
    console,
    errors,
    fail,
    office_of,
    out,
    principal_of,
    show,
)


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("export")(export)
    group.command("verify", context_settings={"ignore_unknown_options": True, "help_option_names": []})(verify)
    group.command("verifier")(verifier)


def export(
    path: Annotated[Path, typer.Option("--out", help="写入的文件（.zip）")],
    until: Annotated[int | None, typer.Option(min=1, help="到某一大小的检查点为止；默认到此刻")] = None,
    bare: Annotated[bool, typer.Option("--without-personal-data", help="不附决定的内容和个人信息")] = False,
    key: Key = None,
    officer: Officer = "",
    db: Database = None,
    json_: Json = False,
) -> None:
    """导出整个日志为一个档案，连同核对它的程序；只有审计可以，导出本身记入日志。"""
    from rich.progress import Progress

    from adapters.audit.archive import export as write

    if not path.parent.is_dir():
        fail(USAGE, f"没有文件夹 {path.parent}")
    try:
        with office_of(db) as office, Progress(transient=True, console=errors) as progress:
            task = progress.add_task("导出", total=None)
            found = write(
                office.context, principal_of(office, key, None, officer), path, until=until, personal=not bare,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )  # fmt: skip
    except OSError as error:
        fail(USAGE, f"写不了 {path}：{error.strerror}")
    if json_:
        out(asdict(found))
        return
    rows = [
        ("日志", found.origin),
        ("事件", str(found.size)),
        ("根", found.root),
        ("决定", f"{found.decisions}，其中依法删除内容的 {found.erased}"),
        ("日志的公钥", f"{found.key}（请向别的途径核对）"),
        ("文件", f"{path}，SHA-256 {found.sha256}"),
    ]
    show(rows, ("档案", "内容"))
    words = "--key 日志公钥 --signing-key 政策公钥 --published '公告'"
    console.print(f"核对：python verify.py {path} {words}", highlight=False)


def verify(
    words: Annotated[list[str], typer.Argument(help="档案，和核对程序的选项；--help 列出", metavar="档案 选项…")],
) -> None:
    """核对一个档案：在另一进程里运行 verify.py，即随档案附上的那一个程序。"""
    from adapters.audit.archive import VERIFIER

    raise typer.Exit(subprocess.run([sys.executable, "-I", "-S", VERIFIER, *words], check=False).returncode)  # noqa: S603


def verifier(path: Annotated[Path, typer.Option("--out", help="写入的文件，如 verify.py")]) -> None:
    """写出核对程序，和放在一起的 decide.py（另外实现规则的含义），显示 SHA-256：可与公布的比较，也可以通读。"""
    from adapters.audit.archive import DECIDER, VERIFIER

    for source, made in ((VERIFIER, path), (DECIDER, path.with_name(DECIDER.name))):
        content = source.read_bytes()
        try:
            made.write_bytes(content)
        except OSError as error:
            fail(USAGE, f"写不了 {made}：{error.strerror}")
        typer.echo(f"{hashlib.sha256(content).hexdigest()}  {made}")
