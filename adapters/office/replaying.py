"""Replay: decisions made again from what was logged, under the rules and with the knowledge that a question asks for.

As decided: under its own policy version, with its own facts, byte for byte. By today's rules: the same facts under the
policy in force now. Knowing now: under its own policy and as of its own day, with what has become known since: facts as
they were corrected later, records whose date is on or before that day though they arrived after it, relations, and
listings that stood on that day and were not annulled.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, select

from adapters.ledger.database import read
from adapters.ledger.decisions import (
    StoredDecision,
    UnknownDecisionError,
    count_decisions,
    decisions_of,
    read_decision,
    read_decisions,
)
from adapters.ledger.refolding import case_ids, differing
from adapters.ledger.serial import facts_from_json
from adapters.ledger.store import BrokenChainError
from adapters.ledger.tables import cases, records
from adapters.office import looks
from adapters.office.access import known_form, require_role
from adapters.office.errors import NotFoundError
from adapters.office.filing import opened_fields, relations_of
from adapters.office.model import Principal
from adapters.office.ports import Context
from adapters.pool import DisagreementError, EngineUnavailableError
from engine.casework.lifting import BEFORE_FORCE
from engine.casework.replaying import Change, Counterfactuals, Difference, Question, by_code, changes, statements
from engine.decision.conditions import AS_OF, Test, compile_condition
from engine.decision.model import LISTING_RECORD, Decision, Facts, Record, RelatedPerson
from engine.decision.reference import Interpreter
from engine.decision.rete import BudgetError
from engine.language.ir import Policy

Outcome = Literal["same", "different", "erased", "failed"]
Decider = Callable[[Policy, Facts], Decision]
"""A back end other than the reference interpreter, or several that have to agree."""
ANNULLED = frozenset({"annulment", "not-listed"})
"""Grounds on which a listing ended that should not have been."""
MAPPED = 2**40
"""Bytes of the database file that a replay maps into memory; SQLite takes what its build allows."""
LAST = "g"
"""Sorts after every digest."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one decision. `outcome`: same, different, erased (依法删除), or failed with the reason in `error`.

    `content` is the document that was logged, for whoever asks about one; None when it was erased.
    """

    digest: str
    case: str
    subject: str
    policy: str
    against: str  # the policy version that it was held against
    as_of: str
    outcome: Outcome
    differences: tuple[Difference, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Refolded:
    """What became of one case's events. `changes`: where the rows that queries read say otherwise."""

    case: str
    changes: tuple[Change, ...] = ()
    error: str = ""

    @property
    def same(self) -> bool:
        """Whether rows and events agree."""
        return not self.changes and not self.error


