"""`xinheng audit duties` and `reversals`: what departments did not do, and listings that were reversed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from api.cli.audit_common import (
    After,
    Limit,
    List,
    Since,
    Table,
    Until,
    Xlsx,
    asked_of,
    cited,
    day,
    department_of,
    every,
    local,
    more,
    write_sheet,
)
from api.cli.common import (
    USAGE,
    Database,
    Json,
    Key,
    Officer,
    Purpose,
    console,
    fail,
    office_of,
    out,
    principal_of,
    show,
)

if TYPE_CHECKING:
    from adapters.office.desk_model import DutyFinding
    from engine.language.ir import Policy

DUTIES = {"query": "未查询", "carry-out": "未落实"}
REVERSED = {
    "upheld": "异议成立", "corrected": "更正", "annulled": "撤销", "withdrawn": "撤回", "not-listed": "不予列入",
}  # fmt: skip
AUDIENCES = {"notice": "通知", "remind": "经办人", "chief": "负责人", "joint-office": "督办", "report": "通报"}


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("duties")(duties)
    group.command("reversals")(reversals)


def duties(
    department: Annotated[str | None, typer.Option(help="实施部门")] = None,
    duty: Annotated[str | None, typer.Option(help="query 未查询，carry-out 未落实；默认两项")] = None,
    subject: Annotated[str | None, typer.Option(help="主体的不透明标识")] = None,
    since: Since = None,
    until: Until = None,
    window: Annotated[int, typer.Option(min=1, max=366, help="情形之前多少日内须有查询")] = 30,
    limit: Limit = 50,
    after: After = None,
    xlsx: Xlsx = None,
    purpose: Purpose = "",
    officer: Officer = "",
    key: Key = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """两项责任：该查询而未查询，该落实而未落实；逐项给出事件、日期、经办人、依据和告知过谁。"""
    from adapters.office.desk_duties import DutySearch
    from adapters.office.desk_model import DUTY_BASIS, Duty

    if duty not in {None, *DUTIES}:
        fail(USAGE, f"没有这项责任：{duty}", f"应为：{'、'.join(DUTIES)}")
    search = DutySearch(department, cast("Duty | None", duty), subject, day(since), day(until), window)
    with office_of(db) as office:
        principal = principal_of(office, key, None, officer, purpose=purpose)
        policy = office.current_policy()

        def page(place: str | None, most: int) -> Any:
            return office.audit_duties(principal, search, after=place, limit=most)

        rests_on = {f"{DUTIES[name]}的依据": cited(policy, DUTY_BASIS[name]) for name in DUTY_BASIS}
        if xlsx is not None:
            items = every(page)
            sheets: list[Table] = [
                ("责任", DUTY_COLUMNS, [_duty(policy, i) for i in items]),
                ("事件", ("案件", "版本", "动作", "日期", "时刻", "部门", "经办人", "哈希"), [
                    (i.case, e.version, e.action, e.on, e.at, department_of(policy, e.department), e.officer, e.hash)
                    for i in items for e in i.events
                ]),
                ("告知", ("案件", "事项", "部门", "告知谁", "内容", "时刻", "送达"), [
                    (i.case, i.obligation, department_of(policy, t.department), AUDIENCES.get(t.audience, t.audience),
                     t.title, t.at, t.delivered_at)
                    for i in items for t in i.told
                ]),
            ]  # fmt: skip
            write_sheet(office, xlsx, asked_of(search) | rests_on, sheets, json_=json_)
            return
        found = page(after, limit)
        if json_:
            out(asdict(found))
            return
        told = [dict(zip(DUTY_COLUMNS, _duty(policy, i), strict=True)) for i in found.items]
        shown = [
            (
                f"{c['责任']}：{c['情况']}", f"{c['部门']} {c['经办人']}".strip(), c["措施"], c["期限"] or c["发生"],
                c["日数"], c["告知过"], c["事项"], c["说明"],
            )
            for c in told
        ]  # fmt: skip
        show(shown, ("情况", "部门和经办人", "措施", "期限或发生", "日数", "告知过", "事项", "说明"), whole={"事项"})
        for name, words in rests_on.items():
            console.print(f"{name}：{words}", highlight=False, markup=False, soft_wrap=True)
        more(found.next)


DUTY_COLUMNS = ("责任", "情况", "部门", "经办人", "措施", "期限", "发生", "日数", "告知过", "事项", "依据", "说明")


def _duty(policy: Policy, found: DutyFinding) -> tuple[str, ...]:
    from adapters.office.desk_model import KINDS

    known = KINDS[found.kind] if found.known else f"不掌握：{KINDS[found.kind]}"
    told = "；".join(
        f"{local(t.at)[:10]} {AUDIENCES.get(t.audience, t.audience)}（{department_of(policy, t.department)}）"
        for t in found.told
    )
    return (
        DUTIES[found.duty], known, department_of(policy, found.department), found.officer, found.title,
        str(found.due_on or ""), str(found.on or ""), "" if found.days is None else str(found.days), told,
        found.obligation, cited(policy, found.basis), found.remark,
    )  # fmt: skip


def reversals(
    department: Annotated[str | None, typer.Option(help="发起部门")] = None,
    list_: List = None,
    since: Since = None,
    until: Until = None,
    xlsx: Xlsx = None,
    purpose: Purpose = "",
    officer: Officer = "",
    key: Key = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """被推翻的列入：异议成立、更正、撤销、撤回、不予列入；按部门和名单统计，附案件。"""
    with office_of(db) as office:
        principal = principal_of(office, key, None, officer, purpose=purpose)
        found = office.audit_reversals(
            principal, department=department, list_=list_, since=day(since), until=day(until)
        )
        policy = office.current_policy()
        counts = [
            (
                department_of(policy, c.initiator), c.list_title, c.filed, c.reversed, f"{c.rate / 100:.2f}%", c.upheld,
                c.corrected, c.annulled, c.withdrawn, c.not_listed, "" if c.median is None else c.median,
            )
            for c in found.counts
        ]  # fmt: skip
        cases = [
            (r.case, r.list_title, department_of(policy, r.initiator), REVERSED[r.kind], r.on.isoformat(), r.days)
            for r in found.cases
        ]
        heads = (
            ("部门", "名单", "列入", "被推翻", "比例", *REVERSED.values(), "日数中位"),
            ("案件", "名单", "部门", "方式", "日期", "列入后日数"),
        )
        if xlsx is not None:
            asked = {
                "部门": department,
                "名单": list_,
                "列入自": found.since,
                "列入至": found.until,
                "算至": found.today,
            }
            write_sheet(office, xlsx, asked, [("统计", heads[0], counts), ("案件", heads[1], cases)], json_=json_)
        elif json_:
            out(asdict(found))
        else:
            span = f"{found.since or '开始'} 至 {found.until or found.today} 列入的案件，算至 {found.today}"
            show([tuple(map(str, row)) for row in counts], heads[0], span)
            show([tuple(map(str, row)) for row in cases], heads[1], whole={"案件"})
