"""By when a department answers an obligation, and what opening one sets running."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

from engine.casework.calendar import Calendars, add
from engine.casework.model import Obligation
from engine.language.ir import Duration, Oblige, Policy, ResponseTerms, Rule

USUAL = ResponseTerms(
    Duration(3, "working days"), Duration(10, "working days"), Duration(3, "working days"), "none", evidence=False
)


def response_terms(policy: Policy, rules: Iterable[str], measure: str, department: str) -> ResponseTerms:
    """The terms that the first of `rules` sets for the measure, else the measure's own.

    A policy that a case has migrated to may lack the measure; it then is only being lifted, in the usual time.
    """
    for name in rules:
        rule = find_rule(policy, name)
        for consequence in rule.then if rule else ():
            if isinstance(consequence, Oblige) and consequence.measure == measure and department in consequence.by:
                return consequence.response
    found = policy.measures.get(measure)
    return found.response if found is not None else USUAL


def find_rule(policy: Policy, name: str) -> Rule | None:
    """The rule `<memorandum>/<rule>`."""
    memorandum = policy.memoranda.get(name.partition("/")[0])
    return next((r for r in memorandum.rules if r.id == name), None) if memorandum else None


def opened(obligation: Obligation, policy: Policy, calendars: Calendars, today: dt.date) -> Obligation:
    """The obligation when nothing keeps it waiting any more, with its deadlines."""
    terms = response_terms(policy, obligation.rules, obligation.measure, obligation.department)
    return replace(
        obligation,
        state="open",
        unmet=0,
        accept_by=add(today, terms.accept, calendars),
        act_by=add(today, terms.arm, calendars),
    )
