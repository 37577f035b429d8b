"""JSON Schemas of the document kinds, from the raw models, for editors that complete and check while typing.

`grammar` is the schema of a kind in which names are marked (`x-names` and the like, see `engine.language.names`); the
language server reads it. `json_schemas` turns the marks into the names that a policy has, each with its Chinese title.
A schema is generated now and then while names come and go, so one that it does not list is accepted if it is well
formed; only the compiler can say that there is no such thing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from engine.language import names, titles
from engine.language.conditions import ALL_OPERATORS
from engine.language.ir import Policy
from engine.language.raw import CONDITION, SCALAR_SCHEMA
from engine.language.reading import KINDS
from engine.language.titles import VOCABULARY

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DEFINES, DEFINES_KEYS, NAMES, NAMES_KEYS = "x-defines", "x-defines-keys", "x-names", "x-names-keys"
MARKS = (DEFINES, DEFINES_KEYS, NAMES, NAMES_KEYS)
ID = r"^(?:[a-z][a-z0-9-]*)$"
FACT = r"^(?:[a-z][a-z0-9_]*|subject\.kind)$"
NAME = r"^(?:[a-z][a-z0-9_]*)$"

Schema = dict[str, Any]


@cache
def grammar(kind: str) -> Schema:
    """The schema of a document kind, with marks where names stand. Not to be changed by the caller."""
    model = KINDS[kind]
    schema = model.model_json_schema(by_alias=True)
    definitions: Schema = schema.pop("$defs", {})
    enums = {f"#/$defs/{name}": definitions.pop(name) for name in list(definitions) if "enum" in definitions[name]}
    for name, definition in {model.__name__: schema, **definitions}.items():
        for key, value in definition.get("properties", {}).items():
            definition["properties"][key] = _property(name, key, value, enums)
        definition.pop("title", None)
    if CONDITION in repr((schema, definitions)):
        schema, definitions = _with_conditions(schema), _with_conditions(definitions) | _conditions(kind)
    head: Schema = {"$schema": DRAFT, "title": titles.KINDS[kind]}
    return head | schema | ({"$defs": definitions} if definitions else {})


def json_schemas(policy: Policy | None = None) -> dict[str, Schema]:
    """Document kind → its schema; the file `rules/schema/<kind>.json` holds it. With a policy, its names are listed.

    A draft will do: names are most wanted while something is still wrong.
    """
    known = _known(policy) if policy else {}
    return {kind: _published(kind, known) for kind in KINDS}


def as_files(policy: Policy) -> dict[str, str]:
    """File name → text of the schemas with the names of a policy, as `rules/schema/` holds them."""
    return {
        f"{kind}.json": json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        for kind, schema in sorted(json_schemas(policy).items())
    }


# --- from the raw models -----------------------------------------------------------------------------------------


def _property(model: str, key: str, schema: Schema, enums: Mapping[str, Schema]) -> Schema:
    """A property without pydantic's own titles, nulls and empty defaults, with marks and titles for its values."""
    schema = _mapped(_plain(schema), lambda node: _tidy({**enums.get(node.get("$ref", ""), {}), **node}))
    words = VOCABULARY.get(f"{model}.{key}") or VOCABULARY.get(key, {})

    def mark(node: Schema) -> Schema:
        values = node.get("enum") or ([node["const"]] if "const" in node else [])
        if values and set(values) <= words.keys():
            node = {**node, "enum": values, "enumDescriptions": [words[value] for value in values]}
            node.pop("const", None)
        elif _is_name(node) or (node == SCALAR_SCHEMA and key in {"article", "unknown"}):
            for table, sign in ((names.DEFINED, DEFINES), (names.NAMED, NAMES)):
                if (kind := names.look_up(table, model, key)) and not (sign is NAMES and DEFINES in node):
                    node = {**node, sign: kind}
        elif node.get("type") == "object" and "additionalProperties" in node:
            for table, sign in ((names.DEFINED_KEYS, DEFINES_KEYS), (names.NAMED_KEYS, NAMES_KEYS)):
                if kind := table.get(f"{model}.{key}"):
                    node = {**node, sign: kind}
        return node

    description = {"description": schema["description"]} if "description" in schema else {}
    marked: Schema = _mapped({k: v for k, v in schema.items() if k != "description"}, mark)
    return marked | description


