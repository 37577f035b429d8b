"""Which facts would settle a condition that is unknown."""

from __future__ import annotations

from engine.decision.conditions import RECORDS, Env, compile_condition, record_environment
from engine.language.ir import All, Any, Compare, Condition, Count, Fact, Known, Memorandum, Quantifier, Responded


def missing_facts(condition: Condition, memorandum: Memorandum, env: Env) -> tuple[str, ...]:
    """Names of the facts nobody supplied on which `condition` hangs, sorted.

    A derived fact is replaced by the facts it hangs on in turn. A record's own gap reads `record:<kind>.<field>`,
    an answer still awaited `response:<measure>`.
    """
    return tuple(sorted(_missing(condition, memorandum, env)))


def _missing(condition: Condition, memorandum: Memorandum, env: Env) -> set[str]:
    if compile_condition(condition)(env) is not None:
        return set()
    match condition:
        case Known():
            return set()
        case Responded(measure):
            return {f"response:{measure}"}
        case Compare(left, _, right):
            operands = [o for o in (left, *right) if isinstance(o, Fact) and o.name not in env]
            return {name for operand in operands for name in _source(operand.name, memorandum, env)}
        case Count(quantifier):
            return _record_gaps(quantifier, memorandum, env)
        case All(parts) | Any(parts):
            return {name for part in parts for name in _missing(part, memorandum, env)}


def _record_gaps(quantifier: Quantifier, memorandum: Memorandum, env: Env) -> set[str]:
    fields: set[str] = set()
    for record in env[RECORDS].get(quantifier.record, ()):
        if quantifier.where is not None:
            fields |= _missing(quantifier.where, memorandum, record_environment(record, env))
        if quantifier.window is not None and record.date is None:
            fields.add("date")
    return {f"record:{quantifier.record}.{name}" for name in fields}


def _source(name: str, memorandum: Memorandum, env: Env) -> set[str]:
    derivation = next((d for d in memorandum.derivations if d.fact.name == name), None)
    if derivation is None:
        return {name}
    if derivation.count is not None:
        return _record_gaps(derivation.count, memorandum, env)
    conditions = [derivation.truth] if derivation.truth is not None else [c.when for c in derivation.choices]
    return {n for c in conditions for n in _missing(c, memorandum, env)}
