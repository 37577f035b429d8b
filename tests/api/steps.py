"""Steps of the procedure over HTTP, and cases brought to a stage."""

from __future__ import annotations

from typing import Any

import httpx

from tests.api.conftest import Served

PROOF = [{"sha256": "0" * 64, "title": "送达回证.pdf"}]
FILER, DECIDER = "armed-forces", "county-government"


def take(served: Served, case: str, action: str, *, by: str = FILER, **body: Any) -> httpx.Response:
    """A step; the drafter acts where no officer is named."""
    headers = body.pop("headers", {})
    return served.call(by, "POST", f"/v1/cases/{case}/steps/{action}", json={"officer": "王芳"} | body, headers=headers)


def done(response: httpx.Response) -> dict[str, Any]:
    """What a step that has to succeed brought about."""
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


def refused(response: httpx.Response) -> tuple[int, str, str]:
    """Status, type and detail of a refusal."""
    told = response.json()
    return response.status_code, told["type"].removeprefix("/problems/"), told["detail"]


def process(served: Served, case: str, by: str = FILER) -> dict[str, Any]:
    """Where a case stands."""
    response = served.call(by, "GET", f"/v1/cases/{case}/process")
    assert response.headers["ETag"] == f'"{response.json()["case"]["version"]}"'
    result: dict[str, Any] = response.json()
    return result


def begun(served: Served, day: str) -> str:
    """A case on a list whose whole procedure takes place here, filed on a day."""
    served.clock.turn_to(day)
    filed = served.call(FILER, "POST", "/v1/cases", json=served.refusal())
    assert filed.status_code == 201, filed.text
    assert (filed.json()["case"]["state"], filed.json()["obligations"]) == ("filed", [])
    result: str = filed.json()["case"]["id"]
    return result


def noticed(served: Served, day: str) -> str:
    """A case of which the person has notice."""
    case = begun(served, day)
    done(take(served, case, "notify", reason="责令改正后仍不应征", method="直接送达", evidence=PROOF))
    return case


def decided(served: Served, day: str, then: str) -> str:
    """A case decided once the periods were over."""
    case = noticed(served, day)
    served.clock.turn_to(then)
    done(decide(served, case))
    return case


def decide(served: Served, case: str, **changes: Any) -> httpx.Response:
    """The county government lists the person."""
    body = {"officer": "刘强", "outcome": "list", "number": "长政决〔2026〕9号", "reason": "事实清楚"} | changes
    return take(served, case, "decide", by=DECIDER, **body)


def in_force(served: Served, day: str, then: str) -> str:
    """A case of which the decision has been served."""
    case = decided(served, day, then)
    done(take(served, case, "serve", method="直接送达", evidence=PROOF))
    return case
