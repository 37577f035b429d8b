"""What may stand at a place of a document: the schema of its kind, with alternatives merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any

from engine.language.conditions import OPERATORS
from engine.language.reading import KINDS
from engine.language.schema import DEFINES, DEFINES_KEYS, NAMES, NAMES_KEYS, grammar

Schema = Mapping[str, Any]
ALL_OPERATORS = frozenset(operator for operators in OPERATORS.values() for operator in operators)


class Place:
    """What may stand somewhere. Several shapes may be allowed at once, such as a value and a comparison.

    description: the help, in Chinese. keys: those with fixed names. words: value → title of an enumeration.
    names, defines: the kind of name that a scalar mentions or introduces; likewise for free keys.
    """

    def __init__(self, schema: Schema, definitions: Schema) -> None:
        self._definitions = definitions
        self._options = tuple(_options(schema, definitions))
        self.description: str = schema.get("description") or self._first("description") or ""
        self.names: str | None = self._first(NAMES)
        self.defines: str | None = self._first(DEFINES)
        self.names_keys: str | None = self._first(NAMES_KEYS)
        self.defines_keys: str | None = self._first(DEFINES_KEYS)
        self.keys: dict[str, Schema] = {k: v for o in self._options for k, v in o.get("properties", {}).items()}
        self.required = frozenset(key for o in self._options for key in o.get("required", ()))
        self.words: dict[str, str] = {
            value: title
            for o in self._options
            for value, title in zip(o.get("enum", ()), o.get("enumDescriptions", ()), strict=False)
        }
        types = [o.get("type") for o in self._options]
        self.boolean = "boolean" in types
        self.scalar = any(kind not in ("object", "array") for kind in types)
        self.examples: tuple[str, ...] = tuple(e for o in self._options for e in o.get("examples", ()))
        self._children: dict[str, Place | None] = {}

    def _first(self, key: str) -> Any:
        return next((option[key] for option in self._options if key in option), None)

    def child(self, key: str) -> Place | None:
        """The place of a key's value; `None` if there may be no such key."""
        if key not in self._children:
            schema = self.keys.get(key)
            if schema is None:
                rest = self._first("additionalProperties")
                schema = rest if isinstance(rest, dict) else None
            self._children[key] = Place(schema, self._definitions) if schema is not None else None
        return self._children[key]

    @cached_property
    def item(self) -> Place | None:
        """The place of a list's items; `None` if there may be no list."""
        schema = self._first("items")
        return Place(schema, self._definitions) if schema is not None else None

    @property
    def mapping(self) -> bool:
        """Whether keys may stand here."""
        return bool(self.keys or self.names_keys or self.defines_keys)

    @property
    def tests(self) -> bool:
        """Whether this is what a fact is compared with in a condition."""
        return self.keys.keys() >= ALL_OPERATORS


def _options(schema: Schema, definitions: Schema) -> Iterator[Schema]:
    """The alternatives of a schema, references followed."""
    if "$ref" in schema:
        yield from _options(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    elif "anyOf" in schema:
        for option in schema["anyOf"]:
            yield from _options(option, definitions)
    else:
        yield schema


@cache
def root(kind: str) -> Place:
    """The outermost mapping of a document kind."""
    schema = grammar(kind)
    return Place(schema, schema.get("$defs", {}))


def kind_of(keys: Mapping[str, object]) -> str | None:
    """The document kind that a mapping's keys tell: by the first one, else by any, as a file half typed may have."""
    first = next(iter(keys), None)
    return first if first in KINDS else next((kind for kind in KINDS if kind in keys), None)
