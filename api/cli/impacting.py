"""Commands for policy staff: impact, what a change of policy would do to the cases in the ledger."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.common import (
    FOUND,
    UNAVAILABLE,
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
from api.cli.comparing import After, day_of, folded, shelf_of, sources, watching

if TYPE_CHECKING:
    from adapters.office import Office
    from adapters.office.impact_model import Counts, Impact
    from adapters.policy_sources import Source
    from engine.language.ir import Policy

MOST_ROWS, MOST_DAYS = 30, 366
Before = Annotated[
    str | None,
    typer.Argument(metavar="A", help="改之前，写法与 diff 相同；默认 current：各案件现在所适用的版本"),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("impact")(impact)


def impact(
    before: Before = None,
    after: After = None,
    start: Annotated[
        str | None, typer.Option("--from", help="自哪一天起改依新政策；默认今天，待生效的政策为其生效之日")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=MOST_DAYS, help="推算多少天的待办")] = 30,
    following: Annotated[bool, typer.Option("--following", help="只算新政策施行时随之调整的名单")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="另写一份网页报告")] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="另写一份表格")] = None,
    officer: Officer = "",
    key: Key = None,
    department: As = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """测算新政策对在办案件的影响：多少主体、案件、事项，各部门每天多少待办；只读，不写入数据库。"""
    from adapters.policy_sources import CURRENT, VERSION
    from adapters.reports.wording import Labels

    own = before in {None, CURRENT, f"{VERSION}{CURRENT}"}
    with shelf_of(db) as find_shelf:
        if find_shelf() is None:
            fail(UNAVAILABLE, "没有数据库，无从测算", "用 --db 指明，或者先 xinheng serve")
        old, new = sources(f"{VERSION}{CURRENT}" if own else before, after, find_shelf)
    day = day_of(start, "--from")
    labels = Labels("各案件现在所适用的政策" if own else old.label, new.label)
    with office_of(db) as office:
        principal = principal_of(office, key, department, officer)
        if day is None and new.since is not None:
            from adapters.office.ports import day_of as china_day

            day = china_day(new.since)
        if day is not None and day < office.context.today():
            fail(USAGE, "--from 早于今天", f"{day}")
        policies = None if own else _policy(office, old), _policy(office, new)
        with watching("测算案件") as progress:
            found = office.policy_impact(
                principal, *policies, day=day, days=days, only_following=following, progress=progress
            )
    _write(found, labels, html, xlsx)
    if json_:
        out(document(found, old if not own else None, new))
    else:
        _print(found, labels)


def _policy(office: Office, source: Source) -> Policy:
    from adapters.comparing import ComparisonError, compiled

    if source.version is not None:
        return office.policy_version(source.version)
    try:
        return compiled(source.files, source.label)
    except ComparisonError as error:
        typer.echo(error.details, err=True, nl=False)
        fail(FOUND, error.message)


def _write(found: Impact, labels: Any, html: Path | None, xlsx: Path | None) -> None:
    from adapters.reports import impact_page, impact_sheet

    for path, write in ((html, lambda p: p.write_text(impact_page(found, labels), encoding="utf-8")),
                        (xlsx, lambda p: impact_sheet(found, labels, p))):  # fmt: skip
        if path is not None:
            try:
                write(path)
            except OSError as error:
                fail(USAGE, f"写不了 {path}：{error.strerror or error}")


def document(found: Impact, old: Source | None, new: Source) -> dict[str, Any]:
    """The impact as JSON; counts of a department's load are by day from the first."""
    told = dataclasses.asdict(found)
    for department in told["departments"]:
        for side in ("before", "after"):
            load = department[side]
            counts = load["counts"]
            most = max(counts, default=0)
            peak_on = found.day + dt.timedelta(days=counts.index(most)) if most else None
            department[side] = {"peak": most, "peak_on": peak_on, "counts": counts}
    return {
        "from": old.label if old is not None else "各案件现在所适用的政策",
        "to": new.label,
        "counts": dataclasses.asdict(found.counts),
        **told,
    }


