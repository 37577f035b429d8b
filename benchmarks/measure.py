"""Ratios measured side by side: ours and the peer in turn, in one run, medians of many rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """One row of the results. `ratio` is our time divided by the peer's; it should be at most `bound`."""

    what: str
    against: str
    ours: float  # seconds, median
    peer: float  # seconds, median
    target: str
    bound: float

    @property
    def ratio(self) -> float:
        """Our time over the peer's."""
        return self.ours / self.peer

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.ratio <= self.bound


def side_by_side(
    what: str,
    against: str,
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    target: str,
    bound: float,
    rounds: int = 30,
    batch: float = 0.02,
) -> Comparison:
    """Time both in turn, `rounds` times, each for about `batch` seconds; garbage and drift hit both alike."""
    sizes = [_calls_in(run, batch) for run in (ours, peer)]
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for run, size, into in zip((ours, peer), sizes, times, strict=True):
            start = time.perf_counter()
            for _ in range(size):
                run()
            into.append((time.perf_counter() - start) / size)
    return Comparison(what, against, statistics.median(times[0]), statistics.median(times[1]), target, bound)


def _calls_in(run: Callable[[], object], seconds: float) -> int:
    run()
    start = time.perf_counter()
    run()
    return max(1, int(seconds / (time.perf_counter() - start)))
