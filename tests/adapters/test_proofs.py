"""The log on both databases: every event in it once and in order, promises kept, and every forgery found."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, Table, create_engine, delete, event, func, insert, select, update

from adapters.ledger import open_database, read, tree, write
from adapters.ledger.proof_tables import log, log_checkpoints, log_countersignatures, log_leaves, log_nodes
from adapters.ledger.serial import GENESIS, event_hash
from adapters.ledger.store import stored
from adapters.ledger.tables import events
from adapters.office import ConflictError, ForbiddenError, Idempotency, InvalidError, NotFoundError, Office
from adapters.office.model import Step
from adapters.office.proofs import DELAY, LogSettings
from adapters.signing import FileSigner, SigningKeyError
from engine.casework.model import Evidence
from engine.proof.checkpoint import Checkpoint, countersigning, root_of_events
from engine.proof.merkle import Hashing, extends, root_of
from engine.proof.receipt import PROMISE, verify
from engine.proof.signed import Json, Signed, canonical, signed
from tests.adapters.bundle import FILES
from tests.adapters.databases import Databases
from tests.adapters.support import (
    APPROVER,
    AUDITOR,
    EXAMINER,
    FINANCE,
    HR,
    MARKET,
    SECRET,
    TAX,
    Desk,
    arrears,
    open_desk,
    principal,
)

PROOF = (Evidence("a" * 64, "截图"),)
WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS_KEY = WITNESS.public_key().public_bytes_raw().hex()


def empty_log(engine: Engine) -> Desk:
    """An office whose first event is the first filing, so that leaves are counted from it."""
    desk = open_desk(engine)
    with write(engine) as conn:
        conn.execute(delete(events))
    return desk


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """An office on each database."""
    return empty_log(engine)


@pytest.fixture
def sqlite(databases: Databases) -> Iterator[Desk]:
    """An office on SQLite, for what does not depend on the database."""
    with databases.fresh("sqlite") as engine:
        yield empty_log(engine)


def logged(engine: Engine) -> list[Any]:
    """The events in the order of the leaves."""
    query = select(events, log_leaves.c.number).join(log_leaves, log_leaves.c.position == events.c.position)
    with read(engine) as conn:
        return list(conn.execute(query.order_by(log_leaves.c.number)))


def key_of(desk: Desk) -> str:
    """The log's key."""
    return desk.office.proofs.keys().keys[-1].key


def other_office(desk: Desk, settings: LogSettings) -> Office:
    """Another office on the same database."""
    return Office(
        desk.engine, evaluator=desk.evaluator, clock=desk.clock, secret=SECRET, examiner=EXAMINER, log=settings,
        signer=desk.office.context.signer,
    )  # fmt: skip


def test_every_event_is_a_leaf_in_the_order_in_which_it_was_logged(desk: Desk) -> None:
    """The root is that of RFC 6962 over the hashes of the events; the counts are theirs; checkpoints follow another."""
    first = desk.file()
    (one,) = desk.office.proofs.seal()
    desk.do(HR, desk.find(first.case.id, "publish"), "accept")
    desk.file()
    (two,) = desk.office.proofs.seal()
    rows = logged(desk.engine)
    data = [bytes.fromhex(row.hash) for row in rows]
    texts = [stored(row).canonical_text().encode() for row in rows]

    assert [*range(7)] == [row.number for row in rows]
    assert sorted(row.position for row in rows) == [row.position for row in rows]
    assert (len(data[:3]), root_of(data[:3])[1].hex()) == (one.checkpoint.head.size, one.checkpoint.head.root)
    assert (7, root_of(data)[1].hex()) == (two.checkpoint.head.size, two.checkpoint.head.root)
    assert root_of_events(texts) == root_of(data)
    assert two.checkpoint.counts == {
        "human-resources": {"case-filed": 2, "case-moved": 2, "obligations-added": 2, "obligation-moved": 1}
    }
    assert (two.checkpoint.lists, two.checkpoint.previous) == ({"arrears": 2}, one.checkpoint.head)
    assert (desk.office.proofs.seal(), one.events, two.events) == ((), 3, 4)
    assert desk.office.proofs.verify().problems == []


