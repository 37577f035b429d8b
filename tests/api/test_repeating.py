"""Idempotency and preconditions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.api.conftest import Served


def test_a_repeated_request_is_answered_and_does_nothing(served: Served) -> None:
    """Same key, same body, same caller: the first answer. Another body: refused. Another caller: his own request."""
    filing = served.filing()
    key = {"Idempotency-Key": "repeat-1"}
    first = served.call("human-resources", "POST", "/v1/cases", json=filing, headers=key)
    second = served.call("human-resources", "POST", "/v1/cases", json=filing, headers=key)
    other = served.call("human-resources", "POST", "/v1/cases", json=filing | {"officer": "乙"}, headers=key)
    stranger = served.call("tax", "POST", "/v1/cases", json=filing, headers=key)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["case"] == second.json()["case"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")
    assert stranger.status_code == 403


def test_an_answer_and_an_end_are_repeated_safely(served: Served) -> None:
    """Though the obligation has moved on and the version no longer fits, the repeated request gets its answer."""
    filed = served.filed()
    item = next(o for o in filed["obligations"] if o["state"] == "open")
    path, key = f"/v1/obligations/{item['id']}/accept", {"Idempotency-Key": f"accept-{item['id']}"}
    first, second = (
        served.call(item["department"], "POST", path, json={"officer": "甲"}, headers=key) for _ in range(2)
    )
    bare = served.call(item["department"], "POST", path, json={"officer": "甲"})
    case = f"/v1/cases/{filed['case']['id']}"
    body = {"ground": "withdrawal", "reason": "已履行", "officer": "王芳"}
    headers = {
        "Idempotency-Key": f"end-{case}",
        "If-Match": served.call("human-resources", "GET", case).headers["ETag"],
    }
    ended, again = (served.call("human-resources", "POST", f"{case}/end", json=body, headers=headers) for _ in range(2))

    assert first.json() == second.json()
    assert ("Idempotency-Replayed" in first.headers, second.headers["Idempotency-Replayed"]) == (False, "true")
    assert bare.status_code == 409
    assert (ended.status_code, again.status_code) == (200, 200)
    assert ended.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"


def test_one_key_serves_one_operation(served: Served) -> None:
    """The same key on another path is another request, and refused."""
    filed = served.filed()
    one, two, *_ = (o for o in filed["obligations"] if o["state"] == "open" and o["department"] == "finance")
    key = {"Idempotency-Key": f"path-{one['id']}"}
    first = served.call("finance", "POST", f"/v1/obligations/{one['id']}/accept", json={"officer": "甲"}, headers=key)
    other = served.call("finance", "POST", f"/v1/obligations/{two['id']}/accept", json={"officer": "甲"}, headers=key)

    assert first.status_code == 200
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")


def test_a_storm_of_one_request_has_one_effect(served: Served) -> None:
    """Fifty at once with one key: one case, and every caller is told of it or to come again."""
    filing = served.filing()

    def send(_: int) -> tuple[int, str]:
        key = {"Idempotency-Key": "storm-1"}
        response = served.call("human-resources", "POST", "/v1/cases", json=filing, headers=key)
        return response.status_code, response.json().get("case", {}).get("id", "")

    served.key("human-resources", "initiator", "implementer")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(50)))

    assert {status for status, _ in answers} <= {201, 409}
    assert len({case for _, case in answers if case}) == 1
    assert sum(status == 201 for status, _ in answers) >= 1


def test_equal_facts_are_not_filed_twice_without_a_key(served: Served) -> None:
    """The same listing of the same subject stands already."""
    filing = served.filing()
    served.call("human-resources", "POST", "/v1/cases", json=filing)
    again = served.call("human-resources", "POST", "/v1/cases", json=filing)

    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-listed")


def test_what_has_not_changed_is_not_sent_again(served: Served) -> None:
    """A case with its ETag; an obligation changed since is not answered on an old one."""
    filed = served.filed()
    path = f"/v1/cases/{filed['case']['id']}"
    etag = served.call("human-resources", "GET", path).headers["ETag"]
    same = served.call("human-resources", "GET", path, headers={"If-None-Match": etag})
    item = next(o for o in filed["obligations"] if o["state"] == "open")
    accept = f"/v1/obligations/{item['id']}/accept"
    stale = served.call(item["department"], "POST", accept, json={"officer": "甲"}, headers={"If-Match": '"old"'})
    fresh = served.call(
        item["department"], "POST", accept, json={"officer": "甲"}, headers={"If-Match": f'"{item["etag"]}"'}
    )

    assert (same.status_code, same.text) == (304, "")
    assert (stale.status_code, fresh.status_code) == (412, 200)
