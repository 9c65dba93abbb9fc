"""How pictures look: closed forms and the order in which damage moves them."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import MetricError
from underpaint.metrics.appearance import box_dimension, colorfulness, contrast, fractal_dimension, sharpness
from underpaint.metrics.filters import gaussian_kernel, smooth


def flat(*color: int, side: int = 32) -> np.ndarray:
    return np.full((1, side, side, len(color)), color, dtype=np.uint8)


def halves(left: int, right: int, side: int = 32) -> np.ndarray:
    picture = flat(left, left, left, side=side)
    picture[:, :, side // 2 :] = right
    return picture


def test_gray_has_no_color_and_one_color_has_that_of_the_formula() -> None:
    assert colorfulness(flat(80, 80, 80)) == pytest.approx(0.0)
    assert colorfulness(flat(255, 0, 0)) == pytest.approx(0.3 * np.hypot(255, 127.5))
    assert colorfulness(flat(9)) == pytest.approx(0.0)


def test_colorfulness_equals_the_formula_written_out() -> None:
    picture = np.random.default_rng(0).integers(0, 256, size=(2, 8, 8, 3)).astype(np.uint8)
    for i in range(2):
        r, g, b = np.moveaxis(picture[i].astype(float), 2, 0)
        rg, yb = r - g, 0.5 * (r + g) - b
        expected = np.sqrt(rg.var() + yb.var()) + 0.3 * np.sqrt(rg.mean() ** 2 + yb.mean() ** 2)
        assert colorfulness(picture)[i] == pytest.approx(expected)


def test_contrast_of_black_beside_white_is_a_half() -> None:
    assert contrast(halves(0, 255)) == pytest.approx(0.5)
    assert contrast(flat(10, 20, 30)) == pytest.approx(0.0)


def test_transparent_pixels_are_white_whatever_their_color() -> None:
    clear, white = flat(200, 0, 0, 0), flat(255, 255, 255)
    for describe in (colorfulness, contrast, sharpness, fractal_dimension):
        assert describe(clear) == pytest.approx(describe(white))


def test_blur_takes_sharpness() -> None:
    picture = halves(0, 255) / 255.0
    values = [smooth(picture, gaussian_kernel(15, sigma)) for sigma in (0.5, 1.0, 2.0)]
    found = [sharpness(picture)[0], *(sharpness(np.clip(v, 0, 1))[0] for v in values)]
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(0.5)
    assert sharpness(flat(7, 7, 7)) == pytest.approx(0.0)


def test_dimension_of_points_lines_and_planes() -> None:
    masks = np.zeros((4, 64, 64), dtype=bool)
    masks[0, 10, 10] = True
    masks[1, 10, :] = True
    masks[2] = True
    assert box_dimension(masks) == pytest.approx([0.0, 1.0, 2.0, 0.0])


def test_dimension_of_a_sierpinski_carpet_lies_between_line_and_plane() -> None:
    x, y = np.meshgrid(np.arange(64), np.arange(64))
    triangle = (x & y) == 0  # of dimension log 3 / log 2
    assert box_dimension(triangle[None]) == pytest.approx(np.log(3) / np.log(2))


def test_noise_roughens_edges() -> None:
    rng = np.random.default_rng(0)
    smooth_edge, rough = halves(0, 255, 64), rng.integers(0, 256, size=(1, 64, 64, 3)).astype(np.uint8)
    assert fractal_dimension(smooth_edge) == pytest.approx(1.0, abs=0.15)
    assert fractal_dimension(rough) > 1.8
    assert fractal_dimension(flat(0, 0, 0)) == 0.0


def test_small_or_strange_pictures_are_refused() -> None:
    with pytest.raises(MetricError, match="16 a side"):
        fractal_dimension(flat(0, 0, 0, side=15))
    with pytest.raises(MetricError, match="3 a side"):
        sharpness(flat(0, 0, 0, side=2))
    with pytest.raises(MetricError, match="channels"):
        colorfulness(flat(0, 0))
