"""Commands that explain a case: explain, graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.tree import Tree

from api.cli.common import (
    STATES,
    USAGE,
    As,
    Database,
    Json,
    Key,
    Purpose,
    console,
    fail,
    office_of,
    out,
    principal_of,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.office import ExplanationView
    from engine.language.ir import Policy

VIEWS = {
    "subject": "以主体所见", "initiator": "以发起部门所见", "implementer": "以实施部门所见", "auditor": "以审计所见",
}  # fmt: skip
MARKS = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]？[/]"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("explain")(explain)
    app.command("graph")(graph)


def explain(
    case: Annotated[str, typer.Argument(help="案件号")],
    why_not: Annotated[str | None, typer.Option("--why-not", help="某部门为何没有事项")] = None,
    every: Annotated[bool, typer.Option("--all", help="连同不成立的条款")] = False,
    purpose: Purpose = "",
    key: Key = None,
    department: Annotated[
        str | None, typer.Option("--as", help="在本机以某部门所见查看；subject：以主体所见查看；默认以审计身份看全部")
    ] = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """决定的理由：条款、事实、逐项比较及其文件行号，只限于可见的范围。"""
    with office_of(db) as office:
        as_ = "subject" if department == "subject" else None
        principal = principal_of(office, key, None if as_ else department, purpose=purpose)
        view = office.explanation(principal, case, as_=as_, why_not=why_not)
        if json_:
            out(_explained(view))
            return
        shown, document = view.document, view.document["document"]
        policy = office.policy_version(view.policy)
        listed = policy.lists[document["facts"]["list"]]
        console.print(f"[bold]{escape(listed.title)}[/]  依据日期 {document['facts']['as_of']}", highlight=False)
        again = "一致" if shown["reproduced"] else "不一致"
        console.print(f"决定 {shown['digest']}  重算{again}  {VIEWS[view.audience]}", highlight=False, style="dim")
        for rule in shown["rules"]:
            if rule["truth"] is False and not every:
                continue
            tree = _tree(rule)
            for o in (*document["obligations"], *document.get("advice", ())):
                if rule["rule"] in o["rules"]:
                    tree.add(escape(_owed(o, policy)), style="cyan")
            console.print(tree, highlight=False)
        silent = sum(rule["truth"] is False for rule in shown["rules"])
        if silent and not every:
            console.print(f"另有 {silent} 条不成立，用 --all 查看", style="dim")
        why = shown.get("why_not")
        if why is not None:
            title = policy.departments[why["department"]].title
            console.print(f"\n[bold]{escape(title)}[/]：{escape(why['reason'])}", highlight=False)
            for rule in why["rules"]:
                console.print(_tree(rule), highlight=False)


def _owed(owed: Mapping[str, Any], policy: Policy) -> str:
    basis = "、".join(f"《{policy.laws[law].title}》{article}" for law, article in owed["basis"])
    word = "应响应" if owed["advice"] is None else "仅作建议"
    department, measure = policy.departments[owed["department"]].title, policy.measures[owed["measure"]].title
    return f"→ {word}：{department} {measure}（依据 {basis or '无'}）"


def _explained(view: ExplanationView) -> dict[str, Any]:
    """The decision with its explanation, under the names that HTTP uses."""
    shown = view.document
    why = shown.get("why_not")
    return {
        "audience": view.audience,
        "digest": shown["digest"],
        "reproduced": shown["reproduced"],
        "document": shown["document"],
        "rules": [_traced(rule) for rule in shown["rules"]],
        "why_not": why and {**why, "rules": [_traced(rule) for rule in why["rules"]]},
    }


def _traced(rule: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in rule.items() if name not in {"span", "condition"}}
    return plain | {"at": rule["span"], "condition": _stepped(rule["condition"])}


def _stepped(step: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "text": step["text"], "found": step["found"], "truth": step["truth"], "at": step["span"],
        "steps": [_stepped(s) for s in step["steps"]],
    }  # fmt: skip


def _tree(rule: Mapping[str, Any]) -> Tree:
    clause = f"（{rule['clause']}）" if rule["clause"] else ""
    title = escape(rule["title"] + clause)
    tree = Tree(f"{MARKS[rule['truth']]} [bold]{escape(rule['rule'])}[/] {title} [dim]{rule['span']}[/]")
    _grow(tree, rule["condition"])
    if rule.get("missing"):
        tree.add(escape(f"补齐即可判定：{'、'.join(rule['missing'])}"), style="yellow")
    return tree


def _grow(tree: Tree, step: Mapping[str, Any]) -> None:
    path, line, _ = step["span"].rsplit(":", 2)
    branch = tree.add(f"{MARKS[step['truth']]} {escape(step['text'])} [dim]{escape(path.rsplit('/', 1)[-1])}:{line}[/]")
    for inner in step["steps"]:
        _grow(branch, inner)


def graph(
    case: Annotated[str, typer.Argument(help="案件号")],
    svg: Annotated[Path | None, typer.Option("--svg", help="写入 SVG 文件")] = None,
    purpose: Purpose = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """依赖关系图：谁等谁、该催谁、何时可以全部办结。"""
    from engine.casework.graph import as_document
    from engine.casework.svg import render

    with office_of(db) as office:
        given = office.graph(principal_of(office, key, department, purpose=purpose), case)
        policy, today = office.policy_version(given.case.policy), office.context.today()
        document = as_document(given.as_case(), today, policy.calendars)
        if svg is not None:
            try:
                svg.write_text(render(given.as_case(), policy, today), encoding="utf-8")
            except OSError as error:
                fail(USAGE, f"写不了 {svg}：{error.strerror}")
            typer.echo(json.dumps({"svg": str(svg)}) if json_ else svg)
        elif json_:
            out(document)
        else:
            rows = [
                (n["id"], policy.departments[n["department"]].title, policy.measures[n["measure"]].title,
                 STATES[n["state"]], n["due"] or "", "、".join(n["blocked_by"]))
                for n in document["nodes"]
            ]  # fmt: skip
            show(rows, ("编号", "部门", "措施", "状态", "期限", "等待"))
            for chased, names in document["chase"].items():
                console.print(f"催办 {policy.departments[chased].title}：{'、'.join(names)}", highlight=False)
            if document["critical_path"]:
                path = document["critical_path"]
                console.print(f"关键路径至 {path['due']}：{' → '.join(path['obligations'])}", highlight=False)
