"""Looking ahead: what falls due when, and for whom. Nothing is written."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.common import UNAVAILABLE, USAGE, Database, Json, console, errors, fail, out, settings_of, show

if TYPE_CHECKING:
    from adapters.worker.standing import Standing
    from api.settings import Settings
    from engine.casework.simulating import Falls, Played

WHAT = {
    "accept": "接收", "arm": "布置措施", "respond": "实施并反馈", "feedback": "定期反馈", "rearm": "承接后重新布置",
    "lift": "解除措施", "publish": "公示", "serve": "送达", "objection": "答复异议", "repair": "办理信用修复",
    "expiry": "名单期满", "end-publicity": "公示期满", "measure-expiry": "措施期满", "rung": "督办",
}  # fmt: skip
"""What falls due, in the order of the columns."""


class Assume(StrEnum):
    """How departments behave."""

    LATE = "late"
    ON_TIME = "on-time"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    until: Annotated[str, typer.Option(help="模拟到哪一天（YYYY-MM-DD）")],
    start: Annotated[str, typer.Option("--from", help="从哪一天起；默认今天")] = "",
    county: Annotated[bool, typer.Option("--county", help="用内置的演示县，而不是数据库里的案件")] = False,
    department: Annotated[str, typer.Option(help="只看某一部门")] = "",
    assume: Annotated[Assume, typer.Option(help="late：无人办理；on-time：各部门都在期限当日办理")] = Assume.LATE,
    db: Database = None,
    json_: Json = False,
) -> None:
    """推演：哪些事项在哪一天到期、归哪个部门；不写入数据库。"""
    settings = settings_or_fail(db)
    first, last = _day(start, "--from") if start else _today(settings), _day(until, "--until")
    if last < first:
        fail(USAGE, "--until 早于开始之日", f"{last} 早于 {first}")
    found = demo_county(first) if county else from_ledger(settings)
    if department and department not in found.current.departments:
        fail(USAGE, f"没有部门 {department}")
    played = list(_play(found, first, last, assume))
    falls = sorted(
        (f for p in played for f in p.falls if department in {"", f.department}),
        key=lambda f: (f.on, f.list, f.department, f.what, f.case, f.obligation or ""),
    )
    owing = [o for p in played for o in p.owing(last) if department in {"", o.department}]
    titles = {name: d.title for name, d in found.current.departments.items()}
    departments = {
        name: {
            "title": titles.get(name, name),
            "fell_due": sum(f.department == name and f.what != "rung" for f in falls),
            "rungs": sum(f.department == name and f.what == "rung" for f in falls),
            "open": sum(o.department == name for o in owing),
            "late": sum(o.department == name and o.late for o in owing),
        }
        for name in sorted({f.department for f in falls} | {o.department for o in owing})
    }
    if json_:
        out({
            "from": first, "until": last, "assume": str(assume), "cases": len(played), "departments": departments,
            "months": _months(falls), "falls": [asdict(f) for f in falls],
        })  # fmt: skip
    else:
        _print(falls, departments, titles, f"{first} 至 {last}，{len(played)} 个案件，{ASSUMED[assume]}")


ASSUMED = {Assume.LATE: "无人办理", Assume.ON_TIME: "各部门都在期限当日办理"}


def settings_or_fail(db: str | None) -> Settings:
    """The settings; what is wrong with them ends the command."""
    from pydantic import ValidationError

    try:
        settings: Settings = settings_of(db)
    except ValidationError as error:
        fail(USAGE, "设置有误", *(f"XINHENG_{str(e['loc'][0]).upper()}：{e['msg']}" for e in error.errors()))
    return settings


def _today(settings: Settings) -> dt.date:
    from adapters.office.ports import CHINA
    from api.clock import now

    return now(settings.simulated_clock).astimezone(CHINA).date()


def _day(text: str, option: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        fail(USAGE, f"{option} 不是日期：{text}", "应写作 2027-01-31")


def from_ledger(settings: Settings) -> Standing:
    """The cases of a database, which is neither made nor migrated."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    from adapters.ledger import is_current
    from adapters.ledger.policies import UnknownPolicyError
    from adapters.office.ports import instant
    from adapters.worker.standing import standing
    from api.assembly import database_of
    from api.clock import now

    url = settings.database_url
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        fail(UNAVAILABLE, "没有这个数据库", parsed.database or "")
    engine = database_of(settings, pool_size=1)
    try:
        if not is_current(engine):
            fail(UNAVAILABLE, "数据库不是最新结构，请先 xinheng migrate")
        return standing(engine, instant(now(settings.simulated_clock)))
    except UnknownPolicyError:
        fail(UNAVAILABLE, "尚无生效的政策")
    except SQLAlchemyError as error:
        fail(UNAVAILABLE, "数据库不可用", type(error).__name__)
    finally:
        engine.dispose()


def demo_county(start: dt.date) -> Standing:
    """The cases of the built-in county, each in force from `start`."""
    from adapters.worker.standing import Standing
    from api.cli.simulate_county import filed
    from engine.compiler import compile_policy

    compiled = compile_policy(_shipped())
    assert compiled.policy is not None  # the shipped bundle compiles; `make lint` sees to it
    return Standing(compiled.policy, tuple((case, compiled.policy) for case in filed(compiled.policy, start)))


def _shipped() -> dict[str, str | bytes]:
    from adapters.policy_files import read_bundle

    return read_bundle()


def _play(found: Standing, first: dt.date, last: dt.date, assume: Assume) -> Iterator[Played]:
    """Each case, with a progress bar on standard error."""
    from rich.progress import Progress

    from engine.casework.simulating import play

    current = found.current
    with Progress(transient=True, console=errors) as progress:
        for case, policy in progress.track(found.cases, description="推演"):
            yield play(
                case, policy, calendars=current.calendars, departments=current.departments, start=first, until=last,
                assume=assume.value,
            )  # fmt: skip


def _months(falls: list[Falls]) -> dict[str, dict[str, int]]:
    months: dict[str, Counter[str]] = defaultdict(Counter)
    for fall in falls:
        months[f"{fall.on:%Y-%m}"][fall.what] += 1
    return {month: dict(counted) for month, counted in sorted(months.items())}


def _print(falls: list[Falls], departments: dict[str, Any], titles: dict[str, str], heading: str) -> None:
    """What falls due, the same per month, and what is left per department."""
    grouped: Counter[tuple[str, str, str, str]] = Counter()
    for fall in falls:
        what = f"{WHAT[fall.what]}（{fall.title}）" if fall.what == "rung" else WHAT[fall.what]
        grouped[fall.on.isoformat(), fall.list, titles.get(fall.department, fall.department), what] += 1
    rows = [(*key, str(count)) for key, count in grouped.items()]
    show(rows, ("日期", "名单", "部门", "事项", "数量"), heading)
    months = _months(falls)
    used = [what for what in WHAT if any(what in counted for counted in months.values())]
    show(
        [(month, *(str(counted.get(what, "")) for what in used)) for month, counted in months.items()],
        ("月份", *(WHAT[what] for what in used)), "按月",
    )  # fmt: skip
    columns = ("部门", "到期事项", "被督办", "期末未办", "其中逾期")
    show(
        [
            (str(d["title"]), *(str(d[name]) for name in ("fell_due", "rungs", "open", "late")))
            for d in sorted(departments.values(), key=lambda d: (-d["late"], -d["open"], -d["fell_due"]))
        ],
        columns, "按部门",
    )  # fmt: skip
    console.print(f"{heading}：{sum(f.what != 'rung' for f in falls)} 项到期", highlight=False)
