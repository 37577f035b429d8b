"""How two decisions on one listing differ, and why.

A decision is taken apart into statements: what is owed by whom, what is advised, limits, what is unknown, which rules
hold, what is derived, and by which day each obligation is to be accepted and carried out if it opens on the day of the
decision. Two decisions differ in the statements that one of them lacks or makes otherwise.

Each difference has a cause, of five kinds:

- `facts`: a fact, the records or the relations are others.
- `rules`: lists, measures, tables, kinds of record, or the registers of laws and departments.
- `memorandum`: one memorandum.
- `calendar`: the years of working days.
- `code`: nothing of this; the program decides otherwise than it did.

A cause is established by substitution, never guessed: something is a cause of a difference if it alone, put in the
place of what was before, brings the difference about, or if the difference is gone when everything but it is put there.
What only several together bring about is laid to the one that, put there after the others in a fixed order, brought it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine.casework.calendar import add
from engine.casework.terms import response_terms
from engine.decision.model import Decision, Facts
from engine.decision.reference import Interpreter
from engine.language.ir import Limit, Memorandum, Oblige, Policy, Value

Cause = Literal["facts", "rules", "memorandum", "calendar", "code"]
Question = Literal["as-decided", "by-todays-rules", "knowing-now"]
REGISTERS = ("measures", "laws", "lists", "tables", "records", "departments")
"""Parts of a policy whose change is a change of rules, those first from which memoranda take most over."""
Statements = Mapping[tuple[str, str], Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A statement as it was and as it is; None where it is not made."""

    what: str  # obligation, advice, limit, unknown, contradiction, rule, derived, deadline, or part of the document
    about: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """Changes with one cause. `source`: which fact, register, memorandum or calendar; empty for the code."""

    cause: Cause
    source: str
    changes: tuple[Change, ...]


def statements(document: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """What a decision's document says, by kind and by what it is said about."""
    said: dict[tuple[str, str], Any] = {}
    for what, name in (("obligation", "obligations"), ("advice", "advice")):
        said |= {(what, owed["key"]): owed for owed in document[name]}
    for number, limit in enumerate(document["limits"]):
        said["limit", f"{limit['rule']}#{number}"] = limit
    said |= {("unknown", found["rule"]): found["missing"] for found in document["unknown"]}
    said |= {("contradiction", f"{c['matter']}/{c['target']}"): c["keys"] for c in document["contradictions"]}
    said |= {("rule", rule): True for rule in document["fired"]}
    said |= {("derived", f"{memorandum}/{fact}"): value for memorandum, fact, value in document["derived"]}
    return said


def deadlines(decision: Decision, policy: Policy) -> dict[tuple[str, str], Any]:
    """By when each obligation is to be accepted and carried out if it opens on the day of the decision."""
    found: dict[tuple[str, str], Any] = {}
    for owed in decision.obligations:
        terms = response_terms(policy, owed.rules, owed.measure, owed.department)
        dues = [add(decision.facts.as_of, term, policy.calendars) for term in (terms.accept, terms.arm)]
        found["deadline", owed.key] = [f"{due.on}{'（暂定）' if due.provisional else ''}" for due in dues]
    return found


def changes(before: Statements, after: Statements) -> dict[tuple[str, str], Change]:
    """Every statement that differs. A deadline says nothing of its own where the obligation is new or gone."""
    return {
        key: Change(*key, before.get(key), after.get(key))
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key) and (key[0] != "deadline" or {key} <= before.keys() & after.keys())
    }


