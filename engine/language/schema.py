"""JSON Schemas of the document kinds, from the raw models, for editors that complete and check while typing."""

from __future__ import annotations

from typing import Any

from engine.language.conditions import ALL_OPERATORS
from engine.language.raw import CONDITION, SCALAR_SCHEMA
from engine.language.raw_memoranda import OUTCOMES
from engine.language.reading import KINDS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = {"$ref": "#/$defs/Condition"}


def json_schemas() -> dict[str, dict[str, Any]]:
    """Document kind → its schema; the file `rules/schema/<kind>.json` holds it."""
    return {kind: _schema(kind) for kind in KINDS}


def _schema(kind: str) -> dict[str, Any]:
    plain = KINDS[kind].model_json_schema(by_alias=True)
    schema: dict[str, Any] = _with_conditions(plain)
    schema["$schema"] = DRAFT
    schema["title"] = kind
    if schema != plain | {"$schema": DRAFT, "title": kind}:  # it has conditions
        schema.setdefault("$defs", {}).update(_condition_definitions())
    return schema


def _with_conditions(node: Any) -> Any:
    """Replace the placeholder of conditions by a reference to their grammar."""
    if isinstance(node, dict):
        if CONDITION in node:
            kept = {key: value for key, value in node.items() if key == "description"}
            return {**kept, "$ref": f"#/$defs/{node[CONDITION]}"}
        return {key: _with_conditions(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_conditions(item) for item in node]
    return node


def _condition_definitions() -> dict[str, Any]:
    order = ("eq", "ne", "lt", "lte", "gt", "gte")
    texts = {"type": "array", "items": SCALAR_SCHEMA, "minItems": 1}
    operand = {"anyOf": [SCALAR_SCHEMA, texts, {"type": "object", "required": ["fact"], "additionalProperties": False,
                                              "properties": {"fact": {"type": "string"}}}]}  # fmt: skip
    quantifier = {
        "record": {"type": "string", "description": "记录种类"},
        "within": {"type": "string", "description": "回溯期，如 2 years"},
        "where": {**REFERENCE, "description": "对记录字段的条件"},
    }
    groups = {"type": "array", "minItems": 1, "items": REFERENCE}
    return {
        "Condition": {
            "type": "object",
            "description": "条件：几项并列为同时成立",
            "properties": {
                "all": {**groups, "description": "同时成立"},
                "any": {**groups, "description": "至少一项成立"},
                "not": {**REFERENCE, "description": "不成立"},
                "exists": {"$ref": "#/$defs/Quantifier", "description": "有这样的记录"},
                "none": {"$ref": "#/$defs/Quantifier", "description": "没有这样的记录"},
                "count": {"$ref": "#/$defs/Count", "description": "这样的记录有几条"},
                "response": {"$ref": "#/$defs/Answered", "description": "措施的答复"},
            },
            "additionalProperties": {"$ref": "#/$defs/Comparison"},
        },
        "Comparison": {
            "description": "值，或比较",
            "anyOf": [
                SCALAR_SCHEMA,
                {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": False,
                    "properties": dict.fromkeys(ALL_OPERATORS, operand),
                },
            ],
        },
        "Quantifier": {
            "type": "object", "required": ["record"], "additionalProperties": False, "properties": quantifier,
        },
        "Count": {
            "type": "object",
            "required": ["record"],
            "additionalProperties": False,
            "properties": {**quantifier, **{name: {"type": "integer"} for name in order}},
        },
        "Answered": {  # not "Response", which is the raw model of a measure's terms
            "type": "object",
            "required": ["measure", "outcome"],
            "additionalProperties": False,
            "properties": {
                "measure": {"type": "string"},
                "by": {"type": "string"},
                "outcome": {"enum": list(OUTCOMES)},
            },
        },
    }  # fmt: skip
