"""Mistakes made on purpose: each is one, in words and with its place; what tests do not see is told with a case."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import islice

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from engine.compiler import compile_policy
from engine.decision.reference import Interpreter
from engine.language.ir import FactType, Policy, RecordKind, Type, Validity
from engine.workbench import mutation
from engine.workbench.equivalence import compare
from engine.workbench.mutating import Words, changes, durations
from engine.workbench.mutation import Mutant, Score, mutants, score
from engine.workbench.wording import titles_of
from tests.decision.build import HERE, policy_of
from tests.language.bundles import good
from tests.properties.generate import FIELDS, GRADES, INPUTS, KINDS, MEMBERS, RECORDS, Situation, situations
from tests.shipped import shipped_policy

DAY = dt.date(2026, 3, 2)
COURT = "court-defaulters-2016-141"
"""The largest memorandum, with courts and those that assist them, whose mutants stand for all that is shipped."""
SAMPLE = 12
"""One in so many of its mutants is run here; `xinheng test --mutate` runs all of every memorandum."""
TOLD: list[tuple[int, int]] = []
"""What `sound_score` was told of its progress."""


@cache
def sound() -> Policy:
    """The sound bundle of the language's tests."""
    policy = compile_policy(good()).policy
    assert policy is not None
    return policy


@cache
def sound_mutants() -> tuple[Mutant, ...]:
    """Its mutants."""
    return tuple(mutants(sound()))


