"""The guide for auditors works as written: every command runs, and shows what the guide says that it shows."""

from __future__ import annotations

import re
from pathlib import Path

from tests.forked import forked
from tests.policy.test_guide import BLOCK, run, surroundings

GUIDE = Path(__file__).parents[2] / "docs" / "audit-guide.md"


def test_from_a_search_to_a_restored_backup_as_the_guide_says(tmp_path: Path) -> None:
    """Search, sample, replay, proofs, archive, tampering, erasure, new master key, restored backup, who looked."""
    (tmp_path / "bin").mkdir()
    shown, commands, promises = "", 0, 0
    with forked(tmp_path / "bin", surroundings(tmp_path)) as command:
        for match in BLOCK.finditer(GUIDE.read_text(encoding="utf-8")):
            if match[1] == "sh":
                shown = run(match[2], tmp_path, command)
                commands += 1
            elif match[1] == "text":
                plain = re.sub(r"\s+", "", shown)
                for line in match[2].splitlines():
                    assert re.sub(r"\s+", "", line) in plain, f"{line}\nis not in\n{shown}"
                    promises += 1

    assert (commands, promises) == (17, 27)
    assert {p.name for p in tmp_path.glob("*.zip")} == {"档案.zip", "删除以后.zip", "恢复以后.zip"}
