"""What goes out: letters as files, messages to departments; and live cases under a new policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tests.api.conftest import Served, serving
from tests.api.steps import FILER, decided, done, process, refused, take


def test_a_letter_is_a_file_and_the_same_ever_after(timed: Served) -> None:
    """PDF or Word as asked for, named by its number, byte for byte the same; another form is not to be had."""
    case = decided(timed, "2026-06-01", "2026-06-09")
    notice, decision = timed.call(FILER, "GET", f"/v1/cases/{case}/letters").json()["items"]
    path = f"/v1/letters/{notice['id']}"
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

    def ask(accept: str, **headers: str) -> httpx.Response:
        return timed.call(FILER, "GET", path, headers={"Accept": accept, **headers})

    pdf, again = ask("application/pdf"), ask("*/*")
    docx = ask(f"text/html, {word};q=0.9, application/pdf;q=0.1")
    same = ask(word, **{"If-None-Match": docx.headers["ETag"]})
    listed = timed.call(FILER, "GET", f"/v1/cases/{case}/letters").json()["items"][0]

    assert (notice["kind"], decision["kind"], decision["number"]) == ("notice", "decision", "长政决〔2026〕9号")
    assert pdf.content.startswith(b"%PDF-")
    assert pdf.content == again.content
    assert (pdf.headers["content-type"], docx.headers["content-type"]) == ("application/pdf", word)
    assert docx.content.startswith(b"PK")
    assert b"word/document.xml" in docx.content
    assert [listed["pdf"], listed["docx"]] == [r.headers["ETag"].strip('"') for r in (pdf, docx)]
    assert (same.status_code, same.content) == (304, b"")
    assert f"filename*=UTF-8''{quote(notice['number'] + '.pdf')}" in pdf.headers["Content-Disposition"]
    assert [refused(ask(a))[:2] for a in ("image/png", "application/pdf;q=0")] == [(406, "not-acceptable")] * 2


def test_messages_come_in_pages(timed: Served) -> None:
    """Newest first, each once; another department's are not among them."""
    timed.clock.turn_to("2026-06-01")
    for _ in range(3):
        case = timed.filed()["case"]["id"]
        done(take(timed, case, "object", by="human-resources", points=["不服"]))
    whole = timed.call("finance", "GET", "/v1/messages", params={"limit": 200}).json()["items"]
    seen: list[str] = []
    response = timed.call("finance", "GET", "/v1/messages", params={"limit": 2})
    while True:
        seen += [m["id"] for m in response.json()["items"]]
        if "next" not in response.links:
            break
        response = timed.call("finance", "GET", response.links["next"]["url"])
    wrong = timed.call("finance", "GET", "/v1/messages", params={"after": "x"})

    assert len(seen) >= 3
    assert seen == [m["id"] for m in whole]
    assert [m["at"] for m in whole] == sorted((m["at"] for m in whole), reverse=True)
    assert wrong.status_code == 422


def test_live_cases_are_brought_under_a_new_policy(tmp_path: Path) -> None:
    """Simulated nothing changes; done, with a reason, what is owed no longer ends and what is new is owed."""
    staff: dict[str, Any] = {"roles": ("policy",)}
    with serving(tmp_path) as own:
        case = own.filed()["case"]["id"]
        path = "memoranda/wage-arrears-2017-2058.yaml"
        files = dict(own.office.current_policy().sources)
        del files[path.replace(".yaml", ".test.yaml")]  # it expects what is changed here
        files[path] = files[path].replace(
            "by: [finance, development-reform, industry-information]", "by: [finance, development-reform, commerce]"
        )
        body = {"files": files, "officer": "甲", "reason": "职责调整"}
        proposed = own.call("credit-centre", "POST", "/v1/policies", json=body, **staff)
        assert proposed.status_code == 201, proposed.text
        version = proposed.json()["version"]
        approval: dict[str, Any] = {"json": {"officer": "乙"}, "roles": ("policy", "auditor")}
        done(own.call("credit-centre", "POST", f"/v1/policies/{version}/approval", **approval))

        def migrate(**body: Any) -> httpx.Response:
            given = {"json": {"officer": "甲"} | body, **staff}
            return own.call("credit-centre", "POST", "/v1/policy/migration", **given)

        (simulated,) = migrate().json()["items"]
        before = process(own, case, "human-resources")["case"]
        unreasoned = migrate(dry_run=False)
        (moved,) = migrate(dry_run=False, reason="职责调整", cases=[case]).json()["items"]
        after = process(own, case, "human-resources")["case"]
        nothing = migrate(dry_run=False, reason="职责调整").json()

    assert simulated["added"] == ["商务局：限制补贴性资金和政府资金支持"]
    assert simulated["cancelled"] == ["工业和信息化局：限制补贴性资金和政府资金支持"]
    assert simulated["changed"] == [f"政策 {before['policy'][:12]} → {version[:12]}"]
    assert (simulated["done"], moved["done"]) == (False, True)
    assert {**simulated, "done": True, "promise": moved["promise"]} == moved
    assert (simulated["promise"], moved["promise"]["statement"]["case"]) == (None, case)
    assert (before["policy"] != version, after["policy"]) == (True, version)
    assert refused(unreasoned)[:2] == (422, "invalid")
    assert nothing == {"items": [], "more": False}
