"""Reading cases, queues, events and decisions. Read models go to the tables directly, past the domain."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, or_, select, true, tuple_

from adapters.ledger.database import read
from adapters.ledger.projections import to_case
from adapters.ledger.serial import facts_from_json
from adapters.ledger.store import StoredEvent, read_events
from adapters.ledger.tables import cases, edges, obligations, records
from adapters.office import looks
from adapters.office.access import (
    case_row_of,
    case_view,
    decided,
    is_auditor,
    is_initiator,
    known_form,
    require_full_view,
    require_role,
    require_some_view,
    row_view,
)
from adapters.office.clockwork import messages_of
from adapters.office.errors import FieldError, ForbiddenError, InvalidError, NotFoundError, storable
from adapters.office.model import (
    PAGE_LIMIT,
    CaseView,
    DecisionView,
    EventPage,
    EventView,
    ExplanationView,
    GraphInput,
    MessagePage,
    ObligationPage,
    ObligationQuery,
    ObligationView,
    Principal,
)
from adapters.office.ports import Context
from engine.casework.deadlines import NOTHING_NOW, RELEASE_WORK, WORK
from engine.casework.model import Edge
from engine.casework.visibility import (
    Audience,
    Explained,
    Scope,
    absent,
    auditing,
    concerning,
    implementing,
    initiating,
    traced,
    view,
)
from engine.decision.explain import explain
from engine.decision.explain import why_not as explain_absence
from engine.decision.reference import decide as decide_by_reference
from engine.language.ir import Policy

EVENT_LIMIT = 1000
"""Most events on one page."""


def get_case(context: Context, principal: Principal, case: str) -> CaseView:
    """See `Office.get_case`."""
    with read(context.engine) as conn:
        row = case_row_of(conn, case)
        require_some_view(conn, principal, row)
    looks.record(context, principal, [row.subject_id], what="case", case=row.id)
    return case_view(row)


def get_obligation(context: Context, principal: Principal, obligation: str) -> ObligationView:
    """See `Office.get_obligation`."""
    with read(context.engine) as conn:
        row = conn.execute(select(obligations).where(obligations.c.id == known_form(obligation))).one_or_none()
        if row is None:
            raise NotFoundError
        if row.department_id != principal.department or "implementer" not in principal.roles:
            require_full_view(principal, case_row_of(conn, row.case_id))
        view = row_view(conn, row, principal, context.today())
    people = [row.subject_id, row.target_id]
    looks.record(context, principal, people, what="obligation", case=row.case_id, about=row.id)
    return view


def graph(context: Context, principal: Principal, case: str) -> GraphInput:
    """See `Office.graph`."""
    with read(context.engine) as conn:
        row = case_row_of(conn, case)
        require_some_view(conn, principal, row)
        found = list(
            conn.execute(select(obligations).where(obligations.c.case_id == case).order_by(obligations.c.number))
        )
        links = [
            Edge(e.before_id, e.after_id, e.kind)
            for e in conn.execute(
                select(edges).where(edges.c.case_id == case).order_by(edges.c.before_id, edges.c.after_id)
            )
        ]
        if not (is_auditor(principal) or is_initiator(principal, row)):
            own = {o.id for o in found if o.department_id == principal.department}
            links = [e for e in links if e.before in own or e.after in own]
            shown = own | {e.before for e in links} | {e.after for e in links}
            found = [o for o in found if o.id in shown]
        policy = context.policies.get(row.policy_version, conn)
        day = dt.date.fromisoformat(row.filed_on)
        departments = {
            d: policy.departments[d].name_on(day) if d in policy.departments else d
            for d in sorted({o.department_id for o in found})
        }
        today = context.today()
        views = tuple(row_view(conn, o, principal, today) for o in found)
        case_now = to_case(row, conn)
    looks.record(context, principal, {row.subject_id, *(o.target_id for o in found)}, what="graph", case=row.id)
    return GraphInput(case_view(row), views, tuple(links), departments, case_now)


def list_obligations(context: Context, principal: Principal, query: ObligationQuery) -> ObligationPage:
    """See `Office.list_obligations`."""
    require_role(principal, "implementer", "initiator", "auditor")
    if not 1 <= query.limit <= PAGE_LIMIT:
        raise InvalidError((FieldError("limit", "range", f"应为 1 至 {PAGE_LIMIT}"),))
    for text in (query.department, query.state, query.subject, query.case):
        if text is not None and not storable(text):
            raise InvalidError((FieldError("query", "wrong-value", "筛选条件含有不允许的字符"),))
    today = context.today()
    base = _filtered(principal, query)
    before = _day_limit(query, today)
    rank, due, last = _cursor(query.after)
    o = obligations.c
    # One subject or case has few rows: adding nothing to the rank keeps SQLite, which has no statistics, from walking
    # the index of all obligations in search of them.
    queue = o.queue_rank + 0 if query.subject is not None or query.case is not None else o.queue_rank
    rows: list[Row[Any]] = []
    with read(context.engine) as conn:
        # One range per rank, so that every page is one short walk along an index however many rows there are.
        for step in range(rank, NOTHING_NOW + 1):
            if before is not None and step == NOTHING_NOW:
                break
            part = base.where(queue == step)
            if before is not None:
                part = part.where(o.due_on < before)
            if step == rank and last:
                part = part.where(tuple_(o.due_on, o.id) > tuple_(due, last))
            part = part.order_by(o.due_on, o.id).limit(query.limit + 1 - len(rows))
            rows += conn.execute(part)
            if len(rows) > query.limit:
                break
        page = rows[: query.limit]
        marked = set(
            conn.execute(
                select(cases.c.id).where(cases.c.id.in_({row.case_id for row in page}), cases.c.marked == true())
            ).scalars()
        )
        items = tuple(replace(row_view(conn, row, principal, today), marked=row.case_id in marked) for row in page)
    if page:
        people = {person for row in page for person in (row.subject_id, row.target_id)}
        looks.record(context, principal, people, what="obligations", case=query.case)
    following = _encode(rows[query.limit - 1]) if len(rows) > query.limit else None
    return ObligationPage(items, following)


def _filtered(principal: Principal, query: ObligationQuery) -> Select[Any]:
    o = obligations.c
    base = select(obligations)
    if is_auditor(principal):
        if query.department is not None:
            base = base.where(o.department_id == query.department)
    elif query.department in {None, principal.department} and query.case is None:
        base = base.where(o.department_id == principal.department)
    elif query.case is not None:
        # An initiator follows the cases it filed; everyone else stays with what is its own.
        filed = select(cases.c.id).where(cases.c.id == query.case, cases.c.initiator == principal.department)
        own = o.department_id == principal.department
        base = base.where(or_(own, o.case_id.in_(filed)) if "initiator" in principal.roles else own)
        if query.department is not None:
            base = base.where(o.department_id == query.department)
    else:
        message = "只能查看本部门的应响应事项"
        raise ForbiddenError(message, code="other-department")
    if query.case is not None:
        base = base.where(o.case_id == query.case)
    if query.state is not None:
        base = base.where(o.state == query.state)
    if query.subject is not None:
        base = base.where(o.subject_id == query.subject)
    return base


def _day_limit(query: ObligationQuery, today: dt.date) -> str | None:
    """The day before which an obligation must be due, if that is asked for."""
    days = [query.due_before] if query.due_before is not None else []
    if query.overdue:
        days.append(today)
    return min(days).isoformat() if days else None


def _encode(row: Row[Any]) -> str:
    text = json.dumps([row.queue_rank, row.due_on, row.id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _cursor(after: str | None) -> tuple[int, str, str]:
    """The place a page begins after: queue rank, due date, id."""
    if after is None:
        return RELEASE_WORK, "", ""
    try:
        rank, due, last = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except (ValueError, TypeError, binascii.Error):
        rank = due = last = None
    whole = isinstance(rank, int) and isinstance(due, str) and isinstance(last, str)
    if not whole or rank not in {RELEASE_WORK, WORK, NOTHING_NOW} or not (storable(due) and storable(last)):
        raise InvalidError((FieldError("after", "cursor", "不是本系统给出的翻页标记"),))
    return int(rank), due, last


def list_messages(context: Context, principal: Principal, after: str | None, limit: int) -> MessagePage:
    """See `Office.messages`."""
    if not 1 <= limit <= PAGE_LIMIT:
        raise InvalidError((FieldError("limit", "range", f"应为 1 至 {PAGE_LIMIT}"),))
    if after is not None and ("~" not in after or not storable(after)):
        raise InvalidError((FieldError("after", "cursor", "不是本系统给出的翻页标记"),))
    with read(context.engine) as conn:
        page = MessagePage(*messages_of(conn, principal.department, after=after, limit=limit))
        people = looks.subjects_of(conn, (m.case for m in page.items))
    if people:
        looks.record(context, principal, people, what="messages")
    return page


def events(context: Context, principal: Principal, case: str, after: int, limit: int) -> EventPage:
    """See `Office.events`."""
    if not 1 <= limit <= EVENT_LIMIT:
        raise InvalidError((FieldError("limit", "range", f"应为 1 至 {EVENT_LIMIT}"),))
    with read(context.engine) as conn:
        require_full_view(principal, case_row_of(conn, case))
        found = read_events(conn, case, after=min(max(after, 0), 2**31 - 1), limit=limit + 1)
        people = looks.people_of(conn, case)
    looks.record(context, principal, people, what="events", case=case)
    items = tuple(_event_view(e) for e in found[:limit])
    return EventPage(items, items[-1].version if len(found) > limit else None)


def _event_view(e: StoredEvent) -> EventView:
    return EventView(
        e.position, e.case, e.version, e.type, e.on, e.at, e.department, e.officer, e.key_id, e.payload, e.prev_hash,
        e.hash,
    )  # fmt: skip


def decision(context: Context, principal: Principal, case: str, why_not: str | None) -> DecisionView:
    """See `Office.decision`."""
    with read(context.engine) as conn:
        header = case_row_of(conn, case)
        require_full_view(principal, header)
        found = _decided(context, conn, header.decision, why_not)
        people = looks.people_of(conn, case)
    looks.record(context, principal, people, what="decision", case=case)
    return found


def _decided(context: Context, conn: Connection, digest: str, why_not: str | None) -> DecisionView:
    """A decision made again as well as read back: equal bytes prove that it follows from its rules and facts."""
    content = decided(conn, digest)
    document = json.loads(content.document)
    policy = context.policies.get(document["policy"], conn)
    if why_not is not None and why_not not in policy.departments:
        raise InvalidError((FieldError("why_not", "unknown-department", "没有这个部门"),))
    facts = facts_from_json(content.facts)
    again = decide_by_reference(policy, facts)
    return DecisionView(
        digest=digest,
        document=document,
        decision=again,
        reproduced=again.canonical() == content.document and hashlib.sha256(content.document).hexdigest() == digest,
        explanation=explain(policy, facts),
        why_not=explain_absence(policy, again, why_not) if why_not is not None else None,
    )


def explanation(
    context: Context, principal: Principal, case: str, as_: str | None, why_not: str | None
) -> ExplanationView:
    """See `Office.explanation`."""
    if as_ is not None:
        require_role(principal, "auditor")
    with read(context.engine) as conn:
        row = case_row_of(conn, case)
        audience = _audience(conn, principal, row, as_)
        if why_not is not None and audience not in {"auditor", "initiator"}:
            raise ForbiddenError(code="other-department")
        found = _decided(context, conn, row.decision, why_not)
        policy = context.policies.get(found.decision.policy, conn)
        scope = _scope(conn, policy, found.document, audience, row, as_ or principal.department)
    why = absent(found.why_not) if found.why_not is not None else None
    whole = Explained(found.digest, found.reproduced, found.document, tuple(map(traced, found.explanation.rules)), why)
    shown = view(whole.plain(), scope)
    people = {row.subject_id, *(p["id"] for p in shown["document"]["facts"].get("relations", ()))}
    looks.record(context, principal, people, what="decision", case=row.id, about=as_ or "")
    return ExplanationView(audience, row.id, policy.version, shown)


def _audience(conn: Connection, principal: Principal, case: Row[Any], as_: str | None) -> Audience:
    """As whom the principal sees a case; an auditor may look as the subject (`subject`) or as a department.

    Raises:
        NotFoundError: neither the principal, nor whom they look as, has anything to do with it.

    """
    if as_ == "subject":
        return "subject"
    if as_ is None:
        if is_auditor(principal):
            return "auditor"
        if is_initiator(principal, case):
            return "initiator"
        require_some_view(conn, principal, case)
        return "implementer"
    if as_ == case.initiator:
        return "initiator"
    require_some_view(conn, Principal(known_form(as_), frozenset({"implementer"}), principal.key_id), case)
    return "implementer"


def _scope(
    conn: Connection, policy: Policy, document: Mapping[str, Any], audience: Audience, case: Row[Any], department: str
) -> Scope:
    if audience == "auditor":
        return auditing()
    if audience == "initiator":
        return initiating(policy, document)
    if audience == "subject":
        return concerning(policy, document, case.subject_id)
    o = obligations.c
    owed = conn.execute(select(o.rules).where(o.case_id == case.id, o.department_id == department)).scalars()
    rules = {rule for text in owed for rule in json.loads(text)}
    named = [r["id"] for r in document["facts"]["records"]]
    rows = conn.execute(select(records.c.id, records.c.supplier).where(records.c.id.in_(named)))
    return implementing(policy, document, department, rules, {row.id: row.supplier for row in rows})
