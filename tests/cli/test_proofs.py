"""`xinheng log`: checkpoints, receipts that are verified without the database, the newspaper's line, and witnesses."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import create_engine, text

from adapters.ledger import upgrade
from adapters.office import Filed, Office
from api.assembly import database_of, log_settings_of, read_secret, signer_of
from api.clock import now
from api.http import create_app
from api.settings import Settings
from engine.casework.model import Actor
from engine.proof.compact import pack
from tests.adapters.bundle import FILES
from tests.adapters.support import EXAMINER, HR, ReferenceEvaluator, arrears
from tests.cli.conftest import Shell

AS_HR = ("--as", "human-resources")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Commands on a database of its own, with a small policy that compiles in no time."""
    return Shell(f"sqlite:///{tmp_path_factory.mktemp('log') / 'log.db'}")


@pytest.fixture(scope="module")
def office(shell: Shell) -> Iterator[Office]:
    """The office that the commands open, with the same keys."""
    settings = Settings(database_url=shell.url)
    engine = database_of(settings)
    upgrade(engine)
    found = Office(
        engine, evaluator=ReferenceEvaluator(), clock=now, secret=read_secret(settings), signer=signer_of(settings),
        examiner=EXAMINER, log=log_settings_of(settings),
    )  # fmt: skip
    people = Actor("government-office", "甲"), Actor("government-office", "乙")
    found.bootstrap_policy(FILES, proposed_by=people[0], approved_by=people[1])
    yield found
    engine.dispose()


@pytest.fixture(scope="module")
def file(office: Office) -> Callable[[], Filed]:
    """Files a fresh case."""
    return lambda: office.file_case(HR, arrears())


@contextmanager
def serving(office: Office) -> Iterator[str]:
    """The service on the same database; its address."""
    app = create_app(Settings(), office)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def test_a_receipt_is_proved_and_verified(shell: Shell, file: Callable[[], Filed], tmp_path: Path) -> None:
    """As a file, against keys and a newspaper got by another way; changed by a digit it is none."""
    filed = file()
    case, version = filed.case.id, filed.case.version
    early, path = tmp_path / "early.json", tmp_path / "receipt.json"
    waiting = shell.run("log", "prove", case, version, "--out", early, *AS_HR)
    made = shell.data("log", "checkpoint")
    assert shell.run("log", "prove", case, version, "--out", path, *AS_HR).exit_code == 0
    key = made["key"]
    printed = shell.run("log", "publication").stdout.strip()
    good = shell.run("log", "verify", path, "--log-key", key, "--published", printed, db=False)
    forged = tmp_path / "forged.json"
    forged.write_text(path.read_text("utf-8").replace(f'"version": {version}', f'"version": {version + 1}'), "utf-8")

    assert "尚未收录" in waiting.stderr
    assert (good.exit_code, "守诺" in good.stdout) == (0, True)
    assert "没有收录证明" in shell.run("log", "verify", early, "--log-key", key, db=False).stdout
    for words, code in (
        ((forged, "--log-key", key), 1),
        ((path, "--log-key", "00" * 32), 1),
        ((path, "--log-key", key, "--published", printed.replace(printed[-8:], "00000000")), 1),
        ((path,), 2),
        ((path, "--log-key", key, "--witness", "x"), 2),
    ):
        assert code == shell.run("log", "verify", *words, db=False).exit_code, words


def test_a_receipt_as_a_qr_code(shell: Shell, file: Callable[[], Filed], tmp_path: Path) -> None:
    """Both kinds of picture; what it says is verified like the file."""
    case, version = file().case.id, 1
    path, svg, png = (tmp_path / name for name in ("r.json", "r.svg", "r.png"))
    for picture in (svg, png):
        assert shell.run("log", "prove", case, version, "--out", path, "--qr", picture, *AS_HR).exit_code == 0
    scanned = tmp_path / "scanned.txt"
    scanned.write_text(pack(json.loads(path.read_text("utf-8"))), "utf-8")
    key = shell.data("log", "checkpoint")["key"]

    assert svg.read_bytes().startswith(b"<?xml")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert shell.run("log", "verify", scanned, "--log-key", key, db=False).exit_code == 0
    assert shell.run("log", "prove", case, version, "--qr", tmp_path / "r.gif", *AS_HR).exit_code == 2


