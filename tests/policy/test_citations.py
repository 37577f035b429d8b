"""The default bundle's citations stand in the texts of the laws.

Skipped where the texts are absent; `XINHENG_LAWS` names their folder, by default `../shared/domain`.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from adapters.law_texts import read_law_texts
from engine.workbench.citations import CitationReport, check_citations
from tests.shipped import shipped_policy

ROOT = Path(__file__).parents[2]
LAWS = Path(os.environ.get("XINHENG_LAWS", ROOT.parent / "shared" / "domain"))

pytestmark = pytest.mark.skipif(not LAWS.is_dir(), reason="the law texts are not here (XINHENG_LAWS)")


@cache
def report() -> CitationReport:
    """What holding the default bundle against the texts gives."""
    return check_citations(shipped_policy(), read_law_texts(LAWS))


@pytest.mark.parametrize("code", ["XH181", "XH182", "XH183", "XH184", "XH185", "XH189"])
def test_no_citation_is_wrong(code: str) -> None:
    """Articles exist, quotes stand in them, texts are those that were read, and everything rests on something."""
    assert [d for d in report().diagnostics if d.code == code] == []


def test_most_citations_have_a_text() -> None:
    """There is something to check, and what has no text is counted."""
    assert report().held > 400
    assert 0 < report().unknown < report().held
    assert {d.code for d in report().diagnostics} <= {"XH186", "XH187", "XH188"}
