"""Runs the tests beside the rules, by the reference interpreter and the casework that run real cases."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.decision.conditions import AS_OF, compile_condition
from engine.decision.consequences import conclude
from engine.decision.model import Facts, Record, RelatedPerson, Response
from engine.decision.reference import Interpreter
from engine.language.build_tests import SUBJECT
from engine.language.ir import Limit, Policy, PolicyTest, Span, Value
from engine.workbench.expectations import Found, Problem, differences, reasons
from engine.workbench.places import Places


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test: passed when `problems` is empty."""

    test: str
    memorandum: str
    span: Span
    problems: tuple[Problem, ...]

    @property
    def passed(self) -> bool:
        """Whether everything expected came, and nothing else where nothing else was expected."""
        return not self.problems


def run_tests(policy: Policy, tests: Iterable[PolicyTest] | None = None) -> tuple[Outcome, ...]:
    """Run the policy's tests (or those given), in their order."""
    interpreter, places = Interpreter(policy), Places(policy)
    return tuple(run_test(interpreter, test, places) for test in (policy.tests if tests is None else tests))


def run_test(interpreter: Interpreter, test: PolicyTest, places: Places) -> Outcome:
    """One test."""
    found = find(interpreter, test, facts_of(interpreter.policy, test))
    problems = tuple(_explained(_placed(problem, test, places), test, found) for problem in differences(test, found))
    return Outcome(name_of(test), test.memorandum, test.span, problems)


def _placed(problem: Problem, test: PolicyTest, places: Places) -> Problem:
    """The problem with the place of the very expectation that was not met."""
    case = places.case(test.span) if problem.at else None
    if case is None:
        return problem
    return replace(problem, span=places.key(test.span, *case, "expect", *problem.at))


WANTED: Mapping[str, bool | None] = {"fires": True, "silent": False, "unknown": None}


def _explained(problem: Problem, test: PolicyTest, found: Found) -> Problem:
    """A problem about a rule, with what made the rule so."""
    if not problem.at or problem.at[0] not in WANTED:
        return problem
    key, which = problem.at
    rules: Any = test.expect[str(key)]
    name = which if isinstance(which, str) else rules[which]
    return replace(problem, why=reasons(found, f"{test.memorandum}/{name}", WANTED[str(key)]))


def find(interpreter: Interpreter, test: PolicyTest, facts: Facts) -> Found:
    """What the policy makes of a test's situation.

    Only the test's own memorandum is asked, so another one for the same list cannot hide a mistake.
    """
    policy = interpreter.policy
    memorandum = policy.memoranda[test.memorandum]
    evaluation = interpreter.evaluate(memorandum, facts)
    return Found(policy, memorandum, evaluation, conclude(policy, facts, [evaluation]))


def selected(policy: Policy, text: str = "", memorandum: str | None = None) -> Policy:
    """The policy with those of its tests that have `text` in their name or their memorandum's, or are of one."""
    return replace(
        policy,
        tests=tuple(
            test
            for test in policy.tests
            if memorandum in {None, test.memorandum} and (text in name_of(test) or text in test.memorandum)
        ),
    )


def affected(before: Policy, after: Policy) -> frozenset[str]:
    """The memoranda of `after` whose tests may come out otherwise than under `before`."""
    if before.calendars != after.calendars or before.records != after.records:
        return frozenset(after.memoranda)
    changed: dict[str, set[str]] = {
        kind: {i for i in theirs if theirs[i] != ours.get(i)}
        for kind, theirs, ours in (
            ("memorandum", after.memoranda, before.memoranda),
            ("list", after.lists, before.lists),
            ("measure", after.measures, before.measures),
            ("table", after.tables, before.tables),
        )
    }  # fmt: skip
    tests, earlier = _by_memorandum(after.tests), _by_memorandum(before.tests)
    return frozenset(
        m.id
        for m in after.memoranda.values()
        if m.id in changed["memorandum"]
        or m.list in changed["list"]
        or tests[m.id] != earlier[m.id]
        or any((c.table in changed["table"]) if isinstance(c, Limit) else (c.measure in changed["measure"])
               for rule in m.rules for c in rule.then)
        or any(changed["measure"] & _pinned(test) for test in tests[m.id])
    )  # fmt: skip


def _pinned(test: PolicyTest) -> set[str]:
    """The measures that a test asks about whether or not a rule fires."""
    measures = test.expect.get("measures", ())
    assert isinstance(measures, tuple)
    return {pinned.measure for pinned in measures}


def _by_memorandum(tests: Iterable[PolicyTest]) -> defaultdict[str, list[PolicyTest]]:
    found: defaultdict[str, list[PolicyTest]] = defaultdict(list)
    for test in tests:
        found[test.memorandum].append(test)
    return found


def name_of(test: PolicyTest) -> str:
    """The name without the memorandum."""
    return test.id.removeprefix(f"{test.memorandum}/")


def facts_of(policy: Policy, test: PolicyTest) -> Facts:
    """The situation a test describes; records that the law excludes are marked so, as at intake."""
    given: Mapping[str, Any] = test.given
    as_of: dt.date = given["as_of"]
    listed = policy.lists[policy.memoranda[test.memorandum].list]
    return Facts(
        subject=SUBJECT,
        subject_kind=given["subject"],
        list=listed.id,
        initiator=listed.filed_by[0] if listed.filed_by else "",
        as_of=as_of,
        known_at=f"{as_of.isoformat()}T00:00:00Z",
        values=dict(given["facts"]),
        records=tuple(
            Record(str(n), r["record"], r["date"], r["fields"], _excluded(policy, r["record"], r["fields"], given))
            for n, r in enumerate(given["records"])
        ),
        relations=tuple(RelatedPerson(r["id"], r["role"], r["kind"]) for r in given["relations"]),
        responses=tuple(Response(r["measure"], r["by"], r["outcome"]) for r in given["responses"]),
    )


def _excluded(policy: Policy, kind: str, fields: Mapping[str, Value], given: Mapping[str, Any]) -> bool:
    """Whether the law takes a record out of every basis. Unknown is not excluded."""
    declared = policy.records.get(kind)
    if declared is None or declared.excluded is None:
        return False
    env = {**fields, "subject.kind": given["subject"], AS_OF: given["as_of"]}
    return compile_condition(declared.excluded)(env) is True