def _plain(schema: Schema) -> Schema:
    """Without `null`, which the language does not have, and without empty defaults."""
    schema = dict(schema)
    default = schema.get("default", True)
    if not default or (isinstance(default, dict) and not any(default.values())):
        del schema["default"]
    kept = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(kept) == 1:
        del schema["anyOf"]
        schema = kept[0] | schema
    elif kept:
        schema["anyOf"] = kept
    return schema


def _tidy(node: Schema) -> Schema:
    node = {key: value for key, value in node.items() if key != "title" and not (key == "$ref" and "enum" in node)}
    if "patternProperties" in node:  # pydantic lets other keys pass; the language does not
        ((pattern, value),) = node.pop("patternProperties").items()
        node |= {"additionalProperties": value, "propertyNames": {"pattern": pattern}}
    return node


def _is_name(node: Schema) -> bool:
    return node.get("type") == "string" and node.get("pattern", ID) in {ID, NAME} and "enum" not in node


def _mapped(schema: Any, change: Callable[[Schema], Schema]) -> Any:
    """The schema with `change` applied to it and to every schema inside it, outermost first."""
    if not isinstance(schema, dict):
        return schema
    result = change(schema)
    inner: Schema = {}
    for key, value in result.items():
        match key:
            case "items" | "additionalProperties" | "propertyNames":
                inner[key] = _mapped(value, change)
            case "anyOf":
                inner[key] = [_mapped(option, change) for option in value]
            case "properties" | "$defs" | "patternProperties":
                inner[key] = {name: _mapped(option, change) for name, option in value.items()}
            case _:
                inner[key] = value
    return inner


# --- conditions --------------------------------------------------------------------------------------------------


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


def _conditions(kind: str) -> Schema:
    """The grammar of conditions: over the facts of a memorandum, the inputs of a table, or a record's fields."""
    quantifier: Schema = {
        "record": {"type": "string", "pattern": ID, NAMES: "record"},
        "within": {"type": "string"},
        "where": {"$ref": "#/$defs/Where"},
    }
    answered: Schema = {
        "measure": {"type": "string", "pattern": ID, NAMES: "measure"},
        "by": {"type": "string", "pattern": ID, NAMES: "department"},
        "outcome": {"enum": list(titles.OUTCOMES), "enumDescriptions": list(titles.OUTCOMES.values())},
    }
    order = ("eq", "ne", "lt", "lte", "gt", "gte")
    counts = {name: {"type": "integer", "description": titles.OPERATORS[name]} for name in order}
    over = {"record": "field", "table": "input"}.get(kind)
    if over:
        return _condition("Condition", over)
    shapes: Schema = {
        "exists": {"$ref": "#/$defs/Quantifier"},
        "none": {"$ref": "#/$defs/Quantifier"},
        "count": {"$ref": "#/$defs/Count"},
        "response": {"$ref": "#/$defs/Answered"},
    }
    return {
        **_condition("Condition", "fact", shapes),
        **_condition("Where", "field"),
        "Quantifier": _fixed(_described(quantifier, titles.QUANTIFIER), "record"),
        "Count": _fixed({**_described(quantifier, titles.QUANTIFIER), **counts}, "record"),
        # not "Response", which is the raw model of a measure's terms
        "Answered": _fixed(_described(answered, titles.ANSWERED), "measure", "outcome"),
    }


def _condition(name: str, over: str, shapes: Schema | None = None) -> Schema:
    """A condition over names of one kind, and what such a name is compared with."""
    this = {"$ref": f"#/$defs/{name}"}
    groups = {"type": "array", "minItems": 1, "items": this}
    texts = {"type": "array", "items": SCALAR_SCHEMA, "minItems": 1}
    other = {"type": "string", "pattern": FACT, "description": "另一个同类型的事实", NAMES: over}
    operand = {"anyOf": [SCALAR_SCHEMA, texts, _fixed({"fact": other}, "fact")]}
    compared = _fixed(_described(dict.fromkeys(ALL_OPERATORS, operand), titles.OPERATORS)) | {"minProperties": 1}
    return {
        name: {
            "type": "object",
            "description": "条件：几项并列为同时成立",
            "properties": _described({"all": groups, "any": groups, "not": this} | (shapes or {}), titles.GROUPS),
            "propertyNames": {"pattern": FACT},
            "additionalProperties": {"$ref": f"#/$defs/{name}Test"},
            NAMES_KEYS: over,
        },
        f"{name}Test": {"description": "值，或比较", "anyOf": [SCALAR_SCHEMA, compared]},
    }


