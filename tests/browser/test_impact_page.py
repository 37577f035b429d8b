"""The report of a change of policy in a real Chromium: for those who see and those who hear it, on paper and phone.

Skipped where there is no Chromium: it is not among the tools that the project needs.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from adapters.office.impact_model import (
    Counts,
    DepartmentImpact,
    Impact,
    LimitImpact,
    ListImpact,
    OwedImpact,
    StayingCase,
)
from adapters.reports import impact_page
from adapters.reports.wording import Labels
from engine.workbench.backlog import Load

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
DAY = dt.date(2026, 11, 24)
CUT_OFF = """
[...document.querySelectorAll('svg text')].filter(text => {
  const [own, chart] = [text.getBoundingClientRect(), text.closest('svg').getBoundingClientRect()];
  return own.left < chart.left || own.right > chart.right;
}).map(text => text.textContent)
"""
"""Words in charts that stick out."""
NAMES = ("人力资源和社会保障局", "移民管理局（出入境管理机构）", "税务局")


def impact() -> Impact:
    """One of everything that the page can show, with names as long as they get."""
    departments = tuple(
        DepartmentImpact(
            f"d{n}", name, Counts(12 * n, n, 3), Load(DAY, tuple(range(30, 0, -1))),
            Load(DAY, tuple(x + 5 * n for x in range(30, 0, -1))),
        )
        for n, name in enumerate(NAMES, 1)
    )  # fmt: skip
    title = "政务失信及拖欠中小企业款项失信主体名单"
    return Impact(
        before=None, after="a" * 64, today=DAY, day=DAY, days=30, cases=12_345, changed=678, subjects=9_876,
        subjects_changed=543, restricted=("s1",), released=("s2", "s3"),
        lists=(ListImpact("l", title, True, 12_345, 678, 2, 3, 4, Counts(36, 3, 9)),),
        owed=tuple(OwedImpact("l", title, "m", "限制补贴性资金和政府资金支持", d.department, d.title, d.counts)
                   for d in departments),
        departments=departments, limits=(LimitImpact("t", "农户授信额度", raised=3, raised_by=1_234_500),),
        staying=tuple(StayingCase(f"{n:032x}", "l", title, "新政策没有这个名单，须另行终止") for n in range(2)),
    )  # fmt: skip


def test_everyone_can_read_the_report(tmp_path: Path) -> None:
    """No violation of WCAG that axe-core finds, nothing asked of others, nothing beside the page on any width."""
    path = tmp_path / "impact.html"
    path.write_text(impact_page(impact(), Labels("现行政策", "文件夹 /很/长/的/路径/" + "x" * 90)), encoding="utf-8")
    with playwright.sync_playwright() as play:
        # the sandbox needs rights that root in a container does not have
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        asked: list[str] = []
        page.on("request", lambda sent: asked.append(sent.url))
        page.goto(path.as_uri())
        for width in (360, 1100):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(CUT_OFF) == []
        assert asked == [path.as_uri()]
        assert page.get_by_role("img", name="人力资源和社会保障局的每日待办").is_visible()
        found = axe.Axe().run(page).response["violations"]
        assert [f"{v['id']}: {[n['target'] for n in v['nodes']][:3]}" for v in found] == []
        assert page.pdf(path=tmp_path / "page.pdf").startswith(b"%PDF")
        browser.close()
