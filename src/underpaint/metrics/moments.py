"""Mean and covariance of a stream of features.

Blocks are centered before they are multiplied, so that a large mean costs no digits, and sums stay in float64: memory
is one ``[d, d]`` matrix and one block, whatever the number of rows.

Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from underpaint.core.errors import DegenerateSamples, TooFewSamples
from underpaint.metrics.estimate import Floats
from underpaint.metrics.samples import Features, blocks, check_finite


@dataclass(frozen=True, eq=False)
class Moments:
    """Number, mean and scatter of rows.

    Args:
        n: Number of rows.
        mean: ``[d]``.
        scatter: ``[d, d]``, the sum of ``(x - mean)(x - mean)^T``.
    """

    n: int
    mean: Floats
    scatter: Floats

    @classmethod
    def of(cls, features: Features | Iterable[Features], *, name: str = "generated") -> Moments:
        """Read features once.

        Args:
            features: ``[n, d]``, memory-mapped if large, or an iterable of blocks ``[rows, d]``.
            name: What the rows are, for messages.

        Raises:
            DegenerateSamples: A feature is not finite, there is no row, or blocks differ in width.
        """
        total: Moments | None = None
        for block in blocks(features) if isinstance(features, np.ndarray) else features:
            if block.ndim != 2 or (total is not None and block.shape[1] != len(total.mean)):
                raise DegenerateSamples(
                    f"a block of the {name} features has shape {block.shape}, allowed is [rows, d] with one d for all"
                )
            check_finite(block, name=name, first_row=total.n if total else 0)
            if len(block):
                total = cls._of_block(block) if total is None else total.merge(cls._of_block(block))
        if total is None:
            raise DegenerateSamples(f"there are no {name} features; give at least one row")
        return total

    @classmethod
    def _of_block(cls, block: Features) -> Moments:
        rows = np.asarray(block, dtype=np.float64)
        mean = rows.mean(axis=0)
        rows = rows - mean
        return cls(len(rows), mean, rows.T @ rows)

    @property
    def covariance(self) -> Floats:
        """``[d, d]``, with n - 1 in the denominator."""
        if self.n < 2:
            raise TooFewSamples(f"a covariance needs at least 2 samples, got {self.n}; draw more pictures")
        return self.scatter / (self.n - 1)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both sets together."""
        n = self.n + other.n
        gap = other.mean - self.mean
        scatter = self.scatter + other.scatter + np.outer(gap, gap) * (self.n * other.n / n)
        return Moments(n, self.mean + gap * (other.n / n), scatter)

    def without(self, group: Moments) -> Moments:
        """Return the moments after ``group``, a part of these rows, is deleted."""
        n = self.n - group.n
        if n < 1:
            raise TooFewSamples(f"cannot delete {group.n} of {self.n} rows; at least one must stay")
        mean = self.mean - (group.mean - self.mean) * (group.n / n)
        gap = group.mean - mean
        return Moments(n, mean, self.scatter - group.scatter - np.outer(gap, gap) * (n * group.n / self.n))

    def columns(self, kept: np.ndarray) -> Moments:
        """Return the moments of some dimensions: ``kept`` is a mask or indices into ``[d]``."""
        return self if np.all(kept) else Moments(self.n, self.mean[kept], self.scatter[np.ix_(kept, kept)])
