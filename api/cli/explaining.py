"""Commands that explain a case: explain, graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.tree import Tree

from api.cli.common import STATES, USAGE, As, Database, Json, Key, console, fail, office_of, out, principal_of, show

if TYPE_CHECKING:
    from adapters.office import DecisionView
    from engine.decision.explain import RuleTrace, Step

MARKS = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]？[/]"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("explain")(explain)
    app.command("graph")(graph)


def explain(
    case: Annotated[str, typer.Argument(help="案件号")],
    why_not: Annotated[str | None, typer.Option("--why-not", help="某部门为何没有事项")] = None,
    every: Annotated[bool, typer.Option("--all", help="连同不成立的条款")] = False,
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """决定的理由：条款、事实、逐项比较及其文件行号。"""
    with office_of(db) as office:
        view = office.decision(principal_of(office, key, department), case, why_not=why_not)
        if json_:
            out(_explained(view))
            return
        decision = view.decision
        policy = office.policy_version(decision.policy)
        listed = policy.lists[decision.facts.list]
        console.print(f"[bold]{escape(listed.title)}[/]  依据日期 {decision.facts.as_of}", highlight=False)
        console.print(
            f"决定 {view.digest}  重算{'一致' if view.reproduced else '不一致'}", highlight=False, style="dim"
        )
        owed = {
            rule: [o for o in (*decision.obligations, *decision.advice) if rule in o.rules] for rule in decision.fired
        }
        for trace in view.explanation.rules:
            if trace.truth is False and not every:
                continue
            tree = _tree(trace)
            for o in owed.get(trace.rule, ()):
                basis = "、".join(f"《{policy.laws[law].title}》{article}" for law, article in o.basis)
                word = "应响应" if o.advice is None else "仅作建议"
                department, measure = policy.departments[o.department].title, policy.measures[o.measure].title
                tree.add(escape(f"→ {word}：{department} {measure}（依据 {basis or '无'}）"), style="cyan")
            console.print(tree, highlight=False)
        silent = sum(t.truth is False for t in view.explanation.rules)
        if silent and not every:
            console.print(f"另有 {silent} 条不成立，用 --all 查看", style="dim")
        if view.why_not is not None:
            why = view.why_not
            console.print(
                f"\n[bold]{escape(policy.departments[why.department].title)}[/]：{escape(why.reason)}", highlight=False
            )
            for trace in why.rules:
                console.print(_tree(trace), highlight=False)


def _explained(view: DecisionView) -> dict[str, Any]:
    """The decision with its explanation, under the names that HTTP uses."""
    why = view.why_not
    return {
        "digest": view.digest,
        "reproduced": view.reproduced,
        "document": dict(view.document),
        "rules": [_traced(t) for t in view.explanation.rules],
        "why_not": why
        and {
            "department": why.department, "reason": why.reason, "owes": why.owes, "advice": why.advice,
            "rules": [_traced(t) for t in why.rules],
        },
    }  # fmt: skip


def _traced(trace: RuleTrace) -> dict[str, Any]:
    return {
        "rule": trace.rule, "title": trace.title, "clause": trace.clause, "truth": trace.truth,
        "measures": trace.measures, "departments": trace.departments, "missing": trace.missing,
        "at": str(trace.span), "condition": _stepped(trace.condition),
    }  # fmt: skip


def _stepped(step: Step) -> dict[str, Any]:
    return {
        "text": step.text, "found": step.found, "truth": step.truth, "at": str(step.span),
        "steps": [_stepped(s) for s in step.steps],
    }  # fmt: skip


def _tree(trace: RuleTrace) -> Tree:
    clause = f"（{trace.clause}）" if trace.clause else ""
    tree = Tree(
        f"{MARKS[trace.truth]} [bold]{escape(trace.rule)}[/] {escape(trace.title + clause)} [dim]{trace.span}[/]"
    )
    _grow(tree, trace.condition)
    if trace.missing:
        tree.add(escape(f"补齐即可判定：{'、'.join(trace.missing)}"), style="yellow")
    return tree


def _grow(tree: Tree, step: Step) -> None:
    line = f"{step.span.path.rsplit('/', 1)[-1]}:{step.span.line}"
    branch = tree.add(f"{MARKS[step.truth]} {escape(step.text)} [dim]{escape(line)}[/]")
    for inner in step.steps:
        _grow(branch, inner)


def graph(
    case: Annotated[str, typer.Argument(help="案件号")],
    svg: Annotated[Path | None, typer.Option("--svg", help="写入 SVG 文件")] = None,
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """依赖关系图：谁等谁、该催谁、何时可以全部办结。"""
    from engine.casework.graph import as_document
    from engine.casework.svg import render

    with office_of(db) as office:
        given = office.graph(principal_of(office, key, department), case)
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