def _described(properties: Schema, words: Mapping[str, str]) -> Schema:
    return {key: {**value, "description": words[key]} for key, value in properties.items()}


def _fixed(properties: Schema, *required: str) -> Schema:
    fixed = {"type": "object", "additionalProperties": False, "properties": properties}
    return fixed | {"required": list(required)} if required else fixed


# --- with the names of a policy ----------------------------------------------------------------------------------


def _known(policy: Policy) -> dict[str, dict[str, str]]:
    """Kind of name → name → what it is called. A name that several documents have is called by all its titles."""
    declared: dict[str, list[tuple[str, str]]] = {
        "law": [(i, f"《{law.title}》{law.number or ''}") for i, law in policy.laws.items()],
        "department": [(i, d.title) for i, d in policy.departments.items()],
        "record": [(i, r.title) for i, r in policy.records.items()] + [("listing", "在列的名单（内建）")],
        "list": [(i, x.title) for i, x in policy.lists.items()],
        "measure": [(i, m.title) for i, m in policy.measures.items()],
        "matter": [(i, m.title) for i, m in policy.matters.items()],
        "table": [(i, t.title) for i, t in policy.tables.items()],
        "ladder": [(i, x.title) for i, x in policy.ladders.items()],
        "retention": [(i, x.title) for i, x in policy.retention.items()],
        "memorandum": [(i, m.title) for i, m in policy.memoranda.items()],
        "step": [step for m in policy.matters.values() for step in m.verification.items()],
        "fact": [("subject.kind", "主体种类")]
        + [
            (name, titles.fact_words(fact.title, fact.type))
            for x in policy.lists.values()
            for name, fact in x.facts.items()
        ]
        + [
            (d.fact.name, titles.fact_words(d.fact.title, d.fact.type))
            for m in policy.memoranda.values()
            for d in m.derivations
        ],
        "field": [
            (name, titles.fact_words(fact.title, fact.type))
            for r in policy.records.values()
            for name, fact in r.fields.items()
        ],
    }
    known: dict[str, dict[str, str]] = {}
    for kind, entries in declared.items():
        found: dict[str, dict[str, None]] = {}
        for name, title in entries:
            found.setdefault(name, {})[title] = None
        known[kind] = {name: " / ".join(said) for name, said in sorted(found.items())}
    return known


def _published(kind: str, known: Mapping[str, Mapping[str, str]]) -> Schema:
    own = {"list": {"fact"}, "record": {"field"}}.get(kind, set())  # names that the document itself declares
    used: dict[str, Schema] = {}

    def change(node: Schema) -> Schema:
        named, keyed = node.get(NAMES, ""), node.get(NAMES_KEYS, "")
        result = {key: value for key, value in node.items() if key not in MARKS}
        if named in known and named not in own:
            words = known[named]
            own_form = {key: result.pop(key) for key in ("type", "pattern") if key in result}
            shape = named if "pattern" in own_form else f"{named}-text"
            enum = {"enum": list(words), "enumDescriptions": list(words.values())}
            used[shape] = {"anyOf": [enum, own_form]}
            result = {key: value for key, value in result.items() if key != "examples"}
            result["$ref"] = f"#/$defs/{shape}"
        if keyed in known and keyed not in own:
            listed = {
                name: {"$ref": f"#/$defs/{keyed}-value", "description": words} for name, words in known[keyed].items()
            }
            value = used.setdefault(f"{keyed}-value", node["additionalProperties"])
            assert value == node["additionalProperties"], keyed
            if "properties" in node:
                result["properties"] = listed | node["properties"]
            else:
                used[f"{keyed}-keys"] = {"properties": listed}
                result["$ref"] = f"#/$defs/{keyed}-keys"
        return result

    schema: Schema = _mapped(grammar(kind), change)
    return schema | {"$defs": schema.get("$defs", {}) | used} if used else schema
