from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.fft import dctn

from underpaint.runtime import watermark

KEY = b"a key"


def drawing(seed: int = 0, size: int = 64) -> np.ndarray:
    """Flat shapes on a transparent background, as stickers are."""
    random = np.random.default_rng(seed)
    image = Image.new("RGBA", (size, size))
    pen = ImageDraw.Draw(image)
    pen.ellipse((size // 8, size // 8, size * 7 // 8, size * 7 // 8), fill=(*random.integers(40, 215, 3), 255))
    for _ in range(4):
        x, y = random.integers(size // 5, size * 3 // 5, 2)
        pen.rectangle((x, y, x + size // 6, y + size // 5), fill=(*random.integers(0, 256, 3), 255))
    return np.array(image)


def on_white(pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels)
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def noise_ratio_db(first: np.ndarray, second: np.ndarray) -> float:
    error = np.subtract(np.asarray(on_white(first)), np.asarray(on_white(second)), dtype=float)
    return 10 * math.log10(255**2 / np.square(error).mean())


@pytest.mark.parametrize("shape", [(64, 64), (5, 8)])
def test_the_cosines_are_those_of_scipy_and_their_transpose_is_the_inverse(shape):
    picture = np.random.default_rng(0).normal(size=shape)
    rows, columns = (watermark.cosines(length) for length in shape)
    assert np.allclose(rows @ picture @ columns.T, np.asarray(dctn(picture, norm="ortho")))
    assert np.allclose(rows.T @ rows, np.eye(shape[0]))


def test_a_picture_of_small_steps_comes_back_from_its_steps():
    smooth = np.random.default_rng(1).normal(scale=0.01, size=(24, 32)).cumsum(0).cumsum(1)
    found = watermark._without_edges(watermark._divergence(smooth, None))
    expected = watermark.frequencies(24, 32) * np.asarray(dctn(smooth, norm="ortho"))
    expected = expected[watermark.signs(KEY, 24, 32) != 0]
    assert np.allclose(found, expected, atol=np.abs(expected).max() * 1e-2)


def test_steps_between_whole_levels_are_looked_up_as_they_would_be_computed():
    levels = np.random.default_rng(2).integers(0, 256, (24, 32)).astype(float)
    levels[:3] = [[0.0], [255.0], [0.0]]
    looked_up = watermark._divergence(levels, None, is_whole=True)
    assert np.array_equal(looked_up, watermark._divergence(levels, np.ones(levels.shape, dtype=bool)))


@pytest.mark.parametrize("length", [1, 2, 7, 8])
def test_the_median_is_that_of_numpy(length):
    values = np.random.default_rng(length).normal(size=length)
    assert watermark._median(values.copy()) == np.median(values)


@pytest.mark.parametrize("channels", [3, 4])
def test_the_mark_is_the_faintest_that_lasts_in_the_picture_itself(channels):
    def lasts(marked: np.ndarray) -> bool:
        seen = watermark._compressed(watermark._luma(marked))
        return watermark.score(np.repeat(seen[..., None], 3, axis=2).astype(np.uint8), KEY) >= watermark.LASTING

    for seed in range(4):
        pixels = drawing(seed)[..., :channels]
        faintest, *stronger = [watermark.add(pixels, KEY, amplitude) for amplitude in watermark.AMPLITUDES]
        while stronger and not lasts(faintest):
            faintest, *stronger = stronger
        assert np.array_equal(watermark.embed(pixels, KEY), faintest)


def test_without_a_mark_scores_over_keys_are_standard_normal():
    scores = np.array([watermark.score(drawing(seed), b"%d" % key) for seed in range(4) for key in range(150)])
    assert abs(scores.mean()) < 4 / math.sqrt(len(scores))
    assert 0.9 < scores.std() < 1.1
    assert scores.max() < 4.5


def test_the_marked_picture_is_found_by_its_key_alone():
    marked = watermark.embed(drawing(), KEY)
    assert watermark.score(marked, KEY) > 8
    assert max(watermark.score(marked, b"%d" % key) for key in range(50)) < watermark.THRESHOLD


def test_the_mark_is_faint_and_leaves_alpha_and_hidden_pixels_alone():
    plain = drawing()
    marked = watermark.embed(plain, KEY)
    assert noise_ratio_db(plain, marked) > 38
    assert np.array_equal(plain[..., 3], marked[..., 3])
    assert np.array_equal(plain[plain[..., 3] == 0], marked[plain[..., 3] == 0])


def test_equal_pictures_and_keys_give_equal_marks_and_other_sizes_other_ones():
    assert np.array_equal(watermark.embed(drawing(), KEY), watermark.embed(drawing(), KEY))
    assert not np.array_equal(watermark.signs(KEY, 32, 32), watermark.signs(KEY, 32, 33)[:, :32])


@pytest.mark.parametrize("background", ["white", "black"])
def test_the_mark_outlasts_jpeg_on_any_background(background):
    image = Image.fromarray(watermark.embed(drawing(), KEY))
    flat = Image.alpha_composite(Image.new("RGBA", image.size, background), image).convert("RGB")
    buffer = io.BytesIO()
    flat.save(buffer, "JPEG", quality=90)
    with Image.open(buffer) as again:
        assert watermark.score(np.asarray(again), KEY) > watermark.THRESHOLD


def test_little_room_gets_the_strongest_mark_and_more_room_a_fainter_one():
    small = drawing()
    small[:, 13:, 3] = 0
    strongest = watermark.add(small, KEY, watermark.AMPLITUDES[-1])
    assert np.array_equal(watermark.embed(small, KEY), strongest)
    large = drawing()
    lasting = [
        np.array_equal(watermark.embed(large, KEY), watermark.add(large, KEY, amplitude))
        for amplitude in watermark.AMPLITUDES
    ]
    assert sum(lasting) == 1 and not lasting[-1]


def test_a_cut_picture_is_not_found():
    cut = watermark.embed(drawing(), KEY)[3:-3, 3:-3]
    assert watermark.score(np.ascontiguousarray(cut), KEY) < watermark.THRESHOLD


@pytest.mark.parametrize("color", [(0, 0, 0, 0), (255, 255, 255, 255)])
def test_a_blank_picture_scores_nothing(color):
    assert watermark.score(np.full((32, 32, 4), color, dtype=np.uint8), KEY) == 0


def test_chance_is_the_tail_of_the_normal_distribution():
    assert watermark.chance(0) == pytest.approx(0.5)
    assert watermark.chance(watermark.THRESHOLD) == pytest.approx(3.167e-5, rel=1e-3)
    assert watermark.chance(3, tries=4) == pytest.approx(4 * watermark.chance(3))
    assert watermark.chance(-9, tries=4) == 1


def test_sizes_are_bounded():
    assert watermark.fits(16, 2048) and not watermark.fits(15, 64) and not watermark.fits(64, 2049)
