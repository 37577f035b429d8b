"""Plain values for witnesses: of all cases that show a finding, always the same one, and one that reads well.

A solver's own model depends on what it was asked before. So every variable has values that are wanted, the best first;
where none of them will do, the least that is not negative, or for a date the latest that is not in the future.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any as Anything

from engine.language.ir import FactType, Type, Value
from engine.workbench.symbolic import NO, OTHER_TEXT, YES, Wish, World

YUAN = 100  # fen


def wish(world: World, fact: FactType, term: Anything, constants: Iterable[Value]) -> Wish:
    """What is wanted of the value of a fact that conditions compare with `constants`."""
    numbers = sorted(
        {c for c in constants if isinstance(c, int) and not isinstance(c, bool)}, key=lambda c: (abs(c), c)
    )
    match fact.type:
        case Type.BOOLEAN:
            return Wish(term, (NO, YES))
        case Type.ENUM:
            return Wish(term, tuple(world.text(value) for value in fact.values))
        case Type.TEXT:
            texts = [OTHER_TEXT, *sorted(c for c in constants if isinstance(c, str)), *(OTHER_TEXT + d for d in "123")]
            return Wish(term, tuple(world.text(text) for text in texts))
        case Type.DATE:
            return Wish(term, (world.day, *numbers), world.day, downwards=True)
        case Type.MONEY:
            near = [n for c in numbers for n in (2 * c, c + YUAN, c - YUAN)]
            return Wish(term, (0, *numbers, *near), 0)
        case _:
            return Wish(term, (0, *numbers, *(n for c in numbers for n in (c + 1, c - 1))), 0)
