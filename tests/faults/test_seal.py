"""Killed around the commits of a checkpoint and of an erasure: all of it stands or nothing, and the next makes good.

Each process dies of SIGKILL inside the worker's own code, on both databases.
"""

from __future__ import annotations

import datetime as dt
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from adapters.ledger import read
from adapters.ledger.key_tables import subject_keys
from adapters.ledger.proof_tables import log_leaves
from adapters.ledger.tables import decisions, events, identities, subjects
from adapters.office.erasing import ERASED
from adapters.office.retaining import due
from adapters.signing import DerivedSigner
from engine.proof.merkle import extends
from engine.proof.receipt import verify
from tests.adapters.bundle import FILES
from tests.adapters.databases import BACKENDS, Databases, shared_folder
from tests.adapters.support import AUDITOR, SECRET, Desk, open_desk, person
from tests.adapters.test_retaining import RETENTION, listed
from tests.faults.dying import dies, expire, seal

KILLED = -signal.SIGKILL


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The run's databases."""
    found = Databases(shared_folder(tmp_path_factory))
    yield found
    found.close()


@pytest.fixture(params=BACKENDS)
def engine(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Engine]:
    """Each database."""
    with databases.fresh(request.param) as made:
        yield made


def masters_of(desk: Desk) -> Path:
    """The file of the master keys."""
    masters = desk.office.context.masters
    return masters.path  # type: ignore[attr-defined, no-any-return]


def leaves(desk: Desk) -> list[str]:
    """The events in the tree."""
    with read(desk.engine) as conn:
        return list(conn.execute(select(log_leaves.c.event).order_by(log_leaves.c.number)).scalars())


def logged(desk: Desk) -> list[str]:
    """The events in the log."""
    with read(desk.engine) as conn:
        return list(conn.execute(select(events.c.hash)).scalars())


# --- sealing -----------------------------------------------------------------------------------------------------


def test_killed_around_a_checkpoint_nothing_is_lost_or_doubled(engine: Engine) -> None:
    """Before and after the commit, of the first checkpoint and of another; what was late is said to have been."""
    desk = open_desk(engine, FILES, DerivedSigner(SECRET))
    proofs, masters = desk.office.proofs, masters_of(desk)
    early = desk.file().case.id
    first = [(dies(seal, desk, masters, f"{when}-seal:kill"), len(leaves(desk))) for when in ("before", "after")]
    whole = len(logged(desk))
    old = proofs.checkpoint().sealed.checkpoint.head

    assert first == [(KILLED, 0), (KILLED, whole)]
    assert old.size == whole

    late = desk.file().case.id
    before = logged(desk)
    died = dies(seal, desk, masters, "before-seal:kill")
    desk.clock.turn(seconds=proofs.delay + 1)
    overdue, unhealthy = proofs.verify(), desk.office.health()

    assert (died, len(leaves(desk))) == (KILLED, whole)
    assert (overdue.overdue, len(overdue.problems)) == (len(before) - whole, len(before) - whole)
    assert not unhealthy.promises

    assert dies(seal, desk, masters, "after-seal:kill") == KILLED
    made = proofs.checkpoint().sealed
    assert made.late == len(before) - whole
    on_time = desk.file().case.id
    assert dies(seal, desk, masters, "") == 0
    found, new = proofs.verify(), proofs.checkpoint().sealed.checkpoint.head
    path = proofs.consistency(old.size).path
    key = proofs.keys().keys[0].key

    assert (found.problems, found.checkpoints, found.late) == ([], 3, made.late)
    assert sorted(leaves(desk)) == sorted(logged(desk))
    assert len(set(leaves(desk))) == new.size == found.size
    assert extends(
        bytes.fromhex(old.root), old.size, bytes.fromhex(new.root), new.size, [bytes.fromhex(h) for h in path]
    )
    assert desk.office.health().promises
    assert {early: True, late: False, on_time: True} == {
        case: verify(proofs.receipt(AUDITOR, case, 1), key).kept for case in (early, late, on_time)
    }


# --- erasing -----------------------------------------------------------------------------------------------------


def known(desk: Desk, subject: str) -> set[bool]:
    """Whether each thing that erasing takes away is there; more than one answer is half a subject."""
    with read(desk.engine) as conn:
        key = conn.execute(select(subject_keys).where(subject_keys.c.subject_id == subject)).one()
        own = select(decisions.c.content).where(decisions.c.subject_id == subject)
        told = conn.execute(select(events.c.type).where(events.c.case_id == f"subject:{subject}")).scalars().all()
        code = conn.execute(select(subjects.c.code_digest).where(subjects.c.id == subject)).scalar_one()
        return {
            key.wrapped is not None,
            key.destroyed_at is None,
            conn.execute(select(identities).where(identities.c.subject_id == subject)).one_or_none() is not None,
            *(content is not None for content in conn.execute(own).scalars()),
            ERASED not in told,
            not code.startswith("erased:"),
        }


def wrapped(desk: Desk) -> dict[str, bytes]:
    """The subjects' keys as they stand in the database."""
    with read(desk.engine) as conn:
        rows = conn.execute(select(subject_keys).where(subject_keys.c.wrapped.is_not(None)))
        return {row.subject_id: row.wrapped for row in rows}


def on_disk(engine: Engine) -> bytes:
    """SQLite's files."""
    file = Path(str(engine.url.database))
    return b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*") if "json" not in path.name)


def test_killed_around_an_erasure_a_subject_is_wholly_there_or_gone(engine: Engine) -> None:
    """And whoever is gone is forgotten by the master keys, and by the disk, after the next round."""
    desk = open_desk(engine, FILES | {"rules/retention/personal-data.yaml": RETENTION}, DerivedSigner(SECRET))
    masters = desk.office.context.masters
    file = masters_of(desk)
    for _ in range(2):
        listed(desk, person(), closed=True)
    desk.clock.now = dt.datetime(2033, 11, 24, 2, tzinfo=dt.UTC)
    one, other = (subject for subject, _ in due(desk.office.context, 9))
    keys, rows = wrapped(desk), desk.rows()
    died = dies(expire, desk, file, "before-erase:kill")

    assert (died, desk.rows()) == (KILLED, rows)
    assert [known(desk, subject) for subject in (one, other)] == [{True}, {True}]

    died = dies(expire, desk, file, "after-erase:kill")
    assert died == KILLED
    assert [known(desk, subject) for subject in (one, other)] == [{False}, {True}]
    assert masters.forgotten() == frozenset()

    died = dies(expire, desk, file, "before-erase:kill")
    assert died == KILLED
    assert [known(desk, subject) for subject in (one, other)] == [{False}, {True}]
    assert masters.forgotten() == {one}
    if engine.dialect.name == "sqlite":
        disk = on_disk(engine)
        assert [keys[subject] in disk for subject in (one, other)] == [False, True]

    desk.office.erase_expired()
    desk.office.proofs.seal()
    assert [known(desk, subject) for subject in (one, other)] == [{False}, {False}]
    assert masters.forgotten() == {one, other}
    assert desk.office.proofs.verify().problems == []
