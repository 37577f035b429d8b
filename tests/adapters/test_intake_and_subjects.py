"""Records and relations as departments hand them in, and who may know what about a subject."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from adapters.ledger import read
from adapters.ledger.tables import identities, records, relations
from adapters.office import ForbiddenError, InvalidError, NotFoundError, Party
from tests.adapters.support import (
    AUDITOR,
    FINANCE,
    HR,
    MARKET,
    TRANSPORT,
    Desk,
    arrears,
    enterprise,
    person,
)


def party(subject: Party) -> dict[str, str]:
    """A party as JSON."""
    return {"kind": subject.kind, "code": subject.code, "name": subject.name}


def penalty(subject: Party, number: str = "1", date: str | None = "2026-05-01", **fields: Any) -> dict[str, Any]:
    """A line with a penalty."""
    line = {"record": "penalty", "id": number, "subject": party(subject),
            "fields": {"document_number": f"文号{number}"} | fields}  # fmt: skip
    return line | ({"date": date} if date else {})


def relation(subject: Party, other: Party, number: str = "1") -> dict[str, Any]:
    """A line that names a legal representative."""
    return {"relation": "legal-representative", "id": number, "subject": party(subject), "person": party(other)}


def count(desk: Desk, table: Any) -> int:
    """Rows of a table."""
    with read(desk.engine) as conn:
        return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


def test_records_and_relations_reach_the_next_decision(desk: Desk) -> None:
    """Two penalties within two years make transport watch; the representative gets an obligation of their own."""
    subject, boss = enterprise(), person()
    results = desk.office.put_records(
        MARKET, [penalty(subject, "1"), penalty(subject, "2", amount="1.5 元"), relation(subject, boss)]
    )
    filed = desk.file(arrears(subject, amount_owed="50 万元"))

    assert [r.status for r in results] == ["accepted"] * 3
    assert {v.obligation.measure for v in filed.obligations} == {"publish", "no-procurement", "watch", "no-posts"}
    posts = next(v.obligation for v in filed.obligations if v.obligation.measure == "no-posts")
    assert (posts.target_role, posts.target != filed.case.subject) == ("legal-representative", True)
    facts = desk.office.decision(HR, filed.case.id).decision.facts
    assert {r.fields.get("amount") for r in facts.records} == {None, 150}


def test_a_record_without_a_date_leaves_a_window_unknown(desk: Desk) -> None:
    """It neither counts nor is taken not to."""
    subject = enterprise()
    desk.office.put_records(MARKET, [penalty(subject, "1"), penalty(subject, "2", None)])
    filed = desk.file(arrears(subject))

    assert [(u.rule, u.missing) for u in filed.unknown if u.rule == "arrears/repeat"] == [
        ("arrears/repeat", ("record:penalty.date",))
    ]


def test_records_that_the_law_takes_out_never_count(desk: Desk) -> None:
    """A simple-procedure penalty on a person is out; on proof only, and a company's stays in."""
    someone, company = person(), enterprise()
    results = desk.office.put_records(
        MARKET,
        [
            penalty(someone, "1", simple_procedure=True), penalty(someone, "2", simple_procedure=False),
            penalty(someone, "3"), penalty(company, "4", simple_procedure=True),
        ],
    )  # fmt: skip

    assert [r.excluded for r in results] == [True, False, False, False]


def test_the_same_record_is_stored_once(desk: Desk) -> None:
    """Within one call and across calls; another supplier's or kind's same number is another record."""
    subject, boss = enterprise(), person()
    lines = [penalty(subject), penalty(subject), relation(subject, boss)]
    first = desk.office.put_records(MARKET, lines)
    second = desk.office.put_records(MARKET, lines)

    assert [r.status for r in first] == ["accepted", "duplicate", "accepted"]
    assert [r.status for r in second] == ["duplicate"] * 3
    assert {r.id for r in second} == {first[0].id, first[2].id}
    assert [r.status for r in desk.office.put_records(HR, [relation(subject, boss)])] == ["accepted"]
    assert (count(desk, records), count(desk, relations)) == (1, 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"record": "nope"}, "record"),
        ({"record": None}, "record"),
        ({"record": ["penalty"]}, "record"),
        ({"id": ""}, "id"),
        ({"id": 5}, "id"),
        ({"id": "x" * 201}, "id"),
        ({"subject": None}, "subject"),
        ({"subject": {"kind": "enterprise", "code": 5}}, "subject"),
        ({"subject": {"kind": "cat", "code": "x"}}, "subject.kind"),
        ({"subject": {"kind": "enterprise", "code": "某某公司"}}, "subject.code"),
        ({"date": "2026-02-30"}, "date"),
        ({"date": 20260230}, "date"),
        ({"date": "2027-01-01"}, "date"),
        ({"fields": []}, "fields"),
        ({"fields": {}}, "fields.document_number"),
        ({"fields": {"document_number": "x", "amount": 1.5}}, "fields.amount"),
        ({"fields": {"document_number": "x", "colour": "red"}}, "fields.colour"),
        ({"fields": {"document_number": "a\0b"}}, "fields.document_number"),
        ({"fields": {"document_number": "\ud800"}}, "fields.document_number"),
        ({"id": "\udfff"}, "id"),
        ({"colour": "red"}, "colour"),
        ({"relation": "principal"}, "record"),
    ],
)
def test_a_wrong_line_is_rejected_and_the_others_stay(desk: Desk, change: dict[str, Any], field: str) -> None:
    """With the field that is wrong."""
    results = desk.office.put_records(MARKET, [penalty(enterprise()), penalty(enterprise(), "2") | change])

    assert [r.status for r in results] == ["accepted", "rejected"]
    assert [e.field for e in results[1].errors] == [field]


