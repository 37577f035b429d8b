"""`xinheng audit`: who looked, decisions found, samples, duties, reversals; for people, for programs, as workbooks."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zipfile import ZipFile

import pytest
from python_calamine import CalamineWorkbook

from adapters.reports import SheetTable, audit_sheet
from api.cli.common import WIDE, console
from tests.cli.conftest import Shell

FORMULAS = ('=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", "http://x.example", "{=1}", "0123")


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines as long as in a pipe, whatever the runner sets."""
    monkeypatch.setattr(console, "width", WIDE)


@pytest.fixture(scope="module")
def case(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A case that was annulled."""
    filed = shell.filed(tmp_path_factory.mktemp("desk"), 9001)["case"]
    done = shell.run(
        "end", filed, "--ground", "annulment", "--reason", "认定有误", "--as", "human-resources", "--officer", "王芳"
    )
    assert done.exit_code == 0, done.output
    return str(filed)


def test_a_purpose_on_the_command_line_is_on_record(shell: Shell, case: str) -> None:
    """Explaining a case leaves a look; the auditor finds it with its purpose, and one without is said to have none."""
    told = shell.data("explain", case, "--purpose", "复核甲")
    shell.data("explain", case)
    text = shell.run("audit", "looks", told["document"]["facts"]["subject"]).stdout
    looks = shell.data("audit", "looks", "--case", case)["items"]

    assert {(i["purpose"], i["stated"]) for i in looks} >= {("复核甲", True), ("未说明用途", False)}
    assert "复核甲" in text
    assert "（未说明用途）" in text


def test_a_case_is_explained_as_others_see_it(shell: Shell, case: str) -> None:
    """The subject and a department see less than the auditor; a department that owes nothing sees no case."""
    whole = shell.data("explain", case)
    finance = shell.data("explain", case, "--as", "finance")
    subject = shell.data("explain", case, "--as", "subject")
    text = shell.run("explain", case, "--as", "finance").stdout

    assert (whole["audience"], finance["audience"], subject["audience"]) == ("auditor", "implementer", "subject")
    assert {o["department"] for o in finance["document"]["obligations"]} == {"finance"}
    assert "salt" in whole["document"]["facts"]
    assert "salt" not in {**finance["document"]["facts"], **subject["document"]["facts"]}
    assert "以实施部门所见" in text
    assert shell.run("explain", case, "--as", "forestry", "--why-not", "finance").exit_code in {3, 4}


def test_decisions_are_found_and_drawn(shell: Shell, case: str) -> None:
    """In a table with words; a sample says what another auditor needs."""
    found = shell.data("audit", "find", "--rule", "wage-arrears-2017-2058/procurement", "--outcome", "annulment")
    text = shell.run("audit", "find", "--implementer", "finance", "--outcome", "annulment").stdout
    drawn = shell.data("audit", "sample", "--seed", "甲", "--size", "5", "--by", "department")
    again = shell.data(
        "audit", "sample", "--seed", "甲", "--size", "5", "--by", "department", "--before", drawn["until"]
    )

    assert case in {i["case"] for i in found["items"]}
    assert "撤销" in text
    assert again == drawn
    assert shell.run("audit", "sample", "--seed", "甲", "--by", "nothing").exit_code == 2
    assert shell.run("audit", "find", "--article", "第一条").exit_code == 1


def test_each_is_written_as_a_workbook(shell: Shell, case: str, tmp_path: Path) -> None:
    """With how it was asked on the first sheet."""
    assert case
    commands = {
        "looks": ["--case", case], "find": ["--list", "wage-arrears"], "sample": ["--seed", "甲"],
        "duties": ["--department", "finance"], "reversals": [],
    }  # fmt: skip
    for name, words in commands.items():
        path = tmp_path / f"{name}.xlsx"
        result = shell.run("audit", name, *words, "--xlsx", path)
        assert result.exit_code == 0, result.output
        book = CalamineWorkbook.from_path(path)

        assert book.sheet_names[0] == "怎样查的"
        assert all(book.get_sheet_by_name(n).to_python()[0] for n in book.sheet_names)
    assert shell.run("audit", "find", "--xlsx", tmp_path / "no" / "such.xlsx").exit_code == 2


def test_people_read_what_was_not_done_and_what_was_reversed(shell: Shell, case: str) -> None:
    """With the article that makes officials liable, and the rate."""
    duties = shell.run("audit", "duties", "--duty", "carry-out").stdout
    reversed_ = shell.run("audit", "reversals", "--list", "wage-arrears").stdout

    assert "《河南省社会信用条例》第六十五条" in duties
    assert case in reversed_
    assert "撤销" in reversed_
    assert shell.run("audit", "duties", "--duty", "x").exit_code == 2


def test_the_desk_is_the_auditors(shell: Shell) -> None:
    """A key with another role is refused."""
    token = shell.data("keys", "issue", "finance", "--role", "implementer")["token"]

    assert shell.run("audit", "find", "--key", token).exit_code == 3


def test_no_text_is_a_formula_or_a_link(tmp_path: Path) -> None:
    """Whatever a text begins with, it stays a text; and equal content is an equal file."""
    day = dt.date(2026, 11, 25)
    paths = [tmp_path / "a.xlsx", tmp_path / "b.xlsx"]
    for path in paths:
        audit_sheet(
            {"种子": FORMULAS[0]}, [SheetTable("表", ("一", "二"), [(f, 1) for f in FORMULAS])], path, today=day
        )
    rows = CalamineWorkbook.from_path(paths[0]).get_sheet_by_name("表").to_python()
    with ZipFile(paths[0]) as book:
        sheets = "".join(book.read(n).decode() for n in book.namelist() if n.startswith("xl/worksheets"))

    assert [row[0] for row in rows[1:]] == list(FORMULAS)
    assert "<f>" not in sheets
    assert "hyperlink" not in sheets
    assert paths[0].read_bytes() == paths[1].read_bytes()
