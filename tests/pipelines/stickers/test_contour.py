from __future__ import annotations

import numpy as np
import pytest

from underpaint.pipelines.stickers.contour import COARSE, FINE, blurred, contour


def disc(side: int, radius: float, center: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Coverage of a disc, with a soft edge a pixel wide."""
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    return np.clip(radius - np.hypot(rows - center[0], columns - center[1]) + 0.5, 0.0, 1.0)


def levels(coverage: np.ndarray) -> np.ndarray:
    return np.rint(coverage * 255).astype(np.uint8)


@pytest.mark.parametrize(("side", "within"), [(128, 0.1), (FINE + 51, 0.15), (COARSE + 100, 0.3)])
def test_the_contour_of_a_disc_is_a_disc_larger_by_the_width(side, within):
    radius, width = side * 0.3, 6.3
    covered = contour(levels(disc(side, radius)), width)
    assert abs(np.sqrt(covered.sum() / np.pi) - radius - width) < within


def test_the_edge_is_soft_and_nowhere_far_from_where_it_should_be():
    covered, ideal = contour(levels(disc(128, 40.0)), 8.0), disc(128, 48.0)
    assert np.abs(covered - ideal).max() < 0.35
    assert ((covered > 0) & (covered < 1)).sum() > 100


def test_a_wider_contour_covers_whatever_a_narrower_one_does():
    alpha = levels(np.maximum(disc(96, 15.0, (-8, -10)), disc(96, 11.0, (9, 12))))
    narrow, wide = contour(alpha, 3.0), contour(alpha, 6.0)
    assert (wide >= narrow - 1e-5).all() and wide.sum() > narrow.sum()


def test_notches_narrower_than_the_knife_are_filled_and_wide_ones_stay():
    alpha = np.zeros((100, 100), dtype=np.uint8)
    alpha[20:80, 20:80] = 255
    alpha[20:60, 48:52] = 0  # a slit of 4 pixels
    assert contour(alpha, 4.0)[40, 50] == 1.0
    alpha[20:60, 35:65] = 0
    assert contour(alpha, 4.0)[30, 50] == 0.0


def test_the_rim_of_the_picture_leaves_no_trace():
    alpha = np.zeros((60, 60), dtype=np.uint8)
    alpha[10:50, 10:50] = 255
    covered = contour(alpha, 10.0)
    assert np.allclose(covered, covered[::-1], atol=1e-5) and np.allclose(covered, covered.T, atol=1e-5)
    assert covered[0, 0] == 0.0 and covered[0, 30] > 0.4


def test_a_blur_keeps_the_amount_of_shadow():
    covered = disc(128, 30.0).astype(np.float32)
    assert abs(blurred(covered, 4.0).sum() / covered.sum() - 1.0) < 0.01
