"""Kernel distance between two sets of features: the unbiased squared maximum mean discrepancy.

Source: arXiv 1801.01401 (kernel inception distance), with any features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def polynomial_kernel(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return ``(a . b + 1)^3`` for features ``[N, F]`` and ``[M, F]`` of unit length: ``[N, M]``."""
    return (a.astype(np.float64) @ b.T.astype(np.float64) + 1.0) ** 3


@dataclass(frozen=True)
class KernelTable:
    """All pairwise kernels of a real and a generated set of equal size, so that subsets cost nothing.

    Args:
        real: ``[N, N]`` among the real ones.
        generated: ``[N, N]`` among the generated ones.
        across: ``[N, N]`` real against generated.
    """

    real: NDArray[np.float64]
    generated: NDArray[np.float64]
    across: NDArray[np.float64]

    @classmethod
    def of(cls, real: NDArray[np.float32], generated: NDArray[np.float32]) -> KernelTable:
        """Compute the table from two sets of features ``[N, F]``."""
        return cls(
            polynomial_kernel(real, real), polynomial_kernel(generated, generated), polynomial_kernel(real, generated)
        )

    def distance(self, rows: NDArray[np.int64] | None = None) -> float:
        """Return the distance of the sets, or of the subsets at ``rows``; can fall below 0 when they are alike."""
        rows = np.arange(len(self.real)) if rows is None else rows
        cut = np.ix_(rows, rows)
        n = len(rows)
        within = [
            float(table[cut].sum() - np.trace(table[cut])) / (n * (n - 1)) for table in (self.real, self.generated)
        ]
        return sum(within) - 2.0 * float(self.across[cut].mean())


def subset_interval(
    tables: list[KernelTable], *, seed: int = 0, draws: int = 400, level: float = 0.95
) -> list[tuple[float, float, float]]:
    """Estimate each table's distance, then the difference of the first two, with intervals from half-size subsets.

    The spread over subsets of half the size, drawn without replacement, is that of the full set's estimate.

    Args:
        tables: Distances to compare on the same prompts.
        seed: Seed of the subsets.
        draws: Number of subsets.
        level: Share of the subsets inside the interval.

    Returns:
        (estimate, low, high) a table, and for the paired difference of the first two if there are two or more.

    Source: half-sampling, McCarthy 1969.
    """
    rng = np.random.default_rng(seed)
    n = len(tables[0].real)
    rows = [rng.permutation(n)[: n // 2] for _ in range(draws)]
    values = np.array([[table.distance(r) for r in rows] for table in tables])  # [tables, draws]
    full = np.array([table.distance() for table in tables])
    if len(tables) > 1:
        values = np.vstack([values, values[0] - values[1]])
        full = np.append(full, full[0] - full[1])
    tail = (1.0 - level) / 2.0
    spread = np.quantile(values - values.mean(axis=1, keepdims=True), [tail, 1.0 - tail], axis=1)
    return [(float(f), float(f + low), float(f + high)) for f, low, high in zip(full, *spread, strict=True)]
