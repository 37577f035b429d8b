"""Reading the cases that stand, for looking ahead. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine, select

from adapters.ledger.database import read
from adapters.ledger.policies import PolicyStore
from adapters.ledger.projections import load_case
from adapters.ledger.tables import cases
from engine.casework.model import Case
from engine.language.ir import Policy


@dataclass(frozen=True, slots=True)
class Standing:
    """The policy in force, and every case that is not closed under its own policy."""

    current: Policy
    cases: tuple[tuple[Case, Policy], ...]


def standing(engine: Engine, now: str) -> Standing:
    """What stands at an instant (`adapters.office.ports.instant`), which is this one.

    Raises:
        UnknownPolicyError: no policy is in force.

    """
    policies = PolicyStore(engine)
    with read(engine) as conn:
        current = policies.current(conn, now)
        ids = conn.execute(select(cases.c.id).where(cases.c.state != "closed").order_by(cases.c.id)).scalars().all()

        def found() -> Iterator[tuple[Case, Policy]]:
            for name in ids:
                case, _ = load_case(conn, name)
                yield case, policies.get(case.policy, conn)

        return Standing(current, tuple(found()))
