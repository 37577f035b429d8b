"""Every read of a subject is on record before it is answered: who, what for, what, when; and never a code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from adapters.ledger import read, write
from adapters.ledger.look_tables import looks as looks_table
from adapters.ledger.private import ERASED
from adapters.ledger.tables import checks
from adapters.office import (
    CheckRequest,
    ErasedError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ObligationQuery,
    Party,
    Principal,
    UnrecordedError,
)
from adapters.office.desk_duties import DutySearch
from adapters.office.desk_model import Search
from adapters.office.looks import MASK, UNSTATED, WHAT, masked_codes, stated
from tests.adapters.support import AUDITOR, FINANCE, HR, TAX, Desk, arrears, enterprise, person, principal

CUSTODIAN = principal("government-office", "custodian", officer="周")
CODE = enterprise(7).code
NUMBER = person(7).code
READS: dict[str, tuple[Principal, Callable[[Desk, Principal, dict[str, str]], Any]]] = {
    "case": (HR, lambda d, who, i: d.office.get_case(who, i["case"])),
    "graph": (HR, lambda d, who, i: d.office.graph(who, i["case"])),
    "decision": (HR, lambda d, who, i: d.office.explanation(who, i["case"])),
    "events": (HR, lambda d, who, i: d.office.events(who, i["case"])),
    "process": (HR, lambda d, who, i: d.office.process(who, i["case"])),
    "letters": (HR, lambda d, who, i: d.office.letters(who, i["case"])),
    "receipt": (HR, lambda d, who, i: d.office.receipt(who, i["case"], 1)),
    "obligation": (FINANCE, lambda d, who, i: d.office.get_obligation(who, i["obligation"])),
    "obligations": (FINANCE, lambda d, who, i: d.office.list_obligations(who, ObligationQuery())),
    "subject": (HR, lambda d, who, i: d.office.get_subject(who, i["subject"])),
    "lookup": (HR, lambda d, who, i: d.office.lookup_subject(who, Party("enterprise", i["code"]))),
    "audit-looks": (AUDITOR, lambda d, who, i: d.office.audit_looks(who, subject=i["subject"])),
    "audit-find": (AUDITOR, lambda d, who, _: d.office.find_decisions(who, Search())),
    "audit-sample": (AUDITOR, lambda d, who, _: d.office.sample_decisions(who, Search(), size=1, seed="s")),
    "audit-duties": (AUDITOR, lambda d, who, _: d.office.audit_duties(who, DutySearch())),
}
NAMELESS = {"audit-duties"}
"""What finds nobody in a case that is minutes old."""


def rows(desk: Desk) -> list[Any]:
    """Every look, the latest last."""
    with read(desk.engine) as conn:
        return list(conn.execute(select(looks_table).order_by(looks_table.c.id, looks_table.c.subject_id)))


def filed(desk: Desk) -> dict[str, str]:
    """A case, and the ids in it."""
    company = enterprise()
    case = desk.file(arrears(company)).case
    return {
        "case": case.id, "subject": case.subject, "code": company.code,
        "obligation": desk.find(case.id, "no-procurement"),
    }  # fmt: skip


def test_each_read_leaves_a_look(desk: Desk) -> None:
    """With department, officer, key, purpose and matter as stated, the moment, and what was looked at."""
    ids = filed(desk)
    for what, (who, ask) in READS.items():
        desk.clock.turn(minutes=1)
        ask(desk, stated(who, purpose=f"核对{what}", matter="procurement", officer="赵六"), ids)
        look = rows(desk)[-1]

        assert (look.what, look.purpose, look.matter, look.stated) == (what, f"核对{what}", "procurement", True)
        assert (look.department, look.officer, look.key_id) == (who.department, "赵六", who.key_id)
        assert look.at == desk.office.context.now()
        assert look.subject_id == ("" if what in NAMELESS else ids["subject"])
    assert set(READS) <= set(WHAT)


def test_no_record_no_answer(desk: Desk) -> None:
    """When a look cannot be stored, nothing is shown."""
    ids = filed(desk)
    with write(desk.engine) as conn:
        looks_table.drop(conn)

    for what, (who, ask) in READS.items():
        # to read who looked there has to be something to read
        with pytest.raises(DBAPIError if what == "audit-looks" else UnrecordedError):
            ask(desk, who, ids)


def test_what_is_refused_is_not_shown_and_leaves_no_look(one: Desk) -> None:
    """A case that is not one's own; a code that nobody is known by leaves one of nobody."""
    ids = filed(one)
    for refused in (
        lambda: one.office.get_case(TAX, ids["case"]),
        lambda: one.office.explanation(TAX, ids["case"]),
        lambda: one.office.get_subject(TAX, ids["subject"]),
        lambda: one.office.receipt(TAX, ids["case"], 1),
    ):
        with pytest.raises(NotFoundError):
            refused()
    before = rows(one)
    with pytest.raises(NotFoundError):
        one.office.lookup_subject(TAX, Party("enterprise", enterprise().code))

    assert before == []
    assert [(r.what, r.subject_id, r.department) for r in rows(one)] == [("lookup", "", "tax")]


def test_a_purpose_that_is_not_given_is_the_work_or_unstated(one: Desk) -> None:
    """A department at work is taken to work; a decision, and anything an auditor reads, needs a reason of its own."""
    ids = filed(one)
    for ask in (one.office.get_case, one.office.explanation):
        ask(HR, ids["case"])
        one.clock.turn(minutes=1)
    one.office.get_case(AUDITOR, ids["case"])

    assert [(r.purpose, r.stated) for r in rows(one)] == [
        ("办理案件", False), (UNSTATED, False), (UNSTATED, False),
    ]  # fmt: skip


