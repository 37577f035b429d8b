"""The migrations make the tables that the code declares."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from adapters.ledger import is_current, upgrade
from adapters.ledger.tables import metadata
from tests.adapters.databases import BACKENDS, Databases


def test_migrations_and_tables_agree(engine: Engine) -> None:
    """Autogenerate finds nothing to do after all migrations have run."""
    with engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})

        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_upgrading_twice_changes_nothing(databases: Databases, backend: str) -> None:
    """An empty database becomes current, and a current one stays as it is."""
    with databases.fresh(backend, migrated=False) as engine:
        assert not is_current(engine)
        upgrade(engine)
        assert is_current(engine)
        upgrade(engine)

        assert is_current(engine)
