"""The language server over its real streams: from a keystroke to the diagnostics, on the default bundle.

Against compiling the whole bundle anew, in turn with it. Each edit makes or mends a mistake, so diagnostics change.
The figures include the pause for which the server waits before it compiles (`api.lsp.session.DEBOUNCE`).
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from adapters.policy_files import read_bundle
from benchmarks.measure import Comparison
from engine.compiler import compile_policy
from tests.lsp.client import Client

ROOT = Path(__file__).parents[1]
MEMORANDUM = ROOT / "memoranda" / "wage-arrears-2017-2058.yaml"
RIGHT, WRONG = "by: [finance]", "by: [finanse]"
EDITS = 60
LIMIT = 0.3  # seconds, whatever a full compilation takes
PERCENTILES = {"p50": (50, 0.7), "p95": (95, 1.0)}  # and the largest share of a full compilation's time


def compare() -> list[Comparison]:
    """Ours and the full compilation, at the median and at the 95th percentile."""
    bundle = read_bundle()
    text = MEMORANDUM.read_text(encoding="utf-8")
    texts = (text, text.replace(RIGHT, WRONG, 1))
    ours, full = [], []
    with Client([sys.executable, "-m", "api.cli", "lsp", "--no-deep"], cwd=ROOT) as client:
        client.start(ROOT)
        uri = client.open(MEMORANDUM, text)
        client.published(uri, client.version)
        for edit in range(EDITS):
            start = time.perf_counter()
            found = client.published(uri, client.change(uri, texts[edit % 2]))
            ours.append(time.perf_counter() - start)
            assert bool(found) is bool(edit % 2)
            start = time.perf_counter()
            compile_policy(bundle)
            full.append(time.perf_counter() - start)
        client.stop()
    return [_row(name, at, bound, ours, full) for name, (at, bound) in PERCENTILES.items()]


def _row(name: str, at: int, bound: float, ours: list[float], full: list[float]) -> Comparison:
    mine, whole = (statistics.quantiles(times, n=100)[at - 1] for times in (ours, full))
    return Comparison(
        f"keystroke to diagnostics in the language server, {name}",
        "compiling the whole bundle anew",
        mine,
        whole,
        f"≤ {bound:g} ×, and ≤ {LIMIT * 1e3:.0f} ms",
        min(bound, LIMIT / whole),
    )
