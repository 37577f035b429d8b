"""Which policy is in force when, and the proof of it: signed statements, each naming the digest of the one before.

An activation puts a version in force from an instant on. In force at a moment is the last row whose instant has come;
nothing has to run at that instant. So a row overrides all before it that were to come into force no earlier than it
does: a rollback also takes back what is still to come, and to withdraw one that is still to come, a further row puts
the version of before in force at the same instant.

Each is also logged as an event in the stream `policy:activations`, with the digest of its statement: so activations
stand under the signed tree of all events, and cutting off the last ones breaks what others hold.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, Select, bindparam, insert, select

from adapters.ledger.store import append_note
from adapters.ledger.tables import activations, proposals
from adapters.signing import Signer, SigningKeyError
from engine.casework.model import Actor
from engine.proof.signed import verified

Act = Literal["first", "approval", "rollback", "withdrawal"]
FORMAT_BEFORE_IR = "xinheng policy activation 1"
FORMAT = "xinheng policy activation 2"
STREAM = "policy:activations"
ACTIVATED = "policy-activated"
"""The stream and type of the events."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A version as somebody proposed it; `id` is 0 before it is stored.

    `state`: open, approved, refused, withdrawn. `from_on`: a day in China, None for as soon as it is approved.
    `checks_digest`, `changes_digest`: SHA-256 of what was checked and what changes, two long texts that are kept apart.
    """

    id: int
    version: str
    base: str | None
    rollback: bool
    reason: str
    from_on: str | None
    migration: str
    checks_digest: str
    changes_digest: str
    proposed_at: str
    proposed_department: str
    proposed_officer: str
    proposed_key: str
    state: str
    closed_at: str | None
    closed_by: str | None
    closed_key: str | None
    remark: str | None

    @property
    def proposed_by(self) -> str:
        """The proposer as `department/officer`."""
        return f"{self.proposed_department}/{self.proposed_officer}"


@dataclass(frozen=True, slots=True)
class Activation:
    """A version in force from an instant on. Without a signature: from before there were any.

    `ir`: SHA-256 of the version's compiled form; None from before that was kept.
    """

    id: int
    act: Act
    version: str
    replaces: str | None
    proposal: Proposal
    effective_from: str
    approved_by: str
    approved_key: str
    approved_at: str
    remark: str
    previous: str | None
    signer: str | None
    signature: str | None
    ir: str | None

    def statement(self, previous: str | None) -> bytes:
        """What is signed, as canonical JSON (RFC 8785), after an activation with this digest."""
        import rfc8785  # noqa: PLC0415 - few commands sign or verify

        proposal = self.proposal
        bound = {"format": FORMAT_BEFORE_IR} if self.ir is None else {"format": FORMAT, "ir": self.ir}
        return rfc8785.dumps(
            {
                **bound,
                "act": self.act,
                "version": self.version,
                "replaces": self.replaces,
                "from": self.effective_from,
                "previous": previous,
                "proposed": {
                    "id": proposal.id, "by": proposal.proposed_by, "key": proposal.proposed_key,
                    "at": proposal.proposed_at, "base": proposal.base, "rollback": proposal.rollback,
                    "reason": proposal.reason, "from": proposal.from_on, "migration": proposal.migration,
                    "version": proposal.version,
                },
                "checks": proposal.checks_digest,
                "changes": proposal.changes_digest,
                "approved": {
                    "by": self.approved_by, "key": self.approved_key, "at": self.approved_at, "remark": self.remark,
                },
                "signer": self.signer,
            }
        )  # fmt: skip

    def note(self) -> dict[str, Any]:
        """What its event says."""
        return {
            "activation": self.id, "statement": hashlib.sha256(self.statement(self.previous)).hexdigest(),
            "version": self.version, "ir": self.ir, "effective_from": self.effective_from, "act": self.act,
        }  # fmt: skip


class UntrustedPolicyError(Exception):
    """What is to be in force is not signed as it must be, so it is not. The message is Chinese."""


PROPOSAL = tuple(proposals.c[name] for name in Proposal.__slots__)
"""The columns of a `Proposal`, in its order."""


PLACE = Activation.__slots__.index("proposal")


def proposal_of(row: Sequence[Any]) -> Proposal:
    """A row of `PROPOSAL`."""
    return Proposal(*row)


def in_force_id() -> Select[Any]:
    """The id of the activation in force at `:now`; one step back along the primary key."""
    return (
        select(activations.c.id)
        .where(activations.c.effective_from <= bindparam("now"))
        .order_by(activations.c.id.desc())
        .limit(1)
    )


def read_activations(conn: Connection) -> tuple[Activation, ...]:
    """All of them in the order in which they were made."""
    before, after = Activation.__slots__[:PLACE], Activation.__slots__[PLACE + 1 :]
    own = [activations.c[name].label(f"a_{name}") for name in (*before, *after)]
    query = select(*own, *PROPOSAL).join(proposals, proposals.c.id == activations.c.proposal_id)
    found = []
    for row in conn.execute(query.order_by(activations.c.id)):
        values = [*row[:PLACE], proposal_of(row[len(own) :]), *row[PLACE : len(own)]]
        found.append(Activation(*values))
    return tuple(found)


def in_force(rows: Iterable[Activation], instant: str) -> Activation | None:
    """The activation in force at an instant."""
    return max((a for a in rows if a.effective_from <= instant), key=lambda a: a.id, default=None)


def timeline(rows: Iterable[Activation]) -> tuple[Activation, ...]:
    """Those that are, were or will be in force for a time, in order."""
    standing: list[Activation] = []
    for row in sorted(rows, key=lambda a: a.id):
        while standing and (
            standing[-1].effective_from > row.effective_from
            or (row.act == "withdrawal" and standing[-1].effective_from == row.effective_from)
        ):
            standing.pop()
        standing.append(row)
    return tuple(standing)


def still_to_come(rows: Iterable[Activation], now: str) -> tuple[Activation, ...]:
    """Those that will bring something new into force, in order."""
    return tuple(a for a in timeline(rows) if a.effective_from > now and a.act != "withdrawal")


def chained(rows: Iterable[Activation]) -> Iterator[tuple[Activation, str | None, str]]:
    """Each with the digest of the one before, as it should be, and with its own."""
    before: str | None = None
    for row in rows:
        # an unsigned row claims nothing about the one before it; its digest is what the first signed row vouches for
        digest = hashlib.sha256(row.statement(before if row.signature is None else row.previous)).hexdigest()
        yield row, before, digest
        before = digest


def activate(
    conn: Connection,
    signer: Signer,
    rows: Sequence[Activation],
    *,
    act: Act,
    version: str,
    ir: str,
    proposal: Proposal,
    effective_from: str,
    actor: Actor,
    key_id: str,
    on: dt.date,
    at: str,
    remark: str,
) -> tuple[Activation, ...]:
    """Put a version in force from an instant on, after `rows`, which are all there are; returns them with the new one.

    `actor` approves it, on the day `on` at the instant `at`. The caller holds the lock on activations.

    Raises:
        SigningKeyError: the ledger was signed with another key, or there is no usable one.

    """
    signed = [r for r in rows if r.signer is not None]
    if signed and not signer.trusts(str(signed[-1].signer)):
        raise SigningKeyError("签名密钥不是本数据库所用的那一个；请找回原密钥文件，或者把原公钥写入 .trusted 文件")
    earlier = in_force(rows, effective_from)
    if act == "withdrawal":
        earlier = in_force((r for r in rows if r.effective_from < effective_from), effective_from)
    begin = next((i for i, row in reversed(list(enumerate(rows))) if row.signature is not None), 0)
    digest = None
    for _, _, digest in chained(rows[begin:]):  # noqa: B007 - the last one is wanted
        pass
    blank = Activation(
        0, act, version, earlier.version if earlier else None, proposal, effective_from,
        f"{actor.department}/{actor.officer}", key_id, at, remark, digest, signer.public_key, None, ir,
    )  # fmt: skip
    signature = signer.sign(blank.statement(digest))
    values = {c.name: getattr(blank, c.name) for c in activations.c if c.name not in {"id", "proposal_id"}}
    made = conn.execute(
        insert(activations)
        .values(values | {"proposal_id": proposal.id, "signature": signature})
        .returning(activations.c.id)
    ).scalar_one()
    new = replace(blank, id=made, signature=signature)
    append_note(conn, STREAM, ACTIVATED, new.note(), on=on, actor=actor, key_id=key_id, at=at)
    return (*rows, new)


def check_signature(rows: Sequence[Activation], activation: int, signer: Signer | None) -> Activation:
    """One activation, if it is signed as it must be, and so is all that came after it.

    For a later row with its instant changed would let an earlier one be in force again.

    Raises:
        UntrustedPolicyError: it is not.

    """
    found = None
    begin = next((i for i, row in enumerate(rows) if row.id == activation and row.signature is not None), 0)
    begun = begin > 0 and any(row.signature is not None for row in rows[:begin])
    for row, before, _ in chained(rows[begin:]):
        if row.id >= activation:
            problem = "没有签名" if row.signature is None and begun else signature_problem(row, signer)
            if problem is None and row.signature is not None and row.previous != before and row.id > activation:
                problem = "与前一条接不上"
            if problem is not None:
                raise UntrustedPolicyError(f"政策 {row.version[:12]} 的启用记录{problem}，不予启用")
        found = row if row.id == activation else found
        begun = begun or row.signature is not None
    if found is None:
        raise UntrustedPolicyError("启用记录不见了")
    return found


def signature_problem(row: Activation, signer: Signer | None) -> str | None:
    """What is wrong with a signature, as the end of a sentence. Without a signer any key counts."""
    if row.signature is None or row.signer is None:
        return None
    if not verified(row.signer, row.signature, row.statement(row.previous)):
        return "与签名不符"
    if signer is not None and not signer.trusts(row.signer):
        return "由不受信任的密钥签署"
    return None
