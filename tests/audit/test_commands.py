"""`xinheng audit export`, `verify` and `verifier`: what people type and what they are told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.audit.archive import DECIDER, VERIFIER
from adapters.signing import FileSigner
from api.cli import app
from tests.adapters.databases import Databases
from tests.adapters.support import open_desk


def run(*words: object) -> tuple[int, str]:
    """A command's exit code and what it said."""
    result = CliRunner().invoke(app, ["audit", *map(str, words)])
    return result.exit_code, result.output


def test_export_and_verify(databases: Databases, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The archive is found true by the same file in another process; with another's key it is not."""
    with databases.fresh("sqlite") as engine:
        desk = open_desk(engine)
        desk.office.proofs._signer = FileSigner(Path(f"{engine.url.database}.log-key.pem"))  # where the command looks
        desk.file()
        url, file = engine.url.render_as_string(hide_password=False), tmp_path / "a.zip"
        unnamed = run("export", "--out", file, "--db", url)
        code, said = run("export", "--out", file, "--officer", "陈审计", "--db", url, "--json")
        log, other = json.loads(said)["key"], FileSigner(tmp_path / "other.pem").public_key
        nowhere = run("export", "--out", tmp_path / "none" / "a.zip", "--officer", "陈审计", "--db", url)
    right, _ = run("verify", file, "--key", log, "--size", json.loads(said)["size"], "--root", json.loads(said)["root"])
    printed = capfd.readouterr().out
    wrong, _ = run("verify", file, "--key", other)
    found = capfd.readouterr().out

    assert (code, unnamed[0], nowhere[0]) == (0, 1, 2)
    assert (right, printed.splitlines()[-1]) == (0, "没有不符")
    assert (wrong, found.splitlines()[0]) == (1, "a.zip：封签不符：文件被改动，或者不是日志所封")


def test_the_verifier_is_written_out_with_its_digest(tmp_path: Path) -> None:
    """To be compared with the one that was published."""
    code, said = run("verifier", "--out", tmp_path / "verify.py")

    assert (code, (tmp_path / "verify.py").read_bytes()) == (0, VERIFIER.read_bytes())
    assert (tmp_path / "decide.py").read_bytes() == DECIDER.read_bytes()
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (VERIFIER, DECIDER)]
    assert [line.split()[0] for line in said.splitlines()] == digests
