"""What the learning-free features see."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.metrics.shape_color import shape_color_features


def square(color: tuple[int, int, int, int], left: int = 16, side: int = 24, size: int = 64) -> np.ndarray:
    picture = np.zeros((size, size, 4), dtype=np.uint8)
    picture[16 : 16 + side, left : left + side] = color
    return picture


def features(*pictures: np.ndarray) -> np.ndarray:
    return shape_color_features(np.stack(pictures))


def test_features_have_unit_length() -> None:
    rows = features(square((255, 0, 0, 255)), square((0, 0, 255, 128)))
    assert rows.shape == (2, 768)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, rel=1e-4)


def test_an_empty_picture_has_finite_features() -> None:
    assert np.isfinite(features(np.zeros((64, 64, 4), dtype=np.uint8))).all()


def test_color_under_transparency_is_not_seen() -> None:
    clean, dirty = square((255, 0, 0, 255)), square((255, 0, 0, 255))
    dirty[:8, :8, :3] = 77
    assert np.array_equal(features(clean), features(dirty))


def test_moving_and_recoloring_both_change_the_features_and_scale_does_not() -> None:
    base, moved, blue = square((255, 0, 0, 255)), square((255, 0, 0, 255), left=40), square((0, 0, 255, 255))
    larger = base.repeat(2, axis=0).repeat(2, axis=1)
    near = features(base)[0] @ shape_color_features(larger[None])[0]
    assert near > 0.9
    assert features(base)[0] @ features(moved)[0] < 0.6
    assert features(base)[0] @ features(blue)[0] < 0.9
