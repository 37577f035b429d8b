"""What can be proved about a policy before it runs: one check a file, each a function of policy and bundle.

To add a check, write `check(policy, bundle)` in a file of its own, give its diagnostics codes in
`engine.language.catalogue`, list it here, and add a broken file for each code under `tests/language/broken/`.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.analysis import (
    calendars,
    clocks,
    contradictions,
    ladders,
    legality,
    loose_ends,
    order,
    retention,
    stages,
    tables,
)
from engine.language.bundle import Bundle
from engine.language.ir import Policy

Check = Callable[[Policy, Bundle], None]
CHECKS: tuple[Check, ...] = (
    legality.check,
    order.check,
    tables.check,
    calendars.check,
    stages.check,
    clocks.check,
    ladders.check,
    retention.check,
    contradictions.check,
    loose_ends.check,
)


def run_checks(policy: Policy, bundle: Bundle) -> None:
    """Run every check; each reports to the bundle's reporter."""
    for check in CHECKS:
        check(policy, bundle)
