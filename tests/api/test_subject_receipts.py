"""A party's receipts: of every step that concerns it and no other, to be kept, scanned, and verified without us."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import docx
from docx.oxml.ns import qn

from adapters.documents.qr import path_of
from adapters.office import Filing
from adapters.office.model import Step
from engine.proof.compact import pack, unpack
from engine.proof.receipt import verify
from tests.adapters.conftest import databases, engine  # noqa: F401 - fixtures
from tests.adapters.support import HR, enterprise
from tests.api.portals import PROOF, Portal, desk_ban, served_portal  # noqa: F401 - a fixture


def session(portal: Portal, party: str | None = None, case: str | None = None) -> dict[str, str]:
    """The header of a fresh session."""
    token = portal.http.post("/v1/subject-sessions", json={"code": portal.code(party, case)}).json()["token"]
    return {"Authorization": f"Bearer {token}"}


def receipt(portal: Portal, headers: dict[str, str], version: int) -> Any:
    """A receipt over HTTP."""
    return portal.http.get(f"/v1/subject-view/receipts/{version}", headers=headers)


def test_each_step_has_a_receipt_that_is_verified_without_us(portal: Portal) -> None:
    """A promise at first, and when the log has taken the step in, the proof; the code on the page is its short form."""
    desk_ban(portal)
    headers = session(portal)
    steps = portal.http.get("/v1/subject-view", headers=headers).json()["steps"]
    promised = [receipt(portal, headers, step["version"]).json() for step in steps]
    portal.desk.office.proofs.seal()
    proved = [receipt(portal, headers, step["version"]).json() for step in steps]
    keys = {key.key for key in portal.desk.office.proofs.keys().keys}
    portal.http.post("/me", data={"code": portal.code()})
    page = portal.http.get(f"/me/receipts/{steps[-1]['version']}")
    kept = portal.http.get(f"/me/receipts/{steps[-1]['version']}/file")

    assert [step["title"] for step in steps] == ["申报列入名单", "公示：部门接收", "公示：部门答复"]
    assert [(p["inclusion"], p["promise"]) for p in promised] == [(None, p["promise"]) for p in proved]
    assert all(verify(found, keys).kept for found in proved)
    assert {**kept.json(), "timestamp": None} == proved[-1]
    assert "attachment" in kept.headers["Content-Disposition"]
    side, path = path_of(pack(proved[-1]))
    assert f'viewBox="0 0 {side} {side}"' in page.text
    assert path in page.text
    assert unpack(pack(proved[-1]))["inclusion"] == proved[-1]["inclusion"]


def test_a_party_has_the_receipts_of_its_own_steps_only(portal: Portal) -> None:
    """The representative does not learn what was done about the company, nor the other way round."""
    desk_ban(portal)
    own, boss = session(portal), session(portal, portal.boss_id)
    mine, theirs = (portal.http.get("/v1/subject-view", headers=h).json()["steps"] for h in (own, boss))
    foreign = {step["version"] for step in mine} - {step["version"] for step in theirs}
    portal.http.post("/me", data={"code": portal.code(portal.boss_id)})

    assert [step["title"] for step in theirs] == ["申报列入名单"]
    assert len(foreign) == 2
    for version in (*foreign, 0, 2, 99):
        assert receipt(portal, boss, version).status_code == 404
        assert portal.http.get(f"/me/receipts/{version}").url.path == "/me"
    assert receipt(portal, boss, 1).status_code == 200
    assert receipt(portal, {}, 1).status_code == 401
    portal.http.cookies.clear()
    assert "查询已经结束" in portal.http.get("/me/receipts/1").text


def test_the_code_on_a_letter_is_the_promise_of_the_step_that_called_for_it(portal: Portal) -> None:
    """The same on paper as in the portal; and the letter is the same whenever it is printed."""
    office = portal.desk.office
    case = office.file_case(HR, Filing("polluters", enterprise(), {"rectified": False})).case.id
    office.step(HR, case, Step("notify", on=dt.date(2026, 11, 24), reason="超标排放", evidence=PROOF))
    (letter,) = office.letters(HR, case)
    _, printed = office.letter(HR, letter.id, "docx")
    (picture,) = docx.Document(io.BytesIO(printed)).element.body.iter(qn("wp:docPr"))
    headers = session(portal, case=case)
    told = next(s for s in portal.http.get("/v1/subject-view", headers=headers).json()["steps"] if s["title"] == "告知")
    found = receipt(portal, headers, told["version"]).json()

    assert unpack(picture.get("descr"))["promise"] == found["promise"]
    assert picture.get("descr") == pack(found | {"inclusion": None})
    assert office.letter(HR, letter.id, "docx")[1] == printed
