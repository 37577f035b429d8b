"""A case in words, so that a person sees at once whom a finding is about."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping

from engine.decision.model import LISTING_RECORD, Facts, Record
from engine.language.bundle import SUBJECT_KIND
from engine.language.ir import FactType, Policy, Type, Value
from engine.language.procedures import KINDS as LIST_KINDS
from engine.language.scalars import show, show_fact
from engine.language.titles import OUTCOMES, ROLES, SUBJECTS

KIND_TITLES = SUBJECTS
ROLE_TITLES: Mapping[str, str] = {**ROLES, "subject": "本人"}
FEN_PER_YUAN, YUAN_PER_WAN = 100, 10_000


def describe(policy: Policy, facts: Facts) -> str:
    """One line in Chinese: who, on which day, with which facts, records, relations and answers."""
    listed = policy.lists.get(facts.list)
    declared = listed.facts if listed else {}
    parts = [f"{KIND_TITLES.get(facts.subject_kind, facts.subject_kind)}，{facts.as_of} 决定"]
    parts += [_fact(declared.get(name), name, value) for name, value in facts.values.items()]
    alike = Counter(_record(policy, record) for record in facts.records)
    parts += [f"{record}，共 {number} 条" if number > 1 else record for record, number in alike.items()]
    for person in facts.relations:
        kind_title = KIND_TITLES.get(person.kind, person.kind)
        parts.append(f"有{ROLE_TITLES.get(person.role, person.role)}（{kind_title}）")
    for answer in facts.responses:
        department, measure = policy.departments.get(answer.department), policy.measures.get(answer.measure)
        who = department.title if department else answer.department
        parts.append(
            f"{who}对“{measure.title if measure else answer.measure}”答复{OUTCOMES.get(answer.outcome, answer.outcome)}"
        )
    return "；".join(parts)


def _record(policy: Policy, record: Record) -> str:
    if record.kind == LISTING_RECORD:
        of = "严重失信主体" if record.fields.get("severe") else LIST_KINDS.get(str(record.fields.get("kind")), "")
        return f"同时在{of}名单“{record.fields.get('list', '')}”上"
    kind = policy.records.get(record.kind)
    fields = kind.fields if kind else {}
    inner = "、".join(_fact(fields.get(name), name, value) for name, value in record.fields.items())
    when = dt.date.fromordinal(record.date).isoformat() if record.date is not None else "日期不详"
    return f"{when} {kind.title if kind else record.kind}{f'（{inner}）' if inner else ''}"


def differing(policy: Policy, one: Facts, other: Facts) -> str:
    """What the second of two cases has differently, in words."""
    listed = policy.lists.get(one.list)
    declared = listed.facts if listed else {}
    parts = []
    for name in dict.fromkeys((*one.values, *other.values)):
        before, after = one.values.get(name), other.values.get(name)
        if before != after:
            title = declared[name].title if name in declared else name
            one_value, other_value = _value(declared.get(name), before), _value(declared.get(name), after)
            parts.append(f"{title}由“{one_value}”变为“{other_value}”")
    for word, records, others in (("多", other.records, one.records), ("少", one.records, other.records)):
        for record in records:
            if record not in others:
                kind = policy.records.get(record.kind)
                parts.append(f"{word}一条{kind.title if kind else record.kind}记录")
    return "，".join(parts)


def _fact(declared: FactType | None, name: str, value: Value) -> str:
    title = declared.title if declared else SUBJECT_KIND.title if name == SUBJECT_KIND.name else name
    return f"{title} {_value(declared, value)}"


def _value(declared: FactType | None, value: Value | None) -> str:
    if value is None:
        return "缺"
    if declared is None:
        return str(value)
    if declared.type is Type.MONEY and isinstance(value, int):
        return money(value)
    return show_fact(declared, value)


def money(fen: int) -> str:
    """An amount, in 万元 where that is a whole number."""
    if fen and fen % (FEN_PER_YUAN * YUAN_PER_WAN) == 0:
        return f"{fen // (FEN_PER_YUAN * YUAN_PER_WAN)} 万元"
    return show(Type.MONEY, fen)
