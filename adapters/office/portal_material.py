"""What the subject's view is made from: only what concerns one party of one case, read at one moment."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from adapters.ledger.projections import load_header, to_obligation
from adapters.ledger.serial import facts_from_json
from adapters.ledger.tables import (
    cases,
    documents,
    edges,
    events,
    limits,
    obligations,
    records,
    subjects,
)
from adapters.office import looks, portal_receipts
from adapters.office.access import decided
from adapters.office.looks import LookView
from adapters.office.portal_view import LoggedStep
from adapters.office.ports import CHINA, Context
from adapters.office.subjects import identity_of
from engine.casework.calendar import Calendars
from engine.casework.model import Case, Obligation, Party
from engine.casework.visibility import used_by
from engine.decision.model import Facts, Record
from engine.language.ir import Policy

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
    steps: tuple[LoggedStep, ...]
    looks: tuple[LookView, ...]
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
    content = decided(conn, header.decision)
    facts, document = facts_from_json(content.facts), json.loads(content.document)
    decided_under = context.policies.get(document["policy"], conn)
    owed = {o["key"]: o for o in document["obligations"] if o["target"] == party_id}
    found = _obligations(conn, case_id, party_id)
    used = used_by(decided_under, {rule for o in owed.values() for rule in o["rules"]})
    identity = identity_of(conn, party_id)
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
        fact_names=None if own else used.facts,
        records=_records(conn, facts, used.records),
        letters=_letters(conn, case_id, party_id),
        amounts=_amounts(conn, case_id) if own else (),
        steps=portal_receipts.steps(conn, case_id, party_id),
        looks=looks.latest(conn, party_id, MOST_LOOKS),
        looks_total=looks.count(conn, party_id),
    )


def _obligations(conn: Connection, case: str, party: str) -> tuple[Obligation, ...]:
    o = obligations.c
    query = select(obligations).where(o.case_id == case, o.target_id == party).order_by(o.number)
    return tuple(to_obligation(row, conn) for row in conn.execute(query).all())


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
    kind = conn.execute(select(subjects.c.kind).where(subjects.c.id == subject)).scalar_one()
    who = identity_of(conn, subject) if kind not in PERSONS else None
    return who.name if who else ""


def _records(conn: Connection, facts: Facts, kinds: Collection[str]) -> tuple[tuple[Record, str], ...]:
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
