"""diff and impact: what policy staff see before they propose a change."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
import typer

from adapters.comparing import Comparison, ComparisonError, _compare
from adapters.ledger import upgrade
from adapters.office import Office
from adapters.policy_sources import Source
from adapters.trials import TimedOut
from api.assembly import database_of, read_secret, signer_of
from api.cli import comparing
from api.settings import Settings
from engine.casework.model import Actor
from tests.adapters.bundle import FILES
from tests.adapters.support import HR, Clock, Desk, ReferenceEvaluator, arrears
from tests.cli.conftest import Shell

DAY = Clock().now.date()
ARREARS = FILES["memoranda/arrears.yaml"]
STRICTER = FILES | {"memoranda/arrears.yaml": ARREARS.replace("50 万元", "40 万元")}
REWORDED = FILES | {
    "memoranda/arrears.yaml": ARREARS.replace("{subject.kind: enterprise}", "{not: {subject.kind: natural-person}}"),
}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """A bundle on disk."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def found(after: Mapping[str, str], before: Mapping[str, str] = FILES) -> Comparison:
    """A comparison, worked out here and not in a child, which has tests of its own."""
    return _compare(before, after, DAY, None, ("甲", "乙"))


def sources(after: Mapping[str, str]) -> tuple[Source, Source]:
    """Where the two are said to be from."""
    return Source(FILES, "甲"), Source(after, "乙")


def test_the_verdict_comes_first_then_whom_it_concerns_and_a_witness(
    shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From one folder to another, through the child process; a difference can be an exit code."""
    one, other = write(tmp_path / "one", FILES), write(tmp_path / "other", STRICTER)
    result = shell.run("diff", one, other, "--exit-code", "--list", "arrears", db=False)
    lines = result.stdout.splitlines()

    assert result.exit_code == 1, result.output
    assert lines[0] == "更严"
    assert (str(one) in lines[1], str(other) in lines[1]) == (True, True)
    assert "拖欠工资名单" in lines
    assert "应当对法定代表人采取“限制任职”" in result.stdout.replace("\n        ", "")
    assert "见证：企业" in result.stdout
    assert "共 1 处变化：更严 1 处" in result.stdout


def test_a_refactoring_is_said_to_be_proved(capsys: pytest.CaptureFixture[str]) -> None:
    """With the files that differ; equal files are not even looked into."""
    comparing._print(found(REWORDED), *sources(REWORDED))
    proved = capsys.readouterr().out.replace("\n", "")
    comparing._print(found(FILES), *sources(FILES))
    same = capsys.readouterr().out

    assert proved.startswith("等价：含义没有变化")
    assert "改动了 1 个文件" in proved
    assert "已证明与原来相同" in proved
    assert proved.endswith("memoranda/arrears.yaml")
    assert "完全相同" in same


def test_programs_get_everything_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Ids and titles, the witness in words and as facts, and the test."""
    document = json.loads(json.dumps(comparing.document(found(STRICTER), *sources(STRICTER))))
    (change,) = document["changes"]

    assert (document["verdict"], document["undecided"]) == ("stricter", [])
    assert (change["list"], change["measure"], change["sense"]) == ("arrears", "no-posts", "stricter")
    assert change["departments"] == {"market-regulation": "market-regulation局"}
    assert change["subjects"] == {"enterprise": "企业", "natural-person": "自然人"}
    assert 40_000_000 <= int(change["facts"]["values"]["amount_owed"]) < 50_000_000
    assert change["test"]["memorandum"] == "arrears"


def test_witnesses_are_printed_as_tests(capsys: pytest.CaptureFixture[str], tmp_path: Path, shell: Shell) -> None:
    """Put into a file beside the memorandum they pass."""
    comparing._print_tests(found(STRICTER))
    text = capsys.readouterr().out
    folder = write(tmp_path, STRICTER | {"memoranda/arrears.test.yaml": text})
    passed = json.loads(shell.run("test", folder, "--json", db=False).stdout)

    assert (passed["passed"], passed["failed"]) == (1, [])


def test_what_cannot_be_compared_is_told_with_its_place(shell: Shell, tmp_path: Path) -> None:
    """Errors of either, a list that neither has, a name that means nothing."""
    broken = STRICTER | {
        "rules/measures/watch.yaml": FILES["rules/measures/watch.yaml"].replace("sanction", "sanktion")
    }
    result = shell.run("diff", write(tmp_path / "one", FILES), write(tmp_path / "two", broken), db=False)
    with pytest.raises(ComparisonError, match="没有名单 arrear") as raised:
        _compare(FILES, STRICTER, DAY, ("arrear",), ("甲", "乙"))

    assert result.exit_code == 1
    assert "rules/measures/watch.yaml:4:" in result.stderr
    assert "two有1个错误" in "".join(result.stderr.split())
    assert raised.value.details == "是不是 arrears？"
    assert shell.run("diff", tmp_path / "one", "no-such", db=False).exit_code == 4


def test_tests_that_do_not_fit_yet_do_not_keep_from_comparing() -> None:
    """Whoever changes a rule compares first and mends the tests after."""
    beside = {"memoranda/arrears.test.yaml": "tests: arrears\ncases:\n  - {name: 空, as_of: 2026-11-24}\n"}

    assert found(STRICTER | beside).verdict == "stricter"


def test_a_comparison_without_end_is_stopped(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits end it, and it says how to go on."""

    def endless(*_: object, seconds: float, **__: object) -> None:
        raise TimedOut(seconds)

    monkeypatch.setattr("adapters.comparing.run_limited", endless)
    one, other = write(tmp_path / "one", FILES), write(tmp_path / "two", STRICTER)
    result = shell.run("diff", one, other, "--seconds", "1", db=False)

    assert result.exit_code == 6
    assert "--seconds" in result.stderr


def test_ctrl_c_leaves_without_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    """As a shell expects it."""
    with pytest.raises(typer.Exit) as raised, comparing.watching("比较"):
        raise KeyboardInterrupt

    assert raised.value.exit_code == 130
    assert "已中断" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_without_names_it_is_the_last_commit_and_what_lies_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no ledger; with neither there is nothing to compare with."""
    monkeypatch.chdir(write(tmp_path, FILES))
    with comparing.shelf_of(None) as find_shelf, pytest.raises(typer.Exit) as raised:
        comparing.sources(None, None, find_shelf)
    assert raised.value.exit_code == 2
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "一"]):
        subprocess.run(["git", *words], check=True, cwd=tmp_path)
    write(tmp_path, STRICTER)
    with comparing.shelf_of(None) as find_shelf:
        one, other = comparing.sources(None, None, find_shelf)

    assert {p: bytes(t).decode() for p, t in one.files.items()} == FILES  # type: ignore[arg-type]
    assert {p: bytes(t).decode() for p, t in other.files.items()} == STRICTER  # type: ignore[arg-type]


