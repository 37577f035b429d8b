"""A hostile file gets a diagnostic within a second and 256 MiB; it never brings the process down."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.language.hostile_worker import HOSTILE

MEGABYTES = 256
SECONDS = 1.0
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_file_gets_a_diagnostic_in_time_and_memory(name: str) -> None:
    """Address space is capped for the whole process, interpreter and libraries included."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.language.hostile_worker", name, str(MEGABYTES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert run.returncode == 0, run.stderr[-2000:]
    result = json.loads(run.stdout)
    assert result["codes"], "no diagnostic"
    assert result["seconds"] <= SECONDS, result
