"""Measures that would last longer than their basis, their list, or the law allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any as Anything

import z3

from engine.language.bundle import intersection
from engine.language.dates import MONTHS, day_bounds, may_exceed
from engine.language.ir import Duration, ListDef, Span, Validity
from engine.workbench.findings import Finding, finding, owing
from engine.workbench.symbolic import NO
from engine.workbench.views import Due, ListView


def check(view: ListView) -> Iterator[Finding]:
    """Findings about how long the measures of one list last; of each kind one a consequence."""
    alike: dict[tuple[Span, str], Due] = {}
    for due in view.dues:  # for all departments of a consequence the same holds
        alike.setdefault((due.oblige.span, due.role), due)
    for look in (_basis_gone, _beyond_list, _beyond_law):
        told: set[Span] = set()
        for (span, _), due in alike.items():
            for found in look(view, due) if span not in told else ():
                told.add(span)
                yield found


def _basis_gone(view: ListView, due: Due) -> Iterator[Finding]:
    """A day on which the measure is still imposed and none of its bases is in force."""
    firing, laws = due.firing, view.policy.laws
    periods = [laws[basis.law].validity for basis in due.oblige.basis]
    whole = intersection(firing.memorandum.validity, firing.rule.validity, due.measure.validity)
    if not periods or whole is None or any(period.contains(whole) for period in periods):
        return
    none = z3.Not(z3.Or([view.world.covers(period) for period in periods]))
    case = owing(view, [due], none, question=f"依据失效后是否仍会引出“{due.measure.title}”")
    if isinstance(case, Finding):
        yield case
    elif case is not None:
        bases = "、".join(f"《{laws[b.law].title}》（{_period(laws[b.law].validity)}）" for b in due.oblige.basis)
        message = f"{case.as_of} 仍会引出“{due.measure.title}”，而当日没有一项依据有效：{bases}"
        yield finding(view.policy, "XH205", due.oblige.span, message, [case])


def _period(period: Validity) -> str:
    start = f"{period.start} 起" if period.start else ""
    return f"{start}至 {period.end}" if period.end else start or "不限"


def _beyond_list(view: ListView, due: Due) -> Iterator[Finding]:
    longest, term = _longest_listing(view.list), due.measure.term
    if term is None or longest is None or not may_exceed(term, longest):
        return
    ends = z3.Not(_endless(view))
    case = owing(view, [due], ends, question=f"“{due.measure.title}”是否比名单长久")
    if isinstance(case, Finding):
        yield case
    elif case is not None:
        message = f"“{due.measure.title}”为期 {term.words}，名单最长只有 {longest.words}"
        notes = (f"措施在 {due.measure.span}", f"名单在 {view.list.span}")
        yield finding(view.policy, "XH206", due.oblige.span, message, [case], notes=notes)


def _beyond_law(view: ListView, due: Due) -> Iterator[Finding]:
    """Longer than every basis that carries it allows, whichever of measure and listing ends first."""
    allowed = [basis.maximum for basis in due.oblige.basis if basis.maximum is not None]
    if not allowed or len(allowed) < len(due.oblige.basis):
        return
    longest, endless, term = max(allowed, key=_in_days), _endless(view), due.measure.term
    for condition, lasts in ((endless, term), (z3.Not(endless), _shorter(term, _longest_listing(view.list)))):
        if lasts is not None and not may_exceed(lasts, longest):
            continue
        case = owing(view, [due], condition, question=f"“{due.measure.title}”是否超过法定最长期限")
        if isinstance(case, Finding):
            yield case
        elif case is not None:
            own = f"可以持续 {lasts.words}" if lasts else "没有期限，列入也没有尽头"
            notes = tuple(f"依据写在 {basis.span}" for basis in due.oblige.basis)
            message = f"“{due.measure.title}”{own}，依据规定最长 {longest.words}"
            yield finding(view.policy, "XH207", due.oblige.span, message, [case], notes=notes)
            return


def _endless(view: ListView) -> Anything:
    """That performance alone ends the listing (`engine.casework.clocks.until_performed`)."""
    exception = view.list.procedure.term.until_performed
    if exception is None or exception[0] not in view.situation.base:
        return NO
    cell = view.situation.base[exception[0]]
    return z3.And(cell.present, z3.Or([cell.value == view.world.text(value) for value in exception[1]]))


def _longest_listing(listed: ListDef) -> Duration | None:
    """How long a listing lasts at most, its extension included; None where only something that happens ends it."""
    term = listed.procedure.term
    if term.length is None or term.extension is None:
        return term.length
    return _added(term.length, term.extension)


def _added(one: Duration, other: Duration) -> Duration:
    if one.unit == other.unit:
        return Duration(one.amount + other.amount, one.unit)
    if one.unit in MONTHS and other.unit in MONTHS:
        return Duration(one.amount * MONTHS[one.unit] + other.amount * MONTHS[other.unit], "months")
    return Duration(_in_days(one) + _in_days(other), "days")


def _shorter(*durations: Duration | None) -> Duration | None:
    """The shortest; None where there is none."""
    return min((d for d in durations if d is not None), key=_in_days, default=None)


def _in_days(duration: Duration) -> int:
    """The most calendar days that a duration can be, to tell the longest of several."""
    return day_bounds(duration)[1]