@pytest.fixture
def county(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A ledger on the small policy with two cases, as the service would have made it, and its day for a today."""
    (tmp_path / "clock").write_text(Clock().now.isoformat(), encoding="utf-8")
    monkeypatch.setenv("XINHENG_SIMULATED_CLOCK", str(tmp_path / "clock"))
    shell = Shell(f"sqlite:///{tmp_path / 'county.db'}")
    settings, clock, evaluator = Settings(database_url=shell.url), Clock(), ReferenceEvaluator()
    engine = database_of(settings)
    upgrade(engine)
    office = Office(engine, evaluator=evaluator, clock=clock, secret=read_secret(settings), signer=signer_of(settings))
    office.bootstrap_policy(FILES, proposed_by=Actor("finance", "甲"), approved_by=Actor("finance", "乙"))
    desk = Desk(office, engine, clock, evaluator)
    for amount in ("10 万元", "45 万元"):
        desk.file(arrears(amount_owed=amount), HR)
    engine.dispose()
    return shell


def contents(database: Path) -> list[str]:
    """Everything in a database but who looked."""
    with closing(sqlite3.connect(database)) as conn:
        return [line for line in conn.iterdump() if not line.startswith('INSERT INTO "looks"')]


def test_impact_is_told_written_and_nothing_changed(
    county: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From what cases go by to a folder; page and workbook are written; in the database only that somebody looked."""
    watched = ARREARS.replace(
        "  - id: repeat\n    when: {count: {record: penalty, within: 2 years, gte: 2}}\n", "  - id: repeat\n"
    )
    folder = write(tmp_path / "new", FILES | {"memoranda/arrears.yaml": watched})
    monkeypatch.chdir(folder)
    database = Path(county.url.removeprefix("sqlite:///"))
    before = sorted(p.name for p in tmp_path.iterdir()), contents(database)
    text = county.run("impact", "--days", "10", "--html", tmp_path / "page.html", "--xlsx", tmp_path / "book.xlsx")
    told = county.data("impact", "current", folder, "--days", "10", "--as", "finance")

    assert text.exit_code == 0, text.output
    assert "在办案件 2 件（主体 2 个），其中 2 件（主体 2 个）有变化" in text.stdout.replace("\n", "")
    assert told["counts"] == {"gained": 2, "lifted": 0, "cancelled": 0}
    transport = next(d for d in told["departments"] if d["department"] == "transport")
    assert (transport["before"]["peak"], transport["after"]["peak"], len(transport["after"]["counts"])) == (0, 2, 10)
    assert "<svg" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert (tmp_path / "book.xlsx").read_bytes().startswith(b"PK")
    after = sorted(p.name for p in tmp_path.iterdir() if p.suffix not in {".html", ".xlsx"}), contents(database)
    assert after == before


def test_impact_needs_a_ledger_and_a_day_to_come(county: Shell, tmp_path: Path) -> None:
    """Neither is made up."""
    folder = write(tmp_path / "new", STRICTER)
    missing = Shell(f"sqlite:///{tmp_path / 'no.db'}").run("impact", "current", folder)

    assert missing.exit_code == 6
    assert not (tmp_path / "no.db").exists()
    assert county.run("impact", "current", folder, "--from", "2026-01-01").exit_code == 2
    assert county.run("impact", "current", folder, "--from", "soon").exit_code == 2
    assert county.run("impact", "version:abcd", folder).exit_code == 4


def test_lines_are_folded_to_the_window() -> None:
    """None is longer than it is wide, nothing is lost, and no line begins with a full stop."""
    text = (
        "列入“拖欠农民工工资失信联合惩戒对象名单”的企业，档次为“特别严重”，2026-11-24 决定；decision_number 示例。" * 4
    )
    lines = comparing.folded(text, 8).split("\n" + " " * 8)

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert len(lines) > 2
    assert not any(line[0] in "，。；、）”" for line in lines)
    assert sys.modules["rich.cells"].cell_len(max(lines, key=len)) <= comparing.console.width
