"""What the ledger promises: one winner, an unbroken chain, projections that follow from events, small slices."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, update

from adapters.ledger import (
    BrokenChainError,
    PolicyStore,
    UnknownCaseError,
    VersionConflictError,
    append,
    load_case,
    load_slice,
    open_database,
    read,
    rebuild,
    retrying,
    write,
)
from adapters.ledger.store import checked, read_events
from adapters.ledger.tables import cases, decisions, events, obligations
from adapters.office import Answer, ConflictError, Filing, Idempotency, Related
from engine.casework import decide, fold
from engine.casework.commands import Accept
from engine.casework.model import Actor, Evidence
from tests.adapters.bundle import large
from tests.adapters.support import FINANCE, HR, TAX, Desk, arrears, enterprise, open_desk, person

PROOF = (Evidence("a" * 64, "截图"),)


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The SQL run inside the block."""
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def busy_desk(desk: Desk) -> None:
    """Cases in every state, with every type of event, a referral, a reaction and a limit."""
    first = desk.file(replace(arrears(amount_owed="80 万元"), related=(Related("legal-representative", person()),)))
    second, third = desk.file(), desk.file()
    desk.office.file_case(TAX, Filing("a-grade", enterprise(), {"income": "50 万元"}))
    for case in (first.case.id, second.case.id):
        publish, ban = desk.find(case, "publish"), desk.find(case, "no-procurement")
        desk.do(HR, publish, "accept")
        desk.do(HR, publish, "respond", outcome="implemented", evidence=PROOF)
        desk.do(FINANCE, ban, "accept")
        if case == first.case.id:
            desk.do(FINANCE, ban, "confirm")
            desk.do(FINANCE, ban, "arm", evidence=PROOF)
            desk.do(FINANCE, ban, "apply", applied=False, occasion="某项目", reason="未中标")
        else:
            desk.do(FINANCE, ban, "respond", outcome="not-applicable", reason="无采购")
    desk.do(HR, desk.find(third.case.id, "publish"), "refer", to="transport", reason="职责")
    desk.clock.turn(days=3)
    desk.office.end_case(HR, first.case.id, "repair", "已清偿")
    desk.do(FINANCE, desk.find(first.case.id, "no-procurement"), "lift", evidence=PROOF)


def test_rebuilding_gives_identical_rows(desk: Desk) -> None:
    """Every column of every row of cases, obligations, edges and limits."""
    busy_desk(desk)
    before = desk.rows()
    steps: list[tuple[int, int]] = []
    total = rebuild(desk.engine, PolicyStore(desk.engine), lambda done, of: steps.append((done, of)))

    assert before == desk.rows()
    assert all(before.values())
    assert (total, steps[-1], len(steps)) == (4, (4, 4), 4)


def test_rebuilding_mends_rows_that_were_damaged(desk: Desk) -> None:
    """Nothing but the events and decisions is trusted."""
    busy_desk(desk)
    before = desk.rows()
    with write(desk.engine) as conn:
        conn.execute(update(obligations).values(state="closed", due_on="2020-01-01"))
        conn.execute(update(cases).values(unclosed=99, severe=False))
    assert before != desk.rows()
    rebuild(desk.engine, desk.office.context.policies)

    assert before == desk.rows()


@pytest.mark.parametrize("column", ["payload", "actor_officer", "at", "prev_hash", "hash"])
def test_a_changed_event_is_found(desk: Desk, column: str) -> None:
    """Whatever was changed; the projections stay as they were."""
    case = desk.file().case.id
    before = desk.rows()
    value = '{"ground":"repair","reason":"x"}' if column == "payload" else "x"
    with write(desk.engine) as conn:
        conn.execute(update(events).where(events.c.version == 2).values({column: value}))
    with read(desk.engine) as conn, pytest.raises(BrokenChainError, match=case):
        list(checked(read_events(conn, case)))
    with pytest.raises(BrokenChainError):
        rebuild(desk.engine, desk.office.context.policies)

    assert before == desk.rows()


