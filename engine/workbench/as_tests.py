"""A witness as a test beside a memorandum: YAML that compiles, and expects what the policy makes of the case now."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from engine.decision.consequences import conclude
from engine.decision.model import LISTING_RECORD, Decision, Facts, Owed
from engine.decision.reference import Interpreter
from engine.language.build_tests import SUBJECT
from engine.language.bundle import LISTING_FIELDS
from engine.language.ir import FactType, Memorandum, Oblige, Policy, Type, Value
from engine.language.scalars import show
from engine.workbench.attributes import Change
from engine.workbench.views import memoranda_of

PLAIN = re.compile(r"[\w〔〕（）“”.%-]*[\w〔〕（）“”%]( (元|万元|亿元))?")
"""Texts that YAML takes as they are; hyphens and points stand inside."""


def as_test(policy: Policy, change: Change, name: str) -> tuple[str, str] | None:
    """The memorandum that a change shows in and the case to put among its tests, under `policy`, the one after it.

    None where the policy has nothing left to test it by: no such list or memorandum, or no witness was found.
    """
    facts = change.witness
    if facts is None or facts.list not in policy.lists or facts.subject_kind not in policy.lists[facts.list].subjects:
        return None
    interpreter = Interpreter(policy)
    found = [
        (memorandum, conclude(policy, facts, [interpreter.evaluate(memorandum, facts)]))
        for memorandum in memoranda_of(policy, facts.list)
        if memorandum.validity.covers(facts.as_of)
    ]
    named = {rule.partition("/")[0] for rule in change.rules}
    best = max(found, key=lambda one: (bool(_owed(one[1], change)), one[0].id in named), default=None)
    if best is None:
        return None
    memorandum, decision = best
    expected = list(_expected(change, memorandum, decision))
    return memorandum.id, case_text(policy, facts, name, expected)


def case_text(policy: Policy, facts: Facts, name: str, expected: Iterable[str]) -> str:
    """Facts as an entry under `cases:`; `expected` are the lines under `expect:`.

    What the list does not declare (any more) is left out.
    """
    declared = policy.lists[facts.list].facts
    lines = [f"  - name: {_quoted(name)}", f"    as_of: {facts.as_of}", f"    subject: {facts.subject_kind}"]
    values = _values(facts.values, declared)
    if values:
        lines += ["    facts:", *(f"      {value}" for value in values)]
    records = []
    for record in facts.records:
        kind = policy.records.get(record.kind)
        if kind is None and record.kind != LISTING_RECORD:
            continue
        fields = _values(record.fields, LISTING_FIELDS if kind is None else kind.fields)
        parts = [f"record: {record.kind}"]
        parts += [f"date: {dt.date.fromordinal(record.date)}"] if record.date is not None else []
        parts += [f"fields: {{{', '.join(fields)}}}"] if fields else []
        records.append(f"      - {{{', '.join(parts)}}}")
    lines += ["    records:", *records] if records else []
    if facts.relations:
        lines.append("    relations:")
        lines += [f"      - {{role: {p.role}, id: {p.id}, kind: {p.kind}}}" for p in facts.relations]
    answers = [r for r in facts.responses if r.measure in policy.measures and r.department in policy.departments]
    if answers:
        lines.append("    responses:")
        lines += [f"      - {{measure: {r.measure}, by: {r.department}, outcome: {r.outcome}}}" for r in answers]
    return "\n".join([*lines, "    expect:", *(f"      {line}" for line in expected)]) + "\n"


def _owed(decision: Decision, change: Change) -> list[Owed]:
    """What the decision owes or advises of a change's measure, by its departments about its role."""
    return [
        o
        for o in (*decision.obligations, *decision.advice)
        if o.measure == change.measure and o.department in change.departments and o.target_role == change.role
    ]


def _expected(change: Change, memorandum: Memorandum, decision: Decision) -> Iterator[str]:
    if change.area == "limit":
        amounts = [limit.amount for limit in decision.limits]
        if len(amounts) == 1:
            yield f"limit: {show(Type.MONEY, amounts[0])}"
            return
    mine = _owed(decision, change)
    owed, advised = ([o for o in mine if (o.advice is None) is owes] for owes in (True, False))
    known = {(c.measure, d) for rule in memorandum.rules for c in rule.then if isinstance(c, Oblige) for d in c.by}
    gone = [d for d in change.departments if d not in {o.department for o in mine} and (change.measure, d) in known]
    people = (
        [SUBJECT] if change.role in {"", SUBJECT} else [p.id for p in decision.facts.relations if p.role == change.role]
    )
    gone = gone if people and not change.advised else []
    yield from _named("owes", owed)
    yield from _named("advice", advised)
    if gone:
        yield "owes_not:"
        yield _entry(change.measure, gone, people)
    if not mine and not gone:  # only the whole of what is owed, or advised, shows that something is not
        key, every = ("advice_exactly", decision.advice) if change.advised else ("owes_exactly", decision.obligations)
        yield from _named(key, every) if every else [f"{key}: []"]


def _named(key: str, owed: Iterable[Owed]) -> Iterator[str]:
    departments: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for one in owed:
        departments[one.measure, one.target].append(one.department)
    if departments:
        yield f"{key}:"
    for (measure, target), by in departments.items():
        yield _entry(measure, by, [target])


def _entry(measure: str, departments: list[str], people: list[str]) -> str:
    target = "" if people == [SUBJECT] else f", target: [{', '.join(people)}]"
    return f"  - {{measure: {measure}, by: [{', '.join(departments)}]{target}}}"


def _values(values: Mapping[str, Value], declared: Mapping[str, FactType]) -> list[str]:
    return [f"{name}: {_value(declared[name], value)}" for name, value in values.items() if name in declared]


def _value(fact: FactType, value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    return _quoted(show(fact.type, value))


def _quoted(text: str) -> str:
    return text if PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
