"""Policy versions in the ledger: stored whole and compressed by content, compiled once per process and kept."""

from __future__ import annotations

import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlalchemy import Connection, Engine, exists, insert, select, update

from adapters.ledger.activations import (
    PROPOSAL,
    Proposal,
    UntrustedPolicyError,
    check_signature,
    in_force_id,
    proposal_of,
    read_activations,
    still_to_come,
)
from adapters.ledger.database import read
from adapters.ledger.tables import policies, proposals
from adapters.signing import Signer
from engine.language.ir import Policy

KEPT = 16
"""Compiled policies kept in memory; old cases pin old versions, and few versions are worked at one time."""


class UnknownPolicyError(Exception):
    """The ledger has no policy of this version, or none is in force."""


class CorruptPolicyError(Exception):
    """A stored policy no longer compiles to the version it is stored under."""


def compile_files(files: Mapping[str, str]) -> Policy:
    """The policy that a stored bundle compiles to.

    Raises:
        CorruptPolicyError: it does not compile.

    """
    from engine.compiler import compile_policy  # noqa: PLC0415 - opening a ledger must not pay for the compiler

    compiled = compile_policy(files)
    if compiled.policy is None:
        raise CorruptPolicyError("; ".join(str(d) for d in compiled.diagnostics))
    return compiled.policy


class PolicyStore:
    """Compiled policies by version, and which one is in force when. Shared between threads.

    Without a signer signatures are verified, but whose they are is not looked at.
    """

    def __init__(
        self,
        engine: Engine,
        compiler: Callable[[Mapping[str, str]], Policy] = compile_files,
        signer: Signer | None = None,
    ) -> None:
        self._engine = engine
        self._compile = compiler
        self._signer = signer
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Policy] = OrderedDict()
        self._compiling: dict[str, threading.Lock] = {}
        self._trusted: dict[int, str] = {}  # activations whose signature was verified → version
        self._newest = 0  # the latest of them; time does not lead back to one before it
        self._in_force = in_force_id()

    def current_version(self, conn: Connection, now: str) -> str:
        """The version in force at an instant (`Context.now`).

        Raises:
            UnknownPolicyError: none is yet.
            UntrustedPolicyError: what is to be in force is not signed as it must be.

        """
        activation = conn.execute(self._in_force, {"now": now}).scalar()
        if activation is None:
            raise UnknownPolicyError
        return self._version(activation, conn)

    def current(self, conn: Connection, now: str) -> Policy:
        """The policy in force at an instant. To be asked once for a request, which then goes by what it was told."""
        return self.get(self.current_version(conn, now), conn)

    def activated(self, activation: int) -> Policy:
        """The policy that an activation puts in force, for a caller that found the activation itself."""
        version = self._trusted.get(activation)
        if version is None or activation < self._newest:
            with read(self._engine) as conn:
                version = self._version(activation, conn)
        return self.get(version)

    def _version(self, activation: int, conn: Connection) -> str:
        version = self._trusted.get(activation)
        if version is None or activation < self._newest:
            rows = read_activations(conn)
            version = check_signature(rows, activation, self._signer).version
            if self._newest and all(row.id != self._newest for row in rows):
                raise UntrustedPolicyError("已经生效的启用记录不见了，不予启用更早的")
            self._trusted[activation] = version
            self._newest = max(self._newest, activation)
        return version

    def prepare(self, conn: Connection, now: str) -> None:
        """Compile what is to come into force, so that nobody waits for it then."""
        for row in still_to_come(read_activations(conn), now):
            self.get(row.version, conn)

    def get(self, version: str, conn: Connection | None = None) -> Policy:
        """A policy by version, in force or not.

        Raises:
            UnknownPolicyError: not in the ledger.
            CorruptPolicyError: what is stored is not what was put in.

        """
        kept = self._remembered(version)
        if kept is not None:
            return kept
        with self._lock:
            compiling = self._compiling.setdefault(version, threading.Lock())
        with compiling:  # when a version comes into force everybody wants it at once; one compiles it
            kept = self._remembered(version)
            if kept is not None:
                return kept
            if conn is None:
                with read(self._engine) as own:
                    files = self.files(own, version)
            else:
                files = self.files(conn, version)
            policy = self._compile(files)
            if policy.version != version:
                message = f"stored as {version}, compiles to {policy.version}"
                raise CorruptPolicyError(message)
            self.keep(policy)
        return policy

    def _remembered(self, version: str) -> Policy | None:
        with self._lock:
            kept = self._kept.get(version)
            if kept is not None:
                self._kept.move_to_end(version)
            return kept

    def keep(self, policy: Policy) -> None:
        """Remember a policy that has just been compiled."""
        with self._lock:
            self._kept[policy.version] = policy
            self._kept.move_to_end(policy.version)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def files(self, conn: Connection, version: str) -> dict[str, str]:
        """The files of a version, path → text.

        Raises:
            UnknownPolicyError: not in the ledger.
            CorruptPolicyError: what is stored is not what was put in.

        """
        content = conn.execute(select(policies.c.content).where(policies.c.version == version)).scalar()
        if content is None:
            raise UnknownPolicyError(version)
        try:
            files: dict[str, str] = json.loads(zlib.decompress(content))
        except (zlib.error, ValueError) as error:
            message = f"stored as {version}, cannot be read"
            raise CorruptPolicyError(message) from error
        return files


