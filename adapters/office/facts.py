"""JSON values as typed facts. Text carries every number, so nothing passes through a float."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from adapters.office.errors import FieldError, storable
from engine.language.ir import FactType, Type, Value
from engine.language.scalars import ScalarError, parse_fact

_PLAIN_YUAN = re.compile(r"-?[0-9]+(\.[0-9]{1,2})?")
MAX_TEXT = 4000
"""Characters in one text fact: a decision's longest paragraph fits, a file does not."""


def parse_facts(
    declared: Mapping[str, FactType], given: Mapping[str, Any], path: str
) -> tuple[dict[str, Value], tuple[FieldError, ...]]:
    """Typed values of the facts given, and everything wrong with them; a null is a fact not given.

    `path` prefixes the field names of the errors.
    """
    values: dict[str, Value] = {}
    errors: list[FieldError] = []
    for name, raw in given.items():
        fact = declared.get(name)
        if fact is None:
            known = "、".join(sorted(declared)) or "无"
            errors.append(FieldError(f"{path}.{name}", "unknown-fact", f"没有这一项；可填：{known}"))
        elif raw is not None:
            try:
                values[name] = parse_value(fact, raw)
            except ScalarError as error:
                hint = f"（应为：{error.expected}）" if error.expected else ""
                errors.append(FieldError(f"{path}.{name}", "wrong-value", f"{error.message}{hint}"))
    errors += [
        FieldError(f"{path}.{name}", "required", f"必填：{fact.title}")
        for name, fact in declared.items()
        if fact.required and given.get(name) is None
    ]
    return values, tuple(errors)


def parse_value(fact: FactType, raw: object) -> Value:
    """The runtime value of one fact.

    Raises:
        ScalarError: it is no value of the fact's type.

    """
    match raw:
        case bool():
            if fact.type is not Type.BOOLEAN:
                raise ScalarError("XH073", f"{fact.title}不是真假值")
            return raw
        case int() if fact.type is Type.INTEGER:
            return parse_fact(fact, str(raw))
        case str() if fact.type is Type.MONEY and _PLAIN_YUAN.fullmatch(raw):
            return parse_fact(fact, f"{raw} 元")
        case str() if len(raw) > MAX_TEXT:
            raise ScalarError("XH073", f"{fact.title}超过 {MAX_TEXT} 字")
        case str() if not storable(raw):
            raise ScalarError("XH073", f"{fact.title}含有控制字符")
        case int() | float():
            raise ScalarError("XH073", f"{fact.title}须写成文字，不能用数字", expected='如 "5000.50"、"30%"')
        case _:
            return parse_fact(fact, raw)
