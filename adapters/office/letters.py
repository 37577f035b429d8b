"""Letters (文书) that a step of the procedure calls for: numbered and recorded with it, rendered when first asked for.

What a letter says is kept without name and code; both come from the register of identities as it is rendered.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from sqlalchemy import Connection, Row, exists, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.ledger.database import read, write
from adapters.ledger.serial import canonical, facts_from_json
from adapters.ledger.store import read_events
from adapters.ledger.tables import api_keys, cases, contents, documents, events, numbers, obligations
from adapters.ledger.vault import ErasedSubjectError, vault_of
from adapters.office.access import (
    actor_of,
    case_row_of,
    decided,
    is_auditor,
    is_initiator,
    known_form,
    require_full_view,
    require_role,
    row_view,
)
from adapters.office.errors import ErasedError, NotFoundError
from adapters.office.model import LetterView, Principal
from adapters.office.ports import Context
from adapters.office.subjects import identity_of
from engine.casework.clocks import earliest_repair
from engine.casework.events import CaseMoved, Event, ListingEnded
from engine.casework.model import Case, Clock, Party
from engine.decision.model import Facts
from engine.language.ir import Duration, Policy
from engine.language.scalars import show_fact
from engine.proof.compact import pack
from engine.proof.receipt import make_receipt

log = structlog.get_logger()

SERIES: Mapping[str, str] = {
    "notice": "告", "decision": "列", "repair-notice": "修告", "repair-answer": "修复", "objection-answer": "异复",
    "response-slip": "回执", "delisting": "移出",
}  # fmt: skip
"""What stands in a letter's number for its kind."""
GROUNDS: Mapping[str, str] = {
    "performance": "义务履行完毕", "repair": "信用修复", "expiry": "期限届满", "withdrawal": "撤回",
    "annulment": "撤销", "correction": "更正", "deceased": "死亡", "dissolved": "注销", "not-listed": "不予列入",
}  # fmt: skip
MASKED = 4
"""Characters left readable at either end of an identity code."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    kind: str
    party: str
    extra: Mapping[str, Any]
    organ: str | None = None  # who signs, when it is not the initiator


def wanted(happened: Iterable[Event], case: Case, policy: Policy) -> Iterator[_Wanted]:
    """The letters that events call for, given the case after them."""
    for event in happened:
        match event:
            case CaseMoved(action="notify", changes=changes, detail=detail):
                yield _Wanted("notice", changes["party"].id, {"reasons": detail["reasons"]})
            case CaseMoved(action="decide", detail=detail, actor=actor) if detail.get("outcome") == "list":
                for party, heard in case.parties.items():
                    answers = [
                        {"point": point, "answer": answer}
                        for statement in heard.statements
                        for point, answer in zip(statement.points, statement.answers, strict=False)
                    ]
                    outcome = f"列入{policy.lists[case.list].title}"
                    extra = {"reasons": detail["reason"], "outcome": outcome, "answers": answers}
                    yield _Wanted("decision", party, extra, actor.department)
                    if policy.lists[case.list].procedure.repair is not None:
                        yield _Wanted("repair-notice", party, {})
            case CaseMoved(action="answer-objection", changes=changes, detail=detail):
                objection = changes["objection"]
                answers = [{"point": p, "answer": detail["reason"]} for p in objection.points]
                outcome = "异议成立" if objection.outcome == "upheld" else "异议不成立"
                yield _Wanted("objection-answer", objection.party, {"answers": answers, "outcome": outcome})
            case CaseMoved(action="grant-repair" | "refuse-repair" as action, changes=changes, detail=detail):
                outcome = "准予信用修复" if action == "grant-repair" else "不予信用修复"
                extra = {"outcome": outcome, "reasons": detail.get("reason", "")}
                yield _Wanted("repair-answer", changes["repair"].party, extra)
            case CaseMoved(action="remove-party", changes=changes, detail=detail):
                yield _Wanted("delisting", changes["party"].id, {"reasons": detail["reason"], "outcome": "不再适用"})
            case ListingEnded(ground=ground, reason=reason) if ground != "not-listed":
                yield _Wanted("delisting", case.subject, {"reasons": reason, "outcome": GROUNDS[ground]})


def issue(
    conn: Connection,
    context: Context,
    happened: Sequence[Event],
    case: Case,
    policy: Policy,
    digest: str,
    *,
    key_id: str,
    at: str,
) -> None:
    """Number and record the letters that events call for, in the transaction of the events. `digest`: the decision."""
    first = case.version - len(happened) + 1
    letters = [(first + n, letter) for n, event in enumerate(happened) for letter in wanted((event,), case, policy)]
    if not letters:
        return
    content = decided(conn, digest)
    facts, owed = facts_from_json(content.facts), json.loads(content.document)["obligations"]
    for version, letter in letters:
        number = case.number if letter.kind == "decision" else _number(conn, policy, case.initiator, letter.kind, at)
        said = _context(case, policy, facts, letter, owed, context.today()) | {"number": number, "receipt": digest}
        said["promise"] = _promised(conn, context, case.id, version)
        _record(conn, context, case.id, letter.kind, number, letter.party, said, key_id=key_id, at=at)


def _promised(conn: Connection, context: Context, case: str, version: int) -> str:
    """The promise of an event that was logged, as the short text of a QR code."""
    row = conn.execute(select(events).where(events.c.case_id == case, events.c.version == version)).one()
    return pack(make_receipt(context.proofs.promise(conn, case, version, row.hash, row.at)))


def _record(
    conn: Connection,
    context: Context,
    case: str,
    kind: str,
    number: str,
    party: str | None,
    said: Mapping[str, Any],
    *,
    key_id: str,
    at: str,
) -> str:
    body = canonical(said).encode()
    digest = _keep(conn, party or "", body)
    name = context.new_id()
    conn.execute(
        insert(documents),
        {
            "id": name, "case_id": case, "kind": kind, "number": number, "party_id": party, "context": digest,
            "at": at, "key_id": key_id,
        },
    )  # fmt: skip
    return name


def _keep(conn: Connection, party: str, body: bytes) -> str:
    """Store bytes under their SHA-256, sealed for the person whom they are about."""
    digest = hashlib.sha256(body).hexdigest()
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    sealed = vault_of(conn).seal(conn, party, body, f"letter {digest}")
    new = dialect.insert(contents).values(digest=digest, subject_id=party, content=sealed)
    conn.execute(new.on_conflict_do_nothing())
    return digest


def _kept(conn: Connection, digest: str) -> bytes:
    """The bytes with a SHA-256.

    Raises:
        ErasedError: the data of the person whom they are about were erased.

    """
    row = conn.execute(select(contents).where(contents.c.digest == digest)).one_or_none()
    try:
        if row is None:
            raise ErasedError
        return vault_of(conn).open(conn, row.subject_id, row.content, f"letter {digest}")
    except ErasedSubjectError as error:
        raise ErasedError from error


def _number(conn: Connection, policy: Policy, department: str, kind: str, at: str) -> str:
    """The next number of a department's letters of one kind in a year: 长人社告〔2026〕1号."""
    year = at[:4]
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(numbers).values(series=f"{department}/{kind}/{year}", last=1)
    last = conn.execute(
        statement.on_conflict_do_update(index_elements=["series"], set_={"last": numbers.c.last + 1}).returning(
            numbers.c.last
        )
    ).scalar_one()
    found = policy.departments.get(department)
    return f"{found.title if found else department}{SERIES[kind]}〔{year}〕{last}号"


