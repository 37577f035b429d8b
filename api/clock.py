"""What time it is. For demonstrations and tests a file may say so."""

from __future__ import annotations

import datetime as dt
from pathlib import Path


class ClockError(ValueError):
    """The file of a simulated clock cannot be read, or holds no instant."""


def now(simulated: Path | None = None) -> dt.datetime:
    """This instant; the only clock of the service. `simulated` is a file with an ISO 8601 instant, read at each call.

    Raises:
        ClockError: the file cannot be read, or holds no instant with its zone.

    """
    if simulated is None:
        return dt.datetime.now(dt.UTC)
    try:
        instant = dt.datetime.fromisoformat(simulated.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        message = f"{simulated} 中没有 ISO 8601 时刻"
        raise ClockError(message) from error
    if instant.tzinfo is None:
        message = f"{simulated} 中的时刻须带时区，如 2026-11-24T10:00:00+08:00"
        raise ClockError(message)
    return instant
