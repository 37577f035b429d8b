"""Records line by line, subjects by code, and nothing about persons in the log."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
import structlog

from api.http.ndjson import Lines
from tests.api.conftest import Served

NDJSON = {"Content-Type": "application/x-ndjson"}


def put(served: Served, lines: list[Any]) -> Any:
    """Send lines; text goes as it is."""
    body = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    return served.call("tax", "POST", "/v1/records", content=body.encode(), headers=NDJSON)


def rating(subject: dict[str, str], number: str, grade: str = "A") -> dict[str, Any]:
    """A tax rating."""
    return {"record": "tax-rating", "id": number, "date": "2026-04-01", "subject": subject, "fields": {"grade": grade}}


def test_each_line_has_its_result(served: Served) -> None:
    """Good, repeated, wrong code, wrong field, no JSON: each line for itself."""
    subject = served.enterprise()
    bad = subject | {"code": "911"}
    lines = [rating(subject, "a"), rating(subject, "a"), rating(bad, "b"), rating(subject, "c", "Z"), "{", "[1]"]
    response = put(served, lines)

    assert response.status_code == 200
    statuses = [r["status"] for r in response.json()["results"]]
    assert statuses == ["accepted", "duplicate", "rejected", "rejected", "rejected", "rejected"]
    assert [r["line"] for r in response.json()["results"]] == [1, 2, 3, 4, 5, 6]


def test_lines_are_taken_apart_while_they_arrive() -> None:
    """However the body is cut up: the same objects under the same numbers, and no more is held than one line."""
    body = '{"a":"中"}\n\n[1]\r\n{"b":1}'.encode() + b"\n" + b"x" * 50 + b'\n{"\\ud800":1}\n{"c":2}'
    for size in (1, 2, 7, len(body)):
        lines = Lines(10, 20)
        for start in range(0, len(body), size):
            lines.feed(body[start : start + size])
        lines.end()

        assert lines.good == {1: {"a": "中"}, 3: {"b": 1}, 6: {"c": 2}}
        assert [(r.line, r.errors[0].code) for r in lines.rejected] == [(2, "json"), (4, "too-long"), (5, "json")]


def test_a_body_of_records_beyond_its_size_is_cut_off(served: Served) -> None:
    """While it arrives, without an announced length; the setting is named."""
    chunk = b"x" * 60_000 + b"\n"
    headers = NDJSON | {"Authorization": f"Bearer {served.key('tax', 'initiator', 'implementer')}"}
    try:
        response = served.http.post("/v1/records", content=(chunk for _ in range(600)), headers=headers)
    except httpx.TransportError:  # cut off while still sending
        return

    assert response.status_code == 413
    assert response.json()["setting"] == "XINHENG_MAX_RECORDS_BYTES"


def test_ten_thousand_lines_are_taken_and_no_more(served: Served) -> None:
    """One transaction of 10,000; one line more is refused whole."""
    subject = served.enterprise()
    lines = [rating(subject, f"many-{n}") for n in range(10_000)]
    taken = put(served, lines)
    refused = put(served, [*lines, rating(subject, "one-more")])

    assert taken.json()["accepted"] == 10_000
    assert (refused.status_code, put(served, []).status_code) == (422, 422)
    assert refused.json()["setting"] == "XINHENG_MAX_RECORDS"


def test_a_record_changes_what_a_filing_brings(served: Served) -> None:
    """Three A years in a row are counted from the records on file."""
    subject = served.enterprise()
    today = served.office.context.today()
    facts = {
        "rating_date": today.isoformat(), "current_grade": "A", "exporter": True, "importer": True,
        "credit_consent": True, "promise_given": True, "annual_sales": "3000 万元",
    }  # fmt: skip
    lines = [
        rating(subject, f"{subject['code']}-{n}") | {"date": today.replace(day=1, year=today.year - n).isoformat()}
        for n in range(3)
    ]
    other = served.enterprise()
    put(served, lines)
    body = {"list": "a-grade-taxpayers", "facts": facts, "officer": "王芳"}
    three = served.call("tax", "POST", "/v1/cases", json=body | {"subject": subject}).json()
    none = served.call("tax", "POST", "/v1/cases", json=body | {"subject": other}).json()

    assert len(three["obligations"]) > len(none["obligations"])


def test_a_subject_is_looked_up_by_code_only(served: Served) -> None:
    """The answer is an opaque id; a name finds nobody; full-width letters are the same code."""
    filing = served.filing()
    filed = served.call("human-resources", "POST", "/v1/cases", json=filing).json()
    code = filing["subject"]["code"]
    wide = "".join(chr(ord(c) + 0xFEE0) for c in code)
    found = served.call("human-resources", "POST", "/v1/subjects/lookup", json={"kind": "enterprise", "code": wide})
    named = served.call(
        "human-resources", "POST", "/v1/subjects/lookup", json={"kind": "enterprise", "code": "测试企业"}
    )
    view = served.call("human-resources", "GET", f"/v1/subjects/{found.json()['id']}").json()

    assert found.json()["id"] == filed["case"]["subject"]
    assert named.status_code == 422
    assert [(x["list"], x["state"]) for x in view["listings"]] == [("wage-arrears", "in-force")]


def test_no_identity_stands_in_a_log_line(served: Served) -> None:
    """Filing, checking and looking up leave the route's template and the key's id, nothing of the subject."""
    filing = served.filing()
    subject = filing["subject"]
    with structlog.testing.capture_logs() as lines:
        served.call("human-resources", "POST", "/v1/cases", json=filing)
        check = {"matter": "government-procurement", "purpose": "审查", "code": subject["code"]}
        served.call("finance", "POST", "/v1/checks", json=check)
        served.call("finance", "POST", "/v1/subjects/lookup", json={"kind": "enterprise", "code": subject["code"]})
        until = time.monotonic() + 5
        # a line is written when its answer has gone, so that of a request of the test before may still come first
        while "/v1/subjects/lookup" not in {line["route"] for line in lines} and time.monotonic() < until:
            time.sleep(0.01)
    text, own = json.dumps(lines, ensure_ascii=False), lines[-3:]

    assert [line["route"] for line in own] == ["/v1/cases", "/v1/checks", "/v1/subjects/lookup"]
    assert subject["code"] not in text
    assert subject["name"] not in text
    assert all(line["key"] for line in own)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_needs_no_key(served: Served, path: str) -> None:
    """Alive, and ready once the schema is current."""
    assert served.http.get(path).json() == {"status": "ok"}
