"""fmt, new, export: what policy staff use who write."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from adapters.authoring.annex_files import xlsx_annex
from engine.workbench.annex import AnnexRow
from tests.cli.conftest import Shell
from tests.language.bundles import GOOD

DRAFT = ("--id", "wages-2026", "--list", "wage-arrears", "--title", "新的备忘录", "--from", "2026-12-01")
BOTH = ("memoranda/wages-2026.yaml", "memoranda/wages-2026.test.yaml")


@pytest.fixture
def shell() -> Shell:
    """None of these commands needs a database."""
    return Shell("")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The small sound bundle, to be changed."""
    return Path(shutil.copytree(GOOD, tmp_path / "bundle"))


def annex(folder: Path, *rows: AnnexRow) -> Path:
    """A workbook with these rows."""
    path = folder / "附件.xlsx"
    path.write_bytes(xlsx_annex(rows, "附件"))
    return path


FOUND = AnnexRow("依法限制参加政府采购活动", "《保障农民工工资支付条例》第四十八条", "财政局", number="1")
UNFOUND = AnnexRow("禁止从事气象预报", "《气象法》", "气象局", number="2")


def test_fmt_writes_what_it_has_to_and_keeps_the_mode(shell: Shell, bundle: Path) -> None:
    """Looking first, with `--check` and `--diff`, changes nothing and fails; afterwards nothing is left to do."""
    path = bundle / "rules/departments/finance.yaml"
    path.write_text(
        "department: finance\nkind: administrative\nlevel: county\ntitle: '财政局' # 注\n", encoding="utf-8"
    )
    path.chmod(0o640)
    before = path.read_bytes()

    check = shell.run("fmt", path, "--check", db=False)
    diff = shell.run("fmt", path, "--diff", db=False)
    assert (check.exit_code, diff.exit_code, path.read_bytes()) == (1, 1, before)
    assert f"须改动 {path}" in check.stdout
    assert "-title: '财政局' # 注" in diff.stdout
    assert "+title: 财政局  # 注" in diff.stdout

    done = shell.run("fmt", bundle, db=False)
    again = shell.run("fmt", bundle, "--check", "--json", db=False)
    assert (done.exit_code, again.exit_code) == (0, 0)
    assert path.read_text(encoding="utf-8") == (
        "department: finance\ntitle: 财政局  # 注\nlevel: county\nkind: administrative\n"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert json.loads(again.stdout) == {"changed": [], "unreadable": [], "files": 23}


def test_fmt_leaves_alone_what_it_cannot_read(shell: Shell, bundle: Path) -> None:
    """With the place, exit code 1; the other files are done all the same."""
    bad, good = bundle / "rules/departments/finance.yaml", bundle / "rules/departments/banks.yaml"
    bad.write_text("department: finance\ntitle: [\n", encoding="utf-8")
    good.write_text("department:   banks\ntitle: 银行\nlevel: county\nkind: market\n", encoding="utf-8")

    result = shell.run("fmt", bundle / "rules/departments", db=False)

    assert result.exit_code == 1
    assert f"{bad}:3:1" in result.stderr
    assert bad.read_text(encoding="utf-8") == "department: finance\ntitle: [\n"
    assert good.read_text(encoding="utf-8").startswith("department: banks\n")
    assert [path.name for path in bad.parent.iterdir() if path.name.startswith(".")] == []


def test_a_new_memorandum_in_which_all_is_found_is_ready_to_check_and_test(shell: Shell, bundle: Path) -> None:
    """From an xlsx annex to files that compile, are formatted, and have a test; never over files that are there."""
    file = annex(bundle.parent, FOUND)

    result = shell.run("new", "memorandum", file, *DRAFT, "--out", bundle, "--json", db=False)
    made = json.loads(result.stdout)

    assert (result.exit_code, made["rules"], made["marks"], made["compiles"]) == (0, 1, [], True)
    assert made["files"] == [str(bundle / path) for path in BOTH]
    tested = shell.run("test", bundle, db=False).stdout
    assert ("wages-2026" not in tested, "4 个通过" in tested) == (True, True), tested
    assert shell.run("fmt", *(bundle / path for path in BOTH), "--check", db=False).exit_code == 0
    again = shell.run("new", "memorandum", file, *DRAFT, "--out", bundle, db=False)
    assert (again.exit_code, "没有写入任何文件" in again.stderr) == (3, True)
    assert shell.run("new", "memorandum", file, *DRAFT, "--out", bundle, "--force", db=False).exit_code == 0


def test_a_new_memorandum_says_what_is_open(shell: Shell, bundle: Path) -> None:
    """What was not found is written with a mark, and the compiler's words say what keeps it from being in force."""
    file = annex(bundle.parent, FOUND, UNFOUND)

    result = shell.run("new", "memorandum", file, *DRAFT, "--out", bundle, db=False)

    text = (bundle / BOTH[0]).read_text(encoding="utf-8")
    assert result.exit_code == 0, result.output
    assert "2 条规则，新建 1 项措施；" in result.stdout
    assert "memoranda/wages-2026.yaml" in result.stdout
    assert "XH052 没有部门“to-be-named”" in result.stdout
    assert "还不能编译" in result.stdout
    assert "# 待核：没有找到实施单位“气象局”" in text
    assert (bundle / "rules/measures/wages-2026-1.yaml").is_file()
    assert not (bundle / BOTH[1]).exists()


def test_a_bad_annex_or_a_wrong_list_writes_nothing(shell: Shell, bundle: Path) -> None:
    """Each with its exit code and what to do."""
    file = annex(bundle.parent, FOUND)
    csv = bundle.parent / "a.csv"
    csv.write_text("措施,依据,单位\n", encoding="utf-8")
    before = sorted(bundle.rglob("*"))
    calls = {
        "只能读 .xlsx 和 .docx": (1, csv, DRAFT),
        "读不了": (2, bundle.parent / "no.xlsx", DRAFT),
        "是不是 wage-arrears": (4, file, (*DRAFT[:2], "--list", "wage-arears", *DRAFT[4:])),
        "--id": (2, file, ("--id", "名", *DRAFT[2:])),
    }

    for words, (code, path, options) in calls.items():
        result = shell.run("new", "memorandum", path, *options, "--out", bundle, db=False)
        told = "".join(result.stderr.split())  # a long path wraps the line
        assert (result.exit_code, "".join(words.split()) in told) == (code, True), result.output
    assert sorted(bundle.rglob("*")) == before


def test_an_annex_comes_back_from_the_command_line(shell: Shell, bundle: Path) -> None:
    """Exported to Word, drafted again from it."""
    file = bundle.parent / "annex.docx"

    out = shell.run("export", "annex", "wages", bundle, "--out", file, db=False)
    made = shell.run("new", "memorandum", file, *DRAFT, "--out", bundle, "--json", db=False)

    assert (out.exit_code, made.exit_code) == (0, 0), out.output
    assert "5 项措施，5 行" in out.stdout
    assert json.loads(made.stdout)["new_measures"] == []
    assert shell.run("export", "annex", "wage", bundle, "--out", file, db=False).exit_code == 4
    assert shell.run("export", "annex", "wages", bundle, "--out", "annex.csv", db=False).exit_code == 2


@pytest.mark.parametrize("form", [".html", ".docx"])
def test_a_rule_book_is_written(shell: Shell, bundle: Path, form: str) -> None:
    """For all memoranda or some; one that does not exist is not found."""
    file = bundle.parent / "books" / f"book{form}"

    result = shell.run("export", "rulebook", bundle, "--out", file, "--only", "wages", db=False)

    assert (result.exit_code, file.stat().st_size > 5_000) == (0, True), result.output
    assert "1 份名单，1 件备忘录，5 条规则" in result.stdout
    assert shell.run("export", "rulebook", bundle, "--out", file, "--only", "no", db=False).exit_code == 4
    assert shell.run("export", "rulebook", bundle, "--out", "book.txt", db=False).exit_code == 2
