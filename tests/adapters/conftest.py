"""Every test here that asks for `engine` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.adapters.databases import BACKENDS, Databases, shared_folder
from tests.adapters.support import Desk, open_desk


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The run's databases."""
    found = Databases(shared_folder(tmp_path_factory))
    yield found
    found.close()


@pytest.fixture(params=BACKENDS)
def engine(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Engine]:
    """A fresh migrated database on each backend."""
    with databases.fresh(request.param) as fresh:
        yield fresh


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """An office on the small policy."""
    return open_desk(engine)


@pytest.fixture
def one(databases: Databases) -> Iterator[Desk]:
    """An office on SQLite, for what does not depend on the database."""
    with databases.fresh("sqlite") as engine:
        yield open_desk(engine)
