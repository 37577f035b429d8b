"""Publishing over HTTP: who may, what is answered, and how a policy comes into force and goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from adapters.ledger import write
from adapters.ledger.tables import activations
from tests.adapters.bundle import FILES
from tests.adapters.publishing import B60, B70, B80
from tests.api.conftest import Served, serving

STAFF = ("policy",)
FORWARD = {"from": "2030-01-01"}


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service of its own with the small policy in force."""
    with serving(tmp_path_factory.mktemp("policies"), FILES) as served:
        yield served


def ask(own: Served, method: str, path: str, who: str = "finance", **given: Any) -> httpx.Response:
    """A call by a department's policy staff."""
    return own.call(who, method, f"/v1/policies{path}", roles=STAFF, **given)


def propose(own: Served, files: Any = B60, **more: Any) -> httpx.Response:
    """A proposal by the finance office."""
    body = {"files": files, "reason": "门槛调整", "officer": "甲"} | more
    return ask(own, "POST", "", json=body)


def approve(own: Served, version: str, **headers: str) -> httpx.Response:
    """Approval by the tax office."""
    return ask(own, "POST", f"/{version}/approval", "tax", json={"officer": "乙", "remark": "同意"}, headers=headers)


def kind(response: httpx.Response) -> tuple[int, str]:
    """Status and type of a problem."""
    return response.status_code, response.json()["type"].removeprefix("/problems/")


