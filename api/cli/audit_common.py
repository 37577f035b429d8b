"""What the commands of the auditor's desk share: options, workbooks, and words for people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.common import USAGE, console, fail, out

if TYPE_CHECKING:
    from adapters.office import Office
    from adapters.office.desk_duties import DutySearch
    from adapters.office.desk_model import Search
    from engine.language.ir import Policy

MOST = 100_000  # rows of a workbook: nobody reads more, and it is held in memory
HOST = "本机"

Xlsx = Annotated[Path | None, typer.Option("--xlsx", help="写入 Excel 工作簿")]
Since = Annotated[dt.datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="自此日（含）")]
Until = Annotated[dt.datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="至此日（含）")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="每页条数")]
After = Annotated[str | None, typer.Option(help="上一页给出的游标")]
Rule = Annotated[str | None, typer.Option(help="条款：备忘录/条款")]
Law = Annotated[str | None, typer.Option(help="法律文件标识")]
Article = Annotated[str | None, typer.Option(help="条，如 第二十二条")]
Initiator = Annotated[str | None, typer.Option(help="发起部门")]
Implementer = Annotated[str | None, typer.Option(help="实施部门")]
Acting = Annotated[str | None, typer.Option("--by", help="在案件中办理过的经办人")]
List = Annotated[str | None, typer.Option("--list", help="名单")]
Version = Annotated[str | None, typer.Option("--policy", help="政策版本")]
Outcome = Annotated[str | None, typer.Option(help="案件状态、终止事由，或者事项的反馈结果")]


Table = tuple[str, Sequence[str], Sequence[Sequence[object]]]


def every(page: Callable[[str | None, int], Any]) -> list[Any]:
    """The items of every page, so far as a workbook takes them."""
    items: list[Any] = []
    place: str | None = None
    while True:
        found = page(place, 200)
        items += found.items
        place = found.next
        if place is None:
            return items
        if len(items) >= MOST:
            fail(USAGE, f"结果超过 {MOST} 条，请缩小范围")


def write_sheet(
    office: Office,
    path: Path,
    asked: Mapping[str, object],
    tables: Sequence[Table],
    *,
    json_: bool,
) -> None:
    """Write a workbook and say how many rows it has."""
    from adapters.reports import SheetTable, audit_sheet

    today = office.context.today()
    try:
        audit_sheet({"编制之日": today, **asked}, [SheetTable(*t) for t in tables], path, today=today)
    except (OSError, ValueError) as error:
        fail(USAGE, f"写不了 {path}", str(error))
    counts = {name: len(rows) for name, _, rows in tables}
    if json_:
        out({"xlsx": str(path), "rows": counts})
    else:
        typer.echo(f"{path}：" + "，".join(f"{name} {count} 行" for name, count in counts.items()))


ASKED = {
    "rule": "条款", "law": "法律文件", "article": "条", "initiator": "发起部门", "implementer": "实施部门",
    "officer": "经办人", "list": "名单", "policy": "政策版本", "outcome": "结果", "since": "自", "until": "至",
    "department": "部门", "case": "案件", "duty": "责任", "subject": "主体", "window": "查询须在情形之前多少日内",
}  # fmt: skip


def asked_of(search: Search | DutySearch) -> dict[str, object]:
    """What was looked for, in Chinese."""
    return titled(asdict(search))


def titled(asked: Mapping[str, object]) -> dict[str, object]:
    """The same of plain names."""
    return {ASKED[name]: value for name, value in asked.items()}


def more(following: str | None) -> None:
    """Say that there is another page."""
    if following:
        console.print(f"还有更多：--after {following}", style="dim", soft_wrap=True, highlight=False)


def day(moment: dt.datetime | None) -> dt.date | None:
    """The day of an option."""
    return moment.date() if moment else None


def department_of(policy: Policy, name: str) -> str:
    """The name of a department; of whoever works on the host, that."""
    return policy.departments[name].title if name in policy.departments else name or HOST


def cited(policy: Policy, basis: Sequence[tuple[str, str]]) -> str:
    """Articles in words."""
    titles = {law: policy.laws[law].title if law in policy.laws else law for law, _ in basis}
    return "、".join(f"《{titles[law]}》{article}" for law, article in basis)


def local(instant: str) -> str:
    """An instant as clocks in China show it, to the minute."""
    from adapters.office.ports import CHINA

    return dt.datetime.fromisoformat(instant).astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
