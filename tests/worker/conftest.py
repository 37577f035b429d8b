"""Every test here that asks for `desk` runs on SQLite and on PostgreSQL, and so on both kinds of worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.adapters.databases import BACKENDS, Databases, shared_folder
from tests.worker.support import Desk, open_desk


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
    """An office with the ladders of the default bundle."""
    return open_desk(engine)
