"""The auditor's desk over HTTP: who looked, decisions, samples, duties not done, listings reversed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from pydantic import Field

from adapters.office.desk_duties import MAX_WINDOW, WINDOW, DutySearch
from adapters.office.desk_model import Search
from adapters.office.model import PAGE_LIMIT
from api.http.calls import LINK, LookNow
from api.http.responses import Out

router = APIRouter(prefix="/v1/audit", tags=["audit"])
Text = Annotated[str | None, Query(max_length=500)]
Day = Annotated[dt.date | None, Query()]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]
After = Annotated[str | None, Query(max_length=500, description="上一页给出的游标")]
PAGED: dict[int | str, dict[str, Any]] = {200: {"headers": LINK, "description": "一页"}}
MAX_SAMPLE = 1_000
"""Decisions of a sample in one answer; the command line draws more."""


class LookOut(Out):
    """One look at one subject."""

    id: str
    at: str
    department: str = Field(description="空：在本机查看；@subject：当事人本人")
    officer: str
    key_id: str
    subject: str = Field(description="主体的不透明标识；空：所示内容不涉及任何人")
    what: str = Field(description="看了什么")
    case: str
    about: str = Field(description="具体是哪一份，或者查的是什么")
    matter: str
    purpose: str
    stated: bool = Field(description="用途由查看人写明；否则是该环节的工作，或者未说明")


class LooksOut(Out):
    """A page of looks, the latest first."""

    items: list[LookOut]
    next: str | None


class FoundOut(Out):
    """A decision."""

    digest: str
    case: str
    subject: str
    list: str
    list_title: str
    initiator: str
    policy: str
    as_of: dt.date
    made_at: str
    state: str
    ground: str | None
    obligations: int
    latest: bool = Field(description="案件现在依据它")


class FoundPageOut(Out):
    """A page of decisions."""

    items: list[FoundOut]
    next: str | None


class StratumOut(Out):
    """A stratum of a population."""

    stratum: str
    population: int
    drawn: int


class SampleOut(Out):
    """A sample, with what another auditor needs to draw the same."""

    seed: str
    size: int
    by: str | None
    until: str = Field(description="总体截至的时刻；重抽时照填")
    population: int
    population_digest: str = Field(description="总体各决定摘要排序后逐行连接的 SHA-256")
    strata: list[StratumOut]
    items: list[FoundOut]


class EventProofOut(Out):
    """An event that a finding rests on."""

    version: int
    action: str
    on: dt.date
    at: str
    department: str
    officer: str
    hash: str


class ToldOut(Out):
    """Who was told."""

    department: str
    audience: str
    title: str
    at: str
    delivered_at: str | None


class DutyOut(Out):
    """Something that a department did not do, as far as the ledger shows it."""

    duty: str = Field(description="query 未查询 | carry-out 未落实")
    kind: str
    known: bool = Field(description="false：账上看不出是否有应办之事，见 remark")
    department: str
    officer: str
    case: str
    obligation: str
    person: str = Field(description="措施所针对的人的不透明标识")
    measure: str
    title: str
    matter: str | None
    due_on: dt.date | None
    on: dt.date | None
    days: int | None
    basis: list[tuple[str, str]] = Field(description="措施的依据：[文件, 条]")
    events: list[EventProofOut]
    told: list[ToldOut]
    remark: str


class DutiesOut(Out):
    """A page of findings."""

    items: list[DutyOut]
    walked: int = Field(description="本页看过的事项数")
    next: str | None


class ReversalCountOut(Out):
    """Reversals of one department's listings on one list."""

    initiator: str
    list: str
    list_title: str
    filed: int
    upheld: int
    corrected: int
    annulled: int
    withdrawn: int
    not_listed: int
    reversed: int
    rate: int = Field(description="万分之几")
    median: int | None = Field(description="自列入至推翻的日数的中位数")


class ReversalOut(Out):
    """A listing that was reversed."""

    case: str
    subject: str
    initiator: str
    list: str
    list_title: str
    kind: str = Field(description="upheld | corrected | annulled | withdrawn | not-listed")
    on: dt.date
    days: int


class ReversalsOut(Out):
    """Reversals of the cases filed between two days."""

    since: dt.date | None
    until: dt.date | None
    today: dt.date
    counts: list[ReversalCountOut]
    cases: list[ReversalOut]