def test_a_policy_goes_from_proposal_into_force(own: Served) -> None:
    """Every answer has the whole proposal; reading it again costs nothing while it is the same."""
    proposed = propose(own)
    version = proposed.json()["version"]
    path, etag = f"/{version}", proposed.headers["ETag"]
    shown = ask(own, "GET", path)
    unchanged = ask(own, "GET", path, headers={"If-None-Match": etag})
    done = approve(own, version, **{"If-Match": etag})
    stale = ask(own, "GET", path, headers={"If-None-Match": etag})
    files = ask(own, "GET", f"{path}/files")
    files_again = ask(own, "GET", f"{path}/files", headers={"If-None-Match": files.headers["ETag"]})
    public = own.call("finance", "GET", "/v1/policy").json()

    assert (proposed.status_code, proposed.headers["Location"]) == (201, f"/v1/policies/{version}")
    assert (shown.json(), shown.headers["ETag"]) == (proposed.json(), etag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert [c["name"] for c in proposed.json()["checks"]] == ["compile"]
    assert proposed.json()["changes"]["changed"] == ["memoranda/arrears.yaml"]
    assert (done.status_code, done.json()["state"], done.json()["approved_by"]) == (200, "in-force", "tax/乙")
    assert (stale.status_code, stale.json()) == (200, done.json())
    assert (files.json(), files_again.status_code) == (B60, 304)
    assert (public["version"], public["effective_from"]) == (version, done.json()["effective_from"])


def test_what_is_wrong_is_told_place_by_place_and_nothing_is_kept(own: Served) -> None:
    """RFC 9457 with every finding; the history stays as it was."""
    path = "rules/measures/watch.yaml"
    wrong = propose(own, {**B60, path: FILES[path].replace("sanction", "sanktion")})

    assert kind(wrong) == (422, "invalid")
    assert wrong.json()["detail"] == "没有通过：编译 1 处"
    assert [e["field"].rpartition(":")[0] for e in wrong.json()["errors"]] == [f"{path}:4"]
    assert len(ask(own, "GET", "").json()["items"]) == 1


def test_refusals_are_told_apart(own: Served) -> None:
    """By their types, which stay."""
    version = propose(own).json()["version"]
    other = propose(own, B70).json()["version"]
    body = {"officer": "甲"}

    assert kind(propose(own)) == (409, "policy-proposed")
    assert kind(propose(own, FILES)) == (409, "policy-active")
    assert kind(propose(own, B80, base=other)) == (409, "policy-moved")
    assert kind(propose(own, B80, **{"from": "2020-01-01"})) == (422, "invalid")
    assert kind(ask(own, "POST", f"/{version}/approval", json=body)) == (403, "same-person")
    assert kind(ask(own, "POST", f"/{version}/withdrawal", "tax", json=body | {"reason": "x"})) == (403, "not-proposer")
    assert kind(approve(own, version, **{"If-Match": '"x"'})) == (412, "precondition-failed")
    assert kind(approve(own, "0" * 64)) == (404, "not-found")
    assert approve(own, version).status_code == 200
    assert kind(approve(own, version)) == (409, "policy-active")
    assert kind(approve(own, other)) == (409, "policy-moved")
    assert kind(ask(own, "POST", "/rollback", json=body | {"reason": "x", "to": other})) == (409, "never-in-force")


def test_a_repeated_request_is_answered_once(own: Served) -> None:
    """The same key: the first answer, marked; with other content it is refused."""
    body = {"files": B60, "reason": "x", "officer": "甲"}
    key = {"Idempotency-Key": "k1"}
    first, second = (ask(own, "POST", "", json=body, headers=key) for _ in range(2))
    other = ask(own, "POST", "", json=body | {"reason": "y"}, headers=key)

    assert (first.json(), "Idempotency-Replayed" in first.headers) == (second.json(), False)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert kind(other) == (422, "idempotency-mismatch")


def test_from_a_date_refused_withdrawn_and_rolled_back(own: Served) -> None:
    """Pending shows its instant; the history has each with what became of it, in pages."""
    began = own.office.current_policy().version
    first = propose(own).json()["version"]
    refused = ask(own, "POST", f"/{first}/refusal", "tax", json={"officer": "乙", "reason": "依据不足"})
    pending = approve(own, propose(own, B70, **FORWARD).json()["version"])
    withdrawn = ask(own, "POST", f"/{pending.json()['version']}/withdrawal", json={"officer": "甲", "reason": "不办了"})
    third = approve(own, propose(own, B80).json()["version"]).json()
    back = ask(own, "POST", "/rollback", "tax", json={"officer": "乙", "reason": "误伤"})
    again = ask(own, "POST", "/rollback", "tax", json={"officer": "乙", "reason": "再退"})
    further = ask(own, "POST", "/rollback", "tax", json={"officer": "乙", "reason": "再用", "to": third["version"]})
    page = ask(own, "GET", "", params={"limit": 4})
    rest = ask(own, "GET", page.headers["Link"].split(">")[0].removeprefix("</v1/policies"))

    assert (refused.json()["state"], refused.json()["remark"]) == ("refused", "依据不足")
    assert (pending.json()["state"], pending.json()["from"]) == ("pending", "2030-01-01")
    assert pending.json()["effective_from"] == "2029-12-31T16:00:00.000000Z"
    assert withdrawn.json()["state"] == "withdrawn"
    assert (back.status_code, back.json()["version"], back.json()["rollback"]) == (200, began, True)
    assert own.office.current_policy().version == began
    assert kind(again) == (409, "no-earlier-policy")
    assert (further.json()["state"], further.json()["version"]) == ("proposed", third["version"])
    states = [i["state"] for i in page.json()["items"] + rest.json()["items"]]
    assert states == ["proposed", "in-force", "past", "withdrawn", "refused", "past"]
    assert rest.json()["next"] is None


def test_a_policy_that_was_changed_from_outside_serves_nothing(own: Served) -> None:
    """503 with its own type; what needs no policy goes on."""
    own.key("finance", "initiator", "implementer")
    approve(own, propose(own).json()["version"])
    own.office.context.policies._trusted.clear()
    with write(own.office.context.engine) as conn:
        conn.execute(update(activations).values(approved_by="tax/丙"))

    assert kind(own.call("finance", "GET", "/v1/policy")) == (503, "policy-corrupt")
    assert kind(approve(own, "0" * 64)) == (404, "not-found")
    assert own.http.get("/healthz").status_code == 200


def test_a_key_file_that_is_gone_signs_nothing(own: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, and the proposal waits as before."""
    version = propose(own).json()["version"]
    signer = own.office.context.signer
    monkeypatch.setattr(type(signer), "trusts", lambda _self, _key: False)

    assert kind(approve(own, version)) == (503, "signing-unavailable")

    monkeypatch.undo()

    assert approve(own, version).json()["state"] == "in-force"


def test_at_midnight_the_next_request_goes_by_the_new_version(own: Served) -> None:
    """Nothing is restarted and nothing runs; the clock alone."""
    version = propose(own, **FORWARD).json()["version"]
    approve(own, version)
    seen = []
    for day in ("2029-12-31", "2030-01-01"):
        own.clock.turn_to(day)
        seen.append(own.call("finance", "GET", "/v1/policy").json()["version"] == version)

    assert own.clock() - dt.datetime.now(dt.UTC) > dt.timedelta(days=365)
    assert seen == [False, True]
