"""Bringing live cases under the policy in force: first simulated, then done, each case an explicit and recorded act."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import select

from adapters.ledger.database import read, retrying, write
from adapters.ledger.projections import load_case
from adapters.ledger.serial import facts_from_json
from adapters.ledger.store import append, put_decision, put_limits
from adapters.ledger.tables import cases, decisions
from adapters.office.access import actor_of, require_role
from adapters.office.errors import FieldError, InvalidError
from adapters.office.letters import issue
from adapters.office.model import Migration, Principal
from adapters.office.ports import Context
from adapters.office.process import decided_again, refreshed
from engine.casework import decide, fold
from engine.casework.changing import difference
from engine.casework.commands import Migrate
from engine.casework.model import Actor, Case, Refusal
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
        current = context.policies.current(conn)
        query = select(cases.c.id).where(
            cases.c.policy_version != current.version, cases.c.state.not_in(("lifting", "closed"))
        )
        if chosen is not None:
            query = query.where(cases.c.id.in_(chosen))
        waiting = list(conn.execute(query.order_by(cases.c.id)).scalars())
    return (
        retrying(lambda c=case: _one(context, principal, actor, c, reason or "模拟", dry_run=dry_run))  # type: ignore[misc]
        for case in waiting
    )


def _one(
    context: Context, principal: Principal, actor: Actor, case_id: str, reason: str, *, dry_run: bool
) -> Migration:
    with read(context.engine) as conn:
        case, header = load_case(conn, case_id)
        old, new = context.policies.get(case.policy, conn), context.policies.current(conn)
        text = conn.execute(select(decisions.c.facts).where(decisions.c.digest == header.decision)).scalar_one()
        before = facts_from_json(text)
        declared = new.lists[case.list].facts if case.list in new.lists else {}
        values = {n: v for n, v in before.values.items() if n in declared or n.startswith("subject.")}
        facts = refreshed(conn, context, new, case, before)
    if case.list not in new.lists:
        gone = "新政策没有这个名单，须另行终止"
        return Migration(case.id, case.subject, header.list_title, (), (), (), (gone,), done=False)
    fresh = decided_again(context, new, replace(facts, values=values), before)
    changed = (f"政策 {old.version[:12]} → {new.version[:12]}", *fresh.changed)
    command = Migrate(actor, context.today(), fresh.decision, reason, changed)
    try:
        happened = decide(case, command, new, new.calendars)
    except Refusal as refusal:
        why = f"{refusal.title}：{refusal.detail}"
        return Migration(case.id, case.subject, header.list_title, (), (), (), (why,), done=False)
    after = fold(happened, case)
    added, lifted, cancelled = (_words(ids, after, old, new) for ids in difference(happened))
    if not dry_run:
        at = context.now()
        with write(context.engine) as conn:
            put_decision(
                conn, fresh.decision, fresh.document, fresh.digest, case=case.id, listing_key=header.listing_key, at=at
            )
            header = append(
                conn, before=case, after=after, header=header, happened=happened, policy=new,
                key_id=principal.key_id, at=at,
            )  # fmt: skip
            if after.state == "in-force":
                put_limits(conn, fresh.decision, after)
            issue(conn, context, happened, after, new, header.decision, key_id=principal.key_id, at=at)
    return Migration(case.id, case.subject, header.list_title, added, lifted, cancelled, changed, not dry_run)


def _words(ids: tuple[str, ...], case: Case, old: Policy, new: Policy) -> tuple[str, ...]:
    words = []
    for name in ids:
        o = case.obligations[name]
        measure = new.measures.get(o.measure) or old.measures.get(o.measure)
        department = new.departments.get(o.department) or old.departments.get(o.department)
        words.append(f"{department.title if department else o.department}：{measure.title if measure else o.measure}")
    return tuple(words)
