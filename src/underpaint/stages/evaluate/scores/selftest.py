"""The self-test: do the intervals hold the truth on this very data and extractor?

The reference is split in halves at random, never through a concept. Between two halves of one population the true
distance is 0; after a fixed vector is added to one half's features, the true Fréchet distance is its squared length.
The share of splits whose interval holds the truth is the coverage on real features, tails and clusters included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import TooFewSamples
from underpaint.core.progress import Progress, Report, silent
from underpaint.metrics.estimate import Estimate, Interval
from underpaint.metrics.frechet import frechet_pca, principal_directions
from underpaint.metrics.interval import wilson
from underpaint.metrics.kernel import kid
from underpaint.metrics.reference import Reference
from underpaint.stages.evaluate.seeing.view import RealView

SPLITS = 200
DIRECTIONS = 16
"""Principal directions of the Fréchet distance: few, since each side holds half of the reference."""
SHIFT = 0.5
"""Length of the vector that is added, in standard deviations of the first direction."""
FEWEST = 256


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How often an interval held the truth.

    Args:
        metric: The metric.
        case: ``same`` for two halves of one population, ``shifted`` after a vector was added.
        share: Share of the splits.
        interval: Wilson's interval of that share.
        truth: The true value.
        mean: Mean of the debiased values.
    """

    metric: str
    case: str
    share: float
    interval: Interval
    truth: float
    mean: float


def halves(clusters: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of two random halves that share no cluster.

    Args:
        clusters: ``[m]``.
        rng: Draws the halves.
    """
    names = rng.permutation(np.unique(clusters))
    first = np.isin(clusters, names[: len(names) // 2])
    return np.flatnonzero(first), np.flatnonzero(~first)


def _center(estimate: Estimate) -> float:
    return estimate.value if estimate.value_debiased is None else estimate.value_debiased


def _cases(view: RealView) -> dict[tuple[str, str], tuple[Callable[..., Estimate], NDArray[np.float32], float]]:
    """Return (metric, case) to the metric, the vector that is added, and the truth."""
    directions = principal_directions(Reference.of(view.features), DIRECTIONS)  # [D, k]
    deviation = float((view.features @ directions[:, 0]).std())
    vector = (SHIFT * deviation * directions[:, 0]).astype(np.float32)

    def fd(ours: NDArray[np.float32], theirs: NDArray[np.float32], **clusters: NDArray[np.int64]) -> Estimate:
        return frechet_pca(ours, theirs, directions=directions, **clusters)  # pyright: ignore[reportArgumentType]

    name, nothing = f"fd_pca{DIRECTIONS}", np.zeros_like(vector)
    return {
        (name, "same"): (fd, nothing, 0.0),
        (name, "shifted"): (fd, vector, float(vector @ vector)),
        ("kid", "same"): (kid, nothing, 0.0),
    }


def selftest(view: RealView, *, splits: int = SPLITS, seed: int = 0, report: Report = silent) -> list[Coverage]:
    """Split the reference again and again and count how often each interval holds the truth.

    Args:
        view: The reference in the eyes of an extractor.
        splits: Number of splits.
        seed: Seed of the splits.
        report: Receives progress.

    Raises:
        TooFewSamples: The reference is too small to be halved.
    """
    if len(view.features) < FEWEST:
        raise TooFewSamples(f"a self-test needs {FEWEST} real pictures, got {len(view.features)}")
    rng, clusters, cases = np.random.default_rng(seed), view.clusters, _cases(view)
    held: dict[tuple[str, str], list[bool]] = {case: [] for case in cases}
    centers: dict[tuple[str, str], list[float]] = {case: [] for case in cases}
    for number in range(splits):
        one, other = halves(clusters, rng)
        for case, (metric, vector, truth) in cases.items():
            estimate = metric(
                view.features[one] + vector,
                view.features[other],
                clusters=clusters[one],
                reference_clusters=clusters[other],
            )
            assert estimate.interval is not None
            held[case].append(estimate.interval.low <= truth <= estimate.interval.high)
            centers[case].append(_center(estimate))
        report(Progress(task="self-test", done=number + 1, total=splits, unit="splits"))
    return [
        Coverage(
            metric=metric,
            case=case,
            share=float(np.mean(held[metric, case])),
            interval=wilson(sum(held[metric, case]), splits),
            truth=cases[metric, case][2],
            mean=float(np.mean(centers[metric, case])),
        )
        for metric, case in cases
    ]
