"""Data that have been kept long enough are found by the database as the pure rule finds them, and go by themselves."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import Engine, select

from adapters.ledger import read
from adapters.ledger.tables import events, identities, subjects
from adapters.office import CaseView, Party
from adapters.office.ports import CHINA
from adapters.office.retaining import due
from adapters.office.subjects import digest_of
from adapters.worker.chores import Chores
from engine.casework.retaining import Held, HeldCase, due_for_erasure
from tests.adapters.bundle import FILES
from tests.adapters.support import HR, MARKET, Desk, arrears, enterprise, open_desk, person
from tests.adapters.test_intake_and_subjects import penalty, relation

RETENTION = """
retention: personal-data
title: 个人信息保存期限
rules:
  - {id: arrears, subjects: [natural-person], lists: [arrears], keep: 6 years,
     basis: [{law: credit-law, article: 第一条}]}
  - {id: persons, subjects: [natural-person, farmer-household], keep: 5 years,
     basis: [{law: credit-law, article: 第一条}]}
"""
START = dt.datetime(2026, 11, 24, 2, tzinfo=dt.UTC)


@pytest.fixture
def kept(engine: Engine) -> Desk:
    """An office whose policy says how long it keeps what it knows of persons."""
    return open_desk(engine, FILES | {"rules/retention/personal-data.yaml": RETENTION})


def listed(desk: Desk, subject: Party, *, closed: bool) -> CaseView:
    """A case about a subject on the list of arrears."""
    case = desk.file(arrears(subject)).case
    if closed:
        desk.office.end_case(HR, case.id, "withdrawal", "移出")
    return case


def known(desk: Desk) -> dict[str, str]:
    """Subject → code, of all whose identity is on file."""
    with read(desk.engine) as conn:
        held = conn.execute(select(identities.c.subject_id)).scalars().all()
        return {row.id: row.code_digest for row in conn.execute(select(subjects).where(subjects.c.id.in_(held)))}


def test_the_database_finds_whom_the_rule_finds(kept: Desk) -> None:
    """On every day on which it could matter: closed and open cases, records, relations, and an enterprise for none."""
    closed, still, noted, undated, recent, boss = (person() for _ in range(6))
    firm = enterprise()
    listed(kept, closed, closed=True)
    listed(kept, still, closed=False)
    kept.office.put_records(MARKET, [
        penalty(noted, "1", "2026-05-01"), penalty(undated, "2", None), penalty(recent, "3", "2026-05-01"),
        penalty(closed, "5", "2026-01-01"), relation(firm, boss),
    ])  # fmt: skip
    listed(kept, firm, closed=True)
    kept.clock.now = START.replace(year=2028)
    kept.office.put_records(MARKET, [penalty(recent, "4", "2028-03-01")])
    today = START.date()
    what = {
        "closed": Held("natural-person", today, (HeldCase("arrears", today),), (dt.date(2026, 1, 1),)),
        "still": Held("natural-person", today, (HeldCase("arrears", None),)),
        "noted": Held("natural-person", today, (), (dt.date(2026, 5, 1),)),
        "undated": Held("natural-person", today, (), (today,)),
        "recent": Held("natural-person", today, (), (dt.date(2026, 5, 1), dt.date(2028, 3, 1))),
        "boss": Held("natural-person", today, (HeldCase("arrears", today),), (today,)),
    }
    parties = dict(zip(what, (closed, still, noted, undated, recent, boss), strict=True))
    codes = {digest_of(kept.office.context, p.kind, p.code): name for name, p in parties.items()}
    names = {subject: codes.get(digest) for subject, digest in known(kept).items()}
    policy = kept.office.current_policy()

    for day in (
        today,
        *(dt.date(y, m, d) for y in (2031, 2032, 2033) for m in (3, 11) for d in (1, 2, 23, 24, 25, 26)),
    ):
        kept.clock.now = dt.datetime.combine(day, dt.time(12), CHINA)
        found = {names[subject]: rule for subject, rule in due(kept.office.context, 100)}
        rules = {name: due_for_erasure(policy, held, day) for name, held in what.items()}

        assert found == {name: rule.id for name, rule in rules.items() if rule is not None}, day
    assert found.keys() == what.keys() - {"still"}


def test_the_worker_erases_them_and_says_by_which_rule(kept: Desk) -> None:
    """Once a day, and as often as it takes; those whose time has not come, and organisations, are kept."""
    gone, stays, firm = person(), person(), enterprise()
    for subject in (gone, firm):
        listed(kept, subject, closed=True)
    listed(kept, stays, closed=False)
    chores = Chores(kept.office, name="w", period=60, send=lambda *_: None)
    chores.expire()
    before = chores.done(0).erased
    kept.clock.now = START.replace(year=2033)
    chores.expire()
    chores.expire()
    with read(kept.engine) as conn:
        told = conn.execute(select(events.c.payload).where(events.c.type == "personal-data-erased")).scalars().all()

    assert (before, chores.done(0).erased) == (0, 1)
    assert len(known(kept)) == 2
    assert ["personal-data/arrears" in text for text in told] == [True]
    assert due(kept.office.context, 100) == ()
