"""Runs the tests beside the rules, and tells which rules no test has seen fire or stay silent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.decision.conditions import environment
from engine.decision.consequences import conclude
from engine.decision.explain import display_number
from engine.decision.model import Decision, Evaluation, Facts, Owed, Record, RelatedPerson, Response
from engine.decision.reference import Interpreter
from engine.language.ir import Policy, PolicyTest, Span, Type

SUBJECT = "subject"
"""Opaque id of the subject in a test; related persons have the ids the test gives them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test: passed when `problems` is empty; each problem says what was expected and what came instead."""

    test: str
    memorandum: str
    span: Span
    problems: tuple[str, ...]
    fired: frozenset[str]
    silent: frozenset[str]

    @property
    def passed(self) -> bool:
        """Whether everything expected came."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Coverage:
    """Rules that no test shows firing, and rules that no test shows silent."""

    never_fired: tuple[str, ...]
    never_silent: tuple[str, ...]


def run_tests(policy: Policy, tests: Iterable[PolicyTest] | None = None) -> tuple[tuple[Outcome, ...], Coverage]:
    """Run the policy's tests (or those given) by the reference interpreter."""
    interpreter = Interpreter(policy)
    outcomes = tuple(run_test(interpreter, test) for test in (policy.tests if tests is None else tests))
    tested = {o.memorandum for o in outcomes}
    rules = [r.id for m in policy.memoranda.values() if m.id in tested for r in m.rules]
    fired = frozenset[str]().union(*(o.fired for o in outcomes))
    silent = frozenset[str]().union(*(o.silent for o in outcomes))
    return outcomes, Coverage(
        tuple(sorted(r for r in rules if r not in fired)), tuple(sorted(r for r in rules if r not in silent))
    )


def run_test(interpreter: Interpreter, test: PolicyTest) -> Outcome:
    """One test. Only its own memorandum is asked, so another one for the same list cannot hide a mistake."""
    policy = interpreter.policy
    memorandum = policy.memoranda[test.memorandum]
    facts = facts_of(policy, test)
    evaluation = interpreter.evaluate(memorandum, facts, environment(facts))
    decision = conclude(policy, facts, [evaluation])
    problems = tuple(_problems(test, evaluation, decision))
    rules = frozenset(r.id for r in memorandum.rules)
    return Outcome(
        test.id.removeprefix(f"{test.memorandum}/"), test.memorandum, test.span, problems, evaluation.fired,
        rules - evaluation.fired - evaluation.unknown,
    )  # fmt: skip


def facts_of(policy: Policy, test: PolicyTest) -> Facts:
    """The situation a test describes."""
    given: Mapping[str, Any] = test.given
    as_of: dt.date = given["as_of"]
    memorandum = policy.memoranda[test.memorandum]
    listed = policy.lists[memorandum.list]
    facts = Facts(
        subject=SUBJECT,
        subject_kind=given["subject"],
        list=listed.id,
        initiator=listed.filed_by[0] if listed.filed_by else "",
        as_of=as_of,
        known_at=f"{as_of.isoformat()}T00:00:00Z",
        values=dict(given["facts"]),
        relations=tuple(RelatedPerson(r["id"], r["role"], r["kind"]) for r in given["relations"]),
        responses=tuple(Response(r["measure"], r["by"], r["outcome"]) for r in given["responses"]),
    )
    records = tuple(Record(str(n), r["record"], r["date"], r["fields"]) for n, r in enumerate(given["records"]))
    return replace(facts, records=records)


def _problems(test: PolicyTest, evaluation: Evaluation, decision: Decision) -> Iterable[str]:
    expect: Mapping[str, Any] = test.expect
    prefix = f"{test.memorandum}/"

    def state(rule: str) -> str:
        name = prefix + rule
        return "成立" if name in evaluation.fired else "不能判定" if name in evaluation.unknown else "不成立"

    for rule in expect.get("fires", ()):
        if state(rule) != "成立":
            yield f"规则 {rule} 应成立，实为{state(rule)}"
    for rule in expect.get("silent", ()):
        if state(rule) != "不成立":
            yield f"规则 {rule} 应不成立，实为{state(rule)}"
    missing = {u.rule.removeprefix(prefix): u.missing for u in decision.unknown}
    for rule, facts in expect.get("unknown", {}).items():
        if rule not in missing:
            yield f"规则 {rule} 应不能判定，实为{state(rule)}"
        elif set(facts) != set(missing[rule]):
            yield f"规则 {rule} 所缺事实应为 {'、'.join(sorted(facts))}，实为 {'、'.join(missing[rule])}"
    owed = {(o.measure, o.department, o.target) for o in decision.obligations}
    advice = {(o.measure, o.department, o.target) for o in decision.advice}
    for entry in expect.get("owes", ()):
        if _key(entry) not in owed:
            instead = "实为仅作建议" if _key(entry) in advice else "实际没有"
            yield f"应有 {_text(entry)}，{instead}；{_near(entry, decision.obligations)}"
    for entry in expect.get("owes_not", ()):
        if _key(entry) in owed:
            yield f"不应有 {_text(entry)}"
    for entry in expect.get("advice", ()):
        if _key(entry) not in advice:
            yield f"应建议 {_text(entry)}，{'实为应响应事项' if _key(entry) in owed else '实际没有'}"
    if "limit" in expect:
        amounts = [limit.amount for limit in decision.limits]
        if amounts != [expect["limit"]]:
            found = "、".join(display_number(a, Type.MONEY) for a in amounts) or "没有"
            yield f"建议额度应为 {display_number(expect['limit'], Type.MONEY)}，实为 {found}"
    for name, value in expect.get("derived", {}).items():
        if evaluation.derived.get(name) != value:
            yield f"推导的 {name} 应为 {value}，实为 {evaluation.derived.get(name, '不能判定')}"


def _key(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    return entry["measure"], entry["by"], entry["target"] or SUBJECT


def _text(entry: Mapping[str, Any]) -> str:
    target = f"（针对 {entry['target']}）" if entry["target"] else ""
    return f"{entry['by']} 实施 {entry['measure']}{target}"


def _near(entry: Mapping[str, Any], owed: Iterable[Owed]) -> str:
    """What there is instead: the same measure elsewhere, else what the department owes."""
    same = [o for o in owed if o.measure == entry["measure"] or o.department == entry["by"]]
    if not same:
        return "该部门没有任何事项"
    return "实有 " + "、".join(f"{o.department}/{o.measure}" for o in same[:5])
