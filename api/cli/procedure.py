"""Commands about the procedure: process, step, letters, messages, migrate-cases."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
from rich.progress import Progress

from api.cli.casework import CASE_STATES, facts_of
from api.cli.common import (
    FOUND,
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
    from adapters.office.model import LetterView, Migration, ProcessView
    from engine.casework.model import Clock, Due, Evidence
    from engine.language.ir import Policy

STEPS: Mapping[str, tuple[str, str]] = {
    "notify": ("告知", "party on method reason evidence"),
    "statement": ("陈述申辩", "party on points"),
    "answer-statement": ("答复陈述申辩", "party statement answers"),
    "request-hearing": ("申请听证", "party on"),
    "hold-hearing": ("举行听证", "party on announced_on chair evidence"),
    "show-before": ("认定前公示", ""),
    "decide": ("决定", "outcome number reason"),
    "serve": ("送达", "party on method evidence"),
    "publish": ("公示", "channel"),
    "object": ("异议", "party on points own"),
    "answer-objection": ("答复异议", "objection outcome reason facts"),
    "apply-repair": ("申请信用修复", "party on proved evidence"),
    "accept-repair": ("受理信用修复", "repair reason"),
    "refuse-repair": ("不予信用修复", "repair reason"),
    "extend-repair": ("延长信用修复办理期限", "repair reason"),
    "grant-repair": ("准予信用修复", "repair reason"),
    "shield": ("暂停实施", "reason"),
    "unshield": ("恢复实施", ""),
    "correct": ("更正", "facts reason"),
}  # fmt: skip
"""Each step in Chinese, and what it uses."""
OPTIONS = {"points": "point", "answers": "answer", "facts": "fact", "announced_on": "announced-on"}
TASKS = {"publish": "公示", "serve": "送达"}
HEARINGS = {"none": "", "requested": "已申请", "requested-late": "逾期申请", "held": "已举行"}
REPAIRS = {"received": "待受理", "accepted": "办理中", "refused": "不予修复", "granted": "准予修复"}
OUTCOMES = {None: "待答复", "upheld": "成立", "rejected": "不成立"}
AUDIENCES = {
    "notice": "通知", "remind": "提醒经办人", "chief": "提醒负责人", "joint-office": "督办", "report": "通报",
}  # fmt: skip
FORMS: tuple[Literal["docx", "pdf"], ...] = ("docx", "pdf")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("process")(process)
    app.command("step")(step)
    app.command("letters")(letters)
    app.command("messages")(messages)
    app.command("migrate-cases")(migrate_cases)


def process(
    case: Annotated[str, typer.Argument(help="案件号")],
    purpose: Purpose = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """案件的程序：当事人、期限、还缺什么、现在可以办什么。"""
    with office_of(db) as office:
        view = office.process(principal_of(office, key, department, purpose=purpose), case)
        if json_:
            out(asdict(view))
            return
        tell(view, office.policy_version(view.case.policy))


def tell(view: ProcessView, policy: Policy) -> None:
    """Where a case stands, for people."""
    from adapters.office.letters import REQUIREMENTS

    case = view.case
    marks = [CASE_STATES[case.state], view.number]
    marks += ["有异议"] if case.marked else []
    marks += ["暂停实施"] if case.suspended else []
    console.print(f"{case.list_title}：{'，'.join(filter(None, marks))}", highlight=False)
    parties = [
        (
            f"{n} {_role(p.role)}", _day(p.noticed_on), _due(p.statement_until),
            "；".join(f"{s.id} {'逾期' if s.late else ''}{'已答复' if s.answers else '待答复'}" for s in p.statements),
            HEARINGS[p.hearing] or _due(p.hearing_until, "可申请至 "), _day(p.served_on), _day(p.removed_on),
        )
        for n, p in enumerate(view.parties, start=1)
    ]  # fmt: skip
    show(parties, ("当事人", "告知", "陈述申辩期至", "陈述申辩", "听证", "送达", "不再涉及"))
    clocks = [
        *_clock("公示期", view.publicity),
        *(("", _law(policy, b.law, b.article), "", _day(b.minimum), _day(b.maximum), "") for b in view.bounds),
        *_clock("列入期限", view.listing),
    ]
    if clocks:
        show(clocks, ("期限", "依据", "起算", "最短至", "最长至", "已结束"))
    duties = [(TASKS[t.name], "", _due(t.due), f"{t.done_on} 已办" if t.done_on else "待办") for t in view.tasks]
    duties += [("异议", o.id, _due(o.due), OUTCOMES[o.outcome]) for o in view.objections]
    duties += [("信用修复", r.id, _due(r.due), REPAIRS[r.state]) for r in view.repairs]
    if duties:
        show(duties, ("本部门须办", "编号", "期限", "状态"))
    lines = [f"当事人 {n} 的标识：{p.id}" for n, p in enumerate(view.parties, start=1) if len(parties) > 1]
    lines += [f"还缺：{m}" for m in view.missing]
    if view.earliest_repair is not None:
        proofs = "、".join(f"{REQUIREMENTS.get(r, r)}（{r}）" for r in view.repair_requires)
        lines.append(f"信用修复：最早 {view.earliest_repair} 申请；须证明{proofs or '：无'}")
    can = "、".join(f"{STEPS[a][0]} {a}" if a in STEPS else f"终止 {a}" for a in view.actions)
    lines.append(f"现在可以办：{can or '无'}")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _role(role: str) -> str:
    from engine.language.titles import ROLES

    return "主体" if role == "subject" else ROLES.get(role, role)


def _day(day: dt.date | None) -> str:
    return day.isoformat() if day else ""


def _local(instant: str) -> str:
    """An instant as clocks in China show it, to the minute."""
    from adapters.office.ports import CHINA

    return dt.datetime.fromisoformat(instant).astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def _due(due: Due | None, before: str = "") -> str:
    return f"{before}{due.on}{'（暂定）' if due.provisional else ''}" if due else ""


def _clock(title: str, clock: Clock | None) -> Iterator[tuple[str, ...]]:
    if clock is not None:
        until = _day(clock.maximum) or "至终止事由出现"
        yield title, "", _day(clock.start), _day(clock.minimum), until, _day(clock.ended_on)


def _law(policy: Policy, law: str, article: str | None) -> str:
    title = policy.laws[law].title if law in policy.laws else law
    return f"《{title}》{article or ''}"


def step(
    case: Annotated[str, typer.Argument(help="案件号")],
    action: Annotated[str, typer.Argument(help=" | ".join(STEPS))],
    party: Annotated[str | None, typer.Option(help="当事人的标识（见 process），默认主体")] = None,
    on: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="发生之日，默认当日")] = None,
    announced_on: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="听证通知之日")] = None,
    method: Annotated[str | None, typer.Option(help="告知、送达的方式")] = None,
    reason: Annotated[str | None, typer.Option(help="理由")] = None,
    outcome: Annotated[str | None, typer.Option(help="决定：list | not-list；答复异议：upheld | rejected")] = None,
    number: Annotated[str | None, typer.Option(help="决定文号")] = None,
    chair: Annotated[str | None, typer.Option(help="听证主持人")] = None,
    channel: Annotated[str | None, typer.Option(help="公示渠道")] = None,
    statement: Annotated[str | None, typer.Option(help="陈述申辩的编号，如 s1")] = None,
    objection: Annotated[str | None, typer.Option(help="异议的编号，如 o1")] = None,
    repair: Annotated[str | None, typer.Option(help="信用修复申请的编号，如 r1")] = None,
    own: Annotated[bool | None, typer.Option("--own/--not-own", help="异议的信息是否本部门自己的")] = None,
    point: Annotated[list[str] | None, typer.Option("--point", help="意见的一点，可多次")] = None,
    answer: Annotated[list[str] | None, typer.Option("--answer", help="对一点的答复，依次，可多次")] = None,
    proved: Annotated[list[str] | None, typer.Option("--proved", help="已证明的修复条件，可多次")] = None,
    fact: Annotated[list[str] | None, typer.Option("--fact", help="更正后的事实，名=值；名= 为删去；可多次")] = None,
    evidence: Annotated[list[Path] | None, typer.Option("--evidence", help="证明文件；登记其 SHA-256")] = None,
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """办理程序的一步；只接受这一步用得上的选项。"""
    from adapters.office.model import CaseAction, Step

    given: dict[str, Any] = {
        "party": party, "on": on, "announced_on": announced_on, "method": method, "reason": reason,
        "outcome": outcome, "number": number, "chair": chair, "channel": channel, "statement": statement,
        "objection": objection, "repair": repair, "own": own, "points": point, "answers": answer, "proved": proved,
        "facts": fact, "evidence": evidence,
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value is not None and value != []}
    _check(action, given)
    given |= {name: given[name].date() for name in ("on", "announced_on") if name in given}
    given |= {name: tuple(given[name]) for name in ("points", "answers", "proved") if name in given}
    if "facts" in given:
        given["facts"] = {name: None if value == "" else value for name, value in facts_of(fact).items()}
    if "evidence" in given:
        given["evidence"] = _digests(given["evidence"])
    with office_of(db) as office:
        principal = principal_of(office, key, department, officer)
        stepped = office.step(principal, case, Step(cast("CaseAction", action), **given))
        if json_:
            out(asdict(stepped))
            return
        view = stepped.process
        console.print(f"{view.case.list_title}：{CASE_STATES[view.case.state]}", highlight=False)
        counts = (("新增", stepped.added), ("须解除", stepped.lifted), ("取消", stepped.cancelled))
        lines = [f"{title} {len(ids)} 项" for title, ids in counts if ids]
        for line in [*stepped.changed, *lines, *(f"还缺：{m}" for m in view.missing)]:
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def _check(action: str, given: Mapping[str, object]) -> None:
    """Refuse an unknown step, and options that the step does not use."""
    if action not in STEPS:
        fail(USAGE, f"没有这种操作：{action}", f"应为：{'、'.join(STEPS)}")
    uses = STEPS[action][1].split()
    surplus = [name for name in given if name not in uses]
    if surplus:
        takes = "、".join(f"--{OPTIONS.get(n, n)}" for n in uses) or "无"
        wrong = "、".join(f"--{OPTIONS.get(n, n)}" for n in surplus)
        fail(USAGE, f"{STEPS[action][0]}（{action}）用不上 {wrong}", f"可用：{takes}")


def _digests(paths: list[Path]) -> tuple[Evidence, ...]:
    from engine.casework.model import Evidence

    try:
        return tuple(Evidence(hashlib.sha256(p.read_bytes()).hexdigest(), p.name) for p in paths)
    except OSError as error:
        fail(USAGE, f"读不到证明文件：{error}")


def letters(
    case: Annotated[str, typer.Argument(help="案件号")],
    folder: Annotated[Path | None, typer.Option("--out", help="写入的文件夹；每份文书各有 docx 和 pdf")] = None,
    purpose: Purpose = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """案件的文书；给出文件夹则写出 Word 文档和 PDF。"""
    from adapters.documents.placeholders import TITLES

    with office_of(db) as office:
        principal = principal_of(office, key, department, purpose=purpose)
        found = office.letters(principal, case)
        files: dict[str, list[str]] = {x.id: [] for x in found}
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with Progress(transient=True, console=errors) as progress:
                    for number, letter in enumerate(progress.track(found, description="文书"), start=1):
                        for form in FORMS:
                            _, body = office.letter(principal, letter.id, form)
                            path = folder / f"{number:02} {_file_name(letter, TITLES)}.{form}"
                            path.write_bytes(body)
                            files[letter.id].append(str(path))
            except OSError as error:
                fail(USAGE, f"写不了 {folder}：{error.strerror}")
            found = office.letters(principal, case)  # with the digests of what has now been made
        if json_:
            out([asdict(x) | {"title": TITLES[x.kind], "files": files[x.id]} for x in found])
            return
        rows = [(x.number, TITLES[x.kind], _local(x.at)[:10], "\n".join(files[x.id])) for x in found]
        show(rows, ("文号", "文书", "日期", "文件"))


def _file_name(letter: LetterView, titles: Mapping[str, str]) -> str:
    """Number and title; a number is whatever an officer wrote, so nothing of it may reach the file system as a path."""
    name = f"{letter.number} {titles[letter.kind]}"
    return "".join(c if c.isalnum() or c in "〔〕（）()[]-_ " else "-" for c in name)[:80].strip()


def messages(
    limit: Annotated[int, typer.Option(min=1, max=200, help="每页条数")] = 50,
    after: Annotated[str | None, typer.Option(help="上一页给出的游标")] = None,
    purpose: Purpose = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """告知本部门的消息，最近的在前。"""
    with office_of(db) as office:
        page = office.messages(principal_of(office, key, department, purpose=purpose), after=after, limit=limit)
        if json_:
            out(asdict(page))
            return
        rows = [
            (_local(m.at), AUDIENCES[m.audience], m.title, m.obligation or m.case, _day(m.due_on)) for m in page.items
        ]
        show(rows, ("时间", "种类", "内容", "事项或案件", "期限"))
        if page.next:
            console.print(f"还有更多：--after {page.next}", style="dim", soft_wrap=True, highlight=False)


def migrate_cases(
    case: Annotated[list[str] | None, typer.Option("--case", help="案件号，可多次；默认全部未结案件")] = None,
    do: Annotated[bool, typer.Option("--do", help="实际迁移；默认只模拟，不改变任何案件")] = False,
    reason: Annotated[str, typer.Option(help="迁移理由；实际迁移时必填")] = "",
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """使未结案件适用现行政策；默认模拟。实际迁移而有案件不能迁移时退出码为 1。"""
    with office_of(db) as office:
        principal = principal_of(office, key, department, officer or ("" if do else "模拟"))
        waiting = office.migrate_cases(principal, cases=case, reason=reason, dry_run=not do)
        with Progress(transient=True, console=errors) as progress:
            task = progress.add_task("迁移" if do else "模拟", total=None)
            found: list[Migration] = []
            for migration in waiting:
                found.append(migration)
                progress.advance(task)
        if json_:
            out([asdict(m) for m in found])
        else:
            rows = [
                (m.case, m.list_title, "\n".join(m.added), "\n".join(m.lifted), "\n".join(m.cancelled),
                 "\n".join(m.changed), "已迁移" if m.done else "未迁移")
                for m in found
            ]  # fmt: skip
            show(rows, ("案件", "名单", "新增", "须解除", "取消", "变化", "结果"))
            if not do:
                typer.echo("以上只是模拟；加 --do --reason 理由 实际迁移。")
    raise typer.Exit(FOUND if do and any(not m.done for m in found) else 0)
