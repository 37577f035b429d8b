"""A real server on a free loopback port, the default bundle in force, and a key for each department."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from adapters.office import Office
from adapters.office.ports import CHINA
from adapters.policy_checks import Examiner
from api.assembly import open_office
from api.cli.host import publish_default
from api.http import create_app
from api.settings import Settings
from engine.casework.model import Actor
from engine.identity import organisation_check_character, person_check_character


@dataclass
class Clock:
    """The clock of the service under test, which a test may turn."""

    ahead: dt.timedelta = dt.timedelta()

    def __call__(self) -> dt.datetime:
        """This instant."""
        return dt.datetime.now(dt.UTC) + self.ahead

    def turn_to(self, day: str) -> None:
        """Make it noon in China on a day."""
        noon = dt.datetime.combine(dt.date.fromisoformat(day), dt.time(12), CHINA)
        self.ahead = noon - dt.datetime.now(dt.UTC)


@dataclass
class Served:
    """The service under test."""

    app: FastAPI
    office: Office
    url: str
    http: httpx.Client
    keys: dict[tuple[str, str], str]
    clock: Clock = field(default_factory=Clock)
    counter: int = 0

    def key(self, department: str, *roles: str) -> str:
        """A token of a department, issued once."""
        name = (department, ",".join(roles))
        if name not in self.keys:
            self.keys[name] = self.office.issue_key(department, roles, "test").token
        return self.keys[name]

    def call(self, department: str, method: str, path: str, **given: Any) -> httpx.Response:
        """A call by a department that initiates and implements."""
        roles = given.pop("roles", ("initiator", "implementer"))
        headers = {"Authorization": f"Bearer {self.key(department, *roles)}", **given.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **given)

    def enterprise(self) -> dict[str, str]:
        """A subject nobody has filed yet."""
        self.counter += 1
        body = f"91410783MATEF{self.counter:04d}"
        return {
            "kind": "enterprise",
            "code": body + organisation_check_character(body),
            "name": f"测试企业{self.counter}",
        }

    def person(self) -> dict[str, str]:
        """A person nobody has filed yet."""
        self.counter += 1
        body = f"41072819850101{self.counter:03d}"
        return {"kind": "natural-person", "code": body + person_check_character(body), "name": f"测试人{self.counter}"}

    def refusal(self, **changes: Any) -> dict[str, Any]:
        """A filing of a fresh person on a list whose whole procedure takes place here."""
        self.counter += 1
        return {
            "list": "conscription-refusal", "subject": self.person(), "officer": "王芳",
            "facts": {
                "conduct": "enlistment-refused", "corrected": False, "student": True,
                "order_number": f"长政责改〔2026〕{self.counter}号",
            },
        } | changes  # fmt: skip

    def filing(self, **changes: Any) -> dict[str, Any]:
        """A wage-arrears filing of a fresh enterprise, which was served upstream today."""
        today = self.office.context.today()
        return {
            "list": "wage-arrears", "subject": self.enterprise(), "officer": "王芳",
            "facts": {
                "amount_owed": "120 万元", "workers": "60", "mass_incident": True, "extreme_incident": False,
                "able_but_refusing": True, "construction_sector": True, "works_owner": False, "paid_in_full": False,
                "conduct": "crime-threshold", "decision_number": f"长人社欠〔2026〕{self.counter}号",
                "notice_date": (today - dt.timedelta(days=30)).isoformat(), "decision_date": today.isoformat(),
                "service_date": today.isoformat(), "service_proof": f"长人社送〔2026〕{self.counter}号",
            },
        } | changes  # fmt: skip

    def filed(self, **changes: Any) -> dict[str, Any]:
        """A fresh case."""
        response = self.call("human-resources", "POST", "/v1/cases", json=self.filing(**changes))
        assert response.status_code == 201, response.text
        result: dict[str, Any] = response.json()
        return result


@contextmanager
def serving(folder: Path, files: Mapping[str, str] | None = None) -> Iterator[Served]:
    """A service of its own in a folder, with the shipped bundle or another in force. Proposals are only compiled."""
    settings = Settings(database_url=f"sqlite:///{folder / 'api.db'}", engine_children=1)
    clock = Clock()
    with open_office(settings, serving=False) as opened:  # its engines start with the first decision
        means = opened.context
        office = Office(
            means.engine, evaluator=means.evaluator, clock=clock, secret=means.secret, signer=means.signer,
            examiner=Examiner(apart=False, wanted=frozenset()),
        )  # fmt: skip
        clock.turn_to("2020-01-01")  # so that a policy is in force on any day that a test turns the clock to
        if files is None:
            publish_default(office)
        else:
            people = Actor("government-office", "甲"), Actor("government-office", "乙")
            office.bootstrap_policy(files, proposed_by=people[0], approved_by=people[1])
        office.proofs.seal()  # nothing may look overdue on any of those days
        clock.ahead = dt.timedelta()
        office.beat("tests", period=86_400)
        app = create_app(settings, office)
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, timeout=30) as http:
                yield Served(app, office, url, http, {}, clock)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for the whole session; tests use subjects of their own."""
    with serving(tmp_path_factory.mktemp("api")) as served:
        yield served


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service whose clock a test turns; each begins with cases of its own on a day of its own."""
    with serving(tmp_path_factory.mktemp("timed")) as served:
        yield served
