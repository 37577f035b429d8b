"""Versions of the small policy, and two persons who put them in force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from adapters.office import PolicyProposal
from tests.adapters.bundle import FILES
from tests.adapters.support import APPROVER, PROPOSER, Desk, principal

THIRD = principal("finance", "policy", officer="赵")
START = dt.date(2026, 12, 1)  # the clock stands at 2026-11-24
MIDNIGHT = "2026-11-30T16:00:00.000000Z"  # where it begins


def bundle(limit: str, files: Mapping[str, str] = FILES) -> dict[str, str]:
    """The policy with another threshold."""
    path = "memoranda/arrears.yaml"
    return {**files, path: files[path].replace("50 万元", limit)}


B60, B70, B80 = bundle("60 万元"), bundle("70 万元"), bundle("80 万元")


def propose(desk: Desk, files: Mapping[str, str], **more: Any) -> str:
    """A proposal's version."""
    return desk.office.propose_policy(PROPOSER, PolicyProposal(files, more.pop("reason", "试验"), **more)).version


def approve(desk: Desk, version: str) -> str:
    """Its approval; the version again."""
    return desk.office.approve_policy(APPROVER, version).version


def now(desk: Desk) -> str:
    """The version in force."""
    return desk.office.current_policy().version


def refused(kind: type[Exception], work: Callable[[], object]) -> str:
    """The code with which something is refused."""
    with pytest.raises(kind) as raised:
        work()
    return str(raised.value.code)  # type: ignore[attr-defined]
