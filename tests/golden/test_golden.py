"""What was ever decided is decided so still, and what was ever logged is read still, unless somebody signed for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import cache

import pytest

from adapters.ledger.serial import facts_from_json
from adapters.ledger.upcasting import upcast
from engine.decision.model import Facts
from engine.decision.reference import Interpreter
from tests.golden.corpus import HERE, Corpus, differing, folders, read, refolded, signed, unreadable

ACCEPTED = (HERE / "accepted.yaml").read_text(encoding="utf-8")
KINDS = {"case-filed", "obligations-added", "obligation-moved", "case-moved", "listing-ended", "case-closed"}
MAX_BYTES = 400_000

corpus = cache(read)


def test_past_decisions_stand() -> None:
    """Byte for byte; the failure lists what would be otherwise, and how to sign for it is in README.md."""
    wrong = differing(map(corpus, folders()), signed(ACCEPTED))

    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("name", folders())
def test_past_events_are_read_and_make_the_cases_that_they_made(name: str) -> None:
    """Through upcasters into today's shape, which is written as it is read; folded to the same states and deadlines."""
    assert unreadable(corpus(name)) == []
    assert refolded(corpus(name)) == []


def test_the_corpus_has_what_it_is_for() -> None:
    """Every kind of event, every shipped list, states from filed to closed; small enough to keep for ever."""
    now = corpus("county-2026")

    assert {e["type"] for e in now.events} == KINDS
    assert set(now.policy.lists) == {case["list"] for case in now.cases.values()}
    assert {"filed", "in-force", "closed"} <= {case["state"] for case in now.cases.values()}
    assert len(now.cases) >= 36
    assert all(json.loads(d["facts"])["salt"] for d in now.decisions)
    assert sum(path.stat().st_size for path in HERE.rglob("*.xz")) <= MAX_BYTES


def test_the_old_shapes_are_old() -> None:
    """Facts without a salt, obligations that name no policy: the upcasters have something to do."""
    old = corpus("before-due-process")
    added = [e["payload"] for e in old.events if e["type"] == "obligations-added"]

    assert all("salt" not in json.loads(d["facts"]) and '"salt"' not in d["document"] for d in old.decisions)
    assert all("policy" not in o for payload in added for o in payload["obligations"])
    for payload in added:
        upcasted = upcast("obligations-added", payload)
        assert {(o["policy"], o["rungs"], o["quiet"]) for o in upcasted["obligations"]} == {("", 0, False)}
        assert upcast("obligations-added", upcasted) is upcasted


def milder(interpreter: Interpreter, facts: Facts) -> bytes:
    """A program that forgets the first obligation of wage arrears."""
    decision = interpreter.decide(facts)
    if facts.list == "wage-arrears":
        decision = replace(decision, obligations=decision.obligations[1:])
    return decision.canonical()


@pytest.fixture
def arrears() -> Corpus:
    """The first case of wage arrears alone."""
    old = corpus("before-due-process")
    chosen = [d for d in old.decisions if json.loads(d["facts"])["list"] == "wage-arrears"]
    return replace(old, decisions=(chosen[0],))


def entry(corpus: Corpus, **other: str) -> str:
    """A signature under the change."""
    (logged,) = corpus.decisions
    becomes = hashlib.sha256(milder(Interpreter(corpus.policy), facts_from_json(logged["facts"]))).hexdigest()
    said = {
        "decision": logged["digest"],
        "becomes": becomes,
        "who": "王芳",
        "when": "2026-11-24",
        "why": "试验",
    } | other
    return json.dumps([said], ensure_ascii=False)


def test_a_program_that_decides_otherwise_is_told_what_changes(arrears: Corpus) -> None:
    """The digest, what it would become, and each thing that it would say otherwise."""
    dropped = json.loads(arrears.decisions[0]["document"])["obligations"][0]["key"]
    first, *changes = differing([arrears], {}, milder)

    assert first.startswith(f"{arrears.decisions[0]['digest']} becomes ")
    assert [line.split(":")[0] for line in changes] == [f"  obligation {dropped}"]


def test_what_somebody_signed_for_passes(arrears: Corpus) -> None:
    """And only that: another result than the one signed for does not."""
    assert differing([arrears], signed(entry(arrears)), milder) == []
    assert differing([arrears], signed(entry(arrears, becomes="0" * 64)), milder) != []


def test_a_signature_that_does_not_apply_fails(arrears: Corpus) -> None:
    """Nothing changes any more, or there is no such decision."""
    digest = arrears.decisions[0]["digest"]

    assert differing([arrears], signed(entry(arrears))) == [f"{digest}: signed as changed, and is not"]
    assert f"{'1' * 64}: signed, and there is no such decision" in differing(
        [arrears], signed(entry(arrears, decision="1" * 64)), milder
    )


@pytest.mark.parametrize("missing", ["who", "why", "when", "becomes"])
def test_a_signature_says_who_when_and_why(arrears: Corpus, missing: str) -> None:
    """All of it."""
    with pytest.raises(ValueError, match="needs exactly"):
        signed(entry(arrears, **{missing: " "}))


def test_a_fold_or_a_shape_that_changes_is_seen(arrears: Corpus) -> None:
    """An event that says something else, and one that today's program would not write."""
    (moved, *_) = (i for i, e in enumerate(arrears.events) if e["type"] == "listing-ended")
    event = arrears.events[moved]
    changed = {**event, "payload": {**event["payload"], "ground": "expiry"}}
    other = replace(arrears, events=(*arrears.events[:moved], changed, *arrears.events[moved + 1 :]))

    assert f"{event['case']}: ground" in refolded(other)
