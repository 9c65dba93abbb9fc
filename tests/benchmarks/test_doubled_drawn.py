from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from underpaint.core.samples import Sample
from underpaint.models.pixels import to_straight
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.device import CPU
from underpaint.stages.train.drawn_latents import draw

SHARP, BLURRED, PICTURES = "sharp", "blurred", 100


@pytest.fixture(scope="module")
def doubled_drawn(load_benchmark) -> ModuleType:
    return load_benchmark("doubled_drawn")


@pytest.fixture(scope="module")
def pipeline() -> HybridPipeline:
    found = load_pipeline(open_model(), CPU)
    assert isinstance(found, HybridPipeline)
    return found


def test_captions_are_of_unseen_concepts_in_the_models_styles_and_spread_over_them(
    doubled_drawn: ModuleType, sample: Callable[..., Sample]
) -> None:
    samples = [sample(number, "test_concept") for number in range(9)]
    others = [sample(10, "train"), sample(11, "test_concept", style="bold")]
    assert doubled_drawn.held_out([*others, *samples], ("flat",), 3) == [samples[0], samples[4], samples[8]]
    assert doubled_drawn.held_out(samples, ("flat",), 20) == samples


def test_a_blurred_painting_is_farther_from_the_drawings_than_one_that_paints_them(
    doubled_drawn: ModuleType, sample: Callable[..., Sample], pipeline: HybridPipeline
) -> None:
    def sharp(z: Tensor) -> np.ndarray:
        small = Image.fromarray(to_straight(pipeline.autoencoder.decode(z))[0], "RGBA")
        return np.asarray(small.resize((128, 128), Image.Resampling.NEAREST))

    def blurred(z: Tensor) -> np.ndarray:
        return np.asarray(Image.fromarray(sharp(z), "RGBA").filter(ImageFilter.GaussianBlur(3)))

    samples = [sample(number, "test_concept", caption=f"red heart {number}") for number in range(PICTURES)]
    requests = [DrawRequest(caption=s.caption, style=s.style, seed=number) for number, s in enumerate(samples)]
    with torch.inference_mode():
        truths = np.stack([sharp(z[None]) for z in draw(pipeline, requests).float()])
    told = doubled_drawn.judge_drawn(samples, truths, pipeline, {SHARP: sharp, BLURRED: blurred}, SHARP)
    for eye in ("evaluator-64", "randconv-v1", "randconv-v1, full size"):
        assert told[SHARP][eye]["kid"]["value"] < told[BLURRED][eye]["kid"]["value"], eye
        assert told[BLURRED][eye][f"{SHARP} minus this"]["high"] < 0, eye
    assert told[SHARP]["sharpness off"]["value"] == 0.0
    assert told[BLURRED]["sharpness"] < told["drawings"]["sharpness"]
