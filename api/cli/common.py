"""What the commands share: options, the office, output for people and for programs, and exit codes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from adapters.office import Office, Principal

EXIT_CODES: Mapping[int, str] = {
    0: "成功", 1: "发现错误", 2: "用法有误", 3: "被拒绝", 4: "未找到", 5: "冲突，可重试", 6: "暂不可用",
}  # fmt: skip
FOUND, USAGE, REFUSED, NOT_FOUND, CONFLICT, UNAVAILABLE = 1, 2, 3, 4, 5, 6
HOST_ROLES = frozenset({"initiator", "implementer", "policy", "auditor", "custodian"})

STATES = {
    "waiting": "等待前置", "open": "待接收", "accepted": "已接收", "in-force": "实施中", "done": "已完成",
    "lifting": "待解除", "closed": "已办结",
}  # fmt: skip
COUNTS = {
    "law": "法律文件", "department": "部门", "record": "征集目录", "list": "名单", "measure": "措施", "matter": "事项",
    "table": "决策表", "memorandum": "备忘录", "calendar": "年历", "ladder": "督办阶梯", "retention": "保存期限",
    "tests": "测试文件", "cases": "测试", "rule": "规则", "test": "测试",
}  # fmt: skip
WIDE = 120  # columns where nobody's window sets them: in a pipe or a file

console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE)
errors = Console(stderr=True)

Paths = Annotated[list[Path] | None, typer.Argument(help="政策文件或文件夹；默认随附的整套政策")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]
Database = Annotated[
    str | None, typer.Option("--db", help="数据库地址；默认取 XINHENG_DATABASE_URL，再默认 sqlite:///xinheng.db")
]
Key = Annotated[str | None, typer.Option("--key", envvar="XINHENG_KEY", help="部门密钥")]
As = Annotated[str | None, typer.Option("--as", help="在本机以某部门身份办理（能读写数据库者才可）")]
Officer = Annotated[str, typer.Option("--officer", envvar="XINHENG_OFFICER", help="经办人")]
Purpose = Annotated[str, typer.Option("--purpose", help="查询用途；记入查询记录，主体和审计可见")]


def fail(code: int, message: str, *details: str) -> NoReturn:
    """Say what went wrong, and exit."""
    errors.print(f"[bold red]{escape(message)}[/]", highlight=False)
    for detail in details:
        errors.print(f"  {detail}", highlight=False, markup=False)
    raise typer.Exit(code)


def settings_of(database: str | None) -> Any:
    """The settings, with the database of `--db`."""
    from api.settings import Settings

    return Settings(database_url=database) if database else Settings()


@contextmanager
def office_of(database: str | None, *, serving: bool = False) -> Iterator[Office]:
    """The office; its errors end the command with their exit code."""
    from pydantic import ValidationError
    from sqlalchemy.exc import SQLAlchemyError

    from adapters.ledger.policies import CorruptPolicyError, UntrustedPolicyError
    from adapters.ledger.vault import VaultError
    from adapters.office import (
        ConflictError,
        ForbiddenError,
        InvalidError,
        NotFoundError,
        OfficeError,
        UndecidedError,
        UnrecordedError,
    )
    from adapters.signing import SigningKeyError
    from adapters.vault import MasterKeyError
    from api.assembly import SecretError, open_office

    try:
        with open_office(settings_of(database), serving=serving) as office:
            yield office
    except InvalidError as error:
        fail(FOUND, error.title, *(f"{e.field}：{e.message}" for e in error.errors))
    except NotFoundError as error:
        fail(NOT_FOUND, error.title, *filter(None, [error.detail]))
    except ConflictError as error:
        fail(CONFLICT, error.title, *filter(None, [error.detail]))
    except (UndecidedError, UnrecordedError) as error:
        fail(UNAVAILABLE, error.title, *filter(None, [error.detail]))
    except (ForbiddenError, OfficeError) as error:
        fail(REFUSED, error.title, *filter(None, [error.detail]))
    except (CorruptPolicyError, UntrustedPolicyError) as error:
        fail(
            UNAVAILABLE, "所存的政策与版本或者签名不符，已停止使用", str(error)[:500], "逐项核对：xinheng policy verify"
        )
    except SigningKeyError as error:
        fail(UNAVAILABLE, "签名密钥不可用，未作任何处理", str(error))
    except SecretError as error:
        fail(UNAVAILABLE, "密钥文件不可用", str(error))
    except (MasterKeyError, VaultError) as error:
        fail(UNAVAILABLE, "主密钥不可用，或者封存的内容被改动", str(error))
    except ValidationError as error:
        fail(
            USAGE, "设置有误", *(f"XINHENG_{'.'.join(map(str, e['loc'])).upper()}：{e['msg']}" for e in error.errors())
        )
    except SQLAlchemyError as error:
        fail(UNAVAILABLE, "数据库不可用", type(error).__name__)


def bundle(paths: Sequence[Path] | None) -> dict[str, str | bytes]:
    """The policy files below `paths`, the shipped bundle by default."""
    from adapters.policy_files import BundleError, read_bundle

    try:
        return read_bundle(paths or ())
    except (BundleError, OSError) as error:
        fail(USAGE, str(error))


def principal_of(
    office: Office, key: str | None, department: str | None, officer: str = "", *, purpose: str = ""
) -> Principal:
    """Who acts: the holder of a key, a department named on the host, else the host as auditor; and what for."""
    from adapters.office import Principal
    from adapters.office.looks import stated

    if key:
        principal = replace(office.authenticate(key), officer=officer)
    elif department:
        if department not in office.current_policy().departments:
            fail(USAGE, f"没有部门 {department}")
        principal = Principal(department, HOST_ROLES - {"auditor"}, "host", officer)
    else:
        principal = Principal("", frozenset({"auditor"}), "host", officer)
    return stated(principal, purpose=purpose) if purpose else principal


def show(
    rows: Sequence[Sequence[str]], columns: Sequence[str], title: str | None = None, *, whole: Collection[str] = ()
) -> None:
    """A table for people. Columns in `whole` are not folded: ids that are to be copied."""
    table = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in whole)
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def out(value: object) -> None:
    """JSON for programs."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
