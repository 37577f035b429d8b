"""The tests beside the rules: whatever they say can fail, the days are those of real cases, and failures help."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.casework.commands import Accept, Arm, Confirm, FileCase
from engine.casework.deciding import decide
from engine.casework.evolving import fold
from engine.casework.model import Actor, Evidence
from engine.compiler import compile_policy
from engine.decision.reference import Interpreter
from engine.language.build_tests import Expected, PinnedMeasure
from engine.language.ir import Policy, PolicyTest
from engine.workbench.places import Places
from engine.workbench.policy_tests import Outcome, affected, facts_of, find, run_test, run_tests
from engine.workbench.timing import listing_dates, obligation_terms, owed
from tests.language.bundles import good
from tests.shipped import shipped_policy

HEAD = "tests: wages\ncases:\n"
CASE = """  - name: 企业拖欠工资
    as_of: 2026-03-05
    subject: enterprise
    facts: {decision_date: 2026-02-01, amount_owed: 120 万元, amount_paid: 0 元, mass_incident: false, workers: 30}
    records: [{record: penalty, date: 2025-05-01, fields: {severity: serious}}]
    relations: [{role: legal-representative, id: li}]
"""
PROOF = (Evidence("0" * 64, "回证"),)


def compiled(text: str) -> Policy:
    """The sound bundle of the language's tests, with this as its test file."""
    found = compile_policy(good(wages_test=HEAD + text))
    assert found.policy is not None, [d.message for d in found.diagnostics]
    return found.policy


def outcome(expect: str, before: str = "") -> Outcome:
    """The one test that expects `expect` of the enterprise in arrears."""
    (*_, last) = run_tests(compiled(f"{CASE}{before}    expect: {{{expect}}}\n"))
    return last


# --- every expectation counts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ("fires: [checks]", ["规则 checks 应为 成立", "不成立"]),
        ("silent: [posts]", ["规则 posts 应为 不成立", "实为 成立"]),
        ("unknown: {posts: [amount_owed]}", ["规则 posts 应为 不能判定", "实为 成立"]),
        ("owes: [{measure: check-more, by: finance}]", ["应有 finance 实施 check-more", "实际没有", "no-procurement"]),
        ("owes: [{measure: no-posts, by: human-resources}]", ["应有", "（针对 li）"]),
        ("owes_not: [{measure: no-procurement, by: finance}]", ["不应有", "出自规则 procurement"]),
        ("owes_exactly: []", ["多出 finance 实施 no-procurement", "多出 human-resources 实施 no-posts（针对 li）"]),
        ("advice: [{measure: credit-caution, by: banks}]", ["应建议 banks 实施 credit-caution"]),
        ("limit: 1 元", ["建议额度应为 1 元", "没有"]),
        ("limit_by: banks", ["建议额度的部门应为 banks"]),
        ("derived: {tier: low}", ["推导的 tier 应为 low", "实为 high"]),
        ("derived: {penalties: 0}", ["推导的 penalties 应为 0", "实为 1"]),
        ("explains: [amount_owed（1200000 元）≥ 200 万元]", ["理由中应有", "近似的有", "≥ 100 万元"]),
        ("dates: {publish_by: 2026-03-17}", ["公示的最迟日应为 2026-03-17", "实为 2026-03-16"]),
        ("dates: {listing_until: none}", ["列入期满日应为 没有", "实为 2029-03-05"]),
        ("dates: {lifts: {annulment: 2026-03-09}}", ["annulment", "实为 2026-03-06"]),
        ("measures: [{measure: [no-posts], evidence: true}]", ["no-posts 的须附证据应为 是"]),
        ("owes: [{measure: no-posts, by: human-resources, target: li, after: []}]", ["先行措施应为 没有"]),
        ("owes: [{measure: no-procurement, by: finance, duty: assist}]", ["职责应为 assist", "实为 implement"]),
        ("owes: [{measure: no-procurement, by: finance, accept_by: 2026-03-11}]", ["接收期限", "2026-03-10"]),
        (
            "owes: [{measure: no-procurement, by: finance, basis: [{law: joint-notice, article: 第二条}]}]",
            ["依据应有 joint-notice 第二条", "实有"],
        ),
    ],
)
def test_a_wrong_expectation_says_what_came_instead(expect: str, words: list[str]) -> None:
    """And where in the test file the very expectation stands."""
    found = outcome(expect)
    text = "\n".join(str(problem) for problem in found.problems)

    assert not found.passed
    assert [word for word in words if word not in text] == []
    assert {(p.span.path, p.span.line) for p in found.problems} == {("memoranda/wages.test.yaml", 9)}
    assert all(problem.span.column > 13 for problem in found.problems)


def test_a_rule_that_is_not_as_expected_says_why() -> None:
    """The single tests of its condition that came out otherwise."""
    (problem,) = outcome("fires: [checks]").problems

    assert problem.why == ("tier（high）≠ low：成立",) or "tier（high）" in problem.why[0]


