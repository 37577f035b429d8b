"""The deep check: everything that can be proved about a policy, list by list, each finding with its witness."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from engine.language.diagnostics import Diagnostic
from engine.language.ir import Policy
from engine.workbench.checks import directives, firing, lasting, proportion, punishing, waiting
from engine.workbench.findings import UNKNOWN, Finding
from engine.workbench.symbolic import EFFORT
from engine.workbench.views import ListView, days_for, memoranda_of

Progress = Callable[[int, int, str], None]
"""Called with how many lists are done, how many there are, and the title of the next one."""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings by place. What could not be decided is among them, under its own code."""

    findings: tuple[Finding, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The findings without their cases."""
        return tuple(f.diagnostic for f in self.findings)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Those that keep a policy from being published."""
        return tuple(d for d in self.diagnostics if d.severity == "error")

    @property
    def undecided(self) -> tuple[Diagnostic, ...]:
        """Questions without an answer."""
        return tuple(d for d in self.diagnostics if d.code == UNKNOWN)


def check_policy(
    policy: Policy,
    day: dt.date,
    *,
    lists: Collection[str] | None = None,
    effort: int = EFFORT,
    progress: Progress | None = None,
) -> Report:
    """Check the lists that memoranda speak of, or only `lists`; `day` is where witnesses are looked for first."""
    ids = [i for i in sorted(policy.lists) if memoranda_of(policy, i) and (lists is None or i in lists)]
    found: dict[Diagnostic, Finding] = {}
    views: dict[str, ListView] = {}
    for number, list_id in enumerate(ids):
        if progress is not None:
            progress(number, len(ids), policy.lists[list_id].title)
        view = views[list_id] = ListView(policy, list_id, days_for(policy, list_id, day), effort=effort)
        found |= {f.diagnostic: f for f in check_list(view)}
    found |= {f.diagnostic: f for f in punishing.check_lists(views)}
    if progress is not None:
        progress(len(ids), len(ids), "")
    return Report(tuple(sorted(found.values(), key=_place)))


def check_list(view: ListView) -> Iterator[Finding]:
    """Everything that is looked at in one list alone."""
    yield from firing.check(view)
    yield from directives.check(view)
    yield from lasting.check(view)
    yield from waiting.check(view)
    yield from punishing.check(view)
    yield from proportion.check(view)


def _place(found: Finding) -> tuple[str, int, int, str, str]:
    d = found.diagnostic
    return d.span.path, d.span.line, d.span.column, d.code, d.message
