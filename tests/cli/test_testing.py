"""`xinheng test`: what people, programs and build servers see, and the watch over changing files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from junitparser import JUnitXml

from tests.cli.conftest import Shell
from tests.language.bundles import GOOD

MEMORANDUM = "memoranda/wages.yaml"
TESTS = "memoranda/wages.test.yaml"
PATIENCE = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sound bundle of the language's tests, to be changed."""
    for name in ("rules", "memoranda"):
        shutil.copytree(GOOD / name, tmp_path / name)
    return tmp_path


def edit(folder: Path, path: str, old: str, new: str) -> None:
    """One change in a file."""
    file = folder / path
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_failure_is_told_with_its_place_what_was_wanted_and_what_came(shell: Shell, folder: Path) -> None:
    """Wanted with a minus, what came with a plus, why, and near misses; exit code 1."""
    edit(folder, MEMORANDUM, "{gte: 100 万元}", "{gte: 200 万元}")
    result = shell.run("test", folder, db=False)
    lines = result.stdout.splitlines()

    assert result.exit_code == 1
    assert f"✗ {TESTS}:3:5  wages：企业拖欠工资" in lines
    assert f"    - 规则 posts 应为 成立    （{TESTS}:10:28）" in lines
    assert "    + 实为 不成立" in lines
    assert "      tier（low）= high：不成立" in lines
    assert any("应有 human-resources 实施 no-posts（针对 li）" in line for line in lines)
    assert lines[-1] == "2 个通过，1 个失败"


def test_programs_get_the_same_as_json(shell: Shell, folder: Path) -> None:
    """Problems, coverage and survivors, each with its place."""
    edit(folder, MEMORANDUM, "{gte: 100 万元}", "{gte: 200 万元}")
    failed = json.loads(shell.run("test", folder, "--json", db=False).stdout)
    edit(folder, MEMORANDUM, "{gte: 200 万元}", "{gte: 100 万元}")
    passed = json.loads(shell.run("test", folder, "--json", "--coverage", db=False).stdout)
    (test,) = failed["failed"]

    assert (failed["passed"], test["test"], test["at"]) == (2, "企业拖欠工资", f"{TESTS}:3:5")
    assert test["problems"][0] == {
        "at": f"{TESTS}:10:28", "expected": "规则 posts 应为 成立", "got": "实为 不成立", "near": [],
        "why": ["tier（low）= high：不成立"],
    }  # fmt: skip
    assert passed["failed"] == []
    assert passed["never_silent"] == []
    assert 0 < passed["coverage"]["seen"] < passed["coverage"]["wanted"]
    assert passed["coverage"]["missing"][0].keys() == {"at", "what", "never"}


def test_build_servers_get_junit(shell: Shell, folder: Path) -> None:
    """A suite for each memorandum; the failure's text holds every problem."""
    edit(folder, MEMORANDUM, "{gte: 100 万元}", "{gte: 200 万元}")
    target = folder / "junit.xml"
    result = shell.run("test", folder, "--junit", target, db=False)
    (suite,) = JUnitXml.fromfile(str(target))
    failed = [case for case in suite if not case.is_passed]

    assert result.exit_code == 1
    assert (suite.name, suite.tests, suite.failures) == ("wages", 3, 1)
    assert [case.name for case in failed] == ["企业拖欠工资"]
    assert f"{TESTS}:10:28 规则 posts 应为 成立" in failed[0].result[0].text
    assert shell.run("test", folder, "--junit", folder / "no" / "junit.xml", db=False).exit_code == 2


def test_only_some_tests_are_run(shell: Shell, folder: Path) -> None:
    """By a word in the name, or for one memorandum; one that is not there is a wrong use, with the nearest."""
    by_name = shell.run("test", folder, "--filter", "小额", db=False)
    only = shell.run("test", folder, "--only", "wages", db=False)
    wrong = shell.run("test", folder, "--only", "wage", db=False)

    assert (by_name.exit_code, by_name.stdout) == (0, "1 个通过，0 个失败\n")
    assert only.stdout.endswith("3 个通过，0 个失败\n")
    assert wrong.exit_code == 2
    assert "是不是 wages？" in wrong.output


