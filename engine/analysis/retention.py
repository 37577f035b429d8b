"""Retention that runs by itself: every rule governs something, nothing is kept for ever by oversight or beyond the law.

Bad: the second rule governs nothing, because the first takes every case; and working days need a calendar of years
that nobody has announced yet::

    rules:
      - {id: persons, subjects: [natural-person], keep: 5 years, basis: […]}
      - {id: taxes, subjects: [natural-person], lists: [tax-violations], keep: 300 working days, basis: […]}

Good: the particular before the general::

    rules:
      - {id: taxes, subjects: [natural-person], lists: [tax-violations], keep: 2 years, basis: […]}
      - {id: persons, subjects: [natural-person], keep: 5 years, basis: […]}
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.language.bundle import Bundle
from engine.language.dates import may_exceed
from engine.language.diagnostics import one_of
from engine.language.ir import Keeping, Policy, Retention


def check(policy: Policy, bundle: Bundle) -> None:
    """Report rules that cannot run, govern nothing or keep too long, and subjects whose data would stay for ever."""
    homes: dict[str, Retention] = {}
    for _, found in sorted(policy.retention.items()):
        for kind in dict.fromkeys(k for rule in found.rules for k in rule.subjects):
            first = homes.setdefault(kind, found)
            if first is not found:
                bundle.reporter.report(
                    "XH193", found.span, f"{kind} 的保存期限已写在 {first.id}", notes=(f"写在 {first.span}",)
                )
        _check_lengths(found, bundle)
        _check_reach(found, policy, bundle)


def _check_lengths(found: Retention, bundle: Bundle) -> None:
    document = bundle.documents["retention"][found.id]
    for index, rule in enumerate(found.rules):
        span = document.span("rules", index, "keep")
        if rule.keep.unit == "working days":
            bundle.reporter.report("XH190", span, f"保存期限写成了 {rule.keep}", expected="如 5 years")
        for basis in rule.basis:
            if basis.maximum is not None and may_exceed(rule.keep, basis.maximum):
                norm = f"《{bundle.laws[basis.law].title}》{basis.article}"
                message = f"保存 {rule.keep.words}，{norm}最长 {basis.maximum.words}"
                notes = (f"写在 {basis.span}",)
                bundle.reporter.report("XH192", span, message, expected=str(basis.maximum), notes=notes)


def _check_reach(found: Retention, policy: Policy, bundle: Bundle) -> None:
    listed = [(kind, name) for name, each in policy.lists.items() for kind in each.subjects]
    taken: dict[str, set[str | None]] = {}  # kind → lists that a rule has taken; None: all that is left
    for rule in found.rules:
        if not any(_new(rule, kind, taken.get(kind, set()), listed) for kind in rule.subjects):
            bundle.reporter.report("XH191", rule.span, f"规则 {rule.id} 轮不到：它的主体和名单前面的规则都有了")
        for kind in rule.subjects:
            taken.setdefault(kind, set()).update(rule.lists or (None,))
    for kind, lists in taken.items():
        if None not in lists:
            message = f"{kind} 只有名单 {one_of(sorted(filter(None, lists)))} 的保存期限"
            bundle.reporter.report("XH194", found.span, message, expected="一条不写 lists 的规则")


def _new(rule: Keeping, kind: str, taken: set[str | None], listed: Iterable[tuple[str, str]]) -> bool:
    """Whether a rule takes anything of a kind that the rules before it left."""
    if None in taken:
        return False
    return not rule.lists or any((kind, name) in listed and name not in taken for name in rule.lists)
