"""The JSON Schemas beside the rules are those of the language, and editors find no fault with the default bundle."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from adapters.policy_files import read_bundle
from engine.compiler import compile_policy
from engine.language import json_schemas

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "rules" / "schema"


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core schema, by which editors type plain scalars before a JSON Schema sees them."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML's own way to extend a loader


for tag, pattern, first in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|", ["~", "n", ""]),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))


@pytest.mark.parametrize("kind", sorted(json_schemas()))
def test_a_schema_is_current(kind: str) -> None:
    """`xinheng schema` has been run since the language changed."""
    text = json.dumps(json_schemas()[kind], ensure_ascii=False, indent=2, sort_keys=True) + "\n"

    assert text == (SCHEMA / f"{kind}.json").read_text(encoding="utf-8")


def test_there_is_no_schema_of_an_unknown_kind() -> None:
    """A kind that went takes its schema with it."""
    assert sorted(json_schemas()) == sorted(path.stem for path in SCHEMA.glob("*.json"))


def test_editors_find_no_fault_with_the_default_bundle() -> None:
    """Every file satisfies the schema that its first line names, and that is the schema of its kind."""
    validators = {kind: jsonschema_rs.validator_for(schema) for kind, schema in json_schemas().items()}
    faults = []
    for path, content in read_bundle(()).items():
        text = content.decode() if isinstance(content, bytes) else content
        document = yaml.load(text, Loader=CoreLoader)
        kind = next(iter(document))
        up = "../" * (path.count("/") - 1) if path.startswith("rules/") else "../rules/"
        if text.splitlines()[0] != f"# yaml-language-server: $schema={up}schema/{kind}.json":
            faults.append((path, "the first line does not name the schema"))
        faults += [(path, error.message) for error in validators[kind].iter_errors(document)]

    assert faults == []


def test_the_compiler_passes_the_schemas_by() -> None:
    """They lie beside the rules and are no policy."""
    schemas = {f"rules/schema/{path.name}": path.read_bytes() for path in SCHEMA.glob("*.json")}
    bundle = read_bundle(())

    plain, beside = compile_policy(bundle), compile_policy({**bundle, **schemas})

    assert plain.policy is not None
    assert beside.policy is not None
    assert plain.policy.version == beside.policy.version