def test_conditions_that_no_test_has_seen_are_listed_with_the_share(shell: Shell, folder: Path) -> None:
    """One line each, with its place, even where lines are long."""
    result = shell.run("test", folder, "--coverage", db=False)
    lines = result.stdout.splitlines()

    assert result.exit_code == 0
    assert f"{MEMORANDUM}:8:19  推导 grave 的条件“群体性事件”：没有测试见过成立" in lines
    assert any(line.startswith("覆盖率 ") and "%" in line for line in lines)


def test_survivors_are_listed_with_a_case_that_would_find_them(shell: Shell, folder: Path) -> None:
    """In words that policy staff use; no bar in a pipe; not before the tests pass."""
    result = shell.run("test", folder, "--mutate", db=False)
    edit(folder, MEMORANDUM, "{gte: 100 万元}", "{gte: 200 万元}")
    failing = shell.run("test", folder, "--mutate", db=False)

    assert result.exit_code == 0
    assert (
        "没有测试会发现：rules/lists/wage-arrears.yaml:28:5 名单 wage-arrears 的公示最长期限由“3 年”改为“30 日”\n"
        in result.stdout
    )
    assert "    补上此例即可发现：" in result.stdout
    assert "处改错，" in result.stdout
    assert "━" not in result.output
    assert failing.exit_code == 1
    assert "处改错" not in failing.stdout
    assert "先使测试全部通过" in failing.output


def test_a_watch_takes_neither_json_nor_mutants(shell: Shell, folder: Path) -> None:
    """They are for one run."""
    assert shell.run("test", folder, "--watch", "--json", db=False).exit_code == 2
    assert shell.run("test", folder, "--watch", "--mutate", db=False).exit_code == 2
    assert shell.run("test", folder / "no", "--watch", db=False).exit_code == 2


@contextmanager
def watching(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[str], str]]]:
    """A running watch, and a function that waits until it says something new that contains a text."""
    log = folder.parent / "watch.txt"
    command = [sys.executable, "-m", "api.cli", "test", str(folder), "--watch"]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    read = 0

    def until(text: str) -> str:
        nonlocal read
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            said = log.read_text(encoding="utf-8")[read:]
            if text in said:
                read += len(said)
                return said
            assert process.poll() is None, said
            time.sleep(0.02)
        raise AssertionError(log.read_text(encoding="utf-8"))

    try:
        yield process, until
    finally:
        process.kill()
        process.wait()


def test_a_watch_follows_the_files_and_ends_quietly(folder: Path) -> None:
    """A change, a file half edited, the change taken back; then an interrupt ends it with code 0."""
    with watching(folder) as (process, until):
        first = until("等待改动")
        edit(folder, MEMORANDUM, "{gte: 100 万元}", "{gte: 200 万元}")
        failed = until("等待改动")
        edit(folder, MEMORANDUM, "memorandum: wages", "memorandum: [wages")
        broken = until("改好后自动运行")
        edit(folder, MEMORANDUM, "memorandum: [wages", "memorandum: wages")
        edit(folder, MEMORANDUM, "{gte: 200 万元}", "{gte: 100 万元}")
        mended = until("等待改动")
        process.send_signal(signal.SIGINT)
        code = process.wait(PATIENCE)
    rest = (folder.parent / "watch.txt").read_text(encoding="utf-8")

    assert "3 个通过，0 个失败" in first
    assert "2 个通过，1 个失败" in failed
    assert f"{MEMORANDUM}:" in broken
    assert "3 个通过，0 个失败" in mended
    assert code == 0
    assert "Traceback" not in rest
    assert "Keyboard" not in rest
