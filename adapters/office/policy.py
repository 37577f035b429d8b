"""Policy versions: proposed by one person, approved by another, in force from that moment for new cases."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.ledger.database import read, write
from adapters.ledger.policies import StoredPolicy, UnknownPolicyError
from adapters.office.access import actor_of, known_form, require_role
from adapters.office.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from adapters.office.model import PolicyView, Principal
from adapters.office.ports import Context
from engine.casework.model import Actor
from engine.compiler import compile_policy
from engine.language.ir import Policy

HOST_KEY = "host"
"""`key_id` of what is done on the command line of the host."""


def current(context: Context) -> Policy:
    """See `Office.current_policy`."""
    with read(context.engine) as conn:
        try:
            return context.policies.current(conn)
        except UnknownPolicyError as error:
            message = "尚无生效的政策"
            raise NotFoundError(message, code="no-policy") from error


def version(context: Context, wanted: str) -> Policy:
    """See `Office.policy_version`."""
    try:
        return context.policies.get(known_form(wanted))
    except UnknownPolicyError as error:
        raise NotFoundError from error


def describe(context: Context, wanted: str | None) -> PolicyView:
    """See `Office.describe_policy`."""
    with read(context.engine) as conn:
        try:
            active = context.policies.current_version(conn)
        except UnknownPolicyError:
            active = None  # nothing is in force yet; a proposal can be described all the same
        chosen = wanted or active
        stored = context.policies.describe(conn, known_form(chosen)) if chosen else None
    if stored is None:
        raise NotFoundError
    return _view(stored, active)


def propose(context: Context, principal: Principal, files: Mapping[str, str]) -> PolicyView:
    """See `Office.propose_policy`."""
    require_role(principal, "policy")
    return _put(context, files, actor_of(principal), principal.key_id)


def approve(context: Context, principal: Principal, wanted: str) -> PolicyView:
    """See `Office.approve_policy`."""
    require_role(principal, "policy")
    return _activate(context, wanted, actor_of(principal), principal.key_id)


def bootstrap(context: Context, files: Mapping[str, str], proposed_by: Actor, approved_by: Actor) -> PolicyView:
    """See `Office.bootstrap_policy`."""
    policy = compiled(files)
    with read(context.engine) as conn:
        try:
            active = context.policies.current_version(conn)
        except UnknownPolicyError:
            active = None  # what this is for
    if active == policy.version:
        context.policies.keep(policy)
        return describe(context, active)
    if active is not None:
        message = f"已有生效的政策 {active[:12]}，请按提出、批准两步更新"
        raise ConflictError(message, code="policy-active")
    _put(context, files, proposed_by, HOST_KEY)
    return _activate(context, policy.version, approved_by, HOST_KEY)


def compiled(files: Mapping[str, str]) -> Policy:
    """The policy that the files make.

    Raises:
        InvalidError: they do not compile; one error for each diagnostic.

    """
    result = compile_policy(files)
    if result.policy is None:
        raise InvalidError(
            tuple(FieldError(str(d.span), d.code, d.message) for d in result.diagnostics if d.severity == "error"),
        )
    return result.policy


def _put(context: Context, files: Mapping[str, str], who: Actor, key_id: str) -> PolicyView:
    policy = compiled(files)
    with write(context.engine) as conn:
        context.policies.put(
            conn, policy, department=who.department, officer=who.officer, key_id=key_id, at=context.now()
        )
    context.policies.keep(policy)
    return describe(context, policy.version)


def _activate(context: Context, wanted: str, who: Actor, key_id: str) -> PolicyView:
    with write(context.engine) as conn:
        stored = context.policies.describe(conn, known_form(wanted))
        if stored is None:
            raise NotFoundError
        same_key = stored.proposed_key == key_id and key_id != HOST_KEY
        if same_key or (stored.proposed_department, stored.proposed_officer) == (who.department, who.officer):
            message = "提出人与批准人须为两人，并使用各自的密钥"
            raise ForbiddenError(message, code="same-person", title="提出与批准不能为同一人")
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("LOCK TABLE activations IN EXCLUSIVE MODE")
        try:
            active = context.policies.current_version(conn)
        except UnknownPolicyError:
            active = None  # the first one
        if active == wanted:
            raise ConflictError(code="policy-active", title="该政策已经生效")
        context.policies.activate(
            conn, stored, approved_by=f"{who.department}/{who.officer}", key_id=key_id, at=context.now()
        )
    return describe(context, wanted)


def _view(stored: StoredPolicy, active: str | None) -> PolicyView:
    return PolicyView(
        stored.version, stored.proposed_by, stored.proposed_at, stored.approved_by, stored.approved_at,
        stored.version == active, stored.counts,
    )  # fmt: skip
