"""Bringing live cases under the policy in force, each by an explicit and recorded act.

Either policy staff ask for it, simulated first; or the memoranda say that existing cases follow, and the worker brings
them after in the name of whoever approved the version.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, exists, select
from sqlalchemy.dialects import postgresql, sqlite

from adapters.ledger.activations import in_force, read_activations
from adapters.ledger.database import read, retrying, write
from adapters.ledger.projections import Header, load_case
from adapters.ledger.serial import facts_from_json
from adapters.ledger.store import append, put_decision, put_limits
from adapters.ledger.tables import case_migrations, cases
from adapters.office.access import actor_of, decided, known_form, require_role
from adapters.office.errors import FieldError, InvalidError
from adapters.office.letters import issue
from adapters.office.model import Migration, Principal
from adapters.office.ports import Context
from adapters.office.process import Fresh, decided_again, refreshed
from engine.casework import decide, fold
from engine.casework.changing import difference
from engine.casework.commands import Migrate
from engine.casework.events import Event
from engine.casework.model import Actor, Case, Refusal
from engine.decision.model import Facts
from engine.language.ir import Policy


def migrate_cases(
    context: Context, principal: Principal, chosen: Sequence[str] | None, reason: str, *, dry_run: bool
) -> Iterator[Migration]:
    """See `Office.migrate_cases`."""
    require_role(principal, "policy")
    actor = actor_of(principal)
    if not dry_run and not reason.strip():
        raise InvalidError((FieldError("reason", "required", "须说明迁移理由"),))
    with read(context.engine) as conn:
        # one version for all of them, though another may come into force before the last one is done
        new = context.policies.current(conn, context.now())
        query = select(cases.c.id).where(
            cases.c.policy_version != new.version, cases.c.state.not_in(("lifting", "closed"))
        )
        if chosen is not None:
            query = query.where(cases.c.id.in_(chosen))
        waiting = list(conn.execute(query.order_by(cases.c.id)).scalars())
    act = _Act(new, actor, principal.key_id, reason or "模拟", None)
    return (
        retrying(lambda c=case: _one(context, act, c, dry_run=dry_run))  # type: ignore[misc]
        for case in waiting
    )


def cases_to_follow(context: Context, *, limit: int) -> tuple[str, ...]:
    """See `Office.cases_to_follow`."""
    with read(context.engine) as conn:
        act = _asked_for(context, conn)
        lists = following(act.policy, context.today()) if act is not None else frozenset()
        if act is None or not lists:
            return ()
        looked_at = exists().where(
            case_migrations.c.activation_id == act.activation, case_migrations.c.case_id == cases.c.id
        )
        query = select(cases.c.id).where(
            cases.c.policy_version != act.policy.version, cases.c.state.not_in(("lifting", "closed")),
            cases.c.list_id.in_(lists), ~looked_at,
        )  # fmt: skip
        return tuple(conn.execute(query.order_by(cases.c.id).limit(limit)).scalars())


def follow(context: Context, case_id: str) -> Migration | None:
    """See `Office.follow_policy`."""
    with read(context.engine) as conn:
        act = _asked_for(context, conn)
    return retrying(lambda: _one(context, act, case_id, dry_run=False)) if act is not None else None


def _asked_for(context: Context, conn: Connection) -> _Act | None:
    """The act by which cases follow what is in force: that of whoever approved it; None if they are to stay."""
    now = context.now()
    standing = in_force(read_activations(conn), now)
    if standing is None or standing.act == "withdrawal" or standing.proposal.migration == "keep":
        return None
    policy = context.policies.current(conn, now)
    reason = f"政策 {policy.version[:12]} 规定在办案件从新：{standing.proposal.reason}"
    actor = Actor(*standing.approved_by.split("/", 1))
    return _Act(policy, actor, standing.approved_key, reason, standing.id)


def following(policy: Policy, day: dt.date) -> frozenset[str]:
    """The lists whose live cases follow a policy: every memorandum for the list says so. One that does not keeps all.

    A case goes under a policy as a whole, and what it was promised is not taken from it by half.
    """
    return frozenset(
        name
        for name in policy.lists
        if (found := policy.memoranda_for(name, day)) and all(m.existing_cases == "migrate" for m in found)
    )


@dataclass(frozen=True, slots=True)
class _Act:
    """By whom, with which key, why, and under which policy cases go; by which activation, if it is one that asks it."""

    policy: Policy
    actor: Actor
    key_id: str
    reason: str
    activation: int | None


@dataclass(frozen=True, slots=True)
class Carried:
    """What bringing a case under another policy does: the decision made anew, the events, and the case after them."""

    fresh: Fresh
    happened: tuple[Event, ...]
    after: Case
    changed: tuple[str, ...]  # the versions, and the facts that differ, in words


class StaysError(Exception):
    """Why a case cannot be brought under another policy. The message is Chinese."""


def known(conn: Connection, case_id: str) -> tuple[Case, Header, Facts]:
    """A whole case, and the facts of its last decision."""
    case, header = load_case(conn, case_id)
    return case, header, facts_from_json(decided(conn, header.decision).facts)


def carry(
    context: Context, new: Policy, case: Case, before: Facts, facts: Facts, actor: Actor, on: dt.date, reason: str
) -> Carried:
    """Bring a case under `new` on a day; nothing is written.

    Args:
        context: for the engines.
        new: the policy.
        case: the whole case as it stands.
        before: the facts of its last decision.
        facts: the same with what is known now (`refreshed`).
        actor: in whose name.
        on: the day.
        reason: why, in words.

    Raises:
        StaysError: it cannot be.
        UndecidedError: the engines reached no common decision.

    """
    if case.list not in new.lists:
        raise StaysError("新政策没有这个名单，须另行终止")
    declared = new.lists[case.list].facts
    values = {n: v for n, v in facts.values.items() if n in declared or n.startswith("subject.")}
    fresh = decided_again(context, new, replace(facts, values=values), before)
    changed = (f"政策 {case.policy[:12]} → {new.version[:12]}", *fresh.changed)
    try:
        happened = decide(case, Migrate(actor, on, fresh.decision, reason, changed), new, new.calendars)
    except Refusal as refusal:
        raise StaysError(f"{refusal.title}：{refusal.detail}") from refusal
    return Carried(fresh, happened, fold(happened, case), changed)


def _one(context: Context, act: _Act, case_id: str, *, dry_run: bool) -> Migration:
    new = act.policy
    with read(context.engine) as conn:
        case, header, before = known(conn, known_form(case_id))
        old = context.policies.get(case.policy, conn)
        facts = refreshed(conn, context, new, case, before)
    try:
        carried = carry(context, new, case, before, facts, act.actor, context.today(), act.reason)
    except StaysError as error:
        if not dry_run:
            with write(context.engine) as conn:
                _note(conn, act, case_id, str(error), context.now())
        return Migration(case.id, case.subject, header.list_title, (), (), (), (str(error),), done=False)
    fresh, happened, after = carried.fresh, carried.happened, carried.after
    added, lifted, cancelled = (_words(ids, after, old, new) for ids in difference(happened))
    promise = None
    if not dry_run:
        at = context.now()
        with write(context.engine) as conn:
            put_decision(
                conn, fresh.decision, fresh.document, fresh.digest, case=case.id, listing_key=header.listing_key, at=at
            )
            header = append(
                conn, before=case, after=after, header=header, happened=happened, policy=new,
                key_id=act.key_id, at=at,
            )  # fmt: skip
            if after.state == "in-force":
                put_limits(conn, fresh.decision, after)
            issue(conn, context, happened, after, new, header.decision, key_id=act.key_id, at=at)
            _note(conn, act, case_id, "", at)
            promise = context.proofs.promise(conn, after.id, after.version, header.head_hash, at)
    return Migration(
        case.id, case.subject, header.list_title, added, lifted, cancelled, carried.changed, not dry_run, promise
    )


def _note(conn: Connection, act: _Act, case_id: str, outcome: str, at: str) -> None:
    """A case is looked at once for each activation, whatever comes of it."""
    if act.activation is None:
        return
    values = {"activation_id": act.activation, "case_id": case_id, "outcome": outcome, "at": at}
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    conn.execute(dialect.insert(case_migrations).values(values).on_conflict_do_nothing())


def _words(ids: tuple[str, ...], case: Case, old: Policy, new: Policy) -> tuple[str, ...]:
    words = []
    for name in ids:
        o = case.obligations[name]
        measure = new.measures.get(o.measure) or old.measures.get(o.measure)
        department = new.departments.get(o.department) or old.departments.get(o.department)
        words.append(f"{department.title if department else o.department}：{measure.title if measure else o.measure}")
    return tuple(words)
