"""Fit of pictures and captions: laws, chance, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import DegenerateSamples, MetricError, TooFewSamples
from underpaint.metrics.alignment import clip_score, r_precision


def rows(seed: int, count: int, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def test_clip_score_is_a_hundred_cosines_and_never_below_zero() -> None:
    texts = rows(0, 50)
    assert clip_score(3 * texts, texts) == pytest.approx(100.0, rel=1e-6)
    assert clip_score(-texts, texts) == pytest.approx(0.0)
    images = rows(1, 50)
    cosine = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(images, texts, strict=True)]
    assert clip_score(images, texts) == pytest.approx(100 * np.maximum(cosine, 0), rel=1e-5, abs=1e-5)


def test_an_encoder_that_knows_hits_and_one_that_guesses_hits_by_chance() -> None:
    captions, own = rows(0, 200), np.arange(4000) % 200
    groups = np.arange(200)
    assert r_precision(captions[own], own, captions, groups, np.random.default_rng(0)).mean() == 1.0
    guessed = r_precision(rows(1, 4000), own, captions, groups, np.random.default_rng(0), candidates=20)
    assert guessed.mean() == pytest.approx(1 / 20, abs=4 * np.sqrt(0.05 * 0.95 / 4000))
    assert set(np.unique(guessed)) == {0.0, 1.0}


def test_a_blind_encoder_gets_nothing() -> None:
    captions = np.ones((150, 8), np.float32)
    assert r_precision(captions, np.arange(150), captions, np.arange(150), np.random.default_rng(0)).sum() == 0


def test_captions_of_the_own_group_are_no_distractors() -> None:
    captions = np.concatenate([np.tile(rows(0, 1), (100, 1)), rows(1, 120)])
    groups = ["cats"] * 100 + [f"other {i}" for i in range(120)]
    hits = r_precision(captions[:100], np.arange(100), captions, groups, np.random.default_rng(0))
    assert hits.mean() == 1.0


def test_the_generator_alone_decides() -> None:
    captions, own = rows(0, 200), np.arange(200)
    images = captions + 3 * rows(1, 200)
    one, same, other = (
        r_precision(images, own, captions, own, np.random.default_rng(seed), candidates=10) for seed in (0, 0, 1)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_bad_input_is_refused() -> None:
    captions, rng = rows(0, 120), np.random.default_rng(0)
    own = np.arange(120)
    with pytest.raises(TooFewSamples, match="99 captions of other groups, got 98"):
        r_precision(captions, own, captions, np.r_[np.zeros(22, int), np.arange(1, 99)], rng)
    with pytest.raises(MetricError, match="of 120 captions"):
        r_precision(captions, own + 1, captions, own, rng)
    with pytest.raises(MetricError, match="one a picture"):
        r_precision(captions, own[:-1], captions, own, rng)
    with pytest.raises(MetricError, match="same extractor"):
        r_precision(captions[:, :5], own, captions, own, rng)
    with pytest.raises(MetricError, match="one caption a picture"):
        clip_score(captions, captions[:7])
    with pytest.raises(DegenerateSamples, match="row 3"):
        clip_score(np.where(own[:, None] == 3, 0, captions), captions)
