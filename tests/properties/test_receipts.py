"""Receipts, checkpoints and their short forms: what is signed is believed, and nothing else whatever is done to it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.proof.checkpoint import (
    Checkpoint,
    Head,
    countersigning,
    publication,
    read_checkpoint,
    read_countersignature,
    read_publication,
    shrunk,
)
from engine.proof.compact import PREFIX, base45, pack, unbase45, unpack
from engine.proof.merkle import SHA256, Edge, inclusion_ranges, prove
from engine.proof.receipt import Confirmed, Inclusion, make_receipt, promising, verify
from engine.proof.signed import Json, ProofError, Signed, canonical, signed

LOG, OTHER, WITNESS = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
AT, LATER = "2026-11-24T02:00:00.000000Z", "2026-11-24T02:00:05.250000Z"
EVENTS = [SHA256.new(b"event %d" % n).hexdigest() for n in range(11)]
MINE = 6
SHORT_LENGTH = 400  # characters of a QR code of 65 modules


def public(key: Ed25519PrivateKey) -> str:
    """The public half in hex."""
    return key.public_key().public_bytes_raw().hex()


def sign(statement: Json, key: Ed25519PrivateKey = LOG) -> Signed:
    """A statement signed by a key."""
    return signed(statement, public(key), lambda message: key.sign(message).hex())


@cache
def checkpoint() -> Checkpoint:
    """Over all the events."""
    edge, _ = Edge().grown([SHA256.leaf(bytes.fromhex(event)) for event in EVENTS])
    counts = {"finance": {"obligation-moved": 7}, "human-resources": {"case-filed": 4}}
    head = Head(edge.size, edge.root().hex())
    return Checkpoint("log-1", "sha256", head, LATER, counts, {"arrears": 4}, Head(3, "00" * 32))


def inclusion() -> Inclusion:
    """Of one event."""
    leaves = [SHA256.leaf(bytes.fromhex(event)) for event in EVENTS]
    _, made = Edge().grown(leaves)
    stored = {(0, n): leaf for n, leaf in enumerate(leaves)} | {(level, index): hash_ for level, index, hash_ in made}
    path = prove(inclusion_ranges(MINE, len(EVENTS)), lambda places: {p: stored[p] for p in places})
    return Inclusion("sha256", MINE, len(EVENTS), path)


def promise() -> Signed:
    """For one event."""
    return sign(promising(origin="log-1", case="c" * 32, version=3, event=EVENTS[MINE], at=AT, delay=600))


@cache
def receipt() -> Json:
    """Whole, with a witness."""
    made = sign(checkpoint().statement())
    witnessed = sign(countersigning(made.statement, "audit-office", LATER), WITNESS)
    return make_receipt(promise(), inclusion(), made, [witnessed])


def confirmed(given: Json, **more: Any) -> Confirmed:
    """What a receipt proves to who knows the log and the witness."""
    return verify(given, public(LOG), **({"witnesses": {"audit-office": {public(WITNESS)}}} | more))


def test_a_receipt_proves_where_the_event_is_and_that_the_promise_was_kept() -> None:
    """With nothing but the keys; without an inclusion it proves the promise."""
    by = "2026-11-24T02:10:00.000000Z"
    whole = Confirmed("log-1", "c" * 32, 3, EVENTS[MINE], by, MINE, checkpoint().head, LATER, True, ("audit-office",))

    assert whole == confirmed(receipt())
    assert Confirmed("log-1", "c" * 32, 3, EVENTS[MINE], by) == confirmed(make_receipt(promise()))
    assert confirmed(receipt(), witnesses={}).witnesses == ()


def test_a_late_checkpoint_shows() -> None:
    """The promise says until when; the checkpoint, when it was."""
    late = sign(checkpoint().statement() | {"at": "2026-11-24T02:10:00.000001Z"})

    assert confirmed(make_receipt(promise(), inclusion(), late)).kept is False


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*path, key)
        yield from places(part, (*path, key))


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2**65), st.floats(allow_nan=False), st.text(max_size=3),
    st.sampled_from(["", "ff" * 32, "ab" * 64, "sm3", LATER, public(OTHER), public(WITNESS), [], {}, [[]], "log-2"]),
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(place=st.sampled_from(sorted(places(receipt()), key=repr)), value=VALUES, drop=st.booleans())
def test_nothing_in_a_receipt_can_be_changed(place: tuple[Any, ...], value: Any, drop: bool) -> None:
    """It is refused as a proof, or proves the same with fewer witnesses, and never fails in another way."""
    forged = copy.deepcopy(receipt())
    parent = forged
    for key in place[:-1]:
        parent = parent[key]
    if drop and isinstance(parent, dict):
        del parent[place[-1]]
    else:
        parent[place[-1]] = value
    try:
        found = confirmed(forged)
    except ProofError:
        return
    # the same value again; a countersignature taken out; one whose key nobody vouches for
    assert found == confirmed(receipt()) or place[0] == "countersignatures"
    assert (found.event, found.number, found.head) == (EVENTS[MINE], MINE, checkpoint().head)


@pytest.mark.parametrize(
    ("code", "forged"),
    [
        ("untrusted-key", make_receipt(sign(promise().statement, OTHER))),  # type: ignore[arg-type]
        ("malformed", make_receipt(promise()) | {"promise": sign(checkpoint().statement()).document()}),
        ("malformed", make_receipt(promise()) | {"checkpoint": sign(checkpoint().statement()).document()}),
        ("other-event", make_receipt(promise()) | {"event": EVENTS[0]}),
        ("untrusted-key", make_receipt(promise(), inclusion(), sign(checkpoint().statement(), OTHER))),
        ("other-log", make_receipt(promise(), inclusion(), sign(checkpoint().statement() | {"origin": "log-2"}))),
        ("not-included", make_receipt(promise(), inclusion(), sign(checkpoint().statement() | {"root": "00" * 32}))),
        ("malformed", make_receipt(promise(), inclusion(), sign(checkpoint().statement() | {"size": 12}))),
        ("no-root", make_receipt(promise(), inclusion())),
    ],
)
def test_what_is_wrong_is_said(code: str, forged: Json) -> None:
    """Another key, another kind of statement, another event, log, tree or size."""
    with pytest.raises(ProofError) as error:
        confirmed(forged)

    assert code == error.value.code


def test_a_bad_countersignature_of_a_known_witness_is_refused() -> None:
    """One of another checkpoint, or forged; an unknown witness is passed over."""
    made = sign(checkpoint().statement())
    other = sign(countersigning(made.statement | {"at": AT}, "audit-office", LATER), WITNESS)
    stranger = sign(countersigning(made.statement, "audit-office", LATER), OTHER)

    with pytest.raises(ProofError, match="副署的不是"):
        confirmed(make_receipt(promise(), inclusion(), made, [other]))
    assert confirmed(make_receipt(promise(), inclusion(), made, [stranger])).witnesses == ()
    with pytest.raises(ProofError, match="不受信任"):
        read_countersignature(stranger, made.statement, {public(WITNESS)})


def test_a_printed_root_stands_in_for_a_checkpoint_and_catches_another_history() -> None:
    """What was in the newspaper is held against what the log shows its holder."""
    head = checkpoint().head
    line = publication(checkpoint())
    origin, printed = read_publication(f"…本报讯  {line[:60]}\n {line[60:]}")
    short = make_receipt(promise(), inclusion())

    assert line.startswith("信衡存证 2026-11-24 日志 log-1 共 11 条 sha256 ")
    assert (origin, printed) == ("log-1", head)
    assert confirmed(short, published={head.size: head.root}).head == head
    assert confirmed(short, published={head.size: head.root}).kept is None
    with pytest.raises(ProofError, match="两个不同的历史"):
        confirmed(receipt(), published={head.size: "00" * 32})
    with pytest.raises(ProofError, match="不是存证公告"):
        read_publication(line[:-1])


def test_a_checkpoint_reads_back_and_adds_up() -> None:
    """Counts that do not make up the size are refused before anything else is looked at."""
    made = sign(checkpoint().statement())
    wrong = sign(checkpoint().statement() | {"counts": {"finance": {"obligation-moved": 7}}})

    assert checkpoint() == read_checkpoint(made, {public(LOG)}, "log-1")
    with pytest.raises(ProofError, match="计数之和"):
        read_checkpoint(wrong, {public(LOG)})


def test_counts_only_grow() -> None:
    """A witness sees which became fewer, though the sum is the same."""
    moved = Checkpoint.of(
        checkpoint().statement()
        | {"counts": {"finance": {"obligation-moved": 8}, "human-resources": {"case-filed": 3}}, "lists": {}}
    )

    assert shrunk(checkpoint(), checkpoint()) == ()
    assert shrunk(checkpoint(), moved) == ("human-resources case-filed 4 → 3", "名单 arrears 4 → 0")


def test_the_short_form_says_the_same() -> None:
    """As much as fits on a small code; the promise by itself, the inclusion against a printed root."""
    head = checkpoint().head
    only = make_receipt(promise())
    short = make_receipt(promise(), inclusion())

    assert only == unpack(pack(only))
    assert short == unpack(pack(receipt()))
    assert confirmed(unpack(pack(receipt())), published={head.size: head.root}).number == MINE
    assert len(pack(only)) <= SHORT_LENGTH
    with pytest.raises(ProofError):
        pack(make_receipt(sign(promise().statement | {"case": "c" * 300})))  # type: ignore[arg-type]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_damaged_short_form_is_refused(data: st.DataObject) -> None:
    """As no short form at all, or because its signature does not hold."""
    short = pack(make_receipt(promise(), inclusion()))
    place = data.draw(st.integers(0, len(short) - 1))
    match data.draw(st.sampled_from(["change", "cut", "add"])):
        case "change":
            other = data.draw(st.sampled_from("0ABZ :é").filter(lambda c: c != short[place]))
            forged = short[:place] + other + short[place + 1 :]
        case "cut":
            forged = short[:place]
        case _:
            forged = short + data.draw(st.text("0AZ", min_size=1, max_size=4))

    with pytest.raises(ProofError):
        verify(unpack(forged), public(LOG), published={11: checkpoint().head.root})


@given(st.binary(max_size=40))
def test_base_45_is_what_the_standard_says(content: bytes) -> None:
    """Both ways, and the standard's examples."""
    assert content == unbase45(base45(content))
    assert [base45(b"AB"), base45(b"Hello!!"), base45(b"base-45")] == ["BB8", "%69 VD92EX0", "UJCLQE7W581"]
    assert unbase45("QED8WEX0") == b"ietf!"


@pytest.mark.parametrize("written", ["GGW", ":::", "A", "a12", "ABCD", "::"])
def test_what_is_no_base_45_is_refused(written: str) -> None:
    """Beyond two bytes, of a wrong length, or with other characters."""
    with pytest.raises(ProofError, match="不是凭证的短码"):
        unpack(PREFIX + written)


def test_the_signed_text_is_canonical() -> None:
    """RFC 8785, as another implementation writes it."""
    assert rfc8785.dumps(checkpoint().statement()) == canonical(checkpoint().statement())
    assert rfc8785.dumps(promise().statement) == canonical(promise().statement)
