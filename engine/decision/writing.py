"""A decision's canonical text, written by hand because there are millions of them.

It is what the JSON encoder makes of `Decision.document()` with sorted keys, and several times as fast: what an
obligation says besides the person it is about comes from the policy, so its text is made once. A test holds the two
together over generated decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.decision.model import Contradiction, Decision, Facts, Owed, Record, SuggestedLimit, UnknownRule
    from engine.language.ir import Value

KEPT = 8192
"""Texts remembered; a county's policy has some hundreds of obligations."""


def written(decision: Decision) -> str:
    """RFC 8785 text of a decision; each of its members by itself is below."""
    return (
        f"{{{written_advice(decision.advice)},{written_contradictions(decision.contradictions)}"
        f",{written_derived(decision.derived)},{written_facts(decision.facts)},{written_fired(decision.fired)}"
        f",{written_limits(decision.limits)},{written_obligations(decision.obligations)}"
        f",{written_policy(decision.policy)},{written_unknown(decision.unknown)}}}"
    )


def written_advice(advice: Iterable[Owed]) -> str:
    """The member `advice`."""
    return f'"advice":{_array(map(_owed, advice))}'


def written_contradictions(contradictions: Iterable[Contradiction]) -> str:
    """The member `contradictions`."""
    return f'"contradictions":{_array(map(_contradiction, contradictions))}'


def written_derived(derived: Iterable[tuple[str, str, Value]]) -> str:
    """The member `derived`."""
    return f'"derived":{_array([_derived(*found) for found in derived])}'


def written_fired(fired: tuple[str, ...]) -> str:
    """The member `fired`."""
    return f'"fired":{_policy_texts(fired)}'


def written_limits(limits: Iterable[SuggestedLimit]) -> str:
    """The member `limits`."""
    return f'"limits":{_array(map(_limit, limits))}'


def written_obligations(obligations: Iterable[Owed]) -> str:
    """The member `obligations`."""
    return f'"obligations":{_array(map(_owed, obligations))}'


def written_policy(version: str) -> str:
    """The member `policy`."""
    return f'"policy":{quoted(version)}'


def written_unknown(unknown: Iterable[UnknownRule]) -> str:
    """The member `unknown`."""
    return f'"unknown":{_array(map(_unknown, unknown))}'


def _array(parts: Iterable[str]) -> str:
    return f"[{','.join(parts)}]"


def _texts(values: Iterable[str]) -> str:
    return f"[{','.join(map(quoted, values))}]"


@lru_cache(KEPT)
def _policy_texts(values: tuple[str, ...]) -> str:
    """The text of words that come from the policy."""
    return _texts(values)


def _owed(owed: Owed) -> str:
    advice, basis, measure, role = _unpersonal(
        owed.measure, owed.department, owed.target_role, owed.rules, owed.basis, owed.duty, owed.advice
    )
    after = _texts(owed.after) if owed.after else "[]"
    return f"{advice}{after}{basis}{quoted(owed.key)}{measure}{quoted(owed.target)}{role}"


@lru_cache(KEPT)
def _unpersonal(
    measure: str,
    department: str,
    role: str,
    rules: tuple[str, ...],
    basis: tuple[tuple[str, str], ...],
    duty: str,
    advice: str | None,
) -> tuple[str, str, str, str]:
    """What an obligation says before, between and after its predecessors, its key and its person."""
    reason = "null" if advice is None else quoted(advice)
    return (
        f'{{"advice":{reason},"after":',
        f',"basis":{_array(map(_texts, basis))},"department":{quoted(department)},"duty":{quoted(duty)},"key":',
        f',"measure":{quoted(measure)},"rules":{_texts(rules)},"target":',
        f',"target_role":{quoted(role)}}}',
    )


def _contradiction(found: Contradiction) -> str:
    return f'{{"keys":{_texts(found.keys)},"matter":{quoted(found.matter)},"target":{quoted(found.target)}}}'


@lru_cache(KEPT, typed=True)
def _derived(memorandum: str, fact: str, value: Value) -> str:
    return f"[{quoted(memorandum)},{quoted(fact)},{_WRITERS[type(value)](value)}]"


def _limit(limit: SuggestedLimit) -> str:
    parts = _array(f'[{quoted(name)},"{amount}"]' for name, amount in limit.parts)
    return (
        f'{{"amount":"{limit.amount}","departments":{_policy_texts(limit.departments)},"parts":{parts}'
        f',"rule":{quoted(limit.rule)},"table":{quoted(limit.table)}}}'
    )


def _unknown(found: UnknownRule) -> str:
    return f'{{"missing":{_policy_texts(found.missing)},"rule":{quoted(found.rule)}}}'


def written_facts(facts: Facts) -> str:
    """The member `facts`."""
    relations = _array([
        f'{{"id":{quoted(p.id)},"kind":{quoted(p.kind)},"role":{quoted(p.role)}}}' for p in facts.relations
    ])  # fmt: skip
    responses = _array([
        f'{{"department":{quoted(r.department)},"measure":{quoted(r.measure)},"outcome":{quoted(r.outcome)}}}'
        for r in facts.responses
    ])  # fmt: skip
    salt = f'"salt":{quoted(facts.salt)},' if facts.salt else ""
    return (
        f'"facts":{{"as_of":"{facts.as_of.isoformat()}","initiator":{quoted(facts.initiator)}'
        f',"known_at":{quoted(facts.known_at)},"list":{quoted(facts.list)}'
        f',"records":{_array(map(_record, facts.records))}'
        f',"relations":{relations},"responses":{responses},{salt}"subject":{quoted(facts.subject)}'
        f',"subject_kind":{quoted(facts.subject_kind)},"values":{_values(facts.values)}}}'
    )


def _record(record: Record) -> str:
    date = "null" if record.date is None else f'"{record.date}"'
    return (
        f'{{"date":{date},"excluded":{"true" if record.excluded else "false"},"fields":{_values(record.fields)}'
        f',"id":{quoted(record.id)},"kind":{quoted(record.kind)}}}'
    )


def _values(values: Mapping[str, Value]) -> str:
    return (
        f"{{{','.join([f'{quoted(name)}:{_WRITERS[type(values[name])](values[name])}' for name in sorted(values)])}}}"
    )


class _Writers(dict[type, Callable[[Any], str]]):
    """What writes a value of a type, or of one that is derived from it."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        for known, write in self.items():
            if issubclass(kind, known):
                return write
        message = f"{kind.__name__} is no type of a runtime value"
        raise TypeError(message)


_WRITERS = _Writers({
    bool: lambda value: "true" if value else "false",
    int: lambda value: f'"{value}"',
    str: quoted,
    tuple: _texts,
    type(None): lambda _: "null",
})  # fmt: skip
