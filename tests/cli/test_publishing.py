"""policy …: from a folder of files into force, and back, by two persons at a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import update

from adapters.ledger import write
from adapters.ledger.tables import activations
from adapters.office import Office, PolicyProposal
from adapters.policy_checks import Examiner
from adapters.policy_files import read_bundle
from api.assembly import open_office
from api.settings import Settings
from engine.casework.model import Actor
from tests.adapters.bundle import FILES
from tests.adapters.publishing import B60, B70
from tests.adapters.support import APPROVER, PROPOSER
from tests.cli.conftest import Shell

ANNA, BERT = ("--as", "finance", "--officer", "甲"), ("--as", "tax", "--officer", "乙")
WRONG = """tests: arrears
cases:
  - {name: 公示, as_of: 2026-03-02, subject: enterprise, expect: {fires: [repeat]}}
"""


@pytest.fixture
def own(tmp_path: Path) -> Shell:
    """A database of its own with the small policy in force."""
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with open_office(Settings(database_url=url), serving=False) as office:
        people = Actor("finance", "甲"), Actor("tax", "乙")
        office.bootstrap_policy(FILES, proposed_by=people[0], approved_by=people[1])
    return Shell(url)


def activated(own: Shell, files: Mapping[str, str]) -> str:
    """Another version in force, whose checks are not what is looked at."""
    with open_office(Settings(database_url=own.url), serving=False) as opened:
        means = opened.context
        office = Office(
            means.engine, evaluator=means.evaluator, clock=means.clock, secret=means.secret, signer=means.signer,
            examiner=Examiner(apart=False, wanted=frozenset()),
        )  # fmt: skip
        version = office.propose_policy(PROPOSER, PolicyProposal(files, "试验")).version
        return office.approve_policy(APPROVER, version).version


def folder(path: Path, files: Mapping[str, str]) -> Path:
    """A bundle on disk."""
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text, encoding="utf-8")
    return path


def test_a_bundle_goes_into_force_and_back(own: Shell, tmp_path: Path) -> None:
    """Proposed for a day, approved, withdrawn; and another version is rolled back; the history tells it all."""
    began = own.data("policy", "show")["version"]
    good = folder(tmp_path / "good", B60)
    proposed = own.run("policy", "propose", good, "--reason", "门槛调整", "--from", "2031-01-01", *ANNA)
    version = proposed.stdout.strip()
    short = version[:8]
    shown = own.run("policy", "show", short)
    same = own.run("policy", "approve", short, *ANNA)
    pending = own.run("policy", "approve", short, "--remark", "同意", *BERT)
    withdrawn = own.run("policy", "withdraw", short, "--reason", "不办了", *ANNA)
    settled = own.run("policy", "approve", short, *BERT)
    second = activated(own, B70)
    back = own.run("policy", "rollback", "--reason", "误伤", *BERT)
    history = own.data("policy", "history")
    log = own.run("policy", "changelog")

    assert proposed.exit_code == 0, proposed.output
    assert "门槛调整" in shown.stdout
    assert "没有结论 规则旁的测试" in shown.stdout
    assert "修改备忘录“拖欠工资合作备忘录”（arrears）" in shown.stdout
    assert "2031-01-01" in shown.stdout
    assert same.exit_code == 3
    assert pending.stdout == f"{version} 自 2031-01-01 起施行\n"
    assert withdrawn.stdout == f"{version} 已撤回\n"
    assert settled.exit_code == 5
    assert back.stdout == f"{began} 已恢复施行\n"
    assert [(h["version"], h["state"]) for h in history] == [
        (began, "in-force"), (second, "past"), (version, "withdrawn"), (began, "past"),
    ]  # fmt: skip
    assert own.data("policy", "show")["version"] == began
    assert log.stdout.count("\n## ") == 3
    assert "- 批准：tax/乙" in log.stdout


def test_a_bundle_that_fails_is_told_place_by_place(own: Shell, tmp_path: Path) -> None:
    """Exit code 1, each finding with its file and line."""
    bad = folder(tmp_path / "bad", {**B60, "memoranda/arrears.test.yaml": WRONG})
    looked = own.run("policy", "check", bad, "--as", "finance")

    assert looked.exit_code == 1
    assert "memoranda/arrears.test.yaml:3:" in looked.stdout
    assert "没有通过 规则旁的测试" in looked.stdout
    assert "通过 编译" in looked.stdout


def test_wrong_uses(own: Shell, tmp_path: Path) -> None:
    """Each with its own exit code, and a word on what is wrong."""
    path = folder(tmp_path / "good", B70)
    for words, code, word in (
        (("propose", path, *ANNA), 1, "理由"),
        (("propose", path, "--reason", "x", "--from", "明天", *ANNA), 2, "2027-01-31"),
        (("propose", path, "--reason", "x", "--base", "0" * 64, *ANNA), 5, "政策已变"),
        (("check", path), 2, "--as"),
        (("approve", "0" * 64, *BERT), 4, "未找到"),
        (("rollback", "--reason", "x", *BERT), 5, "没有可以直接回退的版本"),
    ):  # fmt: skip
        result = own.run("policy", *words)

        assert (result.exit_code, word in result.output) == (code, True), (words, result.output)


def test_the_files_of_a_version_come_back_as_they_were(own: Shell, tmp_path: Path) -> None:
    """Into an empty folder only, so that nothing is overwritten or mixed."""
    version = own.data("policy", "show")["version"]
    written = own.run("policy", "files", version[:10], "--out", tmp_path / "out")
    twice = own.run("policy", "files", version[:10], "--out", tmp_path / "out")

    assert written.exit_code == 0, written.output
    assert {name: bytes(text).decode() for name, text in read_bundle([tmp_path / "out"]).items()} == FILES  # type: ignore[arg-type]
    assert (twice.exit_code, "不是空的" in twice.output) == (2, True)


def test_verifying_finds_what_was_changed_and_the_rest_refuses_to_run(own: Shell) -> None:
    """Exit code 1 with what is wrong; whatever needs the policy ends with 6 and says where to look."""
    clean = own.run("policy", "verify")
    with open_office(Settings(database_url=own.url), serving=False) as office, write(office.context.engine) as conn:
        conn.execute(update(activations).values(approved_by="tax/丙"))
    found = own.run("policy", "verify")
    data = json.loads(own.run("policy", "verify", "--json").stdout)
    filed = own.run("policy", "show")

    assert (clean.exit_code, clean.stdout.splitlines()[-1]) == (0, "1 个版本，1 次启用，0 处不符")
    assert clean.stdout.startswith("签署的公钥：")
    assert (found.exit_code, "与签名不符" in found.stdout) == (1, True)
    assert [f["problem"] for f in data["findings"]] == ["启用记录与签名不符", "启用记录与事件日志里的不符"]
    assert (filed.exit_code, "xinheng policy verify" in filed.output) == (6, True)
