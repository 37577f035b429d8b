"""The reference interpreter: what the policy language means, in the plainest form that is fast enough to use.

Every other back end is judged against this one. Nothing here knows about departments or measures; what follows from
the rules that hold is worked out in `engine.decision.consequences`.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from engine.decision.conditions import Env, Test, compile_condition, environment, matching
from engine.decision.consequences import Concluder, validity_turns
from engine.decision.model import Decision, Evaluation, Facts
from engine.language.ir import Derivation, Limit, Memorandum, Policy, Table, Value


@dataclass(frozen=True, slots=True)
class _Program:
    derivations: tuple[tuple[str, Callable[[Env], Value | None]], ...]
    turns: tuple[dt.date, ...]  # days on which a rule comes into force or has gone out of it
    rules: tuple[tuple[tuple[str, Test], ...], ...]  # those in force before the first turn, after it, …
    tables: tuple[tuple[str, tuple[Test, ...]], ...]


class Interpreter:
    """A policy ready to be evaluated. Memoranda are compiled when first used and kept for the life of this object."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._programs: dict[str, _Program] = {}
        self._concluder = Concluder(policy)
        self._by_list: dict[str, tuple[Memorandum, ...]] = {}
        for _, memorandum in sorted(policy.memoranda.items()):
            self._by_list[memorandum.list] = (*self._by_list.get(memorandum.list, ()), memorandum)

    def evaluate(self, memorandum: Memorandum, facts: Facts, env: Env | None = None) -> Evaluation:
        """Which rules and table rows hold, which are unknown, and what is derived."""
        program = self._programs.get(memorandum.id)
        if program is None:
            program = self._programs[memorandum.id] = compile_memorandum(memorandum, self.policy.tables)
        env = environment(facts) if env is None else dict(env)
        derived: dict[str, Value] = {}
        for name, derive in program.derivations:
            value = derive(env)
            if value is not None:
                env[name] = derived[name] = value
        fired: list[str] = []
        unknown: list[str] = []
        for rule, test in program.rules[bisect_right(program.turns, facts.as_of)]:
            truth = test(env)
            if truth is not False:
                (fired if truth else unknown).append(rule)
        rows: dict[str, tuple[frozenset[int], frozenset[int]]] = {}
        for table, tests in program.tables:
            truths = [test(env) for test in tests]
            rows[table] = (
                frozenset(i for i, t in enumerate(truths) if t is True),
                frozenset(i for i, t in enumerate(truths) if t is None),
            )
        return Evaluation(memorandum.id, frozenset(fired), frozenset(unknown), derived, rows)

    def evaluate_all(self, facts: Facts) -> tuple[Evaluation, ...]:
        """One evaluation per memorandum in force for the facts' list, by id."""
        return self._evaluate_all(facts, environment(facts))

    def _evaluate_all(self, facts: Facts, env: Env) -> tuple[Evaluation, ...]:
        memoranda = self._by_list.get(facts.list, ())
        return tuple([self.evaluate(m, facts, env) for m in memoranda if m.validity.covers(facts.as_of)])

    def decide(self, facts: Facts) -> Decision:
        """The decision that follows from `facts`."""
        env = environment(facts)
        return self._concluder.conclude(facts, self._evaluate_all(facts, env), env)

    def canonical(self, facts: Facts) -> bytes:
        """The canonical bytes of the decision that follows from `facts`, without the decision: for replay."""
        env = environment(facts)
        return self._concluder.text(facts, self._evaluate_all(facts, env), env).encode()

    def conclude(self, facts: Facts, evaluations: Iterable[Evaluation]) -> Decision:
        """The decision that follows from evaluations on which this back end and another one agree."""
        return self._concluder.conclude(facts, evaluations)


def decide(policy: Policy, facts: Facts) -> Decision:
    """The decision of a policy that is used once; keep an `Interpreter` to use it often."""
    return Interpreter(policy).decide(facts)


def compile_memorandum(memorandum: Memorandum, tables: Mapping[str, Table]) -> _Program:
    """The closures of one memorandum."""
    rules = [(rule, compile_condition(rule.when)) for rule in memorandum.rules]
    turns = validity_turns(rule.validity for rule in memorandum.rules)
    return _Program(
        tuple((d.fact.name, _derive(d)) for d in memorandum.derivations),
        turns,
        tuple(
            tuple((rule.id, test) for rule, test in rules if rule.validity.covers(day)) for day in (dt.date.min, *turns)
        ),
        tuple(
            (table, tuple(compile_condition(row.when) for row in tables[table].rows))
            for table in tables_used(memorandum)
        ),
    )


def tables_used(memorandum: Memorandum) -> tuple[str, ...]:
    """Ids of the tables that a memorandum's limits read, sorted."""
    return tuple(sorted({c.table for rule in memorandum.rules for c in rule.then if isinstance(c, Limit)}))


def _derive(derivation: Derivation) -> Callable[[Env], Value | None]:
    if derivation.truth is not None:
        return compile_condition(derivation.truth)
    if derivation.count is not None:
        count = matching(derivation.count)

        def counted(env: Env) -> Value | None:
            certain, possible = count(env)
            return certain if certain == possible else None

        return counted
    choices = tuple((compile_condition(c.when), c.value) for c in derivation.choices)

    def chosen(env: Env) -> Value | None:
        for test, value in choices:
            truth = test(env)
            if truth is not False:
                return value if truth else None
        return None

    return chosen
