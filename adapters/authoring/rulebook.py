"""The rule book as one HTML file that needs nothing else, and as a Word document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined

from adapters.authoring.word import Page
from engine.workbench.rulebook import Book, Citation, IndexPart, ListPart, RulePart
from engine.workbench.sentences import numeral

TITLE = "联合奖惩规则汇编"
LEGEND = (
    "“应当”是应响应事项，须在期限内答复；“建议”不是应响应事项。"
    "条件中有事实没有提供的，规则不适用。期限自事项可以办理之日起算。"
    "“本系统”的阶段在本系统办理，“申报前”的由申报单位事先办完。"
)
INDEXES = (("departments", "按部门：谁应当做什么"), ("measures", "按措施：由谁实施"))
INDENT = 0.75  # cm
THREE, CLOCKS = (3, 5, 4), (2.5, 5, 4.5)  # how wide columns are, in proportion


def html_book(book: Book, title: str = TITLE) -> bytes:
    """A page with its own styles and no scripts, for screens and for paper."""
    environment = Environment(
        loader=PackageLoader("adapters.authoring"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("rulebook.html")
    return template.render(book=book, title=title, legend=LEGEND, numeral=numeral).encode()


def docx_book(book: Book, title: str = TITLE) -> bytes:
    """The same content in Word, with a table of contents that Word fills in."""
    page = Page()
    page.title(title)
    lists, memoranda, rules, departments = book.counts
    counts = f"{lists} 份名单，{memoranda} 件备忘录，{rules} 条规则，{departments} 个实施部门。"
    page.paragraph(f"{counts}政策版本 {book.version[:12]}。", grey=True)
    page.paragraph(LEGEND, grey=True)
    page.contents(list(_contents(book)))
    for number, (kind, found) in enumerate(book.parts):
        page.page_break()
        page.heading(kind, 1, f"part-{number}")
        for listed in found:
            _list(page, listed)
    for (anchor, heading), parts, column in (
        (INDEXES[0], book.departments, "措施"),
        (INDEXES[1], book.measures, "实施部门"),
    ):
        page.page_break()
        page.heading(heading, 1, anchor)
        _index(page, parts, column)
    return page.content()


def _contents(book: Book) -> Iterator[tuple[int, str, str]]:
    for number, (kind, lists) in enumerate(book.parts):
        yield 1, kind, f"part-{number}"
        for listed in lists:
            yield 2, listed.title, listed.anchor
            for memorandum in listed.memoranda:
                yield 3, memorandum.title, memorandum.anchor
    for anchor, heading in INDEXES:
        yield 1, heading, anchor


def _list(page: Page, listed: ListPart) -> None:
    page.heading(listed.title, 2, listed.anchor)
    page.paragraph(listed.about)
    _basis(page, listed.basis)
    if listed.clocks:
        page.rows(("阶段或时限", "内容", "出处"), CLOCKS, listed.clocks)
    if listed.facts:
        page.rows(("申报时的事实", "填什么", "说明"), THREE, listed.facts)
    for memorandum in listed.memoranda:
        page.heading(memorandum.title, 3, memorandum.anchor)
        if about := "；".join(filter(None, (memorandum.document, memorandum.period))):
            page.paragraph(about, grey=True)
        if memorandum.definitions:
            page.paragraph("本备忘录中：")
            for words in memorandum.definitions:
                page.paragraph(words, indent=INDENT)
        for rule in memorandum.rules:
            _rule(page, rule)


def _rule(page: Page, rule: RulePart) -> None:
    page.heading(f"{rule.number}　{rule.title}" + (f"（{rule.clause}）" if rule.clause else ""), 4)
    if len(rule.consequences) == 1:
        page.paragraph(rule.sentence)
    else:
        page.paragraph(f"{rule.situation}：")
        for number, words in enumerate(rule.consequences, 1):
            end = "。" if number == len(rule.consequences) else "；"
            page.paragraph(f"（{numeral(number)}）{words}{end}", indent=INDENT)
        for words in rule.exceptions:
            page.paragraph(words)
    _basis(page, rule.basis)


def _basis(page: Page, basis: Iterable[Citation]) -> None:
    for cited in basis:
        summary = f"（{cited.summary}）" if cited.summary else ""
        page.paragraph(f"依据：{cited.text}{summary}，{cited.verified}。", indent=INDENT, grey=True)


def _index(page: Page, parts: Iterable[IndexPart], column: str) -> None:
    for part in parts:
        page.heading(part.title, 2)
        page.paragraph(part.about, grey=True)
        rows = [(duty.what, "应当" if duty.owed else "建议", duty.rule) for duty in part.duties]
        page.rows((column, "性质", "规则"), (5, 1, 6), rows)
