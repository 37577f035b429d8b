"""A department sees and answers only what is its own; every route is in the matrix."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from api.http.procedure_requests import STEPS
from tests.api.conftest import Served

ROLES = ("initiator", "implementer", "policy", "auditor", "custodian")
OFFICER = {"officer": "外人"}
POLICY = {"files": {"x.yaml": "law: x"}, "reason": "x"}
END = {"ground": "withdrawal", "reason": "x", "officer": "外人"}


def required(form: type[BaseModel]) -> dict[str, Any]:
    """The least that a body must have, from its examples."""
    return {name: f.examples[0] for name, f in form.model_fields.items() if f.is_required() and name != "officer"}


# route → (body, statuses that a foreign department may get for each role)
FOREIGN: dict[tuple[str, str], tuple[Any, dict[str, set[int]]]] = {
    ("GET", "/v1/cases/{case}"): (None, {"auditor": {200}}),
    ("GET", "/v1/cases/{case}/graph"): (None, {"auditor": {200}}),
    ("GET", "/v1/cases/{case}/decision"): (None, {"auditor": {200}}),
    ("GET", "/v1/cases/{case}/events"): (None, {"auditor": {200}}),
    ("GET", "/v1/cases/{case}/receipts/{event}"): (None, {"auditor": {200}}),
    ("POST", "/v1/cases/{case}/end"): (END, {}),
    ("POST", "/v1/obligations/{obligation}/accept"): (OFFICER, {}),
    ("POST", "/v1/obligations/{obligation}/confirm"): (OFFICER, {}),
    ("POST", "/v1/obligations/{obligation}/arm"): (OFFICER, {}),
    ("POST", "/v1/obligations/{obligation}/apply"): (OFFICER | {"occasion": "x", "applied": True}, {}),
    ("POST", "/v1/obligations/{obligation}/respond"): (OFFICER | {"outcome": "implemented"}, {}),
    ("POST", "/v1/obligations/{obligation}/refer"): (OFFICER | {"to": "tax", "reason": "x"}, {}),
    ("POST", "/v1/obligations/{obligation}/lift"): (OFFICER, {}),
    ("GET", "/v1/subjects/{subject}"): (None, {"auditor": {200}}),
    # a custodian answers for all that is kept here, whichever department brought it; a case is open, so nothing goes
    ("POST", "/v1/subjects/{subject}/erasure"): (
        OFFICER | {"ground": "retention-expired", "reference": "9号"}, {"custodian": {409}},
    ),
    # no department's own: policy staff of any department work on it, and it is never approved by who proposed it
    ("GET", "/v1/policies/{version}"): (None, {"policy": {200}, "auditor": {200}}),
    ("GET", "/v1/policies/{version}/files"): (None, {"policy": {200}, "auditor": {200}}),
    ("POST", "/v1/policies/{version}/approval"): (OFFICER, {"policy": {412}}),
    ("POST", "/v1/policies/{version}/refusal"): (OFFICER | {"reason": "x"}, {"policy": {412}}),
    ("POST", "/v1/policies/{version}/withdrawal"): (OFFICER | {"reason": "x"}, {"policy": {412}}),
    ("GET", "/v1/cases/{case}/process"): (None, {"auditor": {200}}),
    ("GET", "/v1/cases/{case}/letters"): (None, {"auditor": {200}}),
    ("GET", "/v1/letters/{letter}"): (None, {"auditor": {200}}),
    ("POST", "/v1/obligations/{obligation}/slip"): (OFFICER, {}),
    ("POST", "/v1/cases/{case}/access-codes"): ({}, {}),
} | {
    ("POST", f"/v1/cases/{{case}}/steps/{form.action}"): (OFFICER | required(form), {}) for form, _ in STEPS
}  # fmt: skip
# route that names no foreign thing → (its department, body, status for each role)
OWN: dict[tuple[str, str], tuple[str, Any, dict[str, int]]] = {
    ("POST", "/v1/cases"): ("human-resources", "filing", {"initiator": 201}),
    ("GET", "/v1/obligations"): ("finance", None, {"initiator": 200, "implementer": 200, "auditor": 200}),
    ("POST", "/v1/checks"): ("finance", "check", {"initiator": 200, "implementer": 200}),
    ("POST", "/v1/records"): ("tax", "record", {"initiator": 200, "implementer": 200}),
    ("POST", "/v1/subjects/lookup"): ("finance", "party", {"initiator": 200, "implementer": 200, "auditor": 200}),
    ("GET", "/v1/policy"): ("forestry", None, dict.fromkeys(ROLES, 200)),
    ("GET", "/v1/messages"): ("forestry", None, dict.fromkeys(ROLES, 200)),
    ("POST", "/v1/policy/migration"): ("credit-centre", OFFICER, {"policy": 200}),
    ("GET", "/v1/policies"): ("forestry", None, {"policy": 200, "auditor": 200}),
    ("POST", "/v1/policies"): ("credit-centre", OFFICER | POLICY, {"policy": 422}),
    ("GET", "/v1/audit/looks"): ("forestry", None, {"auditor": 200}),
    ("GET", "/v1/audit/decisions"): ("forestry", None, {"auditor": 200}),
    ("GET", "/v1/audit/sample"): ("forestry", None, {"auditor": 422}),  # no seed
    ("GET", "/v1/audit/duties"): ("forestry", None, {"auditor": 200}),
    ("GET", "/v1/audit/reversals"): ("forestry", None, {"auditor": 200}),
    ("GET", "/v1/erasures"): ("forestry", None, {"auditor": 200, "custodian": 200}),
    ("POST", "/v1/policies/rollback"): ("credit-centre", OFFICER | {"reason": "x"}, {"policy": 409}),
    ("POST", "/v1/replays"): ("forestry", {"decision": "0" * 64}, {"auditor": 404}),
}
OPEN = {
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/v1/clock"), ("GET", "/problems"), ("GET", "/problems/{code}"),
    # hashes and signatures only; a countersignature needs a registered key of another kind
    ("GET", "/v1/log/checkpoint"), ("GET", "/v1/log/inclusion"), ("GET", "/v1/log/consistency"),
    ("GET", "/v1/log/keys"), ("POST", "/v1/log/countersignatures"),
}  # fmt: skip
SUBJECTS = {  # no department's; see test_portal and test_subject_receipts
    ("POST", "/v1/subject-sessions"), ("GET", "/v1/subject-view"), ("GET", "/v1/subject-view/receipts/{event}"),
}  # fmt: skip
PAGES = {  # as SUBJECTS
    ("GET", "/me"), ("POST", "/me"), ("POST", "/me/logout"), ("GET", "/me/portal.css"),
    ("GET", "/me/receipts/{event}"), ("GET", "/me/receipts/{event}/file"),
}  # fmt: skip
HIDDEN = {("GET", "/docs"), ("GET", "/docs/oauth2-redirect"), ("GET", "/openapi.json")} | PAGES


def routes(routes_: Iterable[Any]) -> set[tuple[str, str]]:
    """Every operation that the application routes, documented or not."""
    found = set()
    for route in routes_:
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        if getattr(inner, "routes", None):
            found |= routes(inner.routes)
        elif hasattr(route, "path"):
            found |= {(method, route.path) for method in route.methods - {"HEAD"}}
    return found


def body_of(served: Served, named: Any, subject: dict[str, str]) -> dict[str, Any]:
    """What to send."""
    record = {"record": "tax-rating", "id": subject["code"], "subject": subject, "fields": {"grade": "A"}}
    check = {"matter": "government-procurement", "purpose": "审查", "code": subject["code"]}
    match named:
        case "filing":
            return {"json": served.filing()}
        case "check":
            return {"json": check}
        case "record":
            content = json.dumps(record).encode()
            return {"content": content, "headers": {"Content-Type": "application/x-ndjson"}}
        case "party":
            return {"json": {"kind": subject["kind"], "code": subject["code"]}}
        case None:
            return {}
        case _:
            return {"json": named}


def test_every_route_is_in_the_matrix(served: Served) -> None:
    """A new route without an entry here fails, and so does one that the document hides."""
    paths = served.app.openapi()["paths"]
    documented = {(method.upper(), path) for path, operations in paths.items() for method in operations}

    assert documented == set(FOREIGN) | set(OWN) | OPEN | SUBJECTS
    assert routes(served.app.routes) == documented | HIDDEN


@pytest.mark.parametrize("role", ROLES)
def test_foreign_things_are_not_there(served: Served, role: str) -> None:
    """A department that has nothing to do with a case gets 404, or 403 where its role has no business at all.

    What it is told is the same, to the letter, as about a thing that never was.
    """
    filed = served.filed()
    obligation = filed["obligations"][0]
    slip = served.call(
        obligation["department"], "POST", f"/v1/obligations/{obligation['id']}/slip", json={"officer": "李明"}
    )
    ids = {
        "case": filed["case"]["id"], "obligation": obligation["id"], "letter": slip.json()["id"],
        "subject": filed["case"]["subject"], "version": filed["case"]["policy"], "event": "3",
    }  # fmt: skip
    never = {name: "0" * len(id_) for name, id_ in ids.items()}
    for (method, path), (body, allowed) in FOREIGN.items():
        given = {"json": body} if body is not None else {}
        response, other = (
            served.call("forestry", method, path.format(**x), roles=(role,), headers={"If-Match": '"1"'}, **given)
            for x in (ids, never)
        )

        assert response.status_code in allowed.get(role, {403, 404}), (method, path, response.text)
        assert other.status_code in {403, 404}
        if role not in allowed:
            assert (response.status_code, response.text) == (other.status_code, other.text)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_does_only_what_it_is_for(served: Served, role: str) -> None:
    """403 for everything else."""
    subject = served.filing()["subject"]
    served.call("human-resources", "POST", "/v1/cases", json=served.filing(subject=subject))
    for (method, path), (department, named, allowed) in OWN.items():
        response = served.call(department, method, path, roles=(role,), **body_of(served, named, subject))

        assert response.status_code == allowed.get(role, 403), (method, path, response.text)


def test_nothing_is_served_without_a_key(served: Served) -> None:
    """No key, another scheme, an unknown key, a revoked key: 401 on every route, whatever is sent."""
    issued = served.office.issue_key("finance", ["initiator", "implementer"], "revoked")
    served.office.revoke_key(issued.key.id)
    subject = served.enterprise()
    everything = [(route, body) for route, (body, _) in FOREIGN.items()]
    everything += [(route, named) for route, (_, named, _) in OWN.items()]
    for (method, path), named in everything:
        given = body_of(served, named, subject)
        sent = given.pop("headers", {}) | {"If-Match": '"1"'}
        url = path.format(case="x", obligation="x", subject="x", version="x", letter="x", event="1")
        for authorization in ("", "Basic eDp5", "Bearer xh_unknown", f"Bearer {issued.token}"):
            headers = sent | ({"Authorization": authorization} if authorization else {})
            response = served.http.request(method, url, headers=headers, **given)

            assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer"), (method, path)


def test_the_deciding_department_sees_and_decides_and_does_nothing_else(served: Served) -> None:
    """The county government decides this list: it sees how far a case is, decides, and no more. No other list's."""
    case = served.call("armed-forces", "POST", "/v1/cases", json=served.refusal()).json()["case"]["id"]
    other = served.filed()["case"]["id"]
    body = {"officer": "刘强", "outcome": "list", "number": "长政决〔2026〕9号", "reason": "事实清楚"}

    def ask(method: str, path: str, **given: Any) -> httpx.Response:
        return served.call("county-government", method, path, **given)

    seen = ask("GET", f"/v1/cases/{case}/process")
    early = ask("POST", f"/v1/cases/{case}/steps/decide", json=body)
    foreign = [
        ask("GET", f"/v1/cases/{other}/process"),
        ask("POST", f"/v1/cases/{other}/steps/decide", json=body),
        ask("POST", f"/v1/cases/{case}/steps/publish", json={"officer": "刘强"}),
        ask("POST", f"/v1/cases/{case}/end", json=END, headers={"If-Match": "*"}),
    ]

    assert (seen.status_code, seen.json()["actions"]) == (200, [])
    assert (early.status_code, early.json()["type"]) == (409, "/problems/stage-incomplete")
    assert [r.status_code for r in foreign] == [404] * 4


