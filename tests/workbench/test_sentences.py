"""Conditions and rules as sentences: nothing is left out, nothing reads as something else."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.language import source
from engine.language.conditions import Scope, compile_condition, negated
from engine.language.diagnostics import Reporter
from engine.language.ir import (
    All,
    Any,
    AsOfMinus,
    Compare,
    Condition,
    Constant,
    Count,
    Duration,
    Fact,
    FactType,
    Known,
    Limit,
    Policy,
    Responded,
    Type,
    Validity,
)
from engine.workbench import sentences
from engine.workbench.sentences import Titles, condition_words
from engine.workbench.wording import value_words
from tests.properties.generate import FIELDS, GRADES, HERE, INPUTS, MEASURES, RECORDS, VALUES, conditions
from tests.shipped import shipped_policy


@pytest.fixture
def shipped() -> Policy:
    """The shipped policy."""
    return shipped_policy()


GRADE_TITLES = {grade: f"{grade}级" for grade in GRADES}
FACTS = {
    name: FactType(name, of, f"事实{name}", HERE, values=GRADES if of is Type.ENUM else (), titles=GRADE_TITLES)
    for name, of in INPUTS.items()
}
TITLES = Titles(
    FACTS,
    {record: f"{record}信息" for record in RECORDS},
    {
        record: {n: FactType(n, of, f"字段{n}", HERE, titles=GRADE_TITLES) for n, of in FIELDS.items()}
        for record in RECORDS
    },
    {measure: f"措施{measure}" for measure in MEASURES},
    {"finance": "财政局", "tax": "税务局"},
)


def leaves(condition: Condition, prefix: str = "事实") -> Iterator[tuple[str, Condition]]:
    """Every test in a condition, with what the titles of its facts begin with."""
    if isinstance(condition, All | Any):
        for part in condition.parts:
            yield from leaves(part, prefix)
        return
    yield prefix, condition
    if isinstance(condition, Count) and condition.quantifier.where is not None:
        yield from leaves(condition.quantifier.where, "字段")


def mentioned(prefix: str, leaf: Condition) -> Iterator[str]:
    """What a sentence about `leaf` has to say."""
    match leaf:
        case Known(fact):
            yield f"{prefix}{fact.name}"
        case Responded(measure, department, _, _):
            yield f"措施{measure}"
            yield TITLES.departments[department] if department else "任一实施部门"
        case Count(quantifier):
            yield f"{quantifier.record}信息"
            if quantifier.window is not None:
                yield quantifier.window.within.words
        case Compare(left, _, right):
            yield f"{prefix}{left.name}"
            declared = (FACTS if prefix == "事实" else TITLES.inside("penalty").facts)[left.name]
            for operand in right:
                if isinstance(operand, Fact):
                    yield f"{prefix}{operand.name}"
                elif isinstance(operand, Constant) and left.type is not Type.BOOLEAN:
                    yield value_words(declared, operand.value, operand.text)
                elif isinstance(operand, AsOfMinus):
                    yield operand.duration.words if operand.duration.amount else "决定之日"


@settings(max_examples=80, deadline=None)
@given(conditions(INPUTS, records=True))
def test_nothing_in_a_condition_is_left_out(condition: Condition) -> None:
    """Every fact, record, measure, department, figure and period is named, and brackets and quotes come in pairs."""
    words = condition_words(condition, TITLES)

    assert [m for prefix, leaf in leaves(condition) for m in mentioned(prefix, leaf) if m.strip() not in words] == []
    assert words.count("（") == words.count("）")
    assert words.count("“") == words.count("”")


@settings(max_examples=40, deadline=None)
@given(conditions(INPUTS, records=True, depth=2))
def test_a_condition_and_its_negation_never_read_the_same(condition: Condition) -> None:
    """Otherwise a reader could not tell a rule from its exception."""
    assert condition_words(condition, TITLES) != condition_words(negated(condition), TITLES)


OPERATORS = [
    *(
        (of, op)
        for of in (Type.INTEGER, Type.MONEY, Type.RATIO, Type.DATE)
        for op in ("eq", "ne", "lt", "lte", "gt", "gte")
    ),
    *((of, op) for of in (Type.TEXT, Type.ENUM, Type.BOOLEAN) for op in ("eq", "ne")),
    *((Type.LIST, op) for op in ("contains", "not_contains")),
]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_another_operator_or_value_reads_otherwise(data: st.DataObject) -> None:
    """Two comparisons of one fact that mean different things have different words."""
    of = data.draw(st.sampled_from(list(Type)))
    name = data.draw(st.sampled_from([n for n, t in INPUTS.items() if t is of]))
    drawn = data.draw(st.lists(VALUES[of], min_size=2, max_size=2, unique=True))
    values = [v[0] if v else "" for v in drawn] if of is Type.LIST else drawn
    operators = [op for kind, op in OPERATORS if kind is of]
    tests = [Compare(Fact(name, of), op, (Constant(v, of, str(v)),), HERE) for op in operators for v in set(values)]
    if of is Type.BOOLEAN:  # not true is false: two spellings of one meaning
        tests = [t for t in tests if t.op == "eq"]

    assert len({condition_words(t, TITLES) for t in tests}) == len(tests)


def words_of(text: str, *, negate: bool = False) -> str:
    """A condition as the policy writes it, in words."""
    reporter = Reporter()
    declared = {
        "amount": FactType("amount", Type.MONEY, "拖欠工资金额", HERE),
        "conduct": FactType(
            "conduct", Type.ENUM, "列入情形", HERE, ("mass", "extreme", "other"), titles={"mass": "群体性事件"}
        ),
        "day": FactType("day", Type.DATE, "列入决定日期", HERE),
        "paid": FactType("paid", Type.BOOLEAN, "已足额支付", HERE),
        "site": FactType("site", Type.BOOLEAN, "属于工程建设领域", HERE),
        "share": FactType("share", Type.RATIO, "偷税比例", HERE),
        "in_term": FactType("in_term", Type.BOOLEAN, "有决定且在期限内", HERE),
        "subject.kind": sentences.titles_of(EMPTY).facts["subject.kind"],
    }
    fields = {"severity": FactType("severity", Type.ENUM, "严重程度", HERE, ("serious",), titles={"serious": "严重"})}
    titles = Titles(
        declared, {"penalty": "行政处罚信息"}, {"penalty": fields}, {"no-posts": "限制任职"}, {"tax": "税务局"}
    )
    scope = Scope(
        declared, reporter, "t", records={"penalty": fields}, measures=titles.measures, departments=titles.departments
    )
    tree = source.read("t.yaml", f"when: {text}", reporter)
    assert tree is not None
    condition = compile_condition(tree.items["when"], scope, negate=negate)
    assert reporter.diagnostics() == ()
    return condition_words(condition, titles)


EMPTY = Policy("", {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, (), {})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{amount: {gte: 500000 元}}", "拖欠工资金额不低于 50 万元"),
        ("{amount: {gte: 50 万元, lt: 1 亿元}}", "拖欠工资金额不低于 50 万元，且拖欠工资金额低于 1 亿元"),
        ("{conduct: {in: [mass, extreme]}}", "列入情形为“群体性事件”或者“extreme”"),
        ("{conduct: {not_in: [mass, extreme]}}", "列入情形不在“群体性事件”“extreme”之列"),
        ("{day: {within: 2 years}}", "列入决定日期在决定之日前 2 年内"),
        ("{not: {day: {within: 2 years}}}", "列入决定日期不在决定之日前 2 年内"),
        ("{day: {before: 6 months}}", "列入决定日期早于决定之日 6 个月前的对应日"),
        ("{day: {gte: 2024-02-29}}", "列入决定日期不早于 2024年2月29日"),
        ("{share: {gt: 12.5%}}", "偷税比例超过 12.50%"),
        ("{paid: false, site: true}", "不属于“已足额支付”的情形，且属于工程建设领域"),
        ("{not: {site: true}}", "不属于工程建设领域"),
        ("{in_term: true}", "“有决定且在期限内”"),
        ("{amount: {known: false}}", "未提供“拖欠工资金额”"),
        ("{subject.kind: {in: [enterprise, sole-trader]}}", "主体为企业或者个体工商户"),
        (
            "{exists: {record: penalty, within: 1 year, where: {severity: serious}}}",
            "近 1 年内有行政处罚信息（严重程度为“严重”）",
        ),
        ("{none: {record: penalty}}", "没有行政处罚信息"),
        ("{count: {record: penalty, within: 2 years, gte: 2}}", "近 2 年内有 2 条以上行政处罚信息"),
        ("{response: {measure: no-posts, by: tax, outcome: not-applicable}}", "税务局对“限制任职”的答复为“不适用”"),
        (
            "{any: [{all: [{site: true}, {paid: false}]}, {amount: {gt: 0 元}}], in_term: true}",
            "（（属于工程建设领域且不属于“已足额支付”的情形）或者拖欠工资金额超过 0 元），且“有决定且在期限内”",
        ),
    ],
)  # fmt: skip
def test_conditions_read_as_a_policy_officer_would_write_them(written: str, read: str) -> None:
    """One example for each kind of test."""
    assert words_of(written) == read


def rules(policy: Policy) -> dict[str, str]:
    """Every rule of the shipped policy as a sentence."""
    return {r.id: sentences.rule_sentence(r, m, policy) for m in policy.memoranda.values() for r in m.rules}


def test_rules_say_who_does_what_about_whom_by_when_and_why(shipped: Policy) -> None:
    """A measure that is owed, about related persons, after another, with its terms and its basis."""
    said = rules(shipped)

    assert said["wage-arrears-2017-2058/related-travel"] == (
        "列入“拖欠农民工工资失信联合惩戒对象名单”的企业，有履行能力而拒不履行，且“有生效的列入决定且在三年期限内”的，"
        "铁路运输企业、民用航空企业应当对其法定代表人、主要负责人、直接责任人员采取“依法限制交通出行”措施，"
        "3 个工作日内接收、10 个工作日内落实，按季度反馈，须附证据，名单终止后 3 个工作日内解除"
        "（依据：《保障农民工工资支付条例》第四十八条）。"
    )
    assert "待“在信用网站公示列入信息”办结后开始" in said["wage-arrears-2017-2058/procurement"]


def test_exceptions_read_as_exceptions(shipped: Policy) -> None:
    """`unless` stands as 除外, and a rule that is overridden names the other without repeating its condition."""
    said = rules(shipped)

    assert "的，但主体为自然人，且属于未成年人的除外，" in said["court-defaulters-2016-141/publish"]
    assert said["wage-arrears-2017-2058/inspection"].endswith(
        "符合“列为重点监管对象，按月反馈”一条的，适用该条，不适用本条。"
    )
    assert "档次" not in said["wage-arrears-2017-2058/inspection"]


def test_advice_is_never_said_to_be_owed(shipped: Policy) -> None:
    """Whoever reads 应当 owes an answer; whoever reads 建议 does not."""
    wrong = [
        rule.id
        for memorandum in shipped.memoranda.values()
        for rule in memorandum.rules
        for consequence in rule.then
        for before, _, _ in [sentences.consequence_words(consequence, memorandum, shipped).partition("“")]
        for advised in [isinstance(consequence, Limit) or consequence.advice is not None]
        if ("应当" in before, before.startswith("建议")) != (not advised, advised)
    ]

    assert wrong == []


def test_every_shipped_rule_names_its_departments_measure_and_laws(shipped: Policy) -> None:
    """A reader finds in the sentence whatever the rule obliges."""
    missing = [
        (rule.id, word)
        for memorandum in shipped.memoranda.values()
        for rule in memorandum.rules
        for consequence in rule.then
        for said in [sentences.rule_sentence(rule, memorandum, shipped)]
        for word in itertools.chain(
            (shipped.departments[d].title for d in consequence.by),
            [] if isinstance(consequence, Limit) else [shipped.measures[consequence.measure].title],
            [] if isinstance(consequence, Limit) else [f"《{shipped.laws[b.law].title}》" for b in consequence.basis],
        )
        if word not in said
    ]

    assert missing == []


def test_limits_and_derived_facts_are_spelled_out(shipped: Policy) -> None:
    """A suggested limit has its formula and rows; a derived fact says what it means."""
    memorandum = shipped.memoranda["credit-household-2017"]
    titles = sentences.titles_of(shipped, memorandum)
    derived = {d.fact.name: sentences.derivation_words(d, titles) for d in memorandum.derivations}

    assert (
        "等级基础额度加家庭资产的 10%加年经营收入的 30%，最低 0 元，最高 20 万元。"
        "其中，信用等级为“AAA级”的，等级基础额度为 10 万元；" in rules(shipped)["credit-household-2017/limit"]
    )
    assert derived["rating_current"] == "“评定在一年有效期内”，指评定日期在决定之日前 1 年内。"


def test_a_rule_with_several_consequences_and_a_period_numbers_them(shipped: Policy) -> None:
    """（一）…；（二）…。 and the days between which it is in force."""
    memorandum = shipped.memoranda["wage-arrears-2017-2058"]
    one, two = memorandum.rules[:2]
    both = replace(one, then=one.then + two.then, validity=Validity(dt.date(2024, 1, 1), dt.date(2025, 12, 31)))

    said = sentences.rule_sentence(both, memorandum, shipped)

    assert said.count("（一）") == said.count("；（二）") == 1
    assert said.endswith("本条自 2024-01-01 起至 2025-12-31 有效。")
    assert [sentences.numeral(n) for n in (1, 10, 11, 35, 101, 110, 1260)] == [
        "一", "十", "十一", "三十五", "一百零一", "一百一十", "一千二百六十",
    ]  # fmt: skip


def test_a_span_of_days_counts_back_from_the_decision() -> None:
    """Days have no 对应日."""
    left = Fact("decided", Type.DATE)

    assert (
        condition_words(Compare(left, "lt", (AsOfMinus(Duration(90, "days")),), HERE), TITLES)
        == "事实decided早于决定之日前第 90 日"
    )
