"""The guide for policy staff works as written: commands run, changes made, and every promised line is there."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import xlsxwriter

from tests.forked import forked

GUIDE = Path(__file__).parents[2] / "docs" / "policy-guide.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$|^((?:\|.*\|\n)+)", re.MULTILINE | re.DOTALL)
POLICY = "政策"


def blocks() -> Iterator[tuple[str, str]]:
    """The guide's fenced blocks by language, and its tables."""
    for match in BLOCK.finditer(GUIDE.read_text(encoding="utf-8")):
        yield (match[1], match[2]) if match[1] else ("table", match[3])


def surroundings(folder: Path) -> dict[str, str]:
    """What the commands find around them: a database of their own, and nothing of the developer's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XINHENG_")}
    return kept | {
        "XINHENG_DATABASE_URL": f"sqlite:///{folder}/credit.db", "XINHENG_SECRET_FILE": str(folder / "secret"),
        "COLUMNS": "200",
    }  # fmt: skip


def run(script: str, folder: Path, command: Path) -> str:
    """What a block of commands prints; one that fails ends it."""
    around = surroundings(folder)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=False, cwd=folder,
        env=around | {"PATH": f"{command}{os.pathsep}{around['PATH']}"},
    )  # fmt: skip
    expected_failure = "new memorandum" in script  # the guide says that its draft does not compile yet
    assert done.returncode == 0 or expected_failure, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def save_annex(table: str, path: Path) -> None:
    """The guide's table as the spreadsheet that it stands for."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("附件")
        for number, row in enumerate(rows[:1] + rows[2:]):
            sheet.write_row(number, 0, row)


def change(diff: str, folder: Path) -> None:
    """Make one change: the lines of the block follow each other in the file; `…` stands for the rest of a line."""
    first, *lines = diff.splitlines()
    path = folder / POLICY / first.removeprefix("--- ")
    text = path.read_text(encoding="utf-8").splitlines()
    old = [line[1:] for line in lines if line[0] != "+"]

    def like(line: str, wanted: str) -> bool:
        return line.startswith(wanted.removesuffix("…")) if wanted.endswith("…") else line == wanted

    (start,) = [
        n for n in range(len(text) - len(old) + 1)
        if all(like(text[n + i], wanted) for i, wanted in enumerate(old))
    ]  # fmt: skip
    kept = iter(text[start : start + len(old)])
    new = []
    for line in lines:
        if line[0] == "+":
            new.append(line[1:])
        else:
            standing = next(kept)
            if line[0] == " ":
                new.append(standing)
    text[start : start + len(old)] = new
    path.write_text("\n".join(text) + "\n", encoding="utf-8")


def test_from_an_annex_to_in_force_as_the_guide_says(tmp_path: Path) -> None:
    """No Python is written on the way, and each step shows what the guide says it shows."""
    (tmp_path / "bin").mkdir()
    with forked(tmp_path / "bin", surroundings(tmp_path)) as command:
        seen = followed(tmp_path, command)

    assert seen.count("sh") == 11
    assert seen.count("diff") == 4
    assert (tmp_path / "影响.html").read_text(encoding="utf-8").lstrip().startswith("<!doctype html>")


def followed(folder: Path, command: Path) -> list[str]:
    """Do what the guide says, block by block; the kinds of its blocks."""
    shown, seen = "", list[str]()
    for kind, body in blocks():
        seen.append(kind)
        match kind:
            case "table":
                save_annex(body, folder / "附件.xlsx")
            case "sh":
                shown = run(body, folder, command)
            case "diff":
                change(body, folder)
            case "yaml":
                name, text = body.split("\n", 1)
                (folder / POLICY / name.removeprefix("# ")).write_text(text, encoding="utf-8")
            case "text":
                plain = re.sub(r"\s+", "", shown)
                for line in body.splitlines():
                    assert re.sub(r"\s+", "", line) in plain, f"{line}\nis not in\n{shown}"
    return seen
