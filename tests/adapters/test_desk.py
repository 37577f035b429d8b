"""The auditor's desk on both databases: decisions found, samples drawn again, duties not done, listings reversed."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter

import pytest
from sqlalchemy import Engine

from adapters.office import CheckRequest, Filing, InvalidError
from adapters.office.desk_duties import DutySearch
from adapters.office.desk_model import DutyFinding, Search
from adapters.office.model import Step
from engine.casework.model import Evidence
from tests.adapters.bundle import FILES
from tests.adapters.support import AUDITOR, FINANCE, HR, TAX, Desk, arrears, enterprise, open_desk, principal
from tests.adapters.test_process import INHOUSE

PROOF = (Evidence("a" * 64, "回执"),)
LI = principal("finance", officer="李四")


def armed(desk: Desk) -> tuple[str, str, str]:
    """A case whose ban on procurement is in force since today: case, obligation, subject."""
    filed = desk.file(arrears()).case
    publish, ban = desk.find(filed.id, "publish"), desk.find(filed.id, "no-procurement")
    desk.do(HR, publish, "accept")
    desk.do(HR, publish, "respond", outcome="implemented", evidence=PROOF)
    desk.do(LI, ban, "accept")
    desk.do(LI, ban, "confirm", remark="同意")
    desk.do(LI, ban, "arm", evidence=PROOF)
    return filed.id, ban, filed.subject


def found(desk: Desk, **asked: object) -> set[str]:
    """The cases of the decisions that are found."""
    return {i.case for i in desk.office.find_decisions(AUDITOR, Search(**asked)).items}  # type: ignore[arg-type]


def findings(desk: Desk, **asked: object) -> list[DutyFinding]:
    """What was not done."""
    return list(desk.office.audit_duties(AUDITOR, DutySearch(**asked), limit=200).items)  # type: ignore[arg-type]


def test_decisions_are_found_by_what_is_asked(desk: Desk) -> None:
    """By rule, article, department, officer, list, version, outcome and day; all that is asked must hold."""
    ban, _, _ = armed(desk)
    other = desk.file(arrears()).case.id
    desk.clock.turn(days=2)
    tax = desk.office.file_case(TAX, grade()).case.id
    version = desk.office.get_case(AUDITOR, ban).policy

    assert found(desk) == {ban, other, tax}
    assert found(desk, rule="arrears/procurement") == {ban, other}
    assert found(desk, rule="arrears/procure") == set()
    assert found(desk, law="credit-law", article="第二条") == {tax}
    assert found(desk, law="credit-law") == {ban, other, tax}
    assert found(desk, initiator="tax") == {tax}
    assert found(desk, implementer="finance", initiator="human-resources") == {ban, other}
    assert found(desk, implementer="rural-bank") == set()
    assert found(desk, officer="李四") == {ban}
    assert found(desk, list="a-grade") == {tax}
    assert found(desk, policy=version) == {ban, other, tax}
    assert found(desk, policy="0" * 64) == set()
    assert found(desk, outcome="implemented") == {ban}
    assert found(desk, outcome="implemented", rule="arrears/publicity") == {ban}
    assert found(desk, outcome="in-force", initiator="tax") == {tax}
    assert found(desk, since=dt.date(2026, 11, 25)) == {tax}
    assert found(desk, until=dt.date(2026, 11, 24)) == {ban, other}
    assert found(desk, rule='%"') == set()
    with pytest.raises(InvalidError):
        found(desk, article="第一条")


def grade() -> Filing:
    """A filing on the incentive list."""
    return Filing("a-grade", enterprise(), {"income": "50 万元"})


def test_an_obligation_has_to_meet_all_that_is_asked_about_it(one: Desk) -> None:
    """A rule of one department's and an answer of another's are not one obligation."""
    ban, _, _ = armed(one)

    assert found(one, rule="arrears/publicity", implementer="human-resources") == {ban}
    assert found(one, rule="arrears/publicity", implementer="finance") == set()


def test_pages_follow_each_other(desk: Desk) -> None:
    """Every decision once, those of the latest cases first."""
    cases = [desk.file(arrears()).case.id for _ in range(5) if not desk.clock.turn(minutes=1)]
    seen, place = [], None
    while True:
        page = desk.office.find_decisions(AUDITOR, Search(), after=place, limit=2)
        seen += [i.case for i in page.items]
        place = page.next
        if place is None:
            break

    assert seen == cases[::-1]
    for wrong in ({"limit": 0}, {"limit": 201}, {"after": "x"}):
        with pytest.raises(InvalidError):
            desk.office.find_decisions(AUDITOR, Search(), **wrong)  # type: ignore[arg-type]


def test_a_sample_is_drawn_again_from_what_it_says(desk: Desk) -> None:
    """By seed and instant, whatever was filed since; anyone checks the population and the lots without this code."""
    for _ in range(12):
        desk.file(arrears())
    for _ in range(4):
        desk.office.file_case(TAX, grade())
    desk.clock.turn(minutes=1)
    drawn = desk.office.sample_decisions(AUDITOR, Search(), size=8, seed="复核一", by="department")
    desk.clock.turn(minutes=1)
    desk.file(arrears())
    again = desk.office.sample_decisions(AUDITOR, Search(), size=8, seed="复核一", by="department", until=drawn.until)
    other = desk.office.sample_decisions(AUDITOR, Search(), size=8, seed="复核二", by="department", until=drawn.until)
    every = sorted(
        i.digest for i in desk.office.find_decisions(AUDITOR, Search(), limit=200).items if i.made_at < drawn.until
    )
    lots = sorted((i.digest for i in drawn.items), key=lambda d: hashlib.sha256(f"复核一:{d}".encode()).hexdigest())

    assert again == drawn
    assert [i.digest for i in drawn.items] == lots
    assert {i.digest for i in other.items} != {i.digest for i in drawn.items}
    assert (drawn.population, [(s.stratum, s.population, s.drawn) for s in drawn.strata]) == (
        16, [("human-resources", 12, 6), ("tax", 4, 2)],
    )  # fmt: skip
    assert drawn.population_digest == hashlib.sha256("".join(f"{d}\n" for d in every).encode()).hexdigest()
    assert desk.office.sample_decisions(AUDITOR, Search(), size=100, seed="x", until=drawn.until).population == 16


def test_an_occasion_without_a_question_before_it_is_shown(desk: Desk) -> None:
    """Each occasion needs a question of its own, by the same department about the same person, in time."""
    case, ban, subject = armed(desk)
    desk.clock.turn(days=1)
    desk.do(LI, ban, "apply", occasion="采购项目甲")
    desk.clock.turn(days=1)
    desk.office.check(FINANCE, CheckRequest("procurement", "采购项目乙", subject=subject))
    desk.clock.turn(minutes=5)
    desk.do(LI, ban, "apply", occasion="采购项目乙")
    desk.clock.turn(days=1)
    desk.do(LI, ban, "apply", occasion="采购项目丙", applied=False, reason="供应商自愿退出")
    shown = findings(desk, duty="query")
    refused = findings(desk, duty="carry-out", since=dt.date(2026, 11, 26), until=dt.date(2026, 11, 28))

    assert [(f.kind, f.known, f.officer, f.on) for f in shown] == [
        ("applied-unchecked", True, "李四", dt.date(2026, 11, 25)),
        ("applied-unchecked", True, "李四", dt.date(2026, 11, 27)),
    ]  # fmt: skip
    assert {(f.case, f.obligation, f.person, f.basis) for f in shown} == {
        (case, ban, subject, (("credit-law", "第一条"),))
    }
    hashes = {e.hash for e in desk.office.events(AUDITOR, case, limit=100).items}
    assert {e.hash for f in shown for e in f.events} <= hashes
    assert [(f.kind, f.on, f.remark) for f in refused if f.kind == "not-applied"] == [
        ("not-applied", dt.date(2026, 11, 27), "情形：采购项目丙；理由：供应商自愿退出")
    ]
    assert findings(desk, duty="query", since=dt.date(2026, 11, 26), until=dt.date(2026, 11, 26)) == []


def test_a_question_long_before_does_not_count(one: Desk) -> None:
    """Within the window only, which the auditor sets."""
    _, ban, subject = armed(one)
    one.office.check(FINANCE, CheckRequest("procurement", "采购", subject=subject))
    one.clock.turn(days=10)
    one.do(LI, ban, "apply", occasion="采购项目")

    assert findings(one, duty="query", window=30) == []
    assert [f.kind for f in findings(one, duty="query", window=5)] == ["applied-unchecked"]


def test_what_the_ledger_cannot_know_is_said_so(one: Desk) -> None:
    """A measure about which nobody asked, and no occasion on record: whether there was one is not known."""
    _, ban, _ = armed(one)
    one.clock.turn(days=3)
    (unasked,) = findings(one, duty="query", department="finance")

    assert (unasked.kind, unasked.known, unasked.days, unasked.obligation) == ("never-checked", False, 3, ban)
    assert "不掌握" in unasked.remark


@pytest.fixture
def laddered(engine: Engine) -> Desk:
    """An office whose policy has a ladder of escalation."""
    return open_desk(engine, FILES | {"rules/ladders/standard.yaml": INHOUSE["rules/ladders/standard.yaml"]})


def test_what_is_late_is_shown_with_who_was_told(laddered: Desk) -> None:
    """Never accepted: the deadline, the days, each rung as an event, and whom its message went to when."""
    desk = laddered
    case = desk.file().case.id
    publish = desk.find(case, "publish")
    desk.clock.turn(days=7)
    desk.office.advance(case)
    late = {f.obligation: f for f in findings(desk, duty="carry-out", department="human-resources")}[publish]
    desk.do(HR, publish, "accept")
    after = [f for f in findings(desk, duty="carry-out") if f.obligation == publish]

    assert (late.kind, late.officer, late.due_on, late.days) == ("not-accepted", "", dt.date(2026, 11, 27), 4)
    assert [e.action for e in late.events] == ["escalate"] * len(late.events)
    assert [(t.department, t.audience) for t in late.told] == [("human-resources", "remind")]
    assert late.told[0].at == desk.office.context.now()
    assert [(f.kind, f.due_on, f.days, f.officer) for f in after] == [("late", dt.date(2026, 11, 27), 4, "张三")]
    assert [e.action for e in after[0].events] == ["escalate", "accept"]


def test_findings_come_in_pages(one: Desk) -> None:
    """Each once, and the pages end."""
    for _ in range(5):
        armed(one)
    one.clock.turn(days=1)
    whole = findings(one, duty="query")
    seen, place, pages = [], None, 0
    while True:
        page = one.office.audit_duties(AUDITOR, DutySearch(duty="query"), after=place, limit=2)
        seen += page.items
        pages, place = pages + 1, page.next
        if place is None:
            break

    assert (seen, len(whole), pages) == (whole, 5, 3)


def test_reversed_listings_are_counted_with_their_cases(desk: Desk) -> None:
    """Annulments, withdrawals and objections upheld, by department and list, with rate and median of days."""
    cases = [desk.file(arrears()).case.id for _ in range(8)]
    desk.office.file_case(TAX, grade())
    desk.clock.turn(days=2)
    desk.office.end_case(HR, cases[0], "annulment", "认定有误")
    desk.office.end_case(HR, cases[1], "performance", "已经付清")
    desk.clock.turn(days=4)
    desk.office.end_case(HR, cases[2], "withdrawal", "撤回")
    desk.office.step(HR, cases[3], Step("object", points=("没有拖欠",)))
    desk.clock.turn(days=1)
    desk.office.step(HR, cases[3], Step("answer-objection", objection="o1", outcome="upheld", reason="属实"))
    told = desk.office.audit_reversals(AUDITOR)
    by_list = {c.list: c for c in told.counts}
    arrears_count = by_list["arrears"]

    assert Counter((r.case, r.kind) for r in told.cases if r.case != cases[3]) == {
        (cases[0], "annulled"): 1, (cases[2], "withdrawn"): 1,
    }  # fmt: skip
    assert {r.kind for r in told.cases if r.case == cases[3]} >= {"upheld"}
    assert (arrears_count.filed, arrears_count.reversed, arrears_count.upheld, arrears_count.withdrawn) == (8, 3, 1, 1)
    assert (arrears_count.rate, arrears_count.median) == (3750, 6)
    assert (by_list["a-grade"].reversed, by_list["a-grade"].median) == (0, None)
    assert desk.office.audit_reversals(AUDITOR, until=dt.date(2026, 11, 1)).counts == ()
    assert {c.initiator for c in desk.office.audit_reversals(AUDITOR, department="tax").counts} == {"tax"}
