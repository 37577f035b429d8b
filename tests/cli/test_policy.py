"""check, test, schema, policy: what policy staff use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema_rs

from adapters.policy_files import default_bundle
from tests.cli.conftest import Shell
from tests.language.bundles import GOOD

THRESHOLD = "rules/tables/farmer-credit.yaml"


def copied(folder: Path) -> Path:
    """The default bundle, to be changed."""
    for name in ("rules", "memoranda"):
        shutil.copytree(default_bundle() / name, folder / name)
    return folder


def changed(folder: Path, old: str, new: str) -> Path:
    """The default bundle with one line of the farmers' table changed."""
    path = copied(folder) / THRESHOLD
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return folder


def test_the_default_bundle_has_counts_and_no_error(shell: Shell) -> None:
    """`check` without a path takes what is shipped."""
    text = shell.run("check", db=False)
    document = json.loads(shell.run("check", "--quick", "--format", "json", db=False).stdout)

    assert text.exit_code == 0, text.output
    assert "0 个错误" in text.stdout
    assert document["counts"]["measure"] >= 70
    assert document["version"] in text.stdout


def test_a_mistake_is_shown_with_its_line_and_fails(shell: Shell, tmp_path: Path) -> None:
    """As text with a caret, as JSON, and as annotations; exit code 1."""
    folder = shutil.copytree(GOOD, tmp_path / "bundle")
    path = folder / "rules" / "tables" / "credit.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("hit: unique", "hit: uniqe"), encoding="utf-8")
    text, form, github = (shell.run("check", folder, "--format", form, db=False) for form in ("text", "json", "github"))
    (error,) = (d for d in json.loads(form.stdout)["diagnostics"] if d["severity"] == "error")

    assert (text.exit_code, form.exit_code, github.exit_code) == (1, 1, 1)
    assert "hit: uniqe" in text.stdout
    assert "^" in text.stdout
    assert error["path"] == "rules/tables/credit.yaml"
    assert "::error file=rules/tables/credit.yaml,line=" in github.stdout


def test_a_path_that_is_not_there_is_a_wrong_use(shell: Shell, tmp_path: Path) -> None:
    """Exit code 2, for `check` and `test` alike."""
    assert shell.run("check", tmp_path / "no", db=False).exit_code == 2
    assert shell.run("test", tmp_path / "no", db=False).exit_code == 2


def test_the_tests_beside_the_rules_run(shell: Shell, tmp_path: Path) -> None:
    """All pass as shipped; a changed threshold fails the test that names it, with what came instead."""
    passed = json.loads(shell.run("test", "--json", db=False).stdout)
    failed = shell.run("test", changed(tmp_path, "cap: 20 万元", "cap: 1 万元"), db=False)

    assert passed["failed"] == []
    assert passed["passed"] >= 40
    assert failed.exit_code == 1
    assert "建议额度应为" in failed.stdout


def test_schemas_are_written_for_every_kind(shell: Shell, tmp_path: Path) -> None:
    """Valid JSON Schemas, with Chinese descriptions, under the names that the files' first lines give."""
    written = json.loads(shell.run("schema", "--out", tmp_path / "schema", "--json", db=False).stdout)
    schemas = {Path(path).stem: json.loads(Path(path).read_text(encoding="utf-8")) for path in written}
    first_lines = {
        p.read_text(encoding="utf-8").splitlines()[0]
        for p in default_bundle().glob("rules/*/*.yaml")
        if p.parent.name not in {"documents", "schema"}
    }
    named = {line.rpartition("/")[2].removesuffix(".json") for line in first_lines}

    for schema in schemas.values():
        assert jsonschema_rs.meta.is_valid(schema)
    assert named <= set(schemas)
