"""The subject's page in a real Chromium: without scripts, for those who see and those who hear it, on paper and phone.

Skipped where there is no Chromium: it is not among the tools that the project needs.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.office import CheckRequest
from adapters.office.model import Step
from tests.adapters.support import FINANCE, HR
from tests.api.portals import Portal, desk_ban

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.parametrize("engine", ["sqlite"], indirect=True),
]
WIDE, PHONE = {"width": 1100, "height": 900}, {"width": 360, "height": 740}


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """A browser for one test: playwright keeps an event loop running that other tests on this thread must not meet."""
    with playwright.sync_playwright() as play:
        # the sandbox needs rights that root in a container does not have
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=[WIDE, PHONE], ids=["wide", "phone"])
def tab(chromium: Browser, request: pytest.FixtureRequest, portal: Portal) -> Iterator[Page]:
    """A tab that runs no script, on the first page; at the end nothing was refused or asked of others."""
    context = chromium.new_context(viewport=request.param, java_script_enabled=False)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda sent: asked.append(sent.url))
    page.goto(f"{portal.http.base_url}/me")
    yield page
    context.close()
    assert [words for words in said if "Content Security Policy" in words] == []
    assert [url for url in asked if not url.startswith(str(portal.http.base_url))] == []


def enter(page: Page, portal: Portal, party: str | None = None) -> None:
    """Type a code and go in."""
    page.get_by_label("查询码").fill(portal.code(party))
    page.get_by_role("button", name="查看").click()


def violations(page: Page) -> list[str]:
    """What axe-core has against a page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()
    found = axe.run(page).response["violations"]
    return [f"{v['id']}: {[n['target'] for n in v['nodes']][:3]}" for v in found]


def test_a_person_enters_a_code_and_sees_the_listing(tab: Page, portal: Portal) -> None:
    """From the form to the listing, its measures, clocks and looks, and out again; back does not lead in."""
    portal.desk.office.check(FINANCE, CheckRequest("procurement", "采购资格审查", code=portal.company.code))
    enter(tab, portal)

    assert tab.url == f"{portal.http.base_url}/me"
    assert tab.get_by_role("heading", level=1).inner_text() == "拖欠工资名单"
    assert tab.get_by_text("限制政府采购", exact=True).is_visible()
    assert tab.get_by_role(
        "img", name=re.compile("^列入期限：自2026年11月16日起，最短至2027年5月16日，最长至2029年11月16日")
    ).is_visible()
    assert tab.get_by_text("采购资格审查").is_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"]
    tab.locator("#receipts summary").click()
    tab.get_by_role("link", name="申报列入名单").click()
    assert tab.get_by_role("img", name="凭证的二维码").bounding_box()["width"] >= 250
    assert tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"]
    tab.get_by_role("button", name="退出").click()
    assert tab.get_by_text("已经退出").is_visible()
    tab.go_back()
    assert "限制政府采购" not in tab.content()


def test_the_marks_of_a_clock_stand_where_the_days_do(tab: Page, portal: Portal) -> None:
    """A year of three has passed: today's mark is at a third of the line, the minimum before it at a sixth."""
    portal.desk.clock.now = dt.datetime(2027, 11, 16, 2, 0, tzinfo=dt.UTC)
    enter(tab, portal)
    line = tab.get_by_role("img", name=re.compile("^列入期限"))
    box = line.bounding_box()
    here, tick = line.locator(".here").bounding_box(), line.locator(".tick").bounding_box()

    assert (here["x"] + here["width"] / 2 - box["x"]) / box["width"] == pytest.approx(365 / 1096, abs=0.01)
    assert (tick["x"] - box["x"]) / box["width"] == pytest.approx(181 / 1096, abs=0.01)


def test_a_wrong_code_leads_back_to_the_form(tab: Page, portal: Portal) -> None:
    """With a message that is announced."""
    tab.get_by_label("查询码").fill("2345-2345-2345-2345")
    tab.get_by_role("button", name="查看").click()

    assert "查询码不正确" in tab.get_by_role("alert").inner_text()


def test_everyone_can_use_both_pages(chromium: Browser, portal: Portal) -> None:
    """No violation of WCAG that axe-core finds, in any state of the page."""
    desk, ban = portal.desk, desk_ban(portal)
    desk.do(FINANCE, ban, "accept")
    desk.office.step(HR, portal.case, Step("object", on=dt.date(2026, 11, 24), points=("金额有误",)))
    context = chromium.new_context(viewport=WIDE)
    page = context.new_page()
    page.goto(f"{portal.http.base_url}/me")
    assert violations(page) == []
    for party in (None, portal.boss_id):
        enter(page, portal, party)
        assert violations(page) == []
        page.goto(f"{portal.http.base_url}/me/receipts/1")
        assert violations(page) == []
        page.get_by_role("button", name="退出").click()
    context.close()


def test_the_page_prints_with_every_basis(chromium: Browser, portal: Portal, tmp_path: Path) -> None:
    """On paper there is nothing to click: what is folded on the screen is open, and the buttons are gone."""
    context = chromium.new_context(viewport=WIDE)
    page = context.new_page()
    page.goto(f"{portal.http.base_url}/me")
    enter(page, portal)
    clause = page.get_by_text("《拖欠工资合作备忘录》", exact=False).first
    assert not clause.is_visible()
    page.emulate_media(media="print")
    assert clause.is_visible()
    assert not page.get_by_role("button", name="退出").is_visible()
    assert page.pdf(path=tmp_path / "page.pdf").startswith(b"%PDF")
    context.close()
