"""The portal, as in `tests/api`; a browser sees no difference between databases, so one is enough."""

from __future__ import annotations

from tests.adapters.conftest import databases, engine
from tests.api.portals import served_portal

__all__ = ["databases", "engine", "served_portal"]
