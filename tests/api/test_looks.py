"""Every route that shows something of a subject leaves a look, with the purpose that its headers state."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from adapters.ledger import read
from adapters.ledger.look_tables import looks
from tests.api.conftest import Served
from tests.api.test_isolation import routes

# route → what is asked besides, and as which role; the department is the case's initiator
SHOWN: dict[str, tuple[dict[str, str], str]] = {
    "/v1/cases/{case}": ({}, "initiator"),
    "/v1/cases/{case}/graph": ({}, "initiator"),
    "/v1/cases/{case}/decision": ({}, "initiator"),
    "/v1/cases/{case}/events": ({}, "initiator"),
    "/v1/cases/{case}/process": ({}, "initiator"),
    "/v1/cases/{case}/letters": ({}, "initiator"),
    "/v1/cases/{case}/receipts/{event}": ({}, "initiator"),
    "/v1/letters/{letter}": ({}, "initiator"),
    "/v1/subjects/{subject}": ({}, "initiator"),
    "/v1/obligations": ({"case": "{case}"}, "initiator"),
    "/v1/messages": ({}, "initiator"),
    "/v1/audit/looks": ({"subject": "{subject}"}, "auditor"),
    "/v1/audit/decisions": ({"initiator": "human-resources", "limit": "200"}, "auditor"),
    "/v1/audit/sample": ({"seed": "s", "size": "1000"}, "auditor"),
    "/v1/audit/duties": ({"subject": "{subject}"}, "auditor"),
    "/v1/audit/reversals": ({}, "auditor"),
    "/v1/erasures": ({}, "auditor"),
}
# no person's: the policy, the log's hashes, the service itself
NOBODYS = {
    "/v1/policy", "/v1/policies", "/v1/policies/{version}", "/v1/policies/{version}/files", "/v1/clock", "/healthz",
    "/readyz", "/problems", "/problems/{code}", "/docs", "/docs/oauth2-redirect", "/openapi.json", "/me/portal.css",
    "/v1/log/checkpoint", "/v1/log/inclusion", "/v1/log/consistency", "/v1/log/keys",
}  # fmt: skip
OWN = {
    "/v1/subject-view", "/v1/subject-view/receipts/{event}", "/me", "/me/receipts/{event}", "/me/receipts/{event}/file",
}  # fmt: skip
"""A party's own looks, which stand among the counter checks; see `test_subject_view`."""
EMPTY = {"/v1/audit/duties", "/v1/messages", "/v1/erasures"}
"""What may have nothing to show of a case that is seconds old."""


@pytest.fixture(scope="module")
def ids(served: Served) -> dict[str, str]:
    """A case that was annulled, and the ids in it."""
    filed = served.filed()
    owed = filed["obligations"][0]
    slip = served.call(owed["department"], "POST", f"/v1/obligations/{owed['id']}/slip", json={"officer": "李明"})
    case = filed["case"]["id"]
    ended = served.call(
        "human-resources", "POST", f"/v1/cases/{case}/end", headers={"If-Match": "*"},
        json={"ground": "annulment", "reason": "认定有误", "officer": "王芳"},
    )  # fmt: skip
    assert ended.status_code == 200, ended.text
    return {
        "case": case, "subject": filed["case"]["subject"], "letter": slip.json()["id"], "event": "1",
    }  # fmt: skip


def looked(served: Served, purpose: str) -> list[Any]:
    """The looks for a purpose."""
    with read(served.office.context.engine) as conn:
        return list(conn.execute(select(looks).where(looks.c.purpose == purpose)))


def test_every_route_is_known_to_show_a_subject_or_nobody(served: Served) -> None:
    """A new route has to be named here, and then has to leave a look or show nobody."""
    got = {path for method, path in routes(served.app.routes) if method == "GET"}

    assert got == set(SHOWN) | NOBODYS | OWN


@pytest.mark.parametrize("path", sorted(SHOWN))
def test_a_read_leaves_a_look(served: Served, ids: dict[str, str], path: str) -> None:
    """Department, key, officer, purpose and matter are the caller's; the subject is in it."""
    given, role = SHOWN[path]
    purpose = f"核对 {path}"
    headers = {"X-Purpose": quote(purpose), "X-Matter": "UTF-8''" + quote("政府采购"), "X-Officer": quote("赵六")}
    params = {name: value.format(**ids) for name, value in given.items()}
    answer = served.call("human-resources", "GET", path.format(**ids), params=params, headers=headers, roles=(role,))
    found = looked(served, purpose)

    assert answer.status_code == 200, answer.text
    assert {(r.department, r.officer, r.matter, r.stated) for r in found} in (
        {("human-resources", "赵六", "政府采购", True)}, *([set()] if path in EMPTY else []),
    )  # fmt: skip
    assert ids["subject"] in {r.subject_id for r in found} or path in EMPTY


def test_a_lookup_by_code_leaves_a_look(served: Served) -> None:
    """The code itself is nowhere in it, not even where the purpose repeats it."""
    subject = served.filing()["subject"]
    served.call("human-resources", "POST", "/v1/cases", json=served.filing(subject=subject))
    purpose = f"核对 {subject['code']}"
    answer = served.call(
        "human-resources", "POST", "/v1/subjects/lookup", headers={"X-Purpose": quote(purpose)},
        json={"kind": subject["kind"], "code": subject["code"]},
    )  # fmt: skip
    (look,) = looked(served, "核对 〔代码已隐去〕")

    assert (look.what, look.subject_id) == ("lookup", answer.json()["id"])


@pytest.mark.parametrize("purpose", [quote("长" * 501), "%FF", "a" * 10_000, "%00"])
def test_a_purpose_that_is_no_text_is_a_problem(served: Served, ids: dict[str, str], purpose: str) -> None:
    """It names the header, and nothing is shown."""
    answer = served.call("human-resources", "GET", f"/v1/cases/{ids['case']}", headers={"X-Purpose": purpose})

    assert answer.status_code == 422
    assert "purpose" in answer.json()["errors"][0]["field"].lower()


def test_an_implementing_department_sees_what_obliges_it(served: Served) -> None:
    """Its own obligations with their rules; not the others', nor why anyone owes nothing."""
    filed = served.filed()
    path = f"/v1/cases/{filed['case']['id']}/decision"
    told = served.call("finance", "GET", path).json()
    asked = served.call("finance", "GET", path, params={"why_not": "customs"})
    as_other = served.call("finance", "GET", path, params={"as": "subject"})
    by_auditor = served.call("credit-centre", "GET", path, params={"as": "finance"}, roles=("auditor",)).json()
    nobody = served.call("credit-centre", "GET", path, params={"as": "customs"}, roles=("auditor",))

    assert told["audience"] == "implementer"
    assert {o["department"] for o in told["document"]["obligations"]} == {"finance"}
    assert {r["rule"] for r in told["rules"]} == {rule for o in told["document"]["obligations"] for rule in o["rules"]}
    assert by_auditor == told
    assert (asked.status_code, as_other.status_code) == (403, 403)
    assert nobody.status_code == (200 if "customs" in {o["department"] for o in filed["obligations"]} else 404)
