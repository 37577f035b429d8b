"""Commands for whoever runs the service: serve, demo, keys, migrate, rebuild."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from api.cli.common import FOUND, Database, Json, errors, fail, office_of, out, settings_of, show

if TYPE_CHECKING:
    from adapters.office import Office


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("demo")(demo)
    app.command("serve")(serve)
    app.command("migrate")(migrate)
    app.command("rebuild")(rebuild)
    group = typer.Typer(help="签发、查看、吊销部门密钥。", no_args_is_help=True)
    group.command("issue")(issue)
    group.command("list")(list_keys)
    group.command("revoke")(revoke)
    app.add_typer(group, name="keys")


def publish_default(office: Office) -> None:
    """Put the shipped bundle in force where no policy is."""
    from adapters.office import ConflictError, NotFoundError
    from adapters.policy_files import read_bundle
    from engine.casework.model import Actor

    try:
        office.current_policy()
    except NotFoundError:
        files = {name: text.decode() if isinstance(text, bytes) else text for name, text in read_bundle().items()}
        with suppress(ConflictError):  # another command has just done the same
            office.bootstrap_policy(
                files, proposed_by=Actor("credit-centre", "随附政策"), approved_by=Actor("credit-centre", "本机管理员")
            )
        office.current_policy()


def serve(
    port: Annotated[int, typer.Option(help="端口")] = 8000,
    listen: Annotated[str, typer.Option("--host", help="监听地址")] = "127.0.0.1",
    db: Database = None,
) -> None:
    """启动服务；数据库自动升级到最新，没有政策时启用随附政策。"""
    import uvicorn

    from api.http import create_app
    from api.http.middleware import log_as_json

    log_as_json()
    with office_of(db, serving=True) as office:
        publish_default(office)
        app = create_app(settings_of(db), office, keep_time=True)
        typer.echo(f"http://{listen}:{port}（接口说明 /docs；Ctrl-C 停止）", err=True)
        uvicorn.run(app, host=listen, port=port, access_log=False, log_level="warning")


def demo(
    folder: Annotated[Path, typer.Option("--out", help="写入的文件夹；其中上一次演示的文件会被替换")] = Path(
        "demo-out"
    ),
    json_: Json = False,
) -> None:
    """演示：经真实的 HTTP 接口，从列入名单办到全部解除；有案件未办结时退出码为 1。"""
    from api.cli.demo import DemoError, run

    try:
        summary = run(folder, quiet=json_)
    except (DemoError, OSError) as error:
        fail(FOUND, "演示没有走完", str(error))
    if json_:
        out(summary)
    raise typer.Exit(FOUND if summary["open"] else 0)


def migrate(db: Database = None, json_: Json = False) -> None:
    """把数据库升级到最新结构。"""
    with office_of(db) as office:  # opening it migrates
        url = office.context.engine.url.render_as_string()
    if json_:
        out({"database": url, "current": True})
    else:
        typer.echo("数据库已是最新结构")


def rebuild(db: Database = None, json_: Json = False) -> None:
    """由事件重建全部查询表；逐条核对哈希。"""
    from adapters.ledger import BrokenChainError
    from adapters.ledger import rebuild as rebuild_all

    with office_of(db) as office, Progress(transient=True, console=errors) as progress:
        task = progress.add_task("重建", total=None)
        try:
            cases = rebuild_all(
                office.context.engine,
                office.context.policies,
                lambda done, total: progress.update(task, completed=done, total=total),
            )
        except BrokenChainError as error:
            fail(FOUND, "事件流水已被改动，未作重建", str(error))
    if json_:
        out({"cases": cases})
    else:
        typer.echo(f"已由事件重建 {cases} 个案件")


def issue(
    department: Annotated[str, typer.Argument(help="部门标识")],
    role: Annotated[list[str], typer.Option("--role", help="initiator | implementer | policy | auditor，可多次")],
    label: Annotated[str, typer.Option(help="用途说明")] = "",
    db: Database = None,
    json_: Json = False,
) -> None:
    """签发密钥；只显示一次。"""
    with office_of(db) as office:
        publish_default(office)
        issued = office.issue_key(department, role, label)
        if json_:
            out(
                {
                    "id": issued.key.id,
                    "department": department,
                    "roles": sorted(issued.key.roles),
                    "token": issued.token,
                }
            )
        else:
            typer.echo(issued.token)


def list_keys(db: Database = None, json_: Json = False) -> None:
    """全部密钥（不含密钥本身）。"""
    with office_of(db) as office:
        keys = office.list_keys()
        if json_:
            out(
                [
                    {
                        "id": k.id,
                        "department": k.department,
                        "roles": sorted(k.roles),
                        "label": k.label,
                        "created": k.created,
                        "revoked": k.revoked,
                    }
                    for k in keys
                ]
            )
        else:
            rows = [(k.id, k.department, "、".join(sorted(k.roles)), k.label, k.created, k.revoked or "") for k in keys]
            show(rows, ("编号", "部门", "角色", "说明", "签发", "吊销"))


def revoke(
    key_id: Annotated[str, typer.Argument(help="密钥编号，见 keys list")], db: Database = None, json_: Json = False
) -> None:
    """吊销密钥。"""
    with office_of(db) as office:
        view = office.revoke_key(key_id)
        if json_:
            out({"id": view.id, "department": view.department, "revoked": view.revoked})
        else:
            typer.echo(f"{view.id} 已吊销")
