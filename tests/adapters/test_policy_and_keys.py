"""Policy versions and API keys."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from adapters.ledger import read
from adapters.ledger.policies import CorruptPolicyError, PolicyStore
from adapters.ledger.tables import api_keys, policies
from adapters.office import ConflictError, InvalidError, NotFoundError, UnauthenticatedError
from engine.casework.model import Actor
from tests.adapters.bundle import FILES
from tests.adapters.support import Desk

CHANGED = FILES | {"memoranda/arrears.yaml": FILES["memoranda/arrears.yaml"].replace("50 万元", "60 万元")}


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
    current = desk.office.current_policy().version
    other = desk.publish(CHANGED)
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
