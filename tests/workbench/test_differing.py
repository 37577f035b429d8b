"""Differences between the default bundle and edited copies: the verdict, whom it concerns, and a witness."""

from __future__ import annotations

import datetime as dt
from functools import cache

import pytest

from adapters.policy_files import read_bundle
from engine.compiler import Workspace, compile_policy
from engine.decision.model import Facts, Record, RelatedPerson, Response
from engine.decision.reference import decide
from engine.language.ir import Policy
from engine.workbench.as_tests import as_test, case_text
from engine.workbench.attributes import Change
from engine.workbench.differing import Difference, diff, summarise
from engine.workbench.mutation import mutants
from engine.workbench.policy_tests import facts_of, run_tests
from tests.adapters.bundle import FILES

DAY = dt.date(2026, 11, 24)
WAGES, WAGE_LIST = "memoranda/wage-arrears-2017-2058.yaml", "rules/lists/wage-arrears.yaml"
FARMERS, LIMITS = "memoranda/credit-household-2017.yaml", "rules/tables/farmer-credit.yaml"
MODELS = "memoranda/honesty-models-2017-132.yaml"
EITHER = "        - {mass_incident: true}\n        - {extreme_incident: true}\n"
FUNDS = "by: [finance, development-reform, industry-information]"

LOANS = "    unless: {paid_in_full: true}\n    then:\n      - advise: credit-caution\n        by: [banks, rural"
TWO = "{any: [{paid_in_full: true}, {works_owner: true}]}"

EDITS: dict[str, tuple[str, str, str, str]] = {
    "a double negation": (WAGES, EITHER, EITHER.replace("{mass_incident: true}", "{not: {mass_incident: false}}"),
                          "equivalent"),
    "de Morgan": (WAGES, EITHER, "        - {not: {all: [{mass_incident: false}, {extreme_incident: false}]}}\n",
                  "equivalent"),
    "a title": (WAGES, "title: 公示列入信息", "title: 公示信息", "equivalent"),
    "a lower threshold": (WAGES, "{amount_owed: {gte: 100 万元}}", "{amount_owed: {gte: 80 万元}}", "stricter"),
    "one department less": (WAGES, FUNDS, "by: [finance, development-reform]", "milder"),
    "another department": (WAGES, FUNDS, "by: [finance, development-reform, tax]", "incomparable"),
    "a longer listing": (WAGE_LIST, "length: 3 years", "length: 5 years", "stricter"),
    "an exception more": (WAGES, LOANS, LOANS.replace("{paid_in_full: true}", TWO), "milder"),
    "a favour withdrawn": (FARMERS, "grade: {in: [AAA, AA]}}", "grade: AAA}", "stricter"),
    "a higher cap": (LIMITS, "cap: ", "cap: 1", "milder"),
    "a basis dropped from what is owed": (WAGES, "        after: [publish-listing]\n        basis:\n",
                                          "        basis:\n", "incomparable"),
}  # fmt: skip


@cache
def _workspace() -> tuple[Workspace, dict[str, str]]:
    files = {p: bytes(text).decode() for p, text in read_bundle().items()}  # type: ignore[arg-type]
    return Workspace(), {path: text for path, text in files.items() if not path.endswith(".test.yaml")}


def compiled(path: str = "", old: str = "", new: str = "") -> Policy:
    """The default bundle, with one edit."""
    workspace, files = _workspace()
    if path:
        assert old in files[path]
        files = files | {path: files[path].replace(old, new, 1)}
    policy = workspace.compile(files).policy
    assert policy is not None
    return policy


@cache
def difference(name: str) -> tuple[Policy, Policy, Difference]:
    """Both policies and what was found between them."""
    path, old, new, _ = EDITS[name]
    before, after = compiled(), compiled(path, old, new)
    return before, after, diff(before, after, DAY)