def test_the_whole_log_is_verified(shell: Shell, file: Callable[[], Filed]) -> None:
    """Nothing wrong; and what is, is named and ends with 1."""
    file()
    shell.run("log", "checkpoint")
    good = shell.run("log", "verify")
    engine = create_engine(shell.url)
    with engine.begin() as conn:
        old = conn.execute(text("SELECT hash FROM log_nodes WHERE number = 1")).scalar_one()
        conn.execute(text("UPDATE log_nodes SET hash = :hash WHERE number = 1"), {"hash": b"x" * 32})
    bad = shell.run("log", "verify")
    with engine.begin() as conn:
        conn.execute(text("UPDATE log_nodes SET hash = :hash WHERE number = 1"), {"hash": old})
    engine.dispose()

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "没有不符" in good.stdout
    assert "树的节点 1 被改动" in bad.stderr
    assert shell.data("log", "verify")["problems"] == []


def test_the_newspaper_has_a_line_for_a_day(shell: Shell, file: Callable[[], Filed]) -> None:
    """Of the last checkpoint of the day; none before there was one."""
    file()
    shell.run("log", "checkpoint")

    assert shell.run("log", "publication").stdout == shell.run("log", "publication", "--on", "9998-01-01").stdout
    assert shell.run("log", "publication", "--on", "2020-01-01").exit_code == 4
    assert shell.run("log", "publication", "--on", "tomorrow").exit_code == 2


def test_a_witness_countersigns_and_sounds_the_alarm(
    shell: Shell, office: Office, file: Callable[[], Filed], tmp_path: Path
) -> None:
    """Registered, it countersigns; when the log is put back to an earlier state it refuses, and keeps the proof."""
    file()
    shell.run("log", "checkpoint")
    own = ("--key-file", tmp_path / "w.pem", "--state", tmp_path / "w.json")
    key = shell.run("log", "witness", "--show-key", *own, db=False).stdout.strip()
    with serving(office) as url:

        def visit(*more: object) -> tuple[int, str]:
            result = shell.run("log", "witness", url, "--as", "audit-office", *own, *more, db=False)
            return result.exit_code, result.output

        stranger = visit()
        shell.run("log", "register", "audit-office", key, "--officer", "赵")
        first = visit()
        file()
        shell.run("log", "checkpoint")
        again = visit()
        memory = json.loads((tmp_path / "w.json").read_text("utf-8"))
        memory["last"]["statement"]["root"] = "ab" * 32
        (tmp_path / "w.json").write_text(json.dumps(memory), "utf-8")
        alarm = visit()
    gone = shell.run("log", "witness", url, "--as", "audit-office", *own, db=False)
    shown = shell.run("log", "checkpoint")

    assert (stranger[0], "not-a-witness" in stranger[1] or "没有登记" in stranger[1]) == (6, True)
    assert (first[0], again[0]) == (0, 0)
    assert "历史没有改动" in again[1]
    assert (alarm[0], "警报" in alarm[1]) == (1, True)
    assert (tmp_path / "w.json.evidence-1.json").exists()
    assert (gone.exit_code, "audit-office" in shown.stdout) == (6, True)
    assert [w["department"] for w in shell.data("log", "keys")["witnesses"]] == ["audit-office"]
    assert shell.run("log", "revoke", key).exit_code == 0
    assert shell.run("log", "revoke", "00" * 32).exit_code == 4
    assert shell.run("log", "witness", "--as", "x", *own, db=False).exit_code == 2
