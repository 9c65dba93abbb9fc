from __future__ import annotations

import numpy as np
import pytest

from underpaint.pipelines.stickers.composing import composed, prepared, seen
from underpaint.pipelines.stickers.look import Contour, Look
from underpaint.pipelines.stickers.place import Item
from underpaint.pipelines.upscaling.enlarging import upscaled
from underpaint.pipelines.upscaling.haze import CLEAR, FAINT, TELLING, cleared, is_cleared, without_haze
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
    """Every level of alpha in each of eight rows, in one color: ``[8, 256, 4]``."""
    levels = np.arange(256, dtype=np.uint8)
    row = np.stack([np.full_like(levels, 200), levels * 0 + 100, levels * 0 + 50, levels], axis=-1)
    return np.stack([row] * 8)


def test_up_to_faint_nothing_is_left_and_from_clear_on_every_bit_stays() -> None:
    after = cleared(ramp())
    assert not after[:, 1 : FAINT + 1].any()
    np.testing.assert_array_equal(after[:, CLEAR:], ramp()[:, CLEAR:])


def test_alpha_rises_without_a_step_and_colors_stay() -> None:
    alpha = cleared(ramp())[0, :, 3].astype(int)
    assert np.diff(alpha).min() >= 0
    assert np.diff(alpha).max() <= 3
    values = premultiplied(ramp())
    between = slice(FAINT + 1, CLEAR)
    kept = without_haze(values)[0, between]
    color = values[0, between, :3] / values[0, between, 3:]
    np.testing.assert_allclose(kept[:, :3] / kept[:, 3:], color, rtol=1e-5)


def test_a_picture_without_haze_is_returned_as_it_is() -> None:
    plain = np.where(hazy() == FAINT, 0, hazy()).astype(np.uint8)
    assert cleared(plain) is plain


def noisy(seed: int, most: int = 40) -> np.ndarray:
    """A picture of 48 pixels of every faint level of alpha and some more, in any color."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (48, 48, 4), dtype=np.uint8)
    pixels[..., 3] = rng.integers(0, most, (48, 48))
    return pixels


@pytest.mark.parametrize("pixels", [noisy(0), noisy(1), shadowed(12), shadowed(9), hazy(1), ramp()])
def test_clearing_twice_is_clearing_once(pixels: np.ndarray) -> None:
    once = cleared(pixels)
    np.testing.assert_array_equal(cleared(once), once)


@pytest.mark.parametrize("level", range(1, FAINT + 1))
def test_an_even_haze_goes_whatever_its_level(level: int) -> None:
    assert not cleared(hazy(level))[:20, :, 3].any()
    assert not is_cleared(hazy(level))


def test_a_cleared_picture_is_known_when_it_was_cut_turned_or_mirrored() -> None:
    once = cleared(noisy(2))
    for changed in (once[3:40, 5:], once[4:, 3:41], np.rot90(once), once[:, ::-1], once[::-1]):
        assert is_cleared(changed)
        assert cleared(changed) is changed
    assert not is_cleared(noisy(2))


@pytest.mark.parametrize("level", (12, 14, 15))
def test_an_enlarged_picture_is_not_cleared_again_when_it_is_enlarged_again(level: int) -> None:
    once = int(cleared(shadowed(level))[10, 10, 3])
    large = upscaled(shadowed(level), 160)
    for size in (256, 320, 600):
        large = upscaled(large, size)
        alpha = large[size // 7 : size // 5, size // 4 : -size // 4, 3].astype(int)
        assert np.abs(alpha - once).max() <= 2
    item, look = Item(width=100, height=100), Look(specks=True)
    sticker = composed(large, item, look)[14:20, 25:-25, 3].astype(int)
    assert np.abs(sticker - once).max() <= 2


def stray(count: int, level: int, step: int = 2) -> np.ndarray:
    """An opaque red box of 24 pixels in a clear picture of 64 with faint pixels, so far apart, in its corners."""
    pixels = np.zeros((64, 64, 4), dtype=np.uint8)
    pixels[20:44, 20:44] = (200, 20, 20, 255)
    pixels.reshape(-1, 4)[: count * step : step] = (255, 255, 255, level)
    return pixels


@pytest.mark.parametrize("count", [1, 2, 3, 4, TELLING - 1])
def test_a_few_faint_pixels_are_never_taken_for_what_was_left_and_do_not_move_a_sticker(count: int) -> None:
    look, item = Look(specks=True), Item(width=128, height=128)
    for level in (FAINT, FAINT + 1, CLEAR - 1):
        pixels = stray(count, level)
        assert not is_cleared(pixels)
        np.testing.assert_array_equal(cleared(pixels), stray(0, level))
        assert seen(composed(pixels, item, look)) == seen(composed(stray(0, level), item, look))


def test_some_tens_of_faint_pixels_like_a_chessboard_are_what_was_left() -> None:
    assert is_cleared(stray(TELLING, FAINT)) and not is_cleared(stray(TELLING - 1, FAINT))
    assert not is_cleared(stray(TELLING, FAINT, step=1))


@pytest.mark.parametrize("count", [1, 3, TELLING - 1, TELLING, TELLING + 1])
def test_clearing_twice_is_clearing_once_however_few_pixels_are_faint(count: int) -> None:
    for pixels in (stray(count, 14, step=1), stray(count, 9, step=3), np.maximum(stray(count, 12, step=1), hazy(1))):
        once = cleared(pixels)
        np.testing.assert_array_equal(cleared(once), once)


@pytest.mark.slow
def test_a_sticker_beyond_the_upscaler_is_not_cleared_again() -> None:
    look, item = Look(specks=True), Item(width=600, height=600)
    once = int(cleared(shadowed(14))[10, 10, 3])
    sticker = composed(shadowed(14), item, look)
    assert is_cleared(sticker)
    for picture, side in ((upscaled(sticker, 700), 700), (composed(upscaled(sticker, 700), item, look), 600)):
        alpha = picture[side // 7 : side // 5, side // 4 : -side // 4, 3].astype(int)
        assert np.abs(alpha - once).max() <= 2


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
