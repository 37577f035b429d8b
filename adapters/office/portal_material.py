"""What the subject's view is made from: only what concerns one party of one case, read at one moment."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from adapters.ledger.projections import load_header, to_obligation
from adapters.ledger.serial import facts_from_json
from adapters.ledger.tables import (
    cases,
    checks,
    decisions,
    documents,
    edges,
    events,
    identities,
    limits,
    obligations,
    records,
    subjects,
)
from adapters.office.ports import CHINA, Context
from engine.casework.calendar import Calendars
from engine.casework.model import Case, Obligation, Party
from engine.casework.terms import find_rule
from engine.decision.model import Facts, Record
from engine.language import ir
from engine.language.ir import Policy

SELF = "@subject"
"""The department of a party's own looks in `checks`; no department has such an id."""
OWN_VIEW = "subject-view"
"""The matter of a party's own looks."""
OWN_PURPOSE = "本人查询"
MOST_LOOKS = 500
"""Looks shown, the latest first; their number is given besides."""
MOST_RECORDS = 200
"""Records shown, the latest first."""
PERSONS = frozenset({"natural-person", "farmer-household", "sole-trader"})
"""Kinds of subject that are a person: their names are shown to nobody else."""


@dataclass(frozen=True, slots=True)
class Material:
    """Rows and values about one party of one case. `owed` is what the decision owes about the party, by key.

    `decision` is the digest of the latest decision, made on `facts` under `decided_under`. `obligations` come with the
    key under which the decision owes them, None when it does so no longer; `days` is when each was carried out, and
    lifted. `fact_names` are the facts that may be shown, None for all.
    """

    context_today: dt.date
    case: Case
    list_title: str
    severe: bool
    party: Party
    name: str
    code: str
    concerning: str
    policy: Policy
    current: Policy
    policies: Mapping[str, Policy]
    decision: str
    decided_under: Policy
    facts: Facts
    owed: Mapping[str, Mapping[str, Any]]
    obligations: tuple[tuple[Obligation, str | None], ...]
    days: Mapping[tuple[str, str], dt.date]
    fact_names: frozenset[str] | None
    records: tuple[tuple[Record, str], ...]
    letters: tuple[tuple[str, str, dt.date], ...]
    amounts: tuple[tuple[str, str, int], ...]
    looks: tuple[Row[Any], ...]
    looks_total: int

    @property
    def calendars(self) -> Calendars:
        """The calendars that periods are reckoned with today."""
        return self.current.calendars

    @property
    def own(self) -> bool:
        """Whether the party is the subject itself."""
        return self.party.id == self.case.subject


def material_of(conn: Connection, context: Context, case_id: str, party_id: str) -> Material:
    """Read it all."""
    case, header = load_header(conn, case_id)
    own = party_id == case.subject
    policy = context.policies.get(case.policy, conn)
    decided = conn.execute(select(decisions).where(decisions.c.digest == header.decision)).one()
    decided_under = context.policies.get(decided.policy_version, conn)
    facts = facts_from_json(decided.facts)
    document = json.loads(decided.document)
    owed = {o["key"]: o for o in document["obligations"] if o["target"] == party_id}
    found = _obligations(conn, case_id, party_id)
    names, kinds = behind(decided_under, {rule for o in owed.values() for rule in o["rules"]})
    identity = conn.execute(
        select(identities.c.name, identities.c.code).where(identities.c.subject_id == party_id)
    ).one_or_none()
    seen = checks.c.subject_id == party_id
    return Material(
        context_today=context.today(),
        case=case,
        list_title=header.list_title,
        severe=header.severe,
        party=case.parties.get(party_id, Party(party_id, "subject" if own else "")),
        name=identity.name if identity else "",
        code=identity.code if identity else "",
        concerning="" if own else _organisation(conn, case.subject),
        policy=policy,
        current=context.policies.current(conn, context.now()),
        policies={v: context.policies.get(v, conn) for v in {o.policy or case.policy for o in found}},
        decision=header.decision,
        decided_under=decided_under,
        facts=facts,
        owed=owed,
        obligations=tuple((o, _owed_as(o, found, _origins(conn, case_id), owed)) for o in found),
        days=_days(conn, case_id, {o.id for o in found}),
        fact_names=None if own else frozenset(names),
        records=_records(conn, facts, kinds),
        letters=_letters(conn, case_id, party_id),
        amounts=_amounts(conn, case_id) if own else (),
        looks=tuple(conn.execute(select(checks).where(seen).order_by(checks.c.at.desc()).limit(MOST_LOOKS))),
        looks_total=conn.execute(select(func.count()).select_from(checks).where(seen)).scalar_one(),
    )


