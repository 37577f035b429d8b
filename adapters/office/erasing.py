"""Erasure: a subject's key is destroyed on a lawful ground, and with it all that it sealed. Every proof still holds.

What stays: that there was a subject, its lists and measures, when and by whom they came about, and that it was erased.
What goes: who it was, facts, records and words behind it, letters, suggested limits, answers to repeated requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, bindparam, delete, func, or_, select, update

from adapters.ledger.database import read, write
from adapters.ledger.key_tables import subject_keys
from adapters.ledger.private import without
from adapters.ledger.projections import case_row, changing_columns, load_header
from adapters.ledger.store import append_note, read_events, stored
from adapters.ledger.tables import (
    cases,
    contents,
    decisions,
    events,
    idempotency,
    identities,
    limits,
    obligations,
    records,
    relations,
    subjects,
)
from adapters.ledger.vault import vault_of
from adapters.office import looks
from adapters.office.access import actor_of, known_form, require_role
from adapters.office.errors import ConflictError, FieldError, InvalidError, NotFoundError, storable
from adapters.office.looks import masked_codes
from adapters.office.model import Principal
from adapters.office.ports import Context
from adapters.worker.faults import reach
from engine.casework import fold
from engine.casework.model import SYSTEM, Actor
from engine.proof.signed import Signed

Ground = Literal[
    "purpose-served", "retention-expired", "consent-withdrawn", "unlawful-processing", "other-law", "reapplied"
]
"""个人信息保护法第四十七条第一款（一）至（五）项; `reapplied`: erased before, and come back with a restored backup."""
GROUNDS: dict[str, tuple[str, str]] = {
    "purpose-served": ("处理目的已实现、无法实现或者不再必要", "第四十七条第一款（一）"),
    "retention-expired": ("保存期限已届满", "第四十七条第一款（二）"),
    "consent-withdrawn": ("个人撤回同意", "第四十七条第一款（三）"),
    "unlawful-processing": ("违反法律、行政法规或者约定处理", "第四十七条第一款（四）"),
    "other-law": ("法律、行政法规规定的其他情形", "第四十七条第一款（五）"),
    "reapplied": ("先前已删除，随备份恢复而再次删除", "第四十七条"),
}
"""Each ground in words, and where the law has it."""
LAW = "personal-information-law-2021"
ERASED = "personal-data-erased"
"""The type of the event that says so, in the stream `subject:<id>`."""
NOBODY = "erased:"
"""What stands, with something unique after it, where a digest was that nobody may recognise any more."""
MAX_REFERENCE = 200


@dataclass(frozen=True, slots=True)
class Erasure:
    """That a subject's data were erased: when, by whom, on which ground. `cases`: in how many cases it stood."""

    subject: str
    at: str
    by: str
    ground: str
    article: str
    reference: str
    cases: int
    decisions: int
    promise: Signed | None = None


def erase(
    context: Context, principal: Principal, subject: str, ground: str, reference: str, *, rule: str | None = None
) -> Erasure:
    """See `Office.erase`."""
    require_role(principal, "custodian")
    actor = actor_of(principal)
    errors = []
    if ground not in get_args(Ground) or ground == "reapplied":
        known = "、".join(g for g in GROUNDS if g != "reapplied")
        errors.append(FieldError("ground", "wrong-value", f"应为：{known}"))
    if not 0 < len(reference.strip()) <= MAX_REFERENCE or not storable(reference):
        errors.append(FieldError("reference", "required", f"须写明申请或者批准的文号、事由，最长 {MAX_REFERENCE} 字"))
    if errors:
        raise InvalidError(tuple(errors))
    return _erase(context, actor, principal.key_id, known_form(subject), ground, reference.strip(), rule)


def erase_by_rule(context: Context, subject: str, rule: str) -> Erasure:
    """Erase a subject whose retention period is over, in the name of the rule that says so."""
    return _erase(context, Actor(SYSTEM, ""), SYSTEM, subject, "retention-expired", f"保存期限规则 {rule}", rule)


