"""No view of an explanation leaks: markers planted in every value appear only where their owner may see them.

Which facts and records a rule uses is found here by walking the rule's dataclasses, not as the view finds it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from engine.casework.visibility import (
    Explained,
    Scope,
    auditing,
    concerning,
    implementing,
    initiating,
    traced,
    view,
)
from engine.decision.explain import display_number, explain
from engine.decision.model import Facts, RelatedPerson
from engine.decision.reference import decide
from engine.language import ir
from engine.language.ir import Memorandum, Oblige, Policy, Target, Type, Value
from tests.casework.build import TERMS, measure_of
from tests.properties.generate import FIELDS, HERE, INPUTS, memoranda, subjects

DEPARTMENTS = ("finance", "tax", "water")
INITIATOR = "tax"
MEASURES = {name: measure_of(name) for name in ("no-posts", "no-bidding")}
ROLES = {"boss": "legal-representative", "chief": "principal"}
PEOPLE = tuple(RelatedPerson(f"person-{name}", role) for name, role in ROLES.items())
FIRST_DAY = dt.date(1801, 1, 1).toordinal()


@dataclass(frozen=True)
class Plant:
    """A decision on marked facts. `markers` says by which words each value would show: facts, then record fields."""

    policy: Policy
    facts: Facts
    suppliers: Mapping[str, str]
    facts_marked: Mapping[str, frozenset[str]]
    records_marked: Mapping[tuple[str, str], frozenset[str]]

    def document(self) -> dict[str, Any]:
        """The whole explanation."""
        decision = decide(self.policy, self.facts)
        rules = tuple(traced(t) for t in explain(self.policy, self.facts).rules)
        return Explained("digest", True, decision.document(), rules).plain()


def marked(number: int, of: Type) -> tuple[Value, frozenset[str]] | None:
    """A value of a type that nothing else has, and how it is written; None where all values are common."""
    match of:
        case Type.TEXT | Type.ENUM:
            return f"标记{number:05}", frozenset({f"标记{number:05}"})
        case Type.LIST:
            return (f"标记{number:05}",), frozenset({f"标记{number:05}"})
        case Type.DATE:
            value = FIRST_DAY + number
            return value, frozenset({str(value), dt.date.fromordinal(value).isoformat()})
        case Type.BOOLEAN:
            return None
        case _:
            value = 70_000_000_001 + 2 * number  # never whole yuan or percent, so that both forms are long
            return value, frozenset({str(value), display_number(value, of).rstrip(" 元%")})


@st.composite
def plants(draw: st.DrawFn) -> Plant:
    """A memorandum whose rules oblige departments about the subject and related persons, and marked facts."""
    memorandum, tables = draw(memoranda())
    obliging = tuple(
        replace(rule, then=tuple(draw(st.lists(obliges(), min_size=1, max_size=2)))) if rule.id != "m/limit" else rule
        for rule in memorandum.rules
    )
    policy = Policy(
        "v", {}, {}, {}, {}, MEASURES, {}, tables, {"m": replace(memorandum, rules=obliging)}, {}, {}, (), {}
    )
    facts = draw(subjects())
    number = 0
    values, told = dict(facts.values), {}
    for name, of in INPUTS.items():
        number += 1
        if name in values and (made := marked(number, of)) is not None:
            values[name], told[name] = made
    records, said = [], {}
    for record in facts.records:
        fields = dict(record.fields)
        for name in list(fields):
            number += 1
            if (made := marked(number, FIELDS[name])) is not None:
                fields[name], said[record.id, name] = made
        records.append(replace(record, fields=fields))
    suppliers = {r.id: draw(st.sampled_from(DEPARTMENTS)) for r in records}
    marked_facts = replace(
        facts, initiator=INITIATOR, values=values, records=tuple(records), relations=PEOPLE, salt="盐" * 32
    )
    return Plant(policy, marked_facts, suppliers, told, said)


@st.composite
def obliges(draw: st.DrawFn) -> Oblige:
    """A consequence."""
    roles = draw(st.sampled_from(((), (ROLES["boss"],), tuple(ROLES.values()))))
    by = tuple(draw(st.lists(st.sampled_from(DEPARTMENTS), min_size=1, max_size=2, unique=True)))
    return Oblige(draw(st.sampled_from(sorted(MEASURES))), by, Target(roles), (), (), None, "implement", TERMS, HERE)


def mentioned(value: object, record: str = "") -> Iterator[tuple[str, str]]:
    """Every fact inside a condition with the kind of record that it is a field of: a plain walk over dataclasses."""
    if isinstance(value, ir.Fact):
        yield record, value.name
    elif isinstance(value, tuple):
        for part in value:
            yield from mentioned(part, record)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner = value.record if isinstance(value, ir.Quantifier) else record
        if inner != record:
            yield inner, ""  # the record counts, whatever of it is looked at
        for part in dataclasses.fields(value):
            yield from mentioned(getattr(value, part.name), inner)


def reached(memorandum: Memorandum, rules: set[str]) -> set[tuple[str, str]]:
    """What rules look at, through derived facts to any depth: (kind of record or nothing, name)."""
    found = {pair for rule in memorandum.rules if rule.id in rules for pair in mentioned(rule.when)}
    while True:
        more = found | {
            pair
            for d in memorandum.derivations
            if ("", d.fact.name) in found
            for pair in mentioned(replace(d, fact=None))  # type: ignore[arg-type]
        }
        if more == found:
            return found
        found = more


def shows(text: str, words: frozenset[str]) -> bool:
    """Whether a value shows in a text, not as a part of a longer number."""
    return any(re.search(rf"(?<![\d.]){re.escape(word)}(?!\d)", text) for word in words)


def facts_shown(plant: Plant, text: str) -> set[str]:
    """Facts whose marks show."""
    return {name for name, words in plant.facts_marked.items() if shows(text, words)}


def records_shown(plant: Plant, text: str) -> set[tuple[str, str]]:
    """Fields of records whose marks show."""
    return {name for name, words in plant.records_marked.items() if shows(text, words)}


def seen(plant: Plant, scope: Scope, document: dict[str, Any]) -> str:
    """A view as text, as every route and page has it."""
    return json.dumps(view(document, scope), ensure_ascii=False)


DRAWN = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@DRAWN
@given(plants())
def test_no_view_shows_what_its_reader_may_not_see(plant: Plant) -> None:
    """Of facts, records and persons each view has exactly what concerns its reader, and no view has the salt."""
    document = plant.document()
    memorandum, decision = plant.policy.memoranda["m"], document["document"]
    owed = decision["obligations"]
    kind_of = {r.id: r.kind for r in plant.facts.records}
    every = reached(memorandum, {rule.id for rule in memorandum.rules})
    event(f"obligations: {min(len(owed), 3)}")

    whole = seen(plant, auditing(), document)
    assert facts_shown(plant, whole) == set(plant.facts_marked)
    assert records_shown(plant, whole) == set(plant.records_marked)
    assert plant.facts.salt in whole

    filed = seen(plant, initiating(plant.policy, decision), document)
    assert plant.facts.salt not in filed
    assert facts_shown(plant, filed) == set(plant.facts_marked)
    assert records_shown(plant, filed) == {(r, f) for r, f in plant.records_marked if (kind_of[r], f) in every}

    for department in DEPARTMENTS:
        own = [o for o in owed if o["department"] == department]
        used = reached(memorandum, {rule for o in own for rule in o["rules"]})
        text = seen(plant, implementing(plant.policy, decision, department, (), plant.suppliers), document)
        others = {o["key"] for o in owed} - {o["key"] for o in own}
        acted_on = {o["target"] for o in own}

        assert plant.facts.salt not in text
        assert facts_shown(plant, text) == {n for n in plant.facts_marked if ("", n) in used}
        assert records_shown(plant, text) == {
            (r, f) for r, f in plant.records_marked if (kind_of[r], f) in used and plant.suppliers[r] == department
        }
        assert {key for key in others if key in text} == set()
        assert {o["key"] for o in own if o["key"] not in text} == set()
        assert {p.id for p in PEOPLE if p.id in text} == {p.id for p in PEOPLE if p.id in acted_on}

    for party in ("s", *(p.id for p in PEOPLE)):
        about = [o for o in owed if o["target"] == party]
        used = reached(memorandum, {rule for o in about for rule in o["rules"]})
        text = seen(plant, concerning(plant.policy, decision, party), document)
        mine = party == "s"

        assert plant.facts.salt not in text
        assert facts_shown(plant, text) == {n for n in plant.facts_marked if mine or ("", n) in used}
        assert records_shown(plant, text) == {
            (r, f) for r, f in plant.records_marked if mine and (kind_of[r], "") in used
        }
        assert {p.id for p in PEOPLE if p.id != party and p.id in text} == set()
        assert {o["key"] for o in owed if o["key"] in text} == {o["key"] for o in about}


def test_the_property_can_fail() -> None:
    """A view with a wider scope than its reader's is caught by its markers."""
    plant = _sample()
    document = plant.document()
    narrow = implementing(plant.policy, document["document"], "finance", (), plant.suppliers)
    wide = replace(narrow, facts=None)

    assert facts_shown(plant, seen(plant, narrow, document)) == {"amount"}
    assert facts_shown(plant, seen(plant, wide, document)) == {"amount", "remark"}


def _sample() -> Plant:
    amount, told = marked(1, Type.MONEY) or (0, frozenset())
    remark, said = marked(2, Type.TEXT) or ("", frozenset())
    when = ir.Compare(ir.Fact("amount", Type.MONEY), "gt", (ir.Constant(1, Type.MONEY, "1"),), HERE)
    rule = ir.Rule(
        "m/0", "", None, when, (Oblige("no-posts", ("finance",), Target(()), (), (), None, "implement", TERMS, HERE),),
        (), ir.Validity(), HERE,
    )  # fmt: skip
    memorandum = Memorandum("m", "备忘录", None, "list", (), (rule,), (), ir.Validity(), HERE)
    policy = Policy("v", {}, {}, {}, {}, MEASURES, {}, {}, {"m": memorandum}, {}, {}, (), {})
    facts = Facts(
        "s", "enterprise", "list", INITIATOR, dt.date(2026, 11, 24), "2026-11-24T00:00:00Z",
        {"amount": amount, "remark": remark}, salt="盐" * 32,
    )  # fmt: skip
    return Plant(policy, facts, {}, {"amount": told, "remark": said}, {})