def put_policy(conn: Connection, version: str, files: Mapping[str, str], counts: Mapping[str, int]) -> None:
    """Store a bundle under its version, unless it is there."""
    if conn.execute(select(exists().where(policies.c.version == version))).scalar():
        return
    content = zlib.compress(json.dumps(dict(files), ensure_ascii=False, sort_keys=True).encode(), 6)
    conn.execute(insert(policies).values(version=version, content=content, counts=json.dumps(dict(counts))))


def stored_versions(conn: Connection) -> tuple[str, ...]:
    """Every version in the ledger."""
    return tuple(conn.execute(select(policies.c.version).order_by(policies.c.version)).scalars())


def counts_stored(conn: Connection, version: str) -> dict[str, int] | None:
    """How many documents of each kind a stored version has; None if there is no such version."""
    text = conn.execute(select(policies.c.counts).where(policies.c.version == version)).scalar()
    counts: dict[str, int] | None = None if text is None else json.loads(text)
    return counts


def put_proposal(conn: Connection, proposal: Proposal, checks: str, changes: str) -> Proposal:
    """Store a proposal, whose version is stored already; returns it with its id."""
    values = {c.name: getattr(proposal, c.name) for c in PROPOSAL if c.name != "id"}
    values |= {"checks": checks, "changes": changes}
    made = conn.execute(insert(proposals).values(values).returning(proposals.c.id)).scalar_one()
    return replace(proposal, id=made)


def close_proposal(
    conn: Connection, proposal: Proposal, state: str, *, by: str, key_id: str, at: str, remark: str
) -> None:
    """Note what became of a proposal."""
    conn.execute(
        update(proposals)
        .where(proposals.c.id == proposal.id)
        .values(state=state, closed_by=by, closed_key=key_id, closed_at=at, remark=remark)
    )


def read_proposals(conn: Connection, version: str | None = None) -> tuple[Proposal, ...]:
    """All proposals, or those of one version, in the order in which they were made."""
    query = select(*PROPOSAL).order_by(proposals.c.id)
    if version is not None:
        query = query.where(proposals.c.version == version)
    return tuple(map(proposal_of, conn.execute(query)))


def proposal_texts(conn: Connection, proposal: Proposal) -> tuple[str, str]:
    """What was checked of a proposal, and what it changes, as JSON."""
    query = select(proposals.c.checks, proposals.c.changes).where(proposals.c.id == proposal.id)
    checks, changes = conn.execute(query).one()
    return checks, changes


__all__ = [
    "CorruptPolicyError",
    "PolicyStore",
    "UnknownPolicyError",
    "UntrustedPolicyError",
    "close_proposal",
    "compile_files",
    "counts_stored",
    "proposal_texts",
    "put_policy",
    "put_proposal",
    "read_proposals",
    "stored_versions",
]
