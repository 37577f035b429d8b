"""Completion offers what may stand at the cursor, whether or not the file parses at that moment."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol.types import CompletionItem, TextEdit

from api.lsp.completing import complete
from api.lsp.cursor import cursors
from api.lsp.positions import Encoding, lines_of
from tests.language.bundles import good
from tests.lsp.places import CURSOR, SOUND, WAGES, WAGES_TEXT, view_of, with_cursor

VIEW = view_of()
HEAD = WAGES_TEXT[: WAGES_TEXT.index("rules:")]
LISTING = good()["rules/lists/wage-arrears.yaml"]
MEASURE = good()["rules/measures/check-more.yaml"]
TESTS = good()["memoranda/wages.test.yaml"]


def items(path: str, text: str) -> list[CompletionItem]:
    """What is offered at the cursor, likeliest first."""
    plain, position = with_cursor(text)
    found = complete(VIEW, {**SOUND, path: plain}, path, position, Encoding())
    return sorted(found.items, key=lambda item: item.sort_text or "")


def offered(path: str, text: str) -> list[str]:
    """The labels only."""
    return [item.label for item in items(path, text)]


ALL_RULE_KEYS = {"id", "then", "title", "clause", "when", "unless", "overrides", "basis", "valid"}
KINDS_OF_SUBJECT = {
    "enterprise", "sole-trader", "natural-person", "farmer-household", "public-body", "social-organisation", "village",
    "township",
}  # fmt: skip
FACTS = {
    "subject.kind", "notice_date", "decision_date", "amount_owed", "amount_paid", "workers", "mass_incident", "grade",
    "income", "tags", "remark", "grave", "tier", "penalties",
}  # fmt: skip
EXACT = {
    "a rule's keys": (WAGES, f"{WAGES_TEXT}  - ▮", ALL_RULE_KEYS),
    "those not written yet": (WAGES, f"{WAGES_TEXT}  - id: x\n    when: {{}}\n    ▮", ALL_RULE_KEYS - {"id", "when"}),
    "facts and groups in a condition": (
        WAGES, f"{WAGES_TEXT}  - id: x\n    when: {{▮",
        FACTS | {"all", "any", "not", "exists", "none", "count", "response"},
    ),
    "in a block as well": (
        WAGES, f"{WAGES_TEXT}  - id: x\n    when:\n      any:\n        - ▮",
        FACTS | {"all", "any", "not", "exists", "none", "count", "response"},
    ),
    "operators of a sum": (
        WAGES, f"{WAGES_TEXT}  - id: x\n    when: {{amount_owed: {{▮}}}}\n",
        {"eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in", "known"},
    ),
    "operators of a list": (
        WAGES, f"{WAGES_TEXT}  - id: x\n    when: {{tags: {{▮", {"contains", "not_contains", "known"},
    ),
    "values of an enumeration": (WAGES, f"{WAGES_TEXT}  - id: x\n    when: {{tier: {{in: [▮]}}}}\n", {"high", "low"}),
    "members of a list": (
        WAGES, f"{WAGES_TEXT}  - id: x\n    when: {{tags: {{contains: ▮}}}}\n", {"seasonal", "subcontracted"},
    ),
    "kinds of subject": (WAGES, f"{WAGES_TEXT}  - id: x\n    when: {{subject.kind: {{in: [▮", KINDS_OF_SUBJECT),
    "a fact to compare with": (WAGES, f"{WAGES_TEXT}  - id: x\n    when: {{income: {{gt: {{fact: ▮", FACTS),
    "fields of a record": (
        WAGES, f"{WAGES_TEXT}  - id: x\n    when: {{none: {{record: penalty, where: {{▮",
        {"severity", "fine", "number", "simple", "subject.kind", "all", "any", "not"},
    ),
    "lists on which a subject stands": (
        WAGES, f"{WAGES_TEXT}  - id: x\n    when: {{none: {{record: listing, where: {{list: {{in: [▮",
        {"wage-arrears"},
    ),
    "record kinds, the built-in one too": (
        WAGES, f"{WAGES_TEXT}  - id: x\n    when: {{exists: {{record: ▮", {"penalty", "listing"},
    ),
    "what is given in a choice": (
        WAGES, HEAD.replace("{value: low}", "{value: ▮}") + WAGES_TEXT[len(HEAD) :], {"high", "low"},
    ),
    "the memorandum's own rules": (
        WAGES, WAGES_TEXT.replace("overrides: [checks]", "overrides: [▮]"),
        {"procurement", "posts", "checks", "lenient", "credit"},
    ),
    "articles of the law that is cited": (
        WAGES, f"{WAGES_TEXT}  - id: x\n    basis: [{{law: wage-regulation, article: ▮", {"第四十八条", "第五条"},
    ),
    "departments, one after another": (
        WAGES, f"{WAGES_TEXT}  - id: x\n    then:\n      - oblige: no-posts\n        by: [finance, ▮",
        {"banks", "commerce-bureau", "finance", "human-resources", "market-regulation"},
    ),
    "related roles": (
        WAGES, f"{WAGES_TEXT}  - id: x\n    then:\n      - target: {{related: [▮",
        {"legal-representative", "principal", "actual-controller", "directly-responsible", "member"},
    ),
    "verification steps of the measure's matter": (
        "rules/measures/check-more.yaml", MEASURE.replace("[site-check]", "[▮]"), {"site-check"},
    ),
    "facts that can prove a date": (
        "rules/lists/wage-arrears.yaml", LISTING.replace("date: notice_date", "date: ▮"),
        {"notice_date", "decision_date"},
    ),
    "columns of a table": (
        "rules/tables/credit.yaml",
        good()["rules/tables/credit.yaml"].replace("{when: {grade: AAA}", "{when: {▮}"), {"grade", "all", "any", "not"},
    ),
    "inputs are compared without the day": (
        "rules/tables/credit.yaml",
        good()["rules/tables/credit.yaml"].replace("{grade: AAA}", "{grade: {▮}}"), {"eq", "ne", "in", "not_in"},
    ),
    "facts that a test may give": (
        "memoranda/wages.test.yaml", f"{TESTS}  - name: x\n    facts: {{▮",
        FACTS - {"subject.kind", "grave", "tier", "penalties"},
    ),
    "facts that a test may ask for": (
        "memoranda/wages.test.yaml", f"{TESTS}  - name: x\n    expect: {{derived: {{▮", {"grave", "tier", "penalties"},
    ),
    "people of the test": (
        "memoranda/wages.test.yaml",
        f"{TESTS}  - name: x\n    relations: [{{role: principal, id: wang}}]\n    expect: {{owes: [{{target: ▮",
        {"li", "wang", "subject"},
    ),
    "the id that the file's name demands": ("rules/laws/new-law.yaml", "law: ▮", {"new-law"}),
    "nothing in a comment": (WAGES, f"{WAGES_TEXT}# ▮", set()),
    "nothing where text is free": (WAGES, WAGES_TEXT.replace("title: 联合", "title: ▮联合"), set()),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_what_is_offered(name: str) -> None:
    """Exactly this, wherever brackets are still open and keys still missing."""
    path, text, expected = EXACT[name]

    assert expected == set(offered(path, text))


def test_names_come_with_their_titles() -> None:
    """Nobody knows ids by heart."""
    found = {item.label: item.detail for item in items(WAGES, f"{WAGES_TEXT}  - id: x\n    then:\n      - oblige: ▮")}

    assert found["no-posts"] == "限制任职"
    assert found["check-more"] == "从严核验"


def test_a_title_finds_the_name() -> None:
    """Chinese is matched here, since editors match labels only."""
    (item,) = items(WAGES, f"{WAGES_TEXT}  - id: x\n    then:\n      - oblige: 任职▮")

    assert (item.label, item.filter_text) == ("no-posts", "任职")


def test_a_list_is_written_as_one() -> None:
    """Where a list has to stand, its brackets come along."""
    found = {item.label: item.text_edit for item in items(WAGES, f"{WAGES_TEXT}  - id: x\n    then:\n      - by:▮")}
    edit = found["finance"]

    assert isinstance(edit, TextEdit)
    assert edit.new_text == " [finance]"


def test_the_whole_word_is_replaced() -> None:
    """Also what stands behind the cursor; columns count in UTF-16."""
    text = f"{WAGES_TEXT}  - {{title: 𠮷😀, overrides: [che▮cks]}}"
    (edit,) = (item.text_edit for item in items(WAGES, text) if item.label == "checks")
    line = with_cursor(text)[0].split("\n")[-1]
    start = len(line[: line.index("checks")].encode("utf-16-le")) // 2

    assert isinstance(edit, TextEdit)
    assert (edit.range.start.character, edit.range.end.character) == (start, start + 6)


def test_required_keys_come_first() -> None:
    """What has to be written is what is asked for."""
    assert offered(WAGES, f"{WAGES_TEXT}  - ▮")[:2] == ["id", "then"]


def test_an_empty_file_is_told_what_it_may_become() -> None:
    """The folder tells what is likeliest, and the file's name the id."""
    first, *_ = items("rules/measures/new.yaml", "# 注释\n▮")

    assert isinstance(first.text_edit, TextEdit)
    assert (first.label, first.text_edit.new_text) == ("measure", "measure: new\n")


