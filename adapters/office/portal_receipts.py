"""The receipts of a party: of each step of the case that concerns it, that this step is in the log and stays there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, select

from adapters.ledger.store import read_events
from adapters.ledger.tables import cases, obligations
from adapters.office.errors import NotFoundError
from adapters.office.portal_view import LoggedStep, SubjectReceipt
from adapters.office.ports import Context
from engine.casework.events import CaseClosed, CaseFiled, CaseMoved, Event, ListingEnded, ObligationMoved
from engine.language.build_procedure import GROUNDS
from engine.proof.compact import pack

STEPS: Mapping[str, str] = {
    "notify": "告知", "statement": "陈述申辩", "answer-statement": "答复陈述申辩", "request-hearing": "申请听证",
    "hold-hearing": "举行听证", "show-before": "认定前公示", "decide": "决定", "serve": "送达", "publish": "公示",
    "end-publicity": "停止公示", "object": "提出异议", "answer-objection": "答复异议", "apply-repair": "申请信用修复",
    "accept-repair": "受理信用修复", "refuse-repair": "不予信用修复", "extend-repair": "延长信用修复的办理期限",
    "grant-repair": "准予信用修复", "shield": "暂停实施", "unshield": "恢复实施", "correct": "更正",
    "remove-party": "不再涉及",
}  # fmt: skip
"""Steps of the case; what happens between departments is none of the party's."""
ACTS: Mapping[str, str] = {
    "accept": "部门接收", "confirm": "经办人确认", "arm": "开始实施", "apply": "办理事项时适用", "respond": "部门答复",
    "refer": "转由其他部门办理", "lift": "解除", "cancel": "不再实施",
}  # fmt: skip
"""What departments do about a measure."""
OF_ALL = frozenset({"decide", "correct", "shield", "unshield"})
"""Steps that name nobody and concern everyone whom the case reaches."""


def steps(conn: Connection, case: str, party: str) -> tuple[LoggedStep, ...]:
    """The steps that concern a party, in their order."""
    measures = _measures(conn, case, party)
    own = conn.execute(select(cases.c.subject_id).where(cases.c.id == case)).scalar() == party
    return tuple(
        LoggedStep(event.version, event.on, title)
        for event in read_events(conn, case)
        for title in _titles(event.event(), party, measures, own=own)
    )


def receipt(conn: Connection, context: Context, case: str, party: str, version: int, until: str) -> SubjectReceipt:
    """The receipt of one of those steps.

    Raises:
        NotFoundError: it is none of them.

    """
    step = next((s for s in steps(conn, case, party) if s.version == version), None)
    if step is None:
        raise NotFoundError
    made = context.proofs.receipt_of(conn, case, version)
    return SubjectReceipt(step, pack(made), made, until)


def _measures(conn: Connection, case: str, party: str) -> dict[str, str]:
    query = select(obligations.c.id, obligations.c.title).where(
        obligations.c.case_id == case, obligations.c.target_id == party
    )
    return {row.id: row.title for row in conn.execute(query)}


def _titles(event: Event, party: str, measures: Mapping[str, str], *, own: bool) -> Iterator[str]:
    """What an event is called to a party; nothing, if it does not concern it."""
    match event:
        case CaseFiled():
            yield "申报列入名单"
        case CaseMoved(action=action, changes=changes) if action in STEPS:
            whose = {p.id for p in (*changes.get("parties", ()), *filter(None, [changes.get("party")]))}
            whose |= {changes[name].party for name in ("objection", "repair") if name in changes}
            if party in whose or (not whose and (own or action in OF_ALL)):
                yield STEPS[action]
        case ObligationMoved(action=action, obligation=obligation) if action in ACTS and obligation in measures:
            yield f"{measures[obligation]}：{ACTS[action]}"
        case ListingEnded(ground=ground):
            yield f"名单终止：{GROUNDS[ground]}"
        case CaseClosed():
            yield "办结"
