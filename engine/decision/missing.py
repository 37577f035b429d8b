"""Which facts would settle a condition that is unknown."""

from __future__ import annotations

from collections.abc import Callable, Collection

from engine.decision.conditions import RECORDS, Env, Truth, compile_condition, record_environment
from engine.language.ir import All, Any, Compare, Condition, Count, Fact, Known, Memorandum, Quantifier, Responded

Look = Callable[[Env], tuple[Truth, Collection[str]]]
"""The truth of a condition, and what is missing if it is unknown."""


def missing_facts(condition: Condition, memorandum: Memorandum, env: Env) -> tuple[str, ...]:
    """What `Gaps.missing` says, for one who asks once."""
    return Gaps(memorandum).missing(condition, env)


class Gaps:
    """What is missing in a memorandum's conditions; each is compiled when it is first asked about."""

    def __init__(self, memorandum: Memorandum) -> None:
        self._derivations = {d.fact.name: d for d in memorandum.derivations}
        self._looks: dict[int, tuple[Condition, Look]] = {}  # by identity; holding the condition keeps it unique

    def missing(self, condition: Condition, env: Env) -> tuple[str, ...]:
        """Names of the facts nobody supplied on which `condition` hangs, sorted; none if it is not unknown.

        A derived fact is replaced by the facts it hangs on in turn. A record's own gap reads `record:<kind>.<field>`,
        an answer still awaited `response:<measure>`.
        """
        return tuple(sorted(self._look(condition)(env)[1]))

    def _look(self, condition: Condition, *, record: bool = False) -> Look:
        """`record`: the condition is about a record, whose fields are no facts, whatever they are called."""
        kept = self._looks.get(id(condition))
        if kept is None:
            kept = self._looks[id(condition)] = condition, self._compiled(condition, record=record)
        return kept[1]

    def _compiled(self, condition: Condition, *, record: bool) -> Look:
        match condition:
            case All(parts):
                return self._of_all(tuple(self._look(p, record=record) for p in parts), decisive=False)
            case Any(parts):
                return self._of_all(tuple(self._look(p, record=record) for p in parts), decisive=True)
        test, within = compile_condition(condition), self._within(condition, record=record)

        def look(env: Env) -> tuple[Truth, Collection[str]]:
            truth = test(env)
            return truth, within(env) if truth is None else ()

        return look

    def _of_all(self, parts: tuple[Look, ...], *, decisive: bool) -> Look:
        """A conjunction or disjunction; one part with the `decisive` truth settles it."""

        def look(env: Env) -> tuple[Truth, Collection[str]]:
            unknown: set[str] | None = None
            for part in parts:
                truth, missing = part(env)
                if truth is decisive:
                    return decisive, ()
                if truth is None:
                    unknown = {*missing} if unknown is None else unknown.union(missing)
            return (not decisive, ()) if unknown is None else (None, unknown)

        return look

    def _within(
        self, condition: Known | Responded | Compare | Count, *, record: bool
    ) -> Callable[[Env], Collection[str]]:
        """What is missing in a leaf that is unknown."""
        match condition:
            case Known():
                return lambda _: ()
            case Responded(measure):
                awaited = (f"response:{measure}",)
                return lambda _: awaited
            case Compare(left, _, right):
                names = tuple(o.name for o in (left, *right) if isinstance(o, Fact))
                if record:
                    return lambda env: [n for n in names if n not in env]
                return lambda env: {found for n in names if n not in env for found in self._source(n, env)}
            case Count(quantifier):
                return lambda env: self._record_gaps(quantifier, env)

    def _record_gaps(self, quantifier: Quantifier, env: Env) -> set[str]:
        fields: set[str] = set()
        for record in env[RECORDS].get(quantifier.record, ()):
            if quantifier.where is not None:
                fields.update(self._look(quantifier.where, record=True)(record_environment(record, env))[1])
            if quantifier.window is not None and record.date is None:
                fields.add("date")
        return {f"record:{quantifier.record}.{name}" for name in fields}

    def _source(self, name: str, env: Env) -> Collection[str]:
        derivation = self._derivations.get(name)
        if derivation is None:
            return (name,)
        if derivation.count is not None:
            return self._record_gaps(derivation.count, env)
        conditions = [derivation.truth] if derivation.truth is not None else [c.when for c in derivation.choices]
        return {found for condition in conditions for found in self._look(condition)(env)[1]}
