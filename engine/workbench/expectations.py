"""What a test expected and what came instead, as lines that read like a diff."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from engine.casework.model import Obligation
from engine.decision.conditions import Env, environment
from engine.decision.explain import Step, display_number, trace, trace_rule
from engine.decision.model import Decision, Evaluation, Owed
from engine.language.build_tests import SUBJECT, Expected
from engine.language.ir import FactType, Memorandum, Policy, PolicyTest, Span, Type, Value
from engine.workbench.timing import lift_dates, listing_dates, measure_terms, obligation_terms, owed

NEAR = 5
"""How many near misses are named."""
NONE = "没有"
TRUTHS: Mapping[bool | None, str] = {True: "成立", False: "不成立", None: "不能判定"}
DATE_TITLES: Mapping[str, str] = {
    "statement_until": "陈述申辩期满日", "hearing_until": "申请听证期满日", "hearing_from": "最早的听证日",
    "shown_before_until": "认定前公示期满日", "serve_by": "送达期限", "publish_by": "公示的最迟日",
    "publicity_minimum": "最短公示期满日", "publicity_until": "公示期满日", "listing_until": "列入期满日",
    "repair_minimum": "申请信用修复的最短期满日", "repair_from": "最早申请信用修复日",
    "repair_accept_by": "信用修复的受理期限", "repair_decide_by": "信用修复的办结期限",
    "repair_extended_by": "信用修复延长后的办结期限", "objection_by": "异议的答复期限",
    "verification_by": "须核查的异议的答复期限", "provider_by": "提供单位的答复期限",
}  # fmt: skip
TERM_TITLES: Mapping[str, str] = {
    "accept_by": "接收期限", "act_by": "落实期限", "lift_by": "解除期限", "expires_on": "届满日",
    "feedback_by": "首次反馈期限", "feedback": "反馈周期", "evidence": "须附证据", "after": "先行措施", "duty": "职责",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """One difference. `expected` or `got` may be empty: something was missing, or came besides.

    at: the steps from `expect` to what was expected, where `span` is only the test's.
    why: for a rule, the tests of its condition that made it so.
    """

    expected: str
    got: str
    span: Span
    near: tuple[str, ...] = ()
    at: tuple[str | int, ...] = ()
    why: tuple[str, ...] = ()

    def __str__(self) -> str:
        near = f"（近似的有：{'、'.join(self.near)}）" if self.near else ""
        return "；".join(part for part in (self.expected, self.got) if part) + near


@dataclass(slots=True)
class Found:
    """What the policy makes of a test's situation; casework is asked only when the test asks."""

    policy: Policy
    memorandum: Memorandum
    evaluation: Evaluation
    decision: Decision
    _owed: dict[str, Obligation] | None = field(default=None, init=False)

    @property
    def obligations(self) -> dict[str, Obligation]:
        """The obligations by key, as they come into being."""
        if self._owed is None:
            self._owed = owed(self.policy, self.decision)
        return self._owed


def differences(test: PolicyTest, found: Found) -> Iterator[Problem]:
    """Everything in which `found` is not what the test expects, in the order of the keys of `expect`."""
    expect: Mapping[str, Any] = test.expect
    yield from _rules(test, found)
    yield from _obligations(expect, found, test.span)
    if "limit" in expect:
        amounts = [limit.amount for limit in found.decision.limits]
        if amounts != [expect["limit"]]:
            limits = "、".join(display_number(a, Type.MONEY) for a in amounts) or NONE
            yield _problem("建议额度", display_number(expect["limit"], Type.MONEY), limits, test.span, "limit")
    if "limit_by" in expect:
        departments = [d for limit in found.decision.limits for d in limit.departments]
        if sorted(departments) != sorted(expect["limit_by"]):
            got = "、".join(departments) or NONE
            yield _problem("建议额度的部门", "、".join(expect["limit_by"]), got, test.span, "limit_by")
    facts = {d.fact.name: d.fact for d in found.memorandum.derivations}
    for name, value in expect.get("derived", {}).items():
        derived = found.evaluation.derived.get(name)
        if derived != value:
            yield _problem(
                f"推导的 {name} ", _value(facts[name], value), _value(facts[name], derived), test.span, "derived", name
            )
    if "explains" in expect:
        yield from _explained(expect["explains"], found, test.span)
    if "dates" in expect:
        days = listing_dates(found.policy, found.decision)
        yield from _days(expect["dates"], days, DATE_TITLES, test.span, "dates")
    if "lifts" in expect:
        titles = {ground: f"因 {ground} 终止后的解除期限" for ground in expect["lifts"]}
        days = lift_dates(found.policy, found.decision.facts)
        yield from _days(expect["lifts"], days, titles, test.span, "dates", "lifts")
    for pinned in expect.get("measures", ()):
        terms = measure_terms(found.policy, found.decision.facts, pinned.measure)
        yield from _terms(pinned.measure, pinned.terms, terms, pinned.span)


