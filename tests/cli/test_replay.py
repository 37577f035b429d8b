"""`xinheng replay`, on a database with cases: one, one case, all; with and without differences."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.cli.conftest import Shell

NUMBERS = itertools.count(7_100)


@pytest.fixture
def case(shell: Shell, tmp_path: Path) -> str:
    """The id of a case of one's own."""
    return str(shell.filed(tmp_path, next(NUMBERS))["case"])


def test_one_decision_and_one_case(shell: Shell, case: str) -> None:
    """Each question; people see words, programs JSON."""
    for question in ("--as-decided", "--by-todays-rules", "--knowing-now"):
        whole = shell.data("replay", case, question)
        one = shell.data("replay", whole["decisions"][0]["digest"], question)

        assert [d["outcome"] for d in whole["decisions"]] == ["same"]
        assert (whole["casework"]["changes"], one["casework"]) == ([], None)
        assert one["decisions"] == whole["decisions"]
    said = shell.run("replay", case).output
    assert "一致" in said
    assert "事件重放所得与所存数据一致" in said


def test_everything_by_both_engines_and_by_two_processes(shell: Shell, case: str) -> None:
    """The nightly sample; and all, shared out."""
    sample = shell.data("replay", "--all", "--engine", "both", "--sample", "3")
    alone = shell.data("replay", case, "--engine", "durable")
    whole = shell.data("replay", "--all", "--jobs", "2")

    assert (sample["engine"], sample["different"], alone["decisions"][0]["outcome"]) == ("both", [], "same")
    assert 1 <= sample["decisions"] <= 3
    assert whole["decisions"] >= whole["cases"] >= 1
    assert (whole["different"], whole["casework"]) == ([], [])
    assert "每秒" not in shell.run("replay", "--all", "--sample", "1").output


def test_rows_changed_from_outside_end_with_one(shell: Shell, case: str) -> None:
    """The difference is named; put right again, there is none."""
    engine = create_engine(shell.url)
    change = text("UPDATE cases SET unclosed = unclosed + :n WHERE id = :case")
    with engine.begin() as conn:
        conn.execute(change, {"n": 1, "case": case})
    try:
        found = shell.run("replay", case)
        machine = shell.run("replay", case, "--json")
    finally:
        with engine.begin() as conn:
            conn.execute(change, {"n": -1, "case": case})
        engine.dispose()

    assert (found.exit_code, machine.exit_code) == (1, 1)
    assert "case.unclosed" in found.output
    assert [c["about"] for c in json.loads(machine.stdout)["casework"]["changes"]] == ["case.unclosed"]
    assert shell.run("replay", case).exit_code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2), (("--all", "x"), 2), (("x", "--sample", "3"), 2), (("--all", "--jobs", "0"), 2),
        (("x", "--knowing-now", "--by-todays-rules"), 2), (("x",), 4), (("0" * 64,), 4),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(shell: Shell, words: tuple[str, ...], code: int) -> None:
    """Usage, and what is not there."""
    assert shell.run("replay", *words).exit_code == code
