"""No counter may be told to favour and to burden one person on one matter.

Bad: both rules can fire, and a clerk would be told to hurry and to refuse::

    - {id: fast, then: [{oblige: green-channel, by: [market-regulation]}]}
    - {id: stop, then: [{oblige: no-licence, by: [market-regulation]}]}

Good: say which goes first, with its basis, or make the conditions exclude each other::

    - {id: stop, overrides: [fast], basis: [...], then: [{oblige: no-licence, by: [market-regulation]}]}
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.analysis.exclusive import exclusive
from engine.language.bundle import Bundle, intersection
from engine.language.ir import ADVERSE, FAVOURABLE, FactType, Measure, Memorandum, Oblige, Policy, Rule, Validity


@dataclass(frozen=True, slots=True)
class _Instruction:
    """An obligation that instructs a counter."""

    rule: Rule
    oblige: Oblige
    measure: Measure
    period: Validity
    favourable: bool


def check(policy: Policy, bundle: Bundle) -> None:
    """Report pairs of a favour and a burden on one matter that are not proved to exclude each other."""
    for memorandum in policy.memoranda.values():
        if not bundle.reporter.clean(memorandum.span.path):
            continue
        target = policy.lists[memorandum.list]
        facts: dict[str, FactType] = dict(bundle.scopes[memorandum.id])
        kind = facts["subject.kind"]
        facts["subject.kind"] = FactType(kind.name, kind.type, kind.title, kind.span, target.subjects)
        by_matter: dict[str, list[_Instruction]] = defaultdict(list)
        for matter, instruction in _instructions(memorandum, policy):
            by_matter[matter].append(instruction)
        for matter, instructions in by_matter.items():
            _check_matter(matter, instructions, facts, bundle)


def _instructions(memorandum: Memorandum, policy: Policy) -> Iterator[tuple[str, _Instruction]]:
    for rule in memorandum.rules:
        for consequence in rule.then:
            if not isinstance(consequence, Oblige) or consequence.advice is not None or consequence.duty == "transmit":
                continue
            measure = policy.measures[consequence.measure]
            period = intersection(memorandum.validity, rule.validity, measure.validity)
            directive = measure.directive
            if directive is not None and period is not None and directive.effect in FAVOURABLE | ADVERSE:
                favourable = directive.effect in FAVOURABLE
                yield directive.matter, _Instruction(rule, consequence, measure, period, favourable)


def _check_matter(matter: str, instructions: list[_Instruction], facts: Mapping[str, FactType], bundle: Bundle) -> None:
    proved: dict[tuple[str, str], bool] = {}
    reported: set[frozenset[str]] = set()
    for favour in (i for i in instructions if i.favourable):
        for burden in (i for i in instructions if not i.favourable):
            pair = frozenset({f"{favour.rule.id} {favour.measure.id}", f"{burden.rule.id} {burden.measure.id}"})
            if (
                pair in reported
                or not _same_person(favour, burden)
                or intersection(favour.period, burden.period) is None
            ):
                continue
            key = (favour.rule.id, burden.rule.id)
            if key not in proved:
                proved[key] = exclusive(favour.rule.when, burden.rule.when, facts)
            if not proved[key]:
                reported.add(pair)
                bundle.reporter.report(
                    "XH125",
                    burden.oblige.span,
                    f"事项 {matter} 上，{favour.measure.id}（从优）与 {burden.measure.id}（从严）可能同时对同一人成立",
                    expected="两条规则互斥，或以 overrides 写明谁优先",
                    notes=(f"从优的规则 {favour.rule.id} 在 {favour.oblige.span}",),
                )


def _same_person(one: _Instruction, other: _Instruction) -> bool:
    """Whether two obligations can be about one person."""
    roles, others = set(one.oblige.target.roles), set(other.oblige.target.roles)
    if bool(roles) != bool(others) or (roles and not roles & others):
        return False
    kinds, other_kinds = set(one.measure.subjects), set(other.measure.subjects)
    return not kinds or not other_kinds or bool(kinds & other_kinds)
