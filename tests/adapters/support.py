"""An office on a small policy, with a clock that tests turn, and principals of its departments."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from adapters.ledger import read
from adapters.ledger.private import ROW, opened_reason, opened_text
from adapters.ledger.tables import cases, edges, limits, obligations
from adapters.office import Answer, Answered, Filed, Filing, Office, Party, PolicyProposal, Principal
from adapters.policy_checks import Examiner
from adapters.signing import FileSigner, Signer
from engine.casework.model import Actor
from engine.decision.model import Decision, Facts
from engine.decision.reference import decide
from engine.identity import organisation_check_character, person_check_character
from engine.language.ir import Policy
from tests.adapters.bundle import FILES

SECRET = b"for tests only"
EXAMINER = Examiner(apart=False, wanted=frozenset({"tests"}))
"""Proposals are compiled and tested here and now; the child process and the deep check have tests of their own."""
ALL_ROLES = frozenset({"initiator", "implementer", "policy", "auditor"})


class ReferenceEvaluator:
    """Decides with the reference interpreter alone; the pool with both engines has tests of its own."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None

    def decide(self, policy: Policy, facts: Facts) -> Decision:
        """The reference decision."""
        self.calls += 1
        if self.error is not None:
            raise self.error
        return decide(policy, facts)


@dataclass
class Clock:
    """A clock that stands still until it is turned."""

    now: dt.datetime = dt.datetime(2026, 11, 24, 2, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        """The instant."""
        return self.now

    def turn(self, **delta: int) -> None:
        """Move on by a `timedelta`."""
        self.now += dt.timedelta(**delta)


def principal(department: str, *roles: str, officer: str = "张三") -> Principal:
    """A key of a department; both working roles unless said."""
    chosen = frozenset(roles or ("initiator", "implementer"))
    return Principal(department, chosen, f"key-{department}-{officer}", officer)


HR = principal("human-resources")
FINANCE = principal("finance")
TAX = principal("tax")
MARKET = principal("market-regulation")
TRANSPORT = principal("transport")
BANK = principal("rural-bank")
AUDITOR = principal("government-office", "auditor")
PROPOSER = principal("government-office", "policy", officer="李")
APPROVER = principal("government-office", "policy", officer="王")

_NUMBERS = itertools.count(1)


def enterprise(number: int | None = None, name: str = "某某公司") -> Party:
    """An enterprise with a code of its own."""
    body = f"91410783MA{next(_NUMBERS) if number is None else number:07d}"
    return Party("enterprise", body + organisation_check_character(body), name)


def person(number: int | None = None, name: str = "某某") -> Party:
    """A natural person with a number of their own."""
    order = next(_NUMBERS) if number is None else number
    body = f"410783{1950 + order // 999 % 50}0101{order % 999:03d}"
    return Party("natural-person", body + person_check_character(body), name)


DONE_BEFORE = {
    "decision_number": "人社列〔2026〕1号", "notice_date": "2026-11-02", "decision_date": "2026-11-16",
    "service_date": "2026-11-17", "service_proof": "送达回证1号",
}  # fmt: skip
"""The stages that the initiating department went through before filing, with their proofs."""


def arrears(subject: Party | None = None, **facts: Any) -> Filing:
    """A filing on the sanction list."""
    return Filing("arrears", subject or enterprise(), DONE_BEFORE | facts)


@dataclass
class Desk:
    """The office of a test with what stands behind it."""

    office: Office
    engine: Engine
    clock: Clock
    evaluator: ReferenceEvaluator

    def file(self, filing: Filing | None = None, who: Principal = HR) -> Filed:
        """File one case."""
        return self.office.file_case(who, filing or arrears())

    def do(self, who: Principal, obligation: str, action: Any, **fields: Any) -> Answered:
        """Answer one obligation."""
        return self.office.answer(who, obligation, Answer(action, **fields))

    def publish(self, files: Mapping[str, str], **given: Any) -> str:
        """Propose and approve a bundle; its version."""
        proposal = PolicyProposal(files, given.pop("reason", "试验"), **given)
        version = self.office.propose_policy(PROPOSER, proposal).version
        return self.office.approve_policy(APPROVER, version).version

    def find(self, case: str, measure: str) -> str:
        """The id of the first obligation of a case for a measure."""
        with read(self.engine) as conn:
            query = select(obligations.c.id).where(obligations.c.case_id == case, obligations.c.measure == measure)
            return str(conn.execute(query.order_by(obligations.c.number)).scalars().first())

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every projection, sorted, with what is sealed in it opened: no two seals are alike."""
        with read(self.engine) as conn:
            return {
                t.name: sorted((_opened(conn, row) for row in conn.execute(select(t)).all()), key=repr)
                for t in (cases, obligations, edges, limits)
            }


def _opened(conn: Connection, row: Row[Any]) -> tuple[Any, ...]:
    values = row._asdict()
    if "words" in values:
        values["words"] = sorted(opened_text(conn, values["words"], ROW).items())
    if "reason" in values:
        values["reason"] = opened_reason(conn, values["reason"], values["target_id"])
    return tuple(values.values())


def open_desk(engine: Engine, files: Mapping[str, str] = FILES, signer: Signer | None = None) -> Desk:
    """An office with a policy in force."""
    clock, evaluator = Clock(), ReferenceEvaluator()
    # on SQLite where commands look for it that are run on the same database
    if signer is None and engine.dialect.name == "sqlite":
        signer = FileSigner(Path(f"{engine.url.database}.signing-key.pem"))
    office = Office(engine, evaluator=evaluator, clock=clock, secret=SECRET, examiner=EXAMINER, signer=signer)
    office.bootstrap_policy(
        files, proposed_by=Actor("government-office", "甲"), approved_by=Actor("government-office", "乙")
    )
    return Desk(office, engine, clock, evaluator)
