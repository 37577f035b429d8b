"""Why, and why not: every comparison behind a decision, with what was found, what was asked, and where it is written.

Explanations come from the reference interpreter alone; durable_rules can only name what fired.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from engine.decision.conditions import AS_OF, RECORDS, RESPONSES, Env, Truth, compile_condition, environment, matching
from engine.decision.missing import missing_facts
from engine.decision.model import Decision, Facts
from engine.decision.reference import Interpreter
from engine.language.dates import minus
from engine.language.ir import (
    All,
    Any,
    AsOfMinus,
    Compare,
    Condition,
    Constant,
    Count,
    Fact,
    Known,
    Limit,
    Memorandum,
    Operand,
    Policy,
    Responded,
    Rule,
    Span,
    Type,
    Value,
)

OP_WORDS = {
    "eq": "=", "ne": "≠", "lt": "<", "lte": "≤", "gt": ">", "gte": "≥", "in": "属于", "not_in": "不属于",
    "contains": "包含", "not_contains": "不包含",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One condition with its truth: `True`, `False` or `None` (unknown), and the steps below it."""

    text: str  # in Chinese, e.g. "amount_owed = 80 万元 ≥ 50 万元"
    found: str | None  # the value that was there, None if it was missing
    truth: Truth
    span: Span
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One rule: whether it held, and every comparison behind it."""

    rule: str
    title: str
    clause: str | None
    truth: Truth
    measures: tuple[str, ...]
    departments: tuple[str, ...]
    missing: tuple[str, ...]
    condition: Step
    span: Span


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every rule of every memorandum in force for the listing, and the facts it derived."""

    list: str
    as_of: dt.date
    rules: tuple[RuleTrace, ...]
    derived: tuple[tuple[str, str, Step], ...]  # memorandum, fact, its step


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a department owes nothing (or what it owes), by the rules that name it."""

    department: str
    owes: tuple[str, ...]  # keys
    advice: tuple[str, ...]  # keys
    rules: tuple[RuleTrace, ...]  # rules that name the department and did not hold
    reason: str  # one sentence, Chinese


def explain(policy: Policy, facts: Facts) -> Explanation:
    """The full trace of the decision on `facts`."""
    interpreter = Interpreter(policy)
    traces: list[RuleTrace] = []
    derived: list[tuple[str, str, Step]] = []
    for memorandum in policy.memoranda_for(facts.list, facts.as_of):
        evaluation = interpreter.evaluate(memorandum, facts)
        env: Env = {**environment(facts), **evaluation.derived}
        for derivation in memorandum.derivations:
            derived += [
                (memorandum.id, derivation.fact.name, trace(condition, env))
                for condition in ([derivation.truth] if derivation.truth is not None else [])
                + [choice.when for choice in derivation.choices]
            ]
        traces += [trace_rule(rule, memorandum, env) for rule in memorandum.rules if rule.validity.covers(facts.as_of)]
    return Explanation(facts.list, facts.as_of, tuple(traces), tuple(derived))


def why_not(policy: Policy, decision: Decision, department: str) -> WhyNot:
    """Why `department` owes nothing in `decision`: which rules name it, and what each lacked."""
    owes = tuple(o.key for o in decision.obligations if o.department == department)
    advice = tuple(o.key for o in decision.advice if o.department == department)
    explanation = explain(policy, decision.facts)
    naming = [t for t in explanation.rules if department in t.departments]
    silent = tuple(t for t in naming if t.truth is not True)
    if owes:
        reason = f"该部门须响应 {len(owes)} 项。"
    elif not naming:
        reason = "适用的合作备忘录中没有任何条款由该部门实施。"
    elif advice:
        reason = "涉及该部门的措施依据不足、未经核实或由市场主体自主决定，仅作建议，不构成应响应事项。"
    elif any(t.truth is None for t in silent):
        reason = "涉及该部门的条款尚不能判定，缺少有关事实；事实补齐前不作惩戒。"
    elif silent:
        reason = "涉及该部门的条款条件均不成立。"
    else:
        reason = "涉及该部门的条款成立，但没有符合条件的实施对象。"
    return WhyNot(department, owes, advice, silent, reason)


def trace_rule(rule: Rule, memorandum: Memorandum, env: Env) -> RuleTrace:
    """One rule's trace in `env`."""
    step = trace(rule.when, env)
    return RuleTrace(
        rule=rule.id,
        title=rule.title,
        clause=rule.clause,
        truth=step.truth,
        measures=tuple(c.table if isinstance(c, Limit) else c.measure for c in rule.then),
        departments=tuple(sorted({d for c in rule.then for d in c.by})),
        missing=missing_facts(rule.when, memorandum, env),
        condition=step,
        span=rule.span,
    )


def trace(condition: Condition, env: Env) -> Step:
    """A condition's truth with everything below it, evaluated without shortcuts."""
    truth = compile_condition(condition)(env)
    match condition:
        case All(parts) | Any(parts):
            word = "全部成立" if isinstance(condition, All) else "任一成立"
            return Step(word if parts else "无条件", None, truth, condition.span, tuple(trace(p, env) for p in parts))
        case Known(fact, present):
            found = _display(env.get(fact.name), fact.type)
            return Step(f"{fact.name} {'已提供' if present else '未提供'}", found, truth, condition.span)
        case Compare(left, op, right):
            found = _display(env.get(left.name), left.type)
            wanted = "、".join(_operand(o, env) for o in right)
            text = f"{left.name}（{found if found is not None else '未提供'}）{OP_WORDS[op]} {wanted}"
            return Step(text, found, truth, condition.span)
        case Count(quantifier, op, number):
            certain, possible = matching(quantifier)(env)
            found = str(certain) if certain == possible else f"{certain}–{possible}"
            within = f"近 {quantifier.window.within.words}内" if quantifier.window else ""
            total = len(env[RECORDS].get(quantifier.record, ()))
            text = f"{within}符合条件的 {quantifier.record} 记录数（{found}，共 {total} 条）{OP_WORDS[op]} {number}"
            return Step(text, found, truth, condition.span)
        case Responded(measure, department, outcome, holds):
            given = [r.outcome for r in env[RESPONSES] if r.measure == measure and department in {None, r.department}]
            found = "、".join(given) or None
            sign = "=" if holds else "≠"
            text = f"{department or '实施部门'} 对 {measure} 的反馈（{found or '尚未反馈'}）{sign} {outcome}"
            return Step(text, found, truth, condition.span)


def _operand(operand: Operand, env: Env) -> str:
    match operand:
        case Constant(_, _, text):
            return text
        case AsOfMinus(duration):
            return minus(env[AS_OF], duration).isoformat()
        case Fact(name, of):
            value = _display(env.get(name), of)
            return f"{name}（{value if value is not None else '未提供'}）"


def _display(value: Value | None, of: Type) -> str | None:
    """A runtime value as a person would write it."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case tuple():
            return "、".join(value)
        case int():
            return display_number(value, of)
        case _:
            return value


def display_number(value: int, of: Type) -> str:
    """Money in yuan, a ratio in percent, a date in ISO form; exact."""
    match of:
        case Type.MONEY:
            return f"{_hundredths(value)} 元"
        case Type.RATIO:
            return f"{_hundredths(value)}%"
        case Type.DATE:
            return dt.date.fromordinal(value).isoformat()
        case _:
            return str(value)


def _hundredths(value: int) -> str:
    whole, part = divmod(abs(value), 100)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{part:02d}" if part else f"{sign}{whole}"
