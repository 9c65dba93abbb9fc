from __future__ import annotations

import numpy as np
from PIL import Image

from underpaint.pipelines.upscaling.resampling import premultiplied, resampled, straight


def test_opaque_pixels_survive_the_way_there_and_back() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    np.testing.assert_array_equal(straight(premultiplied(pixels)), pixels)


def test_alpha_survives_at_every_level_and_color_where_it_can_be_seen() -> None:
    pixels = np.stack([np.full(256, 200), np.full(256, 100), np.full(256, 3), np.arange(256)], axis=-1)[None]
    back = straight(premultiplied(pixels.astype(np.uint8)))
    np.testing.assert_array_equal(back[0, :, 3], np.arange(256))
    np.testing.assert_array_equal(back[0, 1:], pixels[0, 1:])
    assert not back[0, 0].any()


def test_color_never_exceeds_alpha() -> None:
    values = np.random.default_rng(1).normal(0.5, 1.0, (16, 16, 4)).astype(np.float32)
    shown = premultiplied(straight(values))
    assert (shown[..., :3] <= shown[..., 3:]).all()


def test_scaling_agrees_with_pillow_on_one_channel() -> None:
    values = np.random.default_rng(2).random((12, 20, 4), dtype=np.float32)
    got = resampled(values, 50, 24)
    for channel in range(4):
        expected = Image.fromarray(values[..., channel].copy()).resize((50, 24), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(got[..., channel], np.asarray(expected))
