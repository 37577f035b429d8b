"""What would settle a rule that is unknown."""

from __future__ import annotations

import datetime as dt

from engine.compiler import compile_policy
from engine.decision.model import Facts, Record, UnknownRule
from engine.decision.reference import decide
from tests.adapters.bundle import FILES

SAME_NAME = {
    **FILES,
    "memoranda/arrears.yaml": """
memorandum: arrears
title: 备忘录
valid: {from: 2000-01-01}
list: arrears
derive:
  - {fact: amount, title: 处罚次数, count: {record: penalty, where: {document_number: x}}}
rules:
  - id: watch
    when: {exists: {record: penalty, where: {amount: {gte: 1 万元}}}}
    then: [{oblige: watch, by: [transport]}]
""",
}


def test_a_records_field_is_no_fact_of_the_same_name() -> None:
    """What is missing is the record's own field, though a derived fact is called the same."""
    compiled = compile_policy({p: t for p, t in SAME_NAME.items() if "test" not in p})
    assert compiled.policy is not None, compiled.diagnostics
    facts = Facts(
        "s", "enterprise", "arrears", "human-resources", dt.date(2026, 11, 24), "t", {},
        (Record("r", "penalty", None, {"document_number": "x"}),),
    )  # fmt: skip

    assert decide(compiled.policy, facts).unknown == (UnknownRule("arrears/watch", ("record:penalty.amount",)),)
