"""The permitted values of a fact, with or without Chinese titles, and a value as a person reads it."""

from __future__ import annotations

import datetime as dt

import pytest

from engine.compiler import compile_policy
from engine.language.ir import FactType, Span, Type, Value
from engine.language.scalars import show_fact
from tests.language.bundles import good

PENALTY = good()["rules/records/penalty.yaml"]
TITLED = "{minor: 轻微, ordinary: 一般, serious: 严重}"
HERE = Span("rules/records/penalty.yaml", 1, 1)


def codes(values: str) -> list[str]:
    """What is wrong with a record's file in the sound bundle when a field's `values` are these."""
    compiled = compile_policy(dict(good(penalty=PENALTY.replace(TITLED, values))))
    return [d.code for d in compiled.diagnostics if d.severity == "error" and d.span.path == HERE.path]


def test_a_mapping_gives_ids_in_order_with_titles() -> None:
    """Of a record's field, a listing's fact and a derived one; a list of ids has no titles."""
    policy = compile_policy(dict(good())).policy

    assert policy is not None
    severity = policy.records["penalty"].fields["severity"]
    assert severity.values == ("minor", "ordinary", "serious")
    assert severity.titles == {"minor": "轻微", "ordinary": "一般", "serious": "严重"}
    facts = policy.lists["wage-arrears"].facts
    assert (facts["tags"].values, facts["tags"].titles["seasonal"]) == (("seasonal", "subcontracted"), "季节性用工")
    assert (facts["grade"].values, dict(facts["grade"].titles)) == (("AAA", "AA", "A"), {})
    tier = next(d.fact for d in policy.memoranda["wages"].derivations if d.fact.name == "tier")
    assert (tier.values, tier.titles) == (("high", "low"), {"high": "高", "low": "低"})


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (TITLED, []),
        ("[minor, ordinary, serious]", []),
        ('{minor: "", ordinary: 一般, serious: 严重}', ["XH028"]),
        ('{"": 轻微, ordinary: 一般, serious: 严重}', ["XH028"]),
        ("{minor: [轻微], ordinary: 一般, serious: 严重}", ["XH023"]),
        ("{minor: 轻微, minor: 一般, serious: 严重}", ["XH010"]),
        ("[minor, minor, serious]", ["XH038"]),
        ('["", serious]', ["XH028"]),
        ("{[minor]: 轻微, serious: 严重}", ["XH015"]),
        ("serious", ["XH023"]),
    ],
)
def test_either_form_is_checked(values: str, found: list[str]) -> None:
    """Empty ids and titles, doubles and wrong shapes are found where they stand."""
    assert codes(values) == found


@pytest.mark.parametrize("values", ["{}", "[]"])
def test_an_enum_needs_a_value(values: str) -> None:
    """However the none are written."""
    assert "XH083" in codes(values)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (Type.ENUM, "minor", "轻微"),
        (Type.ENUM, "serious", "serious"),
        (Type.LIST, ("minor", "serious"), "轻微、serious"),
        (Type.LIST, (), ""),
        (Type.BOOLEAN, True, "是"),
        (Type.BOOLEAN, False, "否"),
        (Type.MONEY, 123_456, "1234.56 元"),
        (Type.RATIO, 1250, "12.50%"),
        (Type.INTEGER, 0, "0"),
        (Type.DATE, dt.date(2026, 2, 3).toordinal(), "2026-02-03"),
        (Type.TEXT, "豫0728执1号", "豫0728执1号"),
    ],
)
def test_a_value_as_a_person_reads_it(kind: Type, value: Value, words: str) -> None:
    """The title where there is one, else what the policy would write; 是 and 否 for true and false."""
    fact = FactType("x", kind, "某", HERE, ("minor", "serious"), titles={"minor": "轻微"})

    assert show_fact(fact, value) == words


def test_a_fact_with_titles_is_hashable() -> None:
    """As every declaration is."""
    assert len({FactType("x", Type.ENUM, "某", HERE, ("a",), titles={"a": "甲"})}) == 1
