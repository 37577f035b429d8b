"""The log over HTTP: what anyone may ask of it, what a department gets, and witnesses who visit it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.signing import FileSigner
from adapters.witness import InconsistentLogError, Witnessed, WitnessStateError, witness, write_evidence
from engine.proof.checkpoint import read_checkpoint
from engine.proof.merkle import extends
from engine.proof.receipt import PROMISE, Inclusion, verify
from engine.proof.signed import ProofError, Signed, signed
from tests.api.conftest import Served

NOW = "2026-11-24T02:00:00.000000Z"
END = {"ground": "withdrawal", "reason": "撤回", "officer": "王芳"}


def get(served: Served, path: str, **asked: Any) -> Any:
    """An answer to anyone who asks."""
    response = served.http.get(f"/v1/log/{path}", params=asked)
    assert response.status_code == 200, response.text
    return response.json()


def key_of(served: Served) -> str:
    """The log's key."""
    return next(k["key"] for k in get(served, "keys")["keys"] if k["current"])


def test_every_write_answers_with_a_promise(served: Served) -> None:
    """Filing, answering, a step, the end; a repeated request gets the same one."""
    headers = {"Idempotency-Key": "promise"}
    body = served.filing()
    filed, again = (
        served.call("human-resources", "POST", "/v1/cases", json=body, headers=headers).json() for _ in range(2)
    )
    case = filed["case"]["id"]
    mine = next(o for o in filed["obligations"] if o["department"] == "human-resources" and o["state"] == "open")
    answered = served.call("human-resources", "POST", f"/v1/obligations/{mine['id']}/accept", json={"officer": "王芳"})
    objected = served.call(
        "human-resources", "POST", f"/v1/cases/{case}/steps/object", json={"officer": "王芳", "points": ["不服"]}
    )
    ended = served.call("human-resources", "POST", f"/v1/cases/{case}/end", json=END, headers={"If-Match": "*"})
    promises = [r["promise"] for r in (filed, answered.json(), objected.json(), ended.json())]
    said = [Signed.of(p).opened(PROMISE, {key_of(served)}) for p in promises]
    events = served.call("human-resources", "GET", f"/v1/cases/{case}/events").json()["items"]
    hashes = {e["version"]: e["hash"] for e in events}

    assert filed["promise"] == again["promise"]
    assert [s["event"] for s in said] == [hashes[s["version"]] for s in said]
    assert [s["case"] for s in said] == [case] * 4
    assert (dt.datetime.fromisoformat(said[0]["included_by"]) - dt.datetime.fromisoformat(said[0]["at"])).seconds == 600


def test_anyone_can_follow_the_log(served: Served) -> None:
    """From one checkpoint to the next, and from an event to both, with nothing but hashes."""
    first = served.filed()
    served.office.proofs.seal()
    old = get(served, "checkpoint")
    served.filed()
    served.office.proofs.seal()
    new = get(served, "checkpoint")
    small, large = (read_checkpoint(Signed.of(c), {key_of(served)}) for c in (old, new))
    path = get(served, "consistency", first=small.head.size)["path"]
    event = first["promise"]["statement"]["event"]
    for checkpoint in (small, large):
        shown = get(served, "inclusion", event=event, size=checkpoint.head.size)
        by_number = get(served, "inclusion", leaf=shown["number"], size=checkpoint.head.size)

        assert Inclusion.of(shown).shows(event, checkpoint.head.root)
        assert shown == by_number
    assert extends(
        bytes.fromhex(small.head.root), small.head.size, bytes.fromhex(large.head.root), large.head.size,
        [bytes.fromhex(hash_) for hash_ in path],
    )  # fmt: skip
    assert old == get(served, "checkpoint", size=small.head.size)
    text = json.dumps([old, new, path, shown], ensure_ascii=False)
    assert first["case"]["id"] not in text
    assert "王芳" not in text


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        ("checkpoint", {"size": 2**53 - 1}, 404), ("checkpoint", {"size": 2**63}, 422),
        ("checkpoint", {"size": -1}, 422),
        ("inclusion", {}, 422), ("inclusion", {"event": "x"}, 422), ("inclusion", {"event": "0" * 64}, 404),
        ("inclusion", {"leaf": 0, "event": "0" * 64}, 422), ("inclusion", {"leaf": 2**53 - 1}, 404),
        ("inclusion", {"leaf": 0, "size": 2**40}, 422), ("inclusion", {"leaf": 0, "size": 0}, 404),
        ("consistency", {}, 422), ("consistency", {"first": 2**40}, 422),
        ("consistency", {"first": 2, "second": 1}, 422),
    ],
)  # fmt: skip
def test_what_there_is_no_proof_of(served: Served, path: str, asked: dict[str, Any], status: int) -> None:
    """Problem details like everywhere."""
    served.filed()
    served.office.proofs.seal()
    response = served.http.get(f"/v1/log/{path}", params=asked)

    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")


