"""An online decision, both engines and a process boundary, against the same rules hand-written for durable_rules."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from collections.abc import Callable
from typing import Any as Anything

from durable import engine as durable_host

from adapters.policy_files import read_bundle
from adapters.pool import EnginePool
from benchmarks.measure import Comparison, side_by_side
from engine.compiler import compile_policy
from engine.decision.model import Facts, RelatedPerson
from engine.language.dates import minus
from engine.language.ir import (
    All,
    Any,
    AsOfMinus,
    Compare,
    Condition,
    Constant,
    Known,
    Memorandum,
    Operand,
    Policy,
    Type,
    Value,
)

DAY = dt.date(2026, 11, 24)


def default_policy() -> Policy:
    """The shipped bundle, compiled."""
    compiled = compile_policy(read_bundle())
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
            if not inner or any(i is None for i in inner):
                return {"$ex": {"kind": 1}} if not inner and isinstance(condition, All) else None
            return inner[0] if len(inner) == 1 else {"$and" if isinstance(condition, All) else "$or": inner}
        case Known(fact, present):
            return {"$ex" if present else "$nex": {fact.name.replace(".", "_"): 1}}
        case Compare(left, op, right):
            name = left.name.replace(".", "_")
            values = [_literal(o) for o in right]
            if None in values or op in {"contains", "not_contains"}:
                return None
            if op in {"in", "not_in"}:
                tests = [{name: v} if op == "in" else {"$neq": {name: v}} for v in values]
                return tests[0] if len(tests) == 1 else {"$or" if op == "in" else "$and": tests}
            return {name: values[0]} if op == "eq" else {OPS[op]: {name: values[0]}}
        case _:
            return None


def _literal(operand: Operand) -> Value | None:
    match operand:
        case Constant(value):
            return value
        case AsOfMinus(duration):
            return minus(DAY, duration).toordinal()
        case _:
            return None


def hand_written(memorandum: Memorandum, facts: Facts) -> tuple[Callable[[], set[str]], set[str]]:
    """The rules in the durable_rules host, derived facts by one message for each stratum; which rules it can say."""
    logging.getLogger("durable").setLevel(logging.CRITICAL)
    fired: set[str] = set()

    def collect(name: str) -> Callable[[Anything], None]:
        return lambda _: fired.add(name)

    rules: dict[str, Anything] = {}
    said: set[str] = set()
    strata = sorted({d.stratum for d in memorandum.derivations})
    named = [(f"stage{d.stratum}", f"derive.{d.fact.name}", d.truth) for d in memorandum.derivations if d.truth]
    named += [("subject", rule.id, rule.when) for rule in memorandum.rules]
    for kind in (*(f"stage{s}" for s in strata), "subject"):
        rules[f"seen.{kind}"] = {"all": [{"m": {"kind": kind}}], "run": lambda _: None}
    for kind, name, condition in named:
        test = by_hand(condition)
        if test is not None:
            said.add(name)
            body = {"all": [{"m": {"$and": [{"kind": kind}, test]}}], "run": collect(name)}
            rules[name.replace("/", ".")] = body
    host = durable_host.Host({"memorandum": rules})
    message = {name.replace(".", "_"): value for name, value in facts.values.items() if not isinstance(value, tuple)}
    message["subject_kind"] = facts.subject_kind
    counted = {d.fact.name: 0 for d in memorandum.derivations if d.count}  # the subject has no records
    contexts = itertools.count()

    def run() -> set[str]:
        fired.clear()
        context = str(next(contexts))
        known: dict[str, Anything] = {**message, **counted}
        for stratum in strata:
            host.assert_fact("memorandum", {**known, "kind": f"stage{stratum}", "id": str(stratum), "sid": context})
            known |= {
                d.fact.name: f"derive.{d.fact.name}" in fired
                for d in memorandum.derivations
                if d.stratum == stratum and d.truth
            }
        host.assert_fact("memorandum", {**known, "kind": "subject", "id": "last", "sid": context})
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
        theirs = {r for r in peer() if not r.startswith("derive.")}
        assert agreed == theirs, f"the peer differs: {agreed ^ theirs}"
        said = {r for r in said if not r.startswith("derive.")}
        what = (
            f"online decision, {memorandum.id}: {len(memorandum.rules)} rules, {len(decision.obligations)} obligations"
        )
        against = f"{len(said)} of its rules by hand in durable_rules JSON"
        return [
            side_by_side(
                what, against, lambda: pool.decide(policy, facts), peer, target="≤ 2 × its time", bound=2.0, rounds=60
            )
        ]