def _rules(test: PolicyTest, found: Found) -> Iterator[Problem]:
    expect: Mapping[str, Any] = test.expect
    prefix = f"{test.memorandum}/"

    def state(rule: str) -> str:
        name, evaluation = prefix + rule, found.evaluation
        return TRUTHS[True if name in evaluation.fired else None if name in evaluation.unknown else False]

    for key, wanted in (("fires", True), ("silent", False)):
        for n, rule in enumerate(expect.get(key, ())):
            if state(rule) != TRUTHS[wanted]:
                yield _problem(f"规则 {rule} ", TRUTHS[wanted], state(rule), test.span, key, n)
    missing = {u.rule.removeprefix(prefix): u.missing for u in found.decision.unknown}
    for rule, facts in expect.get("unknown", {}).items():
        if rule not in missing:
            yield _problem(f"规则 {rule} ", TRUTHS[None], state(rule), test.span, "unknown", rule)
        elif set(facts) != set(missing[rule]):
            wanted_facts, lacking = "、".join(sorted(facts)), "、".join(missing[rule])
            yield _problem(f"规则 {rule} 所缺事实", wanted_facts, lacking, test.span, "unknown", rule)


def _obligations(expect: Mapping[str, Any], found: Found, span: Span) -> Iterator[Problem]:
    owes = {(o.measure, o.department, o.target): o for o in found.decision.obligations}
    advice = {(o.measure, o.department, o.target): o for o in found.decision.advice}
    wanted: tuple[Expected, ...] = (*expect.get("owes", ()), *expect.get("owes_exactly", ()))
    for entry in wanted:
        if entry.key not in owes:
            got = "实为仅作建议" if entry.key in advice else "实际没有"
            yield Problem(f"应有 {_named(entry)}", got, entry.span, _near(entry, found.decision.obligations))
        elif entry.terms or entry.basis:
            yield from _pinned(entry, owes[entry.key], found)
    if "owes_exactly" in expect:
        listed = {e.key for e in expect["owes_exactly"]}
        yield from (
            Problem("", f"多出 {_owed(o)}", span, at=("owes_exactly",)) for key, o in owes.items() if key not in listed
        )
    for entry in expect.get("owes_not", ()):
        if entry.key in owes:
            yield Problem(f"不应有 {_named(entry)}", f"实有，出自规则 {_rules_of(owes[entry.key])}", entry.span)
    for entry in (*expect.get("advice", ()), *expect.get("advice_exactly", ())):
        if entry.key not in advice:
            got = "实为应响应事项" if entry.key in owes else "实际没有"
            yield Problem(f"应建议 {_named(entry)}", got, entry.span, _near(entry, found.decision.advice))
    if "advice_exactly" in expect:
        listed = {e.key for e in expect["advice_exactly"]}
        yield from (
            Problem("", f"多出建议 {_owed(o)}", span, at=("advice_exactly",))
            for key, o in advice.items()
            if key not in listed
        )


def _pinned(entry: Expected, got: Owed, found: Found) -> Iterator[Problem]:
    """The terms, order, duty and basis that an entry pins."""
    terms: dict[str, object] = {}
    if entry.terms.keys() - {"after", "duty"}:
        obligation = found.obligations[got.key]
        terms = obligation_terms(found.policy, found.decision.facts, obligation)
    terms |= {"after": frozenset(key.partition("@")[0] for key in got.after), "duty": got.duty}
    yield from _terms(_named(entry), entry.terms, terms, entry.span)
    for law, article in entry.basis:
        if (law, article) not in got.basis:
            have = "、".join(f"{b} {a}" for b, a in got.basis) or NONE
            yield Problem(f"{_named(entry)} 的依据应有 {law} {article}", f"实有 {have}", entry.span)


def _terms(what: str, wanted: Mapping[str, object], got: Mapping[str, object], span: Span) -> Iterator[Problem]:
    for name, value in wanted.items():
        if got[name] != value:
            yield _problem(f"{what} 的{TERM_TITLES[name]}", _term(value), _term(got[name]), span)


