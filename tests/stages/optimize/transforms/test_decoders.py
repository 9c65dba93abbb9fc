"""A small decoder: refusals, learning that helps, the encoder as it was, and a saved model of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import underpaint
from underpaint.core.errors import InputError
from underpaint.learning.config import LoopConfig
from underpaint.models.autoencoder import AutoencoderConfig
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.slots import part_of
from underpaint.stages.optimize.saving import save_optimized
from underpaint.stages.optimize.tiny_decoder import DecoderTrainee, drawn_latents, with_decoder
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of
from underpaint.stages.optimize.transforms.transform import Context

Ask = Callable[..., Any]
PROMPTS = ["a red cat", "a dog", "a smiling cat", "red dog", "a cat", "a red dog", "smiling dog", "the apple"]
LOOP = LoopConfig(steps=1, batch_size=4, warmup=2, lr=3e-3, average_decay=0.5)


@pytest.mark.parametrize(
    ("pipeline", "params", "code", "remedy"),
    [
        ("sd", {}, "decoder.no_rule", "AutoencoderTiny of the same latent space"),
        ("flow", {"widths": [16, 20, 48]}, "decoder.widths", "[16, 32, 48]"),
        ("flow", {"recover": 0}, "recipe.unknown_param", "recover"),
        ("gan", {}, "recipe.slot", "leave it out"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(
    refusal: Ask, pipeline: str, params: dict[str, Any], code: str, remedy: str
) -> None:
    found = refusal(pipeline, "decoder.tiny", "decoder", **params)
    assert found is not None and found.code == code and remedy in found.remedy


def test_without_captions_nothing_is_trained(tiny: Ask, host: Ask, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="8 captions or more"):
        apply(tiny("flow"), arranged(step_of("decoder.tiny", "decoder")), Context(folder=tmp_path), host=host())


def test_training_brings_the_small_decoder_nearer_and_leaves_the_encoder(tiny: Ask, host: Ask, tmp_path: Path) -> None:
    flow = tiny("flow")
    step = step_of("decoder.tiny", "decoder", widths=[8, 8, 16], recover=30)
    context = Context(prompts=PROMPTS, folder=tmp_path, loop=LOOP)
    trained: Any = part_of(apply(flow, arranged(step), context, host=host()).pipeline, "decoder")
    latents = drawn_latents(flow, PROMPTS, context.report)

    def distance(part: Any) -> float:
        return DecoderTrainee(flow.autoencoder, part, latents, 4).validate()["distance"]

    assert distance(trained) < 0.7 * distance(with_decoder(flow.autoencoder, (8, 8, 16)))
    picture = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(trained.encode(picture), flow.autoencoder.encode(picture))


def test_a_model_with_a_small_decoder_is_saved_and_smaller(
    tiny_model: Path, host: Ask, draw: Ask, tmp_path: Path
) -> None:
    generator = underpaint.load(tiny_model, engine="torch")
    step = step_of("decoder.tiny", "decoder", widths=[8, 8, 8], recover=1)
    context = Context(prompts=PROMPTS, folder=tmp_path / "work", loop=LOOP)
    applied = apply(generator.networks, arranged(step), context, host=host())
    save_optimized(applied, open_model(tiny_model), tmp_path / "small")
    assert np.array_equal(draw(underpaint.load(tmp_path / "small").networks), draw(applied.pipeline))
    settings = json.loads((tmp_path / "small/autoencoder/config.json").read_text())
    assert settings["decoder_widths"] == [8, 8, 8] and settings["widths"] == [8, 16, 16]


def test_settings_of_one_width_do_not_speak_of_decoders() -> None:
    assert "decoder_widths" not in AutoencoderConfig().model_dump()