class Replayer:
    """Answers one question about many decisions. Keeps what it compiles; for one thread."""

    def __init__(self, context: Context, question: Question = "as-decided", decide: Decider | None = None) -> None:
        self._context = context
        self._question = question
        self._decide = decide
        self._interpreters: dict[str, Interpreter] = {}
        self._counterfactuals: dict[tuple[str, str], Counterfactuals] = {}
        self._excluded: dict[tuple[str, str], Test] = {}
        self._today: Policy | None = None

    def reproduces(self, conn: Connection, stored: StoredDecision) -> bool:
        """Whether a decision certainly comes out byte for byte, and nothing else is asked; `decision` says more."""
        content = stored.content
        if content is None or self._decide is not None or self._question != "as-decided":
            return False
        again = self._interpreter(conn, stored.policy).canonical(facts_from_json(content.facts))
        return again == content.document and hashlib.sha256(again).hexdigest() == stored.digest

    def _interpreter(self, conn: Connection, version: str) -> Interpreter:
        kept = self._interpreters.get(version)
        if kept is None:
            kept = self._interpreters[version] = Interpreter(self._context.policies.get(version, conn))
        return kept

    def decision(self, conn: Connection, stored: StoredDecision) -> Replayed:
        """One decision, made again."""
        content = stored.content
        if content is None:
            return self._found(stored, "erased")
        interpreter = self._interpreter(conn, stored.policy)
        facts = facts_from_json(content.facts)
        try:
            found = self._unlike(stored, content.document, interpreter, facts)
        except (DisagreementError, EngineUnavailableError, BudgetError) as error:
            return self._found(stored, "failed", error=f"{type(error).__name__}: {error}"[:500])
        if self._question == "as-decided":
            return self._found(stored, "different" if found else "same", found)
        if self._question == "by-todays-rules":
            new_policy, new_facts = self._policy_now(conn), facts
        else:
            new_policy, new_facts = interpreter.policy, self._known_now(conn, stored, facts, interpreter.policy)
        found = (*found, *self._why(interpreter.policy, new_policy).differences(facts, new_facts))
        return self._found(stored, "different" if found else "same", found, against=new_policy.version)

    def _unlike(
        self, stored: StoredDecision, document: bytes, interpreter: Interpreter, facts: Facts
    ) -> tuple[Difference, ...]:
        """Where the same rules and facts give another text than the logged one."""
        decided = None if self._decide is None else self._decide(interpreter.policy, facts)
        again = interpreter.canonical(facts) if decided is None else decided.canonical()
        if again == document and hashlib.sha256(again).hexdigest() == stored.digest:
            return ()
        return (by_code(_readable(document), json.loads(again)),)

    def _found(
        self,
        stored: StoredDecision,
        outcome: Outcome,
        differences: tuple[Difference, ...] = (),
        *,
        error: str = "",
        against: str = "",
    ) -> Replayed:
        return Replayed(
            stored.digest, stored.case, stored.subject, stored.policy, against or stored.policy, stored.as_of, outcome,
            differences, error,
        )  # fmt: skip

    def _why(self, old: Policy, new: Policy) -> Counterfactuals:
        key = old.version, new.version
        if key not in self._counterfactuals:
            self._counterfactuals[key] = Counterfactuals(old, new)
        return self._counterfactuals[key]

    def _policy_now(self, conn: Connection) -> Policy:
        if self._today is None:
            self._today = self._context.policies.current(conn, self._context.now())
        return self._today

    def _known_now(self, conn: Connection, stored: StoredDecision, facts: Facts, policy: Policy) -> Facts:
        """The facts of a decision with what is known of its day now."""
        latest = decisions_of(conn, stored.case)[-1].content
        values = facts_from_json(latest.facts).values if latest is not None else facts.values
        related = {(p.id, p.role, p.kind) for p in (*facts.relations, *relations_of(conn, facts.subject))}
        return replace(
            facts,
            values=values,
            records=(*self._records(conn, facts, policy), *_listings(conn, facts, stored.case)),
            relations=tuple(RelatedPerson(*p) for p in sorted(related)),
        )

    def _records(self, conn: Connection, facts: Facts, policy: Policy) -> Iterator[Record]:
        """Records of the day or before, whenever they arrived; whether they count is asked anew."""
        query = select(records).where(records.c.subject_id == facts.subject).order_by(records.c.id)
        for row in conn.execute(query).all():
            kind = policy.records.get(row.kind)
            if kind is None or (row.date is not None and row.date > facts.as_of.isoformat()):
                continue
            fields = opened_fields(conn, facts.subject, row.fields)
            excluded = row.excluded
            if kind.excluded is not None:
                key = policy.version, kind.id
                test = self._excluded.get(key)
                if test is None:
                    test = self._excluded[key] = compile_condition(kind.excluded)
                excluded = test({**fields, "subject.kind": facts.subject_kind, AS_OF: facts.as_of}) is True
            day = dt.date.fromisoformat(row.date).toordinal() if row.date else None
            yield Record(row.id, row.kind, day, fields, excluded)


def _listings(conn: Connection, facts: Facts, own: str) -> Iterator[Record]:
    """The other lists on which the subject stood on the day of the decision, and rightly so as far as is known now."""
    day = facts.as_of.isoformat()
    query = (
        select(cases)
        .where(cases.c.subject_id == facts.subject, cases.c.id != own, cases.c.filed_on <= day)
        .order_by(cases.c.id)
    )
    for row in conn.execute(query):
        if row.state in BEFORE_FORCE or row.ground in ANNULLED or (row.ended_on is not None and row.ended_on <= day):
            continue
        yield Record(
            row.id, LISTING_RECORD, dt.date.fromisoformat(row.filed_on).toordinal(),
            {"list": row.list_id, "kind": row.list_kind, "severe": row.severe},
        )  # fmt: skip