def test_proofs_from_what_is_stored_hold(sqlite: Desk) -> None:
    """Every leaf in every checkpoint, and every checkpoint in every later one."""
    made: list[Checkpoint] = []
    for _ in range(5):
        sqlite.file()
        made += [s.checkpoint for s in sqlite.office.proofs.seal()]
    for row in logged(sqlite.engine):
        for checkpoint in made:
            if row.number < checkpoint.head.size:
                found, proof = sqlite.office.proofs.inclusion(event=row.hash, size=checkpoint.head.size)
                assert proof.shows(found, checkpoint.head.root)
                assert (row.hash, row.number) == (found, proof.number)
    for old in made:
        for new in made:
            if old.head.size <= new.head.size:
                shown = sqlite.office.proofs.consistency(old.head.size, new.head.size)
                path = [bytes.fromhex(hash_) for hash_ in shown.path]
                roots = bytes.fromhex(old.head.root), bytes.fromhex(new.head.root)
                assert extends(roots[0], old.head.size, roots[1], new.head.size, path)


def test_a_large_batch_is_taken_in_by_pieces(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with a checkpoint of its own; nothing is left out between them."""
    monkeypatch.setattr(tree, "BATCH", 4)
    for _ in range(3):
        desk.file()
    sizes = [found.checkpoint.head.size for found in desk.office.proofs.seal()]

    assert sizes == [4, 8, 9]
    assert desk.office.proofs.verify().problems == []


def test_many_file_while_many_seal(desk: Desk) -> None:
    """Numbers without a gap, no event twice, one history."""
    gate = threading.Barrier(6)

    def work(number: int) -> None:
        gate.wait()
        for _ in range(3):
            if number % 2:
                desk.file()
            else:
                desk.office.proofs.seal()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    desk.office.proofs.seal()
    found = desk.office.proofs.verify()

    assert (found.size, found.waiting, found.problems) == (27, 0, [])
    assert [*range(27)] == [row.number for row in logged(desk.engine)]


def raw_event(conn: Connection, case: str) -> None:
    """One event of a case of its own, as if filed."""
    at, payload = "2026-11-24T02:00:00.000000Z", canonical({"case": case, "list": "arrears"}).decode()
    actor = {"department": "tax", "officer": "甲", "key": "k"}
    digest = event_hash(
        case=case, version=1, kind="case-filed", on="2026-11-24", at=at, actor=actor, payload=payload, prev=GENESIS
    )
    values = {
        "case_id": case, "version": 1, "type": "case-filed", "on": "2026-11-24", "at": at, "actor_department": "tax",
        "actor_officer": "甲", "key_id": "k", "payload": payload, "prev_hash": GENESIS, "hash": digest,
    }  # fmt: skip
    conn.execute(insert(events), values)


def test_an_event_that_commits_late_is_not_passed_over(databases: Databases) -> None:
    """On PostgreSQL a position may be taken early and come to light after later ones were sealed."""
    with databases.fresh("postgresql") as engine:
        desk = empty_log(engine)
        seal = desk.office.proofs.seal
        with engine.connect() as slow, engine.connect() as never:
            raw_event(slow, "slow")
            raw_event(never, "never")
            sizes = []
            for _ in range(3):
                desk.file()
                sizes += [found.checkpoint.head.size for found in seal()]
            with read(engine) as conn:
                early = conn.execute(select(log.c.mark)).scalar_one()
            slow.commit()
            never.rollback()
        late = [found.checkpoint for found in seal()]
        for _ in range(2):
            desk.file()
            seal()
        with read(engine) as conn:
            mark = conn.execute(select(log.c.mark)).scalar_one()
            last = conn.execute(select(func.max(events.c.position))).scalar_one()
        found = desk.office.proofs.verify()

        assert (sizes, early) == ([3, 6, 9], 0)  # nothing was held up, and nothing was settled
        assert [c.head.size for c in late] == [10]
        assert late[0].counts["tax"] == {"case-filed": 1}
        assert next(row.case_id for row in logged(engine) if row.number == 9) == "slow"
        assert last - 6 <= mark < last  # what was never committed holds nothing up
        assert (found.size, found.waiting, found.problems) == (16, 0, [])


def test_a_restored_database_does_not_wait_for_transactions_that_will_not_come(databases: Databases) -> None:
    """Their numbers begin anew where a dump is restored."""
    with databases.fresh("postgresql") as engine:
        desk = open_desk(engine)
        with write(engine) as conn:
            conn.execute(update(log).values(pending_mark=0, pending_transaction=2**60))
        marks: list[int] = []
        while len(marks) < 100 and not any(marks):  # transactions of other tests on this server are waited for
            desk.file()
            desk.office.proofs.seal()
            with read(engine) as conn:
                marks.append(conn.execute(select(log.c.mark)).scalar_one())

        assert 0 == marks[0] < marks[-1]


def test_nothing_stands_when_the_checkpoint_does_not(desk: Desk) -> None:
    """Leaves, nodes and checkpoint go together; what was not taken in is taken in next."""
    desk.file()

    def fail(_conn: Any) -> None:
        raise RuntimeError("power cut")

    event.listen(desk.engine, "commit", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        desk.office.proofs.seal()
    event.remove(desk.engine, "commit", fail)
    with read(desk.engine) as conn:
        left = [conn.execute(select(func.count()).select_from(t)).scalar_one() for t in (log_leaves, log_nodes)]

    assert left == [0, 0]
    assert [found.checkpoint.head.size for found in desk.office.proofs.seal()] == [3]


# Promises


def test_every_write_promises_and_the_promise_is_kept(desk: Desk) -> None:
    """Filing, answering, a step, the end: for the last event of each; a repeated request gets the same promise."""
    idem = Idempotency("k", "d")
    filed = desk.office.file_case(HR, filing := arrears(), idempotency=idem)
    again = desk.office.file_case(HR, filing, idempotency=idem)
    case = filed.case.id
    answered = desk.do(HR, desk.find(case, "publish"), "accept")
    stepped = desk.office.step(HR, case, Step("object", points=("不服",)))
    ended = desk.office.end_case(HR, case, "withdrawal", "撤回")
    migrated = desk.office.migrate_cases(replace(APPROVER, officer="王"), reason="新政策", dry_run=False)
    views = (filed.case, answered.case, stepped.process.case, ended.case)
    promises = [w.promise for w in (filed, answered, stepped, ended)]
    statements = [p.opened(PROMISE, {key_of(desk)}) for p in promises if p is not None]
    desk.office.proofs.seal()

    assert [(v.id, v.version, v.head) for v in views] == [(s["case"], s["version"], s["event"]) for s in statements]
    assert filed.promise == again.promise
    assert list(migrated) == []
    for statement in statements:
        found = verify(desk.office.proofs.receipt(HR, case, statement["version"]), key_of(desk))
        assert (statement["event"], statement["included_by"], True) == (found.event, found.included_by, found.kept)


def test_a_migration_promises_too(sqlite: Desk) -> None:
    """Each case that it moves on."""
    case = sqlite.file().case.id
    version = sqlite.publish(
        FILES | {"rules/measures/watch.yaml": FILES["rules/measures/watch.yaml"].replace("重点监管", "监管")},
        migration="keep",
    )
    dry, done = (
        list(sqlite.office.migrate_cases(replace(APPROVER, officer="王"), reason="新政策", dry_run=dry))
        for dry in (True, False)
    )

    assert sqlite.office.get_case(HR, case).policy == version
    assert [m.promise for m in dry] == [None]
    assert [sqlite.office.get_case(HR, case).head] == [m.promise.statement["event"] for m in done if m.promise]


def test_nothing_is_logged_that_cannot_be_promised(sqlite: Desk, tmp_path: Path) -> None:
    """A key that cannot be read stops the write, as a whole."""
    path = tmp_path / "key.pem"
    path.write_text("no key")
    office = other_office(sqlite, LogSettings(FileSigner(path)))
    with pytest.raises(SigningKeyError):
        office.file_case(HR, arrears())

    assert not any(sqlite.rows().values())


def test_an_overdue_promise_is_an_alarm_until_it_is_kept_and_is_counted_for_ever(desk: Desk) -> None:
    """Nobody seals for longer than was promised."""
    desk.file()
    desk.office.proofs.seal()
    desk.file()
    desk.clock.turn(seconds=DELAY)
    in_time = desk.office.health().promises
    desk.clock.turn(seconds=1)
    late, found = desk.office.health().promises, desk.office.proofs.verify()
    (made,) = desk.office.proofs.seal()
    after = desk.office.proofs.verify()

    assert (in_time, late, desk.office.health().promises) == (True, False, True)
    assert (found.waiting, found.overdue) == (3, 3)
    assert "承诺没有兑现" in found.problems[0]
    assert (made.late, after.late, after.overdue, after.problems) == (3, 3, 0, [])


def test_two_keys_are_not_taken_for_one_log(sqlite: Desk, tmp_path: Path) -> None:
    """A machine with a key of its own neither promises nor seals, until it is told to trust the old key."""
    sqlite.file()
    sqlite.office.proofs.seal()
    sqlite.file()
    path = tmp_path / "key.pem"
    stranger = other_office(sqlite, LogSettings(FileSigner(path)))
    with pytest.raises(SigningKeyError, match="不是所用的这一个"):
        stranger.file_case(HR, arrears())
    with pytest.raises(SigningKeyError, match="不是所用的这一个"):
        stranger.proofs.seal()
    (tmp_path / "key.pem.trusted").write_text(key_of(sqlite))
    successor = other_office(sqlite, LogSettings(FileSigner(path)))
    (made,) = successor.proofs.seal()
    sqlite.file()

    assert made.signed.key == FileSigner(path).public_key
    assert [(k.first, k.last, k.current) for k in successor.proofs.keys().keys] == [(3, 3, False), (6, 6, True)]
    assert successor.proofs.verify().problems == []
    with pytest.raises(SigningKeyError):
        sqlite.office.proofs.seal()
    assert "不受信任的密钥" in sqlite.office.proofs.verify().problems[0]


def test_a_log_hashed_with_sm3(sqlite: Desk, tmp_path: Path) -> None:
    """The setting is for a log that is yet to begin; this one stays with it."""
    signer = FileSigner(tmp_path / "key.pem")
    office = other_office(sqlite, LogSettings(signer, hash="sm3"))
    filed = office.file_case(HR, arrears())
    office.proofs.seal()
    later = other_office(sqlite, LogSettings(signer))
    later.file_case(HR, arrears())
    (made,) = later.proofs.seal()
    data = [bytes.fromhex(row.hash) for row in logged(sqlite.engine)]

    assert ("sm3", root_of(data, Hashing("sm3"))[1].hex()) == (made.checkpoint.hash, made.checkpoint.head.root)
    assert verify(later.proofs.receipt(HR, filed.case.id, 3), signer.public_key).number == 2
    assert later.proofs.verify().problems == []


# Receipts


def test_a_receipt_is_for_whoever_may_know_of_the_event(sqlite: Desk) -> None:
    """The initiator, auditors, and the department that acted; for all others there is no such thing."""
    filed = sqlite.file()
    case = filed.case.id
    sqlite.do(HR, sqlite.find(case, "publish"), "accept")
    sqlite.do(HR, sqlite.find(case, "publish"), "respond", evidence=PROOF)
    sqlite.do(FINANCE, sqlite.find(case, "no-procurement"), "accept")
    version = sqlite.office.get_case(HR, case).version
    before = sqlite.office.proofs.receipt(FINANCE, case, version)
    sqlite.office.proofs.seal()
    mine = sqlite.office.proofs.receipt(FINANCE, case, version)

    assert verify(before, key_of(sqlite)).number is None
    assert verify(mine, key_of(sqlite)).number == version - 1
    assert (
        mine == sqlite.office.proofs.receipt(HR, case, version) == sqlite.office.proofs.receipt(AUDITOR, case, version)
    )
    for who, wanted, number in (
        (FINANCE, case, 1), (TAX, case, version), (MARKET, case, version), (HR, case, version + 1), (HR, case, 0),
        (HR, "nope", 1), (AUDITOR, case, 2**31), (principal("finance", "policy"), case, 1),
    ):  # fmt: skip
        with pytest.raises(NotFoundError):
            sqlite.office.proofs.receipt(who, wanted, number)


def test_a_receipt_leads_to_the_first_checkpoint_or_to_one_that_is_asked_for(sqlite: Desk) -> None:
    """It stays as it is while the log grows."""
    case = sqlite.file().case.id
    sqlite.office.proofs.seal()
    first = sqlite.office.proofs.receipt(HR, case, 3)
    other = sqlite.file().case.id
    sqlite.office.proofs.seal()

    assert first == sqlite.office.proofs.receipt(HR, case, 3)
    assert sqlite.office.proofs.receipt(HR, case, 3, 6)["inclusion"]["size"] == 6
    for wanted, size in ((other, 3), (case, 5)):
        with pytest.raises(NotFoundError):
            sqlite.office.proofs.receipt(HR, wanted, 3, size)


# Witnesses


def countersigned(document: Signed, department: str = "audit-office", at: str = "2026-11-24T03:00:00.000000Z") -> Json:
    """A countersignature as it is sent."""
    statement = countersigning(document.statement, department, at)
    return signed(statement, WITNESS_KEY, lambda message: WITNESS.sign(message).hex()).document()


def test_a_registered_witness_countersigns(desk: Desk) -> None:
    """Its signature is shown with the checkpoint; a second one keeps the first; none after its key was revoked."""
    case = desk.file().case.id
    (made,) = desk.office.proofs.seal()
    given = countersigned(made.signed)
    with pytest.raises(ForbiddenError, match="登记见证人"):
        desk.office.proofs.countersign(given)
    desk.office.proofs.register_witness("audit-office", WITNESS_KEY, "赵")
    with pytest.raises(ConflictError):
        desk.office.proofs.register_witness("audit-office", WITNESS_KEY, "赵")
    desk.office.proofs.countersign(given)
    desk.office.proofs.countersign(countersigned(made.signed, at="2026-11-24T04:00:00.000000Z"))
    kept = [c.document() for c in desk.office.proofs.checkpoint().countersignatures]
    receipt = desk.office.proofs.receipt(HR, case, 3)
    gone = desk.office.proofs.revoke_witness(WITNESS_KEY)

    assert [given] == kept == receipt["countersignatures"]
    witnesses = {"audit-office": {WITNESS_KEY}}
    assert verify(receipt, key_of(desk), witnesses=witnesses).witnesses == ("audit-office",)
    assert (desk.office.proofs.verify().countersigned, desk.office.proofs.verify().problems) == (3, [])
    assert gone.revoked_at is not None
    assert gone == desk.office.proofs.revoke_witness(WITNESS_KEY)
    with pytest.raises(ForbiddenError):
        desk.office.proofs.countersign(given)


def test_what_is_no_countersignature_is_refused(sqlite: Desk) -> None:
    """Another checkpoint, another name, no signature, no form at all."""
    sqlite.file()
    (made,) = sqlite.office.proofs.seal()
    proofs = sqlite.office.proofs
    proofs.register_witness("audit-office", WITNESS_KEY, "赵")
    given = countersigned(made.signed)
    fields = made.signed.statement
    for forged in (
        {}, {"statement": 1}, given | {"signature": "00" * 64}, given | {"statement": {"size": 3}},
        given | {"statement": given["statement"] | {"size": "3"}}, countersigned(made.signed, "tax"),
        countersigned(replace(made.signed, statement=fields | {"root": "00" * 32})),
        given | {"statement": given["statement"] | {"size": 3, "more": [1.5]}},
    ):  # fmt: skip
        with pytest.raises(InvalidError):
            proofs.countersign(forged)
    for size in (4, 2**53 - 1):
        with pytest.raises(NotFoundError):
            proofs.countersign(countersigned(replace(made.signed, statement=fields | {"size": size})))
    with pytest.raises(InvalidError):
        proofs.register_witness("audit-office", "no key", "赵")
    with pytest.raises(NotFoundError):
        proofs.revoke_witness("00" * 32)

    assert proofs.checkpoint().countersignatures == ()


# Asking


def test_what_there_is_no_answer_to(sqlite: Desk) -> None:
    """Nothing yet; too large, in the wrong order, of nobody."""
    proofs = sqlite.office.proofs
    for ask in (proofs.checkpoint, proofs.publication, lambda: proofs.consistency(0)):
        with pytest.raises(NotFoundError):
            ask()
    hash_ = sqlite.file().case.head
    proofs.seal()
    wrong: list[tuple[type[Exception], Callable[[], object]]] = [
        (InvalidError, lambda: proofs.consistency(4)), (InvalidError, lambda: proofs.consistency(2, 1)),
        (InvalidError, lambda: proofs.consistency(-1)), (InvalidError, proofs.inclusion),
        (InvalidError, lambda: proofs.inclusion(event=hash_, number=0)),
        (InvalidError, lambda: proofs.inclusion(event=hash_, size=4)),
        (NotFoundError, lambda: proofs.inclusion(event="\0")), (NotFoundError, lambda: proofs.inclusion(number=3)),
        (NotFoundError, lambda: proofs.inclusion(event=hash_, size=2)), (NotFoundError, lambda: proofs.checkpoint(2)),
        (NotFoundError, lambda: proofs.publication("2026-11-24T02:00:00.000000Z")),
    ]  # fmt: skip
    for error, ask in wrong:
        with pytest.raises(error):
            ask()

    assert proofs.publication() == proofs.publication("2026-11-24T02:00:00.000001Z")


# Forgeries


def change(table: Table, column: str, value: Any, where: Any = None) -> Callable[[Connection], object]:
    """Changes a column of the rows of a table."""
    which = table.c[next(iter(table.primary_key.columns)).name] == where
    return lambda conn: conn.execute(update(table).where(which).values({column: value}))


def drop(table: Table, where: Any) -> Callable[[Connection], object]:
    """Takes out one row of a table."""
    which = table.c[next(iter(table.primary_key.columns)).name] == where
    return lambda conn: conn.execute(delete(table).where(which))


def rewrite_history(conn: Connection) -> None:
    """Changes an event and all that follows from it, down to the root, but for the signature."""
    row = conn.execute(select(events).where(events.c.position == 9)).one()
    payload = row.payload.replace("arrears", "a-grade") + " "
    digest = hashlib.sha256(payload.encode()).hexdigest()
    conn.execute(update(events).where(events.c.position == 9).values(payload=payload, hash=digest))
    conn.execute(update(log_leaves).where(log_leaves.c.position == 9).values(event=digest))
    hashes = [
        bytes.fromhex(h) for h in conn.execute(select(log_leaves.c.event).order_by(log_leaves.c.number)).scalars()
    ]
    statement = json.loads(
        conn.execute(select(log_checkpoints.c.statement).where(log_checkpoints.c.size == 9)).scalar_one()
    )
    text = canonical(statement | {"root": root_of(hashes)[1].hex()}).decode()
    conn.execute(update(log_checkpoints).where(log_checkpoints.c.size == 9).values(statement=text))


def insert_between(conn: Connection) -> None:
    """Puts an event into the log where it has passed already."""
    conn.execute(update(events).where(events.c.position == 9).values(position=0))
    raw_event(conn, "late")
    conn.execute(update(events).where(events.c.case_id == "late").values(position=-1))
    conn.execute(update(events).where(events.c.position == 0).values(position=9))


def swap(conn: Connection) -> None:
    """Two leaves trade places."""
    for number, position in ((1, -1), (0, 2), (1, 1)):
        wanted = log_leaves.c.number == number if position != 1 else log_leaves.c.position == -1
        conn.execute(update(log_leaves).where(wanted).values(position=position))


FORGERIES: dict[str, tuple[str, Callable[[Connection], object]]] = {
    "another payload": ("的第 2 个事件被改动", change(events, "payload", "{}", 2)),
    "another instant": ("的第 2 个事件被改动", change(events, "at", "2026-11-24T02:00:00.000001Z", 2)),
    "another hash": ("的第 3 个事件被改动", change(events, "hash", "00" * 32, 3)),
    "another version": ("接不上前一个", change(events, "version", 7, 3)),
    "an event taken out": ("片叶子的事件不见了", drop(events, 4)),
    "a leaf taken out": ("第 4 片叶子不见了", drop(log_leaves, 4)),
    "the last leaf taken out": ("只有 8 片", drop(log_leaves, 8)),
    "leaves swapped": ("与第 1 片叶子不符", swap),
    "another node": ("树的节点 1 被改动", change(log_nodes, "hash", b"\0" * 32, 1)),
    "a node taken out": ("树的节点 3 不见了", drop(log_nodes, 3)),
    "the last checkpoint taken out": ("最后 3 片叶子没有检查点", drop(log_checkpoints, 9)),
    "a checkpoint taken out": ("检查点 9 接不上前一个检查点", drop(log_checkpoints, 6)),
    "another signature": ("检查点 6：与签名不符", change(log_checkpoints, "signature", "00" * 64, 6)),
    "another key": ("检查点 6：由不受信任的密钥", change(log_checkpoints, "key", WITNESS_KEY, 6)),
    "history written anew": ("检查点 9：与签名不符", rewrite_history),
    "another size": ("检查点 5 的大小与所签的不符", change(log_checkpoints, "size", 5, 6)),
    "another log": ("出自另一日志", change(log, "origin", "log-2", 1)),
    "an event put in": ("不在树里，而其后的都已收录", insert_between),
    "another countersignature": (
        "对检查点 9 的副署：与签名不符",
        change(log_countersignatures, "signature", "00" * 64, 9),
    ),
}


@pytest.fixture(scope="module")
def forged(databases: Databases) -> Iterator[Desk]:
    """A log of nine events in three checkpoints, the last one countersigned; each test leaves it as it was."""
    with databases.fresh("sqlite") as engine:
        desk = empty_log(engine)
        for _ in range(3):
            desk.file()
            (made,) = desk.office.proofs.seal()
        desk.office.proofs.register_witness("audit-office", WITNESS_KEY, "赵")
        desk.office.proofs.countersign(countersigned(made.signed))
        yield desk


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_log_is_found_out(forged: Desk, name: str, tmp_path: Path) -> None:
    """Whatever was changed, taken out, put in or put elsewhere, and it is said what."""
    words, forge = FORGERIES[name]
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(str(forged.engine.url.database))) as whole, closing(sqlite3.connect(copy)) as target:
        whole.backup(target)
    engine = open_database(f"sqlite:///{copy}")
    plain = create_engine(f"sqlite:///{copy}")  # without foreign keys
    office = Office(engine, evaluator=forged.evaluator, clock=forged.clock, secret=SECRET, examiner=EXAMINER)
    clean = office.proofs.verify().problems
    with plain.begin() as conn:
        forge(conn)
    found = office.proofs.verify().problems
    for opened in (engine, plain):
        opened.dispose()

    assert clean == []
    assert any(words in problem for problem in found), found
