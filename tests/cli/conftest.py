"""A database of its own with the default bundle in force, and a way to run commands on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from api.assembly import LateEngines
from api.cli import app
from engine.compiler import Compiled, Workspace
from engine.identity import organisation_check_character

WAGES = {
    "amount_owed": "120 万元", "workers": "60", "mass_incident": True, "extreme_incident": False,
    "able_but_refusing": True, "construction_sector": True, "works_owner": False, "paid_in_full": False,
    "conduct": "crime-threshold", "decision_number": "长人社欠〔2026〕1号", "decision_date": "2026-03-02",
    "notice_date": "2026-02-10", "service_date": "2026-03-04", "service_proof": "长人社送〔2026〕1号",
}  # fmt: skip


def enterprise(number: int) -> str:
    """A well-formed code."""
    body = f"91410783MACKE{number:04d}"
    return body + organisation_check_character(body)


@dataclass(frozen=True)
class Shell:
    """Runs commands on one database."""

    url: str

    def run(self, *words: object, db: bool = True) -> Result:
        """A command and what it did; the database option is added."""
        end = ["--db", self.url] if db else []
        return CliRunner().invoke(app, [*map(str, words), *end])

    def data(self, *words: object) -> Any:
        """What a command that has to succeed says with `--json`."""
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def filed(self, folder: Path, number: int) -> Any:
        """A fresh case of an enterprise, filed from a JSON file."""
        path = folder / f"filing-{number}.json"
        subject = {"kind": "enterprise", "code": enterprise(number), "name": f"测试企业{number}"}
        path.write_text(json.dumps({"list": "wage-arrears", "subject": subject, "facts": WAGES}), encoding="utf-8")
        (line,) = self.data("file", path, "--as", "human-resources", "--officer", "王芳")
        return line


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """One database for the whole session; tests use subjects of their own."""
    shell = Shell(f"sqlite:///{tmp_path_factory.mktemp('cli') / 'cli.db'}")
    assert shell.run("keys", "issue", "audit", "--role", "auditor").exit_code == 0
    return shell


@cache
def compiled(files: frozenset[tuple[str, str | bytes]]) -> Compiled:
    """What the compiler makes of a bundle."""
    return Workspace().compile(dict(files))


class Lent:
    """Engines that outlive the command which closes them."""

    def __init__(self, engines: LateEngines) -> None:
        self.decide = engines.decide

    def close(self) -> None:
        """Whoever lent them stops them."""


@pytest.fixture(scope="session")
def engines() -> Iterator[LateEngines]:
    """The engine processes of all commands."""
    with closing(LateEngines(1)) as engines:
        yield engines


@pytest.fixture(autouse=True)
def warm(monkeypatch: pytest.MonkeyPatch, engines: LateEngines) -> None:
    """Commands in this process compile a bundle once, and share their engines: a second each, which proves nothing."""

    def compile_policy(files: Mapping[str, str | bytes]) -> Compiled:
        return compiled(frozenset(files.items()))

    monkeypatch.setattr("engine.compiler.compile_policy", compile_policy)
    monkeypatch.setattr("api.assembly.LateEngines", lambda _: Lent(engines))


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own surroundings."""
    for name in ("XINHENG_DATABASE_URL", "XINHENG_KEY", "XINHENG_OFFICER"):
        monkeypatch.delenv(name, raising=False)
