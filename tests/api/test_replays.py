"""Replays over HTTP: an auditor asks, and is told what differs and why."""

from __future__ import annotations

import pytest

from tests.api.conftest import Served


def ask(served: Served, body: object) -> object:
    """A question by an auditor."""
    return served.call("government-office", "POST", "/v1/replays", roles=("auditor",), json=body)


def test_a_case_and_its_decision_are_made_again(served: Served) -> None:
    """The same, each under every question, while nothing changed."""
    case = served.filed()["case"]
    for question in ("as-decided", "by-todays-rules", "knowing-now"):
        whole = ask(served, {"case": case["id"], "question": question})
        one = ask(served, {"decision": case["decision"], "question": question})

        assert (whole.status_code, one.status_code) == (200, 200), whole.text + one.text
        assert whole.json()["casework"] == {"same": True, "changes": [], "error": ""}
        assert one.json()["casework"] is None
        assert [(d["outcome"], d["differences"]) for d in one.json()["decisions"]] == [("same", [])]
        assert one.json()["decisions"] == whole.json()["decisions"]
        assert (question, case["decision"]) == (one.json()["question"], one.json()["decisions"][0]["digest"])


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({}, 422, "/problems/invalid"),
        ({"case": "x", "decision": "0" * 64}, 422, "/problems/invalid"),
        ({"case": "x", "question": "why"}, 422, "/problems/invalid"),
        ({"decision": "x"}, 422, "/problems/invalid"),
        ({"case": "x", "more": 1}, 422, "/problems/invalid"),
        ({"case": "x"}, 404, "/problems/not-found"),
        ({"case": "\u0000"}, 404, "/problems/not-found"),
        ({"decision": "0" * 64}, 404, "/problems/not-found"),
    ],
)
def test_what_cannot_be_asked_is_a_problem(served: Served, body: object, status: int, problem: str) -> None:
    """RFC 9457, with the field that is wrong."""
    response = ask(served, body)

    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")
    assert response.json()["type"] == problem
