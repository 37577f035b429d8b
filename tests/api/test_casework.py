"""A case from filing to closed, over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.api.conftest import Served

EVIDENCE = [{"sha256": "0" * 64, "title": "回执.pdf"}]


def inbox(served: Served, case: str) -> list[dict[str, Any]]:
    """Every obligation of a case."""
    response = served.call("audit", "GET", "/v1/obligations", params={"case": case, "limit": 200}, roles=("auditor",))
    return list(response.json()["items"])


def act(served: Served, item: dict[str, Any], action: str, **body: Any) -> dict[str, Any]:
    """One answer that has to succeed."""
    path = f"/v1/obligations/{item['id']}/{action}"
    response = served.call(item["department"], "POST", path, json={"officer": "李明", **body})
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


def implement(served: Served, item: dict[str, Any]) -> None:
    """Accept, confirm where needed, and put into effect."""
    act(served, item, "accept")
    if item["restrictive"]:
        act(served, item, "confirm")
    if item["mode"] == "standing":
        act(served, item, "arm", evidence=EVIDENCE)
    else:
        act(served, item, "respond", outcome="implemented", evidence=EVIDENCE)


def test_a_case_goes_from_filing_to_closed(served: Served) -> None:
    """Filed, implemented everywhere, one obligation referred, ended, lifted in reverse order, closed."""
    filed = served.filed()
    case = filed["case"]["id"]
    referred = next(i for i in inbox(served, case) if i["department"] == "development-reform" and i["state"] == "open")
    added = act(served, referred, "refer", to="commerce", reason="职责划转")["added"]
    while ready := [i for i in inbox(served, case) if i["state"] == "open"]:
        for item in ready:
            implement(served, item)
    current = served.call("human-resources", "GET", f"/v1/cases/{case}")
    standing = next(i for i in inbox(served, case) if i["state"] == "in-force")
    applied = act(served, standing, "apply", occasion="2026年采购项目", applied=True)
    current = served.call("human-resources", "GET", f"/v1/cases/{case}")
    body = {"ground": "withdrawal", "reason": "已足额支付", "officer": "王芳"}
    ended = served.call(
        "human-resources", "POST", f"/v1/cases/{case}/end", json=body, headers={"If-Match": current.headers["ETag"]}
    )
    rounds = 0
    while ready := [i for i in inbox(served, case) if i["state"] == "lifting" and not i["blocked"]]:
        rounds += 1
        for item in ready:
            act(served, item, "lift", evidence=EVIDENCE)
    closed = served.call("human-resources", "GET", f"/v1/cases/{case}").json()

    assert len(added) == 1
    assert applied["obligation"]["state"] == "in-force"
    assert ended.json()["state"] == "lifting"
    assert rounds >= 2
    assert (closed["state"], closed["unclosed"], closed["ground"]) == ("closed", 0, "withdrawal")


def test_the_graph_is_json_or_a_picture(served: Served) -> None:
    """By `Accept`; the picture is deterministic and names no one."""
    filed = served.filed()
    path = f"/v1/cases/{filed['case']['id']}/graph"
    document = served.call("human-resources", "GET", path).json()
    pictures = {served.call("human-resources", "GET", path, headers={"Accept": "image/svg+xml"}).text for _ in range(2)}
    (picture,) = pictures

    assert len(document["nodes"]) == len(filed["obligations"])
    assert document["critical_path"]["due"] > filed["case"]["filed_on"]
    assert picture.startswith("<svg")
    assert "测试企业" not in picture


def test_a_decision_is_explained_and_reproduced(served: Served) -> None:
    """With every comparison's file and line, and why another department owes nothing."""
    filed = served.filed()
    path = f"/v1/cases/{filed['case']['id']}/decision"
    told = served.call("human-resources", "GET", path, params={"why_not": "customs"}).json()
    rule = next(r for r in told["rules"] if r["rule"] == "wage-arrears-2017-2058/procurement")

    assert told["reproduced"] is True
    assert told["digest"] == filed["case"]["decision"]
    assert rule["truth"] is True
    assert rule["at"].startswith("memoranda/wage-arrears-2017-2058.yaml:")
    assert told["why_not"]["owes"] == []
    assert told["why_not"]["reason"]


def test_events_are_chained(served: Served) -> None:
    """Each event carries the hash of the one before; pages follow each other."""
    case = served.filed()["case"]["id"]
    first = served.call("human-resources", "GET", f"/v1/cases/{case}/events", params={"limit": 1})
    rest = served.call("human-resources", "GET", first.links["next"]["url"]).json()["items"]
    events = [*first.json()["items"], *rest]

    assert [e["version"] for e in events] == list(range(1, len(events) + 1))
    assert [e["prev_hash"] for e in events[1:]] == [e["hash"] for e in events[:-1]]


def test_a_counter_check_tells_what_is_in_force(served: Served) -> None:
    """Nothing before the measure takes effect, a refusal after; the query is recorded."""
    filing = served.filing()
    filed = served.call("human-resources", "POST", "/v1/cases", json=filing).json()
    body = {"matter": "government-procurement", "purpose": "资格审查", "code": filing["subject"]["code"]}
    before = served.call("finance", "POST", "/v1/checks", json=body).json()
    while ready := [i for i in inbox(served, filed["case"]["id"]) if i["state"] == "open"]:
        for item in ready:
            implement(served, item)
    after = served.call("finance", "POST", "/v1/checks", json=body).json()

    assert before["directives"] == []
    assert {d["effect"] for d in after["directives"]} == {"refuse"}
    assert before["check"] != after["check"]


def test_a_farmer_is_suggested_a_limit(served: Served) -> None:
    """Base of the grade, a tenth of the assets and three tenths of the income: 10 + 3 + 3 = 16 万元."""
    facts = {
        "grade": "AAA", "score": "93", "household_assets": "30 万元", "operating_income": "10 万元", "consent": True,
        "gambling_or_drugs": False, "false_data": False, "overdue_loan": False,
        "rating_date": (served.office.context.today() - dt.timedelta(days=40)).isoformat(),
    }  # fmt: skip
    subject = served.person() | {"kind": "farmer-household"}
    body = {"list": "credit-household", "subject": subject, "facts": facts, "officer": "周敏"}
    filed = served.call("financial-office", "POST", "/v1/cases", json=body).json()

    assert [limit["amount"] for limit in filed["limits"]] == ["160000"]


def test_pages_of_the_inbox_follow_each_other(served: Served) -> None:
    """Every obligation of a department once, the most urgent first."""
    served.filed()
    served.filed()
    seen: list[str] = []
    response = served.call("finance", "GET", "/v1/obligations", params={"limit": 2})
    while True:
        seen += [i["id"] for i in response.json()["items"]]
        if "next" not in response.links or len(seen) >= 12:
            break
        response = served.call("finance", "GET", response.links["next"]["url"])
    whole = served.call("finance", "GET", "/v1/obligations", params={"limit": 200}).json()["items"]

    assert seen == [i["id"] for i in whole][: len(seen)]
    assert len(seen) == len(set(seen)) >= 4
