"""Commands for departments: file, obligations, respond, explain, graph."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.tree import Tree

from api.cli.common import (
    FOUND,
    USAGE,
    As,
    Database,
    Json,
    Key,
    Officer,
    console,
    fail,
    office_of,
    out,
    principal_of,
    show,
)

if TYPE_CHECKING:
    from adapters.office import Filed, Filing
    from engine.decision.explain import RuleTrace, Step

MARKS = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]？[/]"}
STATES = {
    "waiting": "等待前置", "open": "待接收", "accepted": "已接收", "in-force": "实施中", "done": "已完成",
    "lifting": "待解除", "closed": "已办结",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("file")(file_cases)
    app.command("obligations")(obligations)
    app.command("respond")(respond)
    app.command("explain")(explain)
    app.command("graph")(graph)


def file_cases(
    path: Annotated[Path | None, typer.Argument(help="JSON（一个或一组）或 CSV 文件；不给则用下列选项列入一个")] = None,
    list_: Annotated[str | None, typer.Option("--list", help="名单")] = None,
    kind: Annotated[str, typer.Option(help="主体类型")] = "enterprise",
    code: Annotated[str | None, typer.Option(help="身份代码")] = None,
    name: Annotated[str, typer.Option(help="名称")] = "",
    fact: Annotated[list[str] | None, typer.Option("--fact", help="事实，写作 名=值，可多次")] = None,
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """把一个或一批主体列入名单；一行有误不影响其他行。"""
    if path is not None:
        filings = _read(path, list_)
    elif list_ and code:
        filings = [
            _filing({"list": list_, "subject": {"kind": kind, "code": code, "name": name}, "facts": _facts(fact)})
        ]
    else:
        fail(USAGE, "须给出文件，或者 --list 和 --code")
    with office_of(db) as office:
        principal = principal_of(office, key, department, officer)
        results = []
        with Progress(transient=True) as progress:
            for result in progress.track(office.file_cases(principal, filings), total=len(filings), description="列入"):
                results.append(result)
        bad = [r for r in results if r.filed is None]
        if json_:
            out(
                [
                    {"line": r.line, "case": r.filed.case.id, "obligations": len(r.filed.obligations)}
                    if r.filed
                    else {"line": r.line, "code": r.code, "errors": [f"{e.field}：{e.message}" for e in r.errors]}
                    for r in results
                ]
            )
        else:
            rows = [
                (str(r.line), r.filed.case.id, str(len(r.filed.obligations)), _remarks(r.filed))
                if r.filed
                else (str(r.line), "—", "—", "；".join([r.title or "", *(f"{e.field}：{e.message}" for e in r.errors)]))
                for r in results
            ]
            show(rows, ("行", "案件", "应响应事项", "说明"))
    raise typer.Exit(FOUND if bad else 0)


def _remarks(filed: Filed) -> str:
    unknown = [f"{u.rule} 缺 {'、'.join(u.missing)}" for u in filed.unknown]
    return "；".join([f"建议 {filed.advice} 项", *unknown[:3], *(["…"] if len(unknown) > 3 else [])])


def _facts(given: list[str] | None) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign:
            fail(USAGE, f"事实应写作 名=值：{text}")
        facts[name] = _value(value)
    return facts


def _value(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


def _filing(given: dict[str, Any]) -> Filing:
    from adapters.office import Filing, Party, Related

    subject = given["subject"]
    related = tuple(
        Related(
            r["role"], Party(r["party"].get("kind", "natural-person"), r["party"]["code"], r["party"].get("name", ""))
        )
        for r in given.get("related", ())
    )
    as_of = dt.date.fromisoformat(given["as_of"]) if given.get("as_of") else None
    party = Party(subject["kind"], subject["code"], subject.get("name", ""))
    return Filing(given["list"], party, given.get("facts", {}), as_of, related)


def _read(path: Path, list_: str | None) -> list[Filing]:
    """Filings of a file. CSV columns: list, kind, code, name, as_of; every other column is a fact."""
    fixed = ("list", "kind", "code", "name", "as_of")
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".csv":
            rows = [
                {
                    "list": row.get("list") or list_,
                    "subject": {
                        "kind": row.get("kind") or "enterprise",
                        "code": row["code"],
                        "name": row.get("name", ""),
                    },
                    "as_of": row.get("as_of"),
                    "facts": {k: _value(v) for k, v in row.items() if k not in fixed and v},
                }
                for row in csv.DictReader(text.splitlines())
            ]
        else:
            given = json.loads(text)
            rows = given if isinstance(given, list) else [given]
        return [_filing(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        fail(USAGE, f"读不懂 {path}", f"{type(error).__name__}：{error}")


def obligations(
    department: Annotated[str | None, typer.Option(help="部门")] = None,
    state: Annotated[str | None, typer.Option(help="状态")] = None,
    overdue: Annotated[bool, typer.Option(help="只看逾期的")] = False,
    case: Annotated[str | None, typer.Option(help="案件")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    key: Key = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """待办：解除在先，其后按期限。"""
    from adapters.office import ObligationQuery

    with office_of(db) as office:
        query = ObligationQuery(department, state, None, overdue, None, case, limit)
        page = office.list_obligations(principal_of(office, key, None), query)
        if json_:
            out(
                [
                    {
                        "id": i.obligation.id, "department": i.obligation.department, "measure": i.obligation.measure,
                        "title": i.title, "state": i.obligation.state, "due_on": i.due_on, "overdue": i.overdue,
                        "actions": i.actions,
                    }
                    for i in page.items
                ]
            )  # fmt: skip
            return
        names = office.current_policy().departments
        rows = [
            (
                i.obligation.id, names[i.obligation.department].title, i.title, STATES[i.obligation.state],
                f"{'逾期 ' if i.overdue else ''}{i.due_on or ''}{'（暂定）' if i.provisional else ''}",
            )
            for i in page.items
        ]  # fmt: skip
        show(rows, ("编号", "部门", "措施", "状态", "期限"))
        if page.next:
            console.print("还有更多；用 --limit 或筛选条件缩小范围", style="dim")


def respond(
    obligation: Annotated[str, typer.Argument(help="应响应事项号")],
    action: Annotated[str, typer.Argument(help="accept | confirm | arm | apply | respond | refer | lift")],
    outcome: Annotated[str, typer.Option(help="implemented | not-applicable | no-occasion")] = "implemented",
    reason: Annotated[str, typer.Option(help="理由")] = "",
    remark: Annotated[str, typer.Option(help="备注")] = "",
    to: Annotated[str, typer.Option(help="转办部门")] = "",
    occasion: Annotated[str, typer.Option(help="适用情形")] = "",
    applied: Annotated[bool, typer.Option(help="是否适用")] = True,
    evidence: Annotated[list[Path] | None, typer.Option(help="证明文件；登记其 SHA-256")] = None,
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """办理一项应响应事项。"""
    import hashlib

    from adapters.office import Answer
    from adapters.office.model import Action
    from engine.casework import ACTIONS
    from engine.casework.model import Evidence

    if action not in ACTIONS:
        fail(USAGE, f"没有这种操作：{action}", f"应为：{'、'.join(ACTIONS)}")
    if outcome not in {"implemented", "not-applicable", "no-occasion"}:
        fail(USAGE, f"没有这种反馈结果：{outcome}")
    try:
        files = tuple(Evidence(hashlib.sha256(p.read_bytes()).hexdigest(), p.name) for p in evidence or ())
    except OSError as error:
        fail(USAGE, f"读不到证明文件：{error}")
    answer = Answer(cast("Action", action), remark, reason, cast("Any", outcome), applied, occasion, to, files)
    with office_of(db) as office:
        answered = office.answer(principal_of(office, key, department, officer), obligation, answer)
        view = answered.obligation
        if json_:
            out(
                {
                    "id": view.obligation.id,
                    "state": view.obligation.state,
                    "actions": view.actions,
                    "added": answered.added,
                }
            )
        else:
            console.print(f"{view.title}：{STATES[view.obligation.state]}", highlight=False)
            for added in answered.added:
                console.print(f"由此产生 {added}", highlight=False)


def explain(
    case: Annotated[str, typer.Argument(help="案件号")],
    why_not: Annotated[str | None, typer.Option("--why-not", help="某部门为何没有事项")] = None,
    every: Annotated[bool, typer.Option("--all", help="连同不成立的条款")] = False,
    key: Key = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """决定的理由：条款、事实、逐项比较及其文件行号。"""
    with office_of(db) as office:
        view = office.decision(principal_of(office, key, None), case, why_not=why_not)
        if json_:
            out({"digest": view.digest, "reproduced": view.reproduced, "document": dict(view.document)})
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
    db: Database = None,
    json_: Json = False,
) -> None:
    """依赖关系图：谁等谁、该催谁、何时可以全部办结。"""
    from engine.casework.graph import as_document
    from engine.casework.svg import render

    with office_of(db) as office:
        given = office.graph(principal_of(office, key, None), case)
        policy, today = office.policy_version(given.case.policy), office.context.today()
        document = as_document(given.as_case(), today, policy.calendars)
        if svg is not None:
            svg.write_text(render(given.as_case(), policy, today), encoding="utf-8")
            typer.echo(svg)
        elif json_:
            out(document)
        else:
            rows = [
                (n["id"], policy.departments[n["department"]].title, policy.measures[n["measure"]].title,
                 STATES[n["state"]], n["due"] or "", "、".join(n["blocked_by"]))
                for n in document["nodes"]
            ]  # fmt: skip
            show(rows, ("编号", "部门", "措施", "状态", "期限", "等待"))
            for department, names in document["chase"].items():
                console.print(f"催办 {policy.departments[department].title}：{'、'.join(names)}", highlight=False)
            if document["critical_path"]:
                path = document["critical_path"]
                console.print(f"关键路径至 {path['due']}：{' → '.join(path['obligations'])}", highlight=False)