def reapply(context: Context, *, limit: int = 1000) -> int:
    """Erase again those whom a restored backup brought back; how many were.

    The master keys know whom they forgot, so that nothing could be opened in between.
    """
    with read(context.engine) as conn:
        forgotten = vault_of(conn).masters.forgotten()
        query = select(subject_keys.c.subject_id).where(subject_keys.c.master.is_not(None))
        back = sorted(s for s in conn.execute(query).scalars() if s in forgotten) if forgotten else []
    for subject in back[:limit]:
        _erase(context, Actor(SYSTEM, ""), SYSTEM, subject, "reapplied", "备份恢复", None, live=True)
    return min(len(back), limit)


def erasures(context: Context, principal: Principal, *, limit: int = 1000) -> tuple[Erasure, ...]:
    """See `Office.erasures`."""
    require_role(principal, "custodian", "auditor")
    query = select(events).where(events.c.type == ERASED).order_by(events.c.position.desc()).limit(limit)
    with read(context.engine) as conn:
        found = [stored(row) for row in conn.execute(query)]
    return tuple(
        Erasure(
            e.payload["subject"], e.at, f"{e.department}/{e.officer}", e.payload["ground"], e.payload["basis"][1],
            e.payload["reference"], e.payload["cases"], len(e.payload["decisions"]),
        )
        for e in found
    )  # fmt: skip


def _erase(
    context: Context,
    actor: Actor,
    key_id: str,
    subject: str,
    ground: str,
    reference: str,
    rule: str | None,
    *,
    live: bool = False,
) -> Erasure:
    """Erase in one transaction. `live`: even if a case about the subject is still open."""
    at, today = context.now(), context.today()
    with write(context.engine) as conn:
        vault = vault_of(conn)
        if conn.dialect.name == "sqlite":  # what is deleted is overwritten, in the file as well as in the table
            conn.exec_driver_sql("PRAGMA secure_delete = ON")
        if conn.execute(select(subjects.c.id).where(subjects.c.id == subject)).scalar() is None:
            raise NotFoundError
        touched = _cases_of(conn, subject)
        rows = conn.execute(select(cases.c.id, cases.c.state).where(cases.c.id.in_(touched)))
        states: dict[str, str] = {row.id: row.state for row in rows}
        still = sorted(case for case in touched if states[case] != "closed")
        if still and not live:
            message = f"尚有未办结的案件：{'、'.join(still[:5])}；办结以后才能删除"
            raise ConflictError(message, code="case-open", title="案件未办结，不能删除")
        if not vault.destroy(conn, subject, at):
            raise ConflictError("该主体的个人信息此前已经删除", code="already-erased", title="已经删除")
        own = decisions.c.subject_id == subject
        gone = tuple(conn.execute(select(decisions.c.digest).where(own).order_by(decisions.c.digest)).scalars())
        conn.execute(update(decisions).where(own).values(content=None, listing_key=NOBODY + decisions.c.case_id))
        commitments = _strip(conn, subject, touched)
        _forget_rows(conn, subject)
        looks.forget(conn, subject)
        for case in touched:
            _again(conn, case)
        article = GROUNDS[ground][1]
        payload = {
            "subject": subject, "ground": ground, "basis": [LAW, article], "reference": masked_codes(reference),
            "rule": rule, "cases": len(touched), "decisions": list(gone), "commitments": list(commitments),
        }  # fmt: skip
        stream = f"subject:{subject}"
        event = append_note(conn, stream, ERASED, payload, on=today, actor=actor, key_id=key_id, at=at)
        version = conn.execute(select(func.max(events.c.version)).where(events.c.case_id == stream)).scalar_one()
        promise = context.proofs.promise(conn, stream, version, event, at)
        reach("before-erase")
    reach("after-erase")
    _overwrite(context)
    # After the commit: noted before it, a transaction that failed would leave someone unreadable and not erased. If
    # this process dies in between, `note_all` makes up for it.
    vault.masters.forget((subject,))
    by = f"{actor.department}/{actor.officer}"
    return Erasure(subject, at, by, ground, article, reference, len(touched), len(gone), promise)


