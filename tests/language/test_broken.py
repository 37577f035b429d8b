"""Every mistake the compiler knows is found in the file that makes it, with words that help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.compiler import compile_policy
from engine.language import as_github, as_json, as_text
from engine.language.catalogue import CATALOGUE
from engine.workbench import citations, findings
from tests.language.bundles import BROKEN, GOOD, files

FOLDERS = sorted(path for path in BROKEN.iterdir() if path.is_dir())


def test_the_sound_bundle_compiles_without_error_or_warning() -> None:
    """Otherwise the broken ones would prove nothing."""
    compiled = compile_policy(files(GOOD))

    assert [d for d in compiled.diagnostics if d.severity != "info"] == []
    assert compiled.policy is not None


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_a_mistake_is_found_with_its_words(folder: Path) -> None:
    """The code is reported in a file of the overlay, the words stand in it, and every rendering works."""
    expect: dict[str, Any] = yaml.safe_load((folder / "expect.yaml").read_text(encoding="utf-8"))
    overlay = files(folder)
    if generate := expect.get("generate"):
        overlay[generate["path"]] = generate["repeat"] * generate["times"]
    bundle = {**files(GOOD), **overlay}

    compiled = compile_policy(bundle)

    found = [d for d in compiled.diagnostics if d.code == expect["code"]]
    assert found, [f"{d.code} {d.message}" for d in compiled.diagnostics]
    texts = [" ".join((d.message, d.expected, *d.notes)) for d in found]
    assert any(all(word in text for word in expect["words"]) for text in texts), texts
    assert expect["code"] == folder.name.split("-", 1)[0]
    assert (compiled.policy is None) == any(d.severity == "error" for d in compiled.diagnostics)
    assert all(d.span.path in bundle and d.span.line >= 1 and d.span.column >= 1 for d in compiled.diagnostics)
    assert all(code in as_text(compiled.diagnostics, bundle) for code in {d.code for d in compiled.diagnostics})
    assert len(as_json(compiled.diagnostics)) == len(compiled.diagnostics)
    assert as_github(compiled.diagnostics).count("\n") == len(compiled.diagnostics)


def test_every_code_has_a_broken_file() -> None:
    """A diagnostic nobody has seen is a diagnostic nobody has read. Those of the workbench are planted in its tests."""
    shown = {folder.name.split("-", 1)[0] for folder in FOLDERS}

    assert set(CATALOGUE) - citations.CODES - findings.CODES == shown
