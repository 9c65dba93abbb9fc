from __future__ import annotations

import numpy as np
import pytest
import torch

from underpaint.models import upscaler
from underpaint.pipelines.upscaling import sharpening
from underpaint.pipelines.upscaling.resampling import Floats, premultiplied, resampled
from underpaint.pipelines.upscaling.sharpening import (
    continued,
    enlarged,
    mean_around,
    reduced,
    sharpened,
    surroundings,
    unlearned,
)


def noise(height: int = 9, width: int = 14) -> Floats:
    return np.random.default_rng(0).random((height, width, 4), dtype=np.float32)


def disc(side: int, x: float = 0.51, y: float = 0.48) -> Floats:
    """A red disc drawn finely and averaged to ``side`` pixels, premultiplied."""
    fine = 1024
    rows, columns = (np.mgrid[:fine, :fine] + 0.5) / fine
    inside = np.hypot(rows - y, columns - x) < 0.3
    color = np.array([0.9, 0.1, 0.2, 1.0], np.float32)
    return reduced(inside[..., None].astype(np.float32) * color, fine // side)


def test_the_network_begins_with_the_same() -> None:
    given = torch.from_numpy(noise()).permute(2, 0, 1)[None]
    expected = upscaler.unlearned(given)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(unlearned(noise(), 4), expected, atol=2e-5)
    assert (sharpening.ROUNDS, sharpening.PUSH) == (upscaler.ROUNDS, upscaler.PUSH)
    assert (sharpening.CERTAINTY, sharpening.FARTHER) == (upscaler.CERTAINTY, upscaler.FARTHER)
    assert (sharpening.FAINT, sharpening.CLEAR) == (upscaler.FAINT, upscaler.CLEAR)


@pytest.mark.parametrize("factor", [2, 4])
def test_interpolation_agrees_with_pillow(factor: int) -> None:
    expected = resampled(noise(), 14 * factor, 9 * factor, kernel=2)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(enlarged(noise(), factor), expected, atol=1e-6)


def test_surroundings_hold_the_pixel_and_nothing_beyond_its_eight_neighbors() -> None:
    values = noise()
    low, high = surroundings(values)
    assert (low <= values).all() and (values <= high).all()
    np.testing.assert_array_equal(low[4, 7], values[3:6, 6:9].min(axis=(0, 1)))
    np.testing.assert_array_equal(high[0, 0], values[:2, :2].max(axis=(0, 1)))


@pytest.mark.parametrize("factor", [2, 4])
def test_the_mean_over_each_pixel_comes_closer_to_it(factor: int) -> None:
    off = np.abs(reduced(sharpened(noise(), factor), factor) - noise()).mean()
    assert off < 0.4 * np.abs(reduced(enlarged(noise(), factor), factor) - noise()).mean()


def test_what_is_flat_stays_flat_to_the_bit() -> None:
    flat = np.full((5, 4, 4), 0.3, np.float32)
    np.testing.assert_array_equal(sharpened(flat, 4), np.full((20, 16, 4), 0.3, np.float32))


@pytest.mark.parametrize("factor", [2, 4])
def test_a_drawing_is_far_closer_to_itself_drawn_large_than_by_the_best_kernel(factor: int) -> None:
    truth, given = disc(128), disc(128 // factor)
    side = len(truth)
    errors = [np.square(large - truth).mean() for large in (unlearned(given, factor), resampled(given, side, side))]
    assert errors[0] < 0.3 * errors[1]


def test_grain_is_interpolated_and_nothing_else() -> None:
    grain = 0.5 + 0.02 * noise()
    np.testing.assert_allclose(sharpened(grain, 4), enlarged(grain, 4), atol=1e-6)


def test_no_color_appears_where_there_is_none() -> None:
    picture = np.zeros((16, 16, 4), np.uint8)
    picture[4:12, 4:12] = (0, 0, 255, 255)
    large = unlearned(premultiplied(picture), 4)
    np.testing.assert_array_equal(large[..., :2], 0)


def test_a_color_goes_on_where_nothing_is_seen_and_stays_where_all_is() -> None:
    picture = premultiplied(np.zeros((16, 16, 4), np.uint8))
    picture[4:12, 4:12] = (0.2, 0.4, 0.8, 1.0)
    picture[4:12, 12] = (0.0, 0.0, 0.0, 0.3)  # a dark seam
    color = continued(picture)
    np.testing.assert_array_equal(color[4:12, 4:12], picture[4:12, 4:12, :3])
    np.testing.assert_allclose(color[1:15, 1:15], np.broadcast_to([0.2, 0.4, 0.8], (14, 14, 3)), rtol=0.15)


def test_the_mean_around_a_pixel_counts_nothing_outside() -> None:
    values = noise()
    np.testing.assert_allclose(mean_around(values, 1)[4, 7], values[3:6, 6:9].mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(mean_around(values, 3)[0, 0], values[:4, :4].sum(axis=(0, 1)) / 49, rtol=1e-5)


def test_a_drawing_with_a_dark_seam_gets_no_dark_outline() -> None:
    seamed = disc(64)
    partial = (seamed[..., 3] > 0) & (seamed[..., 3] < 0.75)
    seamed[partial, :3] *= 0.4
    large = unlearned(seamed, 4)
    seen = large[..., 3] > 0.3
    assert (large[seen, 0] / large[seen, 3]).min() > 0.6
