"""Clocks that can run: a minimum within the maximum, publicity within every norm's limits, an end to each listing.

Bad: shown for five years where the norm allows three, on a list that nobody ever leaves::

    procedure:
      publicity: {max: 5 years, limits: [{law: credit-repair-measures-2026, max: 3 years}]}

Good::

    procedure:
      publicity: {min: 1 year, max: 3 years, limits: [{law: credit-repair-measures-2026, min: 1 year, max: 3 years}]}
      term: {length: 3 years}
"""

from __future__ import annotations

from engine.language.build_procedure import AT
from engine.language.bundle import Bundle
from engine.language.dates import may_exceed
from engine.language.ir import Duration, Ground, ListDef, Policy
from engine.language.raw_rules import RawList
from engine.language.reading import Document

EXITS: frozenset[Ground] = frozenset({"performance", "repair", "expiry", "withdrawal"})  # what a subject may count on


def check(policy: Policy, bundle: Bundle) -> None:
    """Report clocks that contradict themselves, each other or a norm, and sanction lists without an exit."""
    for identifier, document in sorted(bundle.documents.get("list", {}).items()):
        listed = policy.lists[identifier]
        _check_pairs(listed, document, bundle)
        _check_limits(listed, document, bundle)
        _check_shown(listed, document, bundle)
        _check_exit(listed, bundle)


def _check_pairs(listed: ListDef, document: Document[RawList], bundle: Bundle) -> None:
    publicity, term, repair = listed.procedure.publicity, listed.procedure.term, listed.procedure.repair
    shown = document.span(AT, "publicity", "min")
    pairs = [(publicity.minimum, publicity.maximum, shown, "最短公示期", "最长公示期")]
    pairs += [(limit.minimum, limit.maximum, limit.span, "最短", "最长") for limit in publicity.limits]
    if repair is not None and term.until_performed is None:
        pairs.append((repair.after, term.length, document.span(AT, "repair", "after"), "申请修复前须满", "列入期限"))
    for low, high, span, name, other in pairs:
        if low is not None and high is not None and may_exceed(low, high):
            bundle.reporter.report("XH166", span, f"{name} {low.words}，{other}只有 {high.words}")


def _check_limits(listed: ListDef, document: Document[RawList], bundle: Bundle) -> None:
    publicity = listed.procedure.publicity
    for limit in publicity.limits:
        norm = f"《{bundle.laws[limit.law].title}》{limit.article or ''}"
        checks = (
            ("max", "最长", publicity.maximum, limit.maximum, _exceeds(publicity.maximum, limit.maximum)),
            ("min", "最短", publicity.minimum, limit.minimum, _exceeds(limit.minimum, publicity.minimum)),
        )
        for key, word, own, allowed, broken in checks:
            if allowed is None or not publicity.public:
                continue
            if own is None:
                message = f"没有写 {key}，{norm}规定{word} {allowed.words}"
            elif broken:
                message = f"{word}公示 {own.words}，{norm}规定{word} {allowed.words}"
            else:
                continue
            span = document.span(AT, "publicity", key)
            bundle.reporter.report("XH167", span, message, expected=str(allowed), notes=(f"限制写在 {limit.span}",))


def _exceeds(one: Duration | None, other: Duration | None) -> bool:
    return one is not None and other is not None and may_exceed(one, other)


def _check_shown(listed: ListDef, document: Document[RawList], bundle: Bundle) -> None:
    if listed.procedure.publicity.public:
        return
    for key in ("within", "max", "channels"):
        if document.has(AT, "publicity", key):
            bundle.reporter.report("XH168", document.key(AT, "publicity", key), f"名单不公示，却写了 {key}")


def _check_exit(listed: ListDef, bundle: Bundle) -> None:
    procedure = listed.procedure
    ways = (procedure.term.length, procedure.term.until_performed, procedure.repair, EXITS & set(procedure.ends))
    if listed.kind != "incentive" and not any(ways):
        bundle.reporter.report(
            "XH169",
            procedure.span,
            f"名单 {listed.id} 没有期限，也没有履行、修复或移出的出路",
            expected="term.length、term.until_performed、repair，或 ends 中的 " + "、".join(sorted(EXITS)),
        )