def test_what_is_right_passes() -> None:
    """Everything at once, several departments and persons in one entry."""
    found = outcome(
        "fires: [procurement, posts], silent: [checks, lenient], derived: {tier: high, penalties: 1}, "
        "advice_exactly: [], owes_exactly: [{measure: no-procurement, by: [finance], feedback: quarterly}, "
        "{measure: no-posts, by: [human-resources, market-regulation], target: [li], after: [no-procurement]}], "
        "dates: {statement_until: none, hearing_until: none, hearing_from: 2026-03-16, "
        "serve_by: 2026-03-16, publish_by: 2026-03-16, publicity_minimum: 2027-03-05, publicity_until: 2029-03-05, "
        "listing_until: 2029-03-05, repair_minimum: 2026-09-05, repair_from: 2027-03-06, "
        "repair_accept_by: 2026-03-06, repair_decide_by: 2026-03-19, repair_extended_by: none, "
        "objection_by: 2026-03-10, verification_by: 2026-03-16, provider_by: 2026-03-10, shown_before_until: none, "
        "lifts: {annulment: 2026-03-06, performance: none}}"
    )

    assert found.problems == ()


PERTURBED = ("dates", "lifts", "measures", "owes_exactly", "advice_exactly", "fires", "silent", "derived", "limit")


@cache
def _interpreter() -> Interpreter:
    return Interpreter(shipped_policy())


def _wrong(key: str, value: Any, draw: st.DataObject) -> Any:
    """The expectation under `key` with one thing in it changed; `None` where there is nothing to change."""
    day = dt.timedelta(days=draw.draw(st.sampled_from((-1, 1, 365))))
    if isinstance(value, Mapping):
        names = [n for n in value if value[n] is not None]
        if not names:
            return None
        name = draw.draw(st.sampled_from(names))
        old = value[name]
        changed = old + day if isinstance(old, dt.date) else not old if isinstance(old, bool) else f"{old}?"
        return {**value, name: changed}
    if isinstance(value, tuple) and value:
        place = draw.draw(st.integers(0, len(value) - 1))
        entry = value[place]
        if isinstance(entry, PinnedMeasure):
            entry = replace(entry, terms=_wrong("", entry.terms, draw))
            return (*value[:place], entry, *value[place + 1 :])
        return (*value[:place], *value[place + 1 :]) if isinstance(entry, Expected) else None
    return value + 1 if isinstance(value, int) else None


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_expectation_of_the_shipped_tests_is_idle(data: st.DataObject) -> None:
    """Whatever is changed in any of them fails: a day, a term, an obligation left out, a rule that does otherwise."""
    policy = shipped_policy()
    test = data.draw(st.sampled_from(policy.tests))
    key = data.draw(st.sampled_from([k for k in test.expect if k in PERTURBED] or ["fires"]))
    expect = dict(test.expect)
    if key in {"fires", "silent"}:
        rules = expect.pop(key, None)
        if not rules:
            return
        expect["silent" if key == "fires" else "fires"] = rules
    else:
        wrong = _wrong(key, expect[key], data)
        if wrong is None:
            return
        expect[key] = wrong

    changed = run_test(_interpreter(), replace(test, expect=expect), Places(replace(policy, sources={})))

    assert not changed.passed


def test_the_shipped_tests_pass() -> None:
    """All of them, and each says something."""
    outcomes = run_tests(shipped_policy())

    assert [(o.test, [str(p) for p in o.problems]) for o in outcomes if not o.passed] == []
    assert len(outcomes) >= 600


# --- situations -----------------------------------------------------------------------------------------------------


def test_like_takes_over_all_that_is_not_said_otherwise() -> None:
    """Facts are put over those of the other case, or left out; lists are replaced whole."""
    policy = compiled(
        CASE
        + """    expect: {fires: [posts]}
  - name: 人数不明，没有关联人
    like: 企业拖欠工资
    facts: {amount_owed: 90 万元}
    without: [workers, amount_paid]
    relations: []
    expect: {silent: [posts]}
"""
    )
    first, second = policy.tests

    assert second.given["as_of"] == first.given["as_of"]
    assert second.given["records"] == first.given["records"]
    assert second.given["relations"] == ()
    assert second.given["facts"] == {
        "decision_date": dt.date(2026, 2, 1).toordinal(), "amount_owed": 90_000_000, "mass_incident": False,
    }  # fmt: skip


