"""A policy's parts without where they are written and what they are called, so that a move or a rewording is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any

WORDS = frozenset(
    {"span", "source", "sources", "title", "titles", "quote", "verified", "note", "text", "clause", "tests", "worse"}
)
"""Fields that change nothing about who owes what, when, and on which article."""


def normal(value: Any) -> Any:
    """Nested tuples that are equal when two parts of a policy mean the same word for word."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [f.name for f in dataclasses.fields(value) if f.name not in WORDS and not _counter(value, f.name)]
        return type(value).__name__, *((name, normal(getattr(value, name))) for name in fields)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return tuple(sorted((str(k), normal(v)) for k, v in value.items()))
    if isinstance(value, tuple | list):
        return tuple(normal(v) for v in value)
    if isinstance(value, frozenset | set):
        return tuple(sorted(map(str, value)))
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two parts mean the same word for word; parts that nobody touched are seen to be equal at once."""
    return bool(one == other) or normal(one) == normal(other)


def _counter(value: Any, name: str) -> bool:
    """A quantifier's id counts those before it, and a constant's text is how it happens to be written."""
    return (name == "id" and type(value).__name__ == "Quantifier") or (
        name == "text" and type(value).__name__ == "Constant"
    )
