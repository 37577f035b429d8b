"""What the office needs from outside itself, and the bundle of it that every use case receives."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from adapters.ledger.database import read
from adapters.ledger.policies import PolicyStore
from adapters.ledger.vault import vault_of
from adapters.office.proofs import Proofs
from adapters.policy_checks import Examiner
from adapters.signing import Signer
from adapters.vault import MasterKeys
from engine.decision.model import Decision, Facts
from engine.language.ir import Policy

CHINA = ZoneInfo("Asia/Shanghai")


class Evaluator(Protocol):
    """Makes a decision with both engines."""

    def decide(self, policy: Policy, facts: Facts) -> Decision:
        """The decision on which both engines agree.

        Raises:
            adapters.pool.DisagreementError: they differ. The office files nothing then.
            adapters.pool.EngineUnavailableError: one of them cannot be run.

        """
        ...


def instant(moment: dt.datetime) -> str:
    """An aware moment as RFC 3339 text in UTC with microseconds, so that text order is time order."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def beginning_of(day: dt.date) -> str:
    """The first instant of a day in China, as text."""
    return instant(dt.datetime.combine(day, dt.time(), CHINA))


def day_of(instant_text: str) -> dt.date:
    """The day in China on which an instant falls."""
    return dt.datetime.fromisoformat(instant_text).astimezone(CHINA).date()


@dataclass(frozen=True, slots=True)
class Context:
    """The office's means: database, policies, engines, clock, and the secret that digests identity codes.

    `clock` returns an aware instant. `secret` must stay the same for the life of the database: with another one no
    known subject is recognised. `signer` signs what puts policy in force, `examiner` says how proposals are checked,
    `proofs` promises that what is logged is proved.
    """

    engine: Engine
    policies: PolicyStore
    evaluator: Evaluator
    clock: Callable[[], dt.datetime]
    secret: bytes
    signer: Signer
    examiner: Examiner
    proofs: Proofs

    @property
    def masters(self) -> MasterKeys:
        """The keys that wrap those of subjects."""
        with read(self.engine) as conn:
            return vault_of(conn).masters

    def now(self) -> str:
        """This instant as RFC 3339 text in UTC with microseconds, so that text order is time order."""
        return instant(self.clock())

    def today(self) -> dt.date:
        """The acting day in China."""
        return self.clock().astimezone(CHINA).date()

    def code_digest(self, code: str) -> str:
        """HMAC-SHA256 of a normalised identity code: without the secret, codes cannot be guessed from the table."""
        return hmac.new(self.secret, code.encode(), hashlib.sha256).hexdigest()

    def new_id(self) -> str:
        """A fresh opaque id that sorts by time, which keeps B-tree inserts local: 12 hex of milliseconds, 20 random."""
        return f"{int(self.clock().timestamp() * 1000):012x}{secrets.token_hex(10)}"

    def new_salt(self) -> str:
        """256 random bits in hex, which make a digest over personal data say nothing about them."""
        return secrets.token_hex(32)

    def new_subject_id(self) -> str:
        """A fresh opaque subject id: it says nothing, not even when it was made."""
        return str(uuid.uuid4())
