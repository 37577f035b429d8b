"""A database with late cases, a clock in a file, and real worker processes that live and die by it."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, update

from adapters.ledger import read, write
from adapters.ledger.policies import PolicyStore
from adapters.ledger.tables import documents, messages
from adapters.office import Office
from adapters.signing import FileSigner
from adapters.worker.faults import VARIABLE
from adapters.worker.standing import standing
from api.clock import now
from engine.casework import decide
from engine.casework.commands import Tick
from engine.casework.model import Actor
from tests.adapters.support import FINANCE, HR, SECRET, Clock, ReferenceEvaluator
from tests.worker.support import LADDERS, Desk, Rung, files, policy, whole

ROOT = Path(__file__).parents[2]
START = dt.datetime(2026, 11, 24, 2, 0, tzinfo=dt.UTC)
SECONDS = 60


@dataclass
class Child:
    """A worker process."""

    process: subprocess.Popen[str]

    def end(self) -> tuple[int, list[dict[str, Any]]]:
        """Its exit code (minus the signal that killed it) and the lines that it logged."""
        _, text = self.process.communicate(timeout=SECONDS)
        lines = text.splitlines()
        return self.process.returncode, [json.loads(line) for line in lines if line.startswith("{")]

    def wait_until_stopped(self) -> None:
        """Wait for it to be in the state that SIGSTOP leaves a process in."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        for _ in range(SECONDS * 50):
            if stat.read_text().rpartition(")")[2].split()[0] == "T":
                return
            assert self.process.poll() is None, self.end()
            time.sleep(0.02)
        raise AssertionError("it never stopped")


@dataclass
class County:
    """Cases that nobody works on, in one database."""

    desk: Desk
    clock: Path
    env: Mapping[str, str]
    told: set[str] = field(default_factory=set)
    expected: dict[tuple[str, str], list[Rung]] = field(default_factory=dict)

    def turn(self, when: dt.datetime) -> None:
        """Set the clock for everybody; nobody ever reads half of it."""
        made = self.clock.with_suffix(".new")
        made.write_text(when.isoformat(), encoding="ascii")
        made.replace(self.clock)

    def jump(self, days: int) -> None:
        """Time passes."""
        self.turn(now(self.clock) + dt.timedelta(days=days))

    def fill(self, each: int) -> None:
        """For every ladder: cases that nobody accepts, and one more whose measures are to be lifted."""
        for ladder in LADDERS:
            for _ in range(each):
                case = self.desk.late(ladder)
                self._expect(case, ladder, self.desk.find(case, "publish"))
                self._expect(case, ladder, "task")
            case = self.desk.late(ladder)
            publish = self.desk.find(case, "publish")
            self.desk.do(HR, publish, "accept")
            self.desk.do(HR, publish, "respond", outcome="implemented")
            refuse = self.desk.find(case, "no-procurement")
            for action in ("accept", "confirm", "arm"):
                self.desk.do(FINANCE, refuse, action)
            self.desk.office.end_case(HR, case, "annulment", "试验")
            self._expect(case, ladder, refuse)
        with write(self.desk.engine) as conn:  # letters are not what is tried here, and rendering one takes a second
            conn.execute(update(documents).values(docx="", pdf=""))

    def _expect(self, case: str, ladder: str, late: str) -> None:
        """What is due next about an obligation, or the task of publishing, will be escalated on the whole ladder."""
        office = self.desk.office
        due = office.process(HR, case).tasks[0].due.on if late == "task" else office.get_obligation(HR, late).due_on
        assert due is not None
        self.expected[case, late] = whole(ladder, due)

    def start(self, fault: str = "", *, once: bool = True, name: str = "w") -> Child:
        """A worker process, which makes one round and ends unless `once` is false."""
        command = [sys.executable, "-m", "api.cli", "worker", "--name", name]
        command += ["--once"] if once else ["--period", "1"]
        env = {**self.env, VARIABLE: fault}
        return Child(subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env, cwd=ROOT
        ))  # fmt: skip

    def end(self, *children: Child) -> list[int]:
        """How children ended; what they told departments is remembered."""
        codes = []
        for child in children:
            code, lines = child.end()
            codes.append(code)
            self.told |= {_said(line) for line in lines if line["event"] == "message"}
        return codes

    def idle(self) -> bool:
        """Whether time has nothing left to say today, as the engine itself sees it."""
        found = standing(self.desk.engine, self.desk.office.context.now())
        command = Tick(Actor("system", "试验"), self.desk.office.context.today(), found.current.departments)
        return not any(decide(case, command, pinned, found.current.calendars) for case, pinned in found.cases)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Give the workers time, but not for ever."""
        end = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.1)

    def everything_told(self) -> bool:
        """Whether every message was told by some worker, and noted."""
        with read(self.desk.engine) as conn:
            rows = conn.execute(select(messages)).all()
        return bool(rows) and all(
            r.delivered_at and (r.department_id, r.audience, r.case_id, r.obligation_id, r.title) in self.told
            for r in rows
        )


def _said(line: Mapping[str, Any]) -> Any:
    return tuple(line[name] for name in ("department", "audience", "case", "obligation", "title"))


def open_county(engine: Engine, folder: Path) -> County:
    """An empty county whose clock stands at the start."""
    folder.mkdir()
    clock, secret = folder / "clock", folder / "secret"
    secret.write_bytes(SECRET.ljust(32, b"."))
    signer = FileSigner(folder / "signing-key.pem")
    policies = PolicyStore(engine, compiler=lambda _: policy(), signer=signer)
    evaluator = ReferenceEvaluator()
    office = Office(
        engine, evaluator=evaluator, clock=partial(now, clock), secret=secret.read_bytes(), policies=policies,
        signer=signer,
    )  # fmt: skip
    env = os.environ | {
        "XINHENG_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "XINHENG_SECRET_FILE": str(secret), "XINHENG_SIMULATED_CLOCK": str(clock),
        "XINHENG_SIGNING_KEY_FILE": str(signer.path),
    }  # fmt: skip
    county = County(Desk(office, engine, Clock(), evaluator), clock, env)
    county.turn(START)
    office.bootstrap_policy(
        files(), proposed_by=Actor("government-office", "甲"), approved_by=Actor("government-office", "乙")
    )
    return county
