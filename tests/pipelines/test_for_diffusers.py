"""Our models inside diffusers draw the pictures that they draw outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import underpaint
from underpaint.adapters.diffusers.loading import quiet
from underpaint.adapters.require import require
from underpaint.core.config import Config
from underpaint.core.errors import InputError
from underpaint.learning.seeding import initialized_by
from underpaint.models.gan_generator import GanGenerator, GanGeneratorConfig
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.for_diffusers import FILE, UnderpaintPipeline, seeds_of
from underpaint.pipelines.gan import GanConfig, GanPipeline
from underpaint.pipelines.saved import save_pipeline


class Made(Config):
    by: str = "the tests"


@pytest.fixture(scope="session")
def flow_folder(make_tiny_flow: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    def folder(few_step: bool) -> Path:
        out = tmp_path_factory.mktemp("flow") / "model"
        save_pipeline(make_tiny_flow(few_step=few_step), out, stage="train", config=Made(), parents={})
        return out

    return folder


def tiny_gan(words: TextTokenizer) -> GanPipeline:
    with initialized_by(0):
        encoder = TextEncoder(TextEncoderConfig(vocab_size=words.vocab_size, width=16, depth=1, heads=2))
        sizes = {"widths": (16, 8), "blocks": (1, 1), "num_styles": 2, "text_width": 16, "condition_width": 16}
        network = GanGenerator(GanGeneratorConfig(**sizes))
        with torch.no_grad():
            for parameter in (*encoder.parameters(), *network.parameters()):
                parameter.add_(torch.randn(parameter.shape) * 0.1)
    return GanPipeline(
        text_tokenizer=words,
        text_encoder=encoder.eval(),
        generator=network.eval(),
        config=GanConfig(styles=("flat", "noto")),
    )


def opened(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    diffusers = require("diffusers", extra="diffusers")
    modules = require("diffusers.utils.dynamic_modules_utils", extra="diffusers")

    monkeypatch.setattr(modules, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    with quiet():
        return diffusers.DiffusionPipeline.from_pretrained(folder, custom_pipeline=FILE, trust_remote_code=True)


def test_diffusers_draws_the_picture_that_underpaint_draws(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pipeline = opened(tiny_model, monkeypatch, tmp_path)
    ours = underpaint.load(tiny_model).generate("a red apple", seed=7)[0]
    theirs = pipeline("a red apple", generator=torch.Generator().manual_seed(7)).images[0]
    assert theirs.mode == "RGBA"
    assert np.array_equal(np.asarray(theirs), np.asarray(ours))


@pytest.mark.parametrize("few_step", [False, True])
def test_flow_and_few_step_models_draw_alike_too(flow_folder: Callable[[bool], Path], few_step: bool) -> None:
    folder = flow_folder(few_step)
    pipeline = UnderpaintPipeline.from_pretrained(folder)
    ours = underpaint.load(folder).generate("a cat", seed=3, n=2, steps=2, style="noto")
    options = {"num_inference_steps": 2, "num_images_per_prompt": 2, "style": "noto"}
    theirs = pipeline("a cat", generator=torch.Generator().manual_seed(3), **options).images
    assert [np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(ours, theirs, strict=True)] == [True, True]


def test_a_gan_draws_alike_too(make_tiny_flow: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "gan"
    save_pipeline(tiny_gan(make_tiny_flow().text_tokenizer), folder, stage="train", config=Made(), parents={})
    theirs = UnderpaintPipeline.from_pretrained(folder)("a dog", generator=torch.Generator().manual_seed(1)).images[0]
    ours = underpaint.load(folder).generate("a dog", seed=1)[0]
    assert np.array_equal(np.asarray(theirs), np.asarray(ours))


def test_arrays_hold_the_same_picture(tiny_model: Path) -> None:
    pipeline = UnderpaintPipeline.from_pretrained(tiny_model)
    drawn = {
        kind: pipeline("a cat", generator=torch.Generator().manual_seed(1), output_type=kind).images
        for kind in ("pil", "np", "pt")
    }
    values = np.asarray(drawn["pil"][0]) / np.float32(255.0)
    assert np.array_equal(drawn["np"][0], values)
    assert np.array_equal(drawn["pt"][0].permute(1, 2, 0).numpy(), values)


def test_the_parts_are_components_that_can_be_changed_and_moved(tiny_model: Path) -> None:
    pipeline = UnderpaintPipeline.from_pretrained(tiny_model)
    generator = torch.Generator().manual_seed(1)
    before = np.asarray(pipeline("a cat", generator=generator).images[0])
    assert {"text_encoder", "transformer", "quantizer"} <= pipeline.components.keys()
    assert pipeline.to("cpu").device == torch.device("cpu")
    with torch.no_grad():
        for parameter in pipeline.autoencoder.parameters():
            parameter.mul_(2.0)
    assert not np.array_equal(np.asarray(pipeline("a cat", generator=generator).images[0]), before)


def test_a_saved_pipeline_is_the_folder_it_came_from(tiny_model: Path, tmp_path: Path) -> None:
    from underpaint.pipelines.opening import open_model

    UnderpaintPipeline.from_pretrained(tiny_model).save_pretrained(tmp_path / "copy")
    assert open_model(tmp_path / "copy").digest == open_model(tiny_model).digest


def test_seeds_come_from_the_generators() -> None:
    first, second = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
    assert seeds_of(None, 2) == [None, None]
    assert seeds_of(first, 2) == [1, 1]
    assert seeds_of([first, second], 2) == [1, 2]
    with pytest.raises(InputError, match="2 generators for 3 prompts"):
        seeds_of([first, second], 3)