def _readable(document: bytes) -> dict[str, Any]:
    """A logged document; one that is none says nothing, and so differs from everything."""
    try:
        found = json.loads(document)
        statements(found)
    except (ValueError, TypeError, KeyError, AttributeError):
        return {n: [] for n in ("obligations", "advice", "limits", "unknown", "contradictions", "fired", "derived")}
    return dict(found)


def replay_decision(
    context: Context, principal: Principal, digest: str, question: Question, decide: Decider | None = None
) -> Replayed:
    """See `Office.replay_decision`."""
    require_role(principal, "auditor")
    with read(context.engine) as conn:
        try:
            stored = read_decision(conn, known_form(digest))
        except UnknownDecisionError as error:
            raise NotFoundError from error
        found = Replayer(context, question, decide).decision(conn, stored)
    looks.record(context, principal, [stored.subject], what="replay", case=stored.case, about=digest)
    return found


def replay_case(
    context: Context, principal: Principal, case: str, question: Question, decide: Decider | None = None
) -> tuple[tuple[Replayed, ...], Refolded]:
    """See `Office.replay_case`."""
    require_role(principal, "auditor")
    with read(context.engine) as conn:
        stored = decisions_of(conn, known_form(case))
        if not stored:
            raise NotFoundError
        replayer = Replayer(context, question, decide)
        found = tuple(replayer.decision(conn, one) for one in stored)
        folded = refold(conn, context, case)
    looks.record(context, principal, {one.subject for one in stored}, what="replay", case=case)
    return found, folded


def refold(conn: Connection, context: Context, case: str) -> Refolded:
    """A case's events folded again and held against its rows."""
    try:
        found = differing(conn, context.policies, case)
    except BrokenChainError as error:
        return Refolded(case, error=f"事件链已断：{error}")
    return Refolded(case, tuple(Change("row", what, before, after) for what, before, after in found))


def replay_range(
    context: Context, replayer: Replayer, first: str, last: str, *, batch: int = 1000
) -> Iterator[Replayed | None]:
    """The decisions with `first` <= digest < `last`; None for one that comes out as it was when only that is asked."""
    with read(context.engine) as conn:
        if conn.dialect.name == "sqlite":  # digests lead all over the file: mapped, a page costs no call and no copy
            conn.exec_driver_sql(f"PRAGMA mmap_size = {MAPPED}")
        for stored in read_decisions(conn, first=first, last=last, batch=batch):
            yield None if replayer.reproduces(conn, stored) else replayer.decision(conn, stored)


def replay_sample(context: Context, replayer: Replayer, size: int, seed: str) -> Iterator[Replayed]:
    """`size` decisions drawn by `seed`, each equally likely because digests are; all if there are no more."""
    with read(context.engine) as conn:
        if count_decisions(conn) <= size:
            chosen: Iterable[StoredDecision] = read_decisions(conn)
        else:
            chosen = _drawn(conn, size, seed)
        for stored in chosen:
            yield replayer.decision(conn, stored)


def _drawn(conn: Connection, size: int, seed: str) -> Iterator[StoredDecision]:
    rng = random.Random(seed)  # noqa: S311 - a sample, and one that can be drawn again
    seen: set[str] = set()
    while len(seen) < size:
        found = next(read_decisions(conn, first=f"{rng.getrandbits(256):064x}", batch=1), None)
        if found is not None and found.digest not in seen:
            seen.add(found.digest)
            yield found


def refold_range(context: Context, first: str, last: str) -> Iterator[Refolded]:
    """The cases with `first` <= id < `last`."""
    with read(context.engine) as conn:
        for case in case_ids(conn, first=first, last=last):
            yield refold(conn, context, case)


__all__ = [
    "LAST",
    "Refolded",
    "Replayed",
    "Replayer",
    "changes",
    "refold_range",
    "replay_case",
    "replay_decision",
    "replay_range",
    "replay_sample",
]
