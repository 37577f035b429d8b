"""Putting policy in force and taking it back: by a second person, from a date, signed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from adapters.ledger.activations import (
    Act,
    Activation,
    Proposal,
    activate,
    in_force,
    read_activations,
    still_to_come,
    timeline,
)
from adapters.ledger.database import read, write
from adapters.ledger.policies import close_proposal, put_ir, put_policy
from adapters.office.access import actor_of, known_form, require_role
from adapters.office.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionError,
)
from adapters.office.model import Idempotency, PolicyProposal, PolicyView, Principal
from adapters.office.policy import describe, latest, view
from adapters.office.policy_acts import (
    HOST_KEY,
    acted,
    check_words,
    loaded,
    locked,
    name_of,
    open_proposal,
    require_second_person,
    same_person,
    settled,
)
from adapters.office.ports import Context, day_of
from adapters.office.proposing import instant_of, put, short, store_proposal
from adapters.office.repeating import replay
from adapters.policy_checks import TITLES, Examination, PolicyChanges, PolicyCheck, counts_of
from engine.casework.model import Actor
from engine.compiler import compile_policy
from engine.language.ir import Policy

TAKEN_BACK = "由 {by} 回退，尚未生效的版本一并撤销"


def approve(
    context: Context, principal: Principal, wanted: str, remark: str, if_match: str | None, idem: Idempotency | None
) -> PolicyView:
    """See `Office.approve_policy`."""

    def work(conn: Connection, rows: tuple[Activation, ...], actor: Actor, now: str) -> PolicyView:
        proposal = open_proposal(conn, rows, wanted, now, if_match)
        require_second_person(proposal, actor, principal.key_id)
        start = dt.date.fromisoformat(proposal.from_on) if proposal.from_on else None
        instant = instant_of(now, start)
        standing = in_force(rows, instant)
        if (standing.version if standing is not None else None) != proposal.base:
            message = f"所替换的是 {short(proposal.base)}，如今是 {short(standing.version if standing else None)}"
            raise ConflictError(message, code="policy-moved", title="提出之后政策已变，请在现行版本上重新提出")
        later = still_to_come(rows, instant)
        if later:
            message = f"{later[0].version[:12]} 已定于其后施行；先撤销它，或者在它之上重新提出"
            raise ConflictError(message, code="policy-pending", title="已有更晚施行的版本待生效")
        act: Act = "rollback" if proposal.rollback else "approval" if rows else "first"
        return _activate(context, conn, rows, policy, proposal, actor, principal.key_id, act, instant, now, remark)

    check_words("remark", remark)
    require_role(principal, "policy")
    policy = loaded(context, known_form(wanted))  # before anything is locked, and ready when it comes into force
    return acted(context, principal, work, idem)


def refuse(
    context: Context, principal: Principal, wanted: str, reason: str, if_match: str | None, idem: Idempotency | None
) -> PolicyView:
    """See `Office.refuse_policy`."""

    def work(conn: Connection, rows: tuple[Activation, ...], actor: Actor, now: str) -> PolicyView:
        proposal = open_proposal(conn, rows, wanted, now, if_match)
        require_second_person(proposal, actor, principal.key_id)
        close_proposal(conn, proposal, "refused", by=name_of(actor), key_id=principal.key_id, at=now, remark=reason)
        return latest(conn, wanted, rows, now)

    check_words("reason", reason, required=True)
    return acted(context, principal, work, idem)


def withdraw(
    context: Context, principal: Principal, wanted: str, reason: str, if_match: str | None, idem: Idempotency | None
) -> PolicyView:
    """See `Office.withdraw_policy`."""

    def work(conn: Connection, rows: tuple[Activation, ...], actor: Actor, now: str) -> PolicyView:
        pending = next((a for a in still_to_come(rows, now) if a.version == wanted), None)
        if pending is None:
            proposal = open_proposal(conn, rows, wanted, now, if_match)
            if (proposal.proposed_department, proposal.proposed_officer) != (actor.department, actor.officer):
                raise ForbiddenError("待批准的政策由提出人撤回；他人可以不予批准", code="not-proposer")
            close_proposal(
                conn, proposal, "withdrawn", by=name_of(actor), key_id=principal.key_id, at=now, remark=reason
            )
            return latest(conn, wanted, rows, now)
        if if_match is not None and if_match != view(conn, pending.proposal, rows, now).etag:
            raise PreconditionError
        before = in_force((a for a in rows if a.effective_from < pending.effective_from), pending.effective_from)
        assert before is not None  # the first policy is never one that is still to come
        _take_back(conn, rows, pending.effective_from, actor, principal.key_id, now, reason)
        ir = put_ir(conn, rows, context.policies.get(before.version, conn))
        rows = activate(
            conn, context.signer, rows, act="withdrawal", version=before.version, ir=ir, proposal=pending.proposal,
            effective_from=pending.effective_from, actor=actor, key_id=principal.key_id, on=day_of(now), at=now,
            remark=reason,
        )  # fmt: skip
        return latest(conn, wanted, rows, now)

    check_words("reason", reason, required=True)
    return acted(context, principal, work, idem)


def rollback(
    context: Context, principal: Principal, to: str | None, reason: str, idem: Idempotency | None
) -> PolicyView:
    """See `Office.roll_policy_back`."""
    require_role(principal, "policy")
    actor_of(principal)
    check_words("reason", reason, required=True)
    with read(context.engine) as conn:
        done = replay(conn, principal, idem, PolicyView)
        if done is not None:
            return replace(done, replayed=True)
        rows, now = read_activations(conn), context.now()
        standing, target = _target(rows, now, to)
        if target != _one_back(standing):
            files = context.policies.files(conn, target)
            before = context.policies.files(conn, standing.version)
    if target == _one_back(standing):
        policy = loaded(context, target)  # it has to compile under this very program
        return _roll(context, principal, policy, reason, idem)
    found = context.examiner.examine(files, before, context.today())
    given = PolicyProposal(files, reason)
    return put(context, principal, given, standing.version, found, idem, rollback=True)


def _roll(context: Context, principal: Principal, policy: Policy, reason: str, idem: Idempotency | None) -> PolicyView:
    """Take the latest approval back, at once and by one person; what was to follow it goes too."""
    target = policy.version

    def work(conn: Connection, rows: tuple[Activation, ...], actor: Actor, now: str) -> PolicyView:
        standing, _ = _target(rows, now, target)
        if _one_back(standing) != target:
            raise ConflictError(code="policy-moved", title="政策已变，请查看后再回退")
        check = PolicyCheck("compile", TITLES["compile"], "passed")
        found = Examination(target, (), {}, (check,), PolicyChanges(summary=(f"恢复 {target[:12]} 的全部内容",)))
        given = PolicyProposal({}, reason)
        proposal = store_proposal(
            context, conn, target, standing.version, given, actor, principal.key_id, found, rollback=True
        )
        _take_back(conn, rows, now, actor, principal.key_id, now, TAKEN_BACK.format(by=name_of(actor)))
        return _activate(context, conn, rows, policy, proposal, actor, principal.key_id, "rollback", now, now, "")

    return acted(context, principal, work, idem)


def _one_back(standing: Activation) -> str | None:
    """The version to which one person may go back: what the latest approval replaced, unless that was undone."""
    return standing.replaces if standing.act == "approval" else None


def _target(rows: Sequence[Activation], now: str, to: str | None) -> tuple[Activation, str]:
    """The activation that brought what is in force, and the version to go back to."""
    been = [a for a in timeline(rows) if a.effective_from <= now and a.act != "withdrawal"]
    if not been:
        message = "尚无生效的政策"
        raise NotFoundError(message, code="no-policy")
    standing = been[-1]
    if to is None:
        back = _one_back(standing)
        if back is None:
            message = "现行版本不是由批准而来；要换成更早的版本，写明是哪一个，再由另一人批准"
            raise ConflictError(message, code="no-earlier-policy", title="没有可以直接回退的版本")
        return standing, back
    if to == standing.version:
        raise ConflictError(code="policy-active", title="该政策已经生效")
    if not any(a.version == known_form(to) for a in been):
        raise ConflictError(code="never-in-force", title="该版本从未生效，不能回退到它")
    return standing, to


def _take_back(
    conn: Connection, rows: Sequence[Activation], instant: str, actor: Actor, key_id: str, now: str, remark: str
) -> None:
    """Note for what is to come into force from an instant on that it will not."""
    for row in still_to_come(rows, now):
        if row.effective_from >= instant:
            close_proposal(conn, row.proposal, "withdrawn", by=name_of(actor), key_id=key_id, at=now, remark=remark)


def _activate(
    context: Context,
    conn: Connection,
    rows: tuple[Activation, ...],
    policy: Policy,
    proposal: Proposal,
    actor: Actor,
    key_id: str,
    act: Act,
    instant: str,
    now: str,
    remark: str,
) -> PolicyView:
    close_proposal(conn, proposal, "approved", by=name_of(actor), key_id=key_id, at=now, remark=remark)
    rows = activate(
        conn, context.signer, rows, act=act, version=policy.version, ir=put_ir(conn, rows, policy), proposal=proposal,
        effective_from=instant, actor=actor, key_id=key_id, on=day_of(now), at=now, remark=remark,
    )  # fmt: skip
    return latest(conn, proposal.version, rows, now)


def bootstrap(context: Context, files: Mapping[str, str], proposed_by: Actor, approved_by: Actor) -> PolicyView:
    """See `Office.bootstrap_policy`."""
    result = compile_policy(files)
    if result.policy is None:
        raise InvalidError(
            tuple(FieldError(str(d.span), d.code, d.message) for d in result.diagnostics if d.severity == "error"),
        )
    policy = result.policy
    check = PolicyCheck("compile", TITLES["compile"], "passed")
    found = Examination(policy.version, tuple(policy.sources), counts_of(policy), (check,), PolicyChanges())
    given = PolicyProposal(policy.sources, "首次启用")
    if (proposed_by.department, proposed_by.officer) == (approved_by.department, approved_by.officer):
        raise same_person()

    def work() -> PolicyView:
        with write(context.engine) as conn:
            rows, now = locked(conn), context.now()
            standing = in_force(rows, now)
            if standing is not None and standing.version != policy.version:
                message = f"已有生效的政策 {standing.version[:12]}，请按提出、批准两步更新"
                raise ConflictError(message, code="policy-active")
            if standing is None:
                put_policy(conn, policy.version, policy.sources, found.counts)
                proposal = store_proposal(
                    context, conn, policy.version, None, given, proposed_by, HOST_KEY, found, rollback=False
                )
                _activate(context, conn, rows, policy, proposal, approved_by, HOST_KEY, "first", now, now, "")
        return describe(context, policy.version)

    context.policies.keep(policy)
    return settled(work)