def test_a_receipt_is_verified_without_the_service(served: Served) -> None:
    """First the promise, later the inclusion; the same for whoever may see it, and for ever."""
    filed = served.filed()
    path = f"/v1/cases/{filed['case']['id']}/receipts/{filed['case']['version']}"
    early = served.call("human-resources", "GET", path).json()
    served.office.proofs.seal()
    whole = served.call("human-resources", "GET", path).json()
    served.filed()
    served.office.proofs.seal()

    assert (early["promise"], early["inclusion"]) == (filed["promise"], None)
    assert verify(early, key_of(served)).head is None
    assert verify(whole, key_of(served)).event == filed["promise"]["statement"]["event"]
    assert verify(whole, key_of(served)).kept
    assert whole == served.call("human-resources", "GET", path).json()
    assert served.call("finance", "GET", path).status_code == 404
    assert served.call("human-resources", "GET", path, params={"size": 1}).status_code == 404


# Witnesses


class Visitor:
    """A witness with a key and a memory of its own."""

    def __init__(self, served: Served, folder: Path, name: str = "audit-office") -> None:
        self.served, self.name = served, name
        self.signer, self.state = FileSigner(folder / "key.pem"), folder / "state.json"

    def register(self) -> None:
        """Have the key registered at the log."""
        self.served.office.proofs.register_witness(self.name, self.signer.public_key, "赵")

    def visit(self, log: httpx.Client | None = None, **given: Any) -> Witnessed:
        """Visit the log, or another one in its place."""
        client = log or self.served.http
        return witness(client, self.state, department=self.name, signer=self.signer, now=NOW, **given)


@pytest.fixture
def visitor(served: Served, tmp_path: Path) -> Visitor:
    """A registered witness of a log with something in it."""
    served.filed()
    served.office.proofs.seal()
    found = Visitor(served, tmp_path)
    found.register()
    return found


def answering(served: Served, **answers: Any) -> httpx.Client:
    """The log, but for some of its answers."""

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        if name in answers:
            given = answers[name]
            return given if isinstance(given, httpx.Response) else httpx.Response(200, json=given)
        found = served.http.request(
            request.method, request.url.path, params=request.url.params, content=request.content,
            headers={"Content-Type": "application/json"} if request.content else {},
        )  # fmt: skip
        return httpx.Response(found.status_code, content=found.content, headers={"Content-Type": "application/json"})

    return httpx.Client(transport=httpx.MockTransport(answer), base_url="http://log")


