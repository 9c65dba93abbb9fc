"""Diversity: how many different pictures a set is worth, over all prompts and among the seeds of one prompt.

The Vendi score is the exponential of the entropy of the eigenvalues of a kernel matrix over its size: 1 when all
pictures are the same, n when no two are alike. It grows with n, so it is compared at one n.

Source: arXiv 2210.02410, definition 3.1; other orders: arXiv 2310.12952, equation 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples
from underpaint.metrics.clusters import Clusters, number_clusters
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.interval import jackknife_estimate, mean_by_prompt
from underpaint.metrics.neighbors import Features, blocks, check_features, squared_distances

Kernel = Literal["cosine", "linear", "rbf"]
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

MIN_SAMPLES = 256
MIN_SEEDS = 4
GROUPS = 20
NOTHING = 1e-12
"""Eigenvalues below this part of the whole are rounding."""


def spectrum_diversity(eigenvalues: NDArray[np.floating], order: float = 1.0) -> float:
    """Return the effective number of kinds of a spectrum that sums to 1.

    Args:
        eigenvalues: ``[k]``, not negative but for rounding.
        order: Above 0, infinity included; the larger, the less the rare kinds count.
    """
    kept = eigenvalues[eigenvalues > NOTHING]
    if order == 1.0:
        return math.exp(-float(kept @ np.log(kept)))
    if math.isinf(order):
        return 1.0 / float(kept.max())
    return float((kept**order).sum()) ** (1.0 / (1.0 - order))


def vendi_of_kernel(kernel: Floats, order: float = 1.0) -> float:
    """Return the Vendi score of a matrix of similarities ``[n, n]`` with a diagonal of ones."""
    return spectrum_diversity(np.linalg.eigvalsh(np.asarray(kernel, dtype=np.float64) / len(kernel)), order)


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Samples ready for a kernel: the dual form needs their rows alone, the primal one their kernel matrix.

    Args:
        rows: ``[n, d]`` with squared lengths of mean 1; None in primal form.
        kernel: ``[n, n]`` with a mean diagonal of 1; None in dual form.
    """

    rows: Floats | None
    kernel: Floats | None

    def matrix(self, keep: NDArray[np.bool_] | None = None) -> Floats:
        """Return the matrix with the spectrum of the kept samples' kernel over their number."""
        if self.rows is not None:
            kept = self.rows if keep is None else self.rows[keep]
            return _second_moment(kept)
        assert self.kernel is not None
        kept = self.kernel if keep is None else self.kernel[np.ix_(keep, keep)]
        return kept / len(kept)


def _second_moment(rows: Floats) -> Floats:
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for block in blocks(len(rows)):
        total += rows[block].T @ rows[block]
    return total / len(rows)  # [d, d]


def _prepare(features: Features, kernel: Kernel, bandwidth: float | None) -> _Rows:
    if kernel not in get_args(Kernel):
        raise MetricError(f"there is no kernel {kernel!r}; choose one of {', '.join(get_args(Kernel))}")
    values = features.astype(np.float64)
    if kernel == "rbf":
        if bandwidth is None or not bandwidth > 0:
            raise MetricError(f"the rbf kernel needs a bandwidth above 0, got {bandwidth}; take it from the reference")
        return _Rows(rows=None, kernel=np.exp(-squared_distances(values, values) / (2 * bandwidth**2)))
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    if kernel == "cosine" and not lengths.all():
        raise DegenerateSamples(f"row {int(np.argmin(lengths))} is all zeros and has no direction; remove that picture")
    scale = lengths if kernel == "cosine" else np.sqrt(np.mean(lengths**2))
    if not np.all(scale > 0):
        raise DegenerateSamples("all features are zero; repair the extractor")
    values /= scale
    is_dual = values.shape[1] < len(values)
    return _Rows(rows=values, kernel=None) if is_dual else _Rows(rows=None, kernel=values @ values.T)


def _check_order(order: float) -> None:
    if not order > 0:
        raise MetricError(f"the order of a Vendi score is {order}; it must be above 0 (1 is the usual one)")


