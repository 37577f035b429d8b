"""Policy versions in the ledger: stored whole and compressed by content, read once per process and kept.

A version that was never in force is compiled from its files. When it is first put in force its compiled form is stored
beside them, and the signed activation carries the digest of that. From then on the form is what is read: a later
compiler may be stricter or understand a line in another way, and what was decided still finds its rules.
"""

from __future__ import annotations

import hashlib
import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from sqlalchemy import Connection, Engine, exists, insert, select, update

from adapters.ledger.activations import (
    PROPOSAL,
    Activation,
    Proposal,
    UntrustedPolicyError,
    check_signature,
    in_force_id,
    proposal_of,
    read_activations,
    signature_problem,
    still_to_come,
)
from adapters.ledger.database import read
from adapters.ledger.tables import policies, proposals
from adapters.signing import Signer
from engine.language.ir import Policy
from engine.language.ir_json import from_json, to_json

KEPT = 16
"""Compiled policies kept in memory; old cases pin old versions, and few versions are worked at one time."""


class UnknownPolicyError(Exception):
    """The ledger has no policy of this version, or none is in force."""


class CorruptPolicyError(Exception):
    """What is stored of a policy is not what was put in, or its files do not compile any more."""


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
                    policy = self._read(own, version)
            else:
                policy = self._read(conn, version)
            self.keep(policy)
        return policy

    def _read(self, conn: Connection, version: str) -> Policy:
        """The compiled form that an activation vouches for, or what the files compile to."""
        from engine.language.build import version_of  # noqa: PLC0415 - as in `compile_files`

        files = self.files(conn, version)
        digest = self._vouched(conn, version)
        if digest is None:
            policy = self._compile(files)
        elif version_of(files) != version:
            message = f"stored as {version}, has the files of {version_of(files)}"
            raise CorruptPolicyError(message)
        else:
            try:
                policy = from_json(self.ir(conn, version, digest), files)
            except ValueError as error:
                message = f"the compiled form of {version}: {error}"
                raise CorruptPolicyError(message) from error
        if policy.version != version:
            message = f"stored as {version}, compiles to {policy.version}"
            raise CorruptPolicyError(message)
        return policy

    def _vouched(self, conn: Connection, version: str) -> str | None:
        """The digest of the version's compiled form; None if it was never in force since such forms are kept.

        Raises:
            UntrustedPolicyError: who says so did not sign it.

        """
        row = next((a for a in read_activations(conn) if a.version == version and a.ir is not None), None)
        if row is None:
            return None
        problem = "没有签名" if row.signature is None else signature_problem(row, self._signer)
        if problem is not None:
            raise UntrustedPolicyError(f"政策 {version[:12]} 的启用记录{problem}，不予启用")
        return row.ir

    def ir(self, conn: Connection, version: str, digest: str) -> str:
        """The compiled form of a version as JSON text, which has to have this SHA-256.

        Raises:
            CorruptPolicyError: it has not.

        """
        content = conn.execute(select(policies.c.ir).where(policies.c.version == version)).scalar()
        try:
            text = zlib.decompress(content or b"")
        except zlib.error as error:
            message = f"the compiled form of {version} cannot be read"
            raise CorruptPolicyError(message) from error
        if hashlib.sha256(text).hexdigest() != digest:
            message = f"the compiled form of {version} is not the one that was put in force"
            raise CorruptPolicyError(message)
        return text.decode()

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


def put_ir(conn: Connection, rows: Iterable[Activation], policy: Policy) -> str:
    """Store the compiled form of a version that is put in force, unless one of `rows` put it in force with one before.

    `policy` is what its files compile to. Returns the digest that the activation has to carry.
    """
    before = next((a.ir for a in rows if a.version == policy.version and a.ir is not None), None)
    if before is not None:
        return before
    text = to_json(policy).encode()
    digest = hashlib.sha256(text).hexdigest()
    conn.execute(
        update(policies).where(policies.c.version == policy.version).values(ir=zlib.compress(text, 6), ir_digest=digest)
    )
    return digest


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
    "put_ir",
    "put_policy",
    "put_proposal",
    "read_proposals",
    "stored_versions",
]
