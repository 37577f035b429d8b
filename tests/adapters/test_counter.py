"""The counter check: what is in force, nothing more, and every question on record."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import select

from adapters.ledger import read
from adapters.ledger.tables import checks
from adapters.office import CheckRequest, CheckResult, Filing, ForbiddenError, InvalidError, Party, Principal
from engine.casework.model import Evidence
from engine.identity import person_check_character
from tests.adapters.support import BANK, FINANCE, HR, TAX, TRANSPORT, Desk, arrears, enterprise, principal

PROOF = (Evidence("a" * 64, "截图"),)


def ask(desk: Desk, party: Party, who: Principal = FINANCE, matter: str = "procurement") -> CheckResult:
    """Check by code."""
    return desk.office.check(who, CheckRequest(matter, "采购资格审查", code=party.code))


def ban_in_force(desk: Desk, case: str) -> str:
    """Work a case until its procurement ban is in force."""
    publish, ban = desk.find(case, "publish"), desk.find(case, "no-procurement")
    desk.do(HR, publish, "accept")
    desk.do(HR, publish, "respond", outcome="implemented", evidence=PROOF)
    desk.do(FINANCE, ban, "accept")
    desk.do(FINANCE, ban, "confirm")
    desk.do(FINANCE, ban, "arm", evidence=PROOF)
    return ban


def test_a_restriction_is_told_from_the_moment_it_is_in_force_until_the_listing_ends(desk: Desk) -> None:
    """Not before a named human confirmed and armed it, and not a moment after the end."""
    party = enterprise()
    case = desk.file(arrears(party)).case.id
    assert ask(desk, party).directives == ()

    ban = ban_in_force(desk, case)
    (told,) = ask(desk, party).directives
    assert (told.effect, told.measure, told.title, told.department, told.obligation, told.basis) == (
        "refuse", "no-procurement", "限制政府采购", "finance", ban, (("credit-law", "第一条"),),
    )  # fmt: skip
    assert ask(desk, party, TRANSPORT).directives == (told,)

    desk.office.end_case(HR, case, "repair", "已清偿")
    assert ask(desk, party).directives == ()


def test_a_favour_holds_from_the_day_it_is_owed(desk: Desk) -> None:
    """A department's delay costs the subject nothing; documents that may be outstanding are named."""
    party = enterprise()
    desk.office.file_case(TAX, Filing("a-grade", party, {"income": "50 万元"}))
    result = ask(desk, party)

    assert [d.effect for d in result.directives] == ["tolerate-missing"]
    assert [(d.id, d.within) for d in result.documents] == [("plan", "20 个工作日")]


def test_a_suggested_limit_goes_to_the_lender_only(desk: Desk) -> None:
    """10 万元 by the table and 10 % of 50 万元."""
    party = enterprise()
    case = desk.office.file_case(TAX, Filing("a-grade", party, {"income": "50 万元"})).case.id

    assert [(x.case, x.table, x.amount) for x in ask(desk, party, BANK, "loan").limits] == [
        (case, "credit", 15_000_000)
    ]
    assert ask(desk, party, FINANCE).limits == ()
    desk.office.end_case(TAX, case, "withdrawal", "降级")
    assert ask(desk, party, BANK, "loan").limits == ()


def test_a_severe_sanction_suspends_incentives(desk: Desk) -> None:
    """While its listing is in force; they come back with its end."""
    party = enterprise()
    desk.office.file_case(TAX, Filing("a-grade", party, {"income": "50 万元"}))
    case = desk.file(arrears(party)).case.id
    result = ask(desk, party)

    assert (result.directives, [d.measure for d in result.suspended], result.documents) == ((), ["green"], ())
    assert ask(desk, party, BANK, "loan").limits == ()
    desk.office.end_case(HR, case, "repair", "x")
    assert [d.measure for d in ask(desk, party).directives] == ["green"]


