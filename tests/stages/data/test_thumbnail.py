from __future__ import annotations

import numpy as np
import pytest

from underpaint.stages.data.look import on_white
from underpaint.stages.data.thumbnail import thumbnail_of


def picture(side: int) -> np.ndarray:
    return np.random.default_rng(side).integers(0, 256, (side, side, 4), dtype=np.uint8)


def test_a_picture_of_32_pixels_is_only_put_on_white() -> None:
    assert np.array_equal(thumbnail_of(picture(32)), on_white(picture(32)))


def test_a_thumbnail_is_the_mean_of_what_is_seen() -> None:
    rgba = picture(64)
    seen = on_white(rgba).astype(float).reshape(32, 2, 32, 2, 3).mean((1, 3))
    assert np.abs(thumbnail_of(rgba) - seen).max() <= 2


def test_color_under_clear_pixels_does_not_show() -> None:
    clear = picture(64)
    clear[..., 3] = 0
    assert (thumbnail_of(clear) == 255).all()


@pytest.mark.parametrize("shape", [(8, 8), (33, 20), (128, 256)])
def test_any_size_is_taken(shape: tuple[int, int]) -> None:
    assert thumbnail_of(np.zeros((*shape, 4), np.uint8)).shape == (32, 32, 3)
