"""An online decision, both engines and a process boundary, against the same rules hand-written for durable_rules."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from collections.abc import Callable
from typing import Any as Anything

from durable import engine as durable_host

from adapters.policy_files import default_bundle
from adapters.pool import EnginePool
from benchmarks.measure import Comparison, side_by_side
from engine.decision.model import Facts, RelatedPerson
from engine.language import compile_policy
from engine.language.ir import (
    All,
    Any,
    Compare,
    Condition,
    Constant,
    Memorandum,
    Policy,
    Type,
    Value,
)

DAY = dt.date(2026, 11, 24)


def default_policy() -> Policy:
    """The shipped bundle, compiled."""
    compiled = compile_policy(default_bundle())
    assert compiled.policy is not None
    return compiled.policy


def largest(policy: Policy) -> Memorandum:
    """The memorandum with most rules among those that durable_rules JSON can say by hand (no counts, no unknowns)."""
    return max(policy.memoranda.values(), key=lambda m: len(m.rules))


def subject_of(policy: Policy, memorandum: Memorandum) -> Facts:
    """A subject with every fact known, so that many rules hold."""
    listed = policy.lists[memorandum.list]
    samples: dict[Type, Value] = {
        Type.TEXT: "〔2026〕1号", Type.INTEGER: 3, Type.MONEY: 100_000_000, Type.RATIO: 5_000,
        Type.DATE: DAY.toordinal() - 30, Type.BOOLEAN: True, Type.LIST: (),
    }  # fmt: skip
    values = {n: f.values[0] if f.type is Type.ENUM else samples[f.type] for n, f in listed.facts.items()}
    relations = (RelatedPerson("p1", "legal-representative"), RelatedPerson("p2", "directly-responsible"))
    return Facts(
        "s", listed.subjects[0], listed.id, listed.filed_by[0], DAY, "2026-11-24T00:00:00Z", values, (), relations
    )


OPS = {"lt": "$lt", "lte": "$lte", "gt": "$gt", "gte": "$gte", "ne": "$neq"}


def by_hand(condition: Condition) -> dict[str, Anything] | None:
    """A condition as one writes it in durable_rules JSON; None for what that cannot say."""
    match condition:
        case All(parts) | Any(parts):
            inner = [by_hand(p) for p in parts]
            if any(i is None for i in inner):
                return None
            if not inner:
                return {"$ex": {"kind": 1}} if isinstance(condition, All) else None
            return {"$and" if isinstance(condition, All) else "$or": inner}
        case Compare(left, op, right) if all(isinstance(o, Constant) for o in right):
            name = left.name.replace(".", "_")
            values = [o.value for o in right if isinstance(o, Constant)]
            if op == "in":
                return {"$or": [{name: v} for v in values]}
            if op == "not_in":
                return {"$and": [{"$neq": {name: v}} for v in values]}
            if op in {"contains", "not_contains"}:
                return None
            return {name: values[0]} if op == "eq" else {OPS[op]: {name: values[0]}}
        case _:
            return None


def hand_written(memorandum: Memorandum, facts: Facts) -> tuple[Callable[[], set[str]], set[str]]:
    """The durable_rules host with the memorandum's rules; which rules it can say."""
    logging.getLogger("durable").setLevel(logging.CRITICAL)
    fired: set[str] = set()

    def collect(name: str) -> Callable[[Anything], None]:
        return lambda _: fired.add(name)

    rules: dict[str, Anything] = {"seen": {"all": [{"m": {"kind": "subject"}}], "run": lambda _: None}}
    said: set[str] = set()
    for rule in memorandum.rules:
        test = by_hand(rule.when)
        if test is not None:
            said.add(rule.id)
            rules[rule.id.replace("/", ".")] = {
                "all": [{"m": {"$and": [{"kind": "subject"}, test]}}],
                "run": collect(rule.id),
            }
    host = durable_host.Host({"memorandum": rules})
    message = {name.replace(".", "_"): value for name, value in facts.values.items() if not isinstance(value, tuple)}
    message["subject_kind"] = facts.subject_kind
    contexts = itertools.count()

    def run() -> set[str]:
        fired.clear()
        context = str(next(contexts))
        host.assert_fact("memorandum", {**message, "kind": "subject", "id": "1", "sid": context})
        host.delete_state("memorandum", context)
        return set(fired)

    return run, said


def compare() -> list[Comparison]:
    """One row: the largest default memorandum."""
    policy = default_policy()
    memorandum = largest(policy)
    facts = subject_of(policy, memorandum)
    peer, said = hand_written(memorandum, facts)
    with EnginePool(size=1) as pool:
        decision = pool.decide(policy, facts)
        agreed = {r for r in decision.fired if r in said}
        assert agreed == peer(), f"the peer differs: {agreed ^ peer()}"
        what = (
            f"online decision, {memorandum.id}: {len(memorandum.rules)} rules, {len(decision.obligations)} obligations"
        )
        against = f"{len(said)} of its rules by hand in durable_rules JSON"
        return [
            side_by_side(
                what, against, lambda: pool.decide(policy, facts), peer, target="≤ 2 × its time", bound=2.0, rounds=60
            )
        ]
