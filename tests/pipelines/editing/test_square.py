from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from underpaint.pipelines.editing.square import fitted, squared, squared_mask


def test_a_picture_of_the_size_keeps_every_bit_even_where_nothing_is_seen():
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 4), dtype=np.uint8)
    pixels[3, 4] = (1, 2, 3, 0)
    assert np.array_equal(np.asarray(squared(Image.fromarray(pixels), 16)), pixels)


@pytest.mark.parametrize("size", [(64, 32), (33, 64), (8, 4), (2000, 1000), (1, 90)])
def test_a_picture_lies_in_the_middle_with_its_shape_and_nothing_around_it(size):
    square = np.asarray(squared(Image.new("RGBA", size, (200, 100, 50, 255)), 32))
    left, top, width, height = fitted(size, 32)
    assert square.shape == (32, 32, 4) and max(width, height) == 32
    assert abs(width / height - size[0] / size[1]) <= 1 / min(width, height) + size[0] / size[1] / 16
    inner = square[top : top + height, left : left + width]
    assert np.abs(inner.astype(int) - (200, 100, 50, 255)).max() <= 1
    outside = np.ones((32, 32), dtype=bool)
    outside[top : top + height, left : left + width] = False
    assert not square[outside].any()


def test_colors_of_invisible_pixels_do_not_bleed():
    pixels = np.zeros((64, 64, 4), dtype=np.uint8)
    pixels[:, :32] = (0, 0, 255, 255)
    pixels[:, 32:] = (255, 0, 0, 0)
    square = np.asarray(squared(Image.fromarray(pixels), 16))
    assert square[square[..., 3] > 0][:, 0].max() <= 1


def test_one_masked_pixel_in_a_million_marks_the_pixel_it_falls_into_and_no_other():
    inside = np.zeros((1000, 500), dtype=bool)
    inside[999, 0] = True
    square = squared_mask(inside, 10)
    assert np.argwhere(square).tolist() == [[9, 2]]


@pytest.mark.parametrize("size", [(40, 24), (24, 40), (5, 3), (100, 100)])
def test_a_mask_lies_where_its_picture_lies(size):
    left, top, width, height = fitted(size, 32)
    expected = np.zeros((32, 32), dtype=bool)
    expected[top : top + height, left : left + width] = True
    assert np.array_equal(squared_mask(np.ones(size[::-1], dtype=bool), 32), expected)
