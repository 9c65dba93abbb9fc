from __future__ import annotations

import numpy as np
from scipy.ndimage import label

from underpaint.pipelines.stickers.tidying import bits, tidied


def drawing(side: int = 64) -> np.ndarray:
    """A square with a speck, a large bit beside it, and haze in a corner."""
    pixels = np.zeros((side, side, 4), dtype=np.uint8)
    unit = side // 64
    pixels[10 * unit : 45 * unit, 10 * unit : 45 * unit] = (200, 30, 30, 255)
    pixels[50 * unit : 58 * unit, 10 * unit : 20 * unit] = (30, 30, 200, 255)
    pixels[5 * unit : 7 * unit, 58 * unit : 60 * unit] = (30, 200, 30, 255)
    pixels[60 * unit :, 60 * unit :] = (90, 90, 90, 60)
    return pixels


def test_bits_are_those_that_an_independent_labeling_finds():
    there = np.random.default_rng(0).random((40, 50)) < 0.45
    ours, theirs = bits(there), np.empty(there.shape, dtype=np.int32)
    count = label(there, structure=np.ones((3, 3)), output=theirs)
    assert len(np.unique(ours[there])) == count
    assert len({*zip(ours[there], theirs[there], strict=True)}) == count


def test_specks_and_haze_go_and_all_else_stays_to_the_bit():
    for side in (64, 512):
        pixels, unit = drawing(side), side // 64
        kept = tidied(pixels)
        assert np.array_equal(kept[: 59 * unit, : 50 * unit], pixels[: 59 * unit, : 50 * unit])
        assert not kept[5 * unit : 7 * unit, 58 * unit :, 3].any() and not kept[-1, -1, 3]


def test_what_is_tidy_stays_as_it_is():
    assert np.array_equal(tidied(tidied(drawing())), tidied(drawing()))
    opaque = np.full((8, 8, 4), 255, dtype=np.uint8)
    assert tidied(opaque) is opaque
    faint = np.full((8, 8, 4), 40, dtype=np.uint8)
    assert tidied(faint) is faint