def note_all(context: Context) -> None:
    """Let the master keys know of every subject that the database has as erased."""
    with read(context.engine) as conn:
        vault = vault_of(conn)
        query = select(subject_keys.c.subject_id).where(subject_keys.c.destroyed_at.is_not(None))
        missed = set(conn.execute(query).scalars()) - vault.masters.forgotten()
    if missed:
        _overwrite(context)
        vault.masters.forget(missed)


def _overwrite(context: Context) -> None:
    """On SQLite, bring what was deleted into the file, where it overwrites what was there, and empty the log of it."""
    if context.engine.dialect.name == "sqlite":
        with context.engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _cases_of(conn: Connection, subject: str) -> tuple[str, ...]:
    """Every case in which something is said of a subject: its own, and those whose subject it is related to."""
    related = select(relations.c.subject_id).where(relations.c.related_id == subject)
    targeted = select(obligations.c.case_id).where(obligations.c.target_id == subject)
    query = select(cases.c.id).where(
        or_(cases.c.subject_id == subject, cases.c.subject_id.in_(related), cases.c.id.in_(targeted))
    )
    return tuple(conn.execute(query.order_by(cases.c.id)).scalars())


def _strip(conn: Connection, subject: str, touched: Sequence[str]) -> tuple[str, ...]:
    """Take what is sealed for a subject out of the events of cases; the commitments to it."""
    found: list[str] = []
    for case in touched:
        query = select(events.c.position, events.c.words).where(
            events.c.case_id == case, events.c.words.like(f'%"{subject}"%')
        )
        for row in conn.execute(query).all():
            words, gone = without(row.words, subject)
            conn.execute(update(events).where(events.c.position == row.position).values(words=words))
            found += gone
    return tuple(sorted(found))


def _forget_rows(conn: Connection, subject: str) -> None:
    """Everything about a subject in tables that nobody has to prove."""
    conn.execute(delete(identities).where(identities.c.subject_id == subject))
    conn.execute(delete(records).where(records.c.subject_id == subject))
    conn.execute(delete(contents).where(contents.c.subject_id == subject))
    conn.execute(delete(limits).where(limits.c.subject_id == subject))
    conn.execute(delete(idempotency).where(idempotency.c.subject_id == subject))
    # its own relations stay: by them a related person who is erased later is found in its cases
    conn.execute(delete(relations).where(relations.c.related_id == subject))
    conn.execute(update(cases).where(cases.c.subject_id == subject).values(listing_key=NOBODY + cases.c.id))
    # the same person, should they ever come again, is a new subject
    conn.execute(update(subjects).where(subjects.c.id == subject).values(code_digest=NOBODY + subjects.c.id))


_REASON = (
    update(obligations).where(obligations.c.id == bindparam("obligation")).values({"reason": bindparam("new_reason")})
)


def _again(conn: Connection, case_id: str) -> None:
    """Make the rows of a case again from its events, as far as words of people are concerned."""
    _, header = load_header(conn, case_id)
    case = fold([event.event() for event in read_events(conn, case_id)])
    row = case_row(conn, case, header)
    conn.execute(update(cases).where(cases.c.id == case_id).values(process=row["process"], words=row["words"]))
    reasons = [
        {"obligation": o.id, "new_reason": changing_columns(conn, o)["reason"]}
        for o in case.obligations.values()
        if o.reason is not None
    ]
    if reasons:
        conn.execute(_REASON, reasons)


def rewrap(context: Context, *, batch: int = 500) -> Iterable[int]:
    """Wrap every subject's key with the current master key, in batches, each in a transaction; yields their sizes."""
    while True:
        with write(context.engine) as conn:
            done = vault_of(conn).rewrap(conn, batch)
        if not done:
            return
        yield done


def wrapped_with(context: Context) -> dict[str, int]:
    """How many subjects' keys each master key wraps."""
    query = select(subject_keys.c.master, func.count()).where(subject_keys.c.master.is_not(None))
    with read(context.engine) as conn:
        return {row[0]: row[1] for row in conn.execute(query.group_by(subject_keys.c.master))}