@router.get("/looks", summary="谁查询过", response_model=LooksOut, responses=PAGED)
def looks(
    call: LookNow,
    response: Response,
    subject: Text = None,
    department: Text = None,
    case: Text = None,
    since: Day = None,
    until: Day = None,
    limit: Limit = 50,
    after: After = None,
) -> LooksOut:
    """按主体、部门、案件、日期；含逢办必查和本人查询，最近的在前。"""
    page = call.office.audit_looks(
        call.principal(), subject=subject, department=department, case=case, since=since, until=until, after=after,
        limit=limit,
    )  # fmt: skip
    asked = {"subject": subject, "department": department, "case": case, "since": since, "until": until}
    _link(response, "looks", asked, limit, page.next)
    return LooksOut.model_validate(page)


@router.get("/decisions", summary="检索决定", response_model=FoundPageOut, responses=PAGED)
def decisions(
    call: LookNow,
    response: Response,
    rule: Annotated[str | None, Query(max_length=500, description="备忘录/条款")] = None,
    law: Text = None,
    article: Text = None,
    initiator: Text = None,
    implementer: Text = None,
    officer: Text = None,
    list_: Annotated[str | None, Query(alias="list", max_length=500)] = None,
    policy: Text = None,
    outcome: Annotated[str | None, Query(max_length=500, description="案件状态、终止事由，或者事项的反馈结果")] = None,
    since: Day = None,
    until: Day = None,
    limit: Limit = 50,
    after: After = None,
) -> FoundPageOut:
    """各条件同时成立；关于事项的条件须由同一事项满足。"""
    search = Search(rule, law, article, initiator, implementer, officer, list_, policy, outcome, since, until)
    page = call.office.find_decisions(call.principal(), search, after=after, limit=limit)
    asked = {
        "rule": rule, "law": law, "article": article, "initiator": initiator, "implementer": implementer,
        "officer": officer, "list": list_, "policy": policy, "outcome": outcome, "since": since, "until": until,
    }  # fmt: skip
    _link(response, "decisions", asked, limit, page.next)
    return FoundPageOut.model_validate(page)


@router.get("/sample", summary="抽样", response_model=SampleOut)
def sample(
    call: LookNow,
    seed: Annotated[str, Query(max_length=500, description="随机种子，必填；同一种子抽出同样的样本")] = "",
    size: Annotated[int, Query(ge=1, le=MAX_SAMPLE)] = 20,
    by: Annotated[Literal["department", "list"] | None, Query(description="分层")] = None,
    initiator: Text = None,
    list_: Annotated[str | None, Query(alias="list", max_length=500)] = None,
    since: Day = None,
    before: Annotated[str | None, Query(max_length=40, description="总体截至的时刻，默认此刻")] = None,
) -> SampleOut:
    """凭种子可以重抽的样本；写明总体及其摘要。"""
    search = Search(initiator=initiator, list=list_, since=since)
    return SampleOut.model_validate(
        call.office.sample_decisions(call.principal(), search, size=size, seed=seed, by=by, until=before)
    )


@router.get("/duties", summary="责任", response_model=DutiesOut, responses=PAGED)
def duties(
    call: LookNow,
    response: Response,
    department: Text = None,
    duty: Annotated[Literal["query", "carry-out"] | None, Query(description="未查询 | 未落实")] = None,
    subject: Text = None,
    since: Day = None,
    until: Day = None,
    window: Annotated[int, Query(ge=1, le=MAX_WINDOW, description="情形之前多少日内须有查询")] = WINDOW,
    limit: Limit = 50,
    after: After = None,
) -> DutiesOut:
    """逐项给出事件、日期、经办人、依据和告知过谁；账上看不出的，写明不掌握。"""
    search = DutySearch(department, duty, subject, since, until, window)
    page = call.office.audit_duties(call.principal(), search, after=after, limit=limit)
    asked = {
        "department": department, "duty": duty, "subject": subject, "since": since, "until": until, "window": window,
    }  # fmt: skip
    _link(response, "duties", asked, limit, page.next)
    return DutiesOut.model_validate(page)


@router.get("/reversals", summary="更正与撤销", response_model=ReversalsOut)
def reversals(
    call: LookNow,
    department: Text = None,
    list_: Annotated[str | None, Query(alias="list", max_length=500)] = None,
    since: Day = None,
    until: Day = None,
) -> ReversalsOut:
    """某段时间列入的案件，至今有多少被推翻：异议成立、更正、撤销、撤回、不予列入。"""
    found = call.office.audit_reversals(call.principal(), department=department, list_=list_, since=since, until=until)
    return ReversalsOut.model_validate(found)


def _link(response: Response, name: str, asked: Mapping[str, object], limit: int, following: str | None) -> None:
    if following is not None:
        given = {k: v for k, v in ({**asked, "limit": limit, "after": following}).items() if v is not None}
        response.headers["Link"] = f'</v1/audit/{name}?{urlencode(given)}>; rel="next"'
