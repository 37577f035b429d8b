"""Holding the whole log against itself: texts, streams, nodes, checkpoints and countersignatures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select

from adapters.ledger.proof_tables import (
    log,
    log_checkpoints,
    log_countersignatures,
    log_leaves,
    log_nodes,
    log_timestamps,
    log_witnesses,
)
from adapters.ledger.serial import GENESIS
from adapters.ledger.store import stored
from adapters.ledger.tables import events
from adapters.ledger.tree import row_number
from adapters.timestamping import TimestampError
from engine.proof.checkpoint import Checkpoint, Head, hashing_of, read_checkpoint, read_countersignature
from engine.proof.merkle import Edge, Hashing
from engine.proof.signed import ProofError, Signed, canonical

BATCH = 5_000
"""Events held in memory at one time."""
MAX_PROBLEMS = 200
"""Problems named; where there are more, one look at the first says enough."""


@dataclass(slots=True)
class Checked:
    """What was found. `problems` are Chinese; `waiting` and `overdue` are events in no checkpoint yet."""

    origin: str
    hash: str | None
    size: int = 0
    checkpoints: int = 0
    countersigned: int = 0  # size of the largest checkpoint with a good countersignature
    late: int = 0
    waiting: int = 0
    overdue: int = 0
    stamped: int = 0  # size of the largest checkpoint with a timestamp, and the instant that this proves
    proved_at: str | None = None
    unverified: int = 0  # timestamps that nothing was at hand to verify with
    problems: list[str] = field(default_factory=list)

    def wrong(self, problem: str) -> None:
        """Note a problem."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


