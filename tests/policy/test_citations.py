"""Every article marked `verified: {by: text}` stands in its text, and every quote inside its article.

Skipped where the texts are absent; `XINHENG_LAWS` names their folder, by default `../shared/domain/laws`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policy.law_text import articles, sections, squeeze

ROOT = Path(__file__).parents[2]
LAWS = Path(os.environ.get("XINHENG_LAWS", ROOT.parent / "shared" / "domain" / "laws"))
FILES = sorted(p for folder in ("rules", "memoranda") for p in (ROOT / folder).rglob("*.yaml"))

pytestmark = pytest.mark.skipif(not LAWS.is_dir(), reason="the law texts are not here (XINHENG_LAWS)")


@cache
def load(path: Path) -> Any:
    """A policy file with every scalar as text."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


@cache
def text_of(law: str) -> dict[str, str] | None:
    """Articles of a law of the bundle, if its text is among those we hold."""
    name = load(ROOT / "rules" / "laws" / f"{law}.yaml").get("text")
    if not name:
        return None
    return articles(LAWS / name) if name.endswith(".md") else sections(LAWS.parent / name)


def verified(node: Any) -> Iterator[dict[str, Any]]:
    """Every citation below `node` that claims to have been held against its text."""
    if isinstance(node, dict):
        if node.get("verified", {}) and node["verified"].get("by") == "text":
            yield node
        for value in node.values():
            yield from verified(value)
    elif isinstance(node, list):
        for value in node:
            yield from verified(value)


def faults(node: Any) -> list[str]:
    """What is wrong with the verified citations below `node`."""
    found = []
    for basis in verified(node):
        law, article, quote = basis["law"], basis["article"], basis.get("quote")
        text = text_of(law)
        if text is None:
            found.append(f"{law} {article}: marked verified, but no text is held")
        elif article not in text:
            found.append(f"{law}: no {article} in the text")
        elif quote is not None and squeeze(quote) not in text[article]:
            found.append(f"{law} {article}: does not say “{quote}”")
    return found


CITING = [p for p in FILES if any(True for _ in verified(load(p)))]


@pytest.mark.parametrize("path", CITING, ids=lambda p: p.stem)
def test_verified_citations_stand_in_their_texts(path: Path) -> None:
    """Article and quote of every verified basis of the file."""
    assert faults(load(path)) == []


@pytest.mark.parametrize("path", sorted((ROOT / "rules" / "laws").glob("*.yaml")), ids=lambda p: p.stem)
def test_listed_articles_stand_in_their_texts(path: Path) -> None:
    """A law whose text we hold lists no article that it does not have."""
    law = load(path)
    text = text_of(law["law"])
    missing = [] if text is None else sorted(set(law["articles"]) - set(text) - {"全文"})

    assert missing == []


def test_the_bundle_cites_and_verifies() -> None:
    """There is something to check: most measures rest on a verified article."""
    assert sum(len(list(verified(load(p)))) for p in CITING) > 100


@pytest.mark.parametrize(
    ("basis", "word"),
    [
        ({"law": "civil-servant-law-2018", "article": "第九百条"}, "no 第九百条"),
        ({"law": "civil-servant-law-2018", "article": "第二十六条", "quote": "从未说过的话"}, "does not say"),
        ({"law": "state-council-2016-33", "article": "全文"}, "no text is held"),
    ],
)
def test_a_wrong_citation_is_caught(basis: dict[str, Any], word: str) -> None:
    """Planted: an article that is not there, a quote that is not there, a text that is not held."""
    (fault,) = faults({"basis": [{**basis, "verified": {"by": "text", "on": "2026-11-24"}}]})

    assert word in fault
