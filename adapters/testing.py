"""The mutation score of a bundle's tests, in a child process with limits: thousands of trials of changed rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from adapters.trials import report, run_limited

if TYPE_CHECKING:
    from engine.workbench.mutation import Score

SECONDS, MEGABYTES = 600.0, 2048
"""Ten times what the shipped bundle takes, and four times its memory."""


def mutation_score(
    files: Mapping[str, str | bytes],
    text: str = "",
    memorandum: str | None = None,
    *,
    seconds: float = SECONDS,
    megabytes: int = MEGABYTES,
    progress: Callable[[int, int], None] | None = None,
) -> Score:
    """Which mistakes the tests of the policy that the files make would find.

    Args:
        files: relative path → content; they compile.
        text: only tests with this in their name or their memorandum's.
        memorandum: only mistakes that the tests of this one can see.
        seconds: time that it may take.
        megabytes: memory that it may take.
        progress: called with how many mistakes have been tried and how many there are.

    Raises:
        TrialError: the limits were not enough.

    """
    return run_limited(_score, dict(files), text, memorandum, seconds=seconds, megabytes=megabytes, progress=progress)


def _score(files: Mapping[str, str | bytes], text: str, memorandum: str | None) -> Score:
    from engine.compiler import compile_policy  # noqa: PLC0415 - only the child needs it
    from engine.workbench.mutation import score  # noqa: PLC0415
    from engine.workbench.policy_tests import selected  # noqa: PLC0415

    policy = compile_policy(files).policy
    assert policy is not None
    return score(selected(policy, text), memorandum, report)
