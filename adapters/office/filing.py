"""Filing: from what a department hands in to a logged decision and the obligations that follow from it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection, insert, select

from adapters.ledger.database import VersionConflictError, read, retrying, write
from adapters.ledger.policies import UnknownPolicyError
from adapters.ledger.rebuild import header_for
from adapters.ledger.serial import canonical
from adapters.ledger.store import append, put_decision, put_limits
from adapters.ledger.tables import cases, records, relations, subjects
from adapters.ledger.vault import vault_of
from adapters.office.access import actor_of, case_view_of, obligation_view, require_role
from adapters.office.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    OfficeError,
    RefusedError,
    UndecidedError,
)
from adapters.office.facts import parse_facts
from adapters.office.model import Filed, Filing, FilingResult, Idempotency, Principal
from adapters.office.ports import Context, day_of
from adapters.office.repeating import claim, keep, replay
from adapters.office.subjects import Resolved, resolve, store
from adapters.pool import DisagreementError, EngineUnavailableError
from engine.casework import decide, fold
from engine.casework.commands import FileCase
from engine.casework.events import CaseFiled
from engine.casework.model import Refusal
from engine.decision.model import LISTING_RECORD, Decision, Facts, Record, RelatedPerson, plain
from engine.decision.rete import BudgetError
from engine.language.ir import ROLES, ListDef, Policy, Value

log = structlog.get_logger()

RECORD = "record"
"""The label under which the fields of records are sealed."""
MAX_RELATED = 200
"""Related persons in one filing; the boards of the largest listed companies are a tenth of it."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Everything a filing needs from the database, read at one moment."""

    policy: Policy
    facts: Facts
    parties: dict[str, Resolved]
    listing_key: str


def file_case(context: Context, principal: Principal, filing: Filing, idem: Idempotency | None) -> Filed:
    """See `Office.file_case`."""
    require_role(principal, "initiator")
    actor_of(principal)
    try:
        return retrying(lambda: _file(context, principal, filing, idem))
    except VersionConflictError as error:
        raise ConflictError from error


def file_cases(context: Context, principal: Principal, filings: Iterable[Filing]) -> Iterator[FilingResult]:
    """See `Office.file_cases`."""
    for line, filing in enumerate(filings, start=1):
        try:
            yield FilingResult(line, file_case(context, principal, filing, None))
        except OfficeError as error:
            errors = error.errors if isinstance(error, InvalidError) else ()
            yield FilingResult(line, None, error.code, error.title, errors)


def _file(context: Context, principal: Principal, filing: Filing, idem: Idempotency | None) -> Filed:
    with read(context.engine) as conn:
        before = replay(conn, principal, idem, Filed)
        if before is not None:
            return replace(before, replayed=True)
        prepared = _prepare(conn, context, principal, filing)
    policy = prepared.policy
    decision = evaluate(context, policy, prepared.facts)
    document = decision.canonical()
    digest = hashlib.sha256(document).hexdigest()
    command = FileCase(
        actor_of(principal), day_of(prepared.facts.known_at), context.new_id(), decision,
        served_upstream(filing, prepared.parties),
    )  # fmt: skip
    try:
        happened = tuple(decide(None, command, policy, policy.calendars))
    except Refusal as refusal:
        raise RefusedError(refusal) from refusal
    filed = next(e for e in happened if isinstance(e, CaseFiled))
    case = fold(happened)
    at = context.now()
    with write(context.engine) as conn:
        if not claim(conn, principal, idem, at):
            raise VersionConflictError(command.case)
        store(conn, prepared.parties.values(), at)
        _keep_relations(conn, context, principal, filing, prepared, command.case, at)
        put_decision(conn, decision, document, digest, case=case.id, listing_key=prepared.listing_key, at=at)
        header = header_for(policy, filed, prepared.listing_key, decision.facts.as_of.isoformat())
        header = append(
            conn, before=None, after=case, header=header, happened=happened, policy=policy, key_id=principal.key_id,
            at=at,
        )  # fmt: skip
        if decision.limits and case.state == "in-force":
            put_limits(conn, decision, case)
        result = Filed(
            case=case_view_of(case, header),
            obligations=tuple(
                obligation_view(
                    o, subject=case.subject, title=policy.measures[o.measure].title, principal=principal,
                    today=command.today,
                )
                for o in case.obligations.values()
            ),
            advice=len(decision.advice),
            limits=decision.limits,
            unknown=decision.unknown,
            promise=context.proofs.promise(conn, case.id, case.version, header.head_hash, at),
        )  # fmt: skip
        keep(conn, principal, idem, result, about=case.subject)
    return result


