"""What only a proof can tell, looked for in the background: in a child process with limits, list by list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from adapters.trials import run_limited
from api.lsp.project import Files
from engine.language.diagnostics import Diagnostic

SECONDS, MEGABYTES = 30.0, 2048
"""Ten times what the longest list of the shipped bundle takes."""


def look_deeper(files: Files, edited: Sequence[str]) -> Sequence[Diagnostic]:
    """What can be proved about the lists that edited memoranda and lists are about.

    Raises:
        TrialError: the limits did not suffice; nothing is known then.

    """
    today = dt.date.today()  # noqa: DTZ011 - a person's own day
    return run_limited(_prove, dict(files), tuple(edited), today, seconds=SECONDS, megabytes=MEGABYTES)


def _prove(files: Files, edited: Sequence[str], day: dt.date) -> Sequence[Diagnostic]:
    from engine.compiler import compile_policy  # noqa: PLC0415 - only the child needs it
    from engine.workbench.checking import check_policy  # noqa: PLC0415

    policy = compile_policy(files).policy
    if policy is None:
        return ()
    lists = {m.list for m in policy.memoranda.values() if m.span.path in edited}
    lists |= {i for i, listed in policy.lists.items() if listed.span.path in edited}
    return check_policy(policy, day, lists=lists).diagnostics if lists else ()
