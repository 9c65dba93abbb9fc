from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import InputError, UnreadableImage
from underpaint.pipelines.editing.mask import merged, read_mask, weights
from underpaint.pipelines.editing.reading import read_original


def transparent_box(size: tuple[int, int] = (32, 32), alpha: int = 0) -> Image.Image:
    mask = Image.new("RGBA", size, "white")
    mask.paste((0, 0, 0, alpha), (4, 8, 12, 20))
    return mask


def test_what_is_transparent_is_drawn_anew(original, box):
    found = read_mask(transparent_box(), original)
    assert np.array_equal(found.inside, box(4, 8, 12, 20).inside)
    assert found.sha256 == box(4, 8, 12, 20).sha256 != box(4, 8, 12, 21).sha256
    assert np.array_equal(read_mask(transparent_box(alpha=127), original).inside, found.inside)


def test_what_is_white_is_drawn_anew_where_that_is_asked_for(original, box):
    black = Image.new("L", (32, 32))
    black.paste(255, (4, 8, 12, 20))
    for mode in ("L", "1", "RGB", "RGBA"):
        assert np.array_equal(read_mask(black.convert(mode), original, edits="white").inside, box(4, 8, 12, 20).inside)


def test_a_mask_is_scaled_as_its_picture_is():
    picture = Image.new("RGB", (64, 32), "red")
    mask = Image.new("RGBA", (64, 32), "white")
    mask.paste((0, 0, 0, 0), (0, 0, 32, 32))
    found = read_mask(mask, read_original(picture, 16))
    expected = np.zeros((16, 16), dtype=bool)
    expected[4:12, :8] = True
    assert np.array_equal(found.inside, expected)


def test_a_mask_of_another_size_is_refused(original):
    with pytest.raises(InputError, match="the mask has 16x32 pixels and the picture has 32x32; make the mask as large"):
        read_mask(transparent_box((16, 32)), original)


def test_a_mask_that_leaves_nothing_to_draw_is_refused(original):
    with pytest.raises(InputError, match=r"has no transparency.*--mask-edits white"):
        read_mask(Image.new("L", (32, 32), 255), original)
    with pytest.raises(InputError, match=r"no pixel of it is transparent; make transparent what"):
        read_mask(transparent_box(alpha=128), original)
    with pytest.raises(InputError, match="no pixel of it is white; paint white"):
        read_mask(Image.new("L", (32, 32), 127), original, edits="white")


def test_a_mask_must_be_a_whole_png(original, tmp_path):
    Image.new("L", (32, 32), 255).save(tmp_path / "mask.jpg")
    with pytest.raises(UnreadableImage, match="is no PNG file"):
        read_mask(tmp_path / "mask.jpg", original, edits="white")
    with pytest.raises(InputError, match="does not exist"):
        read_mask(tmp_path / "none.png", original)


def test_the_share_of_what_is_drawn_rises_inside_the_mask_alone(box):
    inside = box(8, 8, 24, 24).inside
    for seam in range(5):
        share = weights(inside, seam)
        assert not share[~inside].any() and (share[inside] > 0).all()
        assert np.allclose(share[16, 8 : 8 + seam + 1], np.arange(1, seam + 2) / (seam + 1))
        assert share[16, 16] == 1.0
    assert np.array_equal(weights(inside, 0), inside)


def test_the_rim_of_the_picture_is_no_rim_of_the_mask(box):
    share = weights(box(0, 0, 16, 32).inside, 3)
    assert (share[:, :12] == 1.0).all() and np.allclose(share[5, 12:16], [1, 0.75, 0.5, 0.25])


def test_both_ends_of_a_mixture_are_exact_and_between_them_it_is_premultiplied():
    generator = np.random.default_rng(0)
    first, second = (generator.integers(0, 256, (8, 8, 4), dtype=np.uint8) for _ in range(2))
    share = np.zeros((8, 8))
    share[:, 4:] = 1.0
    result = merged(first, second, share)
    assert np.array_equal(result[:, :4], first[:, :4]) and np.array_equal(result[:, 4:], second[:, 4:])
    half = np.full((1, 1), 0.5)
    red, nothing = np.array([[[255, 0, 0, 255]]], dtype=np.uint8), np.array([[[0, 255, 0, 0]]], dtype=np.uint8)
    assert merged(red, nothing, half).tolist() == [[[255, 0, 0, 128]]]
    assert merged(nothing, nothing, half).tolist() == [[[0, 0, 0, 0]]]
