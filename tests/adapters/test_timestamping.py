"""Timestamps of a real authority (openssl): kept, verified by us and by openssl, and never in the way of anything."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from typer.testing import CliRunner

from adapters.ledger import read, write
from adapters.ledger.proof_tables import log_checkpoints, log_timestamps
from adapters.office import NotFoundError, Office
from adapters.office.proofs import LogSettings
from adapters.signing import FileSigner
from adapters.timestamping import HttpTimestamper, TimestampError
from adapters.worker.chores import Chores
from api.cli import app
from engine.proof.signed import canonical
from tests.adapters.support import AUDITOR, EXAMINER, HR, SECRET, Desk, open_desk
from tests.adapters.tsa import Authority, authority, certify

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """One authority for all tests."""
    with authority(tmp_path_factory.mktemp("tsa")) as found:
        yield found


@pytest.fixture
def stamping(engine: Engine, tsa: Authority, tmp_path: Path) -> Desk:
    """An office whose log has an authority, and one checkpoint."""
    tsa.answer, tsa.asked = None, 0
    desk = open_desk(engine)
    settings = LogSettings(FileSigner(tmp_path / "log.pem"), timestamper=HttpTimestamper(tsa.url, tsa.roots))
    desk.office = Office(
        desk.engine, evaluator=desk.evaluator, clock=desk.clock, secret=SECRET, examiner=EXAMINER, log=settings,
        signer=desk.office.context.signer,
    )  # fmt: skip
    return desk


def sealed(desk: Desk) -> str:
    """A fresh case in a fresh checkpoint."""
    case = desk.file().case.id
    desk.office.proofs.seal()
    return case


def tokens(desk: Desk) -> list[Any]:
    """What is kept, with the statement that it is over."""
    query = select(log_timestamps, log_checkpoints.c.statement).join(
        log_checkpoints, log_checkpoints.c.size == log_timestamps.c.size
    )
    with read(desk.engine) as conn:
        return list(conn.execute(query.order_by(log_timestamps.c.size)))


def read_as(stamper: HttpTimestamper, token: bytes, statement: bytes) -> str | None:
    """The time that a token proves, if it proves any."""
    try:
        return stamper.time_of(token, statement)
    except TimestampError:
        return None


def test_a_checkpoint_is_stamped_once_an_hour_and_openssl_agrees(
    stamping: Desk, tsa: Authority, tmp_path: Path
) -> None:
    """The token is over the bytes that the log signed; the next one comes with a new checkpoint, an hour later."""
    assert stamping.office.proofs.stamp() is None  # there is no checkpoint yet
    sealed(stamping)
    first = stamping.office.proofs.stamp()
    sealed(stamping)
    again = stamping.office.proofs.stamp()
    stamping.clock.turn(hours=1, seconds=1)
    later = stamping.office.proofs.stamp()
    stamping.clock.turn(hours=2)
    unchanged = stamping.office.proofs.stamp()
    one, other = tokens(stamping)
    (tmp_path / "statement").write_bytes(one.statement.encode())
    (tmp_path / "token").write_bytes(one.token)
    check = ["openssl", "ts", "-verify", "-in", "token", "-data", "statement", "-CAfile", str(tsa.roots)]
    shown = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert first is not None
    assert (again, unchanged, tsa.asked) == (None, None, 2)
    assert (one.proved_at, other.proved_at) == (first, later)
    assert one.size < other.size
    assert (shown.returncode, "Verification: OK" in shown.stdout) == (0, True), shown.stderr


def test_an_authority_that_fails_is_only_complained_about(
    stamping: Desk, tsa: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rubbish, a refusal, an answer to another question, and silence: nothing is kept, sealing goes on, it recovers."""
    sealed(stamping)
    chores = Chores(stamping.office, name="w", period=60, send=lambda *_: None)
    chores.stamp()
    (good,) = tokens(stamping)
    stamping.clock.turn(hours=2)
    sealed(stamping)
    for answer in (b"", b"\0" * 70_000, b"rubbish", good.token, bytes.fromhex("30053003020102")):
        tsa.answer = answer
        chores.stamp()
    told = capsys.readouterr().out
    silent = HttpTimestamper("http://127.0.0.1:9/", tsa.roots)
    with pytest.raises(TimestampError, match="没有答复"):
        silent.stamp(b"x")
    tsa.answer = None
    chores.stamp()

    assert told.count("timestamp failed") == 5
    assert len(tokens(stamping)) == 2


