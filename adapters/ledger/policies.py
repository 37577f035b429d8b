"""Policy versions in the ledger: stored whole and compressed by content, compiled once per process and kept."""

from __future__ import annotations

import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, insert, select

from adapters.ledger.database import read
from adapters.ledger.tables import activations, policies
from engine.language.ir import Policy

KEPT = 16
"""Compiled policies kept in memory; old cases pin old versions, and few versions are worked at one time."""


class UnknownPolicyError(Exception):
    """The ledger has no policy of this version, or none is in force."""


class CorruptPolicyError(Exception):
    """A stored policy no longer compiles to the version it is stored under."""


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """How a version came into the ledger. People are `department/officer`; approval is the latest activation's."""

    version: str
    counts: Mapping[str, int]
    proposed_at: str
    proposed_department: str
    proposed_officer: str
    proposed_key: str
    approved_by: str | None
    approved_at: str | None

    @property
    def proposed_by(self) -> str:
        """The proposer as `department/officer`."""
        return f"{self.proposed_department}/{self.proposed_officer}"


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
    """Compiled policies by version, and which one is in force. Shared between threads."""

    def __init__(self, engine: Engine, compiler: Callable[[Mapping[str, str]], Policy] = compile_files) -> None:
        self._engine = engine
        self._compile = compiler
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Policy] = OrderedDict()
        self._current = select(activations.c.version).order_by(activations.c.id.desc()).limit(1)

    def current_version(self, conn: Connection) -> str:
        """The version in force.

        Raises:
            UnknownPolicyError: none has been activated yet.

        """
        version = conn.execute(self._current).scalar()
        if version is None:
            raise UnknownPolicyError
        return str(version)

    def current(self, conn: Connection) -> Policy:
        """The policy in force."""
        return self.get(self.current_version(conn), conn)

    def get(self, version: str, conn: Connection | None = None) -> Policy:
        """A policy by version, in force or not.

        Raises:
            UnknownPolicyError: not in the ledger.
            CorruptPolicyError: what is stored is not what was put in.

        """
        with self._lock:
            kept = self._kept.get(version)
            if kept is not None:
                self._kept.move_to_end(version)
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

        """
        content = conn.execute(select(policies.c.content).where(policies.c.version == version)).scalar()
        if content is None:
            raise UnknownPolicyError(version)
        files: dict[str, str] = json.loads(zlib.decompress(content))
        return files

    def describe(self, conn: Connection, version: str) -> StoredPolicy | None:
        """How a version came into the ledger, or None."""
        row = conn.execute(select(policies).where(policies.c.version == version)).one_or_none()
        if row is None:
            return None
        latest = conn.execute(
            select(activations.c.approved_by, activations.c.approved_at)
            .where(activations.c.version == version)
            .order_by(activations.c.id.desc())
            .limit(1)
        ).one_or_none()
        return StoredPolicy(
            row.version, json.loads(row.counts), row.proposed_at, row.proposed_department, row.proposed_officer,
            row.proposed_key, latest.approved_by if latest else None, latest.approved_at if latest else None,
        )  # fmt: skip

    def put(self, conn: Connection, policy: Policy, *, department: str, officer: str, key_id: str, at: str) -> None:
        """Store a compiled policy as a proposal. A version already stored keeps its first proposer."""
        if self.describe(conn, policy.version) is not None:
            return
        content = zlib.compress(json.dumps(dict(policy.sources), ensure_ascii=False, sort_keys=True).encode(), 6)
        conn.execute(
            insert(policies).values(
                version=policy.version,
                content=content,
                counts=json.dumps(counts_of(policy)),
                proposed_at=at,
                proposed_department=department,
                proposed_officer=officer,
                proposed_key=key_id,
            )
        )

    def activate(self, conn: Connection, stored: StoredPolicy, *, approved_by: str, key_id: str, at: str) -> None:
        """Put a stored version into force."""
        conn.execute(
            insert(activations).values(
                version=stored.version,
                proposed_by=stored.proposed_by,
                approved_by=approved_by,
                approved_key=key_id,
                approved_at=at,
            )
        )


def counts_of(policy: Policy) -> dict[str, int]:
    """How many documents of each kind a policy has."""
    kinds = ("laws", "departments", "records", "lists", "measures", "matters", "tables", "memoranda", "calendars")
    counts = {kind: len(getattr(policy, kind)) for kind in kinds}
    counts["rules"] = sum(len(m.rules) for m in policy.memoranda.values())
    return counts
