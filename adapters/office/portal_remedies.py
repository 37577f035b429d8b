"""What a party can do about a listing: be heard, object, ask for review, and have its credit repaired."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from adapters.office.portal_material import Material
from adapters.office.portal_view import ApplicationView, Remedy, RepairView
from engine.casework.calendar import add
from engine.casework.clocks import earliest_repair
from engine.language.ir import Duration
from engine.language.raw_procedure import REQUIREMENTS

CREDIT, RECONSIDERATION = "henan-credit-regulation-2019", "reconsideration-law-2023"
"""Laws that give a remedy to whoever is listed; cited where the policy has them."""
RECONSIDER, SUE = Duration(60, "days"), Duration(6, "months")
"""From the day on which the decision is known: 行政复议法 第二十条, 行政诉讼法 第四十六条."""
APPLICATIONS = {
    "received": "已收到，等待受理",
    "accepted": "已受理",
    "refused": "不予受理或者不予修复",
    "granted": "准予修复",
}


def remedies_of(m: Material) -> Iterator[Remedy]:
    """What can be done, in the order in which it can."""
    procedure, today, party = m.policy.lists[m.case.list].procedure, m.context_today, m.party
    to = m.current.departments[m.case.initiator].name_on(today) if m.case.initiator in m.current.departments else ""
    early = m.case.state in {"filed", "noticed"}
    if party.statement_until is not None and procedure.statement is not None:
        until = party.statement_until.on
        yield Remedy(
            "陈述和申辩", f"向{to}提出，书面、口头都可以；每一点意见都会得到答复。",
            f"自收到告知书之日起 {procedure.statement.words}内", until, over=today > until or not early,
        )  # fmt: skip
    if party.hearing_until is not None and procedure.hearing_request is not None:
        until = party.hearing_until.on
        yield Remedy(
            "要求听证", f"向{to}提出。", f"自收到告知书之日起 {procedure.hearing_request.words}内", until,
            over=today > until or not early,
        )  # fmt: skip
    terms = procedure.objection
    rest = "答复以前，措施暂停实施。" if terms.suspends else "异议期间措施不停止执行。"
    yield Remedy(
        "提出异议",
        f"认为记录有误、不完整、超过期限或者不该列入的，向{to}书面提出，写明哪一点不对，附上证明材料。"
        f"收到后立即在记录上标注“有异议”。{rest}",
        f"没有截止日期；{to}自己的信息 {terms.own.words}内答复，须向其他单位核查的 {terms.verify.words}内答复"
        f"（提供信息的单位 {terms.provider.words}内核实）",
        over=m.case.state == "closed", basis=_words(m, CREDIT, "第四十一条"),
    )  # fmt: skip
    listed = m.policy.lists[m.case.list]
    if listed.kind == "incentive":
        return
    if _words(m, CREDIT, "第二十八条"):
        yield Remedy(
            "对异议的处理结果不服", "可以向省级主管部门申请复核。", "", over=m.case.state == "closed",
            basis=_words(m, CREDIT, "第二十八条"),
        )  # fmt: skip
    if m.case.decided_on is not None:
        yield from _review(m)


def _review(m: Material) -> Iterator[Remedy]:
    """Review of the decision by others than the department that made it."""
    found = m.current.departments.get(m.case.initiator)
    if found is not None and found.kind == "judicial":
        yield Remedy(
            "申请纠正和复议", f"认为不该列入的，向{found.name_on(m.context_today)}书面申请纠正；"
            "对驳回的决定不服的，可以向上一级人民法院申请复议。",
            "法院自收到申请之日起 15 日内审查；复议自决定书送达之日起 10 日内申请",
            basis="最高人民法院关于公布失信被执行人名单信息的若干规定",
        )  # fmt: skip
        return
    if found is None or found.kind != "administrative":
        return
    for title, how, words, term, basis in (
        ("申请行政复议", "向有管辖权的行政复议机关提出。", "60 日", RECONSIDER, _words(m, RECONSIDERATION, "第二十条")),
        ("提起行政诉讼", "向有管辖权的人民法院提出。", "6 个月", SUE, "《中华人民共和国行政诉讼法》第四十六条"),
    ):
        until = _known_for(m, term)
        yield Remedy(
            title, how, f"自知道决定之日起 {words}内，法律另有规定的从其规定", until,
            over=until is not None and m.context_today > until, basis=basis,
        )  # fmt: skip


def _known_for(m: Material, term: Duration) -> dt.date | None:
    """The last day of a period that began when the decision was served."""
    return add(m.party.served_on, term, m.calendars).on if m.party.served_on is not None else None


def _words(m: Material, law: str, article: str) -> str:
    found = m.policy.laws.get(law)
    return f"《{found.title}》{article}" if found is not None else ""


def repair_of(m: Material) -> RepairView:
    """Credit repair as this list knows it."""
    terms = m.policy.lists[m.case.list].procedure.repair
    mine = tuple(
        ApplicationView(
            r.received_on, APPLICATIONS[r.state], r.due.on if r.state in {"received", "accepted"} else None,
            r.answered_on,
        )
        for r in m.case.repairs.values()
        if r.party == m.party.id
    )  # fmt: skip
    if terms is None:
        return RepairView(False, None, (), "", "", mine)
    extended = f"，复杂的可以延长一次 {terms.extend.words}" if terms.extend else ""
    return RepairView(
        available=m.case.state not in {"lifting", "closed"} and m.party.removed_on is None,
        earliest=earliest_repair(m.case, m.policy.lists[m.case.list].procedure),
        requires=tuple(REQUIREMENTS.get(r, r) for r in terms.requires),
        accept=f"{terms.accept.words}内决定是否受理",
        decide=f"受理后 {terms.decide.words}内办结{extended}",
        applications=mine,
    )
