from __future__ import annotations

import numpy as np
import pytest

from underpaint.pipelines.stickers.composing import composed, prepared
from underpaint.pipelines.stickers.look import Contour, Look
from underpaint.pipelines.stickers.place import Item
from underpaint.pipelines.upscaling.enlarging import upscaled
from underpaint.pipelines.upscaling.haze import CLEAR, FAINT, cleared, without_haze
from underpaint.pipelines.upscaling.resampling import premultiplied


def hazy(level: int = FAINT) -> np.ndarray:
    """An opaque red box of 20 pixels in a picture of 64 that is white at a level of alpha all around it."""
    pixels = np.full((64, 64, 4), (255, 255, 255, level), dtype=np.uint8)
    pixels[22:42, 22:42] = (200, 20, 20, 255)
    return pixels


def shadowed(level: int) -> np.ndarray:
    """An opaque red box of 20 pixels within a black one of 48 that is as faint as a level of alpha."""
    pixels = np.zeros((64, 64, 4), dtype=np.uint8)
    pixels[8:56, 8:56] = (0, 0, 0, level)
    pixels[22:42, 22:42] = (200, 20, 20, 255)
    return pixels


def ramp() -> np.ndarray:
    """Every level of alpha once, in one color: ``[1, 256, 4]``."""
    levels = np.arange(256, dtype=np.uint8)
    return np.stack([np.full_like(levels, 200), levels * 0 + 100, levels * 0 + 50, levels], axis=-1)[None]


def test_up_to_faint_nothing_is_left_and_from_clear_on_every_bit_stays() -> None:
    after = cleared(ramp())
    assert not after[0, 1 : FAINT + 1].any()
    np.testing.assert_array_equal(after[0, CLEAR:], ramp()[0, CLEAR:])


def test_alpha_rises_without_a_step_and_colors_stay() -> None:
    alpha = cleared(ramp())[0, :, 3].astype(int)
    assert np.diff(alpha).min() >= 0
    assert np.diff(alpha).max() <= 2
    values = premultiplied(ramp())
    between = slice(FAINT + 1, CLEAR)
    kept = without_haze(values)[0, between]
    color = values[0, between, :3] / values[0, between, 3:]
    np.testing.assert_allclose(kept[:, :3] / kept[:, 3:], color, rtol=1e-5)


def test_a_picture_without_haze_is_returned_as_it_is() -> None:
    plain = np.where(hazy() == FAINT, 0, hazy()).astype(np.uint8)
    assert cleared(plain) is plain


def test_an_enlarged_picture_has_no_haze_at_either_size() -> None:
    for size in (256, 512):
        alpha = upscaled(hazy(), size)[..., 3]
        assert not alpha[: size // 4].any()
        assert (alpha[size // 2 - 8 : size // 2 + 8, size // 2 - 8 : size // 2 + 8] == 255).all()


def test_what_is_more_than_haze_is_enlarged_with_the_rest() -> None:
    alpha = upscaled(hazy(level=2 * CLEAR), 256)[..., 3]
    assert alpha[:32].min() > CLEAR


def test_nothing_of_the_haze_shows_around_the_contour_of_a_sticker_however_it_is_made() -> None:
    look = Look(contour=Contour(color="#00ff00", width=16.0), specks=True)
    item = Item(width=128, height=128)
    for side in (128, 640):
        pixels = hazy() if side == 128 else np.kron(hazy(), np.ones((10, 10, 1), dtype=np.uint8))
        sticker = composed(pixels, item, look)
        np.testing.assert_array_equal(sticker[0, 64, :3], (0, 255, 0))


@pytest.mark.parametrize("level", range(12, 18))
def test_a_soft_shadow_is_cleared_once_however_long_the_chain(level: int) -> None:
    pixels, look = shadowed(level), Look(specks=True)
    once = int(cleared(pixels)[10, 10, 3])
    assert abs(int(upscaled(pixels, 256)[50, 50, 3]) - once) <= 1
    for side in (100, 256, 600):
        item = Item(width=side, height=side)
        for drawing in (pixels, prepared(pixels, look)):
            alpha = composed(drawing, item, look)[side // 7 : side // 5, side // 4 : -side // 4, 3].astype(int)
            assert np.abs(alpha - once).max() <= 1


def test_haze_all_around_a_small_drawing_takes_no_room() -> None:
    pixels = np.full((64, 64, 4), (255, 255, 255, FAINT), dtype=np.uint8)
    pixels[30:34, 30:34] = (200, 20, 20, 255)
    plain = np.where(pixels == FAINT, 0, pixels)
    stickers = [composed(drawing.astype(np.uint8), Item(width=128, height=128), Look()) for drawing in (pixels, plain)]
    for sticker in stickers:
        assert (sticker[60:68, 10:-10, 3] == 255).all()
