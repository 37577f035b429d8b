"""A rule book for people: every list with its clocks, every rule as a sentence with its basis, and who owes what.

Only the content, in order, as plain values; what it looks like is the business of whoever prints it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from engine.language.conditions import TYPE_TITLES
from engine.language.ir import Basis, FactType, Limit, ListDef, Memorandum, Policy, Rule
from engine.language.procedures import KINDS, clocks
from engine.workbench.sentences import (
    consequence_words,
    derivation_words,
    exception_sentences,
    kinds_words,
    measure_words,
    numeral,
    period_words,
    situation_words,
    titles_of,
)

FOLDED = re.compile(r"(?<=[，。；：、）])\s+")  # blanks that folding a YAML scalar leaves behind Chinese punctuation
PARTS: Mapping[str, str] = {"sanction": "惩戒名单", "watch": "重点关注名单", "incentive": "激励名单"}


@dataclass(frozen=True, slots=True)
class Citation:
    """A legal basis: where it stands, what it says in a few words, and whether that was held against the text."""

    text: str
    summary: str
    verified: str


@dataclass(frozen=True, slots=True)
class RulePart:
    """A rule. With one consequence it is the sentence's end, with several they are numbered."""

    anchor: str
    number: str
    title: str
    clause: str
    situation: str
    consequences: tuple[str, ...]
    exceptions: tuple[str, ...]
    basis: tuple[Citation, ...]

    @property
    def sentence(self) -> str:
        """The rule in one go."""
        if len(self.consequences) == 1:
            said = f"{self.situation}，{self.consequences[0]}。"
        else:
            parts = (f"（{numeral(n)}）{part}" for n, part in enumerate(self.consequences, 1))
            said = f"{self.situation}：{'；'.join(parts)}。"
        return said + "".join(self.exceptions)


@dataclass(frozen=True, slots=True)
class MemorandumPart:
    """A memorandum with what its own words mean."""

    anchor: str
    title: str
    document: str
    period: str
    definitions: tuple[str, ...]
    rules: tuple[RulePart, ...]


@dataclass(frozen=True, slots=True)
class ListPart:
    """A list: what it is, who files, what is asked at filing, its clocks, and its memoranda."""

    anchor: str
    title: str
    about: str
    facts: tuple[tuple[str, str, str], ...]  # title, kind of value, remarks
    clocks: tuple[tuple[str, str, str], ...]  # stage or clock, content, source
    basis: tuple[Citation, ...]
    memoranda: tuple[MemorandumPart, ...]


@dataclass(frozen=True, slots=True)
class Duty:
    """Where something is owed: a link to the rule, and what the other side of the table says."""

    anchor: str
    rule: str  # list and rule, for people
    what: str  # in the index of departments the measure, in that of measures the departments
    owed: bool  # else only advised


