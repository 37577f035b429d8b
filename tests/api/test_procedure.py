"""The procedure over HTTP: due process, remedies, corrections, expiry."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api.conftest import Served
from tests.api.steps import (
    DECIDER,
    FILER,
    PROOF,
    begun,
    decide,
    decided,
    done,
    in_force,
    noticed,
    process,
    refused,
    take,
)
from tests.api.test_casework import implement, inbox


def test_a_listing_is_noticed_heard_decided_served_and_expires(timed: Served) -> None:
    """Every stage of a list that is decided here, the decision by another department, until the term is over."""
    case = begun(timed, "2026-06-01")
    first = process(timed, case)
    early = decide(timed, case)
    done(take(timed, case, "notify", reason="责令改正后仍不应征", method="直接送达", evidence=PROOF))
    timed.clock.turn_to("2026-06-02")
    done(take(timed, case, "statement", points=["当时住院", "通知书写错了名字"]))
    half = take(timed, case, "answer-statement", statement="s1", answers=["住院在送达之后"])
    done(take(timed, case, "request-hearing"))
    waiting = process(timed, case, DECIDER)
    timed.clock.turn_to("2026-06-11")
    hearing = {"announced_on": "2026-06-02", "evidence": PROOF}
    drafter = take(timed, case, "hold-hearing", chair="王芳", **hearing)
    hasty = take(timed, case, "hold-hearing", chair="周敏", **hearing | {"announced_on": "2026-06-03"})
    done(take(timed, case, "hold-hearing", chair="周敏", **hearing))
    done(take(timed, case, "answer-statement", statement="s1", answers=["住院在送达之后", "已更正送达"]))
    timed.clock.turn_to("2026-06-12")
    ready = process(timed, case, DECIDER)
    same = decide(timed, case, officer="王芳")
    listed = done(decide(timed, case))["process"]
    timed.clock.turn_to("2026-06-15")
    served = done(take(timed, case, "serve", method="直接送达", evidence=PROOF))
    published = done(take(timed, case, "publish", channel="credit-website"))["process"]
    while items := [i for i in inbox(timed, case) if i["state"] == "open"]:
        for item in items:
            implement(timed, item)
    timed.clock.turn_to("2028-06-12")
    body = {"ground": "expiry", "reason": "期满", "officer": "王芳"}
    last_day = timed.call(FILER, "POST", f"/v1/cases/{case}/end", json=body, headers={"If-Match": "*"})
    timed.clock.turn_to("2028-06-13")
    ended = timed.call(FILER, "POST", f"/v1/cases/{case}/end", json=body, headers={"If-Match": "*"})

    assert (first["case"]["state"], first["missing"]) == ("filed", ["主体尚未告知"])
    assert first["actions"] == ["notify", "object", "correct", "end"]
    assert refused(early) == (409, "stage-incomplete", "主体尚未告知")
    assert refused(half)[:2] == (409, "answer-each-point")
    assert waiting["actions"] == []
    assert waiting["missing"] == [
        "主体的陈述申辩期至 2026-06-08",
        "主体的陈述申辩 s1 尚未答复",
        "主体申请的听证尚未举行",
    ]
    assert waiting["parties"][0]["hearing_until"] == {"on": "2026-06-08", "provisional": False}
    assert refused(drafter)[:2] == (409, "same-person")
    assert refused(hasty)[:2] == (409, "announced-too-late")
    assert (ready["missing"], ready["actions"]) == ([], ["decide"])
    assert refused(same)[:2] == (409, "same-person")
    assert (listed["case"]["state"], listed["number"]) == ("decided", "长政决〔2026〕9号")
    assert [(t["name"], t["due"]["on"]) for t in listed["tasks"]] == [("serve", "2026-06-24")]
    assert served["process"]["case"]["state"] == "in-force"
    assert {i["id"] for i in inbox(timed, case)} == set(served["added"])
    assert published["listing"] == {"start": "2026-06-12", "minimum": None, "maximum": "2028-06-12", "ended_on": None}
    assert published["publicity"]["minimum"] == "2027-06-12"
    assert published["bounds"][0] == {
        "law": "credit-repair-measures-2026", "article": "全文", "minimum": "2027-06-12", "maximum": "2029-06-12",
    }  # fmt: skip
    assert refused(last_day) == (409, "not-expired", "2028-06-12")
    assert (ended.json()["state"], ended.json()["ground"]) == ("lifting", "expiry")


def test_a_listing_that_is_not_decided_upon_binds_nobody(timed: Served) -> None:
    """The decision not to list closes the case; nothing was ever owed."""
    case = noticed(timed, "2026-06-01")
    timed.clock.turn_to("2026-06-09")
    closed = done(decide(timed, case, outcome="not-list", reason="已经改正"))["process"]

    assert (closed["case"]["state"], closed["case"]["ground"], closed["case"]["total"]) == ("closed", "not-listed", 0)
    assert closed["actions"] == []


def test_what_comes_late_is_recorded_as_late(timed: Served) -> None:
    """A statement and a request for a hearing after their periods stand in the case and stop nothing."""
    case = noticed(timed, "2026-06-01")
    timed.clock.turn_to("2026-06-09")
    done(take(timed, case, "statement", points=["来不及"]))
    party = done(take(timed, case, "request-hearing"))["process"]["parties"][0]

    assert [(s["late"], s["received_on"]) for s in party["statements"]] == [(True, "2026-06-09")]
    assert party["hearing"] == "requested-late"
    assert decide(timed, case).status_code == 200


@pytest.mark.parametrize(
    ("action", "by", "body", "code"),
    [
        ("serve", FILER, {"evidence": PROOF}, "wrong-stage"),
        ("publish", FILER, {}, "wrong-stage"),
        ("apply-repair", FILER, {"proved": []}, "wrong-stage"),
        ("statement", FILER, {"points": ["未经告知"]}, "not-noticed"),
        ("request-hearing", FILER, {}, "not-noticed"),
        ("hold-hearing", FILER, {"chair": "周敏", "evidence": PROOF}, "no-hearing-requested"),
        ("show-before", FILER, {}, "no-such-stage"),
        ("notify", FILER, {"reason": "没有回证"}, "evidence-required"),
        ("notify", FILER, {"reason": "x", "evidence": PROOF, "party": "nobody"}, "no-such-party"),
        ("notify", FILER, {"reason": "x", "evidence": PROOF, "on": "2026-05-31"}, "day-too-early"),
        ("answer-objection", FILER, {"objection": "o1", "outcome": "rejected", "reason": "x"}, "no-such-objection"),
        ("accept-repair", FILER, {"repair": "r1"}, "no-such-repair"),
        ("answer-statement", FILER, {"statement": "s1", "answers": ["x"]}, "no-such-statement"),
        ("decide", FILER, {"outcome": "list", "number": "1号", "reason": "x"}, "not-decider"),
    ],
)
def test_a_step_out_of_turn_is_refused(timed: Served, action: str, by: str, body: dict[str, Any], code: str) -> None:
    """409 with the reason; the case has not moved."""
    case = begun(timed, "2026-06-01")
    response = take(timed, case, action, by=by, **body)

    assert refused(response)[:2] == (409, code), response.text
    assert process(timed, case)["case"]["version"] == 2


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("notify", {"reason": "x", "on": "2026-06-02"}, "on"),
        ("notify", {"reason": "x", "number": "1号"}, "number"),
        ("notify", {}, "reason"),
        ("notify", {"reason": "x", "evidence": [{"sha256": "x", "title": "y"}]}, "evidence.0.sha256"),
        ("statement", {"points": []}, "points"),
        ("decide", {"outcome": "perhaps", "number": "1号", "reason": "x"}, "outcome"),
        ("correct", {"facts": {}, "reason": "x"}, "facts"),
        ("correct", {"facts": {"conduct": None}, "reason": "x"}, "facts.conduct"),
        ("correct", {"facts": {"amount_owed": "1 元"}, "reason": "x"}, "facts.amount_owed"),
        ("answer-objection", {"objection": "o1", "outcome": "upheld", "reason": "x", "facts": {}}, "facts"),
        ("notify", {"reason": "从右向左\u202e", "evidence": PROOF}, "reason"),
        ("statement", {"points": ["\x07"]}, "points"),
        ("shield", {"reason": " "}, "reason"),
        ("unshield", {"reason": "x"}, "reason"),
        ("notify", {"reason": "x", "officer": ""}, "officer"),
    ],
)
def test_a_wrong_field_of_a_step_is_named(timed: Served, action: str, body: dict[str, Any], field: str) -> None:
    """422; a field that the step does not use is refused too."""
    response = take(timed, begun(timed, "2026-06-01"), action, **body)

    assert response.status_code == 422
    assert field in {e["field"] for e in response.json()["errors"]}


def test_service_before_the_decision_is_refused(timed: Served) -> None:
    """The day of service cannot lie before the day of the decision."""
    case = decided(timed, "2026-06-01", "2026-06-09")

    assert refused(take(timed, case, "serve", evidence=PROOF, on="2026-06-08")) == (
        409, "service-before-decision", "2026-06-08 早于 2026-06-09",
    )  # fmt: skip


def test_an_objection_marks_and_a_correction_says_what_changed(timed: Served) -> None:
    """Marked wherever the listing shows, until it is answered; upheld with the right data, the surplus is lifted."""
    case = in_force(timed, "2026-06-01", "2026-06-09")
    while items := [i for i in inbox(timed, case) if i["state"] == "open"]:
        for item in items:
            implement(timed, item)
    objected = done(take(timed, case, "object", points=["不是在校学生"]))["process"]
    item = inbox(timed, case)[0]
    subject = timed.call(FILER, "GET", f"/v1/subjects/{objected['case']['subject']}").json()
    told = timed.call("education", "GET", "/v1/messages").json()["items"]
    answer = {"objection": "o1", "outcome": "upheld", "reason": "学籍系统查无此人"}
    answered = done(take(timed, case, "answer-objection", **answer, facts={"student": False}))
    twice = take(timed, case, "answer-objection", **answer)
    fixed = done(take(timed, case, "correct", facts={"student": None}, reason="学籍尚未查清"))

    assert (objected["case"]["marked"], objected["case"]["suspended"]) == (True, False)
    assert objected["objections"][0]["due"]["on"] == "2026-06-12"
    assert (item["marked"], subject["listings"][0]["marked"]) == (True, True)
    assert "主体提出异议，记录已标注" in {m["title"] for m in told if m["case"] == case}
    assert [c.partition("：")[0] for c in answered["changed"]] == ["事实“属于在校学生或者拟升学复学”"]
    assert [i["measure"] for i in inbox(timed, case) if i["id"] in answered["lifted"]] == ["conscription-no-study"]
    assert answered["process"]["case"]["marked"] is False
    assert refused(twice) == (409, "already", "upheld")
    assert [c.endswith(" → 未提供") for c in fixed["changed"]] == [True]


def test_a_listing_is_repaired_after_its_minimum(timed: Served) -> None:
    """Both letters are served; too early, the earliest day is told; without proof refused; granted, all is lifted."""
    timed.clock.turn_to("2026-06-01")
    body = {
        "list": "environment", "officer": "王芳", "subject": timed.enterprise(),
        "facts": {"conduct": "data-falsification", "rectified": False, "black_grade": True},
    }  # fmt: skip
    by = "ecology-environment"
    case = timed.call(by, "POST", "/v1/cases", json=body).json()["case"]["id"]

    def step(action: str, **given: Any) -> httpx.Response:
        return take(timed, case, action, by=by, **given)

    done(step("notify", reason="篡改监测数据", evidence=PROOF))
    timed.clock.turn_to("2026-06-09")
    done(step("decide", officer="刘强", outcome="list", number="长环列〔2026〕1号", reason="事实清楚"))
    standing = done(step("serve", evidence=PROOF))["process"]
    for item in [i for i in inbox(timed, case) if i["state"] == "open"][:1]:
        implement(timed, item)
    proved = ["corrected", "performed", "commitment"]
    timed.clock.turn_to("2027-06-09")
    early = step("apply-repair", proved=proved)
    around = timed.call(
        by, "POST", f"/v1/cases/{case}/end", json={"ground": "repair", "reason": "已修复", "officer": "王芳"},
        headers={"If-Match": "*"},
    )  # fmt: skip
    timed.clock.turn_to("2027-06-10")
    unproved = step("apply-repair", proved=["corrected"])
    applied = done(step("apply-repair", proved=proved, evidence=PROOF))["process"]
    hasty = step("grant-repair", repair="r1")
    done(step("accept-repair", repair="r1"))
    extended = done(step("extend-repair", repair="r1", reason="须现场核查"))["process"]
    again = step("extend-repair", repair="r1", reason="还须核查")
    granted = done(step("grant-repair", repair="r1", reason="已整改到位"))
    kinds = [x["kind"] for x in timed.call(by, "GET", f"/v1/cases/{case}/letters").json()["items"]]

    assert (standing["earliest_repair"], standing["repair_requires"]) == ("2027-06-10", proved)
    assert refused(early) == (409, "repair-too-early", "最早 2027-06-10")
    assert refused(around)[:2] == (409, "use-repair")
    assert refused(unproved) == (409, "proof-missing", "performed、commitment")
    assert [(r["state"], r["due"]["on"]) for r in applied["repairs"]] == [("received", "2027-06-11")]
    assert refused(hasty)[:2] == (409, "wrong-stage")
    assert extended["repairs"][0]["extended"] is True
    assert refused(again)[:2] == (409, "no-extension")
    assert (granted["process"]["case"]["ground"], len(granted["lifted"])) == ("repair", 1)
    assert (kinds[0], {*kinds[1:3]}, {*kinds[3:]}) == (
        "notice", {"decision", "repair-notice"}, {"repair-answer", "delisting"},
    )  # fmt: skip


def test_two_ends_at_once_are_one(timed: Served) -> None:
    """One wins, the others are told that it is done; those who insist on a version, that it changed."""
    timed.clock.turn_to("2026-06-01")
    case = timed.filed()["case"]["id"]
    tag = timed.call("human-resources", "GET", f"/v1/cases/{case}").headers["ETag"]

    def end(version: str) -> int:
        body = {"ground": "withdrawal", "reason": "撤回", "officer": "王芳"}
        given: dict[str, Any] = {"json": body, "headers": {"If-Match": version}}
        return timed.call("human-resources", "POST", f"/v1/cases/{case}/end", **given).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(end, ["*", "*", "*", "*"]))

    assert statuses == [200, 409, 409, 409]
    assert end(tag) == 412


def test_a_step_is_repeated_safely_and_holds_to_its_version(timed: Served) -> None:
    """The same key: the first answer. A version that is no longer: refused."""
    case = begun(timed, "2026-06-01")
    key = {"Idempotency-Key": f"notify-{case}"}
    body = {"reason": "责令改正后仍不应征", "evidence": PROOF}
    first, second = (take(timed, case, "notify", headers=key, **body) for _ in range(2))
    stale = take(timed, case, "object", points=["不服"], headers={"If-Match": '"2"'})
    fresh = take(timed, case, "object", points=["不服"], headers={"If-Match": first.headers["ETag"]})

    assert first.json() == second.json()
    assert ("Idempotency-Replayed" in first.headers, second.headers["Idempotency-Replayed"]) == (False, "true")
    assert (stale.status_code, fresh.status_code) == (412, 200)


def test_a_related_person_is_bound_once_served(timed: Served) -> None:
    """Whom the filing says was served upstream at once, another after notice and service; up to 200 of them."""
    timed.clock.turn_to("2026-06-01")
    roles = ("legal-representative", "directly-responsible")
    related = [{"role": role, "party": timed.person()} for role in roles]
    related[0] |= {"served_on": "2026-06-01"}
    filed = timed.filed(related=related)
    case = filed["case"]["id"]
    many = timed.filing(related=[{"role": "shareholder", "party": timed.person()}] * 201)
    states = {r: {o["state"] for o in filed["obligations"] if o["target_role"] == r} for r in roles}
    other = next(p for p in process(timed, case, "human-resources")["parties"] if p["role"] == roles[1])
    party = {"by": "human-resources", "party": other["id"], "evidence": PROOF}
    early = take(timed, case, "serve", **party)
    done(take(timed, case, "notify", reason="负有直接责任", **party))
    timed.clock.turn_to("2026-06-09")
    done(take(timed, case, "serve", **party))
    now = {i["state"] for i in inbox(timed, case) if i["target"] == other["id"]}

    assert "open" in states[roles[0]]
    assert states[roles[1]] == {"waiting"}
    assert refused(early)[:2] == (409, "not-noticed")
    assert "open" in now
    assert timed.call("human-resources", "POST", "/v1/cases", json=many).status_code == 422
