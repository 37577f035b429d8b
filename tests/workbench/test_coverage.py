"""What tests have seen of a policy: every way counts that can happen, and none that cannot."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.compiler import compile_policy
from engine.decision.conditions import compile_condition, environment
from engine.decision.reference import Interpreter
from engine.language.conditions import negated
from engine.language.ir import All, FactType, Policy, Type, Validity
from engine.workbench.coverage import Point, cover
from engine.workbench.equivalence import Impossible
from engine.workbench.possible import Possible
from tests.decision.build import HERE, policy_of
from tests.language.bundles import good
from tests.properties.generate import GRADES, INPUTS, KINDS, MEMBERS, VALUES, Situation, situations
from tests.shipped import shipped_policy

TESTS = """tests: wages
cases:
  - name: 企业拖欠工资
    as_of: 2026-03-05
    subject: enterprise
    facts: {decision_date: 2026-02-01, amount_owed: 120 万元, amount_paid: 0 元, mass_incident: false, workers: 30}
    records: [{record: penalty, date: 2025-05-01, fields: {severity: serious}}]
    expect: {fires: [procurement]}
"""


def seen(tests: str = TESTS) -> dict[str, Point]:
    """The points of the sound bundle by what they are, with these tests."""
    policy = compile_policy(good(wages_test=tests)).policy
    assert policy is not None
    return {point.what: point for point in cover(policy).points["wages"]}


def test_one_case_shows_one_way_of_everything_it_reaches() -> None:
    """What is missing is named with its place; the parts of a derived fact, a table and a record's fields included."""
    points = seen()

    assert points["规则 procurement"].missing == (False,)
    assert points["规则 checks"].missing == (True,)
    assert points["推导 grave 的条件“群体性事件”"].missing == (True, None)
    assert points["推导 tier 的第 2 行"].missing == (True,)
    assert points["推导 penalties 的条件“程度为‘严重’”"].missing == (False, None)
    assert points["分级表 credit 第 1 行"].missing == (True,)
    assert str(points["规则 checks"]) == "规则 checks：没有测试见过成立"
    assert points["规则 checks"].span.path == "memoranda/wages.yaml"


def test_what_cannot_be_is_not_asked_for() -> None:
    """A required fact is never unknown, nor is presence; a rule without a condition is never silent."""
    points = seen()

    assert points["规则 checks 的条件“列入日期不在决定之日前 6 个月内”"].wanted == {True, False}
    assert points["规则 procurement 的条件“主体为企业或者个体工商户”"].wanted == {True, False}
    assert points["规则 credit 的条件“人力资源和社会保障局对‘限制任职’的答复为‘已实施’”"].wanted == {True, False, None}
    policy = shipped_policy()
    (always,) = (p for p in cover(policy).points["agri-inputs-2017-346"] if p.rule == "agri-inputs-2017-346/publish")
    assert (always.wanted, always.missing) == (frozenset({True}), ())


def test_the_parts_that_overriding_rules_put_in_are_theirs() -> None:
    """`checks` is overridden by `lenient`; the test on the number of workers is one of `lenient` alone."""
    owners = [what for what in seen() if "人数少于 10" in what]

    assert owners == ["规则 lenient 的条件“人数少于 10”"]


def test_the_shipped_tests_have_seen_everything() -> None:
    """Every rule, row and single test of a condition, in every way it can be."""
    coverage = cover(shipped_policy(), prove=Impossible(shipped_policy()))

    assert [str(point) for point in coverage.missing()] == []
    assert coverage.count()[0] == coverage.count()[1] > 2_500


def test_a_proof_takes_an_impossible_way_off_the_list() -> None:
    """Two tests of one condition that contradict each other: the rule never holds, and no test is asked for it."""
    policy = compile_policy(good(wages_test=TESTS)).policy
    assert policy is not None
    memorandum = policy.memoranda["wages"]
    rule = memorandum.rules[0]
    never = All((rule.when, negated(rule.when)), HERE)
    rules = (replace(rule, when=never), *memorandum.rules[1:])
    changed = replace(policy, memoranda={"wages": replace(memorandum, rules=rules)})
    (plain,) = (p for p in cover(changed).points["wages"] if p.rule == rule.id)
    (proved,) = (p for p in cover(changed, prove=Impossible(changed)).points["wages"] if p.rule == rule.id)

    assert plain.missing == (True,)
    assert proved.missing == ()


# --- what is called impossible never happens ------------------------------------------------------------------------


def declared(situation: Situation, required: frozenset[str]) -> Policy:
    """The generated memorandum for a list that declares its facts, some of them required."""
    members = {Type.ENUM: GRADES, Type.LIST: MEMBERS}
    facts = {n: FactType(n, of, n, HERE, members.get(of, ()), required=n in required) for n, of in INPUTS.items()}
    policy = policy_of(situation.memorandum, situation.tables)
    listed = replace(policy.lists["list"], subjects=KINDS, facts=facts, validity=Validity())
    return replace(policy, lists={"list": listed})


@settings(
    max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
@given(situations(5), st.frozensets(st.sampled_from(sorted(INPUTS))), st.data())
def test_no_subject_shows_what_was_called_impossible(
    situation: Situation, required: frozenset[str], data: st.DataObject
) -> None:
    """Of any rule of any policy, for any subject that has the required facts."""
    policy = declared(situation, required)
    possible = Possible(policy, situation.memorandum)
    interpreter = Interpreter(policy)
    for facts in situation.subjects:
        given_ = {n: data.draw(VALUES[INPUTS[n]]) for n in sorted(required - facts.values.keys())}
        whole = replace(facts, values={**facts.values, **given_})
        env = {**environment(whole), **interpreter.evaluate(situation.memorandum, whole).derived}
        for rule in situation.memorandum.rules:
            assert compile_condition(rule.when)(env) in possible.of(rule.when)
