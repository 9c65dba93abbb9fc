"""Laws of the kernel distance and of its interval."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.metrics.kernel import KernelTable, polynomial_kernel, subset_interval


def cloud(seed: int, count: int = 200, shift: float = 0.0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(count, 16)) + shift
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def test_same_distribution_has_distance_zero_within_noise() -> None:
    values = [KernelTable.of(cloud(2 * s), cloud(2 * s + 1)).distance() for s in range(20)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(20) + 1e-9
    assert min(values) < 0.0 < max(values), "an unbiased estimate falls on both sides of zero"


def test_distance_grows_with_the_shift() -> None:
    distances = [KernelTable.of(cloud(0), cloud(1, shift=shift)).distance() for shift in (0.0, 0.3, 0.6, 1.2)]
    assert distances == sorted(distances)


def test_distance_equals_a_slow_double_loop() -> None:
    real, drawn = cloud(3, 12), cloud(4, 12, shift=0.5)
    kernel = lambda a, b: (float(a @ b) + 1.0) ** 3  # noqa: E731
    pairs = [(i, j) for i in range(12) for j in range(12) if i != j]
    slow = sum(kernel(real[i], real[j]) + kernel(drawn[i], drawn[j]) for i, j in pairs) / len(pairs)
    slow -= 2.0 * np.mean([kernel(a, b) for a in real for b in drawn])
    assert KernelTable.of(real, drawn).distance() == pytest.approx(slow, rel=1e-5)


def test_kernel_of_unit_vectors_with_themselves_is_eight() -> None:
    assert np.allclose(np.diag(polynomial_kernel(cloud(0), cloud(0))), 8.0, rtol=1e-5)


def test_interval_holds_the_difference_of_clearly_different_sets_away_from_zero() -> None:
    real = cloud(0)
    near, far = KernelTable.of(real, cloud(1, shift=0.1)), KernelTable.of(real, cloud(1, shift=0.8))
    rows = subset_interval([near, far], seed=1)
    assert len(rows) == 3
    estimate, low, high = rows[2]
    assert low <= estimate <= high < 0.0
    assert rows == subset_interval([near, far], seed=1)


def test_interval_of_equal_sets_holds_zero() -> None:
    real = cloud(0)
    _, low, high = subset_interval([KernelTable.of(real, cloud(5)), KernelTable.of(real, cloud(6))])[2]
    assert low < 0.0 < high
