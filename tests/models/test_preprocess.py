from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import InputError
from underpaint.core.extractor_card import InputSpec, Resize
from underpaint.models.preprocess import prepare, tensorflow1_bilinear

TENSORFLOW1 = Resize(library="tensorflow1", filter="bilinear", antialias=False)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)


def opaque(height: int, width: int) -> np.ndarray:
    pixels = noise(height, width)
    pixels[..., 3] = 255
    return pixels


def slow_tensorflow1(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """One output at a time, as resize_bilinear_op.cc does it with float32 scales and lerps."""
    rows, columns, channels = values.shape
    scale_y, scale_x = np.float32(rows / height), np.float32(columns / width)
    out = np.empty((height, width, channels), dtype=np.float32)
    for i in range(height):
        y = np.float32(i) * scale_y
        top = int(y)
        bottom, dy = min(top + 1, rows - 1), y - np.float32(top)
        for j in range(width):
            x = np.float32(j) * scale_x
            left = int(x)
            right, dx = min(left + 1, columns - 1), x - np.float32(left)
            above = values[top, left] + (values[top, right] - values[top, left]) * dx
            below = values[bottom, left] + (values[bottom, right] - values[bottom, left]) * dx
            out[i, j] = above + (below - above) * dy
    return out


@pytest.mark.parametrize(("height", "width"), [(29, 31), (3, 50), (8, 8), (17, 4)])
def test_tensorflow1_resizing_is_the_slow_loop(height: int, width: int) -> None:
    values = noise(11, 9)[..., :3].astype(np.float32)
    np.testing.assert_array_equal(tensorflow1_bilinear(values, height, width), slow_tensorflow1(values, height, width))


def test_tensorflow1_resizing_has_no_half_pixel_centers() -> None:
    """The published example: [1, 2] to four is [1, 1.5, 2, 2], not [1, 1.25, 1.75, 2]."""
    values = np.array([1.0, 2.0], dtype=np.float32)[None, :, None]
    assert tensorflow1_bilinear(values, 1, 4)[0, :, 0].tolist() == [1.0, 1.5, 2.0, 2.0]
    shrunk = tensorflow1_bilinear(np.arange(8, dtype=np.float32)[None, :, None], 1, 2)
    assert shrunk[0, :, 0].tolist() == [0.0, 4.0]


def test_the_inception_range_is_what_its_graph_computes() -> None:
    spec = InputSpec(size=5, range=(-1.0, 127.0 / 128.0), resize=TENSORFLOW1)
    pixels = opaque(5, 5)
    expected = (pixels[..., :3].astype(np.float32) - 128.0) / 128.0
    np.testing.assert_allclose(prepare([pixels], spec)[0].transpose(1, 2, 0), expected, atol=1.2e-7)


@pytest.mark.parametrize("name", ["bicubic", "bilinear", "box", "lanczos"])
def test_pillow_resizing_is_pillows_on_rgb(name: Any) -> None:
    pixels = opaque(40, 23)
    spec = InputSpec(size=16, range=(0.0, 255.0), resize=Resize(filter=name))
    kernel = Image.Resampling[name.upper()]
    expected = np.asarray(Image.fromarray(pixels).convert("RGB").resize((16, 16), kernel))
    np.testing.assert_allclose(prepare([pixels], spec)[0].transpose(1, 2, 0), expected, atol=1e-4)


def test_antialiasing_is_what_the_card_says() -> None:
    """Stripes of one pixel turn gray when filtered, and vanish or win when not."""
    pixels = np.full((32, 32, 4), 255, dtype=np.uint8)
    pixels[:, ::2, :3] = 0
    filtered = prepare([pixels], InputSpec(size=8, resize=Resize(filter="bilinear")))
    aliased = prepare([pixels], InputSpec(size=8, resize=TENSORFLOW1))
    assert np.abs(filtered - 0.5).max() < 0.04
    assert aliased.max() == 0.0


def test_what_is_transparent_is_the_background() -> None:
    pixels = noise(8, 8)
    pixels[..., 3] = 0
    for background in ((255, 255, 255), (10, 20, 30)):
        values = prepare([pixels], InputSpec(size=8, range=(0.0, 255.0), alpha_background=background))
        np.testing.assert_allclose(values[0].mean(axis=(1, 2)), background, rtol=1e-6)
    premultiplied = prepare([pixels], InputSpec(size=8, color_order="rgba", alpha_background=None))
    assert not premultiplied.any()


def test_compositing_is_pillows() -> None:
    pixels = noise(30, 30)
    under = Image.new("RGBA", (30, 30), (255, 255, 255, 255))
    expected = np.asarray(Image.alpha_composite(under, Image.fromarray(pixels)).convert("RGB")).astype(float)
    values = prepare([pixels], InputSpec(size=30, range=(0.0, 255.0)))[0].transpose(1, 2, 0)
    assert np.abs(values - expected).max() <= 1.0
    np.testing.assert_allclose(values, np.rint(values), atol=1e-4)


def test_premultiplied_boxes_are_plain_means() -> None:
    pixels = noise(16, 16)
    spec = InputSpec(
        size=4,
        color_order="rgba",
        alpha_background=None,
        range=(0.0, 1.0),
        resize=Resize(library="pillow_float", filter="box"),
    )
    alpha = pixels[..., 3:] / 255.0
    values = np.concatenate([pixels[..., :3] / 255.0 * alpha, alpha], axis=2)
    expected = values.reshape(4, 4, 4, 4, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(prepare([pixels], spec)[0].transpose(1, 2, 0), expected, atol=1e-6)


def test_mean_deviation_and_order_of_channels() -> None:
    pixels = opaque(6, 6)
    spec = InputSpec(size=6, color_order="bgr", mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0))
    expected = (pixels[..., 2::-1] / 255.0 - [0.1, 0.2, 0.3]) / [0.5, 0.25, 2.0]
    np.testing.assert_allclose(prepare([pixels], spec)[0].transpose(1, 2, 0), expected, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(40, 61), (61, 40), (40, 40)])
def test_cropping_keeps_the_middle(height: int, width: int) -> None:
    pixels = opaque(height, width)
    spec = InputSpec(size=16, range=(0.0, 255.0), resize=Resize(fit="crop", edge=20))
    short = min(height, width)
    target = (20 * width // short, 20 * height // short)
    whole = np.asarray(Image.fromarray(pixels).convert("RGB").resize(target, Image.Resampling.BICUBIC))
    top, left = (whole.shape[0] - 16) // 2, (whole.shape[1] - 16) // 2
    expected = whole[top : top + 16, left : left + 16]
    np.testing.assert_allclose(prepare([pixels], spec)[0].transpose(1, 2, 0), expected, atol=1e-4)


def test_pictures_of_several_sizes_go_together() -> None:
    spec = InputSpec(size=8)
    pictures = [noise(8, 8), noise(20, 10), noise(1, 1)]
    together = prepare(pictures, spec)
    for row, picture in zip(together, pictures, strict=True):
        np.testing.assert_array_equal(row, prepare([picture], spec)[0])


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((8, 8, 3), dtype=np.uint8),
        np.zeros((8, 8, 4), dtype=np.float32),
        np.zeros((0, 8, 4), dtype=np.uint8),
        np.zeros((8, 8), dtype=np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(picture: np.ndarray) -> None:
    with pytest.raises(InputError, match="uint8 array"):
        prepare([picture], InputSpec(size=8))