def test_steps_are_the_case_with_the_answers_so_far() -> None:
    """Each step is a test of its own, on its own day, after those before it."""
    steps = """    expect: {unknown: {credit: ['response:no-posts']}}
    steps:
      - on: 2026-03-09
        respond: [{measure: no-posts, by: human-resources, outcome: not-applicable}]
        expect: {silent: [credit]}
      - respond: [{measure: no-posts, by: human-resources, outcome: implemented}]
        expect: {unknown: {credit: [grade, income]}}
"""
    case = CASE.replace("    records: [{record: penalty, date: 2025-05-01, fields: {severity: serious}}]\n", "")
    policy = compiled(case + steps)
    first, second, third = policy.tests

    assert [o.problems for o in run_tests(policy)] == [(), (), ()]
    assert [t.given["as_of"] for t in policy.tests] == [dt.date(2026, 3, 5), dt.date(2026, 3, 9), dt.date(2026, 3, 9)]
    assert [len(t.given["responses"]) for t in (first, second, third)] == [0, 1, 2]  # type: ignore[arg-type]
    assert third.id == "wages/企业拖欠工资，第 2 步"


def test_records_that_the_law_excludes_do_not_count() -> None:
    """They are marked as at intake: a summary penalty on a natural person is no basis, one on an enterprise is."""
    policy = shipped_policy()
    (test,) = (t for t in policy.tests if t.id == "agri-inputs-2017-346/自然人适用简易程序的处罚不作依据")
    firm = replace(test, given={**test.given, "subject": "enterprise"})

    assert [r.excluded for r in facts_of(policy, test).records] == [True]
    assert [r.excluded for r in facts_of(policy, firm).records] == [False]


# --- days -----------------------------------------------------------------------------------------------------------

CALENDAR_DAYS = st.dates(dt.date(2024, 1, 1), dt.date(2026, 11, 24))


@settings(max_examples=12, deadline=None)
@given(CALENDAR_DAYS, st.integers(0, 400))
def test_the_days_of_a_listing_are_those_of_a_real_case(day: dt.date, ago: int) -> None:
    """A case filed on the day, by the commands that the service uses, has the clocks and the terms that a test sees."""
    policy = shipped_policy()
    (test,) = (t for t in policy.tests if t.id.startswith("wage-arrears-2017-2058/建设单位兼施工企业"))
    decided = day - dt.timedelta(days=ago)
    proofs = dict.fromkeys(("notice_date", "decision_date"), decided.toordinal()) | {"service_date": day.toordinal()}
    facts = {**test.given["facts"], **proofs, "service_proof": "回证"}  # type: ignore[dict-item]
    test = replace(test, given={**test.given, "as_of": day, "facts": facts})
    decision = find(Interpreter(policy), test, facts_of(policy, test)).decision
    actor = Actor(decision.facts.initiator, "王芳")
    case = fold(decide(None, FileCase(actor, day, "c", decision), policy, policy.calendars))
    dates = listing_dates(policy, decision)

    assert case.publicity is not None
    assert case.listing is not None
    assert dates["publish_by"] == case.tasks["publish"].due.on
    assert (dates["publicity_minimum"], dates["publicity_until"]) == (case.publicity.minimum, case.publicity.maximum)
    assert (dates["repair_minimum"], dates["listing_until"]) == (case.listing.minimum, case.listing.maximum)
    obligations = owed(policy, decision)
    assert set(obligations) == {o.key for o in case.obligations.values()}
    for obligation in [o for o in case.obligations.values() if o.state == "open"][:2]:
        terms = obligation_terms(policy, decision.facts, obligations[obligation.key])
        assert obligation.accept_by is not None
        assert obligation.act_by is not None
        assert (terms["accept_by"], terms["act_by"]) == (obligation.accept_by.on, obligation.act_by.on)
        department = Actor(obligation.department, "李强")
        commands = [Accept(department, day, obligation.id)]
        commands += [Confirm(department, day, obligation.id)] if obligation.restrictive else []  # type: ignore[list-item]
        if obligation.mode == "standing":
            now = case
            for command in (*commands, Arm(department, day, obligation.id, PROOF)):
                now = fold(decide(now, command, policy, policy.calendars), now)
            armed = now.obligations[obligation.id]
            assert terms["expires_on"] == armed.expires_on
            assert terms["feedback_by"] == (armed.feedback_by.on if armed.feedback_by else None)


# --- what a change may touch ----------------------------------------------------------------------------------------


def test_only_memoranda_that_read_what_changed_are_affected() -> None:
    """A changed measure touches those that use it, a changed list its own, an unchanged policy none."""
    policy = shipped_policy()
    name = "court-defaulters-2016-141"
    listed = policy.lists["court-defaulters"]
    longer = replace(policy, lists={**policy.lists, listed.id: replace(listed, title="改名")})
    measure = policy.measures["no-air-travel"]
    renamed = replace(policy, measures={**policy.measures, measure.id: replace(measure, title="改名")})
    fewer = replace(policy, tests=tuple(t for t in policy.tests if t is not _first(policy, name)))

    assert affected(policy, policy) == frozenset()
    assert affected(policy, longer) == {name}
    assert affected(policy, renamed) == {name}
    assert affected(policy, fewer) == {name}


def _first(policy: Policy, memorandum: str) -> PolicyTest:
    return next(t for t in policy.tests if t.memorandum == memorandum)
