"""Makes a golden ledger with the program as it is: `python -m tests.golden.make FOLDER`.

The demonstration's sixteen cases, worked over HTTP from filing to the last measure lifted, and some more filings, so
that every list has some. Ids, salts, secret and clock are fixed: the same program makes the same files.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import select

from adapters.ledger import open_database, upgrade
from adapters.ledger import read as reading
from adapters.ledger.decisions import read_decisions
from adapters.ledger.store import stored
from adapters.ledger.tables import events
from adapters.ledger.vault import Vault, with_vault
from adapters.office import Filing, Office, Party, Principal
from adapters.office.errors import OfficeError
from adapters.office.ports import CHINA, Context
from adapters.policy_files import read_bundle
from adapters.signing import FileSigner
from adapters.vault import FileMasterKeys
from adapters.worker import open_worker
from api.cli import demo
from api.cli.common import console
from api.cli.demo_cases import cases, organisation, person
from api.cli.demo_county import County
from api.cli.demo_process import due_process, expiries, remedies, repairs
from api.http import create_app
from api.settings import Settings
from engine.casework.model import Actor
from engine.decision.model import Decision, Facts
from engine.decision.reference import decide
from engine.language.ir import FactType, Policy, Type
from engine.language.ir_json import to_json
from tests.golden.corpus import write

MORE = 24
"""Filings besides the demonstration's."""
MOST = 0.8
"""How often a fact is given that may be left out."""


class Reference:
    """Decides with the reference interpreter."""

    def decide(self, policy: Policy, facts: Facts) -> Decision:
        """The decision."""
        return decide(policy, facts)


class InProcess(County):
    """The departments of the county, talking to an application in this process."""

    def __init__(self, office: Office, settings: Settings, clock: Clock) -> None:
        policy = office.current_policy()
        tokens = {d: office.issue_key(d, ["initiator", "implementer"], "x").token for d in policy.departments}
        tokens["auditor"] = office.issue_key("audit", ["auditor"], "x").token
        self.office, self._time = office, clock
        self.http = TestClient(create_app(settings, office))
        self.tokens, self.titles = tokens, {name: d.title for name, d in policy.departments.items()}
        self.calls = 0
        self.turn_to(clock.now.date())

    def turn_to(self, day: dt.date) -> None:
        """Nine in the morning of a day."""
        self._day = day
        self._time.now = dt.datetime.combine(day, dt.time(9), CHINA)

    def tick(self) -> int:
        """A round of the worker."""
        return open_worker(self.office, name="golden").round().events


class Clock:
    """Stands still until it is turned."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        """The instant."""
        return self.now


def main(folder: Path) -> None:
    """Make it."""
    console.quiet = True
    clock = Clock(dt.datetime(2026, 4, 7, 9, tzinfo=CHINA))
    numbers, rng = itertools.count(1), random.Random(2026)
    Context.new_id = lambda self: f"{int(self.clock().timestamp() * 1000):012x}{next(numbers):020x}"  # type: ignore[method-assign]
    Context.new_subject_id = lambda _: str(uuid.UUID(int=rng.getrandbits(128), version=4))  # type: ignore[method-assign]
    Context.new_salt = lambda _: f"{rng.getrandbits(256):064x}"  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as name:
        database = Path(name) / "golden.db"
        settings = Settings(database_url=f"sqlite:///{database}")
        vault = Vault(FileMasterKeys(database.with_suffix(".master.json")))
        engine = with_vault(open_database(settings.database_url), vault)
        upgrade(engine)
        office = Office(
            engine,
            evaluator=Reference(),
            clock=clock,
            secret=b"golden",
            signer=FileSigner(database.with_suffix(".pem")),
        )
        files = {path: str(text, "utf-8") for path, text in read_bundle().items()}
        office.bootstrap_policy(files, proposed_by=Actor("a", "甲"), approved_by=Actor("a", "乙"))
        county = InProcess(office, settings, clock)
        demos = cases(county.today)
        demo.put_records(county, demos, county.today)
        filed = [(one, demo.file(county, one)) for one in demos]
        due_process(county, filed)
        demo.work(county, filed)
        remedies(county, filed)
        repairs(county, filed)
        more(office, rng)
        expiries(county, filed)
        demo.finish(county, filed)
        dump(office, folder)
        engine.dispose()


def more(office: Office, rng: random.Random) -> None:
    """Further filings, their facts drawn from what the lists declare; what a list refuses is drawn again."""
    policy = office.current_policy()
    numbers = itertools.count(500)
    names = sorted(policy.lists)
    done = 0
    for list_id in itertools.cycle(names):
        if done == MORE:
            return
        listed = policy.lists[list_id]
        kind, number = rng.choice(listed.subjects), next(numbers)
        code = {"natural-person": person, "farmer-household": person}.get(kind, organisation)(number)
        facts = {
            n: given(f, office.context.today(), rng)
            for n, f in listed.facts.items()
            if f.required or rng.random() < 0.8
        }
        who = Principal(rng.choice(listed.filed_by), frozenset({"initiator"}), "golden", "王芳")
        try:
            office.file_case(who, Filing(list_id, Party(kind, code, f"第{number}号"), facts))
        except OfficeError:
            continue
        done += 1


def given(fact: FactType, today: dt.date, rng: random.Random) -> Any:
    """A value as a department writes it."""
    match fact.type:
        case Type.BOOLEAN:
            return rng.random() < 0.5
        case Type.ENUM:
            return rng.choice(fact.values)
        case Type.DATE:
            return (today - dt.timedelta(days=30)).isoformat()
        case Type.MONEY:
            return f"{rng.randrange(1, 300)} 万元"
        case Type.RATIO:
            return f"{rng.randrange(1, 100)}%"
        case Type.INTEGER:
            return str(rng.randrange(1, 100))
        case Type.LIST:
            return list(fact.values[:1])
        case _:
            return f"长政〔2026〕{rng.randrange(1, 900)}号"


def dump(office: Office, folder: Path) -> None:
    """Write what was logged."""
    with reading(office.context.engine) as conn:
        rows = conn.execute(select(events).where(events.c.case_id.not_like("%:%")).order_by(events.c.position)).all()
        logged = [
            {
                "case": e.case, "version": e.version, "type": e.type, "on": e.on.isoformat(), "at": e.at,
                "department": e.department, "officer": e.officer, "payload": e.payload,
            }
            for e in (stored(row, conn) for row in rows)
        ]  # fmt: skip
        decided = [
            {"digest": d.digest, "facts": d.present.facts, "document": d.present.document.decode()}
            for d in read_decisions(conn)
        ]
    write(folder, to_json(office.current_policy()), logged, decided)
    print(f"{len({e['case'] for e in logged})} cases, {len(logged)} events, {len(decided)} decisions")  # noqa: T201 - a script


if __name__ == "__main__":
    main(Path(sys.argv[1]))
