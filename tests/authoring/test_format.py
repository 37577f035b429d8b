"""`xinheng fmt`: the meaning stays, every comment stays beside what it is about, and once is enough."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adapters.authoring.format import format_text
from adapters.authoring.tree import parse
from adapters.policy_files import read_bundle
from engine.language import source
from engine.language.diagnostics import Reporter
from engine.language.reading import read_document
from engine.language.source import FORBIDDEN

BUNDLE = {path: content.decode() for path, content in read_bundle().items() if isinstance(content, bytes)}


def formatted(path: str, text: str) -> str:
    """The normal form of a text that can be read."""
    made = format_text(path, text)
    assert made.text is not None, made.diagnostics
    return made.text


def meaning(path: str, text: str) -> object:
    """The document that a file holds, as the compiler reads it; its tree where it is no document."""
    reporter = Reporter()
    document = read_document(path, text, reporter)
    if document is not None:
        return document.model
    tree = source.read(path, text, Reporter())
    assert tree is not None
    return source.plain(tree)


def beside(text: str) -> Iterator[tuple[str, str]]:
    """Every comment with the first word of the line that it is about."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if found := re.search(r"(?:^|\s)(#.*)$", line):
            about = next((below for below in lines[number:] if not below.lstrip().startswith("#")), "")
            yield found[1], re.split("[:{[ ]", about.strip().removeprefix("- "))[0]


@pytest.mark.parametrize(
    "folder", ["rules/laws", "rules/departments", "rules/measures", "rules/lists", "memoranda", ""]
)
def test_the_shipped_files_keep_their_meaning_and_their_comments(folder: str) -> None:
    """Formatting twice is formatting once, documents read the same, and comments stay beside what they are about."""
    folders = ("rules/laws", "rules/departments", "rules/measures", "rules/lists", "memoranda")
    for path, text in BUNDLE.items():
        if not (path.startswith(f"{folder}/") if folder else not path.startswith(folders)):
            continue
        made = formatted(path, text)

        if made != text:
            assert formatted(path, made) == made, path
            assert meaning(path, made) == meaning(path, text), path
        assert Counter(beside(made)) == Counter(beside(text)), path
        assert made.startswith("# yaml-language-server: $schema="), path


RICH = ["rules/lists/wage-arrears.yaml", "memoranda/credit-household-2017.yaml", "rules/tables/farmer-credit.yaml"]


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(RICH), st.randoms(use_true_random=False), st.sampled_from(["\n", "\r\n"]))
def test_edits_keep_their_comments_in_order(path: str, at: random.Random, end: str) -> None:
    """Comments, blank lines and blanks put anywhere survive, in the order in which they were written."""
    lines = formatted(path, BUNDLE[path]).splitlines()
    for number in range(at.randint(1, 12)):
        place = at.randrange(1, len(lines))
        match at.randrange(4):
            case 0:
                lines.insert(place, " " * at.randrange(0, 10, 2) + f"# 第 {number} 条：批注")
            case 1:
                lines[place] += f"  # 第 {number} 条：批注"
            case 2:
                lines.insert(place, " " * at.randrange(3))
            case _:
                lines[place] += "  "
    text = end.join(lines)
    assume(source.read(path, text, reporter := Reporter()) is not None and not reporter.failed)

    made = formatted(path, text)

    assert formatted(path, made) == made
    assert meaning(path, made) == meaning(path, text.replace("\r\n", "\n"))
    assert parse(made).comments == parse(text.replace("\r\n", "\n")).comments


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(RICH), st.randoms(use_true_random=False))
def test_keys_in_any_order_come_out_in_one(path: str, at: random.Random) -> None:
    """The blocks of a file, shuffled with their comments, give the same text again."""
    want = formatted(path, BUNDLE[path])
    head, *blocks = re.split(r"(?m)^(?=\w)", want)
    kind, rest = blocks[0], blocks[1:]
    at.shuffle(rest)

    assert formatted(path, "".join([head, kind, *rest])) == want


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12).filter(lambda t: not FORBIDDEN.search(t))
SCALARS = TEXT | st.sampled_from(
    ["no", "0123", "1e3", "~", "null", "", "- a", "a: b", "a #b", "#", "{", "a\nb", " a", "a\n\n", "'", '"',
     "2024-01-01", "*", "&a", "!x", "%", "@", "`", "a,b", "[x]", "?", ":", "-", "---", "...", "x" * 130, "长" * 70,
     "a b " * 40, "　缩进", "尾　", "a\n   \nb", "a\n  ", "\n\na"]
)  # fmt: skip
KEYS = st.text("abcdefgh_.-", min_size=1, max_size=6).map(lambda k: f"k{k}") | st.sampled_from(["列入", "no", "a b"])
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(KEYS, DATA, min_size=1, max_size=4),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, "'", '"', "|", ">"]),
    st.sampled_from([20, 80, 500]),
)
def test_whatever_yaml_says_it_still_says(
    data: dict[str, Any], flow: bool | None, style: str | None, width: int
) -> None:
    """Any data in any of the styles that PyYAML writes."""
    text = yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow, default_style=style, width=width)
    tree = source.read("x.yaml", text, reporter := Reporter())
    assume(tree is not None and tree.items and not reporter.failed)
    assert tree is not None

    made = formatted("x.yaml", text)

    again = source.read("x.yaml", made, Reporter())
    assert again is not None
    assert source.plain(again) == source.plain(tree)
    assert formatted("x.yaml", made) == made


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "department: finance\nkind:   administrative   \nlevel: county\n\n\ntitle: '财政局'",
            "department: finance\n\ntitle: 财政局\nlevel: county\nkind: administrative\n",
            id="keys-in-order-quotes-and-blanks-gone",
        ),
        pytest.param(
            "# 一\nmeasure: a # 二\nsource: s\n# 三\n\n# 四\ntitle: t\n# 五\n",
            "# 一\nmeasure: a  # 二\n# 三\n\n# 四\ntitle: t\nsource: s\n# 五\n",
            id="comments-go-with-their-key",
        ),
        pytest.param(
            "law: a\narticles:\n    第一条:  甲\n    # 尚未核对\n    第二条: {x: [a,b]}\nsource: s\n",
            "law: a\nsource: s\narticles:\n  第一条: 甲\n  # 尚未核对\n  第二条: {x: [a, b]}\n",
            id="two-spaces-a-level",
        ),
        pytest.param(
            "memorandum: m\nrules:\n- id: a\n  then:\n  - {oblige: x,\n     by: [f]}    # 甲\n  # 乙\n# 丙\n- id: b\n",
            "memorandum: m\nrules:\n  - id: a\n    then:\n"
            "      - {oblige: x, by: [f]}  # 甲\n      # 乙\n  # 丙\n  - id: b\n",
            id="lists-are-indented",
        ),
        pytest.param(
            "memorandum: m\nderive:\n  - fact: a\n    when: {any: [{x: 1}, # 甲\n      {y: 2}]}\n",
            "memorandum: m\nderive:\n  - fact: a\n    when:\n      any:\n        - {x: 1}  # 甲\n        - {y: 2}\n",
            id="a-comment-opens-the-brackets",
        ),
        pytest.param(
            "list: l\nbasis: [ # 甲\n  # 乙\n]  # 丙\nvalid: {from: 2024-01-01} # 丁\n",
            "list: l\n# 甲\n# 乙\nbasis: []  # 丙\nvalid: {from: 2024-01-01}  # 丁\n",
            id="empty-brackets-hold-no-comment",
        ),
        pytest.param(
            f"list: l\nsubjects: [{', '.join(['enterprise'] * 11)}]\n",
            f"list: l\nsubjects:\n  [{', '.join(['enterprise'] * 9)},\n   enterprise, enterprise]\n",
            id="long-lists-of-words-are-filled",
        ),
        pytest.param(
            f"list: l\nbasis:\n  - {{law: {'a' * 60}, covers: {{lists: [{'b' * 40}]}}, article: 第一条}}\n",
            f"list: l\nbasis:\n  - law: {'a' * 60}\n    article: 第一条\n    covers: {{lists: [{'b' * 40}]}}\n",
            id="long-brackets-that-hold-others-are-opened",
        ),
        pytest.param(
            "table: t\nunknown: 1\ntitle: a\nsource: |2-\n    b\n   c\nhit: any\n",
            "table: t\nunknown: 1\ntitle: a\nhit: any\nsource: |2-\n    b\n   c\n",
            id="unknown-keys-stay-where-they-are",
        ),
        pytest.param(
            "law: &a x\ntitle: t\nsource: *a\nlevel: law\n",
            "law: &a x\ntitle: t\nsource: *a\nlevel: law\n",
            id="nothing-moves-before-its-anchor",
        ),
    ],
)  # fmt: skip
def test_what_the_normal_form_is(before: str, after: str) -> None:
    """Before and after."""
    assert formatted("x.yaml", before) == after


@pytest.mark.parametrize(
    ("text", "place"),
    [("law: a\nlaw: b\n", "x.yaml:2:1"), ("law: [a\n", "x.yaml:2:1"), ("", "x.yaml:1:1"), ("{}", "x.yaml:1:1")],
)
def test_what_cannot_be_read_is_not_formatted(text: str, place: str) -> None:
    """The diagnostic says where."""
    made = format_text("x.yaml", text)

    assert made.text is None
    assert str(made.diagnostics[0].span) == place