def chinese(day: dt.date | None) -> str:
    """2026年11月24日."""
    return f"{day.year}年{day.month}月{day.day}日" if day is not None else ""


def _title(policy: Policy, department: str, day: dt.date) -> str:
    found = policy.departments.get(department)
    return found.name_on(day) if found is not None else department


def _context(
    case: Case, policy: Policy, facts: Facts, letter: _Wanted, owed: Iterable[Mapping[str, Any]], today: dt.date
) -> dict[str, Any]:
    listed = policy.lists[case.list]
    procedure, party = listed.procedure, case.parties.get(letter.party, Party(letter.party, ""))
    declared = listed.facts
    earliest = earliest_repair(case, procedure)
    return {
        "list_title": listed.title,
        "initiator_title": _title(policy, letter.organ or case.initiator, today),
        "department_title": _title(policy, case.initiator, today),
        "date": chinese(today),
        "facts": [
            {"title": declared[n].title, "value": show_fact(declared[n], v)}
            for n, v in facts.values.items()
            if n in declared
        ],
        "basis": [{"title": policy.laws[b.law].title, "article": b.article} for b in listed.basis],
        "measures": [_measure(policy, o, today) for o in owed if o["target"] == letter.party],
        "rights": list(_rights(procedure.statement, procedure.hearing_request)),
        "statement_until": chinese(party.statement_until.on) if party.statement_until else "",
        "hearing_until": chinese(party.hearing_until.on) if party.hearing_until else "",
        "periods": [
            _period(title, clock)
            for title, clock in (("公示期", case.publicity), ("列入期限", case.listing))
            if clock is not None
        ],
        "repair": {
            "earliest": chinese(earliest),
            "requires": [REQUIREMENTS.get(r, r) for r in procedure.repair.requires] if procedure.repair else [],
            "how": "向本机关提出，或者通过“信用中国”网站提出",
        },
        "objection": {"how": "向本机关书面提出", "days": procedure.objection.own.words},
        **letter.extra,
    }  # fmt: skip


