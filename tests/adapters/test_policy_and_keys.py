"""Policy versions and API keys."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from adapters.ledger import read
from adapters.ledger.policies import CorruptPolicyError, PolicyStore
from adapters.ledger.tables import api_keys, policies
from adapters.office import ConflictError, ForbiddenError, InvalidError, NotFoundError, UnauthenticatedError
from engine.casework.model import Actor
from tests.adapters.bundle import FILES
from tests.adapters.support import Desk, principal

CHANGED = FILES | {"memoranda/arrears.yaml": FILES["memoranda/arrears.yaml"].replace("50 万元", "60 万元")}
LI = principal("government-office", "policy", officer="李")
WANG = principal("government-office", "policy", officer="王")


def test_two_persons_put_a_policy_into_force(desk: Desk) -> None:
    """Proposing changes nothing; another person's approval does, with both names kept."""
    before = desk.office.current_policy().version
    proposed = desk.office.propose_policy(LI, CHANGED)

    assert desk.office.current_policy().version == before
    assert (proposed.active, proposed.approved_by) == (False, None)

    approved = desk.office.approve_policy(WANG, proposed.version)

    assert desk.office.current_policy().version == proposed.version
    assert (approved.active, approved.proposed_by, approved.approved_by) == (
        True, "government-office/李", "government-office/王",
    )  # fmt: skip


def test_nobody_approves_their_own_proposal(desk: Desk) -> None:
    """Neither under the same name nor with the same key."""
    version = desk.office.propose_policy(LI, CHANGED).version
    same_key = type(LI)(LI.department, LI.roles, LI.key_id, "另一人")

    for who in (LI, same_key):
        with pytest.raises(ForbiddenError) as raised:
            desk.office.approve_policy(who, version)
        assert raised.value.code == "same-person"


def test_a_policy_with_errors_is_refused_with_every_place(desk: Desk) -> None:
    """Each diagnostic is a field error whose field is the place in the file."""
    broken = FILES | {"rules/measures/watch.yaml": FILES["rules/measures/watch.yaml"].replace("sanction", "sanktion")}
    with pytest.raises(InvalidError) as raised:
        desk.office.propose_policy(LI, broken)

    assert raised.value.errors[0].field.startswith("rules/measures/watch.yaml:4:")


def test_the_policy_in_force_is_not_approved_again(desk: Desk) -> None:
    """It says so instead of adding an activation that changes nothing."""
    with pytest.raises(ConflictError) as raised:
        desk.office.approve_policy(WANG, desk.office.current_policy().version)

    assert raised.value.code == "policy-active"


def test_only_policy_staff_propose(desk: Desk) -> None:
    """Whatever else a key may do."""
    with pytest.raises(ForbiddenError):
        desk.office.propose_policy(principal("finance"), CHANGED)


def test_bootstrapping_again_with_equal_files_is_quiet_and_with_others_is_refused(desk: Desk) -> None:
    """Starting the service twice does no harm and never swaps the policy."""
    people = {"proposed_by": Actor("a", "甲"), "approved_by": Actor("a", "乙")}

    assert desk.office.bootstrap_policy(FILES, **people).active
    with pytest.raises(ConflictError):
        desk.office.bootstrap_policy(CHANGED, **people)


def test_a_stored_policy_is_found_again_by_another_process(desk: Desk) -> None:
    """Compiled from the ledger to the same version."""
    version = desk.office.current_policy().version

    assert version == PolicyStore(desk.engine).get(version).version


def test_a_stored_policy_that_was_changed_from_outside_is_not_used(desk: Desk) -> None:
    """Its content no longer has its version."""
    other = desk.office.propose_policy(LI, CHANGED).version
    current = desk.office.current_policy().version
    with desk.engine.begin() as conn:
        content = conn.execute(select(policies.c.content).where(policies.c.version == other)).scalar_one()
        conn.execute(policies.update().where(policies.c.version == current).values(content=content))

    with pytest.raises(CorruptPolicyError):
        PolicyStore(desk.engine).get(current)


def test_a_key_opens_the_door_until_it_is_revoked(desk: Desk) -> None:
    """The very next call after revoking is refused."""
    issued = desk.office.issue_key("finance", {"implementer"}, "财政局一号")
    found = desk.office.authenticate(issued.token)

    assert (found.department, found.roles, found.key_id) == ("finance", {"implementer"}, issued.key.id)

    revoked = desk.office.revoke_key(issued.key.id)
    with pytest.raises(UnauthenticatedError):
        desk.office.authenticate(issued.token)

    assert desk.office.list_keys() == (revoked,)


def test_the_token_is_stored_nowhere(desk: Desk) -> None:
    """Only its digest is."""
    issued = desk.office.issue_key("finance", {"implementer"}, "x")
    with read(desk.engine) as conn:
        row = conn.execute(select(api_keys)).one()

    assert issued.token not in map(str, row)


@pytest.mark.parametrize("token", ["", "xh_", "xh_wrong", "bearer", "xh_" + "x" * 10_000])
def test_a_wrong_token_is_refused(desk: Desk, token: str) -> None:
    """All the same way."""
    with pytest.raises(UnauthenticatedError):
        desk.office.authenticate(token)


def test_a_key_needs_a_known_department_and_roles(desk: Desk) -> None:
    """Both slips are named at once."""
    with pytest.raises(InvalidError) as raised:
        desk.office.issue_key("nowhere", {"king"}, "x")

    assert [e.field for e in raised.value.errors] == ["department", "roles"]


def test_revoking_an_unknown_key_is_not_found(desk: Desk) -> None:
    """A typing slip on the command line must not look like success."""
    with pytest.raises(NotFoundError):
        desk.office.revoke_key("nope")
