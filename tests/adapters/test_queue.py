"""The queue of obligations: order, filters, pages, and who sees what."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from adapters.office import ForbiddenError, InvalidError, ObligationQuery, ObligationView, Principal
from engine.casework.model import Evidence
from tests.adapters.databases import Databases
from tests.adapters.support import AUDITOR, FINANCE, HR, TAX, TRANSPORT, Desk, open_desk

PROOF = (Evidence("a" * 64, "截图"),)


def all_pages(desk: Desk, who: Principal, query: ObligationQuery) -> list[ObligationView]:
    """Every item, page by page."""
    items: list[ObligationView] = []
    while True:
        page = desk.office.list_obligations(who, query)
        items += page.items
        if page.next is None:
            return items
        assert len(page.items) == query.limit
        query = replace(query, after=page.next)


def filled(desk: Desk) -> list[str]:
    """Five cases: one being lifted, one accepted, three untouched and filed on later days."""
    cases = []
    for _ in range(5):
        cases.append(desk.file().case.id)
        desk.clock.turn(days=1)
    first, second = desk.find(cases[0], "publish"), desk.find(cases[1], "publish")
    desk.do(HR, first, "accept")
    desk.do(HR, first, "respond", outcome="implemented", evidence=PROOF)
    desk.do(HR, second, "accept")
    desk.office.end_case(HR, cases[0], "repair", "已清偿")
    return cases


def test_release_work_comes_first_then_what_is_due_first(desk: Desk) -> None:
    """What needs nothing now comes last."""
    cases = filled(desk)
    items = all_pages(desk, HR, ObligationQuery())

    assert items[0].obligation.id == desk.find(cases[0], "publish")
    assert items[0].actions == ("lift",)
    dues = [v.due_on for v in items[1:]]
    assert dues == sorted(d for d in dues if d)
    assert all(v.due_on is None for v in all_pages(desk, FINANCE, ObligationQuery()))


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_pages_of_any_size_give_the_same_sequence(desk: Desk, limit: int) -> None:
    """Nothing twice, nothing left out."""
    filled(desk)
    whole = [v.obligation.id for v in all_pages(desk, AUDITOR, ObligationQuery(limit=200))]

    assert len(set(whole)) == 10
    assert whole == [v.obligation.id for v in all_pages(desk, AUDITOR, ObligationQuery(limit=limit))]


def test_filters_hold_together(desk: Desk) -> None:
    """Department, state, due date, lateness, subject and case."""
    cases = filled(desk)
    subject = desk.office.get_case(HR, cases[2]).subject

    def ids(**query: object) -> list[str]:
        return [v.obligation.id for v in all_pages(desk, AUDITOR, ObligationQuery(**query))]  # type: ignore[arg-type]

    assert ids(subject=subject, department="human-resources") == [desk.find(cases[2], "publish")]
    assert ids(state="accepted") == [desk.find(cases[1], "publish")]
    assert len(ids(state="waiting", department="finance")) == 4
    assert ids(case=cases[3]) == [desk.find(cases[3], "publish"), desk.find(cases[3], "no-procurement")]
    assert ids(overdue=True) == []
    assert ids(due_before=dt.date(2026, 11, 1)) == []
    desk.clock.turn(days=30)
    late = all_pages(desk, HR, ObligationQuery(overdue=True))
    assert len(late) == 5
    assert all(v.overdue for v in late)
    bound = late[2].due_on
    assert bound is not None
    assert all(
        v.due_on is not None and v.due_on < bound for v in all_pages(desk, HR, ObligationQuery(due_before=bound))
    )


def test_a_department_sees_its_own_queue_only(desk: Desk) -> None:
    """An initiator also follows the cases it filed."""
    case = filled(desk)[0]

    assert all_pages(desk, TRANSPORT, ObligationQuery()) == []
    with pytest.raises(ForbiddenError):
        desk.office.list_obligations(FINANCE, ObligationQuery(department="human-resources"))
    assert len(all_pages(desk, HR, ObligationQuery(case=case))) == 2
    assert len(all_pages(desk, FINANCE, ObligationQuery(case=case))) == 1
    assert all_pages(desk, TAX, ObligationQuery(case=case)) == []
    assert all_pages(desk, FINANCE, ObligationQuery(case=case, department="human-resources")) == []


@pytest.mark.parametrize(
    "query",
    [
        ObligationQuery(limit=0),
        ObligationQuery(limit=201),
        ObligationQuery(after="%%%"),
        ObligationQuery(after="WzEsMl0"),
        ObligationQuery(after="bnVsbA"),
        ObligationQuery(after="é"),
        ObligationQuery(after="W3t9LCIiLCIiXQ"),
    ],
)
def test_a_wrong_page_request_is_refused(desk: Desk, query: ObligationQuery) -> None:
    """Whatever the cursor was made of."""
    with pytest.raises(InvalidError):
        desk.office.list_obligations(HR, query)


def test_actions_are_the_owners_alone(desk: Desk) -> None:
    """An auditor reads without being offered anything."""
    desk.file()

    assert [v.actions for v in all_pages(desk, AUDITOR, ObligationQuery(state="open"))] == [()]
    assert [v.actions for v in all_pages(desk, HR, ObligationQuery(state="open"))] == [("accept", "respond", "refer")]


def test_events_come_in_pages(desk: Desk) -> None:
    """`next` is the version to go on after."""
    case = filled(desk)[0]
    first = desk.office.events(HR, case, limit=2)
    rest = desk.office.events(HR, case, after=first.next or 0)

    assert ([e.version for e in first.items], first.next) == ([1, 2], 2)
    assert ([e.version for e in rest.items], rest.next) == (list(range(3, 3 + len(rest.items))), None)
    assert len(rest.items) == 7
    with pytest.raises(InvalidError):
        desk.office.events(HR, case, limit=0)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (ObligationQuery(), "ix_obligations_queue "),
        (ObligationQuery(state="open"), "ix_obligations_queue_state "),
        (ObligationQuery(overdue=True), "ix_obligations_queue "),
        (ObligationQuery(subject="x"), "ix_obligations_subject "),
        (ObligationQuery(case="x"), "uq_obligations_case_id_number|sqlite_autoindex_obligations"),
    ],
)
def test_every_filter_walks_an_index_of_its_own(databases: Databases, query: ObligationQuery, index: str) -> None:
    """A page costs the same among a million obligations as among ten, on the database without statistics too."""
    seen: list[tuple[str, Any]] = []
    with databases.fresh("sqlite") as engine:
        desk = open_desk(engine)
        desk.file()
        event.listen(engine, "before_cursor_execute", lambda _c, _k, sql, values, *_: seen.append((sql, values)))
        desk.office.list_obligations(HR, query)
        with engine.connect() as conn:
            pages = [(s, v) for s, v in seen if "FROM obligations" in s]
            plans = [str(conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", v).all()) for s, v in pages]

    assert plans
    for plan in plans:
        assert re.search(index, plan)
        assert "SCAN" not in plan
