"""Deciding whether a number got worse: non-inferiority with three outcomes, in one to three looks.

``delta`` is turned so that positive is worse. A pass means that the true difference is below the margin with error
probability ``alpha`` whatever the number of looks; the absence of a significant difference is never a pass.

Source: O'Brien and Fleming, "A multiple testing procedure for clinical trials", 1979 (boundaries); Holm 1979.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["pass", "fail", "indeterminate"]
Mode = Literal["non_inferiority", "equivalence"]
NORMAL = NormalDist()
NODES = 80
FAR = 9.0


@lru_cache
def _nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.polynomial.legendre.leggauss(NODES)


def crossing_probability(height: float, looks: int) -> float:
    """Return how likely a sum of ``looks`` standard normal steps is above ``height`` after one of them."""
    points, weights = _nodes()
    low = -FAR * math.sqrt(looks)
    grid = (height - low) / 2 * points + (height + low) / 2
    weights = weights * (height - low) / 2
    above = np.array([0.5 * math.erfc((height - at) / math.sqrt(2)) for at in grid])
    step = np.exp(-((grid[:, None] - grid[None]) ** 2) / 2) / math.sqrt(2 * math.pi)
    crossed, density = 1.0 - NORMAL.cdf(height), np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    for _ in range(1, looks):
        crossed += float((density * weights) @ above)
        density = step @ (density * weights)
    return crossed


@lru_cache
def obrien_fleming(looks: int, alpha: float = 0.05) -> tuple[float, ...]:
    """Return the one-sided bounds ``z_k = C sqrt(looks / k)`` of each look, for looks at equal distances.

    Args:
        looks: How often one looks, 1 to 3.
        alpha: Probability that any look crosses its bound where the true difference is the margin.
    """
    low, high = 0.0, 8.0 * math.sqrt(looks)
    for _ in range(32):
        middle = (low + high) / 2
        low, high = (middle, high) if crossing_probability(middle, looks) > alpha else (low, middle)
    return tuple(high / math.sqrt(k) for k in range(1, looks + 1))


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a difference and its bounds say.

    Args:
        verdict: ``pass``, ``fail`` or ``indeterminate``.
        beyond_margin: It is proven to be worse by more than the margin.
        low: Lower bound of the difference.
        high: Upper bound.
    """

    verdict: Verdict
    beyond_margin: bool
    low: float
    high: float


def decide(
    delta: float, se: float, margin: float, *, z: float, mode: Mode = "non_inferiority", proven: bool = True
) -> Decision:
    """Decide about one metric.

    Args:
        delta: Difference; positive is worse.
        se: Its standard error.
        margin: Above 0.
        z: Bound of this look.
        mode: ``equivalence`` asks for a difference below the margin in both directions.
        proven: Whether the difference stays proven when all required metrics are looked at together (``holm``).
    """
    low, high = delta - z * se, delta + z * se
    two_sided = mode == "equivalence"
    if high < margin and (not two_sided or low > -margin):
        return Decision(verdict="pass", beyond_margin=False, low=low, high=high)
    worse = low > 0 and delta > margin
    other = two_sided and high < 0 and delta < -margin
    beyond = low > margin or (two_sided and high < -margin)
    failed = proven and (worse or other)
    return Decision(verdict="fail" if failed else "indeterminate", beyond_margin=failed and beyond, low=low, high=high)


def p_value(delta: float, se: float, mode: Mode = "non_inferiority") -> float:
    """Return how likely a difference this far on the bad side is if there is none; both sides for equivalence."""
    delta = abs(delta) if mode == "equivalence" else delta
    sides = 2.0 if mode == "equivalence" else 1.0
    if se <= 0:
        return 0.0 if delta > 0 else 1.0
    return min(1.0, sides * NORMAL.cdf(-delta / se))


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Tell which of several hypotheses are rejected with a probability of any mistake of at most ``alpha``."""
    rejected = [False] * len(p_values)
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] > alpha / (len(p_values) - rank):
            break
        rejected[index] = True
    return rejected


def power(margin: float, se: float, z: float, mode: Mode = "non_inferiority") -> float:
    """Return how likely an equally good candidate passes."""
    if se <= 0:
        return 1.0
    one_sided = NORMAL.cdf(margin / se - z)
    return max(0.0, 2 * one_sided - 1) if mode == "equivalence" else one_sided


def samples_needed(
    n: int, se: float, margin: float, *, z: float, power: float, fixed: float = 0.0, mode: Mode = "non_inferiority"
) -> int | None:
    """Return how many samples let an equally good candidate pass with a given probability.

    Args:
        n: Samples that ``se`` rests on.
        se: Standard error of the difference.
        margin: Above 0.
        z: Bound of the last look.
        power: The probability.
        fixed: The part of ``se**2`` that more samples do not reduce: that of the reference.
        mode: As in ``decide``.

    Returns:
        The number; None if no number is enough, because the reference alone is too small.
    """
    wanted = (1 + power) / 2 if mode == "equivalence" else power
    reach = margin / (z + NORMAL.inv_cdf(wanted))
    left = reach**2 - fixed
    if reach <= 0 or left <= 0:
        return None
    return max(1, math.ceil(n * max(0.0, se**2 - fixed) / left))
