"""What every act about a policy has in common: who may, one transaction under a lock, and once for each key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from adapters.ledger.activations import Activation, Proposal, read_activations
from adapters.ledger.database import VersionConflictError, retrying, write
from adapters.ledger.policies import CorruptPolicyError, UnknownPolicyError, read_proposals
from adapters.office.access import actor_of, known_form, require_role
from adapters.office.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionError,
    storable,
)
from adapters.office.model import Idempotency, PolicyView, Principal
from adapters.office.policy import view
from adapters.office.ports import Context
from adapters.office.repeating import claim, keep, replay
from engine.casework.model import Actor
from engine.language.ir import Policy

HOST_KEY = "host"
"""`key_id` of what is done on the command line of the host."""
MAX_WORDS = 2_000
"""Characters in a reason or remark."""
Work = Callable[[Connection, tuple[Activation, ...], Actor, str], PolicyView]
"""What is done under the lock: with the activations so far, by whom, and at which instant."""


def check_words(name: str, text: str, *, required: bool = False) -> None:
    """Raise `InvalidError` unless a reason or remark can be kept."""
    if required and not text.strip():
        raise InvalidError((FieldError(name, "required", "须说明理由"),))
    if len(text) > MAX_WORDS or not storable(text):
        raise InvalidError((FieldError(name, "length", f"最长 {MAX_WORDS} 字，且不含控制字符"),))


def acted(
    context: Context,
    principal: Principal,
    work: Callable[[Connection, tuple[Activation, ...], Actor, str], PolicyView],
    idem: Idempotency | None,
) -> PolicyView:
    """Do something about a policy in one transaction, once for each idempotency key."""
    require_role(principal, "policy")
    actor = actor_of(principal)

    def attempt() -> PolicyView:
        with write(context.engine) as conn:
            done = replay(conn, principal, idem, PolicyView)
            if done is not None:
                return replace(done, replayed=True)
            rows, now = locked(conn), context.now()
            if not claim(conn, principal, idem, now):
                raise VersionConflictError
            result = work(conn, rows, actor, now)
            keep(conn, principal, idem, result)
        return result

    return settled(attempt)


def locked(conn: Connection) -> tuple[Activation, ...]:
    """The activations, which nobody else adds to until this transaction ends."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("LOCK TABLE proposals, activations IN EXCLUSIVE MODE")
    return read_activations(conn)


def settled(work: Callable[[], PolicyView]) -> PolicyView:
    """Do something that other writers may come before, until it is done or they have won too often."""
    try:
        return retrying(work)
    except VersionConflictError as error:
        raise ConflictError from error


def open_proposal(
    conn: Connection, rows: Sequence[Activation], wanted: str, now: str, if_match: str | None
) -> Proposal:
    """The proposal of a version that waits for approval.

    Raises:
        NotFoundError: nobody ever proposed this version.
        ConflictError: it waits no longer.
        PreconditionError: it is not as the caller saw it.

    """
    found = read_proposals(conn, known_form(wanted))
    if not found:
        raise NotFoundError
    if if_match is not None and if_match != view(conn, found[-1], rows, now).etag:
        raise PreconditionError
    if found[-1].state != "open":
        seen = view(conn, found[-1], rows, now)
        if seen.active:
            raise ConflictError(code="policy-active", title="该政策已经生效")
        raise ConflictError(code="policy-closed", title="该政策已经批准、不予批准或者撤回")
    return found[-1]


def require_second_person(proposal: Proposal, actor: Actor, key_id: str) -> None:
    """Raise `ForbiddenError` if this is who proposed, by name or by key."""
    same_key = proposal.proposed_key == key_id and key_id != HOST_KEY
    if same_key or (proposal.proposed_department, proposal.proposed_officer) == (actor.department, actor.officer):
        raise same_person()


def same_person() -> ForbiddenError:
    """Why somebody may not approve."""
    message = "提出人与批准人须为两人，并使用各自的密钥"
    return ForbiddenError(message, code="same-person", title="提出与批准不能为同一人")


def name_of(actor: Actor) -> str:
    """Who acts, as it is kept."""
    return f"{actor.department}/{actor.officer}"


def loaded(context: Context, wanted: str) -> Policy:
    """A version that is to come into force, compiled.

    Raises:
        NotFoundError: it is not in the ledger.
        ConflictError: `policy-corrupt`, it is not what was proposed, or this program does not compile it.

    """
    try:
        return context.policies.get(wanted)
    except UnknownPolicyError as error:
        raise NotFoundError from error
    except CorruptPolicyError as error:
        raise ConflictError(code="policy-corrupt", title="所存内容与版本不符或者不能编译，不能启用") from error
