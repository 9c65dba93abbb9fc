from __future__ import annotations

import numpy as np
import pytest

from underpaint.adapters.imagehash import phash
from underpaint.stages.data.perceptual_hash import BATCH, cosines, gray_of, hash_text, perceptual_hashes


def smooth(count: int, seed: int) -> np.ndarray:
    """Pictures of a few soft colors, enlarged from 5x5."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 5, 5, 3), dtype=np.uint8)
    place = np.arange(32) * 5 // 32
    return coarse[:, place][:, :, place]


def test_hashes_are_those_of_imagehash() -> None:
    pixels = np.concatenate([smooth(60, 1), np.random.default_rng(2).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)])
    assert [hash_text(value) for value in perceptual_hashes(pixels)] == [phash(picture) for picture in pixels]


def test_gray_is_that_of_pillow() -> None:
    from PIL import Image

    pixels = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.array_equal(gray_of(pixels), np.asarray(Image.fromarray(pixels).convert("L")))


def test_the_transform_keeps_orthogonal_frequencies() -> None:
    basis = cosines()
    assert np.allclose(basis @ basis.T, np.diag([128.0] + [64.0] * 7))


def test_frequencies_that_a_symmetric_picture_lacks_are_not_left_to_rounding() -> None:
    picture = smooth(1, 4)
    bars = np.maximum(picture, picture[:, :, ::-1])
    bars[:] = bars[:, :1]
    bits = np.unpackbits(perceptual_hashes(bars).astype(">u8").view(np.uint8)).reshape(8, 8)
    assert bits[1:].sum() == 0
    assert bits[:, 1::2].sum() == 0


@pytest.mark.parametrize("count", [0, 1, BATCH + 1])
def test_batches_do_not_show(count: int) -> None:
    pixels = np.repeat(smooth(1, 5), count, axis=0)
    hashes = perceptual_hashes(pixels)
    assert len(hashes) == count
    assert len(set(hashes.tolist())) == min(count, 1)