def served_upstream(filing: Filing, parties: Mapping[str, Resolved]) -> tuple[tuple[str, dt.date], ...]:
    """Related persons on whom the decision was served before filing, with the day."""
    served = {parties[f"related.{i}"].id: r.served_on for i, r in enumerate(filing.related) if r.served_on is not None}
    return tuple(sorted(served.items()))


def _keep_relations(
    conn: Connection, context: Context, principal: Principal, filing: Filing, prepared: _Prepared, case: str, at: str
) -> None:
    """Persons named in a filing stay related to the subject for later decisions."""
    rows = [
        {
            "id": context.new_id(), "subject_id": prepared.facts.subject,
            "related_id": prepared.parties[f"related.{i}"].id, "role": related.role, "supplier": principal.department,
            "external_id": f"{case}/{i}", "received_at": at, "key_id": principal.key_id,
        }
        for i, related in enumerate(filing.related)
    ]  # fmt: skip
    if rows:
        conn.execute(insert(relations), rows)


def evaluate(context: Context, policy: Policy, facts: Facts) -> Decision:
    """The decision on which both engines agree.

    Raises:
        UndecidedError: there is none.

    """
    try:
        return context.evaluator.decide(policy, facts)
    except DisagreementError as error:
        differing = [
            (ours.memorandum, sorted(ours.fired ^ theirs.fired), sorted(ours.unknown ^ theirs.unknown))
            for ours, theirs in zip(error.reference, error.durable, strict=True)
            if ours != theirs
        ]
        log.error("engines_disagree", policy=policy.version, list=facts.list, differing=differing)  # noqa: TRY400 - a trace would hold a subject's facts
        raise UndecidedError(type(error).__name__) from error
    except (BudgetError, EngineUnavailableError) as error:
        log.error("engine_unavailable", policy=policy.version, list=facts.list, reason=str(error))  # noqa: TRY400 - as above
        raise UndecidedError(type(error).__name__) from error


def _prepare(conn: Connection, context: Context, principal: Principal, filing: Filing) -> _Prepared:
    now = context.now()  # one moment for policy and day: a filing at midnight is of the one day or of the other
    try:
        policy = context.policies.current(conn, now)
    except UnknownPolicyError as error:
        message = "尚无生效的政策"
        raise NotFoundError(message, code="no-policy") from error
    today = day_of(now)
    as_of = filing.as_of or today
    listing = _listing(policy, filing.list, as_of, principal)
    errors: list[FieldError] = []
    if as_of > today:
        errors.append(FieldError("as_of", "future", "决定日期不能晚于今天"))
    if filing.subject.kind not in listing.subjects:
        wanted = "、".join(listing.subjects)
        errors.append(FieldError("subject.kind", "wrong-kind", f"该名单只适用于：{wanted}"))
    values, wrong = parse_facts(listing.facts, filing.facts, "facts")
    errors += wrong
    if len(filing.related) > MAX_RELATED:
        errors.append(FieldError("related", "too-many", f"最多 {MAX_RELATED} 人"))
    errors += [
        FieldError(f"related.{i}.role", "unknown-role", f"应为：{'、'.join(ROLES)}")
        for i, related in enumerate(filing.related)
        if related.role not in ROLES
    ]
    parties = {"subject": filing.subject} | {f"related.{i}": r.party for i, r in enumerate(filing.related)}
    try:
        resolved = resolve(conn, context, parties)
    except InvalidError as error:
        raise InvalidError((*errors, *error.errors)) from error
    if errors:
        raise InvalidError(tuple(errors))
    subject = resolved["subject"]
    key = context.code_digest(f"listing:{listing_key(subject.id, listing.id, principal.department, values)}")
    standing = conn.execute(select(cases.c.id).where(cases.c.listing_key == key, cases.c.ended_on.is_(None))).scalar()
    if standing is not None:
        message = f"同一主体已因相同事实列入：{standing}"
        raise ConflictError(message, code="already-listed", title="已列入，不重复列入")
    handed_in = {(resolved[f"related.{i}"].id, r.role, r.party.kind) for i, r in enumerate(filing.related)}
    facts = Facts(
        subject=subject.id,
        subject_kind=subject.kind,
        list=listing.id,
        initiator=principal.department,
        as_of=as_of,
        known_at=now,
        values={**values, "subject.kind": subject.kind},
        records=() if subject.new else records_of(conn, policy, subject.id),
        relations=relations_of(conn, subject.id, handed_in),
        salt=context.new_salt(),
    )
    return _Prepared(policy, facts, resolved, key)


