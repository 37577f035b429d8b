"""What comes first must exist in the memorandum, and must not wait for what comes after it.

Bad: ``a`` waits for ``b`` and ``b`` for ``a``, so neither ever opens::

    - {oblige: a, by: [finance], after: [b]}
    - {oblige: b, by: [finance], after: [a]}
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from engine.language.bundle import Bundle, find_cycle
from engine.language.diagnostics import nearest, one_of
from engine.language.ir import Memorandum, Oblige, Policy
from engine.language.scalars import shown


def check(policy: Policy, bundle: Bundle) -> None:
    """Report `after` that names no measure of its memorandum, and circles."""
    for memorandum in policy.memoranda.values():
        _check_memorandum(memorandum, bundle)


def _check_memorandum(memorandum: Memorandum, bundle: Bundle) -> None:
    obliges = [c for rule in memorandum.rules for c in rule.then if isinstance(c, Oblige)]
    measures = {o.measure for o in obliges}
    edges: dict[str, dict[str, Oblige]] = defaultdict(dict)
    for oblige in obliges:
        for before in oblige.after:
            if before in measures:
                edges[oblige.measure].setdefault(before, oblige)
            else:
                bundle.reporter.report(
                    "XH095",
                    oblige.span,
                    f"备忘录 {memorandum.id} 没有措施{shown(before)}，{oblige.measure} 不能排在它之后",
                    expected=one_of(sorted(measures)),
                    suggestion=nearest(before, measures),
                )
    cycle = find_cycle({measure: tuple(befores) for measure, befores in edges.items()})
    if cycle is not None:
        places = tuple(
            f"{after} 须在 {before} 之后：{edges[after][before].span}"
            for after, before in pairwise(cycle)
            if before in edges.get(after, {})
        )
        start = next((edges[m] for m in cycle if edges.get(m)), {})
        span = next(iter(start.values())).span if start else memorandum.span
        bundle.reporter.report("XH094", span, f"先后关系成环：{' → '.join(cycle)}", notes=places)
