"""The deep check of a bundle, in a child process with limits, so that no bundle can hang who asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from adapters.trials import report, run_limited
from engine.workbench.checking import Report

SECONDS, MEGABYTES = 120.0, 2048
"""Twenty times what the shipped bundle takes, and four times its memory."""


def deep_check(
    files: Mapping[str, str | bytes],
    day: dt.date,
    *,
    seconds: float = SECONDS,
    megabytes: int = MEGABYTES,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """What can be proved about the policy that the files make, or about as much of it as compiles.

    Args:
        files: relative path → content.
        day: where witnesses are looked for first.
        seconds: time that the check may take; more is an error, not a clean bill.
        megabytes: memory that it may take.
        progress: called with how many lists are done and how many there are.

    Raises:
        TrialError: the limits were not enough; nothing is known then.

    """
    return run_limited(_deep, dict(files), day, seconds=seconds, megabytes=megabytes, progress=progress)


def _deep(files: Mapping[str, str | bytes], day: dt.date) -> Report:
    from engine.compiler import compile_policy  # noqa: PLC0415 - only the child needs it
    from engine.workbench.checking import check_policy  # noqa: PLC0415
    from engine.workbench.illustrating import illustrate  # noqa: PLC0415

    compiled = compile_policy(files)
    shown = illustrate(compiled.draft, compiled.diagnostics, day)
    if compiled.policy is None:
        return Report(shown)
    found = check_policy(compiled.policy, day, progress=lambda done, total, _: report(done, total))
    return Report((*shown, *found.findings))
