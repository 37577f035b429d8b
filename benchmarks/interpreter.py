"""The reference interpreter against clipspy and zen-engine: 100 rules, one subject, the same answers."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

import clips
import zen

from benchmarks.measure import Comparison, side_by_side
from engine.decision.conditions import environment
from engine.decision.model import Facts
from engine.decision.reference import Interpreter
from engine.language.ir import All, Compare, Condition, Constant, Fact, Memorandum, Policy, Rule, Span, Type, Validity

HERE = Span("benchmark.yaml", 1, 1)
RULES = 100
SUBJECT = {"amount": 500_000, "overdue": 14, "penalties": 3, "grade": "B", "grave": True}
GRADES = ("A", "B", "C", "D")


def rule_parts(n: int) -> list[tuple[str, str, object]]:
    """Rule `n` as comparisons; about half of the rules hold for `SUBJECT`."""
    parts: list[tuple[str, str, object]] = [("amount", "gte", n * 10_000)]
    if n % 2:
        parts.append(("overdue", "gt", n % 20))
    if n % 3 == 0:
        parts.append(("grade", "ne", GRADES[n % 4]))
    if n % 5 == 0:
        parts.append(("penalties", "lt", n % 7 + 1))
    if n % 7 == 0:
        parts.append(("grave", "eq", True))
    return parts


def ours() -> Callable[[], list[str]]:
    """The reference interpreter."""
    types = {
        "amount": Type.MONEY,
        "overdue": Type.INTEGER,
        "penalties": Type.INTEGER,
        "grade": Type.ENUM,
        "grave": Type.BOOLEAN,
    }

    def condition(n: int) -> Condition:
        return All(
            tuple(
                Compare(Fact(name, types[name]), op, (Constant(value, types[name], str(value)),), HERE)  # type: ignore[arg-type]
                for name, op, value in rule_parts(n)
            ),
            HERE,
        )

    rules = tuple(Rule(f"r{n:02}", "", None, condition(n), (), (), Validity(), HERE) for n in range(RULES))
    memorandum = Memorandum("m", "", None, "l", (), rules, (), Validity(), HERE)
    policy = Policy("v", {}, {}, {}, {}, {}, {}, {}, {"m": memorandum}, {}, {}, (), {})
    interpreter = Interpreter(policy)

    facts = Facts("s", "enterprise", "l", "tax", dt.date(2026, 11, 24), "", SUBJECT)

    def run() -> list[str]:
        return sorted(interpreter.evaluate(memorandum, facts, environment(facts)).fired)

    return run


def with_clips() -> Callable[[], list[str]]:
    """CLIPS: the subject is asserted as one templated fact, a rule that holds calls back."""
    environment_ = clips.Environment()
    fired: list[str] = []
    environment_.define_function(fired.append, name="fired")
    environment_.build("(deftemplate subject (slot amount) (slot overdue) (slot penalties) (slot grade) (slot grave))")
    symbols = {"gte": ">=", "gt": ">", "lt": "<", "ne": "neq", "eq": "eq"}
    for n in range(RULES):
        slots = " ".join(f"({name} ?{name})" for name in dict.fromkeys(p[0] for p in rule_parts(n)))
        tests = " ".join(
            f"(test ({symbols[op]} ?{name} {'TRUE' if value is True else value}))" for name, op, value in rule_parts(n)
        )
        environment_.build(f'(defrule r{n:02} (subject {slots}) {tests} => (fired "r{n:02}"))')
    template = environment_.find_template("subject")

    def run() -> list[str]:
        fired.clear()
        environment_.reset()
        template.assert_fact(
            amount=SUBJECT["amount"], overdue=SUBJECT["overdue"], penalties=SUBJECT["penalties"],
            grade=clips.Symbol(SUBJECT["grade"]), grave=clips.Symbol("TRUE"),
        )  # fmt: skip
        environment_.run()
        return sorted(str(f) for f in fired)

    return run


def with_zen() -> Callable[[], list[str]]:
    """zen-engine: one decision table, hit policy collect, a row for each rule."""
    names = list(SUBJECT)
    words = {"gte": ">= {}", "gt": "> {}", "lt": "< {}", "ne": "$ != {}", "eq": "{}"}
    rows = [
        {
            "_id": f"r{n:02}",
            "out": f'"r{n:02}"',
            **dict.fromkeys(names, ""),
            **{name: words[op].format(json.dumps(value)) for name, op, value in rule_parts(n)},
        }
        for n in range(RULES)
    ]
    table = {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}},
            {
                "id": "t", "type": "decisionTableNode", "name": "t", "position": {"x": 1, "y": 0},
                "content": {
                    "hitPolicy": "collect", "rules": rows,
                    "inputs": [{"id": n, "name": n, "type": "expression", "field": n} for n in names],
                    "outputs": [{"id": "out", "name": "out", "type": "expression", "field": "rule"}],
                },
            },
            {"id": "end", "type": "outputNode", "name": "end", "position": {"x": 2, "y": 0}},
        ],
        "edges": [
            {"id": "e1", "sourceId": "in", "targetId": "t", "type": "edge"},
            {"id": "e2", "sourceId": "t", "targetId": "end", "type": "edge"},
        ],
    }  # fmt: skip
    decision = zen.ZenEngine().create_decision(json.dumps(table))

    def run() -> list[str]:
        return sorted(row["rule"] for row in decision.evaluate(SUBJECT)["result"])

    return run


def compare() -> list[Comparison]:
    """Ours against each peer."""
    runs = {"clipspy": with_clips(), "zen-engine": with_zen()}
    mine = ours()
    for name, run in runs.items():
        assert run() == mine(), f"{name} differs: {set(run()) ^ set(mine())}"
    return [
        side_by_side(
            f"reference interpreter, {RULES} rules, one subject", name, mine, run, target="≥ 5 × faster", bound=1 / 5
        )
        for name, run in runs.items()
    ]
