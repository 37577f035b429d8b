"""`xinheng replay`: decisions made again from what was logged, one, those of a case, or all."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.common import (
    FOUND,
    USAGE,
    Database,
    Json,
    Key,
    Purpose,
    console,
    errors,
    fail,
    office_of,
    out,
    principal_of,
    settings_of,
    show,
)

if TYPE_CHECKING:
    from adapters.office import Office, Principal
    from adapters.office.replaying import Refolded, Replayed
    from api.replaying import Engine as Back
    from api.replaying import Tally
    from engine.casework.replaying import Change, Difference, Question

CAUSES = {"facts": "事实", "rules": "规则", "memorandum": "备忘录", "calendar": "年历", "code": "程序"}
OUTCOMES = {"same": "一致", "different": "有差异", "erased": "依法删除", "failed": "未能重算"}
QUESTIONS = {
    "as-decided": "当时如何决定", "by-todays-rules": "依今天的规则会如何决定",
    "knowing-now": "以今天所知，当时本应如何决定",
}  # fmt: skip
WHAT = {
    "obligation": "应响应事项", "advice": "建议", "limit": "建议额度", "unknown": "未定规则",
    "contradiction": "相互矛盾", "rule": "成立的规则", "derived": "推定事实", "deadline": "期限",
    "document": "决定文本", "row": "案件数据",
}  # fmt: skip
MOST = 50
"""Differences shown to people; `--json` has all."""
MANY = 1_000
"""Decisions from which on a rate means something."""
DIGEST_LENGTH = 64


class Engine(StrEnum):
    """What decides again."""

    REFERENCE = "reference"
    DURABLE = "durable"
    BOTH = "both"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(
    target: Annotated[str | None, typer.Argument(help="决定的哈希，或者案件编号")] = None,
    every: Annotated[bool, typer.Option("--all", help="台账中的全部决定和案件")] = False,
    by_todays_rules: Annotated[bool, typer.Option("--by-todays-rules", help="同样的事实，依现行政策重算")] = False,
    knowing_now: Annotated[bool, typer.Option("--knowing-now", help="依当时的政策，以今天所知的当时事实重算")] = False,
    as_decided: Annotated[
        bool, typer.Option("--as-decided", help="依当时的政策和事实重算，须逐字节一致；默认")
    ] = False,
    engine: Annotated[Engine, typer.Option(help="参考解释器、durable_rules，或者两个引擎对照")] = Engine.REFERENCE,
    jobs: Annotated[int | None, typer.Option(min=1, help="与 --all 合用：进程数；默认处理器个数")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="与 --all 合用：只抽取若干份决定")] = None,
    seed: Annotated[str, typer.Option(help="与 --sample 合用：抽取的种子，默认当日日期")] = "",
    key: Key = None,
    purpose: Purpose = "",
    json_: Json = False,
    db: Database = None,
) -> None:
    """重算：决定由当时的规则和事实重新得出，并说明差异的原因。有差异时退出码为 1；依法删除的不算差异。"""
    if sum((as_decided, by_todays_rules, knowing_now)) > 1:
        fail(USAGE, "--as-decided、--by-todays-rules、--knowing-now 只能选一个")
    if every == (target is not None):
        fail(USAGE, "须给出决定的哈希或者案件编号，或者写 --all")
    if not every and (jobs or sample or seed):
        fail(USAGE, "--jobs、--sample、--seed 与 --all 合用")
    question: Question = "by-todays-rules" if by_todays_rules else "knowing-now" if knowing_now else "as-decided"
    with office_of(db) as office:
        principal = principal_of(office, key, None, purpose=purpose)
        if target is not None:
            _one(office, principal, target, question, engine.value, json_=json_)
        else:
            _all(office, principal, db, question, engine.value, jobs or os.cpu_count() or 1, sample, seed, json_=json_)


def _one(office: Office, principal: Principal, target: str, question: Question, engine: Back, *, json_: bool) -> None:
    from api.replaying import decider

    found: tuple[Replayed, ...]
    folded: Refolded | None = None
    with decider(engine) as decide:
        if len(target) == DIGEST_LENGTH:
            found = (office.replay_decision(principal, target, question, decide),)
        else:
            found, folded = office.replay_case(principal, target, question, decide)
    wrong = any(f.outcome in {"different", "failed"} for f in found) or (folded is not None and not folded.same)
    if json_:
        casework = asdict(folded) if folded is not None else None
        out({"question": question, "decisions": [asdict(f) for f in found], "casework": casework})
    else:
        console.print(f"[bold]{QUESTIONS[question]}[/]")
        rows = [
            (f.digest[:16], f.case, f.as_of, f.policy[:12], f.against[:12], OUTCOMES[f.outcome], f.error) for f in found
        ]
        show(rows, ("决定", "案件", "决定日", "当时政策", "对照政策", "结果", "说明"))
        for f in found:
            _differences(f)
        if folded is not None:
            _folded([folded])
    if wrong:
        raise typer.Exit(FOUND)


def _all(
    office: Office,
    principal: Principal,
    db: str | None,
    question: Question,
    engine: Back,
    jobs: int,
    sample: int | None,
    seed: str,
    *,
    json_: bool,
) -> None:
    from rich.progress import Progress, TimeRemainingColumn

    from api.replaying import replay_all, replay_some

    office.begin_replay(principal)
    started = time.monotonic()
    if sample:
        tally = replay_some(office, sample, seed or office.context.today().isoformat(), question, engine)
    else:
        columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn())
        with Progress(*columns, transient=True, console=errors, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task("重算", total=None)
            tally = replay_all(
                settings_of(db), question, engine, jobs=jobs,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )  # fmt: skip
    seconds = time.monotonic() - started
    if json_:
        out({
            "question": question, "engine": engine, "decisions": tally.decisions, "erased": tally.erased,
            "cases": tally.cases, "seconds": round(seconds, 3), "different": [asdict(f) for f in tally.different],
            "casework": [asdict(f) for f in tally.broken],
        })  # fmt: skip
    else:
        _summary(tally, question, seconds)
    if not tally.clean:
        raise typer.Exit(FOUND)


def _summary(tally: Tally, question: Question, seconds: float) -> None:
    rate = f"，每秒 {tally.decisions / seconds:,.0f} 份" if tally.decisions >= MANY else ""
    console.print(f"[bold]{QUESTIONS[question]}[/]")
    cases = f"，案件 {tally.cases:,} 件" if tally.cases else ""
    console.print(
        f"决定 {tally.decisions:,} 份：一致 {tally.decisions - tally.erased - len(tally.different):,}"
        f"，有差异 {len(tally.different):,}，依法删除 {tally.erased:,}{cases}。用时 {seconds:.1f} 秒{rate}",
        highlight=False,
    )
    for f in tally.different[:MOST]:
        console.print(f"[bold]{f.digest[:16]}[/]  案件 {f.case}  {OUTCOMES[f.outcome]} {f.error}", highlight=False)
        _differences(f)
    _folded(tally.broken[:MOST])
    if len(tally.different) > MOST:
        console.print(f"……另有 {len(tally.different) - MOST:,} 份有差异，加 --json 看全部", highlight=False)


def _differences(found: Replayed) -> None:
    rows = [row for difference in found.differences for row in _rows(difference)]
    if rows:
        show(rows, ("原因", "出处", "内容", "关于", "原为", "现为"))


def _rows(difference: Difference) -> Iterable[tuple[str, ...]]:
    cause = CAUSES[difference.cause]
    for change in difference.changes:
        yield (cause, difference.source, WHAT[change.what], change.about, *_words(change))


def _words(change: Change) -> tuple[str, str]:
    """Before and after: the keys in which two objects differ, or the whole."""
    before, after = change.before, change.after
    if change.what == "deadline":
        return tuple(f"{side[0]} 前接收，{side[1]} 前实施" for side in (before, after))  # type: ignore[return-value]
    if isinstance(before, dict) and isinstance(after, dict):
        names = [n for n in before.keys() | after.keys() if before.get(n) != after.get(n)]
        before, after = ({n: side.get(n) for n in sorted(names)} for side in (before, after))
    elif isinstance(before or after, dict):
        before, after = ("有" if side is not None else "无" for side in (before, after))
    return _text(before), _text(after)


def _text(value: Any) -> str:
    if value is None:
        return "无"
    if isinstance(value, bool):
        return "是" if value else "否"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _folded(found: Iterable[Refolded]) -> None:
    for folded in found:
        if folded.same:
            console.print("案件：事件重放所得与所存数据一致", highlight=False)
            continue
        console.print(f"案件 {folded.case}：事件重放所得与所存数据不一致 {folded.error}", highlight=False)
        show([(c.about, *_words(c)) for c in folded.changes], ("内容", "所存", "事件所得"))
