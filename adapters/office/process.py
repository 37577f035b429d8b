"""The procedure of a case: due process, remedies, corrections, and where it all stands."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from adapters.ledger.database import VersionConflictError, read, retrying, write
from adapters.ledger.projections import Header, UnknownCaseError, load_case
from adapters.ledger.serial import facts_from_json
from adapters.ledger.store import append, put_decision, put_limits
from adapters.office.access import actor_of, case_view_of, decided, is_auditor, is_initiator, known_form, require_role
from adapters.office.errors import (
    ConflictError,
    FieldError,
    InvalidError,
    NotFoundError,
    PreconditionError,
    RefusedError,
    storable,
)
from adapters.office.facts import parse_facts
from adapters.office.filing import evaluate, records_of, relations_of
from adapters.office.letters import issue
from adapters.office.model import Idempotency, Principal, ProcessView, Step, Stepped
from adapters.office.ports import Context
from adapters.office.repeating import claim, keep, replay
from adapters.office.working import MAX_WORDS, responses_of, wrong_evidence
from engine.casework import available_case_actions, decide, fold
from engine.casework.calendar import Calendars
from engine.casework.changing import difference
from engine.casework.clocks import bounds, earliest_repair
from engine.casework.commands import (
    AnswerObjection,
    AnswerStatement,
    ApplyRepair,
    Command,
    Correct,
    DecideListing,
    HoldHearing,
    MoveRepair,
    Notify,
    Publish,
    RaiseObjection,
    ReceiveStatement,
    RequestHearing,
    Serve,
    Shield,
    ShowBefore,
)
from engine.casework.model import Actor, Case, Refusal
from engine.casework.stages import what_is_missing
from engine.decision.model import Decision, Facts
from engine.language.ir import Policy, Value
from engine.language.scalars import show_fact

MAX_POINTS = 50
"""Points in one statement or objection."""
REPAIR_STEPS = {
    "accept-repair": "accept", "refuse-repair": "refuse", "extend-repair": "extend", "grant-repair": "grant",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fresh:
    """A new decision with the bytes that are logged."""

    decision: Decision
    document: bytes
    digest: str
    changed: tuple[str, ...]


def process(context: Context, principal: Principal, case_id: str) -> ProcessView:
    """See `Office.process`."""
    require_role(principal, "initiator", "auditor")
    with read(context.engine) as conn:
        case, header, policy = _own_case(conn, context, principal, case_id)
        calendars = context.policies.current(conn, context.now()).calendars
        return view_of(context, principal, case, header, policy, calendars)


def step(
    context: Context, principal: Principal, case_id: str, given: Step, if_match: int | None, idem: Idempotency | None
) -> Stepped:
    """See `Office.step`."""
    require_role(principal, "initiator")
    actor_of(principal)
    _check(given, context.today())
    try:
        return retrying(lambda: _step(context, principal, case_id, given, if_match, idem))
    except VersionConflictError as error:
        raise ConflictError from error


def _step(
    context: Context, principal: Principal, case_id: str, given: Step, if_match: int | None, idem: Idempotency | None
) -> Stepped:
    today = context.today()
    with read(context.engine) as conn:
        done = replay(conn, principal, idem, Stepped)
        if done is not None:
            return replace(done, replayed=True)
        case, header, policy = _own_case(conn, context, principal, case_id)
        if if_match is not None and if_match != case.version:
            raise PreconditionError
        calendars = context.policies.current(conn, context.now()).calendars
        asked = facts_for(conn, context, policy, case, header, given, today)
    fresh = decided_again(context, policy, *asked) if asked is not None else None
    if given.facts is not None and fresh is not None and not fresh.changed:
        raise InvalidError((FieldError("facts", "unchanged", "与现有事实相同，没有可更正的"),))
    command = command_of(given, case, actor_of(principal), today, fresh)
    try:
        happened = decide(case, command, policy, calendars)
    except Refusal as refusal:
        if refusal.code == "not-yours":
            raise NotFoundError from refusal
        raise RefusedError(refusal) from refusal
    after = fold(happened, case)
    at = context.now()
    with write(context.engine) as conn:
        if not claim(conn, principal, idem, at):
            raise VersionConflictError(case_id)
        if fresh is not None:
            put_decision(
                conn, fresh.decision, fresh.document, fresh.digest, case=case.id, listing_key=header.listing_key, at=at
            )
        header = append(
            conn, before=case, after=after, header=header, happened=happened, policy=policy,
            key_id=principal.key_id, at=at,
        )  # fmt: skip
        if fresh is not None and after.state == "in-force":
            put_limits(conn, fresh.decision, after)
        issue(conn, context, happened, after, policy, header.decision, key_id=principal.key_id, at=at)
        result = Stepped(
            view_of(context, principal, after, header, policy, calendars),
            *difference(happened),
            changed=fresh.changed if fresh is not None and given.facts is not None else (),
            promise=context.proofs.promise(conn, after.id, after.version, header.head_hash, at),
        )
        keep(conn, principal, idem, result, about=case.subject)
    return result


def _own_case(conn: Connection, context: Context, principal: Principal, case_id: str) -> tuple[Case, Header, Policy]:
    """A whole case that the principal filed, decides, or audits."""
    try:
        case, header = load_case(conn, known_form(case_id))
    except UnknownCaseError as error:
        raise NotFoundError from error
    policy = context.policies.get(case.policy, conn)
    decides = "initiator" in principal.roles and principal.department in policy.lists[case.list].procedure.decided_by
    if not (is_auditor(principal) or is_initiator(principal, case) or decides):
        raise NotFoundError
    return case, header, policy


def facts_for(
    conn: Connection, context: Context, policy: Policy, case: Case, header: Header, given: Step, today: dt.date
) -> tuple[Facts, Facts] | None:
    """What a step that needs a new decision decides on, and the facts of the last one.

    Records and relations are as known now; the facts that the step puts right replace the old ones.
    """
    entering = given.action == "decide" or (given.action == "serve" and given.party in {None, case.subject})
    if not entering and given.facts is None:
        return None
    old = facts_from_json(decided(conn, header.decision).facts)
    values = dict(old.values)
    if given.facts is not None:
        declared = policy.lists[case.list].facts
        parsed, errors = parse_facts({n: replace(f, required=False) for n, f in declared.items()}, given.facts, "facts")
        gone = {name for name, raw in given.facts.items() if raw is None}
        errors += tuple(
            FieldError(f"facts.{n}", "required", f"必填：{declared[n].title}")
            for n in gone & {*declared}
            if declared[n].required
        )
        if errors:
            raise InvalidError(errors)
        values = {n: v for n, v in {**values, **parsed}.items() if n not in gone}
    facts = replace(old, values=values, as_of=case.decided_on or today)
    return refreshed(conn, context, policy, case, facts), old


def refreshed(conn: Connection, context: Context, policy: Policy, case: Case, facts: Facts) -> Facts:
    """The same facts with records, relations and answers as they are known now."""
    return replace(
        facts,
        salt=context.new_salt(),
        known_at=context.now(),
        records=records_of(conn, policy, case.subject, case.id),
        relations=relations_of(conn, case.subject),
        responses=responses_of(case.obligations.values()),
    )


def decided_again(context: Context, policy: Policy, facts: Facts, before: Facts) -> Fresh:
    """A decision on `facts` by both engines, and how they differ from those `before`."""
    decision = evaluate(context, policy, facts)
    document = decision.canonical()
    changed = differing(policy, before.values, facts.values, facts.list)
    return Fresh(decision, document, hashlib.sha256(document).hexdigest(), changed)


def differing(policy: Policy, before: Mapping[str, Value], after: Mapping[str, Value], list_id: str) -> tuple[str, ...]:
    """Which facts differ, in words."""
    declared = policy.lists[list_id].facts
    words = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new or name not in declared:
            continue
        fact = declared[name]
        shown = [show_fact(fact, v) if v is not None else "未提供" for v in (old, new)]
        words.append(f"事实“{fact.title}”：{shown[0]} → {shown[1]}")
    return tuple(words)


def command_of(given: Step, case: Case, actor: Actor, today: dt.date, fresh: Fresh | None) -> Command:
    """The command that a step asks for."""
    party, on = given.party or case.subject, given.on or today
    decision = fresh.decision if fresh is not None else None
    changed = fresh.changed if fresh is not None else ()
    match given.action:
        case "notify":
            return Notify(actor, today, party, on, given.method, given.reason, given.evidence)
        case "statement":
            return ReceiveStatement(actor, today, party, on, given.points)
        case "answer-statement":
            return AnswerStatement(actor, today, party, given.statement, given.answers)
        case "request-hearing":
            return RequestHearing(actor, today, party, on)
        case "hold-hearing":
            announced = given.announced_on or on
            return HoldHearing(actor, today, party, announced, on, given.chair, given.evidence)
        case "show-before":
            return ShowBefore(actor, today)
        case "decide":
            return DecideListing(
                actor, today, "list" if given.outcome == "list" else "not-list", given.number, given.reason, decision
            )
        case "serve":
            return Serve(actor, today, party, on, given.method, given.evidence, decision)
        case "publish":
            return Publish(actor, today, given.channel)
        case "object":
            return RaiseObjection(actor, today, party, on, given.points, given.own)
        case "answer-objection":
            upheld = given.outcome == "upheld"
            return AnswerObjection(
                actor, today, given.objection, "upheld" if upheld else "rejected", given.reason, decision, changed
            )
        case "apply-repair":
            return ApplyRepair(actor, today, party, on, given.proved, given.evidence)
        case "accept-repair" | "refuse-repair" | "extend-repair" | "grant-repair":
            return MoveRepair(actor, today, given.repair, REPAIR_STEPS[given.action], given.reason)  # type: ignore[arg-type]
        case "shield":
            return Shield(actor, today, given.reason)
        case "unshield":
            return Shield(actor, today, "")
        case "correct":
            return Correct(actor, today, decision, given.reason, changed)


def view_of(
    context: Context, principal: Principal, case: Case, header: Header, policy: Policy, calendars: Calendars
) -> ProcessView:
    """Where a case stands, with the calendars of the policy in force, which a request asks for once."""
    procedure, today = policy.lists[case.list].procedure, context.today()
    early = case.state in {"filed", "noticed"}
    return ProcessView(
        case=case_view_of(case, header),
        parties=tuple(sorted(case.parties.values(), key=lambda p: (p.role != "subject", p.id))),
        objections=tuple(case.objections.values()),
        repairs=tuple(case.repairs.values()),
        tasks=tuple(case.tasks.values()),
        decided_on=case.decided_on,
        number=case.number,
        shown_before=case.shown_before,
        publicity=case.publicity,
        listing=case.listing,
        bounds=bounds(procedure, case.publicity) if case.publicity is not None else (),
        earliest_repair=earliest_repair(case, procedure),
        repair_requires=procedure.repair.requires if procedure.repair is not None else (),
        shielded=case.shielded,
        missing=what_is_missing(case, policy, calendars, today) if early and procedure.decision else (),
        actions=available_case_actions(case, policy, calendars, today, principal.department, principal.roles),
    )


def _check(given: Step, today: dt.date) -> None:
    """Everything wrong with a step that can be seen without the case."""
    errors = [
        FieldError(name, "length", f"最长 {MAX_WORDS} 字，且不含控制字符")
        for name in ("method", "reason", "number", "chair", "channel")
        if len(getattr(given, name)) > MAX_WORDS or not storable(getattr(given, name))
    ]
    for name in ("points", "answers", "proved"):
        texts = getattr(given, name)
        if len(texts) > MAX_POINTS:
            errors.append(FieldError(name, "too-many", f"最多 {MAX_POINTS} 项"))
        if any(len(t) > MAX_WORDS or not storable(t) for t in texts):
            errors.append(FieldError(name, "length", f"每项最长 {MAX_WORDS} 字，且不含控制字符"))
    errors += [
        FieldError(name, "wrong-value", "含有不允许的字符")
        for name in ("party", "statement", "objection", "repair")
        if not storable(getattr(given, name) or "")
    ]
    wanted = {"decide": ("list", "not-list"), "answer-objection": ("upheld", "rejected")}.get(given.action)
    if wanted is not None and given.outcome not in wanted:
        errors.append(FieldError("outcome", "wrong-value", f"应为：{'、'.join(wanted)}"))
    if given.action == "correct" and not given.facts:
        errors.append(FieldError("facts", "required", "须给出更正后的事实"))
    if given.action == "shield" and not given.reason.strip():
        errors.append(FieldError("reason", "required", "须写明法院裁定"))
    if given.on is not None and given.on > today:
        errors.append(FieldError("on", "future", "日期不能晚于今天"))
    errors += wrong_evidence(given.evidence)
    if errors:
        raise InvalidError(tuple(errors))