def _days(
    wanted: Mapping[str, dt.date | None], got: Mapping[str, dt.date | None], titles: Mapping[str, str], span: Span,
    *at: str,
) -> Iterator[Problem]:  # fmt: skip
    for name, day in wanted.items():
        if got.get(name) != day:
            yield _problem(titles[name], _term(day), _term(got.get(name)), span, *at, name)


def _explained(wanted: Iterable[str], found: Found, span: Span) -> Iterator[Problem]:
    lines = explanation_lines(found)
    for n, text in enumerate(wanted):
        if not any(text in line for line in lines):
            near = tuple(get_close_matches(text, lines, n=NEAR, cutoff=0.4))
            yield Problem(f"理由中应有“{text}”", f"{len(lines)} 行理由中都没有", span, near, ("explains", n))


def explanation_lines(found: Found) -> list[str]:
    """The explanation of every rule and derived fact of the memorandum, a line a step."""
    env: Env = {**environment(found.decision.facts), **found.evaluation.derived}
    lines: list[str] = []
    for derivation in found.memorandum.derivations:
        value = _value(derivation.fact, found.evaluation.derived.get(derivation.fact.name))
        lines.append(f"{derivation.fact.title}（{derivation.fact.name}）：{value}")
        conditions = [derivation.truth] if derivation.truth is not None else [c.when for c in derivation.choices]
        lines += [line for condition in conditions for line in _steps(trace(condition, env))]
    for rule in found.memorandum.rules:
        if rule.validity.covers(found.decision.facts.as_of):
            traced = trace_rule(rule, found.memorandum, env)
            clause = f"（{traced.clause}）" if traced.clause else ""
            lines.append(f"{traced.title}{clause}：{TRUTHS[traced.truth]}")
            lines += _steps(traced.condition)
    return lines


def reasons(found: Found, rule: str, wanted: bool | None) -> tuple[str, ...]:
    """The single tests of a rule's condition that came out otherwise than the rule should have."""
    env: Env = {**environment(found.decision.facts), **found.evaluation.derived}
    trace = next(trace_rule(r, found.memorandum, env) for r in found.memorandum.rules if r.id == rule)
    leaves = dict.fromkeys(step for step in _leaves(trace.condition) if step.truth is not wanted)
    return tuple(f"{step.text}：{TRUTHS[step.truth]}" for step in leaves)[:NEAR]


def _leaves(step: Step) -> Iterator[Step]:
    if not step.steps:
        yield step
    for inner in step.steps:
        yield from _leaves(inner)


def _steps(step: Step) -> list[str]:
    return [f"{step.text}：{TRUTHS[step.truth]}", *(line for inner in step.steps for line in _steps(inner))]


def _problem(what: str, expected: str, got: str, span: Span, *at: str | int) -> Problem:
    return Problem(f"{what}应为 {expected}", f"实为 {got}", span, at=at)


def _term(value: object) -> str:
    match value:
        case None:
            return NONE
        case bool():
            return "是" if value else "否"
        case frozenset():
            return "、".join(sorted(value)) or NONE
        case _:
            return str(value)


def _value(fact: FactType, value: Value | None) -> str:
    match value:
        case None:
            return TRUTHS[None]
        case bool():
            return "true" if value else "false"
        case tuple():
            return "、".join(value)
        case int():
            return display_number(value, fact.type)
        case _:
            return value


def _named(entry: Expected) -> str:
    target = f"（针对 {entry.target}）" if entry.target != SUBJECT else ""
    return f"{entry.by} 实施 {entry.measure}{target}"


def _owed(owed: Owed) -> str:
    target = f"（针对 {owed.target}）" if owed.target != SUBJECT else ""
    return f"{owed.department} 实施 {owed.measure}{target}，出自规则 {_rules_of(owed)}"


def _rules_of(owed: Owed) -> str:
    return "、".join(rule.partition("/")[2] for rule in owed.rules)


def _near(entry: Expected, owed: Iterable[Owed]) -> tuple[str, ...]:
    """What there is instead: the same measure elsewhere first, then what else the department owes."""
    some = sorted(
        (o for o in owed if o.measure == entry.measure or o.department == entry.by),
        key=lambda o: (o.measure != entry.measure, o.key),
    )
    return tuple(f"{o.department} 实施 {o.measure}" + (f"（针对 {o.target}）" if o.target != SUBJECT else "")
                 for o in some[:NEAR])  # fmt: skip