def vendi(
    features: Features,
    order: float = 1.0,
    kernel: Kernel = "cosine",
    bandwidth: float | None = None,
    *,
    clusters: Clusters | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the Vendi score of a set at its own size.

    Args:
        features: ``[n, d]``; with fewer dimensions than samples the spectrum is that of the second moment ``[d, d]``.
        order: 1 is the exponential of Shannon's entropy.
        kernel: ``linear`` divides all samples by one number, so that the kernel's diagonal is 1 on average.
        bandwidth: Of the rbf kernel ``exp(-|x - y|^2 / 2 b^2)``; part of the metric's name.
        clusters: ``[n]`` names of independent clusters, for example prompt ids; None if samples are independent.
        level: Nominal coverage.

    Returns:
        The score with the standard error of a jackknife of 20 groups, and the influence of each sample, which below
        order 1 is too small where rare kinds abound. The score is not debiased: it is that of sets of this size.

    Raises:
        TooFewSamples: There are fewer than 256 samples, or 20 clusters.
        DegenerateSamples: A sample has no direction, or the features hold NaN.
    """
    _check_order(order)
    check_features(features, "generated")
    n = len(features)
    if n < MIN_SAMPLES:
        raise TooFewSamples(f"a Vendi score needs {MIN_SAMPLES} samples, got {n}; draw more pictures")
    index = np.arange(n) if clusters is None else number_clusters(clusters, n)
    count = int(index.max()) + 1
    if count < GROUPS:
        raise TooFewSamples(f"the error of a Vendi score needs {GROUPS} clusters, got {count}; add prompts")
    prepared = _prepare(features, kernel, bandwidth)
    without = np.array([_score(prepared.matrix(index % GROUPS != g), order) for g in range(GROUPS)])
    value, influence = _score_with_influence(prepared, order)
    clusters_named = None if clusters is None else count
    estimate = jackknife_estimate(value, without, n=n, num_clusters=clusters_named, level=level)
    return replace(estimate, value_debiased=None, influence=influence)


def _score(matrix: Floats, order: float) -> float:
    return spectrum_diversity(np.linalg.eigvalsh(matrix), order)


def _score_with_influence(prepared: _Rows, order: float) -> tuple[float, Floats]:
    """Return the score and ``[n]`` influences: first-order change as a sample's weight grows."""
    values, vectors = np.linalg.eigh(prepared.matrix())
    kept = values > NOTHING
    values, vectors = values[kept], vectors[:, kept]
    dual = prepared.rows is not None
    energy = (prepared.rows @ vectors) ** 2 if dual else len(vectors) * values * vectors**2  # [n, k]
    score = spectrum_diversity(values, order)
    influence = energy @ _slope(values, order, score)
    return score, influence - influence.mean()


def _slope(values: Floats, order: float, score: float) -> Floats:
    """Return the derivative of the score by each eigenvalue."""
    if order == 1.0:
        return -score * (np.log(values) + 1.0)
    if math.isinf(order):
        return np.where(values == values.max(), -(score**2), 0.0)
    return score * order / (1.0 - order) * values ** (order - 1.0) / float((values**order).sum())


def vendi_curve(
    features: Features,
    rng: np.random.Generator,
    order: float = 1.0,
    kernel: Kernel = "cosine",
    bandwidth: float | None = None,
) -> dict[int, float]:
    """Return the Vendi score of n/4, n/2 and all n samples, to see whether more samples would still raise it.

    Args:
        features: ``[n, d]``.
        rng: Chooses the samples; the smaller set lies in the larger one.
        order: As in ``vendi``.
        kernel: As in ``vendi``.
        bandwidth: As in ``vendi``.
    """
    _check_order(order)
    check_features(features, "generated")
    n, shuffled = len(features), features[rng.permutation(len(features))]
    sizes = sorted({max(1, n // 4), max(1, n // 2), n})
    return {size: _score(_prepare(shuffled[:size], kernel, bandwidth).matrix(), order) for size in sizes}


def vendi_within_prompt(
    features: Features,
    prompt_ids: Clusters,
    order: float = 1.0,
    kernel: Kernel = "cosine",
    bandwidth: float | None = None,
    *,
    rng: np.random.Generator | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the mean over prompts of the Vendi score of that prompt's seeds: 1 when seeds change nothing.

    Args:
        features: ``[n, d]``.
        prompt_ids: ``[n]`` names; every prompt with as many seeds.
        order: As in ``vendi``.
        kernel: As in ``vendi``.
        bandwidth: As in ``vendi``.
        rng: Draws the prompts of the bootstrap; by default seeded with 0.
        level: Nominal coverage.

    Raises:
        TooFewSamples: A prompt has fewer than 4 seeds, or there are fewer than 30 prompts.
        MetricError: Prompts differ in their numbers of seeds.
    """
    _check_order(order)
    groups, index = _seeds(features, prompt_ids)
    scores = [_score(_prepare(features[rows], kernel, bandwidth).matrix(), order) for rows in groups]
    return _mean_of_prompts(np.array(scores), index, rng, level)


def pairwise_distance_within_prompt(
    features: Features, prompt_ids: Clusters, *, rng: np.random.Generator | None = None, level: float = 0.95
) -> Estimate:
    """Estimate the mean over prompts of the mean distance of two seeds of that prompt.

    Args:
        features: ``[n, d]``.
        prompt_ids: ``[n]`` names; every prompt with as many seeds.
        rng: Draws the prompts of the bootstrap; by default seeded with 0.
        level: Nominal coverage.

    Raises:
        TooFewSamples: A prompt has fewer than 4 seeds, or there are fewer than 30 prompts.
        MetricError: Prompts differ in their numbers of seeds.
    """
    groups, index = _seeds(features, prompt_ids)
    return _mean_of_prompts(np.array([_mean_distance(features[rows]) for rows in groups]), index, rng, level)


def _mean_distance(features: Features) -> float:
    values = features.astype(np.float64)
    upper = np.triu_indices(len(values), 1)
    return float(np.linalg.norm(values[upper[0]] - values[upper[1]], axis=1).mean())


def _seeds(features: Features, prompt_ids: Clusters) -> tuple[Numbers, Numbers]:
    """Return the rows of each prompt ``[C, seeds]`` and the prompt of each row ``[n]``."""
    check_features(features, "generated")
    index = number_clusters(prompt_ids, len(features))
    sizes = np.bincount(index)
    if sizes.min() < MIN_SEEDS:
        raise TooFewSamples(f"variety within a prompt needs {MIN_SEEDS} seeds a prompt, got {sizes.min()}; draw more")
    if sizes.min() != sizes.max():
        raise MetricError(f"prompts have {sizes.min()} to {sizes.max()} seeds; draw as many for each")
    return np.argsort(index, kind="stable").reshape(len(sizes), -1).astype(np.int64), index


def _mean_of_prompts(scores: Floats, index: Numbers, rng: np.random.Generator | None, level: float) -> Estimate:
    """Return the mean of one score a prompt, whose influence every picture of the prompt carries."""
    return mean_by_prompt(scores[index], index, rng or np.random.default_rng(0), level=level)
