"""Every error is a problem with a stable type and a Chinese title."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from api.http.problems import TITLES
from tests.api.conftest import Served

ROOT = Path(__file__).parents[2]


def test_each_mistake_has_its_status_and_type(served: Served) -> None:
    """401, 403, 404, 405, 409, 412, 413, 415, 422 and 428, each as a problem document."""
    filing, filed = served.filing(), served.filed()
    case, first = filed["case"]["id"], filed["obligations"][0]
    standing = next(o for o in filed["obligations"] if o["mode"] == "standing")
    accept, arm = f"/v1/obligations/{first['id']}/accept", f"/v1/obligations/{standing['id']}/arm"
    officer = {"officer": "甲"}
    big = b'{"list": "' + b"x" * 1_100_000 + b'"}'

    def file(**given: Any) -> httpx.Response:
        return served.call("human-resources", "POST", "/v1/cases", **given)

    def send(content: bytes, kind: str = "application/json") -> httpx.Response:
        return file(content=content, headers={"Content-Type": kind})

    def end(**headers: str) -> httpx.Response:
        body = {"ground": "withdrawal", "reason": "x", "officer": "王芳"}
        return served.call("human-resources", "POST", f"/v1/cases/{case}/end", json=body, headers=headers)

    calls: list[tuple[int, str, httpx.Response]] = [
        (401, "unauthenticated", served.http.get(f"/v1/cases/{case}")),
        (401, "unauthenticated", served.http.get(f"/v1/cases/{case}", headers={"Authorization": "Bearer xh_no"})),
        (401, "unauthenticated", served.http.post("/v1/cases", json={})),
        (403, "role-required", file(json=filing, roles=("auditor",))),
        (404, "not-found", served.call("forestry", "GET", f"/v1/cases/{case}")),
        (404, "not-found", served.call("forestry", "POST", accept, json=officer)),
        (404, "not-found", served.call("finance", "GET", "/v1/nothing")),
        (404, "not-found", served.call("finance", "GET", "/v1/obligations/")),
        (405, "method-not-allowed", served.call("finance", "DELETE", f"/v1/cases/{case}")),
        (409, "wrong-state", served.call(standing["department"], "POST", arm, json=officer)),
        (412, "precondition-failed", end(**{"If-Match": '"99"'})),
        (412, "precondition-failed", end(**{"If-Match": "2"})),
        (413, "body-too-large", send(big)),
        (415, "unsupported-media-type", send(b"a", "text/xml")),
        (422, "invalid", send(b"{")),
        (422, "invalid", file(json=filing | {"facts": {"amount_owed": 1.5}})),
        (422, "invalid", file(json=filing | {"officer": ""})),
        (422, "invalid", file(json=filing | {"unknown": 1})),
        (428, "precondition-required", end()),
    ]

    for status, code, response in calls:
        assert (status, f"/problems/{code}") == (response.status_code, response.json()["type"]), response.text
        assert response.headers["content-type"] == "application/problem+json"
        assert re.search("[一-鿿]", response.json()["title"])


def test_a_limit_that_is_met_is_named(served: Served) -> None:
    """The error of a body that is too large says which setting to change, also when no length was announced."""
    response = served.call(
        "human-resources", "POST", "/v1/cases", content=iter([b"{" + b" " * 2_000_000]),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip

    assert response.status_code == 413
    assert (response.json()["limit"], response.json()["setting"]) == (1_048_576, "XINHENG_MAX_BODY_BYTES")


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"facts":' * 50_000, b"\xff\xfe", b'{"list": "\\u0000"}', b'{"\\ud800": 1}', b"1" * 5000]
)
def test_hostile_bodies_are_the_callers_fault(served: Served, body: bytes) -> None:
    """Deep nesting, bytes that are no text, NUL: a 4xx, never a 5xx."""
    response = served.call(
        "human-resources", "POST", "/v1/cases", content=body, headers={"Content-Type": "application/json"}
    )

    assert 400 <= response.status_code < 500


def test_field_errors_name_the_field_and_nothing_is_filed(served: Served) -> None:
    """A wrong identity code and missing facts are all reported at once."""
    filing = served.filing(facts={})
    filing["subject"] = filing["subject"] | {"code": filing["subject"]["code"][:-1] + "#"}
    response = served.call("human-resources", "POST", "/v1/cases", json=filing)

    assert response.status_code == 422
    assert {"subject.code"} <= {e["field"] for e in response.json()["errors"]}


def test_every_code_that_can_be_raised_has_a_title_and_a_page(served: Served) -> None:
    """Refusals of casework and errors of the office are in the catalogue, and each type can be looked up."""
    raised = set()
    for folder, pattern in (
        ("engine/casework", r"Refusal\(\s*\"([a-z-]+)\""),
        ("adapters/office", r"code(?:=| = )\"([a-z-]+)\""),
        ("api/http", r"(?:problem|LimitError)\(\s*\"([a-z-]+)\""),
    ):
        for path in (ROOT / folder).glob("*.py"):
            raised |= set(re.findall(pattern, path.read_text(encoding="utf-8")))
    known = served.http.get("/problems").json()

    assert raised - set(TITLES) <= {"office-error", "refused"}
    assert {f"/problems/{code}" for code in TITLES} == set(known)
    assert all(served.http.get(url).json() == {"type": url, "title": title} for url, title in known.items())
    assert served.http.get("/problems/nothing").status_code == 404


def test_an_internal_error_says_nothing_of_the_inside(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 as a problem, without a trace; the connection goes on to serve."""
    served.key("finance", "initiator", "implementer")
    monkeypatch.setattr(served.office.context.policies, "current_version", lambda *_: 1 / 0)
    response = served.call("finance", "GET", "/v1/policy")

    assert response.status_code == 500
    assert json.loads(response.text)["type"] == "/problems/internal"
    assert "division" not in response.text
    assert served.http.get("/healthz").is_success


def test_a_database_that_is_away_is_said_to_be(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with a time to come again, not an internal error."""
    served.key("finance", "initiator", "implementer")

    def away(*_: object) -> str:
        raise OperationalError("select 1", {}, Exception("locked"))

    monkeypatch.setattr(served.office.context.policies, "current_version", away)
    response = served.call("finance", "GET", "/v1/policy")

    assert (response.status_code, response.json()["type"]) == (503, "/problems/unavailable")
    assert response.headers["Retry-After"] == "1"
    assert "locked" not in response.text
