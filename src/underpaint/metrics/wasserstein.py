"""Wasserstein-1 distance of two sets of numbers: how far the distribution of a descriptor lies from the reference's.

It is the area between the two distribution functions, in the descriptor's own unit.

Source: Villani, Topics in Optimal Transportation, remark 2.19.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from underpaint.core.errors import DegenerateSamples, TooFewSamples
from underpaint.metrics.clusters import Clusters, number_clusters
from underpaint.metrics.estimate import Estimate, Interval, normal_quantile, variance_of_mean

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

MIN_SAMPLES = 30
METHOD = "bootstrap-debiased+influence"


def distance_of_numbers(a: ArrayLike, b: ArrayLike) -> float:
    """Return the Wasserstein-1 distance of two sets of numbers ``[n]`` and ``[m]``."""
    x, y = np.sort(np.asarray(a, dtype=np.float64)), np.sort(np.asarray(b, dtype=np.float64))
    steps = np.sort(np.concatenate([x, y]))
    return float(np.abs(_gap(x, y, steps[:-1])) @ np.diff(steps))


def _gap(x: Floats, y: Floats, steps: Floats) -> Floats:
    """Return the difference of two distribution functions, of sorted numbers, at ``steps``."""
    return np.searchsorted(x, steps, side="right") / len(x) - np.searchsorted(y, steps, side="right") / len(y)


def _checked(values: ArrayLike, name: str) -> Floats:
    numbers = np.asarray(values, dtype=np.float64).reshape(-1)
    if len(numbers) < MIN_SAMPLES:
        raise TooFewSamples(f"a distance of distributions needs {MIN_SAMPLES} {name} values, got {len(numbers)}")
    if not np.isfinite(numbers).all():
        raise DegenerateSamples(f"the {name} values hold NaN or infinity; leave those pictures out")
    return numbers


def wasserstein_1(
    generated: ArrayLike,
    reference: ArrayLike,
    rng: np.random.Generator,
    *,
    clusters: Clusters | None = None,
    reference_clusters: Clusters | None = None,
    draws: int = 500,
    level: float = 0.95,
) -> Estimate:
    """Estimate the distance of two distributions of numbers.

    The plain value cannot be 0, even of equal distributions. The bootstrap's mean excess over it estimates that bias;
    the interval is the debiased value plus and minus the standard error, that of the influences or of the bootstrap,
    whichever is larger. The percentile and the basic bootstrap cover less (0.75 and 0.77 of 0.95 at a small distance).

    Args:
        generated: ``[n]``.
        reference: ``[m]``.
        rng: Draws the samples of the bootstrap.
        clusters: ``[n]`` names of independent clusters, for example prompt ids; None if samples are independent.
        reference_clusters: ``[m]``, likewise for the reference.
        draws: Number of times.
        level: Nominal coverage.

    Returns:
        The distance, its debiased form, an interval and the influence of every sample of both sets.

    Raises:
        TooFewSamples: A set has fewer than 30 values.
        DegenerateSamples: A value is not finite.
    """
    x, y = _checked(generated, "generated"), _checked(reference, "reference")
    ids = np.arange(len(x)) if clusters is None else number_clusters(clusters, len(x))
    reference_ids = np.arange(len(y)) if reference_clusters is None else number_clusters(reference_clusters, len(y))
    value = distance_of_numbers(x, y)
    drawn = np.array([distance_of_numbers(_again(x, ids, rng), _again(y, reference_ids, rng)) for _ in range(draws)])
    influence, reference_influence = _influences(x, y)
    variance = variance_of_mean(influence, ids) + variance_of_mean(reference_influence, reference_ids)
    center, se = 2 * value - float(drawn.mean()), max(math.sqrt(variance), float(drawn.std(ddof=1)))
    reach = normal_quantile(0.5 + level / 2) * se
    return Estimate(
        value=value,
        n=len(x),
        m=len(y),
        value_debiased=center,
        se=se,
        interval=Interval(low=max(0.0, center - reach), high=max(0.0, center + reach), level=level, method=METHOD),
        num_clusters=None if clusters is None else int(ids.max()) + 1,
        influence=influence,
        reference_influence=reference_influence,
    )


def _again(values: Floats, index: Numbers, rng: np.random.Generator) -> Floats:
    """Return values whose clusters were drawn with replacement."""
    count = int(index.max()) + 1
    times = np.bincount(rng.integers(count, size=count), minlength=count)
    return np.repeat(values, times[index])


def _influences(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return how the distance moves with each value of both sets: the area that lies beyond it, by its sign."""
    steps = np.sort(np.concatenate([x, y]))
    signed = np.sign(_gap(np.sort(x), np.sort(y), steps[:-1])) * np.diff(steps)
    beyond = np.append(np.cumsum(signed[::-1])[::-1], 0.0)  # area from each step to the right
    own, other = (beyond[np.searchsorted(steps, values)] for values in (x, y))
    return own - own.mean(), other.mean() - other
