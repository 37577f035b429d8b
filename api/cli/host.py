"""Commands for whoever runs the service: serve, demo, keys, migrate, rebuild."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from api.cli.common import FOUND, Database, Json, fail, office_of, out, settings_of, show

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
    from adapters.office import NotFoundError
    from adapters.policy_files import read_bundle
    from engine.casework.model import Actor

    try:
        office.current_policy()
    except NotFoundError:
        files = {name: text.decode() if isinstance(text, bytes) else text for name, text in read_bundle().items()}
        office.bootstrap_policy(
            files, proposed_by=Actor("credit-centre", "随附政策"), approved_by=Actor("credit-centre", "本机管理员")
        )


def serve(
    port: Annotated[int, typer.Option(help="端口")] = 8000,
    listen: Annotated[str, typer.Option("--host", help="监听地址")] = "127.0.0.1",
    db: Database = None,
) -> None:
    """启动服务；数据库自动升级到最新，没有政策时启用随附政策。"""
    import uvicorn

    from api.http import create_app

    with office_of(db) as office:
        publish_default(office)
        app = create_app(settings_of(db), office)
        uvicorn.run(app, host=listen, port=port, access_log=False, log_level="warning")


def demo(folder: Annotated[Path, typer.Option("--out", help="写入的文件夹")] = Path("demo-out")) -> None:
    """演示：经真实的 HTTP 接口，从列入名单办到全部解除。"""
    from api.cli.demo import run

    raise typer.Exit(run(folder))


def migrate(db: Database = None) -> None:
    """把数据库升级到最新结构。"""
    from adapters.ledger import open_database, upgrade

    upgrade(open_database(settings_of(db).database_url))
    typer.echo("数据库已是最新结构")


def rebuild(db: Database = None) -> None:
    """由事件重建全部查询表；逐条核对哈希。"""
    from adapters.ledger import BrokenChainError
    from adapters.ledger import rebuild as rebuild_all

    with office_of(db) as office, Progress(transient=True) as progress:
        task = progress.add_task("重建", total=None)
        try:
            cases = rebuild_all(
                office.context.engine,
                office.context.policies,
                lambda done, total: progress.update(task, completed=done, total=total),
            )
        except BrokenChainError as error:
            fail(FOUND, "事件流水已被改动，未作重建", str(error))
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


def revoke(key_id: str, db: Database = None) -> None:
    """吊销密钥。"""
    with office_of(db) as office:
        typer.echo(f"{office.revoke_key(key_id).id} 已吊销")
