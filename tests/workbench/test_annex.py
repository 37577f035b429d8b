"""From a memorandum to its annex and back: what the table says survives, and what it leaves open is marked."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compiler import compile_policy
from engine.language.diagnostics import Reporter
from engine.language.ir import Limit, Policy
from engine.language.raw_memoranda import RawMemorandum
from engine.language.reading import read_document
from engine.workbench.annex import AnnexRow, rows_of
from engine.workbench.drafting import MARK, UNNAMED, Draft, Request, draft, draft_tests
from engine.workbench.matching import Matcher
from engine.workbench.policy_tests import run_tests
from tests.language.bundles import good
from tests.shipped import shipped_policy

DAY = dt.date(2026, 11, 24)
Triple = tuple[str, str, str, str]


@pytest.fixture
def shipped() -> Policy:
    """The shipped policy."""
    return shipped_policy()


def small() -> Policy:
    """The small sound bundle."""
    policy = compile_policy(good()).policy
    assert policy is not None
    return policy


def request(listed: str, start: dt.date = DAY) -> Request:
    """A draft called `draft`."""
    return Request("draft", listed, "起草的备忘录", None, "附件.xlsx", start, stated=True)


def read(made: Draft) -> RawMemorandum:
    """The drafted memorandum, which has to be one; so have the measures."""
    documents = {}
    for path, text in made.files.items():
        reporter = Reporter()
        documents[path] = read_document(path, text, reporter)
        assert reporter.diagnostics() == (), text
    document = documents["memoranda/draft.yaml"]
    assert document is not None
    assert isinstance(document.model, RawMemorandum)
    return document.model


def test_the_annex_of_every_shipped_memorandum_comes_back(shipped: Policy) -> None:
    """The same departments take the same measures on the same articles, owed or advised; nothing has to be guessed."""
    for memorandum in shipped.memoranda.values():
        want: set[Triple] = set()
        for rule in memorandum.rules:
            for c in rule.then:
                kind = "limit" if isinstance(c, Limit) else "advise" if c.advice == "advised" else "oblige"
                name = c.table if isinstance(c, Limit) else c.measure
                basis = [] if isinstance(c, Limit) else [f"{b.law} {b.article}" for b in c.basis]
                want |= {(kind, name, by, article) for by in c.by for article in basis or [""]}

        made = draft(rows_of(memorandum, shipped), shipped, request(memorandum.list, memorandum.validity.start or DAY))

        got = {
            (kind, name, by, article)
            for raw in read(made).rules
            for c in raw.then
            for kind in ("oblige", "advise", "limit")
            if (name := getattr(c, kind)) is not None
            for by in c.by
            for article in [f"{b.law} {b.article}" for b in c.basis] or [""]
        }
        assert got == want, memorandum.id
        assert made.new_measures == ()
        assert [m for m in made.marks if "按" in m or "没有找到" in m or "没有收录" in m] == []


def test_a_row_says_no_more_than_the_clauses_it_stands_for(shipped: Policy) -> None:
    """Two clauses on one measure share a row only if each department acts on each article."""
    rows = rows_of(shipped.memoranda["court-defaulters-2016-141"], shipped)

    exits = [(row.number, row.basis, row.departments) for row in rows if row.measure == "协助人民法院限制出境"]
    assert exits == [
        (
            "12",
            "《中华人民共和国民事诉讼法》第二百六十六条\n《中华人民共和国出境入境管理法》第十二条",
            "移民管理局（出入境管理机构）、公安局",
        ),
        ("12", "《关于加快推进失信被执行人信用监督、警示和惩戒机制建设的意见》", "移民管理局（出入境管理机构）"),
    ]


def test_a_draft_in_which_all_is_found_compiles_and_its_test_passes() -> None:
    """The measure is owed at once, since its own basis was verified; the drafted test says what follows."""
    row = AnnexRow("依法限制参加政府采购活动", "《保障农民工工资支付条例》第48条第一款", "省财政厅", "第 2 行", "1")
    files = good()
    made = draft([row], small(), request("wage-arrears"))
    compiled = compile_policy({**files, **made.files}).policy
    assert compiled is not None
    tests = draft_tests(compiled, "draft", DAY)
    assert tests is not None

    whole = compile_policy({**files, **made.files, "memoranda/draft.test.yaml": tests}).policy

    assert made.marks == ()
    assert whole is not None
    own = [test for test in whole.tests if test.memorandum == "draft"]
    assert [(o.passed, o.test) for o in run_tests(whole, own)] == [(True, "起草时附件各项都适用")]
    assert "owes:\n        - {measure: no-procurement, by: finance}" in tests


def test_what_was_not_found_is_marked_and_does_not_compile() -> None:
    """An unknown department is to be named, an unknown law is left out, an unknown measure is made, all with a note."""
    row = AnnexRow(
        "禁止从事气象预报", "《气象法》第三条；《保障农民工工资支付条例》第九十九条", "气象局、财政局", "第 2 行"
    )

    made = draft([row], small(), request("wage-arrears"))

    (rule,) = read(made).rules
    measure = made.files["rules/measures/draft-1.yaml"]
    assert (rule.then[0].oblige, rule.then[0].by, rule.then[0].basis) == ("draft-1", ["finance", UNNAMED], [])
    assert sum(text.count(MARK) for text in made.files.values()) == len(made.marks) == 8
    assert [word for word in ("气象局", "《气象法》", "第九十九条") if not any(word in m for m in made.marks)] == []
    assert "class: restrictive" in measure
    errors = {d.code for d in compile_policy({**good(), **made.files}).diagnostics if d.severity == "error"}
    assert errors == {"XH052", "XH120"}


CELL = st.text(max_size=30) | st.sampled_from(
    ["", "限制政府采购", "1.限制甲\n2.禁止乙", "=cmd|' /C calc'!A0", "# 注释", "a: b\n- c", '"', "《", "《》第条",
     "》第一条《", "财政局（牵头）、、；税务局", "《保障农民工工资支付条例》第99999999条",
     "按“农户授信额度”给出建议额度", "（建议）", "一、", "\u202e反\x00\x85\u2028"]
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(st.builds(AnnexRow, CELL, CELL, CELL, CELL, CELL, st.booleans()), min_size=1, max_size=4))
def test_whatever_a_cell_says_the_draft_can_be_read_and_nothing_in_it_is_verified(rows: list[AnnexRow]) -> None:
    """No text gets out of its place in the YAML, and every mark is counted."""
    made = draft(rows, SMALL, request("wage-arrears"))
    if made.rules:
        model = read(made)

        assert len(model.rules) == made.rules
        assert all(b.verified is None for rule in model.rules for c in rule.then for b in c.basis)
    assert sum(text.count(MARK) for text in made.files.values()) == len(made.marks)


SMALL = small()


@pytest.mark.parametrize(
    ("written", "ids", "sure"),
    [
        ("财政部、国家发展改革委", ["finance", "development-reform"], True),
        ("人力资源社会保障部，税务总局；海关总署", ["human-resources", "tax", "customs"], True),
        ("最高人民法院\n中央宣传部/省公安厅", ["peoples-court", "publicity", "public-security"], True),
        ("国土资源部、环境保护部", ["natural-resources", "ecology-environment"], True),
        ("乡镇人民政府、街道办事处", ["township-government"], True),
        ("财政厅（牵头）、市财政局等", ["finance"], True),
        ("商务工商局", ["commerce"], False),
        ("市场监管总局", ["market-regulation"], False),
        ("证监会", ["securities-regulation"], False),
        ("外星事务部", [None], False),
    ],
)
def test_departments_are_known_by_the_names_they_bear_and_bore(
    shipped: Policy, written: str, ids: list[str | None], sure: bool
) -> None:
    """At any level and in any list; what is only like a name, or could be two, comes with a note."""
    found = Matcher(shipped).departments(written)

    assert [match.id for match in found] == ids
    assert all(not match.note for match in found) is sure


@pytest.mark.parametrize(
    ("written", "articles", "noted"),
    [
        ("《保障农民工工资支付条例》第四十八条", ["wage-payment-regulation-2020 第四十八条"], False),
        ("《中华人民共和国政府采购法》第22条第一款第五项", ["government-procurement-law-2014 第二十二条"], False),
        ("《招标投标法》第三十三条", ["tendering-law-2017 第三十三条"], False),
        ("国发[2016]33号", ["state-council-2016-33 全文"], False),
        ("《某意见》（中办发〔2016〕64号）二（七）", ["central-opinion-2016-64 二（七）"], False),
        ("《企业信息公示暂行条例》第十八条至第二十条", ["enterprise-publicity-regulation-2014 第十八条"], True),
        ("《公司法》第一百四十六条", [], True),
        ("《保障农民工工资支付条列》第四十八条", ["wage-payment-regulation-2020 第四十八条"], True),
        ("有关规定", [], True),
    ],
)
def test_articles_are_known_by_title_or_number(shipped: Policy, written: str, articles: list[str], noted: bool) -> None:
    """In figures or in numerals, with or without 中华人民共和国; what the policy does not have comes as a note."""
    found = Matcher(shipped).citations(written)

    assert [f"{c.law} {c.article}" for c in found if c.article] == articles
    assert any(c.note for c in found) is noted


def test_a_measure_that_is_only_like_the_text_names_the_runners_up(shipped: Policy) -> None:
    """The reader sees what else it could be."""
    match = Matcher(shipped).measure("限制乘坐飞机、列车软卧", "sanction")

    assert match.id == "no-air-travel"
    assert "其次 no-rail-first-class" in match.note
    assert Matcher(shipped).measure("依法限制参加政府采购活动", "sanction").note == ""
    assert Matcher(shipped).measure("依法限制参加政府采购活动", "incentive").id != "no-government-procurement"


def test_headings_and_lists_in_cells_are_taken_apart() -> None:
    """A heading is no clause; numbered measures in one cell become one clause each."""
    rows = [
        AnnexRow("二、限制类措施", "", "", "第 2 行"),
        AnnexRow("只有措施", "", "", "第 3 行"),
        AnnexRow("1.依法限制参加政府采购活动\n2.限制任职", "《条例》第四十八条", "财政局", "第 4 行", above=True),
    ]  # fmt: skip

    made = draft(rows, SMALL, request("wage-arrears"))

    assert [rule.title for rule in read(made).rules] == ["依法限制参加政府采购活动", "限制任职"]
    assert sum("当作小标题" in mark for mark in made.marks) == 1
    assert sum("已拆成 2 条" in mark for mark in made.marks) == 2
    assert sum("承上一行" in mark for mark in made.marks) == 2