def _measure(policy: Policy, owed: Mapping[str, Any], today: dt.date) -> dict[str, str]:
    measure = policy.measures[owed["measure"]]
    cited = [f"《{policy.laws[law].title}》{article}" for law, article in owed["basis"] if law in policy.laws]
    return {
        "title": measure.title, "department": _title(policy, owed["department"], today), "mode": MODES[measure.mode],
        "basis": "、".join(cited), "until": f"自生效起 {measure.term.words}" if measure.term else "随名单终止",
    }  # fmt: skip


MODES = {"standing": "常态实施，逢办必查", "one-shot": "一次性"}
REQUIREMENTS: Mapping[str, str] = {
    "performed": "已履行法定义务", "corrected": "已纠正失信行为", "commitment": "已公开作出信用承诺",
    "harm-removed": "已消除不良影响", "no-recurrence": "期间未再发生同类失信行为",
    "publicity-duty-performed": "已履行公示义务",
}  # fmt: skip


def _rights(statement: Duration | None, hearing: Duration | None) -> Iterator[str]:
    if statement is not None:
        yield f"自收到告知书之日起 {statement.words}内，有权进行陈述和申辩"
    if hearing is not None:
        yield f"自收到告知书之日起 {hearing.words}内，有权要求听证"
    yield "对本名单的信息有异议的，有权提出异议"
    yield "不服决定的，可以依法申请行政复议或者提起行政诉讼"


def _period(title: str, clock: Clock) -> dict[str, str]:
    return {
        "title": title, "start": chinese(clock.start), "minimum": chinese(clock.minimum),
        "maximum": chinese(clock.maximum) or "至终止事由出现",
    }  # fmt: skip


# --- reading and rendering ---------------------------------------------------------------------------------------


def response_slip(context: Context, principal: Principal, obligation: str) -> LetterView:
    """See `Office.response_slip`."""
    require_role(principal, "implementer")
    actor_of(principal)
    with write(context.engine) as conn:
        row = conn.execute(select(obligations).where(obligations.c.id == known_form(obligation))).one_or_none()
        if row is None or row.department_id != principal.department:
            raise NotFoundError
        view = row_view(conn, row, principal, context.today())
        case = conn.execute(select(cases).where(cases.c.id == row.case_id)).one()
        policy = context.policies.get(case.policy_version, conn)
        at, today = context.now(), context.today()
        number = _number(conn, policy, principal.department, "response-slip", at)
        said = {
            "number": number, "list_title": case.list_title, "date": chinese(today), "officer": principal.officer,
            "initiator_title": _title(policy, case.initiator, today),
            "department_title": _title(policy, row.department_id, today),
            "obligation": {
                "measure": view.title, "outcome": OUTCOMES.get(row.outcome or row.state, row.state),
                "reason": view.obligation.reason or "", "evidence": _evidence(conn, row.case_id, obligation),
            },
            "receipt": case.head_hash, "promise": _promised(conn, context, row.case_id, case.version),
        }  # fmt: skip
        name = _record(
            conn, context, row.case_id, "response-slip", number, row.target_id, said, key_id=principal.key_id, at=at
        )
        return _letter(conn.execute(select(documents).where(documents.c.id == name)).one())


def _evidence(conn: Connection, case: str, obligation: str) -> list[dict[str, str]]:
    """What the department last attached to an answer about an obligation."""
    for event in reversed(read_events(conn, case)):
        if event.payload.get("obligation") == obligation and (found := event.payload["detail"].get("evidence")):
            return list(found)
    return []


