"""Every citation of a policy held against the text of the law that it names.

What has no text here is *unknown*, never fine: it is counted, and reported where somebody claims to have read it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.language.diagnostics import Diagnostic, Reporter, nearest, one_of
from engine.language.ir import Policy, Span
from engine.language.raw import BasisEntry
from engine.language.raw_memoranda import RawConsequence, RawMemorandum
from engine.language.raw_rules import RawLaw
from engine.language.reading import Document, read_document
from engine.language.scalars import shown

CODES = frozenset({"XH181", "XH182", "XH183", "XH184", "XH185", "XH186", "XH187", "XH188", "XH189"})
"""What is reported here; the compiler, which has no texts, reports none of them."""

WHOLE = "全文"
NUMBER = "[一二三四五六七八九十百千零〇]+"
ARTICLE = re.compile(rf"^\s*(第{NUMBER}条(?:之{NUMBER})?)[\s　]+(.*)$")  # "第十条规定的…" within a sentence is none
OUTLINE = re.compile(rf"^\s*(?:({NUMBER})、|[(（]({NUMBER})[)）]|(\d+)\.)(.*)$")
PART = re.compile(rf"^(第{NUMBER}条(?:之{NUMBER})?)(?:第({NUMBER})款)?(?:第\(?({NUMBER})\)?项)?$")
ITEM = re.compile(rf"^\(({NUMBER})\)")
MARKUP = re.compile(r"^\s*#|<!--.*?-->")
QUOTES = str.maketrans("“”„‟「」『』‘’‚‛〝〞—―–‐‑−", '""""""""\'\'\'\'""------')
DIGITS = "一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class LawText:
    """The text of a law as it is held. Names and paragraphs are squeezed (see `squeeze`).

    file: its file name. sha256: of the file's bytes. articles: name → paragraphs and items, in order, a line each.
    """

    file: str
    sha256: str
    articles: Mapping[str, tuple[str, ...]]

    def passage(self, article: str) -> str | None:
        """What an article says, or a paragraph (第二款) or item (第三项) of it; `None` if there is no such thing."""
        name = squeeze(article)
        if name in self.articles:
            return "".join(self.articles[name])
        part = PART.match(name)
        if part is None or part[1] not in self.articles:
            return None
        lines = self.articles[part[1]]
        if part[2]:
            paragraphs = _paragraphs(lines)
            position = _number(part[2])
            if not 1 <= position <= len(paragraphs):
                return None
            lines = paragraphs[position - 1]
        if part[3]:
            at = next((i for i, line in enumerate(lines) if (m := ITEM.match(line)) and m[1] == part[3]), None)
            return None if at is None else lines[at]
        return "".join(lines)


@dataclass(frozen=True, slots=True)
class CitationReport:
    """What was found, by place; how many citations could be held against a text, and how many could not."""

    diagnostics: tuple[Diagnostic, ...]
    held: int
    unknown: int


@dataclass(frozen=True, slots=True)
class _Citation:
    law: str
    article: str | None
    quote: str | None
    verified: bool
    span: Span
    quote_span: Span


def squeeze(text: str) -> str:
    """Text without white space, with full-width forms, quotation marks and dashes folded, so that copies compare."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text).translate(QUOTES))


def law_text(file: str, content: bytes) -> LawText:
    """The articles of a text whose lines begin with 第…条, else the sections of one numbered 三、（一）4.

    A section is named 三（一）4 and holds what is below it; 全文 is everything.

    Raises:
        UnicodeDecodeError: it is not UTF-8.

    """
    lines = [MARKUP.sub("#", line, count=1) for line in content.decode("utf-8-sig").splitlines()]
    lines = [line for line in lines if not line.startswith("#")]
    found = _articles(lines) or _sections(lines)
    found[WHOLE] = lines
    parts = {squeeze(name): tuple(filter(None, map(squeeze, said))) for name, said in found.items()}
    return LawText(file, hashlib.sha256(content).hexdigest(), parts)


