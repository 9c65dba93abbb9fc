"""A reference set reduced to what the Frechet distance needs, computed once for all models measured against it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import DegenerateSamples
from underpaint.metrics.estimate import Floats
from underpaint.metrics.moments import Moments
from underpaint.metrics.samples import Features, project

LEAST_EIGENVALUE = 1e-10
LEAST_DEVIATION = 1e-3


@dataclass(frozen=True, eq=False)
class Reference:
    """Mean and covariance of a reference, and a square root of the covariance.

    A dimension whose standard deviation is below a thousandth of the median is left out: divided by its deviation, one
    dead unit outweighs all others. A direction in which the reference does not vary (eigenvalue below 1e-10 of the
    largest) stays in the means and the variances and has no part in the cross term, as the definition says.

    Args:
        mean: ``[D]``.
        covariance: ``[D, D]``, n - 1 in the denominator.
        features: ``[m, D]`` that they are of; None if the reference is held fixed, then the interval leaves out its
            uncertainty.
    """

    mean: Floats
    covariance: Floats
    features: Features | None = None

    @classmethod
    def of(cls, features: Features, *, fixed: bool = False) -> Reference:
        """Measure a reference set.

        Args:
            features: ``[m, D]``.
            fixed: The set is the whole truth and not a sample of it.

        Raises:
            DegenerateSamples: A feature is not finite or none varies.
            TooFewSamples: There are fewer than two rows.
        """
        moments = Moments.of(features, name="reference")
        return cls(moments.mean, moments.covariance, None if fixed else features)

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """``[D]``, the dimensions that count."""
        deviation = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        kept = (deviation > 0.0) & (deviation >= LEAST_DEVIATION * np.median(deviation))
        if not kept.any():
            raise DegenerateSamples(
                f"no dimension of the reference features varies ({len(self.mean)} dimensions); "
                "give a reference of different pictures"
            )
        return kept

    @cached_property
    def eigen(self) -> tuple[Floats, Floats]:
        """Eigenvalues ``[r]``, ascending, and directions ``[d, r]`` in which the reference varies."""
        values, vectors = np.linalg.eigh(self.covariance[np.ix_(self.kept, self.kept)])
        varying = values > LEAST_EIGENVALUE * values[-1]
        return values[varying], vectors[:, varying]

    @property
    def root(self) -> Floats:
        """``F [d, r]`` with ``F F^T`` the covariance."""
        values, vectors = self.eigen
        return vectors * np.sqrt(values)

    @property
    def inverse_root(self) -> Floats:
        """``[d, r]``, the transposed pseudo-inverse of ``root``."""
        values, vectors = self.eigen
        return vectors / np.sqrt(values)

    @property
    def dropped_dims(self) -> int:
        """How many dimensions are left out, or have no part in the cross term."""
        return len(self.mean) - len(self.eigen[0])

    def moments(self) -> tuple[Floats, Floats]:
        """Return mean ``[d]`` and covariance ``[d, d]`` of the kept dimensions."""
        return self.mean[self.kept], self.covariance[np.ix_(self.kept, self.kept)]

    def project(self, directions: Floats) -> Reference:
        """Return the reference seen along ``directions [D, k]``."""
        features = None if self.features is None else project(self.features, directions)
        return Reference(self.mean @ directions, directions.T @ self.covariance @ directions, features)
