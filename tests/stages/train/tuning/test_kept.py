from __future__ import annotations

from collections import Counter

import pytest
import torch

from underpaint.core.errors import DataError
from underpaint.core.progress import silent
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.saved import load_pipeline
from underpaint.runtime.device import CPU
from underpaint.stages.train.tuning.kept import EVERYDAY, draw_latents, kept_samples, wishes

STYLES = ("cartoon", "flat", "gradient", "line-art")


def test_every_old_style_and_none_are_asked_for_alike_with_everyday_words_and_captions():
    asked = wishes(STYLES, ["red disc", "green ring"], 40)
    assert set(Counter(sample.style for sample in asked).values()) == {8}
    words = {sample.caption for sample in asked}
    assert {"red disc", "green ring"} < words and words & set(EVERYDAY)
    assert {sample.split for sample in asked} == {"train", "validation"}


def test_drawn_latents_decode_to_what_the_model_draws(parent):
    pipeline = load_pipeline(parent, CPU)
    assert isinstance(pipeline, HybridPipeline)
    asked = wishes(STYLES, ["red disc"], 6)
    latents = draw_latents(pipeline, asked, silent)
    assert latents.values.shape[:2] == (6, 1) and torch.isfinite(latents.values).all()
    alone = draw_latents(pipeline, asked[:1], silent)
    torch.testing.assert_close(alone.values[0], latents.values[0], atol=1e-2, rtol=1e-2)
    assert not torch.equal(latents.values[0], latents.values[1])


def test_a_data_set_to_keep_needs_pictures_in_old_styles_to_learn_from_and_to_hold_out(
    shapes, own_pictures, style_settings
):
    learned, held_out = kept_samples(style_settings(), shapes, STYLES, 32)
    assert len(learned) == 20 and len(held_out) == 4
    assert {s.split for s in learned} == {"train"} and {s.split for s in held_out} == {"validation"}
    with pytest.raises(DataError, match="has 0 pictures in 'train'"):
        kept_samples(style_settings(), own_pictures, STYLES, 32)
