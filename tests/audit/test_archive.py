"""What is exported is found true by the verifier, on both databases, and nothing is taken on trust for that."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from adapters.audit import verify
from adapters.audit.archive import DECIDER, VERIFIER, export
from adapters.ledger import read
from adapters.ledger.store import read_events
from adapters.ledger.tables import decisions
from adapters.office import ForbiddenError, InvalidError
from adapters.policy_files import read_bundle
from benchmarks.proofs import COURT, Filing, Party, debtor
from tests.adapters.databases import Databases
from tests.adapters.support import HR, Desk, principal
from tests.audit.ledger import LOG, POLICY, Members, audited, exported, found, known, lines, members, opened, worked


def test_a_worked_ledger_passes(engine: Engine, tmp_path: Path) -> None:
    """Every decision is made again and comes out the same; erased ones are accounted for."""
    desk = opened(engine)
    worked(desk)
    whole = exported(desk, tmp_path / "whole.zip")
    audit = audited(members(whole))
    named = {e["payload"].get("decision") for e in lines(members(whole), "events.jsonl")} - {None}
    with read(engine) as conn:
        logged = set(conn.execute(select(decisions.c.digest)).scalars())
    written = lines(members(whole), "decisions.jsonl")

    assert audit.findings == []
    assert named == {line["decision"] for line in written}
    assert named <= logged
    assert sum("erased" in line for line in written) == 1
    assert len(lines(members(whole), "opened.jsonl")) > 3
    assert {len(written) - 1, 1} == set(audit.told.values())
    assert [e.type for e in _events(desk, "audit:exports")] == ["archive-exported"]


def _events(desk: Desk, stream: str) -> tuple[object, ...]:
    with read(desk.engine) as conn:
        return read_events(conn, stream)


def test_an_archive_up_to_a_checkpoint_passes_and_is_seen_to_be_old(databases: Databases, tmp_path: Path) -> None:
    """It holds no later activation, and whoever knows a later root finds that it went back."""
    with databases.fresh("sqlite") as engine:
        desk = opened(engine)
        worked(desk)
        now = members(exported(desk, tmp_path / "now.zip"))
        sizes = [checkpoint["statement"]["size"] for checkpoint in lines(now, "checkpoints.jsonl")]
        early = members(exported(desk, tmp_path / "early.zip", until=sizes[0]))
        bare = members(exported(desk, tmp_path / "bare.zip", personal=False))
        later = desk.office.proofs.publication()
        with pytest.raises(InvalidError) as raised:
            exported(desk, tmp_path / "x.zip", until=sizes[0] + 1)
        with pytest.raises(ForbiddenError):
            export(desk.office.context, HR, tmp_path / "x.zip")

    assert found(early) == []
    assert (sizes[0], 1) == (early["events.jsonl"].count(b"\n"), early["activations.jsonl"].count(b"\n"))
    (told,) = found(early, known("--published", later))
    assert "退回了从前" in told
    assert found(bare, known("--published", _printed(bare, later))) == []
    assert (bare["opened.jsonl"], b"document" in bare["decisions.jsonl"]) == (b"", False)
    assert f"最近的是 {sizes[0]}" in raised.value.errors[0].message
    assert not (tmp_path / "x.zip").exists()
    assert not (tmp_path / "x.zip.part").exists()


def _printed(archive: Members, line: str) -> str:
    """A published line, of this archive's own last checkpoint."""
    statement = lines(archive, "checkpoints.jsonl")[-1]["statement"]
    return f"{line.partition(' 共 ')[0]} 共 {statement['size']} 条 {statement['hash']} {statement['root']}"


def test_the_shipped_policy_passes(databases: Databases, tmp_path: Path) -> None:
    """With a tree of SM3, a filing with thirty obligations, and answers."""
    with databases.fresh("sqlite") as engine:
        desk = opened(engine, {name: str(text, "utf-8") for name, text in read_bundle().items()})
        desk.office.proofs._hash = "sm3"
        for number in range(3):
            debt = debtor(number)
            filed = desk.office.file_case(COURT, Filing(debt["list"], Party(**debt["subject"]), debt["facts"]))
        owed = next(view.obligation for view in filed.obligations if view.obligation.state == "open")
        desk.do(principal(owed.department), owed.id, "accept")
        archive = members(exported(desk, tmp_path / "a.zip"))

    assert found(archive, verify.options(["x", "--key", LOG.public_key, "--signing-key", POLICY.public_key])) == []
    assert json.loads(archive["manifest.json"])["hash"] == "sm3"


# The verifier by itself


def test_it_runs_alone(file: Path, tmp_path: Path) -> None:
    """In an empty folder, isolated and without site packages: the very file that is in the archive."""
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path, ["verify.py", "decide.py"])

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "verify.py", str(file), *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False)

    right = run("--key", LOG.public_key, "--signing-key", POLICY.public_key)
    wrong = run("--key", POLICY.public_key)
    without = run()

    assert (right.returncode, right.stdout.splitlines()[-1]) == (0, "没有不符")
    assert wrong.returncode == 1
    assert "封签不符" in wrong.stdout.splitlines()[0]
    assert without.returncode == 2
    assert "不能取自档案" in without.stderr
    assert {"verify.py", "decide.py"} == {path.name for path in tmp_path.iterdir()}


def test_it_imports_the_standard_library_alone() -> None:
    """And nothing of the product's; and it is short enough to be read as a whole."""
    for path in (VERIFIER, DECIDER):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
        names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

        assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
        assert len(text.splitlines()) < 400


@settings(max_examples=25, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=50), bit=st.integers(0, 511))
def test_signatures_are_verified_to_the_bit(seed: bytes, message: bytes, bit: int) -> None:
    """As OpenSSL makes them; with one bit changed, or another encoding of the same number, they are none."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw().hex(), key.sign(message)
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    again = signature[:32] + (int.from_bytes(signature[32:], "little") + verify.ORDER).to_bytes(32, "little")

    assert verify.verified(public, signature.hex(), message)
    assert not verify.verified(public, bytes(flipped).hex(), message)
    assert not verify.verified(public, again.hex(), message)
    assert not verify.verified(public, signature.hex().upper(), message)


def test_a_key_that_is_no_point_is_refused() -> None:
    """Another encoding of a point, or none at all."""
    for encoded in (2**255 - 18, 2**255 - 1, 2):  # 1 + p; a sign that zero has not; no point has this ordinate
        with pytest.raises(verify.Wrong):
            verify.verified(encoded.to_bytes(32, "little").hex(), "0" * 128, b"")


@given(data=st.binary(max_size=300))
def test_its_own_sm3_is_sm3(data: bytes) -> None:
    """As OpenSSL has it."""
    assert hashlib.new("sm3", data).digest() == verify.sm3(data)
