"""What models cost: timed in turn (A B B A), each in a process of its own, so that a disturbance meets all alike."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from underpaint.metrics.estimate import Estimate, Floats
from underpaint.metrics.interval import ratio_of_medians
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.cores import choose_threads
from underpaint.stages.optimize.search.drawing import Drawing
from underpaint.stages.optimize.search.record import Beside, Cost, Ratio

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
        busy: More programs than there are cores wanted to run, and one of those timed waited for a core.
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

    def ratios(self, seed: int) -> tuple[Ratio, Ratio]:
        """Return the ratios of medians with their intervals, wall clock and processor.

        Args:
            seed: Of the pairs drawn again.
        """
        wall, cpu = (
            ratio_of_medians(self.candidate[row], self.base[row], np.random.default_rng(seed)) for row in (0, 1)
        )
        return _ends(wall), _ends(cpu)

    def cost(self, peak_rss_mb: float, disk_mb: float, seed: int) -> Cost:
        """Return what the candidate costs beside the model before.

        Args:
            peak_rss_mb: Most memory of its process.
            disk_mb: Size of its files.
            seed: Of the pairs drawn again for intervals.
        """
        wall, cpu = self.ratios(seed)
        return Cost(
            latency_ratio=wall,
            cpu_ratio=cpu,
            latency_ms=float(np.median(self.candidate[0])),
            base_ms=float(np.median(self.base[0])),
            peak_rss_mb=peak_rss_mb,
            disk_mb=disk_mb,
            pairs=self.base.shape[1],
            noisy=self.noisy,
        )

    def beside(self, seed: int) -> Beside:
        """Return how long the candidate takes beside what stands in the place of the model before."""
        wall, cpu = self.ratios(seed)
        return Beside(latency_ratio=wall, cpu_ratio=cpu)


@dataclass(frozen=True, kw_only=True)
class Turns:
    """Times of several models that were drawn with in turn.

    Args:
        times_ms: ``[E, 2, n]``, wall clock and processor; the model before stands first.
        busy: As in ``Times``.
    """

    times_ms: NDArray[np.float64]
    busy: bool

    def between(self, candidate: int, base: int = 0) -> Times:
        """Return the times of two of them."""
        return Times(candidate=self.times_ms[candidate], base=self.times_ms[base], busy=self.busy)


def take_turns(drawings: Sequence[Drawing], requests: Sequence[DrawRequest], rounds: int) -> Turns:
    """Time models in turn, forward and back: A B B A, or A B C C B A.

    Args:
        drawings: Loaded models.
        requests: Drawn one after the other, the same by all.
        rounds: Pictures of each.
    """
    for number in range(WARM_UPS):
        for drawing in drawings:
            drawing.time(requests[number % len(requests)], LIMIT_S)
    found = np.empty((len(drawings), 2, rounds))
    order = list(range(len(drawings)))
    for index in range(rounds):
        for place in order if index % 2 == 0 else reversed(order):
            found[place, :, index] = drawings[place].time(requests[index % len(requests)], LIMIT_S)
    crowded = os.getloadavg()[0] > choose_threads(environment={})
    return Turns(times_ms=found, busy=crowded and any(waited(side) for side in found))


def settled_turns(drawings: Sequence[Drawing], requests: Sequence[DrawRequest], rounds: int) -> Turns:
    """Time models in turn; where the first of them, the model before, drifted, once more."""
    turns = take_turns(drawings, requests, rounds)
    if turns.between(0).noisy and not turns.busy:
        turns = take_turns(drawings, requests, rounds)
    return turns


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
    times = settled_turns((base, candidate), requests, pairs).between(1)
    return times.cost(candidate.peak_mb(), disk_mb, seed)


def _ends(ratio: Estimate) -> Ratio:
    assert ratio.interval is not None, "a ratio of medians has an interval"
    return ratio.value, ratio.interval.low, ratio.interval.high
