"""From the rules that hold to what is owed, by whom, about whom. One implementation, whichever engine evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from engine.decision.conditions import Env, environment
from engine.decision.missing import missing_facts
from engine.decision.model import (
    LISTING_RECORD,
    Contradiction,
    Decision,
    Evaluation,
    Facts,
    Owed,
    SuggestedLimit,
    UnknownRule,
)
from engine.language.ir import ADVERSE, FAVOURABLE, Limit, Memorandum, Oblige, Policy, Rule, Table, Value

FEN_PER_YUAN = 100
BASIS_POINTS = 10_000
COMBINE: Mapping[str, Callable[[list[int]], int]] = {"min": min, "max": max, "sum": sum}


def conclude(policy: Policy, facts: Facts, evaluations: Iterable[Evaluation]) -> Decision:
    """The decision that follows when `evaluations` say which rules hold."""
    draft = _Draft(policy, facts)
    for evaluation in sorted(evaluations, key=lambda e: e.memorandum):
        draft.add(policy.memoranda[evaluation.memorandum], evaluation)
    return draft.decision()


def suspended_by(facts: Facts) -> tuple[str, ...]:
    """Severe sanction lists on which the subject stands: while it does, its incentives are suspended."""
    return tuple(
        sorted(
            str(r.fields["list"])
            for r in facts.records
            if r.kind == LISTING_RECORD and r.fields.get("severe") is True and r.fields.get("kind") == "sanction"
        )
    )


@dataclass(slots=True)
class _Entry:
    """An obligation while rules are still adding to it."""

    measure: str
    department: str
    target: str
    role: str
    duty: str
    advice: str | None
    rules: list[str] = field(default_factory=list)
    basis: dict[tuple[str, str], None] = field(default_factory=dict)
    after: set[tuple[str, str]] = field(default_factory=set)  # (memorandum, measure)


class _Draft:
    def __init__(self, policy: Policy, facts: Facts) -> None:
        self.policy, self.facts = policy, facts
        self.entries: dict[str, _Entry] = {}
        self.by_measure: dict[tuple[str, str], list[str]] = {}
        self.limits: list[SuggestedLimit] = []
        self.unknown: dict[str, UnknownRule] = {}
        self.fired: list[str] = []
        self.derived: list[tuple[str, str, Value]] = []
        self.targets: dict[tuple[str, ...], tuple[tuple[str, str, str], ...]] = {}

    def add(self, memorandum: Memorandum, evaluation: Evaluation) -> None:
        """Take in one memorandum's evaluation."""
        env: Env = {**environment(self.facts), **evaluation.derived}
        for rule in memorandum.rules:
            if rule.id in evaluation.fired:
                self.fired.append(rule.id)
                for consequence in rule.then:
                    if isinstance(consequence, Limit):
                        self._limit(rule, consequence, memorandum, evaluation, env)
                    else:
                        self._oblige(rule, consequence, memorandum)
            elif rule.id in evaluation.unknown:
                missing = missing_facts(rule.when, memorandum, env)
                self.unknown[rule.id] = UnknownRule(rule.id, missing)
        self.derived += [(memorandum.id, name, value) for name, value in sorted(evaluation.derived.items())]

    def _targets(self, roles: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
        """(id, role, kind) of the persons a target names, one hop from the subject."""
        if not roles:
            return ((self.facts.subject, "subject", self.facts.subject_kind),)
        found = self.targets.get(roles)
        if found is None:
            people = sorted(self.facts.relations, key=lambda p: (p.id, p.role))
            found = self.targets[roles] = tuple((p.id, p.role, p.kind) for p in people if p.role in roles)
        return found

    def _oblige(self, rule: Rule, oblige: Oblige, memorandum: Memorandum) -> None:
        measure = self.policy.measures[oblige.measure]
        if not measure.validity.covers(self.facts.as_of):
            return
        for target, role, kind in self._targets(oblige.target.roles):
            if measure.subjects and kind not in measure.subjects:
                continue
            for department in oblige.by:
                key = Owed.key_for(measure.id, department, target)
                entry = self.entries.get(key)
                if entry is None:
                    entry = self.entries[key] = _Entry(measure.id, department, target, role, oblige.duty, oblige.advice)
                elif entry.advice is not None and oblige.advice is None:
                    entry.advice, entry.duty = None, oblige.duty
                entry.rules.append(rule.id)
                entry.basis.update(dict.fromkeys((b.law, b.article) for b in oblige.basis))
                entry.after.update((memorandum.id, m) for m in oblige.after)
                keys = self.by_measure.setdefault((memorandum.id, measure.id), [])
                if key not in keys:
                    keys.append(key)

    def _limit(self, rule: Rule, limit: Limit, memorandum: Memorandum, evaluation: Evaluation, env: Env) -> None:
        table = self.policy.tables[limit.table]
        row, settled = table_output(table, *evaluation.rows[table.id])
        if settled and row is None:
            return
        formula = table.limit
        if formula is None:
            return
        missing = [] if settled else self._table_missing(table, evaluation, memorandum, env)
        missing += [part.of for part in formula.plus if part.of not in env]
        if missing or row is None:
            self.unknown[rule.id] = UnknownRule(rule.id, tuple(sorted(set(missing))))
            return
        base = int(row[formula.amount])  # type: ignore[arg-type]  # money, checked at compile time
        parts = [(formula.amount, base)]
        scaled = base * BASIS_POINTS
        for part in formula.plus:
            amount = part.basis_points * int(env[part.of])
            scaled += amount
            parts.append((part.of, amount // BASIS_POINTS))
        whole_yuan = scaled // (BASIS_POINTS * FEN_PER_YUAN) * FEN_PER_YUAN
        amount = min(max(whole_yuan, formula.floor), formula.cap)
        self.limits.append(SuggestedLimit(rule.id, table.id, limit.by, amount, tuple(parts)))

    def _table_missing(self, table: Table, evaluation: Evaluation, memorandum: Memorandum, env: Env) -> list[str]:
        return [
            name
            for index in sorted(evaluation.rows[table.id][1])
            for name in missing_facts(table.rows[index].when, memorandum, env)
        ]

    def decision(self) -> Decision:
        """Everything added, in a stable order."""
        owed_keys = {key for key, entry in self.entries.items() if entry.advice is None}
        owed: list[Owed] = []
        advice: list[Owed] = []
        for key, entry in sorted(self.entries.items()):
            after = sorted(
                {k for pair in entry.after for k in self.by_measure.get(pair, ()) if k in owed_keys and k != key}
            )
            done = Owed(
                key, entry.measure, entry.department, entry.target, entry.role, tuple(dict.fromkeys(entry.rules)),
                tuple(entry.basis), entry.duty, tuple(after), entry.advice,
            )  # fmt: skip
            (owed if entry.advice is None else advice).append(done)
        return Decision(
            policy=self.policy.version,
            facts=self.facts,
            obligations=tuple(owed),
            advice=tuple(advice),
            limits=tuple(self.limits),
            unknown=tuple(self.unknown[k] for k in sorted(self.unknown)),
            contradictions=contradictions(self.policy, owed),
            fired=tuple(sorted(self.fired)),
            derived=tuple(self.derived),
        )


def contradictions(policy: Policy, owed: Iterable[Owed]) -> tuple[Contradiction, ...]:
    """Matters on which one person is owed both a favour and a burden."""
    sides: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for obligation in owed:
        directive = policy.measures[obligation.measure].directive
        if directive is None or obligation.duty == "transmit":
            continue
        favours, burdens = sides.setdefault((directive.matter, obligation.target), ([], []))
        if directive.effect in FAVOURABLE:
            favours.append(obligation.key)
        elif directive.effect in ADVERSE:
            burdens.append(obligation.key)
    return tuple(
        Contradiction(matter, target, tuple(sorted(favours + burdens)))
        for (matter, target), (favours, burdens) in sorted(sides.items())
        if favours and burdens
    )


def table_output(
    table: Table, true: frozenset[int], unknown: frozenset[int]
) -> tuple[Mapping[str, Value] | None, bool]:
    """A table's output under its hit policy, and whether it is settled. `(None, True)`: no row holds.

    Tables have no gaps, and a `unique` table no overlaps, so one true row settles `unique` and `any`.
    """
    match table.hit:
        case "unique" | "any":
            if true:
                return table.rows[min(true)].then, True
        case "first":
            first = min(true | unknown, default=None)
            if first in true and first is not None:
                return table.rows[first].then, True
        case "min" | "max" | "sum":
            if not unknown and true:
                (name,) = table.outputs
                values = [int(table.rows[i].then[name]) for i in sorted(true)]  # type: ignore[arg-type]
                return {name: COMBINE[table.hit](values)}, True
    return None, not unknown
