"""The judges at work on drawn pictures: the same ones are no loss, blurred ones are seen by every judge."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image

from underpaint.metrics.equal_quality import LEVEL, not_worse

SIDE, PICTURES, OTHERS = 64, 48, 60


def shapes(count: int, seed: int) -> np.ndarray:
    """Draw sharp discs and bars of random colors on nothing: ``[count, 64, 64, 4]``."""
    rng, axis = np.random.default_rng(seed), np.arange(SIDE)
    pictures = np.zeros((count, SIDE, SIDE, 4), dtype=np.uint8)
    for picture in pictures:
        for _ in range(6):
            x, y, reach = [*rng.integers(8, SIDE - 8, 2).tolist(), int(rng.integers(4, 14))]
            disc = np.hypot(axis[:, None] - y, axis[None] - x) < reach
            bar = (abs(axis[:, None] - y) < 3) & (abs(axis[None] - x) < reach)
            picture[disc if rng.random() < 0.5 else bar] = (*rng.integers(0, 256, 3), 255)
    return pictures


@pytest.fixture(scope="module")
def judged(load_benchmark, sample, tmp_path_factory):
    """Return the judges of a data set of shapes, and what is asked for on each split."""
    folder, asked, every = tmp_path_factory.mktemp("judged"), {}, []
    for number, split in enumerate(("test_concept", "test_composition")):
        samples = []
        for row, pixels in enumerate(shapes(PICTURES + OTHERS, seed=number)):
            Image.fromarray(pixels, "RGBA").save(folder / f"{split}-{row}.png")
            digest = hashlib.sha256(pixels.tobytes()).hexdigest()
            name = f"{split.removeprefix('test_')} {row}"
            samples.append(sample(1000 * number + row, split, caption=name, file=f"{split}-{row}.png",
                                  sha256_pixels=digest))  # fmt: skip
        every += samples
        kind = load_benchmark("frontier_drawing").Asked
        asked[split] = kind(split=split, samples=samples[:PICTURES], reference=samples)
    judges = load_benchmark("frontier_quality").Judges(data=folder, cache=folder / "cache", held_out=every)
    return judges, asked


@pytest.mark.slow
def test_the_same_pictures_match_strictly_and_blurred_ones_do_not(judged, load_benchmark):
    judges, asked = judged
    quality, blurred = load_benchmark("frontier_quality"), load_benchmark("hybrid_vs_diffusion").blurred

    def measure(pictures):
        return quality.by_measure({split: judges.measure(pictures[split], part) for split, part in asked.items()})

    drawn = {split: shapes(PICTURES, seed=10 + number) for number, split in enumerate(asked)}
    own = measure(drawn)
    assert set(own) == {"KD evaluator-64", "KD randconv-v1", "own caption first", "precision", "recall"}
    same = quality.losses(own, measure(drawn), asked, tuple(asked))
    assert [loss.value for loss in same] == [0.0] * 3 and not_worse(same, LEVEL)
    soft = quality.losses(own, measure({split: blurred(found) for split, found in drawn.items()}), asked, tuple(asked))
    assert not not_worse(soft, LEVEL) and not not_worse(soft, 0.0)
    for loss, judge in zip(soft[:2], quality.MEASURES[:2], strict=True):
        assert loss.value > loss.margin, f"{judge.name} sees the blur"
