"""Faults planted in a sound bundle: each is found where it is, and its witness does what the finding says it does."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from engine.compiler import Compiled, Workspace
from engine.language.catalogue import CATALOGUE
from engine.workbench.checking import check_policy
from engine.workbench.findings import UNKNOWN, Finding
from engine.workbench.illustrating import SHOWERS, illustrate
from engine.workbench.witness import describe
from tests.language.bundles import BROKEN, GOOD
from tests.language.bundles import files as bundle_of
from tests.shipped import shipped_policy
from tests.workbench.claims import CLAIMS, Case
from tests.workbench.plants import BANK, GRADING, INVOICES, MAIN, PLANTS
from tests.workbench.sound import BASIS, FILES

ROOT = Path(__file__).parents[2]
DAY = dt.date(2026, 11, 24)
NO_EFFORT = 1
DEEP = {code for code in CATALOGUE if "XH200" <= code < UNKNOWN}


@cache
def _workspace() -> Workspace:
    return Workspace()


def compiled(bundle: dict[str, str]) -> Compiled:
    """The bundle; files that did not change are read once."""
    return _workspace().compile(bundle)


def findings(bundle: dict[str, str]) -> tuple[Finding, ...]:
    """Everything that compiler and deep check say of a bundle, with witnesses."""
    done = compiled(bundle)
    shown = illustrate(done.draft, done.diagnostics, DAY)
    return shown if done.policy is None else (*shown, *check_policy(done.policy, DAY).findings)


def places(found: tuple[Finding, ...]) -> list[tuple[str, str, int]]:
    """Code, path and line of each finding."""
    return sorted((f.diagnostic.code, f.diagnostic.span.path, f.diagnostic.span.line) for f in found)


def test_nothing_is_found_in_the_sound_bundle() -> None:
    """Otherwise the planted faults would prove nothing."""
    assert findings(FILES) == ()


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_fault_is_found_with_a_witness(name: str) -> None:
    """It and nothing else, at its line; the interpreter sees on the witness what it says; a note tells the witness."""
    plant = PLANTS[name]
    found = findings(plant.files())

    assert places(found) == plant.places()
    draft = compiled(plant.files()).draft
    for finding in found:
        CLAIMS[finding.diagnostic.code](Case(draft, finding))
        assert finding.witness
        assert all(any(describe(draft, one) in note for note in finding.diagnostic.notes) for one in finding.witness)


def test_every_kind_of_fault_is_planted() -> None:
    """Each finding of the deep check that says something, and thirty faults at the least."""
    assert {plant.code for plant in PLANTS.values()} >= DEEP
    assert {plant.code for plant in PLANTS.values()} == CLAIMS.keys()
    assert len(PLANTS) >= 30


@pytest.mark.parametrize("name", {plant.code: name for name, plant in PLANTS.items() if plant.code in DEEP}.values())
def test_without_effort_a_fault_is_unknown_and_never_nothing(name: str) -> None:
    """What the solver gives up on is said, in the file in which the fault is."""
    plant = PLANTS[name]
    policy = compiled(plant.files()).policy
    assert policy is not None
    report = check_policy(policy, DAY, effort=NO_EFFORT)

    assert {d.span.path for d in report.undecided} >= {path for _, path, _ in plant.places()}
    assert {d.code for d in report.diagnostics} <= {UNKNOWN, plant.code}
    assert all(d.severity == "warning" for d in report.undecided)


def test_without_effort_the_compiler_still_says_what_it_said() -> None:
    """A finding that cannot be shown passes as it is."""
    done = compiled(PLANTS["a gap"].files())
    shown = illustrate(done.draft, done.diagnostics, DAY, effort=NO_EFFORT)

    assert tuple(f.diagnostic for f in shown) == done.diagnostics


def test_the_shipped_bundle_has_no_finding_and_no_open_question() -> None:
    """None that is not real, and none that the solver left open."""
    assert check_policy(shipped_policy(), DAY).findings == ()


def test_a_contradiction_that_cannot_happen_is_said_to_be_none() -> None:
    """The compiler's simple proof gives up on a derived fact; the solver's does not."""
    edit = FILES[GRADING].replace("rules:\n", """\
