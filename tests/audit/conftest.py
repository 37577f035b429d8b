"""Databases as the adapters' tests have them, and one archive of one ledger for all that only reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.conftest import databases as databases  # noqa: PLC0414 - a fixture, on offer here too
from tests.adapters.conftest import engine as engine  # noqa: PLC0414 - as above
from tests.adapters.databases import Databases
from tests.audit.ledger import Members, exported, members, opened, worked


@pytest.fixture(scope="session")
def file(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of a ledger with one of everything."""
    with databases.fresh("sqlite") as engine:
        desk = opened(engine)
        worked(desk)
        return exported(desk, tmp_path_factory.mktemp("archive") / "archive.zip")


@pytest.fixture(scope="session")
def archive(file: Path) -> Members:
    """Its members."""
    return members(file)
