"""Working a case: what a department does about an obligation, what that sets off, and ending a listing."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from adapters.ledger.database import VersionConflictError, read, retrying, write
from adapters.ledger.projections import Header, UnknownCaseError, load_case, load_slice
from adapters.ledger.serial import facts_from_json
from adapters.ledger.store import append, put_decision, put_limits
from adapters.office.access import (
    actor_of,
    case_view_of,
    decided,
    etag,
    is_initiator,
    known_form,
    obligation_view,
    require_role,
)
from adapters.office.errors import (
    ConflictError,
    FieldError,
    InvalidError,
    NotFoundError,
    PreconditionError,
    RefusedError,
    storable,
)
from adapters.office.filing import evaluate
from adapters.office.letters import issue
from adapters.office.model import Answer, Answered, Ended, Idempotency, Principal
from adapters.office.ports import Context
from adapters.office.repeating import claim, keep, replay
from engine.casework import decide, fold
from engine.casework.calendar import Calendars
from engine.casework.commands import (
    Accept,
    Apply,
    Arm,
    Command,
    Confirm,
    EndListing,
    Lift,
    OnObligation,
    Redecide,
    Refer,
    Respond,
)
from engine.casework.events import Event
from engine.casework.model import Actor, Case, Evidence, Obligation, Refusal
from engine.decision.model import Decision, Response
from engine.language.ir import All, Any, Condition, Ground, Policy, Responded

MAX_WORDS = 2000
"""Characters in a reason, remark or occasion."""
MAX_EVIDENCE = 50
"""Documents attached to one answer."""
GROUNDS = frozenset(
    {"performance", "repair", "expiry", "withdrawal", "annulment", "correction", "deceased", "dissolved"}
)


@dataclass(frozen=True, slots=True)
class _Made:
    """A new decision that goes into the log with the events it led to."""

    decision: Decision
    document: bytes
    digest: str


def answer(
    context: Context, principal: Principal, obligation: str, given: Answer, if_match: str | None,
    idem: Idempotency | None,
) -> Answered:  # fmt: skip
    """See `Office.answer`."""
    require_role(principal, "implementer")
    actor_of(principal)
    _check_words(given)
    try:
        return retrying(lambda: _answer(context, principal, obligation, given, if_match, idem))
    except VersionConflictError as error:
        raise ConflictError from error


def end_case(
    context: Context, principal: Principal, case: str, ground: Ground, reason: str, if_match: int | None,
    idem: Idempotency | None,
) -> Ended:  # fmt: skip
    """See `Office.end_case`."""
    require_role(principal, "initiator")
    actor_of(principal)
    if ground not in GROUNDS:
        raise InvalidError((FieldError("ground", "unknown-ground", f"应为：{'、'.join(sorted(GROUNDS))}"),))
    if not 0 < len(reason.strip()) <= MAX_WORDS or not storable(reason):
        raise InvalidError((FieldError("reason", "length", f"须写明理由，最长 {MAX_WORDS} 字"),))
    try:
        return retrying(lambda: _end(context, principal, case, ground, reason, if_match, idem))
    except VersionConflictError as error:
        raise ConflictError from error


def _answer(
    context: Context, principal: Principal, obligation_id: str, given: Answer, if_match: str | None,
    idem: Idempotency | None,
) -> Answered:  # fmt: skip
    with read(context.engine) as conn:
        done = replay(conn, principal, idem, Answered)
        if done is not None:
            return replace(done, replayed=True)
        try:
            refer_to = given.to if given.action == "refer" else None
            case, header = load_slice(conn, known_form(obligation_id), refer_to=refer_to)
        except UnknownCaseError as error:
            raise NotFoundError from error
        obligation = case.obligations[obligation_id]
        if obligation.department != principal.department:
            raise NotFoundError
        if if_match is not None and if_match != etag(obligation):
            raise PreconditionError
        policy = context.policies.get(case.policy, conn)
        calendars = context.policies.current(conn, context.now()).calendars
        command = _command(given, obligation_id, actor_of(principal), context)
        happened = _decided(case, command, policy, calendars)
        made: _Made | None = None
        facts_text: str | None = None
        settles = given.action in {"respond", "refer", "arm"} and case.state == "in-force"
        if settles and reacts_to(policy, case, header, obligation.measure):
            whole, _ = load_case(conn, case.id)
            if whole.version != case.version:
                raise VersionConflictError(case.id)
            case = whole
            facts_text = decided(conn, header.decision).facts
    if facts_text is not None:
        then = fold(happened, case)
        # the records stay those of the last decision, and so does the moment at which they were known
        facts = replace(
            facts_from_json(facts_text), salt=context.new_salt(), responses=responses_of(then.obligations.values())
        )
        decision = evaluate(context, policy, facts)
        document = decision.canonical()
        redecide = Redecide(command.actor, command.today, decision)
        more = _decided(then, redecide, policy, calendars)
        if more:
            happened += more
            made = _Made(decision, document, hashlib.sha256(document).hexdigest())
    after = fold(happened, case)
    at = context.now()
    with write(context.engine) as conn:
        if not claim(conn, principal, idem, at):
            raise VersionConflictError(case.id)
        if made is not None:
            put_decision(
                conn, made.decision, made.document, made.digest, case=case.id, listing_key=header.listing_key, at=at
            )
            put_limits(conn, made.decision, case)
        header = append(
            conn, before=case, after=after, header=header, happened=happened, policy=policy,
            key_id=principal.key_id, at=at,
        )  # fmt: skip
        result = Answered(
            obligation=replace(
                obligation_view(
                    after.obligations[obligation_id], subject=case.subject,
                    title=_title(policy, obligation.measure), principal=principal, today=command.today,
                ),
                marked=after.marked,
            ),
            case=case_view_of(after, header),
            added=tuple(i for i in after.obligations if i not in case.obligations),
            promise=context.proofs.promise(conn, after.id, after.version, header.head_hash, at),
        )  # fmt: skip
        keep(conn, principal, idem, result, about=case.subject)
    return result


def _end(
    context: Context, principal: Principal, case_id: str, ground: Ground, reason: str, if_match: int | None,
    idem: Idempotency | None,
) -> Ended:  # fmt: skip
    with read(context.engine) as conn:
        done = replay(conn, principal, idem, Ended)
        if done is not None:
            return replace(done, replayed=True)
        case, header = _own_case(conn, principal, case_id)
        if if_match is not None and if_match != case.version:
            raise PreconditionError
        policy = context.policies.get(case.policy, conn)
        calendars = context.policies.current(conn, context.now()).calendars
    command = EndListing(actor_of(principal), context.today(), ground, reason)
    happened = _decided(case, command, policy, calendars)
    after = fold(happened, case)
    at = context.now()
    with write(context.engine) as conn:
        if not claim(conn, principal, idem, at):
            raise VersionConflictError(case_id)
        header = append(
            conn, before=case, after=after, header=header, happened=happened, policy=policy,
            key_id=principal.key_id, at=at,
        )  # fmt: skip
        issue(conn, context, happened, after, policy, header.decision, key_id=principal.key_id, at=at)
        promise = context.proofs.promise(conn, after.id, after.version, header.head_hash, at)
        result = Ended(case_view_of(after, header), promise=promise)
        keep(conn, principal, idem, result, about=case.subject)
    return result


def _own_case(conn: Connection, principal: Principal, case_id: str) -> tuple[Case, Header]:
    try:
        case, header = load_case(conn, known_form(case_id))
    except UnknownCaseError as error:
        raise NotFoundError from error
    if not is_initiator(principal, case):
        raise NotFoundError
    return case, header


def _decided(case: Case, command: Command, policy: Policy, calendars: Calendars) -> tuple[Event, ...]:
    try:
        return tuple(decide(case, command, policy, calendars))
    except Refusal as refusal:
        raise RefusedError(refusal) from refusal


def _title(policy: Policy, measure: str) -> str:
    found = policy.measures.get(measure)
    return found.title if found is not None else measure


def _command(given: Answer, obligation: str, actor: Actor, context: Context) -> OnObligation:
    today = context.today()
    match given.action:
        case "accept":
            return Accept(actor, today, obligation)
        case "confirm":
            return Confirm(actor, today, obligation, given.remark)
        case "arm":
            return Arm(actor, today, obligation, given.evidence, given.remark)
        case "apply":
            return Apply(actor, today, obligation, given.applied, given.occasion, given.reason, given.evidence)
        case "respond":
            return Respond(actor, today, obligation, given.outcome, given.reason, given.evidence)
        case "refer":
            return Refer(actor, today, obligation, given.to, given.reason)
        case "lift":
            return Lift(actor, today, obligation, given.evidence, given.remark)


def wrong_evidence(evidence: Sequence[Evidence]) -> list[FieldError]:
    """Everything wrong with evidence as handed in: how much, its digests, its titles."""
    errors = []
    if len(evidence) > MAX_EVIDENCE:
        errors.append(FieldError("evidence", "too-many", f"最多 {MAX_EVIDENCE} 份"))
    for i, item in enumerate(evidence):
        if len(item.sha256) != 64 or not set(item.sha256) <= set("0123456789abcdef"):  # noqa: PLR2004 - SHA-256 in hex
            errors.append(FieldError(f"evidence.{i}.sha256", "wrong-value", "须为 64 位小写十六进制 SHA-256 摘要"))
        if len(item.title) > MAX_WORDS or not storable(item.title):
            errors.append(FieldError(f"evidence.{i}.title", "length", f"最长 {MAX_WORDS} 字，且不含控制字符"))
    return errors


def _check_words(given: Answer) -> None:
    errors = [
        FieldError(name, "length", f"最长 {MAX_WORDS} 字，且不含控制字符")
        for name in ("remark", "reason", "occasion", "to")
        if len(getattr(given, name)) > MAX_WORDS or not storable(getattr(given, name))
    ]
    errors += wrong_evidence(given.evidence)
    if errors:
        raise InvalidError(tuple(errors))


def responses_of(obligations: Iterable[Obligation]) -> tuple[Response, ...]:
    """The answers given so far in a case, in a stable order."""
    found = {
        (o.measure, o.department, o.outcome)
        for o in obligations
        if o.outcome in {"implemented", "not-applicable", "referred", "no-occasion"}
    }
    return tuple(Response(measure, department, str(outcome)) for measure, department, outcome in sorted(found))


def reacts_to(policy: Policy, case: Case, header: Header, measure: str) -> bool:
    """Whether any rule or derived fact for the case's list looks at the answer to a measure."""
    day = dt.date.fromisoformat(header.as_of)
    for memorandum in policy.memoranda_for(case.list, day):
        conditions = [rule.when for rule in memorandum.rules]
        for derivation in memorandum.derivations:
            conditions += [c.when for c in derivation.choices]
            if derivation.truth is not None:
                conditions.append(derivation.truth)
        if any(_mentions(condition, measure) for condition in conditions):
            return True
    return False


def _mentions(condition: Condition, measure: str) -> bool:
    if isinstance(condition, All | Any):
        return any(_mentions(part, measure) for part in condition.parts)
    return isinstance(condition, Responded) and condition.measure == measure