derive:
  - {fact: fine, title: 良好, when: {grade: {in: [A, B]}}}
rules:
""")  # fmt: skip
    bundle = FILES | {GRADING: edit.replace("when: {grade: A}", "when: {fine: true}")}
    (found,) = findings(bundle)

    assert (found.diagnostic.code, found.witness) == ("XH125", ())
    assert "不会对同一人同时成立" in found.diagnostic.notes[-1]


ONLY_LOOKS_LIKE_ONE = {
    "a circle of measures, not of departments": {
        BANK: FILES[BANK].replace("        by: [tax]\n", "        by: [market]\n        after: [no-procurement]\n")
    },
    "a covered rule that overrides another": {
        INVOICES: FILES[INVOICES].replace("- oblige: no-licence\n        by: [market]", "- oblige: no-procurement\n"
        f"        by: [finance]\n    overrides: [noted]\n    basis: [{BASIS}]\n"
        "  - id: noted\n    then:\n      - oblige: publish\n        by: [tax]"),
        f"{INVOICES[:-5]}.test.yaml": FILES[f"{INVOICES[:-5]}.test.yaml"].replace("licence]", "licence, noted]"),
    },
    "a covered rule with terms of its own": {
        MAIN: FILES[MAIN].replace("{harm: grave}\n    then:\n      - oblige: watch\n", "{penalties: {gte: 3}}\n"
        "    then:\n      - oblige: watch\n        response: {arm: 1 working day}\n"),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ONLY_LOOKS_LIKE_ONE)
def test_what_only_looks_like_a_fault_is_none(name: str) -> None:
    """Each of these edits is close to one of the faults, and lawful."""
    edits = ONLY_LOOKS_LIKE_ONE[name]

    assert all(text != FILES[path] for path, text in edits.items())
    assert findings(FILES | edits) == ()


def test_every_draft_can_be_looked_at() -> None:
    """Whatever a draft lacks, each finding of the compiler comes out again, with a witness where its kind has one."""
    sound = set(compiled(bundle_of(GOOD)).diagnostics)
    looked_at = [f for f in sorted(BROKEN.iterdir()) if "XH050" <= f.name < "XH070" or f.name[:5] in SHOWERS]
    for folder in looked_at:
        done = compiled(bundle_of(GOOD) | bundle_of(folder))
        new = [d for d in done.diagnostics if d not in sound]
        shown = illustrate(done.draft, new, DAY)

        assert [replace(f.diagnostic, notes=()) for f in shown] == [replace(d, notes=()) for d in new]
        for finding in shown:
            if finding.diagnostic.code in SHOWERS and folder.name.startswith(finding.diagnostic.code):
                assert finding.witness, folder.name
    assert {folder.name[:5] for folder in looked_at} >= SHOWERS.keys()


AGAIN = """
import sys
from tests.workbench.test_planted import findings
from tests.workbench.claims import CLAIMS, Case
from tests.workbench.plants import PLANTS
sys.stdout.write(repr([findings(PLANTS[name].files()) for name in sys.argv[1:]]))
"""


def test_the_findings_are_the_same_on_every_run() -> None:
    """In this process twice, and in another one with other hashes: the same cases in the same words."""
    names = (
        "a date before the rule is in force",
        "more records, lighter",
        "a circle of two memoranda",
    )
    first, second = (repr([findings(PLANTS[name].files()) for name in names]) for _ in range(2))
    seeded = os.environ | {"PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", AGAIN, *names]
    third = subprocess.run(command, check=True, capture_output=True, text=True, env=seeded, cwd=ROOT).stdout

    assert first == second
    assert first == third
