"""Builds memoranda: facts in scope, derivations in strata, rules with exceptions and priorities worked in."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language import build_tables
from engine.language.build_consequences import RuleContext, consequences
from engine.language.bundle import LISTING, LISTING_FIELDS, SUBJECT_KIND, Bundle, find_cycle, intersection
from engine.language.conditions import (
    TYPE_TITLES,
    Scope,
    compile_condition,
    compile_quantifier,
    conjunction,
    negated,
)
from engine.language.diagnostics import nearest, one_of
from engine.language.ir import (
    All,
    Any,
    Choice,
    Condition,
    Count,
    Derivation,
    FactType,
    Memorandum,
    Rule,
    Type,
    Validity,
)
from engine.language.raw_memoranda import RawDerivation, RawMemorandum, RawRule
from engine.language.reading import Document
from engine.language.scalars import shown

MAX_CONDITION = 5_000  # tests in one rule once its exceptions are worked in; a person can read a few dozen


def memorandum(read: Document[RawMemorandum], bundle: Bundle) -> Memorandum | None:
    """A memorandum, or `None` when its list is missing, since then nothing in it means anything."""
    raw = read.model
    validity = bundle.validity(raw.valid, read, "valid")
    basis = bundle.basis(raw.basis, read, "basis")
    bundle.refer("list", raw.list_, read.span("list"))
    target = bundle.lists.get(raw.list_)
    if target is None:
        return None
    facts: dict[str, FactType] = {SUBJECT_KIND.name: SUBJECT_KIND, **target.facts}
    for index, derived in enumerate(raw.derive):
        _declare(derived, index, facts, read, bundle)
    bundle.scopes[raw.memorandum] = facts
    derivations = _derivations(read, facts, bundle)
    rules = _rules(read, facts, validity, bundle)
    return Memorandum(
        raw.memorandum, raw.title, raw.document, raw.list_, derivations, rules, basis, validity, read.key("memorandum"),
        raw.existing_cases,
    )  # fmt: skip


def scope_for(
    read: Document[RawMemorandum], facts: Mapping[str, FactType], bundle: Bundle, owner: str, used: set[str]
) -> Scope:
    """The names that a condition of this memorandum may use."""
    return Scope(
        facts,
        bundle.reporter,
        f"{read.id}/{owner}",
        records={**bundle.fields, LISTING: {**LISTING_FIELDS, SUBJECT_KIND.name: SUBJECT_KIND}},
        measures=bundle.ids("measure"),
        departments=bundle.ids("department"),
        used=used,
    )


# --- derivations -------------------------------------------------------------------------------------------------


def _declare(
    raw: RawDerivation, index: int, facts: dict[str, FactType], read: Document[RawMemorandum], bundle: Bundle
) -> None:
    at = ("derive", index)
    report = bundle.reporter.report
    stated = [key for key in ("when", "choose", "count") if read.has(*at, key)]
    if len(stated) != 1:
        report(
            "XH097", read.key(*at), f"推导 {raw.fact} 写了 {len(stated)} 个来源", expected="when、choose、count 之一"
        )
    implied = {"when": Type.BOOLEAN, "count": Type.INTEGER}
    kind = raw.type or next((implied[s] for s in stated if s in implied), None)
    if kind is None:
        report("XH097", read.key(*at), f"推导 {raw.fact} 用 choose，须写明 type", expected="type: enum 等")
        kind = Type.TEXT
    elif stated and stated[0] in implied and kind is not implied[stated[0]]:
        wanted = implied[stated[0]]
        report("XH097", read.span(*at, "type"), f"用 {stated[0]} 推导的事实是{TYPE_TITLES[wanted]}", expected=wanted)
    bundle.values(kind, raw.values, read, *at)
    if raw.fact in facts:
        first = facts[raw.fact].span
        report("XH080", read.span(*at, "fact"), f"事实 {raw.fact} 已经声明过", notes=(f"前一个在 {first}",))
        return
    span = read.span(*at, "fact")
    facts[raw.fact] = FactType(raw.fact, kind, raw.title, span, raw.values.ids, titles=raw.values.titles)


def _derivations(
    read: Document[RawMemorandum], facts: Mapping[str, FactType], bundle: Bundle
) -> tuple[Derivation, ...]:
    uses: dict[str, set[str]] = {}
    built: dict[str, tuple[int, Condition | None, tuple[Choice, ...], Count | None]] = {}
    names = [raw.fact for raw in read.model.derive]
    for index, raw in enumerate(read.model.derive):
        used: set[str] = set()
        scope = scope_for(read, facts, bundle, f"derive:{raw.fact}", used)
        at = ("derive", index)
        truth, count = None, None
        if (node := read.node(*at, "when")) is not None:
            truth = compile_condition(node, scope)
        if (node := read.node(*at, "count")) is not None and (quantifier := compile_quantifier(node, scope)):
            count = Count(quantifier, "gte", 0, quantifier.span)
        choices = _choices(raw, index, facts, scope, read, bundle)
        uses[raw.fact] = used & set(names)
        bundle.used[read.id] |= used
        built.setdefault(raw.fact, (index, truth, choices, count))
    if cycle := find_cycle(uses):
        span = read.span("derive", names.index(cycle[0]), "fact")
        bundle.reporter.report("XH090", span, f"推导成环：{' → '.join(cycle)}")
        return ()
    strata: dict[str, int] = {}

    def stratum(name: str) -> int:
        if name not in strata:
            strata[name] = 1 + max((stratum(n) for n in uses[name]), default=-1)
        return strata[name]

    done = [
        Derivation(
            facts[name], truth, choices, count.quantifier if count else None, stratum(name), read.key("derive", index)
        )
        for name, (index, truth, choices, count) in built.items()
    ]
    return tuple(sorted(done, key=lambda d: (d.stratum, d.fact.name)))


def _choices(
    raw: RawDerivation, index: int, facts: Mapping[str, FactType], scope: Scope, read: Document[RawMemorandum],
    bundle: Bundle,
) -> tuple[Choice, ...]:  # fmt: skip
    choices = []
    for row, choice in enumerate(raw.choose or ()):
        at = ("derive", index, "choose", row)
        node = read.node(*at, "when")
        if node is None and row + 1 < len(raw.choose or ()):
            bundle.reporter.report("XH096", read.key(*at), "只有最后一行可以不写 when；它之后的行永远轮不到")
        when = compile_condition(node, scope) if node is not None else All((), read.key(*at))
        value = build_tables.fact_value(facts[raw.fact], choice.value, read.span(*at, "value"), bundle)
        if value is not None:
            choices.append(Choice(when, value))
    return tuple(choices)


# --- rules -------------------------------------------------------------------------------------------------------


def _rules(
    read: Document[RawMemorandum], facts: Mapping[str, FactType], validity: Validity, bundle: Bundle
) -> tuple[Rule, ...]:
    raw_rules = read.model.rules
    own: dict[str, Condition] = {}
    positions: dict[str, int] = {}
    validities: dict[str, Validity] = {}
    for index, raw in enumerate(raw_rules):
        if raw.id in positions:
            first = read.span("rules", positions[raw.id], "id")
            bundle.reporter.report(
                "XH027", read.span("rules", index, "id"), f"规则 {raw.id} 重复", notes=(f"前一个在 {first}",)
            )
            continue
        positions[raw.id] = index
        own[raw.id] = _own_condition(raw, index, read, facts, bundle)
        validities[raw.id] = bundle.validity(raw.valid, read, "rules", index, "valid")
    overriding = _overriding(read, positions, validities, validity, bundle)
    cycle = find_cycle(overriding)
    if cycle is not None:
        index = positions[cycle[0]]
        bundle.reporter.report("XH091", read.key("rules", index, "overrides"), f"优先关系成环：{' → '.join(cycle)}")
        overriding = {}
    effective: dict[str, Condition] = {}

    def work_out(rule: str) -> Condition:
        if rule not in effective:
            exceptions = [negated(work_out(other)) for other in overriding.get(rule, ())]
            effective[rule] = conjunction((own[rule], *exceptions), own[rule].span)
            if size(effective[rule]) > MAX_CONDITION:
                span = read.span("rules", positions[rule], "id")
                bundle.reporter.report("XH082", span, f"规则 {rule} 连同例外超过 {MAX_CONDITION:,} 个条件")
                effective[rule] = own[rule]
        return effective[rule]

    rules = []
    for rule, index in positions.items():
        raw = raw_rules[index]
        when = work_out(rule)
        period = intersection(validity, validities[rule])
        if period is None:
            bundle.reporter.report("XH124", read.span("rules", index, "id"), f"规则 {rule} 与备忘录的有效期没有重合")
        context = RuleContext(read, index, bundle.lists[read.model.list_], when, period or validities[rule], facts)
        rules.append(
            Rule(
                id=f"{read.id}/{rule}",
                title=raw.title or rule,
                clause=raw.clause,
                when=when,
                then=consequences(raw, context, bundle),
                overridden_by=tuple(f"{read.id}/{o}" for o in overriding.get(rule, ())),
                validity=validities[rule],
                span=read.span("rules", index, "id"),
            )
        )
    return tuple(rules)


def _own_condition(
    raw: RawRule, index: int, read: Document[RawMemorandum], facts: Mapping[str, FactType], bundle: Bundle
) -> Condition:
    """`when` and not `unless`, before other rules override it."""
    scope = scope_for(read, facts, bundle, raw.id, bundle.used[read.id])
    parts: list[Condition] = []
    if (node := read.node("rules", index, "when")) is not None:
        parts.append(compile_condition(node, scope))
    if (node := read.node("rules", index, "unless")) is not None:
        parts.append(compile_condition(node, scope, negate=True))
    return conjunction(parts, read.key("rules", index, "when"))


def _overriding(
    read: Document[RawMemorandum],
    positions: Mapping[str, int],
    validities: Mapping[str, Validity],
    whole: Validity,
    bundle: Bundle,
) -> dict[str, list[str]]:
    """Rule → the rules that override it."""
    report = bundle.reporter.report
    overriding: dict[str, list[str]] = {}
    for rule, index in positions.items():
        raw = read.model.rules[index]
        bundle.distinct(raw.overrides, read, "rules", index, "overrides")
        if raw.overrides and not raw.basis:
            report("XH092", read.key("rules", index, "overrides"), f"规则 {rule} 写了 overrides，却没有写依据（basis）")
        for n, other in enumerate(dict.fromkeys(raw.overrides)):
            span = read.span("rules", index, "overrides", n)
            if other not in positions:
                report(
                    "XH059", span, f"本备忘录没有规则{shown(other)}", expected=one_of(positions),
                    suggestion=nearest(other, positions),
                )  # fmt: skip
                continue
            wanted = intersection(whole, validities[other])
            has = intersection(whole, validities[rule])
            if wanted is not None and (has is None or not has.contains(wanted)):
                report("XH093", span, f"规则 {rule} 并非在 {other} 有效的每一天都有效，不能使其失效")
            overriding.setdefault(other, []).append(rule)
    return overriding


def size(condition: Condition) -> int:
    """How many tests a condition has."""
    if isinstance(condition, All | Any):
        return 1 + sum(size(part) for part in condition.parts)
    if isinstance(condition, Count) and condition.quantifier.where is not None:
        return 1 + size(condition.quantifier.where)
    return 1