def test_a_page_of_the_queue_is_one_look_at_everyone_on_it(desk: Desk) -> None:
    """One id and moment, a row for each person; a page with nobody leaves none."""
    subjects = {filed(desk)["subject"] for _ in range(3)}
    desk.office.list_obligations(FINANCE, ObligationQuery())
    desk.office.list_obligations(FINANCE, ObligationQuery(state="lifting"))
    found = rows(desk)

    assert {r.subject_id for r in found} == subjects
    assert len({(r.id, r.at, r.what) for r in found}) == 1


def test_looks_and_counter_checks_are_read_as_one(desk: Desk) -> None:
    """By subject, department and day, the latest first; pages follow each other without gap or overlap."""
    ids = filed(desk)
    for n in range(4):
        desk.clock.turn(hours=1)
        desk.office.check(FINANCE, CheckRequest("procurement", f"审查{n}", code=ids["code"]))
        desk.clock.turn(hours=1)
        desk.office.get_case(HR, ids["case"])
    found, place = [], None
    while True:
        page = desk.office.audit_looks(AUDITOR, subject=ids["subject"], until=desk.clock().date(), limit=3, after=place)
        found += [i for i in page.items if not i.what.startswith("audit")]
        place = page.next
        if place is None:
            break
    by_finance = desk.office.audit_looks(AUDITOR, department="finance").items

    assert [i.what for i in found] == ["case", "check"] * 4
    assert [i.at for i in found] == sorted((i.at for i in found), reverse=True)
    assert [i.purpose for i in by_finance] == ["审查3", "审查2", "审查1", "审查0"]
    assert (
        desk.office.audit_looks(AUDITOR, subject=ids["subject"], since=desk.clock().date().replace(day=25)).items == ()
    )


def test_the_desk_is_the_auditors_alone(one: Desk) -> None:
    """No other role looks into who looked, or searches other departments' decisions."""
    everyone_else = principal("finance", "initiator", "implementer", "policy")
    for ask in (
        lambda: one.office.audit_looks(everyone_else),
        lambda: one.office.find_decisions(everyone_else, Search()),
        lambda: one.office.sample_decisions(everyone_else, Search(), size=1, seed="s"),
        lambda: one.office.audit_duties(everyone_else, DutySearch()),
        lambda: one.office.audit_reversals(everyone_else),
    ):
        with pytest.raises(ForbiddenError):
            ask()


def test_codes_in_what_people_write_are_masked(desk: Desk) -> None:
    """In purpose, matter and officer, of looks and of counter checks."""
    ids = filed(desk)
    who = replace(HR, officer=f"张三{NUMBER}", purpose=f"核对{CODE}的案件", matter=f"{NUMBER[:6]} {NUMBER[6:]}")
    desk.office.get_case(who, ids["case"])
    desk.office.check(replace(FINANCE, officer=NUMBER), CheckRequest("procurement", f"查{NUMBER}", code=ids["code"]))
    with read(desk.engine) as conn:
        asked = conn.execute(select(checks)).one()
    look = rows(desk)[-1]

    assert (look.purpose, look.matter, look.officer) == (f"核对{MASK}的案件", MASK, f"张三{MASK}")
    assert (asked.purpose, asked.officer) == (f"查{MASK}", MASK)


def test_erasure_takes_the_words_and_leaves_who_looked(desk: Desk) -> None:
    """What was written about a person goes with their data; department, moment and what was looked at stay."""
    ids = filed(desk)
    desk.office.get_case(stated(HR, purpose="张某来访"), ids["case"])
    desk.office.check(FINANCE, CheckRequest("procurement", "张某投标", code=ids["code"]))
    end_at_once(desk, ids["case"])
    desk.office.erase(CUSTODIAN, ids["subject"], "purpose-served", "删〔2026〕1号")
    items = desk.office.audit_looks(AUDITOR, subject=ids["subject"]).items

    assert {(i.what, i.department) for i in items} >= {("case", "human-resources"), ("check", "finance")}
    assert {i.purpose for i in items} == {ERASED}
    with pytest.raises(ErasedError):
        desk.office.explanation(HR, ids["case"])


def end_at_once(desk: Desk, case: str) -> None:
    """Nothing of it had taken effect, so that it is closed at once."""
    assert desk.office.end_case(HR, case, "withdrawal", "撤回").case.state == "closed"


WRITTEN = st.text(st.sampled_from("案件 核对-0123456789ABCXx，。年"), max_size=30)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(WRITTEN, WRITTEN, st.sampled_from((CODE, NUMBER)), st.sampled_from(("", " ", "-", "－")), st.booleans())
def test_no_code_survives_however_it_is_written(before: str, after: str, code: str, between: str, wide: bool) -> None:
    """Spaced, hyphenated, full-width or in small letters, among other letters and figures."""
    given_code = between.join(code)
    text = (
        before
        + (
            "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c != " " else c for c in given_code)
            if wide
            else given_code.lower()
        )
        + after
    )
    plain = "".join(c for c in masked_codes(text).upper() if c.isalnum())

    assert code not in plain
    assert masked_codes("核对2026年第123456789012345号文") == "核对2026年第123456789012345号文"


def test_what_is_too_long_is_refused() -> None:
    """So is what no database can hold."""
    for wrong in ({"purpose": "长" * 501}, {"matter": "\0"}, {"officer": "名" * 101}):
        with pytest.raises(InvalidError):
            stated(HR, **wrong)
