"""A world with known distances, for simulations of the gate: Gaussian features, a reference and models that are off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DIMS, TRUE = 64, 0.327
SPREAD = 6.5  # trace of the reference's covariance
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """A reference and two models with known distances.

    Args:
        scales: ``[d]`` standard deviations of the reference.
        stretch: What the models multiply them by.
        shift: ``[d]`` direction in which the models are off, of length 1.
    """

    scales: Floats
    stretch: float
    shift: Floats

    def frechet(self, length: float) -> float:
        """Return the true distance of a model whose mean is off by ``length``."""
        return length**2 + float(((self.stretch - 1.0) ** 2 * self.scales**2).sum())

    def length(self, frechet: float) -> float:
        """Return by how much the mean of a model with a given true distance is off."""
        return float(np.sqrt(frechet - self.frechet(0.0)))

    def kernel(self, frechet: float) -> float:
        """Return the true kernel distance of a model with a given Fréchet distance: of moments up to the third."""
        mean = self.length(frechet) * self.shift
        own, real = np.diag((self.stretch * self.scales) ** 2), np.diag(self.scales**2)
        third = np.einsum("i,j,k->ijk", mean, mean, mean)
        for order in ("i,jk->ijk", "j,ik->ijk", "k,ij->ijk"):
            third += np.einsum(order, mean, own)
        second = own + np.outer(mean, mean) - real
        terms = 3 * float(mean @ mean) / DIMS, 3 * float((second**2).sum()) / DIMS**2, float((third**2).sum()) / DIMS**3
        return sum(terms)

    def truth(self, metric: str, factor: float) -> float:
        """Return the Fréchet distance of the model whose metric is ``factor`` times that of the baseline."""
        if metric == "fd":
            return factor * TRUE
        low, high = TRUE, 4 * TRUE
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if self.kernel(middle) < factor * self.kernel(TRUE) else (low, middle)
        return high

    def draw(self, noise: Floats, frechet: float) -> NDArray[np.float32]:
        """Return features of a model: ``[n, d]``."""
        return (noise * self.scales * self.stretch + self.length(frechet) * self.shift).astype(np.float32)


def make_world() -> World:
    """Return the world of all runs: half of the distance is in the mean, half in the covariance."""
    scales = np.arange(1, DIMS + 1) ** -0.5
    scales *= np.sqrt(SPREAD / (scales**2).sum())
    stretch = 1.0 + np.sqrt(TRUE / 2 / (scales**2).sum())
    shift = np.full(DIMS, DIMS**-0.5)
    return World(scales=scales, stretch=float(stretch), shift=shift)
