"""From the rules that hold to what is owed, by whom, about whom. One implementation, whichever engine evaluated."""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from json.encoder import encode_basestring as quoted

from engine.decision.conditions import Env, environment
from engine.decision.missing import Gaps
from engine.decision.model import (
    LISTING_RECORD,
    Contradiction,
    Decision,
    Evaluation,
    Facts,
    Owed,
    RelatedPerson,
    SuggestedLimit,
    UnknownRule,
)
from engine.decision.writing import (
    written_advice,
    written_contradictions,
    written_derived,
    written_facts,
    written_fired,
    written_limits,
    written_obligations,
    written_policy,
    written_unknown,
)
from engine.language.ir import (
    ADVERSE,
    FAVOURABLE,
    Condition,
    Limit,
    Memorandum,
    Oblige,
    Policy,
    Rule,
    Table,
    Validity,
    Value,
)

DAY = dt.timedelta(days=1)
KEPT = 4096
"""Outlines of one policy that are remembered."""
FEN_PER_YUAN = 100
BASIS_POINTS = 10_000
COMBINE: Mapping[str, Callable[[list[int]], int]] = {"min": min, "max": max, "sum": sum}


def conclude(policy: Policy, facts: Facts, evaluations: Iterable[Evaluation]) -> Decision:
    """The decision that follows when `evaluations` say which rules hold."""
    return Concluder(policy).conclude(facts, evaluations)


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
    """What is owed, while memoranda are still adding to it."""

    def __init__(self, policy: Policy, facts: Facts) -> None:
        self.policy, self.facts = policy, facts
        self.entries: dict[str, _Entry] = {}
        self.by_measure: dict[tuple[str, str], list[str]] = {}
        self.fired: list[str] = []
        self.targets: dict[tuple[str, ...], tuple[tuple[str, str, str], ...]] = {}

    def add(self, memorandum: Memorandum, fired: frozenset[str]) -> None:
        """Take in what follows from the rules of a memorandum that hold."""
        for rule in memorandum.rules:
            if rule.id in fired:
                self.fired.append(rule.id)
                for consequence in rule.then:
                    if isinstance(consequence, Oblige):
                        self._oblige(rule, consequence, memorandum)

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

    def obligations(self) -> tuple[tuple[Owed, ...], tuple[Owed, ...]]:
        """What is owed and what is advised, in a stable order."""
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
        return tuple(owed), tuple(advice)


@dataclass(frozen=True, slots=True)
class _Outline:
    """What is owed when certain rules hold, about numbered persons."""

    owed: tuple[_Numbered, ...]
    advice: tuple[_Numbered, ...]
    contradictions: tuple[tuple[str, int, tuple[tuple[str, int], ...]], ...]  # matter, person, obligations
    fired: tuple[str, ...]
    first: _Gapped  # the canonical text of advice and contradictions
    last: _Gapped  # that of obligations


@dataclass(frozen=True, slots=True)
class _Gapped:
    """A text with gaps for the ids of numbered persons."""

    parts: tuple[str, ...]  # before the first gap, between gaps, after the last
    people: tuple[int, ...]  # who belongs into each gap

    def about(self, people: Sequence[str]) -> str:
        """The text, when these are the ids of the persons."""
        if len(people) == 1:
            return quoted(people[0])[1:-1].join(self.parts)
        ids = [quoted(person)[1:-1] for person in people]
        gaps = (part + ids[n] for part, n in zip(self.parts, self.people, strict=False))
        return "".join(gaps) + self.parts[-1]


@dataclass(frozen=True, slots=True)
class _Numbered:
    """An obligation about a numbered person; obligations are named by all of their key but the person's id."""

    name: str
    person: int
    measure: str
    department: str
    role: str
    rules: tuple[str, ...]
    basis: tuple[tuple[str, str], ...]
    duty: str
    after: tuple[tuple[str, int], ...]
    advice: str | None

    def about(self, people: Sequence[str]) -> Owed:
        """The obligation, when these are the ids of the persons."""
        person = people[self.person]
        after = tuple([name + people[n] for name, n in self.after]) if self.after else ()
        return Owed(
            self.name + person, self.measure, self.department, person, self.role, self.rules, self.basis, self.duty,
            after, self.advice,
        )  # fmt: skip