def test_a_token_of_somebody_else_or_over_something_else_proves_nothing(
    stamping: Desk, tsa: Authority, tmp_path: Path
) -> None:
    """Neither with other roots, nor for another checkpoint, nor with one bit changed."""
    sealed(stamping)
    stamping.office.proofs.stamp()
    (kept,) = tokens(stamping)
    ours, theirs = HttpTimestamper(tsa.url, tsa.roots), HttpTimestamper(tsa.url, tmp_path / "other" / "root.pem")
    certify(tmp_path / "other")
    statement = kept.statement.encode()

    assert ours.time_of(kept.token, statement) == kept.proved_at
    with pytest.raises(TimestampError):
        theirs.time_of(kept.token, statement)
    with pytest.raises(TimestampError):
        ours.time_of(kept.token, statement + b" ")
    for at in range(0, len(kept.token), 37):
        changed = bytearray(kept.token)
        changed[at] ^= 1
        assert read_as(ours, bytes(changed), statement) != kept.proved_at, at
    with pytest.raises(TimestampError, match="读不了"):
        HttpTimestamper(tsa.url, tmp_path / "none.pem").time_of(kept.token, statement)


def test_the_log_and_receipts_say_the_time_proved(stamping: Desk, tsa: Authority, tmp_path: Path) -> None:
    """A receipt that leads to a stamped checkpoint carries its token; what is kept is verified with the whole log."""
    case = sealed(stamping)
    with pytest.raises(NotFoundError):
        stamping.office.proofs.first_stamped(HR, case, 1)
    bare = stamping.office.proofs.receipt(HR, case, 1)
    proved = stamping.office.proofs.stamp()
    size = stamping.office.proofs.first_stamped(HR, case, 1)
    receipt = stamping.office.proofs.receipt(HR, case, 1, size)
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(receipt), encoding="utf-8")
    command = ["log", "verify", str(path), "--log-key", receipt["promise"]["key"], "--json"]
    said = json.loads(CliRunner().invoke(app, [*command, "--tsa-roots", str(tsa.roots)]).stdout)
    unsaid = json.loads(CliRunner().invoke(app, command).stdout)
    path.write_text(json.dumps(receipt | {"timestamp": base64.b64encode(b"rubbish").decode()}), encoding="utf-8")
    wrong = CliRunner().invoke(app, [*command, "--tsa-roots", str(tsa.roots)])
    whole = stamping.office.proofs.verify()
    with write(stamping.engine) as conn:
        conn.execute(update(log_timestamps).values(proved_at="2020-01-01T00:00:00.000000Z"))
    spoiled = stamping.office.proofs.verify()

    assert "timestamp" not in bare
    assert (
        HttpTimestamper(tsa.url, tsa.roots).time_of(
            base64.b64decode(receipt["timestamp"]), canonical(receipt["checkpoint"]["statement"])
        )
        == proved
    )
    assert (said["proved_at"], unsaid["proved_at"]) == (proved, None)
    assert (wrong.exit_code, "可信时间戳不成立" in wrong.stderr) == (1, True)
    assert (whole.stamped, whole.proved_at, whole.problems) == (size, proved, [])
    assert ["所记的是 2020" in problem for problem in spoiled.problems] == [True]
    assert stamping.office.proofs.receipt(AUDITOR, case, 1, size) == receipt
