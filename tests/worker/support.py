"""A small policy on which every ladder of the default bundle is climbed, and what the log says was climbed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Engine, func, select

from adapters.ledger import read
from adapters.ledger.store import stored
from adapters.ledger.tables import events, messages
from adapters.policy_files import read_bundle
from adapters.signing import Signer
from engine.casework.events import CaseMoved, ObligationMoved
from engine.compiler import compile_policy
from engine.language.ir import Policy
from tests.adapters.bundle import FILES
from tests.adapters.support import HR, Filing, arrears, enterprise
from tests.adapters.support import Desk as PlainDesk
from tests.adapters.support import open_desk as open_plain

SHIPPED = {name: str(text, "utf-8") for name, text in read_bundle().items() if name.startswith("rules/ladders/")}
LADDERS = tuple(sorted(name.rpartition("/")[2].removesuffix(".yaml") for name in SHIPPED))
LOOKED_TO = ("development-reform", "county-government")


def files() -> dict[str, str]:
    """The policy: for each ladder a list `late-<ladder>` whose obligations climb it."""
    lists = {
        f"rules/lists/late-{ladder}.yaml": FILES["rules/lists/arrears.yaml"]
        .replace("list: arrears", f"list: late-{ladder}")
        .replace("procedure:\n", f"procedure:\n  ladder: {ladder}\n")
        for ladder in LADDERS
    }
    memoranda = {
        f"memoranda/late-{ladder}.yaml": FILES["memoranda/arrears.yaml"]
        .replace("memorandum: arrears", f"memorandum: late-{ladder}")
        .replace("list: arrears", f"list: late-{ladder}")
        for ladder in LADDERS
    }
    departments = {
        f"rules/departments/{d}.yaml": f"department: {d}\ntitle: {d}\nlevel: county\nkind: administrative\n"
        for d in LOOKED_TO
    }
    return {**FILES, **SHIPPED, **lists, **memoranda, **departments}


@cache
def policy() -> Policy:
    """The policy, compiled."""
    compiled = compile_policy(files())
    assert compiled.policy is not None, compiled.diagnostics
    return compiled.policy


OF_CASES = events.c.case_id.not_like("%:%")
"""Streams with a colon belong to no case."""


@dataclass(frozen=True)
class Rung:
    """One rung that the log says was climbed, and for which deadline."""

    ladder: str
    act: str
    due: dt.date


@dataclass
class Desk(PlainDesk):
    """The office of a test, with what its log says."""

    def late(self, ladder: str = "standard", *, decided: int = 8) -> str:
        """A case decided so many days ago, of which everything will climb a ladder, unless somebody acts."""
        today = self.office.context.today()
        days = {"notice_date": 22, "decision_date": decided, "service_date": decided}
        facts = {**arrears().facts, **{n: (today - dt.timedelta(days=d)).isoformat() for n, d in days.items()}}
        return self.file(Filing(f"late-{ladder}", enterprise(), facts)).case.id

    def rungs(self) -> dict[tuple[str, str], list[Rung]]:
        """What was climbed, by case and by what was late, in the order of the log."""
        return rungs_of(self.engine)

    def count(self) -> int:
        """Events of cases in the log."""
        with read(self.engine) as conn:
            return conn.execute(select(func.count()).where(OF_CASES)).scalar_one()

    def waiting(self) -> int:
        """Messages nobody has delivered."""
        with read(self.engine) as conn:
            query = select(func.count()).select_from(messages).where(messages.c.delivered_at.is_(None))
            return conn.execute(query).scalar_one()


def rungs_of(engine: Engine) -> dict[tuple[str, str], list[Rung]]:
    """See `Desk.rungs`."""
    found: dict[tuple[str, str], list[Rung]] = defaultdict(list)
    with read(engine) as conn:
        for row in conn.execute(select(events).where(OF_CASES).order_by(events.c.case_id, events.c.version)):
            event = stored(row).event()
            if isinstance(event, ObligationMoved | CaseMoved) and event.action == "escalate":
                late = event.obligation if isinstance(event, ObligationMoved) else next(iter(event.changes))
                found[row.case_id, late].append(Rung(event.detail["ladder"], event.detail["act"], event.detail["due"]))
    return dict(found)


def whole(ladder: str, due: dt.date) -> list[Rung]:
    """A ladder climbed from the first rung to the last, once."""
    return [Rung(ladder, rung.act, due) for rung in policy().ladders[ladder].rungs]


def open_desk(engine: Engine, given: Mapping[str, str] | None = None, signer: Signer | None = None) -> Desk:
    """An office with the policy in force."""
    plain = open_plain(engine, given or files(), signer)
    return Desk(plain.office, plain.engine, plain.clock, plain.evaluator)


__all__ = ["HR", "LADDERS", "Desk", "Rung", "files", "open_desk", "policy", "rungs_of", "whole"]
