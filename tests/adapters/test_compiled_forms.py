"""The compiled form of a policy in force is kept and signed, and each activation stands in the log of events."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from adapters.ledger import read, write
from adapters.ledger.activations import FORMAT_BEFORE_IR, STREAM, read_activations
from adapters.ledger.policies import CorruptPolicyError, PolicyStore, UntrustedPolicyError
from adapters.ledger.rebuild import rebuild
from adapters.ledger.store import read_events
from adapters.ledger.tables import activations, events, policies, proposals
from adapters.office import Office, PolicyProposal
from engine.language.ir import Policy
from engine.language.ir_json import to_json
from tests.adapters.publishing import B60, B70
from tests.adapters.support import AUDITOR, EXAMINER, PROPOSER, SECRET, Desk


def strict(_: Mapping[str, str]) -> Policy:
    """A compiler that has become too strict for everything."""
    raise CorruptPolicyError("XH000")


def stored(conn: Connection, version: str) -> Any:
    """The row of a version."""
    return conn.execute(select(policies).where(policies.c.version == version)).one()


def again(desk: Desk) -> Office:
    """The office as another process opens it."""
    context = desk.office.context
    return Office(
        desk.engine, evaluator=desk.evaluator, clock=desk.clock, secret=SECRET, examiner=EXAMINER, signer=context.signer
    )


def problems(desk: Desk) -> list[str]:
    """What `xinheng policy verify` finds."""
    return [f.problem for f in again(desk).verify_policies(AUDITOR).findings]


def test_what_was_in_force_is_read_without_the_compiler(one: Desk) -> None:
    """A proposal is compiled each time until it is approved; the form is the compiled files, and its digest signed."""
    first = one.office.current_policy()
    second = one.publish(B60)
    proposed = one.office.propose_policy(PROPOSER, PolicyProposal(B70, "试验")).version
    store = PolicyStore(one.engine, strict)
    with read(one.engine) as conn:
        rows = read_activations(conn)
        row = stored(conn, first.version)
        in_waiting = stored(conn, proposed)

    assert first == replace(store.get(first.version), tests=first.tests)
    assert first.sources == store.get(first.version).sources
    assert second == store.get(second).version
    assert to_json(first).encode() == zlib.decompress(row.ir)
    assert hashlib.sha256(to_json(first).encode()).hexdigest() == row.ir_digest == rows[0].ir
    assert f'"ir":"{row.ir_digest}"'.encode() in rows[0].statement(None)
    assert (in_waiting.ir, in_waiting.ir_digest) == (None, None)
    with pytest.raises(CorruptPolicyError, match="XH000"):
        store.get(proposed)


def other_form(conn: Connection) -> None:
    """The compiled form with another threshold, with a digest that fits."""
    row = conn.execute(select(policies).order_by(policies.c.version)).first()
    assert row is not None
    text = zlib.decompress(row.ir).replace(b'"sanction"', b'"watch"')
    found = {"ir": zlib.compress(text), "ir_digest": hashlib.sha256(text).hexdigest()}
    conn.execute(update(policies).where(policies.c.version == row.version).values(found))


def signed_away(conn: Connection) -> None:
    """As above, and the activation as one from before forms were kept, so that its digest is not asked for."""
    conn.execute(update(activations).values(ir=None))


def unreadable(conn: Connection) -> None:
    """Bytes that are no compressed text."""
    conn.execute(update(policies).values(ir=b"x"))


def gone(conn: Connection) -> None:
    """No form any more."""
    conn.execute(update(policies).values(ir=None, ir_digest=None))


@pytest.mark.parametrize(
    ("change", "error", "problem"),
    [
        (other_form, CorruptPolicyError, "不是启用时的那一份"),
        (unreadable, CorruptPolicyError, "不是启用时的那一份"),
        (gone, CorruptPolicyError, "不是启用时的那一份"),
        (signed_away, UntrustedPolicyError, "与签名不符"),
    ],
)
def test_a_changed_form_is_found_and_not_used(
    one: Desk, change: Callable[[Connection], None], error: type[Exception], problem: str
) -> None:
    """Neither by whoever works under it, nor by whoever opens an old case."""
    version = one.office.current_policy().version
    with write(one.engine) as conn:
        change(conn)

    assert any(problem in found for found in problems(one))
    with pytest.raises(error):
        again(one).current_policy()
    if error is CorruptPolicyError:
        with pytest.raises(error):
            PolicyStore(one.engine).get(version)


def test_a_form_signed_by_somebody_else_is_not_used_for_old_cases(one: Desk) -> None:
    """Whoever changes the digest in the activation too cannot sign it."""
    version = one.office.current_policy().version
    one.publish(B60)
    with write(one.engine) as conn:
        conn.execute(update(activations).where(activations.c.version == version).values(ir="0" * 64))

    with pytest.raises(UntrustedPolicyError):
        PolicyStore(one.engine, signer=one.office.context.signer).get(version)


def before_forms(desk: Desk) -> None:
    """Make the ledger one from before forms were kept: signed in the old format, nothing in the log of events."""
    signer = desk.office.context.signer
    with write(desk.engine) as conn:
        conn.execute(update(policies).values(ir=None, ir_digest=None))
        conn.execute(update(activations).values(ir=None))
        conn.execute(delete(events).where(events.c.case_id == STREAM))
        previous = None
        for row in read_activations(conn):
            statement = replace(row, previous=previous).statement(previous)
            assert json.loads(statement)["format"] == FORMAT_BEFORE_IR
            values = {"previous": previous, "signature": signer.sign(statement)}
            conn.execute(update(activations).where(activations.c.id == row.id).values(values))
            previous = hashlib.sha256(statement).hexdigest()


def test_an_activation_from_before_forms_were_kept_verifies_and_is_compiled(one: Desk) -> None:
    """The next activation has a form, also one that leads back."""
    first = one.office.current_policy()
    second = one.publish(B60)
    before_forms(one)
    office = again(one)

    assert problems(one) == []
    assert PolicyStore(one.engine).get(first.version) == first
    with pytest.raises(CorruptPolicyError, match="XH000"):
        PolicyStore(one.engine, strict).get(second)

    assert office.roll_policy_back(PROPOSER, "试验").version == first.version

    assert problems(one) == []
    assert PolicyStore(one.engine, strict).get(first.version).version == first.version


def test_every_activation_is_an_event(one: Desk) -> None:
    """In one stream, by whoever approved, and harmless to what reads events by case."""
    one.file()
    version = one.publish(B60)
    one.office.roll_policy_back(PROPOSER, "试验")
    with read(one.engine) as conn:
        rows = read_activations(conn)
        stream = read_events(conn, STREAM)

    assert [row.note() for row in rows] == [event.payload for event in stream]
    assert [(event.payload["act"], event.officer) for event in stream] == [
        ("first", "乙"),
        ("approval", "王"),
        ("rollback", "李"),
    ]
    assert {"policy-activated"} == {event.type for event in stream}
    assert stream[1].payload["version"] == version
    statement = hashlib.sha256(rows[1].statement(rows[1].previous)).hexdigest()
    assert stream[1].payload["statement"] == statement
    before = one.rows()
    assert rebuild(one.engine, PolicyStore(one.engine)) == 1
    assert before == one.rows()
    sealed = one.office.proofs.seal()
    assert (len(sealed), list(one.office.proofs.verify().problems)) == (1, [])


def cut_off(conn: Connection) -> None:
    """The last activation with its proposal, which no signature shows."""
    row = read_activations(conn)[-1]
    conn.execute(delete(activations).where(activations.c.id == row.id))
    conn.execute(delete(proposals).where(proposals.c.id == row.proposal.id))


def event_gone(conn: Connection) -> None:
    """The last event of the stream."""
    last = conn.execute(select(events.c.position).where(events.c.case_id == STREAM).order_by(events.c.version)).all()
    conn.execute(delete(events).where(events.c.position == last[-1].position))


def event_changed(conn: Connection) -> None:
    """A word in an event."""
    text = conn.execute(select(events.c.payload).where(events.c.case_id == STREAM)).scalars().first()
    assert text is not None
    conn.execute(update(events).where(events.c.payload == text).values(payload=text.replace("first", "third")))


@pytest.mark.parametrize(
    ("change", "problem"),
    [(cut_off, "没有启用记录"), (event_gone, "不在事件日志里"), (event_changed, "已被改动")],
)
def test_activations_and_the_log_are_held_together(
    one: Desk, change: Callable[[Connection], None], problem: str
) -> None:
    """What is cut off from one is still in the other."""
    one.publish(B60)
    assert problems(one) == []

    with write(one.engine) as conn:
        change(conn)

    assert any(problem in found for found in problems(one))
