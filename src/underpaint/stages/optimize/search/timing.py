"""What a candidate costs: timed in turn with the model before (A B B A), each in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from underpaint.metrics.estimate import Estimate, Floats
from underpaint.metrics.interval import ratio_of_medians
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.cores import choose_threads
from underpaint.stages.optimize.search.drawing import Drawing
from underpaint.stages.optimize.search.record import Cost, Ratio

WARM_UPS = 5
DRIFT = 0.10
"""How far the model before may be from itself between the halves of a comparison."""
LIMIT_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Times:
    """Times of pairs in milliseconds, wall clock and processor.

    Args:
        candidate: ``[2, n]``.
        base: ``[2, n]``, drawn next to the candidate's of the same place.
        busy: More programs than there are cores wanted to run, and one of the two waited for a core.
    """

    candidate: Floats
    base: Floats
    busy: bool

    @property
    def noisy(self) -> bool:
        """Tell whether wall clocks cannot be trusted."""
        half = self.base.shape[1] // 2
        first, second = np.median(self.base[0, :half]), np.median(self.base[0, half:])
        return self.busy or bool(abs(np.log(second / first)) > np.log1p(DRIFT))


def times_of(candidate: Drawing, base: Drawing, requests: Sequence[DrawRequest], pairs: int) -> Times:
    """Time both in the order A B B A.

    Args:
        candidate: A loaded model.
        base: The model before.
        requests: Drawn in turn, the same by both.
        pairs: Number of pairs.
    """
    for number in range(WARM_UPS):
        for drawing in (candidate, base):
            drawing.time(requests[number % len(requests)], LIMIT_S)
    found = np.empty((2, 2, pairs))
    for index in range(pairs):
        for side in (0, 1) if index % 2 == 0 else (1, 0):
            found[side, :, index] = (candidate, base)[side].time(requests[index % len(requests)], LIMIT_S)
    crowded = os.getloadavg()[0] > choose_threads(environment={})
    return Times(candidate=found[0], base=found[1], busy=crowded and any(waited(side) for side in found))


def waited(times_ms: Floats) -> bool:
    """Tell whether a model waited for a core: its median picture took longer than the processor worked on it.

    Args:
        times_ms: ``[2, n]``, wall clock and processor.
    """
    return float(np.median(times_ms[0] / times_ms[1])) > 1.0 + DRIFT


def cost_of(
    candidate: Drawing, base: Drawing, requests: Sequence[DrawRequest], pairs: int, disk_mb: float, seed: int
) -> Cost:
    """Measure what a candidate costs; where the model before drifted it is measured once more.

    Args:
        candidate: A loaded model.
        base: The model before.
        requests: Drawn in turn, the same by both.
        pairs: Number of pairs.
        disk_mb: Size of the candidate's files.
        seed: Of the pairs drawn again for intervals.
    """
    times = times_of(candidate, base, requests, pairs)
    if times.noisy and not times.busy:
        times = times_of(candidate, base, requests, pairs)
    wall, cpu = (ratio_of_medians(times.candidate[row], times.base[row], np.random.default_rng(seed)) for row in (0, 1))
    return Cost(
        latency_ratio=_ends(wall),
        cpu_ratio=_ends(cpu),
        latency_ms=float(np.median(times.candidate[0])),
        base_ms=float(np.median(times.base[0])),
        peak_rss_mb=candidate.peak_mb(),
        disk_mb=disk_mb,
        pairs=pairs,
        noisy=times.noisy,
    )


def _ends(ratio: Estimate) -> Ratio:
    assert ratio.interval is not None, "a ratio of medians has an interval"
    return ratio.value, ratio.interval.low, ratio.interval.high
