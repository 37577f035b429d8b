"""Events as earlier versions of this program logged them, brought to the shape that is read today.

The log is never rewritten. Whoever changes what an event says adds a step here, recognised by the payload's own shape
because nothing else tells when a program wrote it; `tests/golden` keeps events of every shape that there ever was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

SINCE_DUE_PROCESS: Mapping[str, Any] = {
    "policy": "", "rearm_by": None, "effective_on": None, "expires_on": None, "rungs": 0, "quiet": False,
}  # fmt: skip
"""What obligations do not say that were logged before clocks and escalation; no policy is that of the filing."""


def upcast(kind: str, payload: Json) -> Json:
    """The payload of an event of this type in today's shape; one that has it already comes back as it is."""
    if kind == "obligations-added" and any("policy" not in o for o in payload["obligations"]):
        return payload | {"obligations": [{**SINCE_DUE_PROCESS, **o} for o in payload["obligations"]]}
    return payload