def resigned(served: Served, document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A checkpoint that the log itself signs, though it is not true."""
    signer = served.office.context.proofs._signer
    made = signed(document["statement"] | changes, signer.public_key, signer.sign)
    return made.document()


def test_a_witness_countersigns_what_has_only_grown(visitor: Visitor, served: Served) -> None:
    """The first time it takes the log's key at its word, and says so; then it compares. Twice is as good as once."""
    first, again = visitor.visit(), visitor.visit()
    served.filed()
    served.office.proofs.seal()
    later = visitor.visit(log_keys=[key_of(served)])
    latest = get(served, "checkpoint")

    assert (first.first, again.first, later.first) == (True, False, False)
    assert (first.before, again.before) == (None, first.checkpoint)
    assert later.checkpoint.head.size > first.checkpoint.head.size
    assert [c["statement"]["witness"] for c in latest["countersignatures"]] == ["audit-office"]
    assert latest["countersignatures"][0]["statement"]["root"] == later.checkpoint.head.root


def test_a_witness_refuses_a_log_that_is_not_what_it_was(visitor: Visitor, served: Served) -> None:
    """Shorter, changed, changed at the same size, with counts gone down, under another key or name: loudly."""
    small = get(served, "checkpoint")
    served.filed()
    served.office.proofs.seal()
    large = get(served, "checkpoint")
    visitor.visit()
    kept = visitor.state.read_bytes()
    size, other = large["statement"]["size"], "ab" * 32
    counts = {"human-resources": {"case-filed": size + 3}}
    grown = {"size": size + 3, "counts": counts}
    cases: list[tuple[str, dict[str, Any]]] = [
        ("变短了", {"checkpoint": small}),
        ("历史被改动", {"checkpoint": resigned(served, large, root=other)}),
        ("历史被改动", {"checkpoint": resigned(served, large, root=other, **grown), "consistency": {"path": []}}),
        ("历史被改动", {"checkpoint": resigned(served, large, **grown), "consistency": {"path": [other] * 5}}),
        ("计数变少", {"checkpoint": resigned(served, large, counts={"tax": {"case-filed": size}})}),
        ("哈希算法", {"checkpoint": resigned(served, large, hash="sm3")}),
        ("另一日志", {"checkpoint": resigned(served, large, origin="log-2")}),
        ("不受信任", {"checkpoint": large | {"key": other}}),
        ("与签名不符", {"checkpoint": large | {"signature": "00" * 64}}),
    ]  # fmt: skip
    for words, answers in cases:
        with answering(served, **answers) as log, pytest.raises(InconsistentLogError, match=words) as error:
            visitor.visit(log)
        assert large["statement"] in [d.get("statement") for d in error.value.evidence]
    evidence = [write_evidence(visitor.state, error.value) for _ in range(2)]

    assert kept == visitor.state.read_bytes()
    assert [p.name for p in evidence] == ["state.json.evidence-1.json", "state.json.evidence-2.json"]
    assert json.loads(evidence[0].read_text("utf-8"))["documents"] == list(error.value.evidence)


def test_a_witness_signs_nothing_that_it_does_not_understand(visitor: Visitor, served: Served, tmp_path: Path) -> None:
    """Answers of another form, a log that refuses, a memory that cannot be read."""
    visitor.visit()
    kept = visitor.state.read_bytes()
    served.filed()
    served.office.proofs.seal()
    unreadable: dict[str, Any]
    for unreadable in (
        {"checkpoint": []}, {"checkpoint": {"statement": 1}}, {"checkpoint": httpx.Response(200, text="<html>")},
        {"consistency": {"path": "x"}}, {"consistency": {"path": ["x"]}}, {"consistency": {}},
    ):  # fmt: skip
        with answering(served, **unreadable) as log, pytest.raises(ProofError):
            visitor.visit(log)
    with answering(served, checkpoint=httpx.Response(503)) as log, pytest.raises(httpx.HTTPStatusError):
        visitor.visit(log)
    assert kept == visitor.state.read_bytes()
    stranger = Visitor(served, tmp_path / "..", "tax")
    stranger.signer, stranger.state = FileSigner(tmp_path / "tax.pem"), tmp_path / "tax.json"
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        stranger.visit()
    for content in ("", "[]", '{"origin": null, "keys": [], "last": 1}'):
        visitor.state.write_text(content)
        with pytest.raises(WitnessStateError):
            visitor.visit()
    with answering(served, keys={"keys": []}) as log, pytest.raises(ProofError, match="没有给出公钥"):
        Visitor(served, tmp_path / "..", "x").visit(log)


def test_a_countersignature_without_a_registered_key_is_refused(served: Served) -> None:
    """Whoever sends it."""
    served.filed()
    served.office.proofs.seal()
    statement = {"type": "xinheng-countersignature/1", "size": get(served, "checkpoint")["statement"]["size"]}
    body = {"statement": statement, "key": "0" * 64, "signature": "0" * 128}
    refused = served.http.post("/v1/log/countersignatures", json=body)
    nowhere = served.http.post("/v1/log/countersignatures", json=body | {"statement": {"size": 2**53 - 1}})
    formless = served.http.post("/v1/log/countersignatures", json=body | {"statement": {}})

    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-a-witness")
    assert (nowhere.status_code, formless.status_code) == (404, 422)