def _listing(policy: Policy, list_id: str, as_of: dt.date, principal: Principal) -> ListDef:
    listing = policy.lists.get(list_id)
    if listing is None:
        known = "、".join(sorted(i for i, x in policy.lists.items() if principal.department in x.filed_by)) or "无"
        raise InvalidError((FieldError("list", "unknown-list", f"没有这个名单；贵部门可列入：{known}"),))
    if principal.department not in listing.filed_by:
        message = f"名单“{listing.title}”不由该部门列入"
        raise ForbiddenError(message, code="not-filed-by")
    if not listing.validity.covers(as_of):
        raise InvalidError((FieldError("list", "not-in-force", "该名单在决定日期不施行"),))
    return listing


def listing_key(subject: str, list_id: str, initiator: str, values: dict[str, Value]) -> str:
    """What makes two filings the same: subject, list, initiator and every fact."""
    return hashlib.sha256(canonical([subject, list_id, initiator, plain(values)]).encode()).hexdigest()


def records_of(conn: Connection, policy: Policy, subject: str, own_case: str = "") -> tuple[Record, ...]:
    """The records about a subject as known now, with the other lists it stands on."""
    found = [
        Record(
            row.id, row.kind, dt.date.fromisoformat(row.date).toordinal() if row.date else None,
            opened_fields(conn, subject, row.fields), row.excluded,
        )
        for row in conn.execute(select(records).where(records.c.subject_id == subject).order_by(records.c.id)).all()
        if row.kind in policy.records
    ]  # fmt: skip
    listings = (
        select(cases)
        .where(cases.c.subject_id == subject, cases.c.state == "in-force", cases.c.id != own_case)
        .order_by(cases.c.id)
    )
    found += [
        Record(
            row.id, LISTING_RECORD, dt.date.fromisoformat(row.filed_on).toordinal(),
            {"list": row.list_id, "kind": row.list_kind, "severe": row.severe},
        )
        for row in conn.execute(listings)
    ]  # fmt: skip
    return tuple(found)


def opened_fields(conn: Connection, subject: str, sealed: bytes) -> dict[str, Value]:
    """The fields of a record of a subject that is not erased."""
    fields = json.loads(vault_of(conn).open(conn, subject, sealed, RECORD))
    return {n: tuple(v) if isinstance(v, list) else v for n, v in fields.items()}


def relations_of(
    conn: Connection, subject: str, handed_in: Iterable[tuple[str, str, str]] = ()
) -> tuple[RelatedPerson, ...]:
    """Persons related to a subject as known now, with those just handed in."""
    query = (
        select(relations.c.related_id, relations.c.role, subjects.c.kind)
        .join(subjects, subjects.c.id == relations.c.related_id)
        .where(relations.c.subject_id == subject)
    )
    found = set(handed_in) | {(row.related_id, row.role, row.kind) for row in conn.execute(query)}
    return tuple(RelatedPerson(id_, role, kind) for id_, role, kind in sorted(found))