@cache
def small(**edits: tuple[str, str]) -> Policy:
    """The small bundle of the adapters' tests; edits: the last part of a path → old and new text."""
    files = dict(FILES)
    for name, (old, new) in edits.items():
        (path,) = [p for p in files if p.endswith(f"/{name.replace('_', '-')}.yaml") and old in files[p]]
        files[path] = files[path].replace(old, new)
    policy = compile_policy(files).policy
    assert policy is not None
    return policy


def owed(policy: Policy, change: Change) -> set[str]:
    """The departments that owe (or are advised) the measure of a change about its witness."""
    assert change.witness is not None
    decision = decide(policy, change.witness)
    return {
        o.department
        for o in (*decision.obligations, *decision.advice)
        if o.measure == change.measure and o.target_role == change.role
    }


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_copy_gets_its_verdict(name: str) -> None:
    """Everything is decided, and each witness is treated differently by the two policies' interpreters."""
    before, after, found = difference(name)

    assert (found.verdict, found.undecided) == (EDITS[name][3], ())
    for change in found.changes:
        if change.area == "obligation":
            gained = change.message.startswith("新增")
            has, lacks = (after, before) if gained else (before, after)
            assert set(change.departments) <= owed(has, change)
            assert not set(change.departments) & owed(lacks, change)
        if change.area == "limit":
            assert change.witness is not None
            amounts = [[limit.amount for limit in decide(p, change.witness).limits] for p in (before, after)]
            assert amounts[0] != amounts[1]


@pytest.mark.parametrize("edit", [("50 万元", "40 万元"), (", by: [transport]", ", by: [transport, tax]")])
def test_the_way_back_is_the_opposite(edit: tuple[str, str]) -> None:
    """What is stricter one way is milder the other."""
    before, after = small(), small(arrears=edit)

    assert (diff(before, after, DAY).verdict, diff(after, before, DAY).verdict) == ("stricter", "milder")


def test_a_measure_exchanged_for_another_is_told_as_such() -> None:
    """Subjects above the lowered threshold are supervised where they were inspected more often: told as such."""
    _, _, found = difference("a lower threshold")
    (lost,) = [c for c in found.changes if c.message.startswith("取消")]

    assert (lost.measure, lost.sense) == ("raised-inspection-frequency", "even")
    assert "与同等的另一措施互换" in lost.message


def test_a_change_names_departments_kinds_and_rule() -> None:
    """Whom it concerns can be read off."""
    _, _, found = difference("one department less")
    (change,) = found.changes

    assert change.departments == ("industry-information",)
    assert change.kinds == ("enterprise", "sole-trader", "social-organisation", "natural-person")
    assert "工业和信息化局不再采取“限制补贴性资金和政府资金支持”" in change.message


def test_equal_policies_are_equivalent_at_once() -> None:
    """Nothing is asked of the solver."""
    assert diff(compiled(), compiled(), DAY, effort=1) == Difference((), ())


def test_a_question_beyond_the_effort_is_no_equivalence() -> None:
    """A refactoring that could not be proved is unknown."""
    other = small(arrears=("{subject.kind: enterprise}", "{not: {subject.kind: natural-person}}"))

    assert diff(small(), other, DAY).verdict == "equivalent"
    assert diff(small(), other, DAY, effort=1).verdict == "unknown"


def test_the_changelog_opens_with_the_verdict() -> None:
    """And has a line a change."""
    lines = summarise(small(), small(arrears=(", by: [transport]", ", by: [transport, tax]")), DAY)

    assert lines[0] == "更严"
    assert len(lines) == 2


# --- nothing passes unseen, and nothing is told that is not so --------------------------------------------------------

SAME = ("答复为‘不适用’”改为“任一实施部门", "收入不低于 10 万元”改为“收入不低于 99999.99 元")
"""Mistakes that change nothing: only one department owes the measure; the row's gap is not a whole number of fen."""


