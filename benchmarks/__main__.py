"""Run every benchmark, print the table, and write `benchmarks/results.md`."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from benchmarks import checking, decision, editing, interpreter, proofs, replay, service
from benchmarks.measure import Comparison


def main() -> None:
    """Measure and report."""
    rows: list[Comparison] = []
    for module in (decision, interpreter, service, editing, checking, proofs, replay):
        rows += module.compare()
    lines = [
        "# Results",
        "",
        f"`make bench` on {os.cpu_count()} cores, Python {platform.python_version()}; medians, in turn.",
        "",
        "| what | against | ours | peer | ratio | target | met |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {r.what} | {r.against} | {r.ours * 1e3:.3f} ms | {r.peer * 1e3:.3f} ms | {r.ratio:.2f} | "
            f"{r.target} | {'yes' if r.met else 'no'} |"
            for r in rows
        ),
        "",
    ]
    text = "\n".join(lines)
    print(text)
    (Path(__file__).parent / "results.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
