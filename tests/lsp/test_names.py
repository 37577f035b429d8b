"""Names are found wherever they are mentioned, and renaming one changes it, all of it, and nothing else."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.lsp.hovering import hover, seen_at
from api.lsp.index import FACTS, Index, Name
from api.lsp.project import Files, View, lines
from api.lsp.renaming import RefusedError, applied, rename
from engine.compiler import compile_policy
from tests.lsp.places import SOUND, WAGES, WAGES_TEXT, view_of, with_cursor

VIEW = view_of()
INDEX = VIEW.index(SOUND)
BEFORE = compile_policy(SOUND)
DEFINED = sorted(
    {
        INDEX.resolve(seen.name)
        for file in INDEX.files.values()
        for seen in file.mentions
        if seen.name and seen.defining
    },
    key=repr,
)


def names_in(index: Index) -> Counter[Name]:
    """Every name with the number of its places; what is one and the same is counted together."""
    linked = {
        seen.name: min(index.linked(seen.name), key=repr)
        for f in index.files.values()
        for seen in f.mentions
        if seen.name
    }
    return Counter(linked[seen.name] for f in index.files.values() for seen in f.mentions if seen.name)


def after(files: Files) -> tuple[View, Index]:
    """What there is to be seen in other files."""
    view = view_of(files)
    return view, view.index(files)


def test_every_kind_of_name_is_among_them() -> None:
    """So that the properties below speak of all."""
    assert {name.kind for name in DEFINED} == {
        "law", "article", "department", "record", "field", "list", "fact", "measure", "matter", "material", "step",
        "table", "input", "output", "ladder", "retention", "memorandum", "rule", "person",
    }  # fmt: skip


def test_every_mention_leads_to_where_it_is_introduced() -> None:
    """In a bundle without errors nothing that is mentioned is nowhere, but for what is built in."""
    astray = {
        seen.name.id
        for file in INDEX.files.values()
        for seen in file.mentions
        if seen.name and not INDEX.definitions(INDEX.linked(seen.name))
    }

    assert astray == {"subject.kind"}


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(DEFINED))
def test_renaming_changes_that_name_everywhere_and_nothing_else(name: Name) -> None:
    """No new diagnostics; the same names in the same number of places; and renaming back gives the same bytes."""
    new = {"article": "第九百九十九条"}.get(name.kind, "zz_new" if name.kind in FACTS else "zz-new")

    done = applied(SOUND, rename(VIEW, SOUND, INDEX, name, new))

    view, index = after(done)
    assert view.compiled is not None
    assert [d.code for d in view.compiled.diagnostics] == [d.code for d in BEFORE.diagnostics]
    assert view.compiled.counts == BEFORE.counts
    counted, was = names_in(index), names_in(INDEX)
    assert sorted(counted.values()) == sorted(was.values())
    assert {n.id for n in counted} == {new if n in INDEX.linked(name) else n.id for n in was}
    moved = next(n for n in counted if n.id == new)
    back = applied(done, rename(view, done, index, moved, name.id))
    assert {path: _bytes(content) for path, content in SOUND.items()} == {p: _bytes(c) for p, c in back.items()}


def test_a_tables_input_is_the_fact_of_that_name() -> None:
    """A table finds its inputs by name, so both are renamed."""
    done = rename(VIEW, SOUND, INDEX, Name("input", "grade", "credit"), "rating")

    assert {"rules/tables/credit.yaml", "rules/lists/wage-arrears.yaml"} <= set(done.places)


def test_a_file_moves_with_the_name_it_bears() -> None:
    """And a memorandum's tests with it."""
    done = rename(VIEW, SOUND, INDEX, Name("memorandum", "wages"), "arrears")

    assert done.moves == {
        "memoranda/wages.yaml": "memoranda/arrears.yaml",
        "memoranda/wages.test.yaml": "memoranda/arrears.test.yaml",
    }


