"""Laws of precision and recall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from underpaint.metrics.manifold import coverage


def cloud(seed: int, count: int = 150) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)


def test_a_set_covers_itself() -> None:
    assert coverage(cloud(0), cloud(0)) == 1.0


def test_far_points_are_not_covered() -> None:
    assert coverage(cloud(0), cloud(1) + np.float32(100.0)) == 0.0


def test_a_collapsed_set_keeps_precision_and_loses_recall() -> None:
    real = cloud(0, 400)
    collapsed = (real[:1] + 1e-3 * cloud(2, 400)).astype(np.float32)
    assert coverage(real, collapsed) > 0.95
    assert coverage(collapsed, real) < 0.05
