"""The procedures of the default bundle: the page on them is current, and what they cite as read stands in its text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.law_texts import read_law_texts
from adapters.policy_files import read_bundle
from api.cli import app
from engine.compiler import compile_policy
from engine.language.ir import ListDef, Policy
from engine.language.procedures import as_page
from tests.policy.test_citations import LAWS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "procedures.md"
ARTICLE = re.compile(r"第[一二三四五六七八九十百零]+条")
MARKS = ("已对照", "未核对", "本地设定")


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The default bundle."""
    compiled = compile_policy(read_bundle(()))
    assert compiled.policy is not None
    return compiled.policy


def claims(listed: ListDef) -> list[str]:
    """What a list says of where its stages and clocks come from, clause by clause."""
    return [
        clause
        for source in listed.procedure.sources.values()
        for clause in re.split("[；。]", source)
        if clause.strip()
    ]


def test_the_page_is_current(policy: Policy) -> None:
    """`xinheng procedures --out docs/procedures.md` has been run since the lists changed."""
    assert as_page(policy) == PAGE.read_text(encoding="utf-8")


def test_the_command_writes_the_page(tmp_path: Path, policy: Policy) -> None:
    """To a file and to the screen."""
    path = tmp_path / "procedures.md"

    written = CliRunner().invoke(app, ["procedures", "--out", str(path)])
    shown = CliRunner().invoke(app, ["procedures"])

    assert (0, as_page(policy)) == (written.exit_code, path.read_text(encoding="utf-8"))
    assert (0, as_page(policy)) == (shown.exit_code, shown.stdout)


def test_the_command_lists_the_errors_of_a_broken_policy() -> None:
    """There is no page on a policy that does not compile."""
    broken = ROOT / "tests" / "language" / "broken" / "XH175-ladder-without-end"

    result = CliRunner().invoke(app, ["procedures", str(broken)])

    assert result.exit_code == 1
    assert "XH175" in result.stderr


def test_every_list_says_where_its_clocks_come_from(policy: Policy) -> None:
    """Each stage and clock that a list sets has a source, marked as read, as not read, or as set here."""
    unmarked = [
        (listed.id, name)
        for listed in policy.lists.values()
        for name, source in listed.procedure.sources.items()
        if not any(mark in source for mark in MARKS)
    ]
    procedures = {listed.id: listed.procedure for listed in policy.lists.values()}
    missing = [
        (identifier, name)
        for identifier, procedure in procedures.items()
        for name in (*procedure.upstream, "publicity", "term", "objection", "ends")
        if name not in procedure.sources
    ]

    assert unmarked == []
    assert missing == []


@pytest.mark.skipif(not LAWS.is_dir(), reason="the law texts are not here (XINHENG_LAWS)")
def test_what_is_called_read_stands_in_its_text(policy: Policy) -> None:
    """A clause marked 已对照 names articles that its law has, and only laws whose text is held."""
    texts = read_law_texts(LAWS)
    held = {
        law.title.removeprefix("中华人民共和国"): texts[file].articles
        for law in policy.laws.values()
        for file in re.findall(r"^text: (.+)$", policy.sources[f"rules/laws/{law.id}.yaml"], re.MULTILINE)
    }
    faults, found = [], 0
    for listed in policy.lists.values():
        for clause in claims(listed):
            if "已对照" not in clause:
                continue
            laws = sorted((title for title in held if title in clause), key=len)
            for article in ARTICLE.findall(clause) if laws else ():
                found += 1
                if not any(article in held[title] for title in laws):
                    faults.append((listed.id, clause, article))

    assert faults == []
    assert found > 100


def test_incentives_are_shown_before_and_sanctions_told_before(policy: Policy) -> None:
    """Henan regulation art. 28, by whoever makes the decision."""
    here = {listed.id: listed for listed in policy.lists.values() if listed.procedure.decision}
    unseen = [i for i, found in here.items() if found.kind == "incentive" and not found.procedure.pre_publicity]
    untold = [i for i, found in here.items() if found.kind != "incentive" and not found.procedure.notice]

    assert (unseen, untold) == ([], [])


def test_what_proves_a_stage_can_no_longer_change(policy: Policy) -> None:
    """Facts a subject can still change are debts, corrections, promises and consents, never dates or conduct."""
    changeable = {
        fact.name for listed in policy.lists.values() for fact in listed.facts.values() if fact.changeable
    }  # fmt: skip

    assert {
        "amount_outstanding", "amount_owed", "arrears_outstanding", "consent", "cooperative_member", "corrected",
        "credit_consent", "cured", "explanation_given", "guarantee_given", "hazard_rectified", "overdue_loan",
        "paid_in_full", "payment_guarantee_missing", "personal_large_debt", "promise_given", "public_commitment",
        "rectified",
    } == changeable  # fmt: skip
