"""The Merkle tree over all events: taking events in and signing what came of it, and reading what proofs are made of.

The order of the leaves is given here and nowhere else: by whoever holds the row of `log`, one after another, without a
gap. On PostgreSQL events may become visible in another order than that of their positions; see `_settled`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, case, func, insert, select, text, update

from adapters.ledger.database import read, write
from adapters.ledger.proof_tables import log, log_checkpoints, log_leaves, log_nodes
from adapters.ledger.tables import events
from adapters.signing import Signer, SigningKeyError
from adapters.worker.faults import reach
from engine.proof.checkpoint import Checkpoint, Head, hashing_of
from engine.proof.merkle import Edge, Hashing, Place, Read, subtrees
from engine.proof.receipt import later
from engine.proof.signed import Signed, canonical, signed

BATCH = 20_000
"""Events taken in by one transaction; half a second of one core."""


class NoCheckpointError(Exception):
    """There is no checkpoint of this size, or none yet."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A checkpoint as it stands in the log. `late` are the leaves that it took in later than promised."""

    checkpoint: Checkpoint
    signed: Signed
    late: int

    @property
    def events(self) -> int:
        """How many it took in."""
        previous = self.checkpoint.previous
        return self.checkpoint.head.size - (previous.size if previous is not None else 0)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events that are in no checkpoint yet, and the instant of the oldest."""

    count: int
    oldest: str | None


def row_number(place: Place) -> int:
    """The number of a complete subtree: all of them from left to right, each between its two halves."""
    level, index = place
    return ((2 * index + 1) << level) - 1


def name_of(conn: Connection, signer: Signer, *, pin: bool) -> tuple[str, bool]:
    """The log's name, for whoever signs as the log; and whether it is known whose key it signs with.

    The first key that signs is the log's (`pin`, in a transaction that writes); another one only after it if that one
    is told to trust it. So two machines with keys of their own are not taken for one log.

    Raises:
        SigningKeyError: the log signs with another key.

    """
    known = select(log.c.origin, log.c.key).where(log.c.id == 1)
    origin, key = conn.execute(known).one()
    stands = key is not None
    if not stands and pin:
        conn.execute(update(log).where(log.c.key.is_(None)).values(key=signer.public_key))
        origin, key = conn.execute(known).one()
    _must_follow(key, signer)
    return origin, stands


def _must_follow(key: str | None, signer: Signer) -> None:
    if key is not None and key != signer.public_key and not signer.trusts(key):
        raise SigningKeyError("日志的签名密钥不是所用的这一个；请找回原密钥文件，或者把原公钥写入 .trusted 文件")


def seal(
    engine: Engine,
    signer: Signer,
    *,
    now: Callable[[], str],
    delay: int,
    hash_name: str = "sha256",
) -> Sealed | None:
    """Take waiting events into the tree, at most `BATCH`, and sign a checkpoint; all or nothing of it stands.

    `hash_name` counts for the first checkpoint only. What was logged more than `delay` seconds ago is late. None if
    nothing waits.

    Raises:
        ProofError: this machine does not have the tree's hash function.
        SigningKeyError: there is no usable key, or the log signs with another one.

    """
    with read(engine) as conn:
        if waiting(conn).count == 0:
            return None
    with write(engine) as conn:
        own = conn.execute(select(log).where(log.c.id == 1).with_for_update()).one()
        _must_follow(own.key, signer)
        key = signer.public_key
        settled = _settled(conn, own)
        rows = conn.execute(_NEXT, {"mark": own.mark, "batch": BATCH}).all()
        if not rows:
            return None
        hashing = hashing_of(own.hash or hash_name)
        before = _latest(conn)
        size = before.checkpoint.head.size if before is not None else 0
        edge = Edge(size, _peaks(conn, size, hashing))
        edge, nodes = edge.grown([hashing.leaf(bytes.fromhex(row.hash)) for row in rows], hashing)
        conn.execute(
            insert(log_leaves),
            [{"number": n, "position": row.position, "event": row.hash} for n, row in enumerate(rows, start=size)],
        )
        if nodes:
            conn.execute(insert(log_nodes), [{"number": row_number(node[:2]), "hash": node[2]} for node in nodes])
        at = now()
        made = counted(
            before.checkpoint if before is not None else None, rows, origin=own.origin, hash_name=hashing.name,
            head=Head(edge.size, edge.root(hashing).hex()), at=at,
        )  # fmt: skip
        since = later(at, -delay)
        late = (
            sum(row.at < since for row in rows) if before is not None else 0
        )  # before the first, nothing was promised
        found = Sealed(made, signed(made.statement(), key, signer.sign), late)
        conn.execute(
            insert(log_checkpoints),
            {
                "size": edge.size, "statement": canonical(found.signed.statement).decode(), "key": key,
                "signature": found.signed.signature, "at": at, "late": late,
            },
        )  # fmt: skip
        conn.execute(update(log).values(key=key, hash=hashing.name, **_marked(conn, own, settled, rows[-1].position)))
        reach("before-seal")
    reach("after-seal")
    return found


_FILED = case((events.c.type == "case-filed", events.c.payload), else_=None)
_NEXT = (
    select(
        events.c.position, events.c.hash, events.c.at, events.c.type, events.c.actor_department, _FILED.label("filed")
    )
    .outerjoin(log_leaves, log_leaves.c.position == events.c.position)
    .where(events.c.position > bindparam("mark"), log_leaves.c.number.is_(None))
    .order_by(events.c.position)
    .limit(bindparam("batch"))
)


def _settled(conn: Connection, own: Row[Any]) -> int:
    """The position up to which no event can come to light any more.

    On SQLite writers follow one another, so that is the last one. On PostgreSQL a transaction that took an early
    position may commit late. Whoever took a position below one that was seen began to write before it was seen, so its
    transaction is older than the one that would have been next then; when all those have ended, the matter is settled.
    """
    if conn.dialect.name != "postgresql" or own.pending_transaction is None:
        return int(own.mark)
    oldest = conn.execute(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")).scalar_one()
    return int(own.pending_mark if oldest >= own.pending_transaction else own.mark)


def _marked(conn: Connection, own: Row[Any], settled: int, reached: int) -> dict[str, int | None]:
    """Where the next one begins, when everything seen up to the position `reached` is taken in."""
    if conn.dialect.name != "postgresql":
        return {"mark": reached}
    following = conn.execute(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")).scalar_one()
    done = own.pending_transaction is None or settled > own.mark or own.pending_mark <= own.mark
    # numbers of transactions begin anew where a dump is restored; what waits for one far ahead would wait for ever
    if done or own.pending_transaction > following:
        return {"mark": min(settled, reached), "pending_mark": reached, "pending_transaction": following}
    return {"mark": own.mark}


def counted(
    before: Checkpoint | None, rows: Sequence[Any], *, origin: str, hash_name: str, head: Head, at: str
) -> Checkpoint:
    """The checkpoint after another one and more events, of each of which department, type and filing are known."""
    more = Counter((row.actor_department, row.type) for row in rows)
    listed = Counter(json.loads(row.filed)["list"] for row in rows if row.filed is not None)
    counts = {name: dict(kinds) for name, kinds in before.counts.items()} if before is not None else {}
    lists = dict(before.lists) if before is not None else {}
    for (department, kind), number in more.items():
        kinds = counts.setdefault(department, {})
        kinds[kind] = kinds.get(kind, 0) + number
    for name, number in listed.items():
        lists[name] = lists.get(name, 0) + number
    return Checkpoint(origin, hash_name, head, at, counts, lists, before.head if before is not None else None)


def _peaks(conn: Connection, size: int, hashing: Hashing) -> tuple[bytes, ...]:
    places = subtrees(0, size)
    found = reader(conn, hashing)(places)
    return tuple(found[place] for place in places)


# Reading


def reader(conn: Connection, hashing: Hashing) -> Read:
    """Reads hashes of complete subtrees: leaves from the events they stand for, the others as they were stored."""

    def found(places: Sequence[Place]) -> dict[Place, bytes]:
        single = [index for level, index in places if level == 0]
        larger = {row_number(place): place for place in places if place[0] > 0}
        hashes: dict[Place, bytes] = {}
        if single:
            query = select(log_leaves.c.number, log_leaves.c.event).where(log_leaves.c.number.in_(single))
            hashes |= {(0, row.number): hashing.leaf(bytes.fromhex(row.event)) for row in conn.execute(query)}
        if larger:
            nodes = select(log_nodes).where(log_nodes.c.number.in_(larger))
            hashes |= {larger[row.number]: row.hash for row in conn.execute(nodes)}
        return hashes

    return found


def waiting(conn: Connection) -> Waiting:
    """What is in no checkpoint yet. Looks at the few events after the mark only."""
    row = conn.execute(_WAITING).one()
    return Waiting(row.number, row.oldest)


_WAITING = (
    select(func.count().label("number"), func.min(events.c.at).label("oldest"))
    .select_from(events)
    .outerjoin(log_leaves, log_leaves.c.position == events.c.position)
    .where(events.c.position > select(log.c.mark).where(log.c.id == 1).scalar_subquery(), log_leaves.c.number.is_(None))
)


def sealed(row: Row[Any]) -> Sealed:
    """A row of `log_checkpoints`, as it stands there."""
    statement = json.loads(row.statement)
    return Sealed(Checkpoint.of(statement), Signed(statement, row.key, row.signature), row.late)


def _latest(conn: Connection) -> Sealed | None:
    row = conn.execute(select(log_checkpoints).order_by(log_checkpoints.c.size.desc()).limit(1)).one_or_none()
    return sealed(row) if row is not None else None


def checkpoint(conn: Connection, size: int | None = None) -> Sealed:
    """A checkpoint by its size, the latest by default.

    Raises:
        NoCheckpointError: there is none.

    """
    if size is None:
        found = _latest(conn)
    else:
        row = conn.execute(select(log_checkpoints).where(log_checkpoints.c.size == size)).one_or_none()
        found = sealed(row) if row is not None else None
    if found is None:
        raise NoCheckpointError(size)
    return found


def first_covering(conn: Connection, number: int) -> Sealed:
    """The first checkpoint whose tree has a leaf.

    Raises:
        NoCheckpointError: there is none.

    """
    query = select(log_checkpoints).where(log_checkpoints.c.size > number).order_by(log_checkpoints.c.size).limit(1)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise NoCheckpointError(number)
    return sealed(row)


def last_before(conn: Connection, instant: str) -> Sealed:
    """The last checkpoint that was made before an instant.

    Raises:
        NoCheckpointError: there is none.

    """
    before = select(log_checkpoints).where(log_checkpoints.c.at < instant)
    row = conn.execute(before.order_by(log_checkpoints.c.size.desc()).limit(1)).one_or_none()
    if row is None:
        raise NoCheckpointError(instant)
    return sealed(row)


def leaf(conn: Connection, *, number: int | None = None, event: str | None = None) -> tuple[int, str] | None:
    """Number and event hash of a leaf, by either of the two."""
    wanted = log_leaves.c.event == event if number is None else log_leaves.c.number == number
    row = conn.execute(select(log_leaves.c.number, log_leaves.c.event).where(wanted)).one_or_none()
    return (row.number, row.event) if row is not None else None