def test_every_question_is_on_record_with_its_purpose(desk: Desk) -> None:
    """Those about people nobody has heard of included; never with the code."""
    party = enterprise()
    case = desk.file(arrears(party)).case
    ban_in_force(desk, case.id)
    results = [ask(desk, party), ask(desk, enterprise())]
    with read(desk.engine) as conn:
        rows = conn.execute(select(checks).order_by(checks.c.id)).all()
    by_id = {row.id: row for row in rows}

    assert [r.known for r in results] == [True, False]
    first, second = (by_id[r.check] for r in results)
    assert (first.subject_id, first.purpose, first.department, first.officer) == (
        case.subject, "采购资格审查", "finance", "张三",
    )  # fmt: skip
    assert json.loads(first.answer) == [[desk.find(case.id, "no-procurement"), "refuse"]]
    assert second.subject_id is None
    assert party.code not in repr(rows)


def test_a_subject_may_be_named_by_its_opaque_id(desk: Desk) -> None:
    """With the same answer."""
    party = enterprise()
    case = desk.file(arrears(party)).case
    ban_in_force(desk, case.id)
    by_id = desk.office.check(FINANCE, CheckRequest("procurement", "审查", subject=case.subject))

    assert by_id.directives == ask(desk, party).directives
    assert not desk.office.check(FINANCE, CheckRequest("procurement", "审查", subject="nope")).known


def test_a_full_width_code_finds_the_same_subject(desk: Desk) -> None:
    """Clerks paste what they get."""
    party = enterprise()
    desk.file(arrears(party))
    wide = "".join(chr(ord(c) + 0xFEE0) for c in party.code.lower())

    assert ask(desk, replace(party, code=wide)).known


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"purpose": " "}, "purpose"),
        ({"matter": "nope"}, "matter"),
        ({"code": None}, "code"),
        ({"code": "91350100M000100Y44"}, "code"),
        ({"code": "某某公司"}, "code"),
        ({"subject": "x"}, "code"),
        ({"kind": "natural-person"}, "code"),
    ],
)
def test_a_wrong_question_is_refused_and_not_recorded(desk: Desk, change: dict[str, str], field: str) -> None:
    """With the field that is wrong."""
    request = replace(CheckRequest("procurement", "审查", code="91350100M000100Y43"), **change)  # type: ignore[arg-type]
    with pytest.raises(InvalidError) as raised:
        desk.office.check(FINANCE, request)

    assert [e.field for e in raised.value.errors] == [field]
    with read(desk.engine) as conn:
        assert conn.execute(select(checks)).all() == []


def test_a_department_asks_for_its_own_matters_in_its_own_name(desk: Desk) -> None:
    """A matter it does not handle is none of its business."""
    for who, request, code in (
        (HR, CheckRequest("procurement", "审查", code="91350100M000100Y43"), "not-your-matter"),
        (FINANCE, CheckRequest("procurement", "审查", code="91350100M000100Y43", department="tax"), "other-department"),
        (principal("finance", "auditor"), CheckRequest("procurement", "审查", subject="x"), "role-required"),
    ):
        with pytest.raises(ForbiddenError) as raised:
            desk.office.check(who, request)
        assert raised.value.code == code


def test_a_code_that_is_valid_as_both_needs_its_kind(desk: Desk) -> None:
    """Nobody is sanctioned on a coincidence of numbers."""
    from engine.identity import organisation_check_character  # noqa: PLC0415

    both = next(
        body + person_check_character(body)
        for n in range(100_000)
        if person_check_character(body := f"410783{1900 + n // 1000 % 100}0101{n % 1000:03d}")
        == organisation_check_character(body)
    )
    desk.file(arrears(Party("enterprise", both)))
    with pytest.raises(InvalidError) as raised:
        desk.office.check(FINANCE, CheckRequest("procurement", "审查", code=both))
    assert [e.field for e in raised.value.errors] == ["kind"]

    def known(kind: str) -> bool:
        return desk.office.check(FINANCE, CheckRequest("procurement", "审查", code=both, kind=kind)).known

    assert (known("enterprise"), known("natural-person")) == (True, False)
