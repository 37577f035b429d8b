"""Proposing a policy: it is checked before it is stored, and one that fails leaves nothing behind."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from adapters.ledger.activations import Activation, Proposal, in_force, read_activations
from adapters.ledger.database import read
from adapters.ledger.policies import put_policy, put_proposal, read_proposals
from adapters.office.access import actor_of, require_role
from adapters.office.errors import ConflictError, FieldError, InvalidError
from adapters.office.model import Idempotency, PolicyProposal, PolicyView, Principal
from adapters.office.policy import CHANGES, CHECKS, view
from adapters.office.policy_acts import acted, check_words
from adapters.office.ports import Context, beginning_of, day_of
from adapters.office.repeating import replay
from adapters.policy_checks import Examination, PolicyCheck
from engine.casework.model import Actor

MAX_ERRORS = 200
"""Findings named in a refusal."""


def propose(
    context: Context,
    principal: Principal,
    given: PolicyProposal,
    idem: Idempotency | None,
    progress: Callable[[int, int], None] | None,
) -> PolicyView:
    """See `Office.propose_policy`."""
    require_role(principal, "policy")
    actor_of(principal)
    check_words("reason", given.reason, required=True)
    _check(context, given)
    with read(context.engine) as conn:
        done = replay(conn, principal, idem, PolicyView)
        if done is not None:
            return replace(done, replayed=True)
        base = base_of(read_activations(conn), given, context.now())
        before = context.policies.files(conn, base) if base is not None else None
    if before == given.files:
        raise ConflictError(code="policy-active", title="与所要替换的政策完全相同")
    found = context.examiner.examine(given.files, before, context.today(), progress)
    return put(context, principal, given, base, found, idem, rollback=False)


def examine(
    context: Context, principal: Principal, given: PolicyProposal, progress: Callable[[int, int], None] | None
) -> Examination:
    """See `Office.examine_policy`."""
    require_role(principal, "policy")
    _check(context, given)
    with read(context.engine) as conn:
        base = base_of(read_activations(conn), given, context.now())
        before = context.policies.files(conn, base) if base is not None else None
    return context.examiner.examine(given.files, before, context.today(), progress)


def _check(context: Context, given: PolicyProposal) -> None:
    """Everything wrong with a proposal that can be seen without its content."""
    if given.start is not None and given.start < context.today():
        raise InvalidError((FieldError("from", "past", "施行日期不能早于今天"),))
    if not all(map(_encodes, (*given.files, *given.files.values()))):
        raise InvalidError((FieldError("files", "wrong-value", "路径或内容含有不成字符的编码"),))


def _encodes(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)


def base_of(rows: Sequence[Activation], given: PolicyProposal, now: str) -> str | None:
    """The version that a proposal is to replace: the one in force when it would come into force."""
    if not rows and given.start is not None and given.start > day_of(now):
        raise InvalidError((FieldError("from", "first", "首个政策须即日施行"),))
    standing = in_force(rows, instant_of(now, given.start))
    version = standing.version if standing is not None else None
    if given.base is not None and given.base != version:
        message = f"所依据的是 {short(given.base)}，届时施行的是 {short(version)}"
        raise ConflictError(message, code="policy-moved", title="政策已变，请在现行版本上重新修改")
    return version


def instant_of(now: str, start: dt.date | None) -> str:
    """When something comes into force that is approved now."""
    return now if start is None else max(now, beginning_of(start))


def put(
    context: Context,
    principal: Principal,
    given: PolicyProposal,
    base: str | None,
    found: Examination,
    idem: Idempotency | None,
    *,
    rollback: bool,
) -> PolicyView:
    """Store a proposal whose checks have all been passed, or left undecided; all of it, or nothing."""
    if found.failed or found.version is None:
        raise refusal(found.failed)
    version, kept = found.version, {path: given.files[path] for path in found.paths}

    def work(conn: Connection, rows: tuple[Activation, ...], actor: Actor, now: str) -> PolicyView:
        if base_of(rows, given, now) != base:
            raise ConflictError(code="policy-moved", title="政策已变，请在现行版本上重新修改")
        if version == base:
            raise ConflictError(code="policy-active", title="与所要替换的政策完全相同")
        if any(p.state == "open" for p in read_proposals(conn, version)):
            raise ConflictError(code="policy-proposed", title="同样的内容已经提出，待批准")
        put_policy(conn, version, kept, found.counts)
        proposal = store_proposal(
            context, conn, version, base, given, actor, principal.key_id, found, rollback=rollback
        )
        return view(conn, proposal, rows, now)

    return acted(context, principal, work, idem)


def store_proposal(
    context: Context,
    conn: Connection,
    version: str,
    base: str | None,
    given: PolicyProposal,
    actor: Actor,
    key_id: str,
    found: Examination,
    *,
    rollback: bool,
) -> Proposal:
    """Store an open proposal for a version that is stored already."""
    checks, changes = CHECKS.dump_json(found.checks), CHANGES.dump_json(found.changes)
    proposal = Proposal(
        id=0, version=version, base=base, rollback=rollback, reason=given.reason.strip(),
        from_on=given.start.isoformat() if given.start else None, migration=given.migration,
        checks_digest=hashlib.sha256(checks).hexdigest(), changes_digest=hashlib.sha256(changes).hexdigest(),
        proposed_at=context.now(), proposed_department=actor.department, proposed_officer=actor.officer,
        proposed_key=key_id, state="open", closed_at=None, closed_by=None, closed_key=None, remark=None,
    )  # fmt: skip
    return put_proposal(conn, proposal, checks.decode(), changes.decode())


def refusal(failed: Sequence[PolicyCheck]) -> InvalidError:
    """What the proposer is told: every finding, with its place."""
    errors = [FieldError(d.at or c.name, d.code, d.message) for c in failed for d in c.details]
    detail = "没有通过：" + "、".join(f"{c.title} {len(c.details)} 处" for c in failed)
    return InvalidError(tuple(errors[:MAX_ERRORS]), detail)


def short(version: str | None) -> str:
    """What people call a version."""
    return version[:12] if version else "（无）"
