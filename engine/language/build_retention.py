"""Builds how long personal data are kept. Whether the rules make sense is checked in `engine.analysis.retention`."""

from __future__ import annotations

from engine.language.bundle import Bundle
from engine.language.ir import Keeping, Retention, Span
from engine.language.raw_retention import RawRetention
from engine.language.reading import Document as Read


def retention(read: Read[RawRetention], bundle: Bundle) -> Retention:
    """A retention document; its lists and its legal bases exist, and no two rules have the same id."""
    raw = read.model
    rules: list[Keeping] = []
    places: dict[str, Span] = {}
    for index, rule in enumerate(raw.rules):
        at = ("rules", index)
        place = read.span(*at, "id")
        first = places.setdefault(rule.id, place)
        if first is not place:
            bundle.reporter.report("XH027", place, f"规则 {rule.id} 重复", notes=(f"前一个在 {first}",))
        bundle.distinct(rule.subjects, read, *at, "subjects")
        rules.append(
            Keeping(
                id=f"{raw.retention}/{rule.id}",
                title=rule.title or raw.title,
                subjects=tuple(rule.subjects),
                lists=bundle.refer_all("list", rule.lists, read, *at, "lists"),
                keep=rule.keep,
                basis=bundle.basis(rule.basis, read, *at, "basis"),
                span=read.key(*at),
            )
        )
    return Retention(raw.retention, raw.title, tuple(rules), read.key("retention"))