def _print(found: Impact, labels: Any) -> None:
    from adapters.reports.wording import assumptions, limit_words

    counts = found.counts
    touched = [d for d in found.departments if d.counts.gained or d.counts.lost]
    console.print(
        f"由{labels.before}，到{labels.after}；自 {found.day} 起 {found.days} 天", style="dim", highlight=False
    )
    console.print(
        f"[bold]在办案件 {found.cases:,} 件（主体 {found.subjects:,} 个），其中 {found.changed:,} 件"
        f"（主体 {found.subjects_changed:,} 个）有变化，{len(found.staying):,} 件不能调整。[/]",
        highlight=False,
    )
    console.print(
        f"新增事项 {counts.gained:,} 项，解除 {counts.lifted:,} 项，撤销 {counts.cancelled:,} 项，"
        f"涉及 {len(touched)} 个部门；"
        f"{len(found.restricted):,} 人开始受减损权益的措施，{len(found.released):,} 人不再受。",
        highlight=False,
    )
    show(
        [
            (o.title, "随之调整" if o.follows else "不动", _n(o.cases), _n(o.changed), _n(o.refused),
             *_three(o.counts), _n(o.sooner), _n(o.later))
            for o in sorted(found.lists, key=lambda o: (not o.changed and not o.refused, o.list))
        ],
        ("名单", "施行时", "案件", "有变化", "不能调整", "新增", "解除", "撤销", "提前期满", "推后期满"), "按名单",
    )  # fmt: skip
    loaded = [d for d in found.departments if d in touched or d.before != d.after]
    loaded.sort(key=lambda d: (-d.counts.gained - d.counts.lost, -max(d.after.peak, d.before.peak), d.department))
    if loaded:
        show(
            [
                (d.title, *_three(d.counts), _n(d.before.peak), str(d.before.peak_on or ""), _n(d.after.peak),
                 str(d.after.peak_on or ""))
                for d in loaded
            ],
            ("部门", "新增", "解除", "撤销", "现行待办最多", "在", "新政策待办最多", "在"), "按部门",
        )  # fmt: skip
    same = sum(d not in loaded and bool(d.before.peak) for d in found.departments)
    if same:
        console.print(f"另有 {same} 个部门的待办没有变化", style="dim", highlight=False)
    if found.owed:
        rows = sorted(found.owed, key=lambda o: (-o.counts.gained - o.counts.lost, o.list, o.measure, o.department))
        show(
            [
                (o.list_title, o.measure_title, o.department_title, *_three(o.counts))
                for o in rows[:MOST_ROWS]
            ],
            ("名单", "措施", "部门", "新增", "解除", "撤销"), "按措施",
        )  # fmt: skip
        if len(rows) > MOST_ROWS:
            console.print(
                f"只列出前 {MOST_ROWS} 行，共 {len(rows)} 行；全部见 --html、--xlsx 或 --json",
                style="dim",
                highlight=False,
            )
    if found.limits:
        rows_ = [(o.title, word, _n(number), total) for o in found.limits for word, number, total in limit_words(o)]
        show(rows_, ("决策表", "变化", "案件", "金额合计"), "建议额度")
    if found.staying:
        why = Counter((c.list_title, c.why) for c in found.staying)
        show(
            [(title, reason, _n(n)) for (title, reason), n in why.most_common()],
            ("名单", "原因", "案件"),
            "不能调整的案件",
        )
    for line in assumptions(found):
        console.print(f"· {folded(line, 2)}", style="dim", highlight=False, markup=False, soft_wrap=True)


def _three(counts: Counts) -> tuple[str, str, str]:
    return _n(counts.gained), _n(counts.lifted), _n(counts.cancelled)


def _n(number: int) -> str:
    return f"{number:,}" if number else "–"
