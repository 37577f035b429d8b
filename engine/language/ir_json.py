"""A compiled policy as JSON text and back: the form in which a policy version is kept, signed and handed to others.

`from_json(to_json(policy))` is equal to `policy` but for two fields that are no part of the form: `sources`, because
the texts of the files are kept beside it, and `tests`, because nothing is ever decided by them.

The text is for readers that do not have this code; it is what `json.dumps(…, ensure_ascii=False, sort_keys=True,
separators=(",", ":"))` writes, in UTF-8:

- A value of one of the classes in `ir.py` is an object: `"is"` is the name of its class, and each of its fields stands
  under its own name, so `ir.py` is the schema. The whole is a `Policy`.
- A `Span` is text, `path:line:column`; a path may contain colons.
- A date is ISO text; an enum member is its value; `null` is nothing.
- A tuple is an array in its order; a frozenset is an array, sorted.
- A mapping is an object; its keys are text, the years of `calendars` included.
- Truth values and integers are JSON's own (an integer may be beyond 2^53). Runtime values are as `ir.py` says: money is
  fen, a ratio basis points, a date inside a `Constant` its proleptic ordinal.

What is read is driven by the type hints of `ir.py`. A field that the text does not have takes its default, so that a
policy kept before the field existed can be read; a field that `ir.py` does not have is an error.
Sorted keys lose the order of a mapping. Declared facts are shown to people in the order of their file, so those come
back in the order of their spans; for nothing else does the order mean anything.
"""

from __future__ import annotations

import datetime as dt
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from engine.language.ir import FactType, Policy, Span

TAG = "is"
LEFT_OUT = frozenset({"sources", "tests"})
"""Fields of `Policy` that are no part of the form."""

_Decoder = Callable[[Any], Any]
_PLAIN = frozenset({str, int, bool, type(None)})


def to_json(policy: Policy) -> str:
    """The text of a policy; equal policies have equal texts."""
    document = {TAG: "Policy"}
    document |= {f.name: _encode(getattr(policy, f.name)) for f in fields(policy) if f.name not in LEFT_OUT}
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def from_json(text: str, sources: Mapping[str, str]) -> Policy:
    """The inverse of `to_json`. `sources`: path → text of the files that the policy was compiled from.

    Raises:
        ValueError: not the text of a policy, or one with fields that are not known here.

    """
    try:
        document = json.loads(text)
        policy = _decoder(Policy)(document | {"tests": [], "sources": dict(sources)})
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not the text of a policy: {type(error).__name__} {error}"
        raise ValueError(message) from error
    assert isinstance(policy, Policy)
    return policy


def _encode(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Span):
        return str(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _encode(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(_encode(item) for item in value)
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    return {TAG: type(value).__name__} | {name: _encode(getattr(value, name)) for name in value.__dataclass_fields__}


@cache
def _decoder(hint: Any) -> _Decoder:
    """What makes a value of the type `hint` from its JSON."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _PLAIN or hint is object or origin is Literal:
        return _itself
    if origin in {Union, types.UnionType}:
        return _union(arguments)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return partial(_tuple, _decoder(arguments[0]))
        return partial(_fixed, tuple(map(_decoder, arguments)))
    if origin is frozenset:
        each = _decoder(arguments[0])
        return lambda found: frozenset(map(each, found))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(*arguments)
    if hint is Span:
        return _span
    if hint is dt.date:
        return dt.date.fromisoformat
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if isinstance(hint, type) and is_dataclass(hint):
        return _Record(hint)
    message = f"no JSON form for {hint!r}"
    raise TypeError(message)


def _itself(found: Any) -> Any:
    return found


def _span(found: str) -> Span:
    path, line, column = found.rsplit(":", 2)
    return Span(path, int(line), int(column))


def _tuple(each: _Decoder, found: list[Any]) -> tuple[Any, ...]:
    return tuple(found) if each is _itself else tuple(map(each, found))


def _fixed(each: tuple[_Decoder, ...], found: list[Any]) -> tuple[Any, ...]:
    return tuple(decode(item) for decode, item in zip(each, found, strict=True))


def _mapping(key: Any, value: Any) -> _Decoder:
    each = _decoder(value)
    key = int if key is int else str
    if value is FactType:

        def declared(found: dict[str, Any]) -> dict[Any, FactType]:
            facts = [(name, each(item)) for name, item in found.items()]
            return dict(sorted(facts, key=lambda pair: (pair[1].span.line, pair[1].span.column)))

        return declared
    return lambda found: {key(name): each(item) for name, item in found.items()}


def _union(members: tuple[Any, ...]) -> _Decoder:
    present = [m for m in members if m is not type(None)]
    if len(present) == 1:
        each = _decoder(present[0])
        return lambda found: None if found is None else each(found)
    if all(map(is_dataclass, present)):
        by_tag = {m.__name__: _decoder(m) for m in present}
        return lambda found: None if found is None else by_tag[found[TAG]](found)
    # a runtime value: JSON tells its types apart, and its only tuple is one of text
    return lambda found: tuple(found) if isinstance(found, list) else found


class _Record:
    """Makes values of one class. What its fields are made by is found at first use, because conditions nest."""

    def __init__(self, cls: type) -> None:
        self.cls = cls
        self.plan: tuple[tuple[str, _Decoder], ...] = ()
        self.optional: frozenset[str] = frozenset()

    def __call__(self, found: dict[str, Any]) -> Any:
        if not self.plan:
            self._look()
        if found[TAG] != self.cls.__name__:
            message = f"{found[TAG]} stands where {self.cls.__name__} was expected"
            raise ValueError(message)
        if len(found) == len(self.plan) + 1:
            return self.cls(*[each(found[name]) for name, each in self.plan])
        known = {name: each(found[name]) for name, each in self.plan if name in found or name not in self.optional}
        if len(known) + 1 != len(found):
            message = f"{self.cls.__name__} has no field {', '.join(sorted(found.keys() - known.keys() - {TAG}))}"
            raise ValueError(message)
        return self.cls(**known)

    def _look(self) -> None:
        hints = get_type_hints(self.cls)
        self.optional = frozenset(
            f.name for f in fields(self.cls) if f.default is not MISSING or f.default_factory is not MISSING
        )
        self.plan = tuple((f.name, _decoder(hints[f.name])) for f in fields(self.cls))
