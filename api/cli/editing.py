"""Commands for those who write policy: schema and lsp; and the reading of law texts for `check --laws`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.common import USAGE, Json, Paths, bundle, fail, out

if TYPE_CHECKING:
    from engine.language.ir import Policy
    from engine.workbench.citations import CitationReport


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("schema")(schema)
    app.command("lsp")(lsp)


def citations(policy: Policy, laws: Path) -> CitationReport:
    """The policy's citations held against the texts in a folder."""
    from adapters.law_texts import LawTextError, read_law_texts
    from engine.workbench.citations import check_citations

    try:
        return check_citations(policy, read_law_texts(laws))
    except (LawTextError, OSError) as error:
        fail(USAGE, str(error))


def schema(
    paths: Paths = None,
    folder: Annotated[Path, typer.Option("--out", help="写入的文件夹")] = Path("rules/schema"),
    json_: Json = False,
) -> None:
    """写出各种政策文件的 JSON Schema，供编辑器补全和提示；其中列出这套政策现有的标识和名称。"""
    from engine.compiler import compile_policy
    from engine.language.schema import as_files

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in as_files(compile_policy(bundle(paths)).draft).items():
            (folder / name).write_text(text, encoding="utf-8")
            written.append(str(folder / name))
    except OSError as error:
        fail(USAGE, f"写不了 {folder}：{error.strerror}")
    if json_:
        out(written)
    else:
        typer.echo("\n".join(written))


def lsp(
    deep: Annotated[bool, typer.Option("--deep/--no-deep", help="停止输入后在后台作求解证明")] = True,
) -> None:
    """政策文件的语言服务器，由编辑器启动：诊断、补全、悬停、跳转、改名、格式化。"""
    import logging

    from api.lsp.deep import look_deeper
    from api.lsp.server import create_server

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("pygls").setLevel(logging.CRITICAL)  # it logs each refusal with a traceback
    create_server(look_deeper if deep else None).start_io()