def test_only_the_catalogues_suppliers_supply(desk: Desk) -> None:
    """A penalty comes from market regulation."""
    (result,) = desk.office.put_records(FINANCE, [penalty(enterprise())])

    assert [e.code for e in result.errors] == ["not-supplier"]
    with pytest.raises(ForbiddenError):
        desk.office.put_records(AUDITOR, [penalty(enterprise())])


def test_a_code_keeps_its_kind(desk: Desk) -> None:
    """Also within one call."""
    subject = enterprise()
    other = replace(subject, kind="village")
    results = desk.office.put_records(MARKET, [penalty(subject), penalty(other, "2")])

    assert [(r.status, [e.code for e in r.errors]) for r in results] == [
        ("accepted", []), ("rejected", ["kind-differs"]),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [0, 10_001])
def test_the_number_of_lines_is_bounded(desk: Desk, size: int) -> None:
    """1 to 10,000."""
    with pytest.raises(InvalidError, match="10000"):
        desk.office.put_records(MARKET, [{}] * size)


def test_a_full_call_goes_in_as_one(desk: Desk) -> None:
    """3,000 lines about 300 subjects, and again without doubling anything."""
    subjects = [enterprise() for _ in range(300)]
    lines = [penalty(subjects[i % 300], str(i)) for i in range(3000)]

    assert {r.status for r in desk.office.put_records(MARKET, lines)} == {"accepted"}
    assert {r.status for r in desk.office.put_records(MARKET, lines)} == {"duplicate"}
    assert (count(desk, records), count(desk, identities)) == (3000, 300)


def test_equal_calls_at_the_same_moment_double_nothing(desk: Desk) -> None:
    """Of four equal calls each line is accepted once."""
    lines = [penalty(enterprise(), str(i)) for i in range(20)]
    gate = threading.Barrier(4)

    def work(_: int) -> list[str]:
        gate.wait()
        return [r.status for r in desk.office.put_records(MARKET, lines)]

    with ThreadPoolExecutor(4) as pool:
        statuses = [s for result in pool.map(work, range(4)) for s in result]

    assert (statuses.count("accepted"), statuses.count("duplicate")) == (20, 60)
    assert count(desk, records) == 20


def test_a_subject_is_found_by_code_and_never_by_name(desk: Desk) -> None:
    """A namesake with another code is nobody."""
    subject = enterprise(name="长垣建设公司")
    case = desk.file(arrears(subject)).case
    found = desk.office.lookup_subject(FINANCE, replace(subject, name=""))

    assert (found.id, found.name, [x.case for x in found.listings]) == (case.subject, "长垣建设公司", [case.id])
    with pytest.raises(NotFoundError):
        desk.office.lookup_subject(FINANCE, enterprise(name="长垣建设公司"))
    with pytest.raises(NotFoundError):
        desk.office.lookup_subject(FINANCE, replace(subject, kind="village"))
    with pytest.raises(InvalidError):
        desk.office.lookup_subject(FINANCE, Party("enterprise", "长垣建设公司"))


def test_a_department_without_business_learns_nothing_about_a_subject(desk: Desk) -> None:
    """By code it gets the opaque id alone; by id the subject does not exist."""
    subject = enterprise(name="长垣建设公司")
    case = desk.file(arrears(subject)).case
    found = desk.office.lookup_subject(TRANSPORT, subject)

    assert (found.id, found.name, found.listings) == (case.subject, None, ())
    with pytest.raises(NotFoundError):
        desk.office.get_subject(TRANSPORT, case.subject)
    for who in (HR, FINANCE, AUDITOR):
        assert desk.office.get_subject(who, case.subject).name == "长垣建设公司"
    with pytest.raises(NotFoundError):
        desk.office.get_subject(AUDITOR, "nope")


def test_a_later_name_replaces_the_earlier(desk: Desk) -> None:
    """Firms are renamed; the code stays. An empty name changes nothing."""
    subject = enterprise(name="旧名")
    case = desk.file(arrears(subject)).case
    desk.office.put_records(MARKET, [penalty(replace(subject, name="新名"))])
    desk.office.put_records(MARKET, [penalty(replace(subject, name=""), "2")])

    assert desk.office.get_subject(HR, case.subject).name == "新名"
