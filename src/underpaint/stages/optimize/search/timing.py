"""What models cost: timed in turn, each in a process of its own, so that a disturbance meets all alike.

Who draws after whom is worth a percent, so the order of turns is drawn anew for every round. How fast a process is
stays with it while it lives, so an interval that shall hold for the next process too is one over several starts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from underpaint.metrics.estimate import Estimate, Floats
from underpaint.metrics.interval import ratio_of_medians, ratio_over_starts
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.cores import choose_threads
from underpaint.stages.optimize.search.drawing import Drawing
from underpaint.stages.optimize.search.record import Beside, Cost, Ratio

WARM_UPS = 5
DRIFT = 0.10
"""How far the model before may be from itself between the halves of a comparison."""
LIMIT_S = 600.0


class OutOfTime(Exception):
    """No time is left for the rest of a start."""


@dataclass(frozen=True, kw_only=True)
class Times:
    """Times of pairs in milliseconds, wall clock and processor.

    Args:
        candidate: ``[S, 2, n]``, S starts of n pairs.
        base: ``[S, 2, n]``, drawn in the same round as the candidate's of the same place.
        busy: More programs than there are cores wanted to run, and one of those timed waited for a core.
    """

    candidate: Floats
    base: Floats
    busy: bool

    @property
    def noisy(self) -> bool:
        """Tell whether wall clocks cannot be trusted."""
        wall = self.base[:, 0].ravel()
        first, second = np.median(wall[: len(wall) // 2]), np.median(wall[len(wall) // 2 :])
        return self.busy or bool(abs(np.log(second / first)) > np.log1p(DRIFT))

    def ratios(self, seed: int) -> tuple[Ratio, Ratio]:
        """Return the ratios with their intervals, wall clock and processor.

        Several starts: over starts. One: of medians, from pairs drawn again, which holds for these processes alone.

        Args:
            seed: Of the pairs drawn again.
        """
        return self._ratio(0, seed), self._ratio(1, seed)

    def _ratio(self, clock: int, seed: int) -> Ratio:
        candidate, base = self.candidate[:, clock], self.base[:, clock]
        if len(base) > 1:
            return _ends(ratio_over_starts(candidate, base))
        return _ends(ratio_of_medians(candidate[0], base[0], np.random.default_rng(seed)))

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
            latency_ms=float(np.median(self.candidate[:, 0])),
            base_ms=float(np.median(self.base[:, 0])),
            peak_rss_mb=peak_rss_mb,
            disk_mb=disk_mb,
            pairs=self.base[:, 0].size,
            starts=len(self.base),
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
        times_ms: ``[S, E, 2, n]``: starts, models, wall clock and processor, rounds; the model before stands first.
        crowded: More programs than there are cores wanted to run.
    """

    times_ms: NDArray[np.float64]
    crowded: bool

    @property
    def busy(self) -> bool:
        """As in ``Times``."""
        return self.crowded and any(waited(self.times_ms[:, place]) for place in range(self.times_ms.shape[1]))

    @property
    def base_ms(self) -> float:
        """The median picture of the model before, by the wall clock."""
        return float(np.median(self.times_ms[:, 0, 0]))

    def between(self, candidate: int, base: int = 0) -> Times:
        """Return the times of two of them."""
        return Times(candidate=self.times_ms[:, candidate], base=self.times_ms[:, base], busy=self.busy)


def joined(starts: Sequence[Turns]) -> Turns:
    """Return the turns of several starts of the same models as those of one race."""
    times_ms = np.concatenate([turns.times_ms for turns in starts])  # [S, E, 2, n]
    return Turns(times_ms=times_ms, crowded=any(turns.crowded for turns in starts))


def always() -> bool:
    """Tell that there is time."""
    return True


def take_turns(
    drawings: Sequence[Drawing],
    requests: Sequence[DrawRequest],
    rounds: int,
    rng: np.random.Generator,
    in_time: Callable[[], bool] = always,
) -> Turns:
    """Time one start of models in turn: all draw once in each round, in an order that is drawn anew for every round.

    Args:
        drawings: Loaded models.
        requests: Drawn one after the other, the same by all.
        rounds: Pictures of each.
        rng: Draws the orders.
        in_time: Tells whether there is time left for a picture.

    Raises:
        OutOfTime: There is none.
    """

    def timed(drawing: Drawing, number: int) -> tuple[float, float]:
        if not in_time():
            raise OutOfTime
        return drawing.time(requests[number % len(requests)], LIMIT_S)

    for number in range(WARM_UPS):
        for drawing in drawings:
            timed(drawing, number)
    found = np.empty((1, len(drawings), 2, rounds))
    for index in range(rounds):
        for place in rng.permutation(len(drawings)):
            found[0, place, :, index] = timed(drawings[place], index)
    return Turns(times_ms=found, crowded=os.getloadavg()[0] > choose_threads(environment={}))


def waited(times_ms: Floats) -> bool:
    """Tell whether a model waited for a core: its median picture took longer than the processor worked on it.

    Args:
        times_ms: ``[S, 2, n]``, wall clock and processor.
    """
    return float(np.median(times_ms[:, 0] / times_ms[:, 1])) > 1.0 + DRIFT


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
        seed: Of the orders of turns, and of the pairs drawn again for intervals.
    """
    rng = np.random.default_rng(seed)
    times = take_turns((base, candidate), requests, pairs, rng).between(1)
    if times.noisy and not times.busy:
        times = take_turns((base, candidate), requests, pairs, rng).between(1)
    return times.cost(candidate.peak_mb(), disk_mb, seed)


def _ends(ratio: Estimate) -> Ratio:
    assert ratio.interval is not None, "a ratio of times has an interval"
    return ratio.value, ratio.interval.low, ratio.interval.high