REFUSED = {
    "taken": (Name("department", "finance"), "banks", "已经有部门“banks”"),
    "unchanged": (Name("department", "finance"), "finance", "已经有"),
    "capitals": (Name("department", "finance"), "Finance", "不合规范"),
    "a fact with a dash": (Name("fact", "income", "list:wage-arrears"), "net-income", "不合规范"),
    "a word of the language": (Name("fact", "income", "list:wage-arrears"), "known", "保留字"),
    "a fact that is derived elsewhere": (Name("fact", "income", "list:wage-arrears"), "grave", "已经"),
    "a derived fact like one of the list": (Name("fact", "grave", "memorandum:wages"), "income", "已经有事实"),
    "built in": (Name("fact", "subject.kind"), "kind", "内建"),
    "a built-in record": (Name("record", "listing"), "standing", "内建"),
    "as a built-in record": (Name("record", "penalty"), "listing", "已经有"),
    "unknown": (Name("measure", "nothing"), "something", "没有在任何文件中定义"),
    "an article that needs quotes": (Name("article", "第五条", "wage-regulation"), "第五条: 甲", "引号"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_renaming_that_would_not_do_is_refused(case: str) -> None:
    """With the reason in words, and nothing done by halves."""
    name, new, words = REFUSED[case]

    with pytest.raises(RefusedError, match=words):
        rename(VIEW, SOUND, INDEX, name, new)


def test_a_name_written_in_an_odd_way_is_refused() -> None:
    """An escape is not written as it reads, so there is nothing to replace."""
    files = {**SOUND, WAGES: WAGES_TEXT.replace("by: [finance]", 'by: ["fin\\x61nce"]', 1)}
    view, index = after(files)

    with pytest.raises(RefusedError, match="写法特殊"):
        rename(view, files, index, Name("department", "finance"), "treasury")


HOVERS = {
    "a law": ("{law: joint-▮notice, article: 第二条}", ["联合惩戒备忘录", "法律文件", "备忘录", "自 2017-11-01 起"]),
    "an article": ("{law: joint-notice, article: 第▮二条}", ["《联合惩戒备忘录》第二条", "联合惩戒措施"]),
    "a department": ("by: [fin▮ance]", ["财政局", "部门"]),
    "a measure": (
        "- oblige: no-pro▮curement",
        ["依法限制参加政府采购活动", "惩戒，减损权益", "政府采购", "不予办理", "第四十八条"],
    ),
    "a fact": ("amount_ow▮ed: {lte", ["拖欠金额", "金额", "名单“拖欠农民工工资失信联合惩戒对象名单”的事实"]),
    "a derived fact": ("when: {ti▮er: high", ["档次", "枚举", "high 高", "备忘录推导的事实"]),
    "a value": ("when: {tier: hi▮gh", ["high", "高"]),
    "a list": ("list: wage-▮arrears", ["拖欠农民工工资失信联合惩戒对象名单", "惩戒，严重失信主体名单"]),
    "a rule": ("- id: proc▮urement", ["限制政府采购", "财政局", "依法限制参加政府采购活动"]),
    "a key": ("overr▮ides: [checks]", ["本规则成立时不再适用的规则"]),
    "a kind of record": ("count: {record: pen▮alty", ["行政处罚", "记录种类"]),
    "a field": ("where: {seve▮rity: serious}", ["程度", "记录的字段"]),
    "a table": ("- limit: cre▮dit", ["授信额度", "信用等级 → 基础额度"]),
}  # fmt: skip


@pytest.mark.parametrize("case", HOVERS)
def test_hovering_tells_what_it_is(case: str) -> None:
    """Titles, validity, summaries: what one would otherwise open a file for."""
    marked, words = HOVERS[case]
    plain = marked.replace("▮", "")
    text, position = with_cursor(WAGES_TEXT.replace(plain, marked, 1))
    assert plain in WAGES_TEXT
    assert text == WAGES_TEXT

    found = seen_at(INDEX.files[WAGES], lines(SOUND, WAGES), position.line + 1, position.character + 1)

    assert found is not None
    said = hover(INDEX, found[0], VIEW.compiled.draft if VIEW.compiled else None)
    assert all(word in said for word in words), said


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