def check_citations(policy: Policy, texts: Mapping[str, LawText]) -> CitationReport:
    """Hold every citation of `policy` against `texts` (file name → text).

    `policy` may be a draft: what did not compile is looked at as far as its files could be read.
    """
    reporter = Reporter()
    read = [read_document(path, text, Reporter()) for path, text in sorted(policy.sources.items())]
    documents: dict[str, dict[str, Document[Any]]] = defaultdict(dict)
    for document in read:
        if document is not None:
            documents[document.kind].setdefault(document.id, document)
    citations = [c for kind in sorted(documents) for d in documents[kind].values() for c in _citations(d)]
    by_law: dict[str, list[_Citation]] = defaultdict(list)
    for citation in citations:
        by_law[citation.law].append(citation)
    held = 0
    for law, document in sorted(documents["law"].items()):
        text = texts.get(document.model.text or "")
        if text is not None:
            _check_law(document, text, by_law[law], reporter)
            held += len(by_law[law])
        else:
            _report_unread(document, by_law[law], reporter)
        _report_uncited_articles(document, by_law[law], reporter)
    _report_unnamed(texts, documents, reporter)
    _report_uncited(documents, reporter)
    return CitationReport(reporter.diagnostics(), held, len(citations) - held)


# --- law → citations ---------------------------------------------------------------------------------------------


def _check_law(law: Document[RawLaw], text: LawText, citations: Sequence[_Citation], reporter: Reporter) -> None:
    """The text is the one that was read, has the articles that the law's file lists, and says what is quoted."""
    recorded = law.model.sha256
    if recorded is None:
        reporter.report(
            "XH184", law.span("text"), f"{text.file} 没有记下摘要，改了也看不出来", expected=f"sha256: {text.sha256}"
        )
    elif recorded != text.sha256:
        reporter.report(
            "XH183", law.span("sha256"), f"{text.file} 与核对时不是同一文本", expected=f"sha256: {recorded}",
            notes=(f"现在的摘要是 {text.sha256}",),
        )  # fmt: skip
    for article in law.model.articles:
        if text.passage(article) is None:
            places = [str(c.span) for c in citations if c.article == article]
            reporter.report(
                "XH181", law.key("articles", article), f"{text.file} 中没有{shown(article)}",
                suggestion=nearest(squeeze(article), text.articles),
                notes=(f"引用于 {one_of(places, 3)}",) if places else (),
            )  # fmt: skip
    for citation in citations:
        passage = text.passage(citation.article) if citation.article else None
        if citation.quote is None or passage is None:
            continue
        quote = squeeze(citation.quote)
        if quote not in passage:
            elsewhere = [name for name, said in text.articles.items() if quote in "".join(said)]
            reporter.report(
                "XH182", citation.quote_span, f"{law.id} {citation.article}中没有{shown(citation.quote)}",
                suggestion=elsewhere[0] if elsewhere and elsewhere != [WHOLE] else "",
            )  # fmt: skip


def _report_unread(law: Document[RawLaw], citations: Sequence[_Citation], reporter: Reporter) -> None:
    file = law.model.text
    why = f"文本 {file} 不在此处" if file else "法律文件没有写 text"
    for citation in citations:
        if citation.verified:
            message = f"{law.id} {citation.article or ''}标为已核对，而{why}，无从复核"
            reporter.report("XH185", citation.span, message, notes=(f"法律文件在 {law.key('law')}",))
    unverified = sum(not c.verified for c in citations)
    if unverified:
        span = law.span("text") if file else law.key("law")
        reporter.report("XH186", span, f"{why}，{unverified} 处引用未能核对")


def _report_uncited_articles(law: Document[RawLaw], citations: Sequence[_Citation], reporter: Reporter) -> None:
    cited = {c.article for c in citations}
    uncited = [article for article in law.model.articles if article not in cited]
    if uncited:
        message = f"{law.id} 有 {len(uncited)} 条没有规则、措施或名单引用：{one_of(uncited)}"
        reporter.report("XH188", law.key("articles", uncited[0]), message)


def _report_unnamed(
    texts: Mapping[str, LawText], documents: Mapping[str, Mapping[str, Document[Any]]], reporter: Reporter
) -> None:
    named = {d.model.text for d in documents["law"].values()}
    for file in sorted(texts.keys() - named):
        reporter.report("XH187", Span(file, 1, 1), f"没有法律文件以 {file} 为文本")


# --- rules, measures and lists → articles ------------------------------------------------------------------------


