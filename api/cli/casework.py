"""Commands for departments: file, obligations, respond, end."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.progress import Progress

from api.cli.common import (
    FOUND,
    STATES,
    USAGE,
    As,
    Database,
    Json,
    Key,
    Officer,
    Purpose,
    console,
    errors,
    fail,
    office_of,
    out,
    principal_of,
    show,
)

if TYPE_CHECKING:
    from adapters.office import Filed, Filing
    from engine.language.ir import Ground
    from engine.proof.signed import Signed

SHOWN = 3  # undecided rules named in a table; the rest is counted, and `explain` has them all

CASE_STATES = {
    "filed": "已申报", "noticed": "已告知", "decided": "已决定，待送达", "in-force": "生效中", "lifting": "解除中",
    "closed": "已办结",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("file")(file_cases)
    app.command("obligations")(obligations)
    app.command("respond")(respond)
    app.command("end")(end)


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
            _filing({"list": list_, "subject": {"kind": kind, "code": code, "name": name}, "facts": facts_of(fact)})
        ]
    else:
        fail(USAGE, "须给出文件，或者 --list 和 --code")
    with office_of(db) as office:
        principal = principal_of(office, key, department, officer)
        with Progress(transient=True, console=errors) as progress:
            results = list(
                progress.track(office.file_cases(principal, filings), total=len(filings), description="列入")
            )
        bad = [r for r in results if r.filed is None]
        if json_:
            out(
                [
                    {
                        "line": r.line,
                        "case": r.filed.case.id,
                        "obligations": [o.obligation.id for o in r.filed.obligations],
                        "advice": r.filed.advice,
                        "unknown": {u.rule: u.missing for u in r.filed.unknown},
                        "promise": promised(r.filed.promise),
                    }
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


def promised(promise: Signed | None) -> Any:
    """The promise that what was done will be in a checkpoint, as JSON."""
    return promise.document() if promise is not None else None


def _remarks(filed: Filed) -> str:
    unknown = [f"{u.rule} 缺 {'、'.join(u.missing)}" for u in filed.unknown]
    more = [f"另有 {len(unknown) - SHOWN} 条不能判定"] if len(unknown) > SHOWN else []
    return "；".join([f"建议 {filed.advice} 项", *unknown[:SHOWN], *more])


def facts_of(given: list[str] | None) -> dict[str, Any]:
    """Facts of `--fact name=value`."""
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
            r["role"],
            Party(r["party"].get("kind", "natural-person"), r["party"]["code"], r["party"].get("name", "")),
            dt.date.fromisoformat(r["served_on"]) if r.get("served_on") else None,
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
    due_before: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="期限早于此日")] = None,
    subject: Annotated[str | None, typer.Option(help="主体的不透明标识")] = None,
    case: Annotated[str | None, typer.Option(help="案件")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="每页项数")] = 50,
    after: Annotated[str | None, typer.Option(help="上一页给出的游标")] = None,
    purpose: Purpose = "",
    key: Key = None,
    as_: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """待办：解除在先，其后按期限。"""
    from adapters.office import ObligationQuery

    with office_of(db) as office:
        before = due_before.date() if due_before else None
        query = ObligationQuery(department, state, before, overdue, subject, case, limit, after)
        page = office.list_obligations(principal_of(office, key, as_, purpose=purpose), query)
        if json_:
            items = [
                {
                    "id": i.obligation.id, "case": i.obligation.case, "department": i.obligation.department,
                    "measure": i.obligation.measure, "title": i.title, "state": i.obligation.state,
                    "due_on": i.due_on, "overdue": i.overdue, "actions": i.actions,
                }
                for i in page.items
            ]  # fmt: skip
            out({"items": items, "next": page.next})
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
            console.print(f"还有更多：--after {page.next}", style="dim", soft_wrap=True, highlight=False)


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
                    "promise": promised(answered.promise),
                }
            )
        else:
            console.print(f"{view.title}：{STATES[view.obligation.state]}", highlight=False)
            for added in answered.added:
                console.print(f"由此产生 {added}", highlight=False)


def end(
    case: Annotated[str, typer.Argument(help="案件号")],
    ground: Annotated[
        str,
        typer.Option(
            help="终止事由：performance | repair | expiry | withdrawal | annulment | correction | deceased | dissolved"
        ),
    ],
    reason: Annotated[str, typer.Option(help="理由")],
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """终止名单；已生效的措施随即进入解除。"""
    with office_of(db) as office:
        principal = principal_of(office, key, department, officer)
        ended = office.end_case(principal, case, cast("Ground", ground), reason)
        if json_:
            out(
                {
                    "case": ended.case.id,
                    "state": ended.case.state,
                    "unclosed": ended.case.unclosed,
                    "promise": promised(ended.promise),
                }
            )
        else:
            typer.echo(f"{ended.case.list_title}：{CASE_STATES[ended.case.state]}，待解除 {ended.case.unclosed} 项")
