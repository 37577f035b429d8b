"""`xinheng audit`: the auditor's commands, each in a module beside."""

from __future__ import annotations

import typer

from api.cli import audit_archive, audit_desk, audit_duties

group = typer.Typer(name="audit", help="审计：导出与核对、检索与抽样、责任与更正。", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    audit_archive.register(group)
    audit_desk.register(group)
    audit_duties.register(group)
    app.add_typer(group, name="audit")
