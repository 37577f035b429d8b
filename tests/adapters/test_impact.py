"""What impact says is what migration does; nothing is written, and nobody is named."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from adapters.ledger import read
from adapters.ledger.projections import load_case
from adapters.ledger.tables import cases, limits, metadata
from adapters.office import Filing, ForbiddenError, Related
from adapters.office.impact_model import Counts, Impact
from adapters.reports import impact_page, impact_sheet
from adapters.reports.wording import Labels
from engine.casework.model import Case
from engine.compiler import Workspace
from engine.language.ir import Policy
from tests.adapters.bundle import FILES
from tests.adapters.databases import Databases
from tests.adapters.support import (
    AUDITOR,
    BANK,
    FINANCE,
    HR,
    MARKET,
    PROPOSER,
    TAX,
    TRANSPORT,
    Desk,
    arrears,
    enterprise,
    open_desk,
    person,
)

ARREARS, GRADE, TABLE = "memoranda/arrears.yaml", "memoranda/a-grade.yaml", "rules/tables/credit.yaml"
BAN = """\
  - id: procurement
    when: {subject.kind: enterprise}
    then:
      - {oblige: no-procurement, by: [finance], after: [publish]}
"""
ANSWER = "    when: {response: {measure: no-procurement, by: finance, outcome: not-applicable}}\n"
NAME = "某某很长的公司名称"
LABELS = Labels("现行政策", "草案")


def edited(**more: tuple[str, str]) -> dict[str, str]:
    """Stricter about posts, no ban from procurement, a watch by tax for all, a higher cap, a longer listing."""
    files = dict(FILES)
    for path, old, new in (
        (ARREARS, "50 万元", "40 万元"),
        (ARREARS, BAN, ""),
        (ARREARS, f"  - id: instead\n{ANSWER}", "  - id: instead\n"),
        (TABLE, "cap: 20 万元", "cap: 15 万元"),
        (TABLE, "{base: 1 万元}", "{base: 2 万元}"),
        ("rules/lists/arrears.yaml", "length: 3 years", "length: 2 years"),
        *((path, *edit) for path, edit in more.items()),
    ):  # fmt: skip
        assert old in files[path], (path, old)
        files[path] = files[path].replace(old, new)
    return files


WORKSPACE = Workspace()


def compiled(files: dict[str, str]) -> Policy:
    """A policy that compiles."""
    found = WORKSPACE.compile(files)
    assert found.policy is not None, [str(d) for d in found.diagnostics if d.severity == "error"]
    return found.policy


def fill(desk: Desk) -> dict[str, str]:
    """Cases of every sort: name → id."""
    boss = Related("legal-representative", person(), dt.date(2026, 11, 17))
    unserved = Related("legal-representative", person())
    made = {
        "small": desk.file(arrears(enterprise(name=NAME), amount_owed="10 万元")),
        "middle": desk.file(Filing("arrears", enterprise(), arrears(amount_owed="45 万元").facts, related=(boss,))),
        "large": desk.file(Filing("arrears", enterprise(), arrears(amount_owed="90 万元").facts, related=(boss,))),
        "unserved": desk.file(
            Filing("arrears", enterprise(), arrears(amount_owed="90 万元").facts, related=(unserved,))
        ),
        "person": desk.file(arrears(person(), amount_owed="10 万元")),
        "ended": desk.file(arrears(enterprise())),
        "rich": desk.file(Filing("a-grade", enterprise(), {"income": "90 万元"}), TAX),
        "poor": desk.file(Filing("a-grade", enterprise(), {"income": "5 万元"}), TAX),
        "between": desk.file(Filing("a-grade", enterprise(), {"income": "20 万元"}), TAX),
    }
    names = {name: filed.case.id for name, filed in made.items()}
    for name in ("large", "ended"):  # the ban is in force
        publish, ban = desk.find(names[name], "publish"), desk.find(names[name], "no-procurement")
        desk.do(HR, publish, "accept")
        desk.do(HR, publish, "respond", outcome="implemented")
        for action in ("accept", "confirm", "arm"):
            desk.do(FINANCE, ban, action)
    desk.do(HR, desk.find(names["middle"], "publish"), "accept")
    desk.office.end_case(HR, names["ended"], "annulment", "撤销")
    return names


def everything(desk: Desk) -> dict[str, list[str]]:
    """Every row of every table."""
    with read(desk.engine) as conn:
        return {t.name: sorted(map(repr, conn.execute(select(t)))) for t in metadata.sorted_tables}


def standing(desk: Desk) -> dict[str, tuple[Case, dict[str, int]]]:
    """Every live case, and its suggested limits by table."""
    with read(desk.engine) as conn:
        names = conn.execute(select(cases.c.id).where(cases.c.state.not_in(("lifting", "closed")))).scalars().all()
        amounts: dict[str, dict[str, int]] = {name: {} for name in names}
        for row in conn.execute(select(limits)):
            amounts[row.case_id][row.table_id] = row.amount
        return {name: (load_case(conn, name)[0], amounts[name]) for name in names}


def restricted(found: dict[str, tuple[Case, dict[str, int]]]) -> set[str]:
    """Everyone under a restrictive measure that is not being lifted."""
    return {
        o.target
        for case, _ in found.values()
        for o in case.obligations.values()
        if o.restrictive and o.state not in {"lifting", "closed"}
    }


def test_what_it_says_is_what_migrating_then_does(desk: Desk) -> None:
    """Counts by measure and department, cases that stay, persons under restriction, limits, ends of listings."""
    fill(desk)
    said = desk.office.policy_impact(AUDITOR, None, compiled(edited()))
    before = standing(desk)
    desk.publish(edited())
    migrated = list(desk.office.migrate_cases(PROPOSER, reason="试验", dry_run=False))
    after = standing(desk)

    done: Counter[tuple[str, str, str]] = Counter()
    for name, (case, _) in after.items():
        was = before[name][0].obligations
        for o in case.obligations.values():
            old = was[o.id].state if o.id in was else None
            if old is None:
                done["gained", o.measure, o.department] += 1
            elif old != o.state and o.state in {"lifting", "closed"}:
                done["lifted" if o.state == "lifting" else "cancelled", o.measure, o.department] += 1
    told = Counter({
        (what, o.measure, o.department): getattr(o.counts, what)
        for o in said.owed for what in ("gained", "lifted", "cancelled")
    })  # fmt: skip
    assert +told == done
    assert sum(done.values()) == said.counts.gained + said.counts.lost > 5
    assert {(m.case, m.done) for m in migrated} == {(name, True) for name in before}
    assert said.staying == ()
    assert (set(said.restricted), set(said.released)) == (
        restricted(after) - restricted(before), restricted(before) - restricted(after),
    )  # fmt: skip
    assert said.released
    sums = {name: (was, after[name][1]) for name, (_, was) in before.items() if was}
    (credit,) = said.limits
    assert (credit.raised, credit.lowered) == (1, 1)
    assert credit.raised_by == sum(max(now["credit"] - was["credit"], 0) for was, now in sums.values())
    assert credit.lowered_by == sum(max(was["credit"] - now["credit"], 0) for was, now in sums.values())
    (listed,) = [one for one in said.lists if one.list == "arrears"]
    ends = [(before[n][0].listing, after[n][0].listing) for n in before if before[n][0].list == "arrears"]
    assert (
        listed.sooner == sum(bool(w and n and w.maximum and n.maximum and n.maximum < w.maximum) for w, n in ends) == 5
    )
    assert (said.cases, said.changed, listed.follows) == (8, 7, False)
    assert desk.office.policy_impact(AUDITOR, None, compiled(edited())).counts == Counts()


def test_nothing_is_written(desk: Desk) -> None:
    """Not a row in any table differs, but those that say who looked."""
    fill(desk)
    before = everything(desk)
    desk.office.policy_impact(AUDITOR, None, compiled(edited()), day=dt.date(2026, 12, 1))

    after = everything(desk)
    assert {n: rows for n, rows in after.items() if n != "looks"} == {n: r for n, r in before.items() if n != "looks"}
    assert len(after["looks"]) > len(before["looks"])


@pytest.fixture(scope="module")
def one(databases: Databases) -> Iterator[Desk]:
    """An office with cases of every sort. The tests share it: they only ask, and what follows is the same anywhere."""
    with databases.fresh("sqlite") as engine:
        desk = open_desk(engine)
        NAMES.update(fill(desk))
        yield desk


NAMES: dict[str, str] = {}


def test_cases_that_cannot_go_are_named_with_the_reason(one: Desk) -> None:
    """A list that is no more; they stay as they are in every figure, and are told to nobody but by their numbers."""
    files = {p: t for p, t in FILES.items() if "a-grade" not in p}
    found = one.office.policy_impact(AUDITOR, None, compiled(files))

    assert {(c.case, c.list_title, c.why) for c in found.staying} == {
        (NAMES[n], "A级纳税人", "新政策没有这个名单，须另行终止") for n in ("rich", "poor", "between")
    }
    assert [(o.list, o.refused, o.counts) for o in found.lists] == [("a-grade", 3, Counts()), ("arrears", 0, Counts())]
    assert all(d.before == d.after for d in found.departments)


def test_only_lists_that_follow_by_themselves_may_be_asked_about(one: Desk) -> None:
    """The others stay as they are."""
    files = edited()
    files[ARREARS] = files[ARREARS].replace("list: arrears\n", "list: arrears\nexisting_cases: migrate\n")
    every = one.office.policy_impact(AUDITOR, None, compiled(files))
    some = one.office.policy_impact(AUDITOR, None, compiled(files), only_following=True)

    assert {o.list for o in every.lists if o.follows} == {"arrears"}
    assert [o.changed for o in every.lists] == [2, 5]
    assert [o.changed for o in some.lists] == [0, 5]
    assert some.limits == ()


def test_two_versions_can_be_compared_whatever_cases_go_by(one: Desk) -> None:
    """From the changed policy back to the one in force: what the change adds is taken away again."""
    there = one.office.policy_impact(AUDITOR, None, compiled(edited()))
    back = one.office.policy_impact(AUDITOR, compiled(edited()), compiled(dict(FILES)))
    gains = {(o.measure, o.department) for o in there.owed if o.counts.gained}

    assert back.before == compiled(edited()).version
    assert {(o.measure, o.department) for o in back.owed if o.counts.lost} == gains
    assert set(back.restricted) == set(there.released)


def test_the_load_of_each_day_is_what_departments_have_to_do(one: Desk) -> None:
    """By hand: publishing is due in ten working days; what waits for it begins then, unless nobody owes it any more."""
    today = one.office.context.today()
    found = one.office.policy_impact(AUDITOR, None, compiled(edited()), days=20)
    load = {d.department: d for d in found.departments}
    hr, finance, tax, market = (load[d] for d in ("human-resources", "finance", "tax", "market-regulation"))
    due = dt.date(2026, 12, 8)  # ten working days from 24 November

    # four cases still to be shown; that of the ended one is taken down in a working day, once its ban is
    shown = [4 + (n in {1, 2}) if today + dt.timedelta(n) <= due else 0 for n in range(20)]
    assert hr.before.counts == hr.after.counts == tuple(shown)
    # posts of one person, whatever is owed about persons who have not been served
    assert market.before == market.after
    assert market.before.peak == 1
    # bans wait for publication; the ban of the ended case is lifted within a working day, three favours are set up
    assert finance.before.counts[0] == 1 + 3
    assert finance.before.counts[(due - today).days] == 3 + 3
    # with the change the ban in force is lifted too, and nothing opens later
    assert finance.after.counts[0] == 1 + 3 + 1
    assert finance.after.counts[(due - today).days] == 3
    assert (tax.before.peak, tax.after.peak, tax.after.peak_on) == (0, 5, today)


def test_a_later_day_begins_later(one: Desk) -> None:
    """The window begins with the change, and so does what it adds; what is open now is done by then."""
    day = dt.date(2026, 12, 9)
    found = one.office.policy_impact(AUDITOR, None, compiled(edited()), day=day, days=5)
    load = {d.department: d for d in found.departments}

    assert (found.day, found.today) == (day, dt.date(2026, 11, 24))
    assert load["tax"].after.counts == (5, 5, 5, 5, 5)
    assert "human-resources" not in load


def test_only_policy_staff_and_auditors_ask(one: Desk) -> None:
    """A department sees its own work only."""
    for who in (HR, FINANCE, MARKET, TRANSPORT, BANK):
        with pytest.raises(ForbiddenError):
            one.office.policy_impact(who, None, compiled(edited()))


# --- reports ----------------------------------------------------------------------------------------------------------


def measured(desk: Desk) -> Impact:
    """The impact of the edits on cases of every sort."""
    return desk.office.policy_impact(AUDITOR, None, compiled(edited()), days=14)


def test_the_page_stands_alone_and_names_nobody(one: Desk) -> None:
    """No script, nothing from elsewhere, no name and no code; the same bytes every time."""
    found = measured(one)
    page = impact_page(found, LABELS)
    codes = re.findall(r"[0-9A-HJ-NPQRTUWXY]{18}", page + json.dumps(asdict(found), default=str))

    assert page == impact_page(found, LABELS)
    assert '<html lang="zh-CN">' in page
    for forbidden in ("<script", "http:", "https:", "javascript", "@import", "url(", NAME):
        assert forbidden not in page
    assert codes == []
    assert NAME not in json.dumps(asdict(found), default=str, ensure_ascii=False)


ROW = r'scope="row">(\S+?)(?: 至 \S+)?</th><td class="n">(\d+)</td><td class="n[^>]*>(\d+)</td>'


def test_each_chart_has_a_name_a_description_and_its_figures_beside_it(one: Desk) -> None:
    """Whoever does not see it reads the same."""
    found = measured(one)
    page = impact_page(found, LABELS)
    charts = [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]
    by_title = {d.title: d for d in found.departments}

    assert len(charts) == 1 + 2  # what comes and goes, and the load of the two departments whose load changes
    for chart in charts:
        title, desc = chart.find("title"), chart.find("desc")
        assert chart.get("role") == "img"
        assert chart.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"  # type: ignore[union-attr]
        assert title.text  # type: ignore[union-attr]
        assert "项" in desc.text  # type: ignore[union-attr, operator]
    for curve in re.findall(r"<caption>(\S+)的每日待办</caption>.*?<tbody>(.*?)</tbody>", page, re.DOTALL):
        rows = re.findall(
            r'scope="row">(\S+?)(?: 至 \S+)?</th><td class="n">(\d+)</td><td class="n[^>]*>(\d+)</td>', curve[1]
        )
        load = by_title[curve[0]]
        assert rows[0] == (f"{found.day}", f"{load.before.counts[0]}", f"{load.after.counts[0]}")
        assert rows[-1][1:] == (f"{load.before.counts[-1]}", f"{load.after.counts[-1]}")


def test_a_page_about_nothing_says_so(databases: Databases) -> None:
    """No cases, no charts, no division by none."""
    with databases.fresh("sqlite") as engine:
        found = open_desk(engine).office.policy_impact(AUDITOR, None, compiled(edited()))
    page = impact_page(found, LABELS)

    assert "没有在办案件" in page
    assert "<svg" not in page


def test_the_workbook_has_the_same_figures(one: Desk, tmp_path: Path) -> None:
    """Read back by another program."""
    found = measured(one)
    impact_sheet(found, LABELS, tmp_path / "impact.xlsx")
    book = CalamineWorkbook.from_path(tmp_path / "impact.xlsx")
    sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}

    assert ["新增事项", found.counts.gained] in [row[:2] for row in sheets["概况"]]
    assert [row[3:] for row in sheets["事项"][1:]] == [
        [o.counts.gained, o.counts.lifted, o.counts.cancelled] for o in found.owed
    ]
    days = {(row[0], row[1]): row[2:] for row in sheets["每日待办"][1:]}
    for department in found.departments:
        for n, pair in enumerate(zip(department.before.counts, department.after.counts, strict=True)):
            key = (department.title, (found.day + dt.timedelta(n)).isoformat())
            assert tuple(days.get(key, (0, 0))) == pair
    (credit,) = found.limits
    assert sheets["额度"][1][6] == credit.raised_by / 100