def by_code(before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
    """The difference between the document that was logged and the one that the same rules and facts give today."""
    seen = {"obligations", "advice", "limits", "unknown", "contradictions", "fired", "derived"}
    rest = (
        Change("document", name, before.get(name), after.get(name))
        for name in sorted({*before, *after} - seen)
        if before.get(name) != after.get(name)
    )
    return Difference("code", "", (*changes(statements(before), statements(after)).values(), *rest))


@dataclass(frozen=True, slots=True)
class _Part:
    """Something that may be a cause: `put` puts what `donor` has of it in the place of what `base` has."""

    cause: Cause
    source: str
    put: Callable[[_World, _World], _World]


@dataclass(frozen=True, slots=True)
class _World:
    """What a decision is made from. `taken`: which of a list's parts of the policy are the new ones."""

    facts: Facts
    policy: Policy
    taken: frozenset[str]


class Counterfactuals:
    """Says why decisions under an old and a new policy, or on old and new facts, differ. Made once for many."""

    def __init__(self, old: Policy, new: Policy) -> None:
        self._old, self._new = old, new
        self._kept: dict[tuple[str, frozenset[str]], Interpreter] = {}

    def differences(self, old: Facts, new: Facts) -> tuple[Difference, ...]:
        """What the new policy decides otherwise on the new facts than the old one on the old facts, by cause."""
        parts = (*_fact_parts(old, new), *self._policy_parts(old.list))
        taken = frozenset(part.source for part in parts if part.cause != "facts")
        start, end = _World(old, self._old, frozenset()), _World(new, self._new, taken)
        before, after = self._said(start), self._said(end)
        total = changes(before, after)
        if not total:
            return ()
        found: list[Difference] = []
        explained: set[tuple[str, str]] = set()
        for part in parts:
            alone = changes(before, self._said(part.put(start, end)))
            without = changes(self._said(part.put(end, start)), after)
            own = {key: change for key, change in total.items() if alone.get(key) == change or key in without}
            if own:
                explained |= own.keys()
                found.append(Difference(part.cause, part.source, tuple(own.values())))
        rest = {key: change for key, change in total.items() if key not in explained}
        return (*found, *self._step_by_step(parts, start, end, rest))

    def _step_by_step(
        self, parts: Iterable[_Part], start: _World, end: _World, rest: Mapping[tuple[str, str], Change]
    ) -> list[Difference]:
        """What only several parts together bring about, laid to the last of them that changed it."""
        if not rest:
            return []
        last: dict[tuple[str, str], _Part] = {}
        world, said = start, self._said(start)
        for part in parts:
            world = part.put(world, end)
            now = self._said(world)
            last |= dict.fromkeys(changes(said, now).keys() & rest.keys(), part)
            said = now
        return [
            Difference(part.cause, part.source, tuple(change for key, change in rest.items() if last.get(key) is part))
            for part in dict.fromkeys(last.values())
        ]

    def _said(self, world: _World) -> Statements:
        # parts are named within a list: which memoranda are among them depends on it
        key = world.facts.list, world.taken
        interpreter = self._kept.get(key)
        if interpreter is None:
            interpreter = self._kept[key] = Interpreter(world.policy)
        decision = interpreter.decide(world.facts)
        return statements(decision.document()) | deadlines(decision, world.policy)

    def _policy_parts(self, list_id: str) -> tuple[_Part, ...]:
        old, new = self._old, self._new
        if old is new:
            return ()
        both = {**old.memoranda, **new.memoranda}
        differing = [
            name
            for name, found in sorted(both.items())
            if list_id in {found.list, getattr(old.memoranda.get(name), "list", None)}
            and old.memoranda.get(name) != new.memoranda.get(name)
        ]
        registers = [name for name in REGISTERS if getattr(old, name) != getattr(new, name)]
        # what a memorandum takes over from a measure or a law stands in its compiled form too
        taken_over = [name for name in differing if registers and self._same_text(name)]
        parts = [_calendars()] if old.calendars != new.calendars else []
        parts += [_register(name, taken_over if name == registers[0] else ()) for name in registers]
        return (*parts, *(_memorandum(name) for name in differing if name not in taken_over))

    def _same_text(self, memorandum: str) -> bool:
        """Whether a memorandum is written as before, so that what differs in it comes from elsewhere."""
        texts = [
            policy.sources.get(policy.memoranda[memorandum].span.path)
            for policy in (self._old, self._new)
            if memorandum in policy.memoranda
        ]
        return len(texts) > 1 and texts[0] is not None and texts[0] == texts[1]


def _fact_parts(old: Facts, new: Facts) -> tuple[_Part, ...]:
    names = sorted(n for n in {*old.values, *new.values} if old.values.get(n) != new.values.get(n))
    parts = [_fact(name) for name in names]
    return (*parts, *(_field(n) for n in ("records", "relations", "responses") if getattr(old, n) != getattr(new, n)))


def _fact(name: str) -> _Part:
    def put(base: _World, donor: _World) -> _World:
        values: dict[str, Value] = {n: v for n, v in base.facts.values.items() if n != name}
        if name in donor.facts.values:
            values[name] = donor.facts.values[name]
        return replace(base, facts=replace(base.facts, values=values))

    return _Part("facts", name, put)


def _field(name: str) -> _Part:
    def put(base: _World, donor: _World) -> _World:
        return replace(base, facts=replace(base.facts, **{name: getattr(donor.facts, name)}))

    return _Part("facts", name, put)


def _calendars() -> _Part:
    def put(base: _World, donor: _World) -> _World:
        return _with(base, donor, "calendars", calendars=donor.policy.calendars)

    return _Part("calendar", "calendars", put)


def _register(name: str, memoranda: Iterable[str]) -> _Part:
    """A register whole, with the memoranda that differ through it alone.

    What memoranda of the other policy still refer to stays, so that they can be read.
    """

    def put(base: _World, donor: _World) -> _World:
        whole = {**getattr(base.policy, name), **getattr(donor.policy, name)}
        found = {**base.policy.memoranda, **{m: donor.policy.memoranda[m] for m in memoranda}}
        if name == "measures":
            found = {m: _inheriting(memorandum, base.policy, donor.policy) for m, memorandum in found.items()}
        return _with(base, donor, name, **{name: whole, "memoranda": found})

    return _Part("rules", name, put)


def _inheriting(memorandum: Memorandum, own: Policy, other: Policy) -> Memorandum:
    """The memorandum with the terms that its obligations have from measures of `own` as `other` has them."""

    def inherited(consequence: Oblige | Limit) -> Oblige | Limit:
        if not isinstance(consequence, Oblige) or consequence.measure not in other.measures:
            return consequence
        before = own.measures.get(consequence.measure)
        if before is None or before.response != consequence.response:
            return consequence
        return replace(consequence, response=other.measures[consequence.measure].response)

    rules = tuple(replace(rule, then=tuple(map(inherited, rule.then))) for rule in memorandum.rules)
    return replace(memorandum, rules=rules)


def _memorandum(name: str) -> _Part:
    """One memorandum, with what it refers to and the base does not have."""

    def put(base: _World, donor: _World) -> _World:
        memoranda = {n: m for n, m in base.policy.memoranda.items() if n != name}
        if name in donor.policy.memoranda:
            memoranda[name] = _inheriting(donor.policy.memoranda[name], donor.policy, base.policy)
        more = {n: {**getattr(donor.policy, n), **getattr(base.policy, n)} for n in ("measures", "tables")}
        return _with(base, donor, name, memoranda=memoranda, **more)

    return _Part("memorandum", name, put)


def _with(base: _World, donor: _World, part: str, **more: Any) -> _World:
    taken = base.taken | {part} if part in donor.taken else base.taken - {part}
    return replace(base, policy=replace(base.policy, **more), taken=taken)