def _report_uncited(documents: Mapping[str, Mapping[str, Document[Any]]], reporter: Reporter) -> None:
    """Lists, consequences of rules, and measures that rest on no article."""
    for identifier, document in sorted(documents["list"].items()):
        if not document.model.basis:
            reporter.report("XH189", document.key("list"), f"名单 {identifier} 没有引用条款")
    carried: set[str] = set()  # measures for which some rule cites an article
    for identifier, document in sorted(documents["memorandum"].items()):
        memorandum: RawMemorandum = document.model
        for index, rule in enumerate(memorandum.rules):
            for position, consequence in enumerate(rule.then):
                own = bool(consequence.basis or rule.basis)
                named = _named(consequence, documents)
                if own and named and named.kind == "measure":
                    carried.add(named.id)
                if not own and named and not named.model.basis:
                    span = document.key("rules", index, "then", position)
                    reporter.report(
                        "XH189", span, f"规则 {identifier}/{rule.id} 与它的 {named.id} 都没有引用条款"
                    )  # fmt: skip
    for identifier, document in sorted(documents["measure"].items()):
        if not document.model.basis and identifier not in carried:
            reporter.report("XH189", document.key("measure"), f"措施 {identifier} 没有引用条款，用它的规则也没有")


def _named(consequence: RawConsequence, documents: Mapping[str, Mapping[str, Document[Any]]]) -> Document[Any] | None:
    """The measure or table that a consequence names, if there is one."""
    if consequence.limit is not None:
        return documents["table"].get(consequence.limit)
    return documents["measure"].get(consequence.oblige or consequence.advise or "")


def _citations(document: Document[Any]) -> Iterator[_Citation]:
    """Everything in a document that names an article."""
    yield from _bases(document, getattr(document.model, "basis", ()), "basis")
    if document.kind == "list" and document.model.procedure and document.model.procedure.publicity:
        for n, limits in enumerate(document.model.procedure.publicity.limits):
            span = document.key("procedure", "publicity", "limits", n)
            yield _Citation(limits.law, limits.article, None, False, span, span)
    if document.kind == "retention":
        for index, rule in enumerate(document.model.rules):
            yield from _bases(document, rule.basis, "rules", index, "basis")
    if document.kind == "memorandum":
        for index, rule in enumerate(document.model.rules):
            yield from _bases(document, rule.basis, "rules", index, "basis")
            for position, consequence in enumerate(rule.then):
                yield from _bases(document, consequence.basis, "rules", index, "then", position, "basis")


def _bases(document: Document[Any], entries: Sequence[BasisEntry], *path: str | int) -> Iterator[_Citation]:
    for n, entry in enumerate(entries):
        at = (*path, n)
        yield _Citation(
            entry.law, entry.article, entry.quote, entry.verified is not None, document.key(*at),
            document.span(*at, "quote"),
        )  # fmt: skip


# --- texts -------------------------------------------------------------------------------------------------------


def _articles(lines: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in lines:
        if match := ARTICLE.match(line):
            current = found.setdefault(match[1], [])
            current.append(match[2])
        elif current is not None:
            current.append(line)
    return found


def _sections(lines: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    place: list[str] = []
    for line in lines:
        if match := OUTLINE.match(line):
            depth = next(i for i in range(3) if match[i + 1])
            place = [*place[:depth], match[depth + 1]]
        for depth in range(1, len(place) + 1):
            top, second, third = [*place[:depth], "", ""][:3]
            found[top + (f"（{second}）" if second else "") + third].append(line)
    return dict(found)


def _paragraphs(lines: Sequence[str]) -> list[tuple[str, ...]]:
    """The paragraphs (款) of an article, each with the items below it."""
    paragraphs: list[list[str]] = []
    for line in lines:
        if ITEM.match(line) and paragraphs:
            paragraphs[-1].append(line)
        else:
            paragraphs.append([line])
    return [tuple(paragraph) for paragraph in paragraphs]


def _number(text: str) -> int:
    """一 … 九十九 as an integer; 0 for anything larger, of which no article has so many paragraphs."""
    tens, found, ones = text.rpartition("十")
    if not found:
        tens, ones = "", text
    if len(tens) > 1 or len(ones) > 1 or not set(tens + ones) <= set(DIGITS):
        return 0
    return (DIGITS.index(tens) + 1 if tens else 1 if found else 0) * 10 + (DIGITS.index(ones) + 1 if ones else 0)