def test_a_removed_event_is_found(desk: Desk) -> None:
    """A gap in the versions breaks the chain."""
    case = desk.file().case.id
    desk.do(HR, desk.find(case, "publish"), "accept")
    with write(desk.engine) as conn:
        conn.execute(events.delete().where(events.c.version == 2))
    with read(desk.engine) as conn, pytest.raises(BrokenChainError):
        list(checked(read_events(conn, case)))


def test_a_stream_cut_short_is_found(desk: Desk) -> None:
    """What is left is a valid chain, but not the one that the case is known to end with; nothing is replaced."""
    case = desk.file().case.id
    desk.do(HR, desk.find(case, "publish"), "accept")
    rows = desk.rows()
    with write(desk.engine) as conn:
        conn.execute(events.delete().where(events.c.version == 4))
    with pytest.raises(BrokenChainError):
        rebuild(desk.engine, desk.office.context.policies)

    assert rows == desk.rows()


def test_a_case_that_lost_its_events_is_found(desk: Desk) -> None:
    """No stream is left to rebuild it from."""
    desk.file()
    with write(desk.engine) as conn:
        conn.execute(events.delete())
    with pytest.raises(BrokenChainError):
        rebuild(desk.engine, desk.office.context.policies)


def test_of_two_writers_one_wins_and_the_other_is_told(desk: Desk) -> None:
    """Both read version 2; the second to write gets a conflict and has written nothing."""
    case_id = desk.file().case.id
    publish = desk.find(case_id, "publish")
    policy = desk.office.current_policy()
    command = Accept(Actor("human-resources", "张三"), dt.date(2026, 11, 24), publish)
    with read(desk.engine) as conn:
        seen = [load_slice(conn, publish) for _ in range(2)]

    def commit(read_before: Any) -> None:
        case, header = read_before
        happened = decide(case, command, policy, policy.calendars)
        with write(desk.engine) as conn:
            append(
                conn, before=case, after=fold(happened, case), header=header, happened=happened, policy=policy,
                key_id="k", at="2026-11-24T02:00:00.000000Z",
            )  # fmt: skip

    commit(seen[0])
    rows = desk.rows()
    with pytest.raises(VersionConflictError):
        commit(seen[1])

    assert rows == desk.rows()
    with read(desk.engine) as conn:
        assert len(read_events(conn, case_id)) == 4


def test_many_writers_on_one_case_all_get_through_by_retrying(engine: Engine) -> None:
    """Twelve threads answer twelve obligations of one case at the same moment; nothing is lost or doubled."""
    desk = open_desk(engine, large(12))
    filed = desk.file(replace(arrears(), list="many"))
    ids = [v.obligation.id for v in filed.obligations]
    gate = threading.Barrier(len(ids))

    def work(obligation: str) -> str:
        gate.wait()
        return desk.do(FINANCE, obligation, "accept").obligation.obligation.state

    with ThreadPoolExecutor(len(ids)) as pool:
        states = list(pool.map(work, ids))

    assert states == ["accepted"] * 12
    assert desk.office.get_case(HR, filed.case.id).version == 15
    before = desk.rows()
    rebuild(engine, desk.office.context.policies)
    assert before == desk.rows()


def test_one_obligation_is_accepted_once_however_many_try(desk: Desk) -> None:
    """One wins; the others are told by the domain or as a conflict."""
    publish = desk.find(desk.file().case.id, "publish")
    gate = threading.Barrier(6)

    def work(_: int) -> str:
        gate.wait()
        try:
            desk.do(HR, publish, "accept")
        except Exception as error:  # noqa: BLE001 - the names are what is asserted
            return type(error).__name__
        return "won"

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(work, range(6)))

    assert outcomes.count("won") == 1
    assert set(outcomes) <= {"won", "RefusedError", "ConflictError"}


def test_equal_requests_at_the_same_moment_act_once(desk: Desk) -> None:
    """The same idempotency key and body from six threads file one case."""
    filing, idem = arrears(), Idempotency("k", "d")
    gate = threading.Barrier(6)

    def work(_: int) -> str:
        gate.wait()
        return desk.office.file_case(HR, filing, idempotency=idem).case.id

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(work, range(6)))

    assert len(found) == 1
    with read(desk.engine) as conn:
        assert conn.execute(select(cases.c.id)).scalars().all() == list(found)


