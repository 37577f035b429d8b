"""Whatever route, page or letter list is asked: a marker planted in every private value shows only where it may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest
from sqlalchemy import Engine

from adapters.office import CheckRequest, Filing, Related
from adapters.office.looks import stated
from api.http import create_app
from api.settings import Settings
from engine.casework.model import Evidence
from tests.adapters.conftest import databases, engine  # noqa: F401 - fixtures
from tests.adapters.support import FINANCE, HR, MARKET, TRANSPORT, arrears, enterprise, open_desk, person
from tests.adapters.test_intake_and_subjects import penalty
from tests.api.portals import BUNDLE, Portal, serving

DEPARTMENTS = ("human-resources", "finance", "transport", "market-regulation", "tax")
ROUTES = (
    "/v1/cases/{case}", "/v1/cases/{case}/graph", "/v1/cases/{case}/decision", "/v1/cases/{case}/events",
    "/v1/cases/{case}/process", "/v1/cases/{case}/letters", "/v1/obligations?case={case}", "/v1/obligations",
    "/v1/messages", "/v1/subjects/{company}", "/v1/subjects/{boss}", "/v1/audit/looks?subject={company}",
    "/v1/cases/{case}/decision?as=subject", "/v1/cases/{case}/decision?as=finance",
)  # fmt: skip
HR_AND_AUDITOR = {"human-resources", "auditor"}
AMOUNT, PROOF_NUMBER, PENALTY = "800700", "送达回证甲乙丙", "罚字标记第一号"
OFFICER, REMARK, EVIDENCE, REASON = "办案人甲", "标记备注", "标记回执", "标记理由"
LOOKER, OTHER_CASE = "看卷人乙", "别案标记"


@pytest.fixture(name="planted")
def planted_portal(engine: Engine) -> Iterator[Portal]:  # noqa: F811 - the fixture
    """A case with a marker in every private value: filed by human resources, worked on by finance and transport."""
    desk = open_desk(engine, BUNDLE)
    company, boss = enterprise(name="甲建筑公司"), person(name="赵老板")
    fines = [penalty(company, str(n), document_number=PENALTY) for n in range(2)]
    assert {r.status for r in desk.office.put_records(MARKET, fines)} == {"accepted"}
    filing = arrears(company, amount_owed="80.07 万元", mass_incident=True, service_proof=PROOF_NUMBER)
    related = (Related("legal-representative", boss),)
    filed = desk.file(Filing(filing.list, company, filing.facts, related=related))
    case, target = (
        filed.case,
        next(o.obligation.target for o in filed.obligations if o.obligation.measure == "no-posts"),
    )
    desk.file(arrears(enterprise(name=OTHER_CASE)))
    publish, ban = desk.find(case.id, "publish"), desk.find(case.id, "no-procurement")
    desk.do(HR, publish, "accept")
    desk.do(HR, publish, "respond", outcome="implemented", evidence=(Evidence("b" * 64, "公示回执"),))
    clerk = replace(FINANCE, officer=OFFICER)
    desk.do(clerk, ban, "accept")
    desk.do(clerk, ban, "confirm", remark=REMARK)
    desk.do(clerk, ban, "arm", evidence=(Evidence("c" * 64, EVIDENCE),))
    watch = desk.find(case.id, "watch")
    desk.do(TRANSPORT, watch, "accept")
    desk.do(TRANSPORT, watch, "respond", outcome="not-applicable", reason=REASON)
    desk.office.check(clerk, CheckRequest("procurement", "采购资格审查", subject=case.subject))
    desk.office.get_case(stated(HR, purpose="接访", officer=LOOKER), case.id)
    app = create_app(Settings(), desk.office)
    with serving(app) as http:
        yield Portal(desk, app, http, company, boss, case.id, case.subject, target)


def everything(portal: Portal, department: str, role: str) -> str:
    """All that a key is answered, by every route."""
    token = portal.desk.office.issue_key(
        department, ["initiator", "implementer"] if role == "both" else [role], "t"
    ).token
    ids = {"case": portal.case, "company": portal.company_id, "boss": portal.boss_id}
    headers = {"Authorization": f"Bearer {token}", "X-Purpose": quote("核对")}
    told = []
    for route in ROUTES:
        answer = portal.http.get(route.format(**ids), headers=headers)
        assert answer.status_code in {200, 403, 404}, answer.text
        told.append(answer.text if answer.status_code == 200 else "")
    told.append(portal.http.get(ROUTES[1].format(**ids), headers=headers | {"Accept": "image/svg+xml"}).text)
    return "\n".join(told)


def test_no_route_shows_a_marker_to_whom_it_may_not(planted: Portal) -> None:
    """Departments by every route, the parties by the portal's JSON and its page; the auditor sees all of it."""
    told = {name: everything(planted, name, "both") for name in DEPARTMENTS}
    told["auditor"] = everything(planted, "tax", "auditor")
    for name, party in (("subject", planted.company_id), ("boss", planted.boss_id)):
        body, page = planted.shown(party)
        told[name] = f"{body}\n{page}".replace("800,700", AMOUNT)
    posts = planted.desk.office.get_obligation(HR, planted.desk.find(planted.case, "no-posts")).obligation.department
    own_measure = {"subject", "boss", posts}

    def seers(marker: str) -> set[str]:
        return {name for name, text in told.items() if marker in text}

    assert seers(AMOUNT) == HR_AND_AUDITOR | own_measure
    assert seers(PROOF_NUMBER) == HR_AND_AUDITOR | {"subject"}
    assert seers(PENALTY) == {"auditor", "subject"}
    assert seers(OFFICER) == HR_AND_AUDITOR | {"finance"}
    assert seers(REMARK) == HR_AND_AUDITOR
    assert seers(EVIDENCE) == HR_AND_AUDITOR
    assert seers(REASON) == HR_AND_AUDITOR | {"transport"}
    assert seers(LOOKER) == {"auditor"}
    assert seers(planted.boss_id) == HR_AND_AUDITOR | {posts, "boss"}
    assert seers("赵老板") == {"auditor", posts, "boss"}
    assert seers("接访") == {"auditor", "subject"}
    assert seers(OTHER_CASE) == set()
    for code in (planted.company.code, planted.boss.code):
        assert seers(code) == set()