@dataclass(frozen=True, slots=True)
class IndexPart:
    """A measure or a department with all its duties."""

    anchor: str
    title: str
    about: str
    duties: tuple[Duty, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """The whole rule book. `parts`: kind of list in Chinese → its lists."""

    version: str
    parts: tuple[tuple[str, tuple[ListPart, ...]], ...]
    measures: tuple[IndexPart, ...]
    departments: tuple[IndexPart, ...]
    counts: tuple[int, int, int, int]  # lists, memoranda, rules, departments


def book_of(policy: Policy, only: Collection[str] = ()) -> Book:
    """The rule book of a policy, or of the memoranda in `only`, with the lists, measures and departments they need."""
    memoranda = [m for i, m in sorted(policy.memoranda.items()) if not only or i in only]
    listed = {m.list for m in memoranda} if only else set(policy.lists)
    lists = [found for i, found in sorted(policy.lists.items()) if i in listed]
    parts = tuple(
        (title, tuple(_list(found, memoranda, policy) for found in lists if found.kind == kind))
        for kind, title in PARTS.items()
        if any(found.kind == kind for found in lists)
    )
    measures, departments = _indexes(memoranda, policy)
    counts = (len(lists), len(memoranda), sum(len(m.rules) for m in memoranda), len(departments))
    return Book(policy.version, parts, measures, departments, counts)


def _list(listed: ListDef, memoranda: list[Memorandum], policy: Policy) -> ListPart:
    filed = "、".join(policy.departments[d].title for d in listed.filed_by)
    severe = "，是严重失信主体名单，列入期间中止各项激励" if listed.severe else ""
    about = f"{KINDS[listed.kind]}名单{severe}。由{filed}申报，列入{kinds_words(listed.subjects)}。"
    if period := period_words(listed.validity):
        about += f"{period}。"
    return ListPart(
        f"list-{listed.id}",
        listed.title,
        about,
        tuple(_fact(fact) for fact in listed.facts.values()),
        tuple(
            (title, detail.replace("`", ""), FOLDED.sub("", source)) for title, detail, source in clocks(listed, policy)
        ),
        _citations(listed.basis, policy),
        tuple(_memorandum(m, policy) for m in memoranda if m.list == listed.id),
    )


def _fact(fact: FactType) -> tuple[str, str, str]:
    values = "、".join(fact.titles.get(value, value) for value in fact.values)
    remarks = [word for word, holds in (("申报时必填", fact.required), ("主体此后可以改变", fact.changeable)) if holds]
    return fact.title, TYPE_TITLES[fact.type] + (f"：{values}" if values else ""), "；".join(remarks)


def _memorandum(memorandum: Memorandum, policy: Policy) -> MemorandumPart:
    titles = titles_of(policy, memorandum)
    return MemorandumPart(
        f"memorandum-{memorandum.id}",
        memorandum.title,
        memorandum.document or "",
        period_words(memorandum.validity),
        tuple(derivation_words(derivation, titles) for derivation in memorandum.derivations),
        tuple(_rule(number, rule, memorandum, policy) for number, rule in enumerate(memorandum.rules, 1)),
    )


def _rule(number: int, rule: Rule, memorandum: Memorandum, policy: Policy) -> RulePart:
    basis = [b for c in rule.then for b in (policy.tables[c.table].basis if isinstance(c, Limit) else c.basis)]
    return RulePart(
        anchor_of(rule),
        f"第{numeral(number)}条",
        rule.title,
        rule.clause or "",
        situation_words(rule, memorandum, policy),
        tuple(consequence_words(c, memorandum, policy, with_basis=False) for c in rule.then),
        exception_sentences(rule, memorandum),
        _citations(basis, policy),
    )


def anchor_of(rule: Rule) -> str:
    """Where a rule stands in the book."""
    return f"rule-{rule.id.replace('/', '-')}"


def _citations(basis: Collection[Basis], policy: Policy) -> tuple[Citation, ...]:
    found: dict[tuple[str, str], Citation] = {}
    for entry in basis:
        law = policy.laws[entry.law]
        article = "" if entry.article == "全文" else entry.article
        verified = f"已于 {entry.verified.on} 与原文核对" if entry.verified else "未与原文核对"
        key = (entry.law, entry.article)
        if key not in found or entry.verified:
            found[key] = Citation(f"《{law.title}》{article}", law.articles.get(entry.article, ""), verified)
    return tuple(found.values())


def _indexes(memoranda: list[Memorandum], policy: Policy) -> tuple[tuple[IndexPart, ...], tuple[IndexPart, ...]]:
    """Who does what: by measure and by department."""
    by_measure: defaultdict[str, list[Duty]] = defaultdict(list)
    by_department: defaultdict[str, list[Duty]] = defaultdict(list)
    for rule, place, name, who, owed in _duties(memoranda, policy):
        title = policy.measures[name].title if name in policy.measures else policy.tables[name].title
        by_measure[name].append(Duty(anchor_of(rule), place, "、".join(policy.departments[d].title for d in who), owed))
        for department in who:
            by_department[department].append(Duty(anchor_of(rule), place, title, owed))
    measures = tuple(
        IndexPart(
            f"measure-{name}",
            policy.measures[name].title if name in policy.measures else policy.tables[name].title,
            f"{measure_words(policy.measures[name], policy)}。"
            if name in policy.measures
            else "给出建议额度的分级表。",
            tuple(duties),
        )
        for name, duties in sorted(by_measure.items())
    )
    departments = tuple(
        IndexPart(f"department-{i}", policy.departments[i].title, _tally(duties), tuple(duties))
        for i, duties in sorted(by_department.items())
    )
    return measures, departments


def _duties(memoranda: list[Memorandum], policy: Policy) -> Iterator[tuple[Rule, str, str, tuple[str, ...], bool]]:
    """Every consequence: its rule, the rule in words, the measure or table, the departments, and whether it is owed."""
    for memorandum in memoranda:
        listed = policy.lists[memorandum.list].title
        for rule in memorandum.rules:
            for consequence in rule.then:
                if isinstance(consequence, Limit):
                    name, owed = consequence.table, False
                else:
                    name, owed = consequence.measure, consequence.advice is None
                yield rule, f"{listed}：{rule.title}", name, consequence.by, owed


def _tally(duties: list[Duty]) -> str:
    owed = len({(d.anchor, d.what) for d in duties if d.owed})
    advised = len({(d.anchor, d.what) for d in duties if not d.owed})
    return f"应响应 {owed} 项，建议 {advised} 项。"
