"""How heavily a sanction weighs, and how much an incentive is worth, against others of its kind."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.ir import Measure

CLASS_WEIGHTS: Mapping[str, int] = {"voluntary": 0, "managerial": 1, "restrictive": 2}
EFFECT_WEIGHTS: Mapping[str, int] = {
    "publicise": 0, "caution": 1, "tolerate-missing": 1, "verify-further": 2, "prioritise": 2, "limit": 3,
    "expedite": 3, "refuse": 4,
}  # fmt: skip


def weight(measure: Measure, *, advised: bool) -> tuple[int, int]:
    """By class first, advice lowest; then by what a clerk is told."""
    effect = EFFECT_WEIGHTS[measure.directive.effect] if measure.directive else 0
    return (0 if advised else CLASS_WEIGHTS[measure.cls], effect)
