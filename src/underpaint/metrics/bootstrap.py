"""The bootstrap: how a mean or a median moves when its samples are drawn again with replacement.

Source: Efron 1987, Better bootstrap confidence intervals; Hesterberg 2015, arXiv 1411.5279, section 5.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from underpaint.metrics.distribution import student_quantile
from underpaint.metrics.estimate import normal_quantile

Floats = NDArray[np.float64]

BLOCK = 2**22


def bootstrap_means(means: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """Return the means of ``draws`` sets drawn with replacement from ``means`` ``[C]``: ``[draws]``."""
    count, step = len(means), max(1, BLOCK // len(means))
    sizes = [min(step, draws - first) for first in range(0, draws, step)]
    return np.concatenate([means[rng.integers(count, size=(size, count))].mean(1) for size in sizes])


def bca_levels(means: Floats, drawn: Floats, level: float) -> list[float]:
    """Return the two levels at which quantiles of the drawn means bound an interval of nominal coverage ``level``."""
    normal, count = NormalDist(), len(means)
    off = means - means.mean()
    square = float(off @ off)
    acceleration = float((off**3).sum()) / (6 * square**1.5) if square > 0 else 0.0
    below = float(np.mean(drawn < means.mean()) + np.mean(drawn == means.mean()) / 2)
    bias = normal.inv_cdf(min(max(below, 1 / len(drawn)), 1 - 1 / len(drawn)))
    freedom = count - 1
    t = student_quantile(0.5 + level / 2, freedom) if freedom >= 8 else 2 * normal_quantile(0.5 + level / 2)
    reach = math.sqrt(count / freedom) * t
    shifted = [bias + z for z in (-reach, reach)]
    return [normal.cdf(bias + z / max(1 - acceleration * z, 0.05)) for z in shifted]


def bootstrap_median_difference(pair: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """Return the difference of the medians of two rows ``[2, n]`` whose columns are drawn again: ``[draws]``."""
    n = pair.shape[1]
    step = max(1, BLOCK // n)
    drawn = []
    for first in range(0, draws, step):
        medians = np.median(pair[:, rng.integers(n, size=(min(step, draws - first), n))], axis=2)  # [2, draws]
        drawn.append(medians[0] - medians[1])
    return np.concatenate(drawn)