def check_log(
    engine: Engine,
    trusted: Callable[[str], bool],
    *,
    due: str,
    time_of: Callable[[bytes, bytes], str] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Checked:
    """Check everything there is. What was logged before the instant `due` has to be in a checkpoint by now.

    `progress` receives leaves done and leaves in all. Reads one state of the database. `time_of` verifies timestamps
    (`adapters.timestamping.Timestamper.time_of`); without it they are counted.

    Raises:
        ProofError: this machine does not have the tree's hash function.

    """
    with engine.connect() as found:
        # on PostgreSQL the state of the first statement for all of them, as SQLite has it by itself
        level = {"isolation_level": "REPEATABLE READ"} if found.dialect.name == "postgresql" else {}
        conn = found.execution_options(**level)
        with conn.begin():
            own = conn.execute(select(log)).one()
            checked = Checked(own.origin, own.hash)
            _check_leaves(conn, checked, trusted, progress)
            _check_waiting(conn, checked, due)
            _check_countersignatures(conn, checked)
            _check_timestamps(conn, checked, time_of)
    return checked


def _check_leaves(
    conn: Connection, checked: Checked, trusted: Callable[[str], bool], progress: Callable[[int, int], None]
) -> None:
    hashing = hashing_of(checked.hash or "sha256")
    total = conn.execute(select(func.count()).select_from(log_leaves)).scalar_one()
    checkpoints = _checkpoints(conn)
    next_one = next(checkpoints, None)
    edge, previous = Edge(), None
    counts, lists = Counter[tuple[str, str]](), Counter[str]()
    streams: dict[str, tuple[int, str]] = {}
    for rows in _leaf_batches(conn):
        made = []
        for row in rows:
            if row.number != edge.size:
                checked.wrong(f"第 {edge.size} 片叶子不见了")
                return
            _check_event(checked, row, streams, counts, lists)
            edge, nodes = edge.grown([hashing.leaf(bytes.fromhex(row.event))], hashing)
            made += nodes
            while next_one is not None and next_one.size <= edge.size:
                previous = _check_checkpoint(checked, next_one, edge, hashing, counts, lists, previous, trusted)
                next_one = next(checkpoints, None)
        _check_nodes(conn, checked, made)
        progress(edge.size, total)
    checked.size = edge.size
    if next_one is not None:
        checked.wrong(f"检查点 {next_one.size} 之内的叶子不见了，只有 {edge.size} 片")
    elif (previous.size if previous is not None else 0) != edge.size:
        checked.wrong(f"最后 {edge.size - (previous.size if previous is not None else 0)} 片叶子没有检查点")


def _leaf_batches(conn: Connection) -> Iterator[Sequence[Row[Any]]]:
    query = (
        select(log_leaves.c.number, log_leaves.c.event, events)
        .outerjoin(events, events.c.position == log_leaves.c.position)
        .order_by(log_leaves.c.number)
        .limit(BATCH)
    )
    last = -1
    while rows := conn.execute(query.where(log_leaves.c.number > last)).all():
        yield rows
        last = rows[-1].number


def _check_event(
    checked: Checked,
    row: Row[Any],
    streams: dict[str, tuple[int, str]],
    counts: Counter[tuple[str, str]],
    lists: Counter[str],
) -> None:
    if row.position is None:
        checked.wrong(f"第 {row.number} 片叶子的事件不见了")
        return
    event = stored(row)
    where = f"案件 {event.case} 的第 {event.version} 个事件"
    if event.hash != row.event or event.computed_hash() != row.event:
        checked.wrong(f"{where}被改动：与第 {row.number} 片叶子不符")
    version, hash_ = streams.get(event.case, (0, GENESIS))
    if event.version != version + 1 or event.prev_hash != hash_:
        checked.wrong(f"{where}接不上前一个")
    streams[event.case] = event.version, event.hash
    counts[event.department, event.type] += 1
    if event.type == "case-filed":
        lists[str(event.payload.get("list"))] += 1


def _check_nodes(conn: Connection, checked: Checked, made: Collection[tuple[int, int, bytes]]) -> None:
    wanted = {row_number((level, index)): hash_ for level, index, hash_ in made}
    found = {
        row.number: bytes(row.hash) for row in conn.execute(select(log_nodes).where(log_nodes.c.number.in_(wanted)))
    }
    for number, hash_ in wanted.items():
        if found.get(number) != hash_:
            checked.wrong(f"树的节点 {number} {'不见了' if number not in found else '被改动'}")


def _checkpoints(conn: Connection) -> Iterator[Row[Any]]:
    query = select(log_checkpoints).order_by(log_checkpoints.c.size).limit(BATCH)
    last = -1
    while rows := conn.execute(query.where(log_checkpoints.c.size > last)).all():
        yield from rows
        last = rows[-1].size


def _check_checkpoint(
    checked: Checked,
    row: Row[Any],
    edge: Edge,
    hashing: Hashing,
    counts: Counter[tuple[str, str]],
    lists: Counter[str],
    previous: Head | None,
    trusted: Callable[[str], bool],
) -> Head:
    checked.checkpoints += 1
    checked.late += row.late
    head = Head(edge.size, edge.root(hashing).hex())
    try:
        found = _read(row, trusted)
    except (ProofError, ValueError) as error:
        checked.wrong(f"检查点 {row.size}：{error}")
        return head
    said = {(department, kind): n for department, kinds in found.counts.items() for kind, n in kinds.items()}
    for what, holds in (
        ("的大小与所签的不符", row.size == found.head.size),
        ("出自另一日志", (found.origin, found.hash) == (checked.origin, checked.hash)),
        ("的根与事件不符", found.head == head),
        ("的计数与事件不符", said == counts and found.lists == lists),
        ("接不上前一个检查点", found.previous == previous),
    ):
        if not holds:
            checked.wrong(f"检查点 {row.size} {what}")
    return head


def _read(row: Row[Any], trusted: Callable[[str], bool]) -> Checkpoint:
    statement = json.loads(row.statement)
    if canonical(statement) != row.statement.encode():
        raise ProofError("malformed", "不是规范的文本")
    return read_checkpoint(Signed(statement, row.key, row.signature), {row.key} if trusted(row.key) else ())


def _check_waiting(conn: Connection, checked: Checked, due: str) -> None:
    own = conn.execute(select(log.c.mark)).one()
    rows = conn.execute(
        select(events.c.position, events.c.at, events.c.case_id, events.c.version)
        .outerjoin(log_leaves, log_leaves.c.position == events.c.position)
        .where(log_leaves.c.number.is_(None))
    )
    for row in rows:
        checked.waiting += 1
        where = f"案件 {row.case_id} 的第 {row.version} 个事件"
        if row.position <= own.mark:
            checked.wrong(f"{where}不在树里，而其后的都已收录")
        elif row.at < due:
            checked.overdue += 1
            checked.wrong(f"{where}逾期没有收录，承诺没有兑现")


def _check_countersignatures(conn: Connection, checked: Checked) -> None:
    query = (
        select(log_countersignatures, log_witnesses.c.department, log_checkpoints.c.statement.label("countersigned"))
        .join(log_witnesses, log_witnesses.c.key == log_countersignatures.c.key)
        .join(log_checkpoints, log_checkpoints.c.size == log_countersignatures.c.size)
        .order_by(log_countersignatures.c.size)
    )
    for row in conn.execute(query):
        try:
            given = Signed(json.loads(row.statement), row.key, row.signature)
            witness = read_countersignature(given, json.loads(row.countersigned), {row.key})
        except (ProofError, ValueError) as error:
            checked.wrong(f"{row.department} 对检查点 {row.size} 的副署：{error}")
            continue
        if witness != row.department:
            checked.wrong(f"检查点 {row.size} 的副署不是 {row.department} 的")
        else:
            checked.countersigned = row.size


def _check_timestamps(conn: Connection, checked: Checked, time_of: Callable[[bytes, bytes], str] | None) -> None:
    query = (
        select(log_timestamps, log_checkpoints.c.statement)
        .join(log_checkpoints, log_checkpoints.c.size == log_timestamps.c.size)
        .order_by(log_timestamps.c.size)
    )
    for row in conn.execute(query):
        if time_of is None:
            checked.unverified += 1
            continue
        try:
            proved = time_of(row.token, row.statement.encode())
        except TimestampError as error:
            checked.wrong(f"检查点 {row.size}：{error}")
            continue
        if proved != row.proved_at:
            checked.wrong(f"检查点 {row.size} 的时间戳证明 {proved}，所记的是 {row.proved_at}")
        else:
            checked.stamped, checked.proved_at = row.size, proved