@cache
def sound_score() -> Score:
    """What its three tests find, with a few examples for what they do not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mutation, "EXAMPLES", 6)
        return score(sound(), progress=lambda done, of: TOLD.append((done, of)))


@cache
def shipped_mutants() -> tuple[Mutant, ...]:
    """Every mutant that the tests of one shipped memorandum can see."""
    return tuple(mutants(shipped_policy(), COURT))


# --- the mistakes ---------------------------------------------------------------------------------------------------


def test_each_mutant_is_one_change_with_a_place_and_words() -> None:
    """It differs from the original, names a line of a file, and no two say the same of the same place."""
    policy, made = shipped_policy(), shipped_mutants()
    said = Counter((m.span, m.change) for m in made)
    lines = {path: text.count("\n") + 1 for path, text in policy.sources.items()}

    assert len(made) > 1_000
    assert [m for m in sound_mutants() if m.policy == sound()] == []
    assert [key for key, times in said.items() if times > 1] == []
    assert [m for m in made if m.span.line > lines[m.span.path]] == []


def test_the_order_never_changes() -> None:
    """So two runs can be laid side by side."""
    first, again = ([str(m) for m in mutants(sound())] for _ in range(2))

    assert first == again


@pytest.mark.parametrize(
    "change",
    [
        "推导 grave 的条件“拖欠金额不低于 100 万元”改为“拖欠金额超过 100 万元”",
        "推导 grave 的条件“拖欠金额不低于 100 万元”改为“拖欠金额不低于 1000 万元”",
        "推导 grave 的条件“群体性事件”改为“不属于‘群体性事件’的情形”",
        "推导 grave 删去条件“群体性事件”",
        "推导 tier 的取值 high 改为 low",
        "推导 tier 删去取值 low 的一行",
        "推导 penalties 的“回溯‘行政处罚’的期间 2 年”改为“30 日”",
        "推导 penalties 的“‘行政处罚’须程度为‘严重’”改为“任何记录”",
        "规则 procurement 的条件“主体为企业或者个体工商户”改为“主体为企业”",
        "规则 procurement 删去条件“主体为企业或者个体工商户”",
        "规则 posts 的条件“两年内处罚次数不少于 1”改为“两年内处罚次数多于 1”",
        "规则 posts no-posts 的实施部门少了 human-resources（人力资源和社会保障局）",
        "规则 posts no-posts 无须等待 no-procurement",
        "规则 posts no-posts 不针对 legal-representative 而针对主体",
        "规则 posts no-posts 由应当实施改为建议",
        "规则 checks 不再因规则 lenient 优先而不适用",
        "规则 lenient 删去后果 credit-caution",
        "规则 credit 的条件“没有行政处罚”改为“有行政处罚”",
        "分级表 credit 的上限由“200000 元”改为“2000000 元”",
        "名单 wage-arrears 的公示最长期限由“3 年”改为“30 日”",
        "名单 wage-arrears 的送达期限由“7 个工作日”改为“7 日”",
        "名单 wage-arrears 的列入期限不再因 grade 为 A 而至履行完毕",
        "名单 wage-arrears 的因依据被撤销终止后的解除时限“1 个工作日”删去",
    ],
)
def test_the_kinds_of_mistakes(change: str) -> None:
    """Thresholds, operators, values, look-backs, periods, departments, targets, order, exceptions, tables."""
    made = [m.change for m in sound_mutants()]

    assert change in made, [c for c in made if c[:6] == change[:6]]


def test_a_within_is_one_condition() -> None:
    """Its two ends are never dropped alone, and the parts that an overriding rule put in only as a whole."""
    made = [m.change for m in sound_mutants() if m.change.startswith("规则 checks ")]
    told = [change for change in made if "人数" in change or "lenient" in change]

    assert told == ["规则 checks 不再因规则 lenient 优先而不适用"]
    assert [change for change in made if change.startswith("规则 checks 删去条件“列入日期")] == [
        "规则 checks 删去条件“列入日期不在决定之日前 6 个月内”"
    ]


def test_a_period_becomes_longer_shorter_and_another_unit() -> None:
    """But one working day is not turned into one day: both end on the next working day."""
    periods = {text: [d.words for d in durations(duration)] for text, duration in _periods().items()}

    assert periods["3 年"] == ["4 年", "2 年", "30 日"]
    assert periods["6 个月"] == ["7 个月", "5 个月", "6 日"]
    assert periods["7 个工作日"] == ["8 个工作日", "6 个工作日", "7 日"]
    assert periods["1 个工作日"] == ["2 个工作日", "1 个月"]


def _periods() -> dict[str, object]:
    procedure = sound().lists["wage-arrears"].procedure
    assert procedure.repair is not None
    found = (procedure.term.length, procedure.repair.after, procedure.service, procedure.repair.accept)
    return {duration.words: duration for duration in found if duration is not None}


# --- the score ------------------------------------------------------------------------------------------------------


def test_survivors_are_what_no_test_saw() -> None:
    """Three tests leave most of it unseen; what they pin is not among the survivors."""
    found = sound_score()
    left = [m.change for m in found.survivors]

    assert "名单 wage-arrears 的公示最长期限由“3 年”改为“30 日”" in left
    assert "规则 posts no-posts 的实施部门少了 human-resources（人力资源和社会保障局）" not in left
    assert found.killed + len(found.survivors) == found.total
    assert 0.2 < found.share < 0.9


def test_a_survivor_comes_with_a_case_that_would_find_it() -> None:
    """On which the interpreter decides otherwise with the mistake than without."""
    made = {str(mutant): mutant.policy for mutant in sound_mutants()}
    shown = [(s.example, made[str(s)]) for s in sound_score().survivors if s.example is not None]

    assert len(shown) >= 5
    assert all(s.told.startswith(("企业", "自然人", "个体工商户")) for s in sound_score().survivors if s.example)
    for example, changed in shown:
        before = Interpreter(sound()).evaluate(sound().memoranda["wages"], example)
        assert before != Interpreter(changed).evaluate(changed.memoranda["wages"], example)


def test_a_test_that_fails_anyway_finds_nothing() -> None:
    """Else it would seem to find every mistake."""
    policy = sound()
    wrong = tuple(replace(t, expect={**t.expect, "silent": ("procurement",)}) for t in policy.tests[:1])
    tried = mutation._Situations(replace(policy, tests=wrong))

    assert not any(tried.kills(mutant) for mutant in sound_mutants())


def test_progress_is_told_to_the_end() -> None:
    """Of as many as there are."""
    found = sound_score()
    whole = found.total + found.equivalent

    assert (TOLD[0], TOLD[-1]) == ((0, whole), (whole, whole))


def test_the_shipped_tests_find_the_mistakes_in_a_sample() -> None:
    """All but those proved to be none; the whole is run by `xinheng test --mutate`."""
    policy = shipped_policy()
    tried = mutation._Situations(policy)
    missed = [m for m in shipped_mutants()[::SAMPLE] if not tried.kills(m)]

    assert [str(m) for m in missed if not mutation._compared(policy, m, tell=False).same] == []


# --- proofs ---------------------------------------------------------------------------------------------------------


def test_what_means_the_same_does_not_count() -> None:
    """A list has enterprises only, so a rule for enterprises is for all of it."""
    policy = shipped_policy()
    changed = [
        m
        for m in mutants(policy, "market-abnormal-2015-2045")
        if m.change == "规则 publish-registry 删去条件“主体为企业”"
    ]
    (mutant,) = changed
    name = mutant.memoranda[0]

    assert compare(policy, policy.memoranda[name], mutant.policy.memoranda[name], DAY).same


def test_a_changed_day_of_force_is_not_taken_for_the_same() -> None:
    """The conditions are the same, but not when the rule is in force."""
    policy = sound()
    memorandum = policy.memoranda["wages"]
    first = replace(memorandum.rules[0], validity=Validity(DAY))
    other = replace(memorandum, rules=(first, *memorandum.rules[1:]))

    assert not compare(policy, memorandum, other, DAY).same


def declared(situation: Situation) -> Policy:
    """The generated memorandum, with everything it mentions declared."""
    members = {Type.ENUM: GRADES, Type.LIST: MEMBERS}

    def facts(names: dict[str, Type]) -> dict[str, FactType]:
        return {n: FactType(n, of, n, HERE, members.get(of, ())) for n, of in names.items()}

    policy = policy_of(situation.memorandum, situation.tables)
    listed = replace(policy.lists["list"], subjects=KINDS, facts=facts(INPUTS))
    records = {kind: RecordKind(kind, kind, (), facts(FIELDS), None, HERE) for kind in RECORDS}
    return replace(policy, lists={"list": listed}, records=records)


@settings(
    max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
@given(situations(6))
def test_no_subject_tells_apart_what_was_proved_the_same(situation: Situation) -> None:
    """And every example given does."""
    policy, memorandum = declared(situation), situation.memorandum
    words = Words(titles_of(policy, memorandum), KINDS)
    rule = memorandum.rules[0]
    for change in islice(changes(rule.when, words), 3):
        other = replace(memorandum, rules=(replace(rule, when=change.condition), *memorandum.rules[1:]))
        found = compare(policy, memorandum, other, DAY)
        before, after = Interpreter(policy), Interpreter(replace(policy, memoranda={"m": other}))
        for facts in situation.subjects if found.same else ():
            assert before.evaluate(memorandum, facts) == after.evaluate(other, facts)
        if found.example is not None:
            assert before.evaluate(memorandum, found.example) != after.evaluate(other, found.example)


def test_words_name_no_python() -> None:
    """Policy staff read them."""
    assert [m.change for m in sound_mutants() if re.search(r"Type\.|None|\(\)|Duration", m.change)] == []
