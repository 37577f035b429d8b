"""The rule book: every rule reads as a sentence, every link leads somewhere, and it needs nothing from elsewhere."""

from __future__ import annotations

import html
import re
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from docx import Document
from docx.oxml.ns import qn

from adapters.authoring.rulebook import docx_book, html_book
from engine.language.ir import Limit
from engine.workbench.rulebook import Book, RulePart, book_of
from engine.workbench.sentences import rule_sentence
from tests.shipped import shipped_policy

ONLY = ("credit-household-2017", "market-abnormal-2015-2045")
CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)


def rules(book: Book) -> list[RulePart]:
    """Every rule of a book."""
    return [rule for _, lists in book.parts for listed in lists for m in listed.memoranda for rule in m.rules]


def said(rule: RulePart) -> list[str]:
    """What has to be read in one piece: the sentence, or its parts where they are numbered."""
    return [rule.sentence] if len(rule.consequences) == 1 else [rule.situation, *rule.consequences, *rule.exceptions]


def test_the_page_has_every_rule_as_a_sentence_and_no_dead_link() -> None:
    """Links lead to places that exist once, and nothing is fetched."""
    policy = shipped_policy()
    book = book_of(policy)
    page = html_book(book).decode()
    places = re.findall(r'\bid="([^"]+)"', page)
    links = re.findall(r'href="([^"]+)"', page)

    assert len(rules(book)) == book.counts[2] == sum(len(m.rules) for m in policy.memoranda.values())
    assert [words for rule in rules(book) for words in said(rule) if html.escape(words) not in page] == []
    assert sorted(places) == sorted(set(places))
    assert {link for link in links if link.removeprefix("#") not in places or not link.startswith("#")} == set()
    assert "<script" not in page
    assert "src=" not in page
    assert '<html lang="zh-CN">' in page


def test_a_rule_in_the_book_is_the_sentence_without_its_basis_which_stands_below() -> None:
    """Nothing else is left out."""
    policy = shipped_policy()
    memorandum = policy.memoranda["wage-arrears-2017-2058"]
    (listed,) = (part for _, lists in book_of(policy, (memorandum.id,)).parts for part in lists)

    for part, rule in zip(listed.memoranda[0].rules, memorandum.rules, strict=True):
        assert part.sentence == re.sub(
            r"（依据：[^）]*）|；依据：[^）]*(?=）)", "", rule_sentence(rule, memorandum, policy)
        )
        laws = {policy.laws[b.law].title for c in rule.then if not isinstance(c, Limit) for b in c.basis}
        assert {title for title in laws if any(title in cited.text for cited in part.basis)} == laws


def test_the_indexes_say_who_owes_what() -> None:
    """Each department with its measures, owed or advised, and each measure with its departments."""
    book = book_of(shipped_policy(), ("credit-household-2017",))
    banks = next(part for part in book.departments if part.anchor == "department-banks")
    limit = next(part for part in book.measures if part.anchor == "measure-farmer-credit")

    assert banks.about == f"应响应 0 项，建议 {len(banks.duties)} 项。"
    assert [(duty.what, duty.owed) for duty in limit.duties] == [("农村商业银行", False)]
    assert [kind for kind, _ in book.parts] == ["激励名单"]


def test_the_word_document_says_the_same_and_its_contents_lead_to_its_headings() -> None:
    """And the same book gives the same bytes."""
    book = book_of(shipped_policy(), ONLY[1:])
    content = docx_book(book)
    document = Document(BytesIO(content))
    text = "\n".join(paragraph.text for paragraph in document.paragraphs)
    body = document.element.body
    links = [link.get(qn("w:anchor")) for link in body.iter(qn("w:hyperlink"))]
    marks = [mark.get(qn("w:name")) for mark in body.iter(qn("w:bookmarkStart"))]

    assert [words for rule in rules(book) for words in said(rule) if words not in text] == []
    assert sorted(links) == sorted(marks)
    assert all(len(mark) <= 40 for mark in marks)
    assert docx_book(book) == content


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_page_is_sound_for_those_who_see_and_those_who_hear_it(tmp_path: Path) -> None:
    """axe-core finds nothing, and on a phone nothing sticks out."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()
    path = tmp_path / "book.html"
    path.write_bytes(html_book(book_of(shipped_policy(), ONLY[:1])))
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 360, "height": 740})
        page.goto(path.as_uri())
        wide = page.evaluate("document.documentElement.scrollWidth")
        violations = [v["id"] for v in axe.run(page).response["violations"]]
        browser.close()

    assert violations == []
    assert wide == 360
