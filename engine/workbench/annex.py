"""The annex that every joint memorandum has: a table of measures, their legal basis, and who carries them out.

A table says less than the policy: under which conditions, about whom and in which order is not in it. What it does say
(which department takes which measure on which article) comes back unchanged when it is read again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.language.ir import Basis, Limit, Memorandum, Policy

COLUMNS = ("序号", "措施", "法律及政策依据", "实施单位")
ADVISED = "（建议）"
LIMIT = re.compile(r"按“(.+)”给出建议额度")
WHOLE = "全文"

Article = tuple[str, str]


@dataclass(frozen=True, slots=True)
class AnnexRow:
    """A row as written; cells may have several lines. `place` says where it stands, `above`: the cell was empty."""

    measure: str
    basis: str
    departments: str
    place: str = ""
    number: str = ""  # 序号
    above: bool = False  # whether the measure is taken from the row above


def rows_of(memorandum: Memorandum, policy: Policy) -> tuple[AnnexRow, ...]:
    """The annex of a memorandum, a measure's rows together, measures in the order of the rules.

    Clauses share a row only where each of its departments acts on each of its articles.
    """
    bases: dict[str, dict[tuple[Article, ...], dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for rule in memorandum.rules:
        for consequence in rule.then:
            if isinstance(consequence, Limit):
                table = policy.tables[consequence.table]
                text, articles = f"按“{table.title}”给出建议额度", _articles(table.basis)
            else:
                advised = ADVISED if consequence.advice == "advised" else ""
                text = policy.measures[consequence.measure].title + advised
                articles = _articles(consequence.basis)
            bases[text][articles].update(dict.fromkeys(consequence.by))
    rows: list[AnnexRow] = []
    for number, (measure, groups) in enumerate(bases.items(), 1):
        for departments, articles in _merged(groups):
            rows.append(
                AnnexRow(
                    measure,
                    "\n".join(article_words(article, policy) for article in articles),
                    "、".join(policy.departments[d].title for d in departments),
                    number=str(number),
                )
            )
    return tuple(rows)


def _articles(basis: Iterable[Basis]) -> tuple[Article, ...]:
    return tuple(dict.fromkeys((b.law, b.article) for b in basis))


def _merged(groups: Mapping[tuple[Article, ...], Iterable[str]]) -> list[tuple[tuple[str, ...], tuple[Article, ...]]]:
    """Departments with the articles that all of them act on; the same departments appear once."""
    by_departments: dict[tuple[str, ...], dict[Article, None]] = defaultdict(dict)
    for articles, departments in groups.items():
        by_departments[tuple(departments)].update(dict.fromkeys(articles))
    return [(departments, tuple(articles)) for departments, articles in by_departments.items()]


def article_words(article: Article, policy: Policy) -> str:
    """`《保障农民工工资支付条例》第四十八条`; a whole document without its 全文."""
    law, where = article
    return f"《{policy.laws[law].title}》{'' if where == WHOLE else where}"
