"""Measures that a department takes in exchange: what is gained by those who lose a heavier one weighs the other way.

Told apart from what merely changes at the same time: both are the same department's, about the person in the same role
and of one kind, and everyone who gets the one sheds the other. One measure is exchanged for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any as Anything

import z3

from engine.decision.model import Facts
from engine.workbench.symbolic import World
from engine.workbench.views import Due
from engine.workbench.weights import weight


@dataclass(frozen=True, slots=True)
class Group:
    """Departments that gain or lose one measure by the same rules for the same kinds of subject are told together.

    half: what was advice becomes owed (gained), or the other way round (lost). others: the rules by which the other
    policy says the same of some subjects.
    """

    measure: str
    role: str
    gained: bool
    advised: bool
    half: bool
    rules: tuple[str, ...]
    kinds: tuple[str, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One department of a group: a case, and the formula of all cases."""

    due: Due
    facts: Facts
    formula: Anything

    def weight(self, group: Group) -> tuple[int, int]:
        """How heavily it weighs."""
        return weight(self.due.measure, advised=group.advised)


Groups = Mapping[Group, Sequence[Entry]]


def exchanges(world: World, groups: Groups) -> dict[Group, str]:
    """Groups that are an exchange throughout: `heavier` for a heavier one the other way, `even` for one as heavy."""
    found: dict[Group, str] = {}
    taken: set[tuple[Group, str]] = set()
    for group, entries in groups.items():
        partners = [_partners(world, groups, group, entry, taken) for entry in entries]
        if all(word for word, _ in partners):
            found[group] = "heavier" if all(word == "heavier" for word, _ in partners) else "even"
            taken |= {(rival, entry.due.department) for entry, (_, rivals) in zip(entries, partners, strict=True)
                      for rival in rivals}  # fmt: skip
    return found


def _partners(
    world: World, groups: Groups, group: Group, entry: Entry, taken: set[tuple[Group, str]]
) -> tuple[str, list[Group]]:
    """What everyone concerned gets (or sheds) of the same department instead."""
    own = entry.weight(group)
    rivals = [r for r in _rivals(groups, group, entry) if (r[0], entry.due.department) not in taken]
    for word, chosen in (
        ("heavier", [(g, e) for g, e in rivals if e.weight(g) > own]),
        ("even", [(g, e) for g, e in rivals if e.weight(g) >= own]),
    ):
        formulas = [rival.formula for _, rival in chosen]
        if formulas and world.find(entry.formula, z3.Not(z3.Or(formulas))).status == "no":
            return word, [g for g, _ in chosen]
    return "", []


def _rivals(groups: Groups, group: Group, entry: Entry) -> Iterator[tuple[Group, Entry]]:
    for other, entries in groups.items():
        if other.gained is not group.gained and other.role == group.role and other.measure != group.measure:
            for rival in entries:
                same = rival.due.department == entry.due.department
                if same and rival.due.measure.kind == entry.due.measure.kind:
                    yield other, rival