BROKEN = [
    "title: '没有收尾\n",
    "valid: {from: 2020-01-01\n",
    "basis: [{law: x, article\n",
    "derive:\n  - fact: a\n   title: 缩进不齐\n",
    "source: 甲: 乙\n",
]


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_wrong_above_is_no_hindrance(broken: str) -> None:
    """The lines that the cursor is nested in are enough."""
    text = (
        f"memorandum: wages\n{broken}list: wage-arrears\nrules:\n  - id: x\n    then:\n      - oblige: no-▮\n  - id: y"
    )

    assert "no-posts" in offered(WAGES, text)


def test_what_is_wrong_elsewhere_leaves_the_last_good_names() -> None:
    """A list that cannot be parsed any more still has the facts that it had."""
    view = view_of()
    view.index(SOUND)
    plain, position = with_cursor(f"{WAGES_TEXT}  - id: x\n    when: {{am▮")
    broken = {**SOUND, "rules/lists/wage-arrears.yaml": "list: wage-arrears\nfacts: {", WAGES: plain}
    view.compile(broken)

    assert "amount_owed" in {i.label for i in complete(view, broken, WAGES, position, Encoding()).items}


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_no_text_and_no_place_is_too_odd(data: st.DataObject) -> None:
    """Whatever is cut out or put in, and wherever the cursor stands, the answer is about the line it stands in."""
    text = data.draw(st.sampled_from((WAGES_TEXT, LISTING, TESTS)))
    start = data.draw(st.integers(0, len(text)))
    junk = data.draw(st.text("ab: -[]{}'\"#&*|>\n\t▲😀", max_size=8))
    text = text[:start] + junk + text[start + data.draw(st.integers(0, 30)) :]
    at = data.draw(st.integers(max(0, start - 5), min(len(text), start + len(junk) + 5)))
    marked = text[:at].replace(CURSOR, "") + CURSOR + text[at:].replace(CURSOR, "")
    plain, position = with_cursor(marked)
    lines = lines_of(plain)

    found = complete(VIEW, {**SOUND, WAGES: plain}, WAGES, position, Encoding())

    for item in found.items:
        assert isinstance(item.text_edit, TextEdit)
        assert item.text_edit.range.start.line == item.text_edit.range.end.line == position.line
        assert item.text_edit.range.start.character <= position.character <= item.text_edit.range.end.character
    assert all(c.end >= c.start for c in cursors(WAGES, lines, position.line + 1, position.character + 1))
