"""Live cases keep the policy they were filed under, or follow a new one, as the memoranda say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import select

from adapters.ledger import read, rebuild
from adapters.ledger.store import read_events
from adapters.ledger.tables import case_migrations
from adapters.office import Filing
from adapters.worker import open_worker
from tests.adapters.bundle import FILES
from tests.adapters.support import HR, PROPOSER, TAX, Desk, arrears, enterprise, person

PATH = "memoranda/arrears.yaml"
START = dt.date(2026, 12, 1)


def following(threshold: str = "60 万元", files: Mapping[str, str] = FILES, says: str = "migrate") -> dict[str, str]:
    """The policy with another threshold, which existing cases follow."""
    text = (
        files[PATH].replace("50 万元", threshold).replace("list: arrears\n", f"list: arrears\nexisting_cases: {says}\n")
    )
    return {**files, PATH: text}


def policy_of(desk: Desk, case: str) -> str:
    """The version that a case goes by."""
    return desk.office.get_case(HR, case).policy


def test_the_worker_brings_live_cases_after_when_the_day_has_come(desk: Desk) -> None:
    """Not before; each by the name of whoever approved; once, however many rounds are made; and the log rebuilds."""
    live, ended = desk.file().case.id, desk.file().case.id
    desk.office.end_case(HR, ended, "annulment", "试验")
    other = desk.office.file_case(TAX, Filing("a-grade", enterprise(), {"income": "50 万元"})).case.id
    before = policy_of(desk, live)
    worker = open_worker(desk.office, name="w", letters=False, send=lambda _message, _department: None)
    version = desk.publish(following(), start=START, reason="上级文件调整")
    early = worker.round().followed
    desk.clock.turn(days=7)
    first, second = worker.round().followed, worker.round().followed
    with read(desk.engine) as conn:
        events = [e for e in read_events(conn, live) if e.officer == "王"]
        noted = conn.execute(select(case_migrations.c.case_id, case_migrations.c.outcome)).all()

    assert (early, first, second) == (0, 1, 0)
    assert (policy_of(desk, live), policy_of(desk, ended)) == (version, before)
    assert desk.office.get_case(TAX, other).policy == before
    assert {(e.department, e.key_id) for e in events} == {("government-office", "key-government-office-王")}
    assert any("上级文件调整" in str(e.payload) for e in events)
    assert noted == [(live, "")]
    rows = desk.rows()
    rebuild(desk.engine, desk.office.context.policies)
    assert desk.rows() == rows


def test_nothing_follows_where_nobody_says_so(one: Desk) -> None:
    """Neither by default, nor when the proposal holds it back, nor when another memorandum for the list keeps."""
    case = one.file().case.id
    began = policy_of(one, case)
    second = FILES[PATH].replace("memorandum: arrears", "memorandum: arrears-local")
    for files, migration in (
        (following("60 万元", says="keep"), "migrate"),
        (following("70 万元"), "keep"),
        (following("80 万元", {**FILES, "memoranda/arrears-local.yaml": second}), "migrate"),
    ):
        version = one.publish(files, migration=migration)

        assert one.office.current_policy().version == version
        assert one.office.cases_to_follow() == ()
        assert policy_of(one, case) == began


def test_what_cannot_follow_is_looked_at_once(one: Desk) -> None:
    """The reason is kept; a later version looks again. A case filed under the new version needs nothing."""
    case = one.file(arrears(person())).case.id
    one.publish(following())
    fresh = one.file(arrears(enterprise())).case.id

    assert one.office.cases_to_follow() == (case,)

    done = one.office.follow_policy(case)

    assert done is not None
    assert done.done
    assert one.office.cases_to_follow() == ()
    assert policy_of(one, fresh) == one.office.current_policy().version

    again = one.office.follow_policy(case)

    assert again is not None
    assert not again.done
    assert one.office.cases_to_follow() == ()


def test_after_going_back_cases_follow_what_is_in_force_then(one: Desk) -> None:
    """The version gone back to says so itself; one that keeps leaves them where they are."""
    case = one.file().case.id
    keeps = policy_of(one, case)
    first = one.publish(following("60 万元"))
    one.publish(following("70 万元"))
    for name in one.office.cases_to_follow():
        one.office.follow_policy(name)
    one.office.roll_policy_back(PROPOSER, "误")
    for name in one.office.cases_to_follow():
        one.office.follow_policy(name)

    assert policy_of(one, case) == first != keeps