def test_no_mistake_passes_for_a_refactoring() -> None:
    """Of all small mistakes in a policy each is told, unless it means the same; each witness shows what is told."""
    before = small()
    for mutant in list(mutants(before))[::4]:
        found = diff(before, mutant.policy, DAY)
        means_the_same = any(words in mutant.change for words in SAME)
        assert (found.verdict == "equivalent") is means_the_same, mutant
        assert not found.undecided, mutant
        for change in found.changes:
            if change.area == "obligation" and not change.message.startswith("改变"):
                has, lacks = (before, mutant.policy) if change.message.startswith("取消") else (mutant.policy, before)
                assert set(change.departments) <= owed(has, change), (mutant, change)
                assert not set(change.departments) & owed(lacks, change), (mutant, change)


CASES: dict[str, tuple[dict[str, tuple[str, str]], str, str]] = {
    "a rule's name": ({"arrears": ("  - id: procurement\n", "  - id: buying\n")}, "equivalent", ""),
    "the name of a rule that suggests a limit": ({"a-grade": ("- id: credit", "- id: loan")}, "equivalent", ""),
    "another lender": ({"a-grade": ("by: [rural-bank]", "by: [finance]")},
                       "incomparable", "农商行的“授信”建议额度有降低的"),
    "live cases that follow": ({"arrears": ("list: arrears\nrules", "list: arrears\nexisting_cases: migrate\nrules")},
                               "incomparable", "在办案件改为随新版本一并调整"),
    "a fact that no rule reads": ({"arrears": ("  mass_", "  workers: {type: integer, title: 人数}\n  mass_")},
                                  "incomparable", "申报事实增加 人数"),
    "an end that comes sooner": ({"arrears": ("ends: {annulment: 1 working day}", "ends: {annulment: 2 working days}")},
                                 "incomparable", "终止后的解除时限有变化"),
    "a department of another kind": ({"rural_bank": ("kind: market", "kind: association")},
                                     "incomparable", "“农商行”的性质"),
    "a longer incentive": ({"a-grade": ("length: 1 year", "length: 2 years")}, "milder", "由 1 年 改为 2 年"),
    "advice instead of duty": ({"arrears": ("{oblige: publish,", "{advise: publish,")},
                               "milder", "由应当改为受建议采取"),
    "a favour that is only advised": ({"a-grade": ("{oblige: green,", "{advise: green,")},
                                      "stricter", "由应当改为受建议采取"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_in_the_conditions_is_told_too(name: str) -> None:
    """Or is no change at all."""
    edits, verdict, words = CASES[name]
    found = diff(small(), small(**edits), DAY)

    assert found.verdict == verdict
    assert words in "；".join(c.message for c in found.changes)
    assert bool(found.changes) is (verdict != "equivalent")


def test_a_loss_elsewhere_excuses_no_gain() -> None:
    """A lower threshold is stricter, though at the same time another department drops a heavier measure for all."""
    often, ban = (
        "count: {record: penalty, within: 2 years, gte: 2}",
        "{oblige: no-procurement, by: [finance], after: [publish]}",
    )
    text = FILES["memoranda/arrears.yaml"].replace(
        f"{{{often}}}", f"{{all: [{{subject.kind: enterprise}}, {{{often}}}]}}"
    )
    before = compile_policy(FILES | {"memoranda/arrears.yaml": text}).policy
    text = text.replace("gte: 2", "gte: 1").replace(
        ban, ban.replace("oblige", "advise").replace(", after: [publish]", "")
    )
    after = compile_policy(FILES | {"memoranda/arrears.yaml": text}).policy
    assert before is not None
    assert after is not None
    found = diff(before, after, DAY)

    assert found.verdict == "incomparable"
    assert {(c.measure, c.sense) for c in found.changes if c.area == "obligation"} == {
        ("watch", "stricter"), ("no-procurement", "milder"),
    }  # fmt: skip


def test_a_whole_list_comes_with_what_it_brings() -> None:
    """Its measures and its limits, each with a witness; the other way round everything is lost."""
    whole = small()
    files = {path: text for path, text in FILES.items() if "a-grade" not in path}
    without = compile_policy(files).policy
    assert without is not None
    gained, lost = diff(without, whole, DAY), diff(whole, without, DAY)

    assert (gained.verdict, lost.verdict) == ("milder", "stricter")
    assert {(c.area, c.measure, c.departments) for c in gained.changes} == {
        ("list", "", ()), ("obligation", "green", ("finance",)), ("limit", "", ("rural-bank",)),
    }  # fmt: skip
    assert all(c.witness is not None for c in gained.changes if c.area != "list")


def test_one_list_alone_may_be_asked_about() -> None:
    """Changes of other lists are left out, also from the verdict."""
    after = small(arrears=("50 万元", "40 万元"), a_grade=("term: {length: 1 year}", "term: {length: 2 years}"))

    assert diff(small(), after, DAY).verdict == "incomparable"
    assert diff(small(), after, DAY, lists=["arrears"]).verdict == "stricter"
    assert diff(small(), after, DAY, lists=["a-grade"]).verdict == "milder"


# --- witnesses as tests -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["another department", "a favour withdrawn", "a higher cap"])
def test_witnesses_become_tests_that_hold_after_and_not_before(name: str) -> None:
    """Put beside the memorandum they compile, describe the same cases, pass, and fail under the policy before."""
    before, after, found = difference(name)
    workspace, files = _workspace()
    path, old, new, _ = EDITS[name]
    made = [as_test(after, change, f"见证 {number}") for number, change in enumerate(found.changes)]
    (memorandum,) = {test[0] for test in made if test is not None}
    cases = "".join(test[1] for test in made if test is not None)
    beside = {f"memoranda/{memorandum}.test.yaml": f"tests: {memorandum}\ncases:\n{cases}"}
    policy = workspace.compile(files | {path: files[path].replace(old, new, 1)} | beside).policy
    assert policy is not None

    assert [outcome.problems for outcome in run_tests(policy)] == [()] * len(found.changes)
    assert [bare(facts_of(policy, test)) for test in policy.tests] == [bare(c.witness) for c in found.changes]
    assert not any(outcome.passed for outcome in run_tests(before, policy.tests))


def bare(facts: Facts | None) -> tuple[object, ...]:
    """Facts without the names that records are given."""
    assert facts is not None
    records = sorted((r.kind, r.date or 0, sorted(r.fields.items())) for r in facts.records)
    return facts.subject_kind, facts.as_of, dict(facts.values), records, facts.relations, facts.responses


ODD = (
    "a: b",
    "[x",
    "“引” 'x' \"y\" # z",
    "- 1",
    "true",
    "2026-01-01",
    "多 行\n第二行",
    "长人社欠〔2026〕1号",
    "~",
    "&a",
    "",
)


def test_texts_in_a_test_are_read_as_they_were_written() -> None:
    """Quotation marks, colons, signs that YAML has a use for, a record without a date, sums to the fen."""
    found = [
        Facts(
            "subject", "enterprise", "arrears", "human-resources", DAY, "",
            {
                "decision_number": text, "amount_owed": 1_234_501, "decided_on": DAY.toordinal(),
                "mass_incident": False, "service_proof": text,
            },
            (Record("1", "penalty", None, {"document_number": text, "simple_procedure": True}),
             Record("2", "listing", DAY.toordinal(), {"list": "a-grade", "kind": "incentive", "severe": False})),
            (RelatedPerson("li-1", "legal-representative"),),
            (Response("no-procurement", "finance", "not-applicable"),),
        )
        for text in ODD
    ]  # fmt: skip
    expected = ["owes_not:", "  - {measure: watch, by: [transport]}"]
    cases = "".join(case_text(small(), facts, f"名 {t}", expected) for t, facts in zip(ODD, found, strict=True))
    read = compile_policy(FILES | {"memoranda/arrears.test.yaml": f"tests: arrears\ncases:\n{cases}"})
    assert read.policy is not None, [str(d) for d in read.diagnostics if d.severity == "error"]

    assert [bare(facts_of(read.policy, test)) for test in read.policy.tests] == list(map(bare, found))
    assert [test.id for test in read.policy.tests] == [f"arrears/名 {text}" for text in ODD]
