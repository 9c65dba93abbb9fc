"""Naturalness: fits of known distributions, the order of damage, laws of the distance."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples
from underpaint.metrics.filters import gaussian_kernel, smooth
from underpaint.metrics.naturalness import (
    Naturalness,
    asymmetric_fit,
    brightness_features,
    normalized_brightness,
)


def drawings(seed: int, count: int = 150, side: int = 32) -> np.ndarray:
    """Return discs of random place, size and gray on a gently shaded ground."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    pictures = []
    for _ in range(count):
        picture = 150 + 60 * np.sin(x / rng.uniform(3, 9) + rng.uniform(0, 6)) * np.cos(y / rng.uniform(3, 9))
        for _ in range(3):
            cx, cy, r = (*rng.uniform(4, side - 4, 2), rng.uniform(3, side / 3))
            picture = np.where((x - cx) ** 2 + (y - cy) ** 2 < r * r, rng.uniform(0, 255), picture)
        pictures.append(picture + rng.normal(0, 2, size=picture.shape))
    return np.clip(np.stack(pictures), 0, 255).astype(np.uint8)[..., None]


def noisy(pictures: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sigma, size=pictures.shape)
    return np.clip(pictures + noise, 0, 255).astype(np.uint8)


def test_fit_finds_the_shape_of_normal_laplace_and_uniform_numbers() -> None:
    rng = np.random.default_rng(0)
    rows = np.stack([rng.normal(size=200_000), rng.laplace(size=200_000)])
    shape, left, right = asymmetric_fit(rows)
    assert shape == pytest.approx([2.0, 1.0], rel=0.03)
    assert left == pytest.approx(right, rel=0.03)
    assert left == pytest.approx([1.0, np.sqrt(2)], rel=0.03)


def test_fit_sees_which_side_is_wider_and_survives_constants() -> None:
    rng = np.random.default_rng(1)
    row = np.abs(rng.normal(size=100_000)) * np.where(rng.random(100_000) < 0.25, -1, 3)
    shape, left, right = asymmetric_fit(row[None])
    assert right / left == pytest.approx(3.0, rel=0.03)
    assert shape[0] == pytest.approx(2.0, rel=0.05)
    assert all(np.isfinite(part).all() for part in asymmetric_fit(np.zeros((2, 50))))


def test_normalized_brightness_ignores_a_shift_and_is_small_on_flat_ground() -> None:
    values = drawings(0, 3)[..., 0] / 255.0
    assert normalized_brightness(values * 0.5 + 0.2) == pytest.approx(normalized_brightness(values * 0.5), abs=1e-6)
    assert normalized_brightness(np.full((1, 16, 16), 0.3)) == pytest.approx(0.0, abs=1e-9)


def test_flat_pictures_have_finite_features_and_batches_do_not_matter() -> None:
    assert np.isfinite(brightness_features(np.full((1, 32, 32, 3), 255, np.uint8))).all()
    pictures = drawings(0, 140)
    whole = brightness_features(pictures)
    assert whole.shape == (140, 36)
    assert whole[[0, 130]] == pytest.approx(
        np.concatenate([brightness_features(pictures[i : i + 1]) for i in (0, 130)])
    )


def test_damage_lowers_naturalness() -> None:
    natural = Naturalness.fit(drawings(0))
    clean = drawings(1, 40)
    by_noise = [natural.score(noisy(clean, sigma)).mean() for sigma in (0, 6, 12, 24)]
    assert by_noise == sorted(by_noise)
    by_blur = [natural.score(smooth(clean / 255.0, gaussian_kernel(13, s)).clip(0, 1)).mean() for s in (0.2, 1.0, 2.0)]
    assert by_blur[0] < min(by_blur[1:])


def test_references_lie_within_the_number_of_features_on_average() -> None:
    pictures = drawings(0, 200)
    square = Naturalness.fit(pictures).score(pictures) ** 2
    assert 0.8 * 36 < square.mean() <= 36, "36 but for the ridge"


def test_bad_references_are_refused() -> None:
    with pytest.raises(TooFewSamples, match="144 pictures at least, got 143"):
        Naturalness.fit(drawings(0, 143))
    with pytest.raises(DegenerateSamples):
        Naturalness.fit(np.zeros((150, 16, 16, 1), np.uint8))
    with pytest.raises(MetricError, match="16 a side"):
        brightness_features(np.zeros((1, 15, 15, 3), np.uint8))
