"""Two models timed in turn in one process, A B B A, so that whatever the machine does meets both alike.

Source: ABBA order cancels linear drift: Cox 1958, Planning of Experiments, chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from underpaint.core.errors import InputError, TooFewSamples
from underpaint.core.progress import Progress, Report, silent
from underpaint.metrics.estimate import Estimate, Floats, Interval
from underpaint.metrics.interval import fewest_for_quantile, ratio_of_medians
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.clock import Clock, SystemClock
from underpaint.runtime.timing import synchronize
from underpaint.stages.evaluate.drawing.running import device_of
from underpaint.stages.evaluate.efficiency.latency import timed_ms, warm_up

if TYPE_CHECKING:
    from underpaint.pipelines.generator import Generator

WARMUP_CALLS = 30
DRAWS = 2000
RATIOS = (0.5, 0.95)
"""Quantiles that a comparison gives the ratio of."""


@dataclass(frozen=True, kw_only=True)
class Interleaved:
    """Times of both, pair by pair.

    Args:
        candidate_ms: ``[n]``.
        baseline_ms: ``[n]``, drawn next to the candidate's of the same place.
    """

    candidate_ms: Floats
    baseline_ms: Floats

    def ratio(self, rng: np.random.Generator, quantile: float = 0.5) -> Estimate:
        """Return the candidate's quantile over the baseline's, from pairs drawn again on log latency.

        Args:
            rng: Draws the pairs.
            quantile: 0.5 for the median, 0.95 for the 95th percentile.

        Raises:
            TooFewSamples: The quantile needs more pairs.
        """
        if quantile == 0.5:
            return ratio_of_medians(self.candidate_ms, self.baseline_ms, rng)
        return ratio_of_quantiles(self.candidate_ms, self.baseline_ms, quantile, rng)


def ratio_of_quantiles(
    candidate_ms: Floats, baseline_ms: Floats, quantile: float, rng: np.random.Generator, level: float = 0.95
) -> Estimate:
    """Return the ratio of two quantiles with an interval from pairs drawn again, on log latency.

    Args:
        candidate_ms: ``[n]``, above 0.
        baseline_ms: ``[n]`` in the same order.
        quantile: For example 0.95.
        rng: Draws the pairs.
        level: Nominal coverage.

    Raises:
        InputError: The lengths differ, or a time is not above 0.
        TooFewSamples: The quantile needs more pairs.
    """
    if len(candidate_ms) != len(baseline_ms) or min(*candidate_ms, *baseline_ms) <= 0.0:
        raise InputError(f"a ratio needs pairs above 0, got {len(candidate_ms)} and {len(baseline_ms)} times")
    n, least = len(candidate_ms), fewest_for_quantile(quantile, level)
    if n < least:
        raise TooFewSamples(f"the ratio of quantile {quantile} needs {least} pairs, got {n}; measure more pairs")
    logs = np.log([candidate_ms, baseline_ms])  # [2, n]
    drawn = np.quantile(logs[:, rng.integers(n, size=(DRAWS, n))], quantile, axis=-1)  # [2, DRAWS]
    off = drawn[0] - drawn[1]
    low, high = np.exp(np.quantile(off, [0.5 - level / 2, 0.5 + level / 2]))
    ends = np.quantile(logs, quantile, axis=-1)
    value = float(np.exp(ends[0] - ends[1]))
    interval = Interval(low=float(low), high=float(high), level=level, method="paired-bootstrap-log")
    return Estimate(value=value, n=n, se=value * float(off.std(ddof=1)), interval=interval)


def interleave(
    candidate: Callable[[int], object],
    baseline: Callable[[int], object],
    pairs: int,
    clock: Clock | None = None,
    report: Report = silent,
) -> Interleaved:
    """Time two calls in the order A B B A A B B A.

    Args:
        candidate: Draws the picture of an index and waits for it.
        baseline: Likewise.
        pairs: Number of pairs.
        clock: What time is read from.
        report: Receives progress.

    Raises:
        InputError: There is no pair.
    """
    if pairs < 1:
        raise InputError(f"a comparison needs at least one pair of calls, got {pairs}")
    clock = clock or SystemClock()
    for call in (candidate, baseline):
        warm_up(lambda call=call: call(0), clock, WARMUP_CALLS)
    times = np.empty((2, pairs))
    for index in range(pairs):
        for side in (0, 1) if index % 2 == 0 else (1, 0):
            call = (candidate, baseline)[side]
            times[side, index] = timed_ms(lambda call=call, index=index: call(index), clock)
        report(Progress(task="time both models in turn", done=index + 1, total=pairs, unit="pairs"))
    return Interleaved(candidate_ms=times[0], baseline_ms=times[1])


def drawing(generator: Generator, requests: Sequence[DrawRequest]) -> Callable[[int], object]:
    """Return a call that draws the request of an index, going round, and waits for the device."""

    def draw(index: int) -> None:
        generator.pipeline.draw([requests[index % len(requests)]])
        synchronize(device_of(generator))

    return draw


def compare_latency(
    candidate: Generator,
    baseline: Generator,
    requests: Sequence[DrawRequest],
    pairs: int,
    *,
    clock: Clock | None = None,
    report: Report = silent,
) -> Interleaved:
    """Time two models on the same requests, one picture at a time.

    Args:
        candidate: A model.
        baseline: The one it is compared with.
        requests: Drawn in turn, the same by both.
        pairs: Number of pairs.
        clock: What time is read from.
        report: Receives progress.

    Raises:
        InputError: There is no request or no pair.
    """
    if not requests:
        raise InputError("a comparison needs at least one picture to draw")
    return interleave(drawing(candidate, requests), drawing(baseline, requests), pairs, clock, report)


def _ratio(times: Interleaved, quantile: float, rng: np.random.Generator) -> dict[str, Any]:
    """Return a ratio for a report, or why there is none."""
    try:
        found = times.ratio(rng, quantile)
    except TooFewSamples as error:
        return {"status": "too_few", "message": str(error), "n": len(times.candidate_ms)}
    ends = asdict(found.interval) if found.interval else {}
    return {"status": "ok", "ratio": found.value, "se": found.se, "n": found.n, **ends}


def latency_summary(times: Interleaved, seed: int = 0) -> dict[str, Any]:
    """Return times of pairs as a record of plain values: ratios of the candidate over the baseline, below 1 is faster.

    Args:
        times: Of both.
        seed: Of the pairs drawn again.
    """
    named = {f"p{100 * quantile:.0f}": quantile for quantile in RATIOS}
    return {
        "order": "ABBA",
        "pairs": len(times.candidate_ms),
        "candidate_p50_ms": float(np.median(times.candidate_ms)),
        "baseline_p50_ms": float(np.median(times.baseline_ms)),
        "ratios": {name: _ratio(times, q, np.random.default_rng(seed)) for name, q in named.items()},
    }


def latency_comparison(
    candidate: Generator,
    baseline: Generator,
    requests: Sequence[DrawRequest],
    pairs: int,
    *,
    seed: int = 0,
    clock: Clock | None = None,
    report: Report = silent,
) -> dict[str, Any]:
    """Time two models in turn and return the record of it; see ``latency_summary``.

    Args:
        candidate: A model.
        baseline: The one it is compared with.
        requests: Drawn in turn, the same by both.
        pairs: Number of pairs; the 95th percentile needs 59.
        seed: Of the pairs drawn again for intervals.
        clock: What time is read from.
        report: Receives progress.

    Raises:
        InputError: There is no request or no pair.
    """
    return latency_summary(compare_latency(candidate, baseline, requests, pairs, clock=clock, report=report), seed)
