"""keys, migrate, rebuild, serve, demo: what the host uses. And what the pages about the command line say."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import typer
from sqlalchemy import create_engine, text

from api.cli import app
from api.cli.common import EXIT_CODES
from api.settings import Settings
from tests.cli.conftest import Shell

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"


def test_keys_are_issued_listed_and_revoked(shell: Shell) -> None:
    """The token is shown once; a revoked one opens nothing."""
    issued = shell.data("keys", "issue", "finance", "--role", "implementer", "--role", "initiator", "--label", "测试")
    works = shell.run("obligations", "--key", issued["token"])
    listed = shell.run("keys", "list", "--json").stdout
    shell.run("keys", "revoke", issued["id"])
    revoked = shell.run("obligations", "--key", issued["token"])
    wrong = shell.run("keys", "issue", "nobody", "--role", "king")

    assert works.exit_code == 0
    assert issued["id"] in listed
    assert issued["token"] not in listed
    assert (revoked.exit_code, wrong.exit_code) == (3, 1)
    assert shell.run("keys", "revoke", "no-such-key").exit_code == 4


def test_projections_are_rebuilt_from_the_events(shell: Shell, tmp_path: Path) -> None:
    """The same obligations afterwards; a tampered event is found and nothing is rebuilt."""
    own = Shell(f"sqlite:///{tmp_path / 'rebuild.db'}")
    own.run("keys", "issue", "audit", "--role", "auditor")
    case = own.filed(tmp_path, 21)["case"]
    before = own.data("obligations", "--case", case, "--limit", 200)
    engine = create_engine(own.url)
    with engine.begin() as conn:
        conn.execute(text("update obligations set state = 'closed'"))
    spoiled = own.data("obligations", "--case", case, "--limit", 200)
    rebuilt = own.data("rebuild")
    after = own.data("obligations", "--case", case, "--limit", 200)
    with engine.begin() as conn:
        conn.execute(text("update events set actor_officer = '别人'"))
    engine.dispose()
    tampered = own.run("rebuild")

    assert rebuilt == {"cases": 1}
    assert spoiled != before == after
    assert tampered.exit_code == 1
    assert "已被改动" in tampered.stderr


def test_a_database_is_migrated(tmp_path: Path) -> None:
    """Twice changes nothing."""
    own = Shell(f"sqlite:///{tmp_path / 'new.db'}")

    assert own.data("migrate") == own.data("migrate") == {"database": own.url, "current": True}


def test_a_wrong_setting_is_named(shell: Shell, monkeypatch: object) -> None:
    """The variable and what is wrong with it; exit code 2."""
    result = subprocess.run(
        [sys.executable, "-m", "api.cli", "keys", "list", "--db", shell.url],
        env=os.environ | {"XINHENG_MAX_RECORDS": "many"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 2, result.stderr
    assert "XINHENG_MAX_RECORDS" in result.stderr


def test_the_service_starts_from_nothing_and_stops_on_a_signal(tmp_path: Path) -> None:
    """Migrated, the shipped policy in force, logging JSON lines that name no path."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"sqlite:///{tmp_path / 'serve.db'}"
    command = [sys.executable, "-m", "api.cli", "serve", "--db", url, "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            for _ in range(300):
                try:
                    ready = httpx.get(f"http://127.0.0.1:{port}/readyz")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            key = Shell(url).data("keys", "issue", "audit", "--role", "auditor")["token"]
            policy = httpx.get(f"http://127.0.0.1:{port}/v1/policy", headers={"Authorization": f"Bearer {key}"})
            foreign = httpx.get(f"http://127.0.0.1:{port}/v1/subjects/410728198501010011")
        finally:
            process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    lines = [json.loads(line) for line in errors.splitlines() if line.startswith("{")]

    assert ready.json() == {"status": "ok"}
    assert policy.json()["active"] is True
    assert foreign.status_code == 401
    assert [line["route"] for line in lines] == ["/readyz", "/v1/policy", "/v1/subjects/{subject}"]
    assert "410728198501010011" not in errors


def test_the_demonstration_closes_every_case(tmp_path: Path) -> None:
    """Over real HTTP on simulated time; two pictures, letters; a file that was there before stays there."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    result = subprocess.run(
        [sys.executable, "-m", "api.cli", "demo", "--out", str(folder), "--json"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    summary = json.loads(result.stdout)

    assert result.returncode == 0, result.stderr
    assert {Path(path).suffix for path in summary["letters"]} == {".docx", ".pdf"}
    assert summary["open"] == summary["still_told"] == 0
    assert (summary["subjects"] >= 14, summary["lists"] >= 9, summary["told"] >= 6) == (True, True, True)
    assert all(Path(path).read_text(encoding="utf-8").startswith("<svg") for path in summary["pictures"])
    assert (folder / "mine.txt").read_text() == "mine"


def test_every_command_code_and_setting_is_documented(shell: Shell) -> None:
    """The page names each command, each exit code and each setting; `--help` has the codes too."""
    page = PAGE.read_text(encoding="utf-8")
    group = typer.main.get_command(app)
    names = set()
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", {})
        names |= {f"{name} {sub}" for sub in inner} or {name}
    settings = {f"XINHENG_{field.upper()}" for field in Settings.model_fields}
    help_text = re.sub(r"\s", "", shell.run("--help", db=False).stdout)

    assert {n for n in names if f"`xinheng {n}" not in page} == set()
    assert {s for s in settings if f"`{s}`" not in page} == set()
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in page
        assert f"{code}{meaning}" in help_text


def test_two_first_commands_at_once_agree(tmp_path: Path) -> None:
    """Both find no database, both migrate it, put the shipped policy in force and make the secret: neither fails."""
    url = f"sqlite:///{tmp_path / 'first.db'}"
    command = [sys.executable, "-m", "api.cli", "keys", "issue", "audit", "--role", "auditor", "--db", url]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    errors = [process.communicate(timeout=60)[1] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], errors
    assert len(Shell(url).data("keys", "list")) == 3