OUTCOMES: Mapping[str, str] = {
    "implemented": "已实施", "not-applicable": "不适用", "referred": "已转办", "no-occasion": "暂无适用情形",
    "never-effective": "未生效即终止", "corrected": "已随更正解除", "expired": "已期满解除",
    "removed": "不再适用于此人", "in-force": "实施中", "open": "待接收", "accepted": "已接收",
    "waiting": "等待前置", "lifting": "待解除", "closed": "已办结", "done": "已完成",
}  # fmt: skip


def of_case(context: Context, principal: Principal, case: str) -> tuple[LetterView, ...]:
    """See `Office.letters`."""
    with read(context.engine) as conn:
        row = case_row_of(conn, case)
        query = select(documents).where(documents.c.case_id == case).order_by(documents.c.at, documents.c.number)
        if not (is_auditor(principal) or is_initiator(principal, row) or _decides(conn, context, principal, row)):
            slips = conn.execute(query.where(documents.c.kind == "response-slip", _of_department(principal))).all()
            if not slips:
                raise NotFoundError
            return tuple(map(_letter, slips))
        return tuple(map(_letter, conn.execute(query)))


def _decides(conn: Connection, context: Context, principal: Principal, case: Row[Any]) -> bool:
    """Whether the principal's department decides on listings of the case's list."""
    listed = context.policies.get(case.policy_version, conn).lists.get(case.list_id)
    return "initiator" in principal.roles and listed is not None and principal.department in listed.procedure.decided_by


def _of_department(principal: Principal) -> Any:
    """Letters that the principal's department issued, with whichever of its keys."""
    keys = select(api_keys.c.id).where(api_keys.c.department == principal.department)
    return or_(documents.c.key_id == principal.key_id, documents.c.key_id.in_(keys))


def content(
    context: Context, principal: Principal, letter: str, form: Literal["docx", "pdf"]
) -> tuple[LetterView, bytes]:
    """See `Office.letter`."""
    with read(context.engine) as conn:
        row = conn.execute(select(documents).where(documents.c.id == known_form(letter))).one_or_none()
        if row is None:
            raise NotFoundError
        own = select(exists().where(documents.c.id == row.id, _of_department(principal)))
        if row.kind != "response-slip" or not conn.execute(own).scalar():
            case = case_row_of(conn, row.case_id)
            if not _decides(conn, context, principal, case):
                require_full_view(principal, case)
    if row.docx is None:
        row = _rendered(context, row)
    with read(context.engine) as conn:
        body = _kept(conn, getattr(row, form))
    return _letter(row), body


def render_waiting(context: Context, limit: int = 20) -> int:
    """Render letters that nobody has asked for yet; how many were. One that cannot be rendered keeps none back."""
    with read(context.engine) as conn:
        kept = exists().where(contents.c.digest == documents.c.context)  # what it says is not erased
        rows = conn.execute(select(documents).where(documents.c.docx.is_(None), kept).order_by(documents.c.id)).all()
    done = 0
    for row in rows:
        if done == limit:
            break
        try:
            _rendered(context, row)
        except Exception as error:  # noqa: BLE001 - a template edited wrongly is its editors' to mend, not the worker's end
            log.error("letter_not_rendered", letter=row.id, kind=row.kind, error=type(error).__name__)  # noqa: TRY400
        else:
            done += 1
    return done


def _rendered(context: Context, row: Row[Any]) -> Row[Any]:
    from adapters.documents import render  # noqa: PLC0415 - fonts and layout are loaded by those who print

    with read(context.engine) as conn:
        said = json.loads(_kept(conn, row.context))
        who = identity_of(conn, row.party_id)
    said |= {"subject_name": who.name if who else "", "subject_code_masked": masked(who.code) if who else ""}
    made = render(row.kind, said)
    with write(context.engine) as conn:
        conn.execute(
            update(documents)
            .where(documents.c.id == row.id, documents.c.docx.is_(None))
            .values(
                template=made.template,
                docx=_keep(conn, row.party_id, made.docx),
                pdf=_keep(conn, row.party_id, made.pdf),
            )
        )
        return conn.execute(select(documents).where(documents.c.id == row.id)).one()


def masked(code: str) -> str:
    """An identity code with its middle hidden."""
    return code[:MASKED] + "*" * max(len(code) - 2 * MASKED, 0) + code[-MASKED:]


def _letter(row: Row[Any]) -> LetterView:
    return LetterView(row.id, row.case_id, row.kind, row.number, row.party_id, row.at, row.docx, row.pdf)
