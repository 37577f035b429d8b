"""What is in force follows from rows and clock alone: comes at midnight, goes back at once, is asked for once."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from adapters.ledger import read, write
from adapters.ledger.activations import in_force, read_activations, timeline
from adapters.ledger.policies import PolicyStore
from adapters.ledger.tables import activations
from adapters.office import (
    CheckRequest,
    ConflictError,
    Filing,
    ForbiddenError,
    InvalidError,
    ObligationQuery,
)
from adapters.office.model import Step
from tests.adapters.bundle import FILES
from tests.adapters.publishing import B60, B70, B80, MIDNIGHT, START, THIRD, approve, now, propose, refused
from tests.adapters.support import (
    APPROVER,
    AUDITOR,
    FINANCE,
    HR,
    PROPOSER,
    TAX,
    Desk,
    arrears,
    enterprise,
    principal,
)

# --- from a date -------------------------------------------------------------------------------------------------


def test_a_version_comes_into_force_at_midnight_by_itself(desk: Desk) -> None:
    """In every process, for every kind of request, from the first moment of the day in China."""
    before, party = now(desk), enterprise()
    changed = "rules/matters/procurement.yaml"
    version = propose(desk, {**B60, changed: FILES[changed].replace("方案", "新方案")}, start=START)
    pending = desk.office.approve_policy(APPROVER, version)
    desk.office.file_case(TAX, Filing("a-grade", party, {"income": "50 万元"}))

    def documents() -> list[str]:
        asked = CheckRequest("procurement", "x", code=party.code)
        return [d.title for d in desk.office.check(FINANCE, asked).documents]

    assert (pending.state, pending.effective_from, pending.start) == ("pending", MIDNIGHT, START)

    for moment, expected, title, state in (
        ("2026-11-30T15:59:59.999999+00:00", before, "方案", "pending"),
        ("2026-11-30T16:00:00+00:00", version, "新方案", "in-force"),
    ):
        desk.clock.now = dt.datetime.fromisoformat(moment)
        with read(desk.engine) as conn:
            elsewhere = PolicyStore(desk.engine).current_version(conn, desk.office.context.now())

        assert expected == now(desk) == elsewhere == desk.file().case.policy
        assert documents() == [title]
        assert desk.office.get_policy(AUDITOR, version).state == state


def test_late_approval_is_never_retroactive(one: Desk) -> None:
    """The day has passed when the second person gets to it: in force from that moment."""
    version = propose(one, B60, start=START)
    one.clock.turn(days=30)
    view = one.office.approve_policy(APPROVER, version)

    assert (view.state, view.effective_from) == ("in-force", one.office.context.now())


def test_versions_come_into_force_in_the_order_in_which_they_rest_on_each_other(one: Desk) -> None:
    """A later proposal is made from what will be in force then; nothing slips in before one that waits."""
    first = approve(one, propose(one, B60, start=START))
    second = propose(one, B70, start=START + dt.timedelta(days=7))
    early = propose(one, B80)

    assert one.office.get_policy(AUDITOR, second).base == first
    assert refused(ConflictError, lambda: approve(one, early)) == "policy-pending"

    approve(one, second)
    one.clock.turn(days=10)

    assert now(one) == first

    one.clock.turn(days=10)

    assert now(one) == second


def test_what_waits_is_withdrawn_with_all_that_was_to_follow_it(one: Desk) -> None:
    """By one person with a reason: stopping is the safe direction."""
    before = now(one)
    first = approve(one, propose(one, B60, start=START))
    second = approve(one, propose(one, B70, start=START + dt.timedelta(days=7)))
    third = approve(one, propose(one, B80, start=START + dt.timedelta(days=14)))
    one.office.withdraw_policy(THIRD, second, "有误")

    assert [one.office.get_policy(AUDITOR, v).state for v in (first, second, third)] == [
        "pending", "withdrawn", "withdrawn",
    ]  # fmt: skip
    one.clock.turn(days=30)
    assert now(one) == first
    assert one.office.get_policy(AUDITOR, first).state == "in-force"
    assert one.office.verify_policies(AUDITOR).findings == ()

    back = one.office.roll_policy_back(THIRD, "还是不行")

    assert (back.version, now(one)) == (before, before)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(instants=st.lists(st.integers(0, 6), max_size=6))
@example([3, 5, 3, 1])
def test_the_version_in_force_is_a_function_of_the_rows(one: Desk, instants: list[int]) -> None:
    """The statement, the function and the timeline say the same of every instant."""
    with write(one.engine) as conn:
        (first,) = read_activations(conn)[:1]
        conn.execute(delete(activations))
        for instant in instants:
            conn.execute(
                insert(activations).values(
                    act="approval", version=first.version, proposal_id=first.proposal.id, effective_from=str(instant),
                    approved_by="a/b", approved_key="k", approved_at="t", remark="",
                )
            )  # fmt: skip
        made = read_activations(conn)
        line = timeline(made)
        for moment in map(str, range(7)):
            by_sql = conn.execute(one.office.context.policies._in_force, {"now": moment}).scalar()
            standing = in_force(made, moment)
            on_the_line = [a for a in line if a.effective_from <= moment]

            assert by_sql == (standing.id if standing else None) == (on_the_line[-1].id if on_the_line else None)
        conn.rollback()


# --- going back --------------------------------------------------------------------------------------------------


def test_one_person_takes_the_latest_approval_back_at_once(desk: Desk) -> None:
    """With a reason, within a second; what was to come goes too, and a second time it takes two."""
    before, bad = now(desk), approve(desk, propose(desk, B60))
    waiting = approve(desk, propose(desk, B70, start=START))
    with pytest.raises(InvalidError):
        desk.office.roll_policy_back(THIRD, "")
    begun = time.monotonic()
    view = desk.office.roll_policy_back(THIRD, "误伤")
    took = time.monotonic() - begun

    assert (view.version, view.state, view.rollback, view.reason, view.approved_by) == (
        before, "in-force", True, "误伤", "finance/赵",
    )  # fmt: skip
    assert now(desk) == before
    assert took < 1
    assert [desk.office.get_policy(AUDITOR, v).state for v in (bad, waiting)] == ["past", "withdrawn"]
    assert refused(ConflictError, lambda: desk.office.roll_policy_back(THIRD, "再退")) == "no-earlier-policy"
    desk.clock.turn(days=30)
    assert now(desk) == before
    assert desk.office.verify_policies(AUDITOR).findings == ()


def test_going_further_back_takes_two(one: Desk) -> None:
    """It is a proposal like any other, checked again; only what was in force before may be gone back to."""
    oldest = now(one)
    approve(one, propose(one, B60))
    approve(one, propose(one, B70))
    never = propose(one, B80)
    view = one.office.roll_policy_back(PROPOSER, "恢复", to=oldest)

    assert (view.state, view.version, view.rollback) == ("proposed", oldest, True)
    assert refused(ForbiddenError, lambda: one.office.approve_policy(PROPOSER, oldest)) == "same-person"
    assert refused(ConflictError, lambda: one.office.roll_policy_back(PROPOSER, "x", to=never)) == "never-in-force"

    approve(one, oldest)

    assert now(one) == oldest
    assert [v.rollback for v in one.office.policy_history(AUDITOR).items] == [True, False, False, False, False]


# --- one version for a request -----------------------------------------------------------------------------------


def test_every_request_asks_once_what_is_in_force(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked twice, a version coming into force between would make a mixture."""
    asked = 0
    version = PolicyStore._version

    def counted(self: PolicyStore, activation: int, conn: Any) -> str:
        nonlocal asked
        asked += 1
        return version(self, activation, conn)

    case, other, party = desk.file().case.id, desk.file().case.id, enterprise()
    publish = desk.find(case, "publish")
    desk.do(HR, publish, "accept")
    record = {"record": "penalty", "id": "1", "date": "2026-01-31", "fields": {"document_number": "x"}}
    record["subject"] = {"kind": "enterprise", "code": party.code, "name": "某"}
    monkeypatch.setattr(PolicyStore, "_version", counted)
    office = desk.office
    calls: dict[str, Callable[[], object]] = {
        "file": lambda: office.file_case(HR, arrears(party)),
        "answer": lambda: desk.do(HR, publish, "respond", outcome="implemented"),
        "end": lambda: office.end_case(HR, case, "annulment", "试验"),
        "process": lambda: office.process(HR, case),
        "step": lambda: office.step(HR, other, Step("object", points=("数额有误",), own=False)),
        "records": lambda: office.put_records(principal("market-regulation"), [record]),
        "due": office.due_cases,
        "advance": lambda: office.advance(case),
        "beat": lambda: office.beat("w", period=60),
        "check": lambda: office.check(FINANCE, CheckRequest("procurement", "x", code=party.code)),
        "inbox": lambda: office.list_obligations(FINANCE, ObligationQuery()),
        "case": lambda: office.get_case(HR, case),
        "decision": lambda: office.decision(HR, case),
        "follow": office.cases_to_follow,
        "migrate": lambda: list(office.migrate_cases(PROPOSER)),
    }
    counts = {}
    for name, call in calls.items():
        asked = 0
        call()
        counts[name] = asked

    # a counter check goes by its own statement; what only shows a case goes by the case's own version
    assert counts == dict.fromkeys(calls, 1) | dict.fromkeys(("check", "inbox", "case", "decision"), 0)