def test_a_slip_is_its_departments_and_the_initiators(served: Served) -> None:
    """Whoever owes the obligation issues it; another department that owes something in the case does not see it."""
    filed = served.filed()
    mine = next(o for o in filed["obligations"] if o["department"] == "finance")
    slip = served.call("finance", "POST", f"/v1/obligations/{mine['id']}/slip", json={"officer": "李明"})
    path = f"/v1/letters/{slip.json()['id']}"
    nobody = served.call("finance", "POST", f"/v1/obligations/{mine['id']}/slip", json={"officer": ""})
    seen = {d: served.call(d, "GET", path).status_code for d in ("finance", "human-resources", "credit-centre")}
    (listed,) = served.call("finance", "GET", f"/v1/cases/{filed['case']['id']}/letters").json()["items"]

    assert (slip.status_code, slip.headers["Location"]) == (201, path)
    assert listed["id"] == slip.json()["id"]
    assert seen == {"finance": 200, "human-resources": 200, "credit-centre": 404}
    assert nobody.status_code == 422


def test_the_inbox_shows_only_ones_own(served: Served) -> None:
    """Another department's obligations are refused; an initiator that implements nothing sees none."""
    served.filed()
    mine = served.call("finance", "GET", "/v1/obligations", params={"limit": 200}).json()["items"]
    others = served.call("finance", "GET", "/v1/obligations", params={"department": "tax"})

    assert {i["department"] for i in mine} == {"finance"}
    assert others.status_code == 403


def test_a_department_files_only_on_its_own_lists(served: Served) -> None:
    """The list names who may file."""
    response = served.call("tax", "POST", "/v1/cases", json=served.filing())

    assert response.status_code == 403


def test_a_counter_asks_only_about_its_own_matters(served: Served) -> None:
    """A matter that the department does not handle is refused, and a purpose is always needed."""
    code = served.enterprise()["code"]
    foreign = served.call(
        "forestry", "POST", "/v1/checks", json={"matter": "customs-clearance", "purpose": "x", "code": code}
    )
    silent = served.call(
        "customs", "POST", "/v1/checks", json={"matter": "customs-clearance", "purpose": "", "code": code}
    )

    assert (foreign.status_code, silent.status_code) == (403, 422)
