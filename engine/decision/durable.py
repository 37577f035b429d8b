"""Run a compiled program in durable_rules.

The C module is driven directly: no DSL, no global host, no timers, no background threads. One context for each
decision, deleted afterwards; every message kind has a catch-all rule, so that nothing stays unhandled (deleting the
context of an unhandled message corrupts memory). A firing is only a name; names are collected and deduplicated.
This code can crash or hang its process, so the service runs it in supervised children (`adapters.pool`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

import durable_rules_engine as rete

from engine.decision.conditions import Truth
from engine.decision.model import Evaluation, Facts, Record
from engine.decision.rete import Block, DerivedPlan, Encoding, Program
from engine.language.dates import minus
from engine.language.ir import Responded, Value

CONTEXT = "1"


class DurableRulesError(Exception):
    """durable_rules reported an error; the decision is void."""


class Ruleset:
    """A program loaded into durable_rules. `close` frees it; use as a context manager or keep for long."""

    def __init__(self, program: Program) -> None:
        self.program = program
        try:
            self._handle = rete.create_ruleset(program.name, program.ruleset)
        except rete.error as error:
            message = f"{program.name}: {error}"
            raise DurableRulesError(message) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the ruleset's memory back. The object is dead afterwards."""
        rete.delete_ruleset(self._handle)

    def evaluate(self, facts: Facts) -> Evaluation:
        """What the program says of `facts`.

        Raises:
            DurableRulesError: the engine refused a message.

        """
        try:
            return _Run(self, facts).evaluation()
        except rete.error as error:
            message = f"{self.program.name}: {error}"
            raise DurableRulesError(message) from error
        finally:
            rete.delete_state(self._handle, CONTEXT)

    def fire(self, message: Mapping[str, int | str]) -> set[str]:
        """Assert one fact; the items whose rules fired."""
        code, state = rete.assert_fact(self._handle, json.dumps(message, separators=(",", ":")))
        if code != 0:
            text = f"{self.program.name}: message not handled (code {code})"
            raise DurableRulesError(text)
        items: set[str] = set()
        firings = self.program.firings
        started = rete.start_action_for_state(self._handle, state)
        result = started[1] if started else None
        while result:
            name = result[2 : result.index('"', 2)]  # {"<rule>":{...}}: only the name matters
            if name in firings:
                items.add(firings[name])
            result = rete.complete_and_start_action(self._handle, state)
        return items


class _Run:
    """One decision's pass through the blocks."""

    def __init__(self, ruleset: Ruleset, facts: Facts) -> None:
        self.ruleset, self.facts, self.program = ruleset, facts, ruleset.program
        self.interned = dict(self.program.encoding.interned)
        self.messages = 0
        self.windows = {field: minus(facts.as_of, duration).toordinal() for field, duration in self.program.windows}

    def evaluation(self) -> Evaluation:
        program = self.program
        values = {"subject.kind": self.facts.subject_kind, **self.facts.values}
        fields = {**self.windows, **self.encode(program.encoding, values), **self.counts(), **self.answers()}
        derived: dict[str, Value] = {}
        for block, plans in program.strata:
            truths = self.run(block, fields)
            for plan in plans:
                value = self.derive(plan, truths, fields)
                if value is not None:
                    derived[plan.name] = value
            fields |= self.encode(program.encoding, {p.name: derived[p.name] for p in plans if p.name in derived})
        truths = self.run(program.final, fields)
        return Evaluation(
            program.memorandum,
            frozenset(rule for item, rule in program.rules.items() if truths.get(item) is True),
            frozenset(rule for item, rule in program.rules.items() if truths.get(item) is None),
            derived,
            {
                table: (
                    frozenset(i for i, item in enumerate(items) if truths.get(item) is True),
                    frozenset(i for i, item in enumerate(items) if truths.get(item) is None),
                )
                for table, items in program.rows
            },
        )

    def encode(self, encoding: Encoding, values: Mapping[str, Value]) -> dict[str, int]:
        """Values as integer message fields; what nobody asks about is left out."""
        fields: dict[str, int] = {}
        for name, value in values.items():
            for field, member in encoding.fields.get(name, ()):
                if isinstance(value, tuple):
                    fields[field] = int(member in value)
                elif isinstance(value, str):
                    fields[field] = self.interned.setdefault(value, len(self.interned) + 1)
                else:
                    fields[field] = int(value)
        return fields

    def run(self, block: Block, fields: dict[str, int]) -> dict[str, Truth]:
        """Truth of every item of a block; sets the fields of nested items on the way."""
        truths: dict[str, Truth] = {}
        for level in block:
            for group in level:
                present = {f: fields[f] for f in group.fields if f in fields}
                fired = self.fire(group.kind, present)
                false: Iterable[str]
                if len(present) < len(group.fields):
                    false = self.fire(f"{group.kind}!", present)
                    if fired & false:
                        text = f"{self.program.name}: {sorted(fired & false)} both true and false"
                        raise DurableRulesError(text)
                else:
                    false = frozenset(group.items) - fired
                truths.update(dict.fromkeys(fired, True))
                truths.update(dict.fromkeys(false, False))
                for item, field in group.aux:
                    if item in truths:
                        fields[field] = int(truths[item] is True)
        return truths

    def fire(self, kind: str, fields: Mapping[str, int]) -> set[str]:
        self.messages += 1
        return self.ruleset.fire({"id": str(self.messages), "sid": CONTEXT, "kind": kind, **fields})

    def counts(self) -> dict[str, int]:
        """Certain and possible matches of each quantifier; `x` is present when they agree."""
        truths: dict[str, list[dict[str, Truth]]] = {}
        for kind, (encoding, block) in self.program.record_blocks.items():
            mine = [r for r in self.facts.records if r.kind == kind and not r.excluded]
            truths[kind] = [self.run(block, {**self.windows, **self.encode(encoding, self.of_record(r))}) for r in mine]
        fields: dict[str, int] = {}
        for field, (kind, item) in self.program.quantifiers.items():
            found = [t.get(item) for t in truths[kind]]
            fields[f"{field}c"] = certain = sum(t is True for t in found)
            fields[f"{field}p"] = possible = sum(t is not False for t in found)
            if certain == possible:
                fields[f"{field}x"] = 1
        return fields

    def of_record(self, record: Record) -> Mapping[str, Value]:
        dated = {"": record.date} if record.date is not None else {}
        return {**record.fields, **dated, "subject.kind": self.facts.subject_kind}

    def answers(self) -> dict[str, int]:
        """How many answers match each response test, and how many there are at all."""
        fields: dict[str, int] = {}
        for field, test in self.program.answers:
            given = [r.outcome for r in self.facts.responses if _answers(test, r.measure, r.department)]
            fields[f"{field}a"] = len(given)
            fields[f"{field}m"] = given.count(test.outcome)
            if given:
                fields[f"{field}x"] = 1
        return fields

    def derive(self, plan: DerivedPlan, truths: Mapping[str, Truth], fields: Mapping[str, int]) -> Value | None:
        if plan.truth is not None:
            return truths.get(plan.truth)
        if plan.count is not None:
            return fields[f"{plan.count}c"] if f"{plan.count}x" in fields else None
        for item, value in plan.choices:
            truth = truths.get(item)
            if truth is not False:
                return value if truth else None
        return None


def _answers(test: Responded, measure: str, department: str) -> bool:
    return test.measure == measure and test.department in {None, department}


def evaluate_all(rulesets: Iterable[Ruleset], facts: Facts) -> tuple[Evaluation, ...]:
    """One evaluation for each ruleset."""
    return tuple(ruleset.evaluate(facts) for ruleset in rulesets)
