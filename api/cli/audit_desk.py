"""The auditor's desk: `xinheng audit` looks, find, sample; each also as a workbook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from api.cli.audit_common import (
    Acting,
    After,
    Article,
    Implementer,
    Initiator,
    Law,
    Limit,
    List,
    Outcome,
    Rule,
    Since,
    Table,
    Until,
    Version,
    Xlsx,
    asked_of,
    day,
    department_of,
    every,
    local,
    more,
    titled,
    write_sheet,
)
from api.cli.casework import CASE_STATES
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
    from adapters.office import Office
    from adapters.office.desk_model import FoundDecision
    from adapters.office.looks import LookView
    from engine.language.ir import Policy


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("looks")(looks)
    group.command("find")(find)
    group.command("sample")(sample)


def looks(
    subject: Annotated[str | None, typer.Argument(help="主体的不透明标识")] = None,
    department: Annotated[str | None, typer.Option(help="查看的部门")] = None,
    case: Annotated[str | None, typer.Option(help="案件号")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    after: After = None,
    xlsx: Xlsx = None,
    purpose: Purpose = "",
    officer: Officer = "",
    key: Key = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """谁查询过：逢办必查、本人查询和各部门、审计的每一次查看，最近的在前。"""
    with office_of(db) as office:
        principal = principal_of(office, key, None, officer, purpose=purpose)
        asked = {"subject": subject, "department": department, "case": case, "since": day(since), "until": day(until)}

        def page(place: str | None, most: int) -> Any:
            return office.audit_looks(principal, **asked, after=place, limit=most)  # type: ignore[arg-type]

        columns = ("时间", "部门", "经办人", "查看内容", "所查", "事项", "用途", "案件", "主体")
        rows = _looked(office)
        if xlsx is not None:
            write_sheet(
                office, xlsx, titled(asked), [("谁查询过", columns, [rows(i) for i in every(page)])], json_=json_
            )
            return
        found = page(after, limit)
        if json_:
            out(asdict(found))
            return
        shown = [
            (time, f"{who} {by}".strip(), f"{what} {about}".strip(), "；".join(filter(None, (purpose_, matter))), whom)
            for time, who, by, what, about, matter, purpose_, _, whom in map(rows, found.items)
        ]
        show(shown, ("时间", "部门和经办人", "查看内容", "用途和事项", "主体"), whole={"时间", "主体"})
        more(found.next)


def _looked(office: Office) -> Callable[[LookView], tuple[str, ...]]:
    from adapters.office.looks import SELF, WHAT
    from adapters.office.portal_material import OWN_PURPOSE

    policy = office.current_policy()

    def row(look: LookView) -> tuple[str, ...]:
        who = OWN_PURPOSE if look.department == SELF else department_of(policy, look.department)
        matter = policy.matters.get(look.matter)
        purpose = look.purpose if look.stated else f"（{look.purpose}）"
        return (
            local(look.at), who, look.officer, WHAT.get(look.what, look.what), look.about,
            matter.title if matter else look.matter, purpose, look.case, look.subject,
        )  # fmt: skip

    return row


def find(
    rule: Rule = None,
    law: Law = None,
    article: Article = None,
    initiator: Initiator = None,
    implementer: Implementer = None,
    by: Acting = None,
    list_: List = None,
    policy: Version = None,
    outcome: Outcome = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    after: After = None,
    xlsx: Xlsx = None,
    purpose: Purpose = "",
    officer: Officer = "",
    key: Key = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """检索决定；各条件同时成立，关于事项的条件由同一事项满足。"""
    from adapters.office.desk_model import Search

    search = Search(rule, law, article, initiator, implementer, by, list_, policy, outcome, day(since), day(until))
    with office_of(db) as office:
        principal = principal_of(office, key, None, officer, purpose=purpose)

        def page(place: str | None, most: int) -> Any:
            return office.find_decisions(principal, search, after=place, limit=most)

        rows = _decided(office.current_policy())
        if xlsx is not None:
            write_sheet(
                office, xlsx, asked_of(search), [("决定", DECIDED, [rows(i) for i in every(page)])], json_=json_
            )
            return
        found = page(after, limit)
        if json_:
            out(asdict(found))
            return
        _show_decided(found.items, rows)
        more(found.next)


SHOWN = ("案件", "名单", "发起部门", "决定之日", "状态", "事项", "现行", "决定")


def _show_decided(found: Sequence[FoundDecision], rows: Callable[[FoundDecision], tuple[str, ...]]) -> None:
    """On a screen the digest is shortened, and what a workbook has besides is left out."""
    cells = [dict(zip(DECIDED, rows(i), strict=True)) for i in found]
    shown = [tuple(c[n][:12] if n == "决定" else c[n] for n in SHOWN) for c in cells]
    show(shown, SHOWN, whole={"案件", "决定"})


DECIDED = ("案件", "名单", "发起部门", "决定之日", "作出时间", "状态", "事项", "现行", "政策", "决定")


def _decided(policy: Policy) -> Callable[[FoundDecision], tuple[str, ...]]:
    from engine.language.build_procedure import GROUNDS

    def row(found: FoundDecision) -> tuple[str, ...]:
        state = CASE_STATES[found.state] + (f"（{GROUNDS[found.ground]}）" if found.ground else "")
        return (
            found.case, found.list_title, department_of(policy, found.initiator), found.as_of.isoformat(),
            local(found.made_at), state, str(found.obligations), "是" if found.latest else "否", found.policy[:12],
            found.digest,
        )  # fmt: skip

    return row


def sample(
    seed: Annotated[str, typer.Option(help="随机种子；同一种子抽出同样的样本")],
    size: Annotated[int, typer.Option(min=1, max=10_000, help="样本数")] = 20,
    by: Annotated[str | None, typer.Option(help="分层：department 按发起部门，list 按名单")] = None,
    before: Annotated[str | None, typer.Option(help="总体截至的时刻，默认此刻；重抽时照填")] = None,
    rule: Rule = None,
    law: Law = None,
    article: Article = None,
    initiator: Initiator = None,
    implementer: Implementer = None,
    list_: List = None,
    policy: Version = None,
    since: Since = None,
    until: Until = None,
    xlsx: Xlsx = None,
    purpose: Purpose = "",
    officer: Officer = "",
    key: Key = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """抽取供复核的决定；写明种子、总体及其摘要，另一人可以抽出同样的样本。"""
    from adapters.office.desk_model import Search, Stratum

    if by not in {None, "department", "list"}:
        fail(USAGE, f"没有这种分层：{by}", "应为：department、list")
    search = Search(
        rule=rule, law=law, article=article, initiator=initiator, implementer=implementer, list=list_, policy=policy,
        since=day(since), until=day(until),
    )  # fmt: skip
    with office_of(db) as office:
        principal = principal_of(office, key, None, officer, purpose=purpose)
        found = office.sample_decisions(
            principal, search, size=size, seed=seed, by=cast("Stratum | None", by), until=before
        )
        if json_ and xlsx is None:
            out(asdict(found))
            return
        rows = [_decided(office.current_policy())(i) for i in found.items]
        how = {
            "种子": found.seed, "样本数": len(found.items), "总体": found.population, "总体截至": found.until,
            "总体摘要": found.population_digest,
            "抽法": "按 SHA-256（种子:决定摘要）由小到大；分层的按比例分配，余数大者优先",
        }  # fmt: skip
        strata = [(s.stratum, str(s.population), str(s.drawn)) for s in found.strata]
        if xlsx is not None:
            tables: list[Table] = [("样本", DECIDED, rows), ("分层", ("层", "总体", "抽取"), strata)]
            write_sheet(office, xlsx, asked_of(search) | how, tables, json_=json_)
            return
        for name, value in how.items():
            console.print(f"{name}：{value}", highlight=False, markup=False, soft_wrap=True)
        if strata:
            show(strata, ("层", "总体", "抽取"))
        _show_decided(found.items, _decided(office.current_policy()))
