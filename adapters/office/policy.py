"""Policy versions to look at: the one in force, any other, the history, and the proof of it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import cast

from pydantic import TypeAdapter
from sqlalchemy import Connection

from adapters.ledger.activations import (
    ACTIVATED,
    STREAM,
    Activation,
    Proposal,
    chained,
    in_force,
    read_activations,
    signature_problem,
    timeline,
)
from adapters.ledger.database import read
from adapters.ledger.policies import (
    CorruptPolicyError,
    UnknownPolicyError,
    counts_stored,
    proposal_texts,
    read_proposals,
    stored_versions,
)
from adapters.ledger.store import BrokenChainError, checked, read_events
from adapters.office.access import known_form, require_role
from adapters.office.errors import FieldError, InvalidError, NotFoundError
from adapters.office.model import (
    PAGE_LIMIT,
    MigrationChoice,
    PolicyFinding,
    PolicyHistory,
    PolicyState,
    PolicyVerification,
    PolicyView,
    Principal,
)
from adapters.office.ports import Context
from adapters.policy_checks import PolicyChanges, PolicyCheck
from adapters.signing import key_id
from engine.language.ir import Policy

CHECKS: TypeAdapter[tuple[PolicyCheck, ...]] = TypeAdapter(tuple[PolicyCheck, ...])
CHANGES: TypeAdapter[PolicyChanges] = TypeAdapter(PolicyChanges)


def current(context: Context) -> Policy:
    """See `Office.current_policy`."""
    with read(context.engine) as conn:
        try:
            return context.policies.current(conn, context.now())
        except UnknownPolicyError as error:
            message = "尚无生效的政策"
            raise NotFoundError(message, code="no-policy") from error


def version(context: Context, wanted: str) -> Policy:
    """See `Office.policy_version`."""
    try:
        return context.policies.get(known_form(wanted))
    except UnknownPolicyError as error:
        raise NotFoundError from error


def files(context: Context, principal: Principal, wanted: str) -> dict[str, str]:
    """See `Office.policy_files`."""
    require_role(principal, "policy", "auditor")
    with read(context.engine) as conn:
        try:
            return context.policies.files(conn, known_form(wanted))
        except UnknownPolicyError as error:
            raise NotFoundError from error


def describe(context: Context, wanted: str | None) -> PolicyView:
    """See `Office.describe_policy`."""
    with read(context.engine) as conn:
        now = context.now()
        try:
            wanted = wanted or context.policies.current_version(conn, now)
        except UnknownPolicyError as error:
            raise NotFoundError from error
        return latest(conn, known_form(wanted), read_activations(conn), now)


def look(context: Context, principal: Principal, wanted: str) -> PolicyView:
    """See `Office.get_policy`."""
    require_role(principal, "policy", "auditor")
    return describe(context, wanted)


def latest(conn: Connection, wanted: str, rows: Sequence[Activation], now: str) -> PolicyView:
    """A version by its latest proposal.

    Raises:
        NotFoundError: there is no such version.

    """
    found = read_proposals(conn, wanted)
    if not found:
        raise NotFoundError
    return view(conn, found[-1], rows, now)


def history(context: Context, principal: Principal, after: str | None, limit: int) -> PolicyHistory:
    """See `Office.policy_history`."""
    require_role(principal, "policy", "auditor")
    if not 1 <= limit <= PAGE_LIMIT:
        raise InvalidError((FieldError("limit", "range", f"应为 1 至 {PAGE_LIMIT}"),))
    with read(context.engine) as conn:
        found = list(reversed(read_proposals(conn)))
        if after is not None:
            places = [i for i, p in enumerate(found) if str(p.id) == after]
            if not places:
                raise InvalidError((FieldError("after", "wrong-value", "没有这一页"),))
            found = found[places[0] + 1 :]
        rows, now = read_activations(conn), context.now()
        items = tuple(view(conn, p, rows, now) for p in found[:limit])
    return PolicyHistory(items, items[-1].id if len(found) > limit else None)


def view(conn: Connection, proposal: Proposal, rows: Sequence[Activation], now: str) -> PolicyView:
    """A proposal and what became of it, at an instant."""
    own = next((a for a in reversed(rows) if a.proposal.id == proposal.id and a.act != "withdrawal"), None)
    standing = in_force(rows, now)
    active = standing is not None and standing.version == proposal.version
    state = cast("PolicyState", {"open": "proposed"}.get(proposal.state, proposal.state))
    if proposal.state == "approved" and own is not None:
        those = [a for a in timeline(rows) if a.effective_from <= now and a.version == proposal.version]
        brought = next((a for a in reversed(those) if a.act != "withdrawal"), None)
        state = "pending" if own.effective_from > now else "in-force" if active and own == brought else "past"
    checks, changes = proposal_texts(conn, proposal)
    seen = (proposal.id, state, proposal.closed_at, active)
    return PolicyView(
        id=str(proposal.id),
        version=proposal.version,
        state=state,
        active=active,
        reason=proposal.reason,
        base=proposal.base,
        rollback=proposal.rollback,
        start=dt.date.fromisoformat(proposal.from_on) if proposal.from_on else None,
        migration=cast("MigrationChoice", proposal.migration),
        proposed_by=proposal.proposed_by,
        proposed_at=proposal.proposed_at,
        approved_by=own.approved_by if own else None,
        approved_at=own.approved_at if own else None,
        effective_from=own.effective_from if own else None,
        closed_by=proposal.closed_by,
        closed_at=proposal.closed_at,
        remark=proposal.remark or "",
        key=key_id(own.signer) if own and own.signer else None,
        counts=counts_stored(conn, proposal.version) or {},
        checks=CHECKS.validate_json(checks),
        changes=CHANGES.validate_json(changes),
        etag=hashlib.sha256(repr(seen).encode()).hexdigest()[:20],
    )


def verify(context: Context, principal: Principal, wanted: str | None) -> PolicyVerification:
    """See `Office.verify_policies`."""
    require_role(principal, "policy", "auditor")
    with read(context.engine) as conn:
        versions = stored_versions(conn)
        if wanted is not None:
            if known_form(wanted) not in versions:
                raise NotFoundError
            versions = (wanted,)
        rows = read_activations(conn)
        findings = [found for v in versions for found in _content(context, conn, v, rows)]
        findings += [f for f in _order(context, rows) if f.version in versions]
        findings += [f for f in _logged(conn, rows) if f.version in versions]
        findings += [f for f in _proposals(conn, rows) if f.version in versions]
    chosen = [a for a in rows if a.version in versions]
    unsigned = tuple(dict.fromkeys(a.version for a in chosen if a.signature is None))
    signers = tuple(dict.fromkeys(a.signer for a in chosen if a.signer is not None))
    return PolicyVerification(len(versions), len(chosen), unsigned, tuple(findings), signers)


def _content(context: Context, conn: Connection, wanted: str, rows: Sequence[Activation]) -> list[PolicyFinding]:
    """Whether the files of a version still have its hash, and its compiled form the one that was put in force."""
    from engine.language.build import version_of  # noqa: PLC0415 - pulls in the whole language, which few calls need

    try:
        found = version_of(context.policies.files(conn, wanted))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the bytes, they are not what was stored
        return [PolicyFinding(wanted, None, f"所存内容读不出来（{type(error).__name__}）")]
    findings = [] if found == wanted else [PolicyFinding(wanted, None, f"所存内容已被改动，现在的哈希是 {found[:12]}")]
    for row in rows:
        if row.version == wanted and row.ir is not None:
            try:
                context.policies.ir(conn, wanted, row.ir)
            except CorruptPolicyError:
                findings.append(PolicyFinding(wanted, row.id, "所存的编译结果不是启用时的那一份"))
    return findings


def _logged(conn: Connection, rows: Sequence[Activation]) -> list[PolicyFinding]:
    """Whether each activation since compiled forms are kept stands in the log of events, and the log has no other."""
    wanted = {row.id: row for row in rows if row.ir is not None}
    stream = read_events(conn, STREAM)
    findings = []
    try:
        for event in checked(stream):
            row = wanted.pop(event.payload["activation"], None)
            if event.type != ACTIVATED or row is None:
                version = str(event.payload["version"])
                findings.append(PolicyFinding(version, None, f"事件日志里的第 {event.version} 次启用没有启用记录"))
            elif event.payload != row.note():
                findings.append(PolicyFinding(row.version, row.id, "启用记录与事件日志里的不符"))
    except BrokenChainError:
        newest = rows[-1].version if rows else ""
        return [PolicyFinding(newest, None, "事件日志里的启用事件已被改动")]
    return findings + [PolicyFinding(row.version, row.id, "启用记录不在事件日志里") for row in wanted.values()]


def _order(context: Context, rows: Sequence[Activation]) -> list[PolicyFinding]:
    """Whether each activation is signed, by two persons, and follows the one before it."""
    findings = []
    begun = False
    for row, before, _ in chained(rows):
        problems = [f"启用记录{p}" for p in [signature_problem(row, context.signer)] if p]
        if row.signature is None and begun:
            problems.append("启用记录没有签名")
        if row.signature is not None and row.previous != before:
            problems.append("启用记录与前一条接不上：有记录被删除、插入、改动或调换")
        if row.act == "approval" and row.approved_by == row.proposal.proposed_by:
            problems.append("提出人与批准人是同一人")
        if row.act != "withdrawal" and row.version != row.proposal.version:
            problems.append("启用的不是所提出的版本")
        findings += [PolicyFinding(row.version, row.id, problem) for problem in problems]
        begun = begun or row.signature is not None
    return findings


def _proposals(conn: Connection, rows: Sequence[Activation]) -> list[PolicyFinding]:
    """Proposals said to be approved for which nothing was ever put in force, and those whose texts were changed."""
    known = {a.proposal.id for a in rows}
    findings = []
    for p in read_proposals(conn):
        if p.state == "approved" and p.id not in known:
            findings.append(PolicyFinding(p.version, None, "已批准，而没有启用记录"))
        digests = [hashlib.sha256(text.encode()).hexdigest() for text in proposal_texts(conn, p)]
        if digests != [p.checks_digest, p.changes_digest]:
            findings.append(PolicyFinding(p.version, None, "所存的检查结果或者改动说明已被改动"))
    return findings