def test_one_listing_is_filed_once_and_its_subject_is_one(desk: Desk) -> None:
    """Equal filings without a key race as well: one case, and every other is told which."""
    filing = arrears()
    gate = threading.Barrier(6)

    def work(_: int) -> str:
        gate.wait()
        try:
            desk.file(filing)
        except ConflictError as error:
            return error.code
        return "filed"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(work, range(6))) == ["already-listed"] * 5 + ["filed"]


@pytest.mark.parametrize("size", [10, 400])
def test_answering_costs_the_neighbours_not_the_case(engine: Engine, size: int) -> None:
    """The same number of statements and of rows, however large the case."""
    desk = open_desk(engine, large(size))
    filed = desk.file(replace(arrears(), list="many"))
    target = filed.obligations[size // 2].obligation.id
    with read(engine) as conn, statements(engine) as seen:
        case, _ = load_slice(conn, target)

    assert (len(case.obligations), len(seen), case.total) == (1, 3, size)
    with statements(engine) as seen:
        desk.do(FINANCE, target, "accept")
    assert len([s for s in seen if not s.startswith("BEGIN")]) == 7


def test_a_slice_is_the_obligation_and_its_neighbours(desk: Desk) -> None:
    """With the edges between them and the header of the whole case."""
    filed = desk.file(replace(arrears(amount_owed="80 万元"), related=(Related("legal-representative", person()),)))
    publish = desk.find(filed.case.id, "publish")
    with read(desk.engine) as conn:
        part, _ = load_slice(conn, publish)
        whole, _ = load_case(conn, filed.case.id)

    assert {o.measure for o in part.obligations.values()} == {"publish", "no-procurement"}
    assert all(whole.obligations[i] == o for i, o in part.obligations.items())
    assert (len(whole.obligations), part.total, len(part.edges)) == (3, 3, 1)
    with read(desk.engine) as conn, pytest.raises(UnknownCaseError):
        load_slice(conn, "nope")


def test_filing_a_large_case_takes_as_many_statements_as_a_small_one(engine: Engine) -> None:
    """Rows go in by the batch."""
    desk = open_desk(engine, large(300))
    with statements(engine) as small:
        desk.file()
    with statements(engine) as big:
        desk.file(replace(arrears(), list="many"))

    assert len(big) <= len(small) + 3  # SQLAlchemy may split one batch into a few


def test_nothing_stands_when_the_commit_fails(desk: Desk) -> None:
    """Events, decision, subject and projections go together or not at all."""

    def fail(_conn: Any) -> None:
        raise RuntimeError("power cut")

    event.listen(desk.engine, "commit", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        desk.file()
    event.remove(desk.engine, "commit", fail)

    assert not any(desk.rows().values())
    with read(desk.engine) as conn:
        assert conn.execute(select(decisions)).all() == []


def test_retrying_gives_up_with_the_conflict() -> None:
    """After the number of attempts allowed, and never on another error."""
    calls: list[int] = []

    def lose() -> None:
        calls.append(1)
        raise VersionConflictError

    with pytest.raises(VersionConflictError):
        retrying(lose, attempts=3)
    assert len(calls) == 3
    with pytest.raises(ZeroDivisionError):
        retrying(lambda: 1 / 0)


def test_another_kind_of_database_is_refused() -> None:
    """By name, before anything is created."""
    with pytest.raises(ValueError, match="mysql"):
        open_database("mysql://x/y")


def test_sqlite_is_opened_to_be_safe(databases: Any) -> None:
    """Write-ahead log, full synchronisation, foreign keys."""
    with databases.fresh("sqlite") as engine, engine.connect() as conn:
        found = [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in
                 ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")]  # fmt: skip

    assert found == ["wal", 2, 1, 10_000]


def test_an_answer_that_keeps_losing_is_a_conflict(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller may come again; nothing was changed."""
    publish = desk.find(desk.file().case.id, "publish")

    def lose(*_args: Any, **_kwargs: Any) -> None:
        raise VersionConflictError

    monkeypatch.setattr("adapters.office.working.append", lose)
    with pytest.raises(ConflictError):
        desk.office.answer(HR, publish, Answer("accept"))
