"""A portal with one case behind it, on each backend: what the tests of the subject's view share."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from adapters.office import Filing, Party, Principal, Related
from adapters.office.portal_view import SubjectCaseView
from api.http import create_app
from api.settings import Settings
from api.web.pages import page
from engine.casework.model import Evidence
from tests.adapters.bundle import BASIS, FILES
from tests.adapters.support import HR, Desk, arrears, enterprise, open_desk, person

PROOF = (Evidence("a" * 64, "回执"),)
ARREARS = (
    FILES["rules/lists/arrears.yaml"]
    .replace("title: 拖欠金额}", "title: 拖欠金额, changeable: true}")
    .replace("  objection:", "  repair: {after: 6 months, requires: [corrected, commitment], accept: 1 working day, "
             "decide: 10 working days}\n  objection:")
)  # fmt: skip
POLLUTERS = f"""
list: polluters
title: 环境失信名单
kind: sanction
filed_by: [human-resources]
subjects: [enterprise]
facts:
  rectified: {{type: boolean, title: 已整改到位, changeable: true}}
procedure:
  notice: {{}}
  statement: {{within: 5 working days}}
  decision: {{}}
  service: {{within: 7 working days}}
  publicity: {{within: 7 working days, min: 1 year, max: 3 years}}
  term: {{length: 3 years}}
  ends: {{annulment: 1 working day}}
basis: {BASIS}
"""
MEMORANDUM = """
memorandum: polluters
title: 环境失信备忘录
valid: {from: 2000-01-01}
list: polluters
rules:
  - id: watch
    when: {rectified: false}
    then:
      - {oblige: watch, by: [transport]}
"""
BUNDLE = FILES | {
    "rules/lists/arrears.yaml": ARREARS,
    "rules/lists/polluters.yaml": POLLUTERS,
    "memoranda/polluters.yaml": MEMORANDUM,
}


@dataclass
class Portal:
    """An office, the service on it, and one case that reaches a company and its legal representative."""

    desk: Desk
    app: FastAPI
    http: httpx.Client
    company: Party
    boss: Party
    case: str
    company_id: str
    boss_id: str

    def code(self, party: str | None = None, case: str | None = None, who: Principal = HR, days: int = 30) -> str:
        """A fresh code."""
        return self.desk.office.issue_access_code(who, case or self.case, party, days).code

    def view(self, party: str | None = None, case: str | None = None) -> SubjectCaseView:
        """What a party is shown, which a page can always be made of."""
        shown = self.desk.office.subject_view(self.desk.office.redeem_code(self.code(party, case)).token)
        assert shown.list_title in page("view.html", v=shown).body.decode()
        return shown

    def shown(self, party: str | None = None, case: str | None = None) -> tuple[dict[str, Any], str]:
        """The same over HTTP: as JSON, and as a page."""
        token = self.http.post("/v1/subject-sessions", json={"code": self.code(party, case)}).json()["token"]
        body = self.http.get("/v1/subject-view", headers={"Authorization": f"Bearer {token}"})
        assert body.status_code == 200, body.text
        self.http.cookies.clear()
        self.http.post("/me", data={"code": self.code(party, case)})
        html = self.http.get("/me")
        assert html.status_code == 200
        return body.json(), html.text


@contextmanager
def serving(app: FastAPI) -> Iterator[httpx.Client]:
    """A real server on a free loopback port, and a browser that follows redirects and keeps cookies."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    with httpx.Client(base_url=url, timeout=30, follow_redirects=True) as http:
        yield http
    server.should_exit = True
    thread.join()


@pytest.fixture(name="portal")
def served_portal(engine: Engine) -> Iterator[Portal]:
    """A portal on each backend."""
    desk = open_desk(engine, BUNDLE)
    company, boss = enterprise(name="甲建筑公司"), person(name="赵老板")
    filing = arrears(company, amount_owed="80 万元", mass_incident=True)
    filed = desk.file(Filing(filing.list, company, filing.facts, related=(Related("legal-representative", boss),)))
    target = next(o.obligation.target for o in filed.obligations if o.obligation.measure == "no-posts")
    app = create_app(Settings(), desk.office)
    with serving(app) as http:
        yield Portal(desk, app, http, company, boss, filed.case.id, filed.case.subject, target)


def desk_ban(portal: Portal) -> str:
    """The procurement ban of the case, open to be accepted."""
    publish = portal.desk.find(portal.case, "publish")
    portal.desk.do(HR, publish, "accept")
    portal.desk.do(HR, publish, "respond", outcome="implemented", evidence=PROOF)
    return portal.desk.find(portal.case, "no-procurement")
