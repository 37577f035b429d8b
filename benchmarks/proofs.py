"""What proofs cost: writing with and without them, the size of a proof, and verifying against raw SHA-256."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from adapters.ledger import open_database, read, upgrade
from adapters.ledger.store import stored
from adapters.ledger.tables import events, obligations
from adapters.ledger.vault import Vault, with_vault
from adapters.office import Answer, Filing, Office, Party, Principal
from adapters.policy_files import read_bundle
from adapters.vault import FileMasterKeys
from benchmarks.measure import Comparison, side_by_side
from benchmarks.service import debtor
from engine.casework.model import Actor, Evidence
from engine.decision.model import Decision, Facts
from engine.decision.reference import decide
from engine.language.ir import Policy
from engine.proof.checkpoint import Checkpoint, Head, root_of_events
from engine.proof.compact import PLACE
from engine.proof.merkle import (
    SHA256,
    Edge,
    consistency_ranges,
    extends,
    includes,
    inclusion_ranges,
    prove,
)
from engine.proof.receipt import Inclusion, make_receipt, promising, verify
from engine.proof.signed import Json, Signed, signed

LEAVES = 300_000
DEPARTMENTS, KINDS = 70, 6
ROUND = 25
"""Writes between two checkpoints; at five seconds a county makes fewer, a city more."""
COURT = Principal("peoples-court", frozenset({"initiator", "implementer"}), "bench", "王芳")
WITHOUT = "the same without promises and checkpoints"


def compare() -> list[Comparison]:
    """Writing, proofs, verifying."""
    with tempfile.TemporaryDirectory() as name:
        ours, bare = (opened(Path(name) / f"{n}.db") for n in ("ours", "bare"))
        bare.context.proofs.promise = lambda *_: None  # type: ignore[method-assign, assignment, return-value]
        rows = [*writing(ours, bare), *proving()]
        return [*rows, *verifying(ours)]


class Interpreter:
    """Decides with the reference interpreter: what is measured is the ledger."""

    def decide(self, policy: Policy, facts: Facts) -> Decision:
        """The decision."""
        return decide(policy, facts)


def opened(path: Path) -> Office:
    """An office on a fresh database with the shipped bundle."""
    vault = Vault(FileMasterKeys(path.with_suffix(".master-keys.json")))
    engine = with_vault(open_database(f"sqlite:///{path}"), vault)
    upgrade(engine)
    office = Office(engine, evaluator=Interpreter(), clock=lambda: dt.datetime.now(dt.UTC), secret=b"bench")
    files = {name: str(text, "utf-8") for name, text in read_bundle().items()}
    office.bootstrap_policy(files, proposed_by=Actor("a", "甲"), approved_by=Actor("a", "乙"))
    return office


_NUMBERS = itertools.count(1)


def file(office: Office) -> list[str]:
    """One case; the obligations of it that are open."""
    given = debtor(next(_NUMBERS))
    filed = office.file_case(COURT, Filing(given["list"], Party(**given["subject"]), given["facts"]))
    return [v.obligation.id for v in filed.obligations if v.obligation.state == "open"]


def writing(ours: Office, bare: Office) -> list[Comparison]:
    """Filing and answering, a checkpoint after every few writes."""

    def filing(office: Office, seal: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(ROUND):
                file(office)
            seal()

        return run

    def answering(office: Office, seal: Callable[[], object]) -> Callable[[], None]:
        open_ones: Iterator[tuple[str, str]] = _open_obligations(office)

        def run() -> None:
            for department, obligation in itertools.islice(open_ones, ROUND):
                who = replace(COURT, department=department, roles=frozenset({"implementer"}))
                office.answer(who, obligation, Answer("accept"))
            seal()

        return run

    sealed = ours.proofs.seal
    return [
        side_by_side(
            f"{what}, checkpoint after {ROUND}, SQLite", WITHOUT, make(ours, sealed), make(bare, lambda: None),
            target="≥ 70 % of its rate", bound=1 / 0.7, rounds=rounds, batch=0.01,
        )
        for what, make, rounds in (("filing 31 obligations", filing, 6), ("accepting an obligation", answering, 20))
    ]  # fmt: skip


def _open_obligations(office: Office) -> Iterator[tuple[str, str]]:
    while True:
        given = debtor(next(_NUMBERS))
        filed = office.file_case(COURT, Filing(given["list"], Party(**given["subject"]), given["facts"]))
        owed = [(v.obligation.department, v.obligation.id) for v in filed.obligations if v.obligation.state == "open"]
        yield from owed


def proving() -> list[Comparison]:
    """Proofs in a large tree: how long they are, and how long it takes to verify them."""
    leaves = [SHA256.leaf(n.to_bytes(32, "big")) for n in range(LEAVES)]
    edge, made = Edge().grown(leaves)
    nodes = {(level, index): hash_ for level, index, hash_ in made}
    root = edge.root()

    def found(places: Any) -> dict[tuple[int, int], bytes]:
        return {p: leaves[p[1]] if p[0] == 0 else nodes[p] for p in places}

    allowed = 64 * (math.log2(LEAVES) + 1)
    numbers = [n * 7919 % LEAVES for n in range(200)]
    paths = {n: prove(inclusion_ranges(n, LEAVES), found) for n in numbers}
    longest = PLACE.size + 32 * max(map(len, paths.values()))
    old = {n: (Edge().grown(leaves[:n])[0].root(), prove(consistency_ranges(n, LEAVES), found)) for n in numbers[1:9]}
    longest_of_two = 16 + 32 * max(len(path) for _, path in old.values())
    assert max(longest, longest_of_two) <= allowed
    receipts = [receipt_of(found, root, n) for n in numbers]
    key = receipts[0]["promise"]["key"]
    size = f"{longest} bytes of {allowed:.0f} (hash function 1, number 8, size 8, length 1, hashes 32 each)"
    both = f"{longest_of_two} bytes of {allowed:.0f} (two sizes 8 each, hashes 32 each)"
    return [
        _within(f"inclusion among {LEAVES:,}: {size}, verified",
                lambda n: includes(root, LEAVES, n, leaves[n], paths[n]), numbers),
        _within(f"consistency of {LEAVES:,}: {both}, verified",
                lambda n: extends(old[n][0], n, root, LEAVES, old[n][1]), list(old)),
        _within("whole receipt with promise and checkpoint of 70 departments, verified",
                lambda n: verify(receipts[n], key).kept, range(len(receipts))),
    ]  # fmt: skip


def _within(what: str, check: Callable[[int], object], given: Any) -> Comparison:
    """The slowest of medians against a millisecond."""
    times = []
    for number in given:
        taken = []
        for _ in range(9):
            start = time.perf_counter()
            assert check(number)
            taken.append(time.perf_counter() - start)
        times.append(sorted(taken)[4])
    return Comparison(what, "1 ms", max(times), 0.001, "< 1 ms", 1.0)


def receipt_of(found: Any, root: bytes, number: int) -> Json:
    """A receipt as a department gets it. The hash of its event is the number, whose leaf is in the tree."""
    key = Ed25519PrivateKey.from_private_bytes(b"b" * 32)

    def sign(statement: Json) -> Signed:
        public = key.public_key().public_bytes_raw().hex()
        return signed(statement, public, lambda message: key.sign(message).hex())

    at = "2026-11-24T02:00:00.000000Z"
    each = LEAVES // (DEPARTMENTS * KINDS)
    counts = {f"department-{d}": {f"kind-{k}": each for k in range(KINDS)} for d in range(DEPARTMENTS)}
    counts["department-0"]["kind-0"] += LEAVES - each * DEPARTMENTS * KINDS
    made = Checkpoint("log", "sha256", Head(LEAVES, root.hex()), at, counts, {}, None)
    event = number.to_bytes(32, "big").hex()
    promise = sign(promising(origin="log", case="c" * 32, version=3, event=event, at=at, delay=600))
    inclusion = Inclusion("sha256", number, LEAVES, prove(inclusion_ranges(number, LEAVES), found))
    return make_receipt(promise, inclusion, sign(made.statement()))


def verifying(office: Office) -> list[Comparison]:
    """Chain and root over the texts of real events, against one SHA-256 over each of the same texts."""
    owed = file(office)
    case = owed[0].partition(".")[0]
    filed = texts_of(office, case)
    for n, name in enumerate(owed):
        with read(office.context.engine) as conn:
            department = _department(conn, name)
        who = replace(COURT, department=department, roles=frozenset({"implementer"}))
        office.answer(who, name, Answer("accept"))
        if n % 2:
            given = Answer("respond", outcome="not-applicable", reason="无此业务", evidence=(Evidence("a" * 64, "x"),))
            office.answer(who, name, given)
    worked = texts_of(office, case)
    half = "≥ 50 % of its rate", 2.0
    third = "≥ ⅓ of its rate: three hashes for one", 3.0
    return [
        side_by_side(
            f"verifying a log of {what}, {sum(map(len, texts)) // len(texts):,} bytes an event",
            "hashlib.sha256 once over each event", lambda t=many: root_of_events(t), lambda t=many: raw(t),
            target=target, bound=bound, rounds=40, batch=0.02,
        )
        for what, texts, (target, bound) in (
            ("filings", filed, half), ("filings with their answers", worked, half),
            ("answers alone", worked[len(filed):], third),
        )
        for many in (texts * (20_000 // len(texts)),)
    ]  # fmt: skip


def raw(texts: list[bytes]) -> None:
    """Hash of every event."""
    for text in texts:
        hashlib.sha256(text).digest()


def texts_of(office: Office, case: str) -> list[bytes]:
    """The canonical texts of a case's events."""
    with read(office.context.engine) as conn:
        rows = conn.execute(select(events).where(events.c.case_id == case).order_by(events.c.version)).all()
    return [stored(row).canonical_text().encode() for row in rows]


def _department(conn: Any, obligation: str) -> str:
    return str(conn.execute(select(obligations.c.department_id).where(obligations.c.id == obligation)).scalar_one())
