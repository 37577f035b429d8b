"""The JSON Schemas beside the rules are those of the language and the bundle; editors find no fault with the bundle."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from typer.testing import CliRunner

from api.cli import app
from engine.compiler import compile_policy
from engine.language import json_schemas, names
from engine.language.diagnostics import Reporter
from engine.language.reading import KINDS, read_document
from engine.language.schema import DEFINES, DEFINES_KEYS, ID, MARKS, NAME, NAMES, NAMES_KEYS, grammar
from tests.language.bundles import BROKEN, GOOD, files
from tests.shipped import shipped_policy

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "rules" / "schema"
SOUND = files(GOOD)
CHINESE = re.compile("[\u4e00-\u9fff]")


class CoreLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.2's core schema, by which editors type plain scalars before a JSON Schema sees them."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML's own way to extend a loader


for tag, pattern, first in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|", ["~", "n", ""]),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))


@cache
def validators() -> dict[str, Any]:
    """Kind → the validator of its schema with the default bundle's names."""
    return {kind: jsonschema_rs.validator_for(schema) for kind, schema in json_schemas(shipped_policy()).items()}


@cache
def load(path: str) -> Any:
    """A document of the default bundle as an editor reads it."""
    return yaml.load(shipped_policy().sources[path], Loader=CoreLoader)


def test_the_committed_schemas_are_what_the_command_writes(tmp_path: Path) -> None:
    """`xinheng schema` has been run since the language or the names in the bundle changed; no file is left over."""
    result = CliRunner().invoke(app, ["schema", "--out", str(tmp_path)])
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text(encoding="utf-8") for path in SCHEMA.iterdir()}
    stale = {name for name in written.keys() | committed.keys() if written.get(name) != committed.get(name)}

    assert result.exit_code == 0
    assert stale == set(), "run: xinheng schema"
    assert set(written) == {f"{kind}.json" for kind in KINDS}


def test_editors_find_no_fault_with_the_default_bundle() -> None:
    """Every file satisfies the schema that its first line names, and that is the schema of its kind."""
    faults = []
    for path, text in shipped_policy().sources.items():
        document = load(path)
        kind = next(iter(document))
        up = "../" * (path.count("/") - 1) if path.startswith("rules/") else "../rules/"
        if text.splitlines()[0] != f"# yaml-language-server: $schema={up}schema/{kind}.json":
            faults.append((path, "the first line does not name the schema"))
        faults += [(path, error.message) for error in validators()[kind].iter_errors(document)]

    assert faults == []


def test_a_schema_without_names_accepts_the_same_documents() -> None:
    """Listing names is help for the person who types; it narrows nothing."""
    plain = {kind: jsonschema_rs.validator_for(schema) for kind, schema in json_schemas().items()}

    assert all(plain[next(iter(load(path)))].is_valid(load(path)) for path in shipped_policy().sources)


WAGES = "memoranda/wage-arrears-2017-2058.yaml"
SHAPES = {
    "an unknown key": lambda d: d.update(colour="red"),
    "a level that is none": lambda d: d["rules"][0]["then"][0].update(target="nobody"),
    "an empty value": lambda d: d.update(document=None),
    "an id in capitals": lambda d: d.update(list="Wage-Arrears"),
    "two words as a fact": lambda d: d["rules"][0].update(when={"Amount Owed": 1}),
    "an operator that is none": lambda d: d["rules"][0].update(when={"amount_owed": {"over": 1}}),
    "no rules": lambda d: d.update(rules=[]),
    "a rule without id": lambda d: d["rules"][0].pop("id"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_an_editor_sees_a_wrong_shape(name: str) -> None:
    """The schemas are not merely lenient."""
    document = copy.deepcopy(load(WAGES))
    SHAPES[name](document)

    assert not validators()["memorandum"].is_valid(document)


def test_a_name_that_a_schema_has_not_heard_of_is_accepted() -> None:
    """A schema may be older than the newest measure; only the compiler says that there is no such thing."""
    document = copy.deepcopy(load(WAGES))
    document["rules"][0]["then"][0].update(oblige="brand-new", by=["new-office"])

    assert validators()["memorandum"].is_valid(document)


def test_whatever_compiles_satisfies_its_schema() -> None:
    """The broken bundles have many odd documents; what an editor refuses, the compiler does too."""
    accepted = 0
    for folder in sorted(BROKEN.iterdir()):
        overlay = files(folder)
        for path, content in overlay.items():
            if read_document(path, content, reporter := Reporter()) is None or reporter.failed:
                continue
            document = yaml.load(content, Loader=CoreLoader)
            if validators()[next(iter(document))].is_valid(document):
                accepted += 1
                continue
            found = compile_policy({**SOUND, **overlay}).diagnostics
            assert path in {d.span.path for d in found if d.severity == "error"}, (folder.name, path)

    assert accepted > 50


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_described_in_chinese(kind: str) -> None:
    """Every key has its help, and every value of an enumeration its title."""
    lacking = []
    for path, node in _schemas(json_schemas(shipped_policy())[kind]):
        if len(path) > 1 and path[-2] == "properties" and not CHINESE.search(node.get("description", "")):
            lacking.append(path)
        words = node.get("enumDescriptions", [])
        if "enum" in node and not (len(words) == len(node["enum"]) and all(words)):
            lacking.append(path)

    assert lacking == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_is_marked(kind: str) -> None:
    """Each place for an id or a fact's name says what it names or introduces; else `engine.language.names` lacks it."""
    unmarked = []
    for path, node in _schemas(grammar(kind)):
        if node.get("pattern") in {ID, NAME} and path[-1] != "propertyNames" and not node.keys() & {NAMES, DEFINES}:
            unmarked.append(path)
        keys = node.get("propertyNames", {}).get("pattern")
        if keys in {ID, NAME} and not node.keys() & {NAMES_KEYS, DEFINES_KEYS}:
            unmarked.append(path)

    assert {path[-2:] for path in unmarked} <= {("channels", "items"), ("properties", "id")}
    assert {"RawPublicity.channels", "RawKeeping.id"} == names.UNNAMED


def test_no_mark_is_left_in_what_is_published() -> None:
    """They are for the language server."""
    assert not any(mark in str(json_schemas(shipped_policy())) for mark in MARKS)


def test_names_are_listed_with_their_titles() -> None:
    """What an editor offers: departments, measures, laws, facts."""
    defs = json_schemas(shipped_policy())["memorandum"]["$defs"]
    title = dict(zip(*(defs["measure"]["anyOf"][0][key] for key in ("enum", "enumDescriptions")), strict=True))

    assert title == {i: m.title for i, m in sorted(shipped_policy().measures.items())}
    assert "拖欠" in defs["Condition"]["properties"]["amount_owed"]["description"]
    assert defs["Condition"]["properties"]["all"]["description"] == "同时成立"


def test_the_compiler_passes_the_schemas_by() -> None:
    """They lie beside the rules and are no policy."""
    schemas = {f"rules/schema/{path.name}": path.read_bytes() for path in SCHEMA.glob("*.json")}

    assert compile_policy({**SOUND, **schemas}) == compile_policy(SOUND)


def _schemas(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every schema inside a schema, with its path."""
    if not isinstance(node, dict):
        return
    yield path, node
    for key in ("items", "additionalProperties", "propertyNames"):
        yield from _schemas(node.get(key), (*path, key))
    for key in ("properties", "$defs"):
        for name, inner in node.get(key, {}).items():
            yield from _schemas(inner, (*path, key, name))
    for option in node.get("anyOf", ()):
        yield from _schemas(option, (*path, "anyOf"))
