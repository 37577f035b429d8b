"""Which mistakes in a policy its tests would not notice: each is made, and the tests that could see it are run.

A policy with one mistake is a mutant; a test that fails kills it. What survives no test would find.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from engine.casework.model import Refusal
from engine.decision.model import Facts
from engine.decision.reference import Interpreter, tables_used
from engine.language.ir import Count, Memorandum, Oblige, Policy, PolicyTest, Quantifier, Span
from engine.workbench import mutating_lists, mutating_memoranda
from engine.workbench.equivalence import Comparison, compare
from engine.workbench.expectations import differences
from engine.workbench.places import Places
from engine.workbench.policy_tests import facts_of, find
from engine.workbench.vocabulary import conditions_of, leaves
from engine.workbench.witness import describe

IMPOSSIBLE = (Refusal, ValueError, OverflowError, KeyError)
"""How a mutant ends that the service could not run either: its days leave the calendar, its obligations are a ring."""

EXAMPLES = 30
"""For how many survivors a case that would find them is looked for: some tenths of a second each."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A policy with one mistake. `change` says which, in Chinese; only tests of `memoranda` can see it."""

    span: Span
    change: str
    memoranda: tuple[str, ...]
    policy: Policy

    def __str__(self) -> str:
        return f"{self.span} {self.change}"


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mistake that no test would find; `example`: a case in which it shows, to be made a test, and that in words."""

    span: Span
    change: str
    example: Facts | None = None
    told: str = ""

    def __str__(self) -> str:
        return f"{self.span} {self.change}"


@dataclass(frozen=True, slots=True)
class Score:
    """How many mistakes the tests find. Mutants that are proved to mean the same are not among `total`."""

    total: int
    equivalent: int
    survivors: tuple[Survivor, ...]

    @property
    def killed(self) -> int:
        """Mutants that a test finds."""
        return self.total - len(self.survivors)

    @property
    def share(self) -> float:
        """The share of mistakes found; 1 when there is nothing to mistake."""
        return self.killed / self.total if self.total else 1.0


def mutants(policy: Policy, memorandum: str | None = None) -> Iterator[Mutant]:
    """Every mutant of a policy in a stable order, or those that the tests of one memorandum can see."""
    places = Places(policy)
    chosen = [policy.memoranda[memorandum]] if memorandum is not None else list(policy.memoranda.values())
    for one in sorted(chosen, key=lambda m: m.id):
        for span, change, other in mutating_memoranda.memoranda(one, policy, places):
            yield Mutant(span, change, (one.id,), replace(policy, memoranda={**policy.memoranda, one.id: other}))
    seen, mine = _readers(policy), {m.id for m in chosen}
    for kind, make in DOCUMENTS.items():
        for identifier, readers in sorted(seen[kind].items()):
            if not mine.intersection(readers):
                continue
            for span, change, mutated in make(identifier, policy, places):
                yield Mutant(span, change, readers, mutated)


DOCUMENTS: Mapping[str, Callable[[str, Policy, Places], Iterator[tuple[Span, str, Policy]]]] = {
    "list": mutating_lists.lists,
    "measure": mutating_lists.measures,
    "table": mutating_memoranda.tables,
    "record": mutating_memoranda.records,
}


def _readers(policy: Policy) -> dict[str, dict[str, tuple[str, ...]]]:
    """Kind of document → id → the memoranda that read it."""
    found: dict[str, defaultdict[str, dict[str, None]]] = {kind: defaultdict(dict) for kind in DOCUMENTS}
    for memorandum in policy.memoranda.values():
        measures = {c.measure for rule in memorandum.rules for c in rule.then if isinstance(c, Oblige)}
        records = {q.record for q in _quantifiers(memorandum, policy)}
        for kind, names in (
            ("list", {memorandum.list}),
            ("measure", measures),
            ("table", set(tables_used(memorandum))),
            ("record", records & policy.records.keys()),
        ):
            for name in names:
                found[kind][name][memorandum.id] = None
    return {kind: {name: tuple(sorted(readers)) for name, readers in names.items()} for kind, names in found.items()}


def _quantifiers(memorandum: Memorandum, policy: Policy) -> Iterator[Quantifier]:
    rows = (row.when for table in tables_used(memorandum) for row in policy.tables[table].rows)
    for condition in (*conditions_of(memorandum), *rows):
        yield from (leaf.quantifier for leaf in leaves(condition) if isinstance(leaf, Count))
    yield from (d.count for d in memorandum.derivations if d.count is not None)


def score(policy: Policy, memorandum: str | None = None, progress: Callable[[int, int], None] | None = None) -> Score:
    """Make every mistake and see which the tests find. Tests that fail without a mistake find nothing.

    progress: told how many of how many mutants have been tried.
    """
    made = list(mutants(policy, memorandum))
    situations = _Situations(policy)
    survivors: list[Survivor] = []
    proved = 0
    for n, mutant in enumerate(made):
        if progress is not None:
            progress(n, len(made))
        if situations.kills(mutant):
            continue
        compared = _compared(policy, mutant, tell=len(survivors) < EXAMPLES)
        if compared.same:
            proved += 1
        else:
            told = describe(policy, compared.example) if compared.example else ""
            survivors.append(Survivor(mutant.span, mutant.change, compared.example, told))
    if progress is not None:
        progress(len(made), len(made))
    return Score(len(made) - proved, proved, tuple(survivors))


class _Situations:
    """The tests that pass, by memorandum, with their facts worked out once."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.tests: defaultdict[str, list[tuple[PolicyTest, Facts]]] = defaultdict(list)
        interpreter = Interpreter(policy)
        for test in policy.tests:
            facts = facts_of(policy, test)
            if not any(differences(test, find(interpreter, test, facts))):
                self.tests[test.memorandum].append((test, facts))

    def kills(self, mutant: Mutant) -> bool:
        """Whether a test fails under a mutant."""
        interpreter = Interpreter(mutant.policy)
        again = mutant.policy.records is not self.policy.records
        for name in mutant.memoranda:
            for test, facts in self.tests[name]:
                seen = facts_of(mutant.policy, test) if again else facts
                try:
                    if any(True for _ in differences(test, find(interpreter, test, seen))):
                        return True
                except IMPOSSIBLE:
                    return True
        return False


def _compared(policy: Policy, mutant: Mutant, *, tell: bool) -> Comparison:
    """A surviving mutant of one memorandum beside the original; of other documents nothing is claimed."""
    (name, *others) = mutant.memoranda
    changed = mutant.policy.memoranda[name]
    if others or changed is policy.memoranda[name] or mutant.policy.measures is not policy.measures:
        return Comparison()
    days = [day for test in policy.tests if test.memorandum == name and isinstance(day := test.given["as_of"], dt.date)]
    return compare(policy, policy.memoranda[name], changed, next(iter(days), dt.date.max), tell=tell)