def behind(policy: Policy, rules: Iterable[str]) -> tuple[set[str], set[str]]:
    """Names of the facts, and kinds of the records, that rules look at, also by way of derived facts."""
    names: set[str] = set()
    kinds: set[str] = set()
    for name in rules:
        rule = find_rule(policy, name)
        if rule is None:
            continue
        derivations = {d.fact.name: d for d in policy.memoranda[name.partition("/")[0]].derivations}
        pending: list[ir.Condition] = [rule.when]
        while pending:
            match pending.pop():
                case ir.All(parts) | ir.Any(parts):
                    pending += parts
                case ir.Compare(left, _, right):
                    asked = {left.name} | {o.name for o in right if isinstance(o, ir.Fact)}
                    pending += _derived(asked, derivations, names, kinds)
                case ir.Known(fact):
                    pending += _derived({fact.name}, derivations, names, kinds)
                case ir.Count(quantifier):
                    kinds.add(quantifier.record)
                case ir.Responded():
                    pass
    return names, kinds


def _derived(
    asked: Iterable[str], derivations: dict[str, ir.Derivation], names: set[str], kinds: set[str]
) -> list[ir.Condition]:
    """Note the facts asked for; the conditions behind those that are derived, each once."""
    conditions: list[ir.Condition] = []
    for name in asked:
        derivation = derivations.pop(name, None)
        if derivation is None:
            names.add(name)
            continue
        conditions += [choice.when for choice in derivation.choices]
        if derivation.truth is not None:
            conditions.append(derivation.truth)
        if derivation.count is not None:
            kinds.add(derivation.count.record)
    return conditions


def _obligations(conn: Connection, case: str, party: str) -> tuple[Obligation, ...]:
    o = obligations.c
    query = select(obligations).where(o.case_id == case, o.target_id == party).order_by(o.number)
    return tuple(map(to_obligation, conn.execute(query)))


def _origins(conn: Connection, case: str) -> dict[str, str]:
    """The obligation that each one passed on from another department came from."""
    e = edges.c
    query = select(e.before_id, e.after_id).where(e.case_id == case, e.kind == "supersedes")
    return {row.after_id: row.before_id for row in conn.execute(query)}


def _owed_as(
    obligation: Obligation, every: Iterable[Obligation], origins: Mapping[str, str], owed: Mapping[str, object]
) -> str | None:
    """The key under which the decision owes an obligation, as first owed or by whoever has it now."""
    by_id = {o.id: o for o in every}
    at: Obligation | None = obligation
    while at is not None:
        for key in (at.key, f"{at.measure}@{at.department}/{at.target}"):
            if key in owed:
                return key
        at = by_id.get(origins.get(at.id, ""))
    return None


def _days(conn: Connection, case: str, of: set[str]) -> dict[tuple[str, str], dt.date]:
    """When obligations were carried out and lifted: (obligation, `done` or `lift`) → day."""
    e = events.c
    query = select(e.on, e.payload).where(e.case_id == case, e.type == "obligation-moved").order_by(e.version)
    found = {}
    for row in conn.execute(query):
        payload = json.loads(row.payload)
        done = payload["changes"].get("outcome") == "implemented"
        if payload["obligation"] in of and (done or payload["action"] == "lift"):
            found[payload["obligation"], "done" if done else "lift"] = dt.date.fromisoformat(row.on)
    return found


def _organisation(conn: Connection, subject: str) -> str:
    """The name of an organisation; of a person, nothing."""
    row = conn.execute(
        select(subjects.c.kind, identities.c.name).join(identities, isouter=True).where(subjects.c.id == subject)
    ).one()
    return "" if row.kind in PERSONS else row.name or ""


def _records(conn: Connection, facts: Facts, kinds: set[str]) -> tuple[tuple[Record, str], ...]:
    """Records of the kinds that the party's measures hang on, with their suppliers, the latest first."""
    found = sorted((r for r in facts.records if r.kind in kinds), key=lambda r: -(r.date or 0))[:MOST_RECORDS]
    wanted = [r.id for r in found]
    rows = conn.execute(select(records.c.id, records.c.supplier).where(records.c.id.in_(wanted)))
    suppliers = {row.id: row.supplier for row in rows}
    return tuple((r, suppliers.get(r.id, "")) for r in found)


def _letters(conn: Connection, case: str, party: str) -> tuple[tuple[str, str, dt.date], ...]:
    """Letters to the party: kind, number, day. Slips between departments are none."""
    d = documents.c
    query = (
        select(d.kind, d.number, d.at)
        .where(d.case_id == case, d.party_id == party, d.kind != "response-slip")
        .order_by(d.at, d.id)
    )
    return tuple((row.kind, row.number, moment(row.at).date()) for row in conn.execute(query))


def _amounts(conn: Connection, case: str) -> tuple[tuple[str, str, int], ...]:
    """Suggested limits: table, department, fen; none while the listing rests or is over."""
    query = (
        select(limits.c.table_id, limits.c.department_id, limits.c.amount)
        .join(cases, cases.c.id == limits.c.case_id)
        .where(limits.c.case_id == case, cases.c.state == "in-force", cases.c.suspended.is_(False))
        .order_by(limits.c.rule, limits.c.department_id)
    )
    return tuple((row.table_id, row.department_id, row.amount) for row in conn.execute(query))


def moment(at: str) -> dt.datetime:
    """A logged instant on the clocks of China."""
    return dt.datetime.fromisoformat(at).astimezone(CHINA)