class Concluder:
    """A policy from which conclusions are drawn often.

    What is owed depends on the rules that hold, on which measures are valid, and on the kinds and roles of persons; not
    on who they are. So it is drafted once about persons called by their numbers, in the order of their ids because
    that is what obligations are ordered by, and remembered.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._turns = validity_turns(measure.validity for measure in policy.measures.values())
        self._reached = {  # by rule, the roles that it reaches besides the subject; persons in others change nothing
            rule.id: frozenset(role for c in rule.then if isinstance(c, Oblige) for role in c.target.roles)
            for memorandum in policy.memoranda.values()
            for rule in memorandum.rules
        }
        self._outlines: dict[Hashable, _Outline] = {}
        self._gaps: dict[str, Gaps] = {}

    def conclude(self, facts: Facts, evaluations: Iterable[Evaluation], env: Env | None = None) -> Decision:
        """The decision that follows when `evaluations` say which rules hold; `env` is that of the facts."""
        evaluations = sorted(evaluations, key=lambda e: e.memorandum)
        people, outline = self._outline(facts, evaluations)
        derived, limits, unknown = self._particular(facts, evaluations, env)
        return Decision(
            policy=self._policy.version,
            facts=facts,
            obligations=tuple([one.about(people) for one in outline.owed]),
            advice=tuple([one.about(people) for one in outline.advice]),
            limits=limits,
            unknown=unknown,
            contradictions=tuple(
                Contradiction(matter, people[person], tuple(name + people[n] for name, n in keys))
                for matter, person, keys in outline.contradictions
            ),
            fired=outline.fired,
            derived=derived,
        )

    def text(self, facts: Facts, evaluations: Iterable[Evaluation], env: Env | None = None) -> str:
        """The canonical text of the decision that `conclude` would draw, without the decision.

        Most of it was written when its outline was drafted, which is what makes replay by the million quick.
        """
        evaluations = sorted(evaluations, key=lambda e: e.memorandum)
        people, outline = self._outline(facts, evaluations)
        derived, limits, unknown = self._particular(facts, evaluations, env)
        return (
            f"{outline.first.about(people)}{written_derived(derived)},{written_facts(facts)}"
            f",{written_fired(outline.fired)},{written_limits(limits)},{outline.last.about(people)}"
            f",{written_policy(self._policy.version)},{written_unknown(unknown)}}}"
        )

    def _particular(
        self, facts: Facts, evaluations: Sequence[Evaluation], env: Env | None
    ) -> tuple[tuple[tuple[str, str, Value], ...], tuple[SuggestedLimit, ...], tuple[UnknownRule, ...]]:
        """What depends on more than which rules hold: derived facts, limits, rules that are unknown."""
        limits: list[SuggestedLimit] = []
        unknown: dict[str, UnknownRule] = {}
        derived: list[tuple[str, str, Value]] = []
        for evaluation in evaluations:
            memorandum = self._policy.memoranda[evaluation.memorandum]
            if evaluation.derived:
                derived += [(memorandum.id, name, value) for name, value in sorted(evaluation.derived.items())]
            if evaluation.unknown or evaluation.rows:
                env = environment(facts) if env is None else env
                self._open(memorandum, evaluation, {**env, **evaluation.derived}, limits, unknown)
        return tuple(derived), tuple(limits), tuple([unknown[rule] for rule in sorted(unknown)])

    def _outline(self, facts: Facts, evaluations: Sequence[Evaluation]) -> tuple[Sequence[str], _Outline]:
        """The ids of all persons in order, and what is owed about them."""
        relations: Sequence[RelatedPerson] = ()
        if facts.relations:
            reached = frozenset[str]().union(*(self._reached.get(rule, ()) for e in evaluations for rule in e.fired))
            relations = sorted((p for p in facts.relations if p.role in reached), key=lambda p: (p.id, p.role))
        people = sorted({facts.subject, *(p.id for p in relations)}) if relations else (facts.subject,)
        numbers = {person: n for n, person in enumerate(people)}
        key = (
            bisect_right(self._turns, facts.as_of),
            numbers[facts.subject],
            facts.subject_kind,
            tuple([(numbers[p.id], p.role, p.kind) for p in relations]),
            tuple([(e.memorandum, e.fired) for e in evaluations]),
        )
        outline = self._outlines.get(key)
        if outline is None:
            if len(self._outlines) >= KEPT:
                self._outlines.clear()
            numbered = replace(
                facts,
                subject=_name(numbers[facts.subject]),
                relations=tuple(replace(p, id=_name(numbers[p.id])) for p in relations),
            )
            outline = self._outlines[key] = self._draft(numbered, evaluations)
        return people, outline

    def _draft(self, numbered: Facts, evaluations: Iterable[Evaluation]) -> _Outline:
        draft = _Draft(self._policy, numbered)
        for evaluation in evaluations:
            draft.add(self._policy.memoranda[evaluation.memorandum], evaluation.fired)
        owed, advice = draft.obligations()
        against = contradictions(self._policy, owed)
        return _Outline(
            tuple(map(_numbered, owed)),
            tuple(map(_numbered, advice)),
            tuple((c.matter, _number(c.target), tuple(map(_split, c.keys))) for c in against),
            tuple(sorted(draft.fired)),
            _gapped(f"{{{written_advice(advice)},{written_contradictions(against)},"),
            _gapped(written_obligations(owed)),
        )

    def _open(
        self,
        memorandum: Memorandum,
        evaluation: Evaluation,
        env: Env,
        limits: list[SuggestedLimit],
        unknown: dict[str, UnknownRule],
    ) -> None:
        """Add the limits that a memorandum suggests, and its rules that are unknown."""
        for rule in memorandum.rules:
            if rule.id in evaluation.fired:
                for consequence in rule.then:
                    if isinstance(consequence, Limit):
                        found = self._limit(rule, consequence, memorandum, evaluation, env)
                        if isinstance(found, SuggestedLimit):
                            limits.append(found)
                        elif found is not None:
                            unknown[rule.id] = found
            elif rule.id in evaluation.unknown:
                unknown[rule.id] = UnknownRule(rule.id, self._missing(rule.when, memorandum, env))

    def _missing(self, condition: Condition, memorandum: Memorandum, env: Env) -> tuple[str, ...]:
        gaps = self._gaps.get(memorandum.id)
        if gaps is None:
            gaps = self._gaps[memorandum.id] = Gaps(memorandum)
        return gaps.missing(condition, env)

    def _limit(
        self, rule: Rule, limit: Limit, memorandum: Memorandum, evaluation: Evaluation, env: Env
    ) -> SuggestedLimit | UnknownRule | None:
        table = self._policy.tables[limit.table]
        row, settled = table_output(table, *evaluation.rows[table.id])
        if settled and row is None:
            return None
        formula = table.limit
        if formula is None:
            return None
        missing = [] if settled else self._table_missing(table, evaluation, memorandum, env)
        missing += [part.of for part in formula.plus if part.of not in env]
        if missing or row is None:
            return UnknownRule(rule.id, tuple(sorted(set(missing))))
        base = int(row[formula.amount])  # type: ignore[arg-type]  # money, checked at compile time
        parts = [(formula.amount, base)]
        scaled = base * BASIS_POINTS
        for part in formula.plus:
            amount = part.basis_points * int(env[part.of])
            scaled += amount
            parts.append((part.of, amount // BASIS_POINTS))
        whole_yuan = scaled // (BASIS_POINTS * FEN_PER_YUAN) * FEN_PER_YUAN
        amount = min(max(whole_yuan, formula.floor), formula.cap)
        return SuggestedLimit(rule.id, table.id, limit.by, amount, tuple(parts))

    def _table_missing(self, table: Table, evaluation: Evaluation, memorandum: Memorandum, env: Env) -> list[str]:
        return [
            name
            for index in sorted(evaluation.rows[table.id][1])
            for name in self._missing(table.rows[index].when, memorandum, env)
        ]


def validity_turns(validities: Iterable[Validity]) -> tuple[dt.date, ...]:
    """The days on which one of these begins to cover, or covers no longer; between two of them nothing changes."""
    turns: set[dt.date] = set()
    for validity in validities:
        if validity.start is not None:
            turns.add(validity.start)
        if validity.end is not None and validity.end < dt.date.max:
            turns.add(validity.end + DAY)
    return tuple(sorted(turns))


def _name(number: int) -> str:
    """What a numbered person is called, between characters that no policy has; names sort like numbers."""
    return f"\ue000{number:06}\ue001"


_NAMES = re.compile("\ue000([0-9]{6})\ue001")


def _number(name: str) -> int:
    return int(name[1:-1])


def _gapped(text: str) -> _Gapped:
    """A text about numbered persons."""
    pieces = _NAMES.split(text)
    return _Gapped(tuple(pieces[::2]), tuple(map(int, pieces[1::2])))


def _split(key: str) -> tuple[str, int]:
    """The key of an obligation about a numbered person, without the person, and the number."""
    name, slash, person = key.rpartition("/")
    return name + slash, _number(person)


def _numbered(owed: Owed) -> _Numbered:
    name, person = _split(owed.key)
    return _Numbered(
        name, person, owed.measure, owed.department, owed.target_role, owed.rules, owed.basis, owed.duty,
        tuple(map(_split, owed.after)), owed.advice,
    )  # fmt: skip


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
