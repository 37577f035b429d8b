"""Counters told two things at once, and incentives that no severe sanction would suspend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import z3

from engine.decision.model import LISTING_RECORD, Facts, Record
from engine.language.ir import ADVERSE, FAVOURABLE, Value
from engine.workbench.findings import Finding, finding, owing, undecided
from engine.workbench.symbolic import OTHER_TEXT
from engine.workbench.views import Due, ListView


def check(view: ListView) -> Iterator[Finding]:
    """Findings about what the list's memoranda together tell a counter."""
    yield from _meeting(view)
    yield from _unsuspended(view)


def _meeting(view: ListView) -> Iterator[Finding]:
    """A favour and a burden for one person on one matter, from two memoranda; within one the compiler refuses them."""
    matters: defaultdict[tuple[str, str], list[Due]] = defaultdict(list)
    for due in view.dues:
        directive = due.measure.directive
        if directive is not None and due.oblige.advice is None and due.oblige.duty != "transmit":
            matters[directive.matter, due.role].append(due)
    seen: set[tuple[str, str, str, str]] = set()
    for (matter, _), dues in matters.items():
        for favour in (d for d in dues if _effect(d) in FAVOURABLE):
            for burden in (d for d in dues if _effect(d) in ADVERSE):
                key = (favour.firing.rule.id, favour.measure.id, burden.firing.rule.id, burden.measure.id)
                if favour.firing.memorandum is burden.firing.memorandum or key in seen:
                    continue
                for found in _pair(view, matter, favour, burden):
                    seen.add(key)
                    yield found


def _pair(view: ListView, matter: str, favour: Due, burden: Due) -> Iterator[Finding]:
    title = view.policy.matters[matter].title
    both = f"“{favour.measure.title}”（从优）与“{burden.measure.title}”（从严）"
    case = owing(view, [favour, burden], question=f"办理“{title}”时，{both}能否同时对同一人成立")
    if isinstance(case, Finding):
        yield case
    elif case is not None:
        yield finding(
            view.policy,
            "XH203",
            burden.oblige.span,
            f"办理“{title}”时，{both}会同时对同一人成立",
            [case],
            expected="两条规则互斥，或在一份备忘录中以 overrides 写明谁优先",
            notes=(f"从优的规则 {favour.firing.rule.id} 在 {favour.oblige.span}",),
        )


def _effect(due: Due) -> str:
    return due.measure.directive.effect if due.measure.directive else ""


def _unsuspended(view: ListView) -> Iterator[Finding]:
    """Incentives are suspended where a clerk asks. One that no clerk asks about is owed on, unless its rule forbids."""
    slots = view.situation.slots.get(LISTING_RECORD, ())
    text = view.world.text
    listed = [z3.And(exists, e["severe"].value, e["kind"].value == text("sanction")) for exists, _, e in slots]
    told: set[tuple[str, str]] = set()
    for due in view.dues:
        measure, key = due.measure, (due.firing.rule.id, due.measure.id)
        lasts = measure.kind == "incentive" and measure.directive is None and due.oblige.advice is None
        if not lasts or key in told:
            continue
        question = f"主体在严重失信主体名单上时是否仍会给予“{measure.title}”"
        case = owing(view, [due], *([z3.Or(listed)] if listed else []), question=question)
        if isinstance(case, Finding):
            told.add(key)
            yield case
        elif case is not None:
            told.add(key)
            sanctioned = case if listed else _sanctioned(case)
            if due.key not in view.keys(sanctioned):
                yield undecided(due.oblige.span, question)
                continue
            message = f"“{measure.title}”不经任何事项办理，主体在严重失信主体名单上时也不会暂停"
            yield finding(view.policy, "XH204", due.oblige.span, message, [sanctioned])


def _sanctioned(facts: Facts) -> Facts:
    """The same subject, on a severe list as well."""
    fields: dict[str, Value] = {"list": OTHER_TEXT, "kind": "sanction", "severe": True}
    record = Record("listing-1", LISTING_RECORD, facts.as_of.toordinal(), fields)
    return replace(facts, records=(*facts.records, record))
