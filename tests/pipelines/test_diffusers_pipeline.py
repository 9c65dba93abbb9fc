"""Tiny diffusers pipelines drawn through underpaint: the pictures are those that the library draws by itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import underpaint
from underpaint.adapters.diffusers.loading import quiet
from underpaint.adapters.require import require
from underpaint.core.errors import ArtifactError, InputError
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.opening import is_foreign, open_model
from underpaint.pipelines.settings import DrawRequest

Tiny = Callable[[str], Path]
SIZED = {"flux": "?size=16x16", "sana": "?size=32x32"}
NAMES = ["sd", "sd3", *(pytest.param(name, marks=pytest.mark.slow) for name in ("lcm", "sdxl", "flux"))]
NAMES += [pytest.param(name, marks=pytest.mark.slow) for name in ("pixart", "pixart-sigma", "sana")]


@pytest.fixture(scope="session")
def loaded(tiny_diffusers: Tiny) -> Callable[[str], Generator]:
    generators: dict[str, Generator] = {}

    def load(name: str) -> Generator:
        if name not in generators:
            generators[name] = underpaint.load(f"{tiny_diffusers(name)}{SIZED.get(name, '')}")
        return generators[name]

    return load


def drawn_by_the_library(folder: Path, caption: str, seed: int, **arguments: Any) -> np.ndarray:
    diffusers = require("diffusers", extra="diffusers")
    with quiet():
        pipeline = diffusers.DiffusionPipeline.from_pretrained(folder)
        generator = torch.Generator().manual_seed(seed)
        image = pipeline(caption, num_inference_steps=2, generator=generator, **arguments).images[0]
    return np.asarray(image.convert("RGBA"))


@pytest.mark.parametrize("name", NAMES)
def test_every_class_draws_what_is_asked_for(loaded: Callable[[str], Generator], name: str) -> None:
    first, second = loaded(name).generate(["a red apple", "a dog"], seed=7, steps=2)
    assert first.size == ((32, 32) if name == "sana" else (16, 16))
    assert first.mode == "RGBA"
    assert np.asarray(first)[..., 3].min() == 255
    assert not np.array_equal(np.asarray(first), np.asarray(second))


@pytest.mark.parametrize("name", ["sd", pytest.param("sdxl", marks=pytest.mark.slow)])
def test_pictures_are_those_that_diffusers_draws_alone(
    tiny_diffusers: Tiny, loaded: Callable[[str], Generator], name: str
) -> None:
    ours = loaded(name).generate("a red apple", seed=5, steps=2, guidance=3.0)[0]
    theirs = drawn_by_the_library(tiny_diffusers(name), "a red apple", 5, guidance_scale=3.0)
    assert np.array_equal(np.asarray(ours), theirs)


def test_a_picture_does_not_depend_on_its_batch(loaded: Callable[[str], Generator]) -> None:
    requests = [DrawRequest(caption=words, seed=seed, steps=2) for words, seed in (("a cat", 1), ("a dog", 2))]
    pipeline = loaded("sd").networks
    together = pipeline.draw(requests)
    assert np.array_equal(together[1], pipeline.draw(requests[1:])[0])


def test_requests_drawn_in_one_call_keep_their_own_noise(loaded: Callable[[str], Generator]) -> None:
    """On a GPU a batch is one call; the sums differ in their last bits, not the noise."""
    requests = [DrawRequest(caption="a cat", seed=seed, steps=2) for seed in (1, 2)]
    pipeline = loaded("sd").networks
    together = pipeline.draw_alike(requests, lambda stage: None)
    alone = pipeline.draw(requests)
    assert np.abs(together.astype(int) - np.stack(alone).astype(int)).max() <= 1


def test_settings_say_what_the_pipeline_took_by_default(loaded: Callable[[str], Generator]) -> None:
    settings = loaded("sd").generate("a cat", seed=1, steps=1)[0].info["underpaint"]
    assert (settings.guidance, settings.steps, settings.size) == (7.5, 1, "16x16")


def test_stages_follow_each_other(loaded: Callable[[str], Generator]) -> None:
    seen: list[str] = []
    loaded("sd").pipeline.draw([DrawRequest(caption="a cat", seed=1, steps=2)], on_stage=seen.append)
    assert seen == ["text", "transformer", "decoder"]


def test_what_lies_beyond_the_longest_text_is_told(loaded: Callable[[str], Generator]) -> None:
    assert loaded("sd").unread("a cat") == ""
    assert loaded("sd").unread("a cat with a red apple").endswith("apple")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"style": "flat"}, "draws no styles"),
        ({"temperature": 0.5}, "knows no temperature"),
        ({"steps": 0}, "at least one step"),
    ],
)
def test_what_the_pipeline_cannot_follow_is_refused(
    loaded: Callable[[str], Generator], asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        loaded("sd").generate("a cat", seed=1, **asked)


def test_the_digest_covers_options_and_weights_but_not_the_place(tiny_diffusers: Tiny, tmp_path: Path) -> None:
    folder = tiny_diffusers("sd")
    digest = open_model(folder).digest
    copy = shutil.copytree(folder, tmp_path / "other")
    assert open_model(copy).digest == digest
    assert open_model(f"{folder}?size=16x16").digest == digest
    assert open_model(f"{folder}?size=32x16").digest != digest
    assert open_model(f"{folder}?scheduler=ddim").digest != digest
    settings = json.loads((copy / "scheduler" / "scheduler_config.json").read_text())
    (copy / "scheduler" / "scheduler_config.json").write_text(json.dumps(settings | {"steps_offset": 0}))
    assert open_model(copy).digest != digest


def test_the_address_opens_the_same_model_again(tiny_diffusers: Tiny) -> None:
    model = open_model(f"{tiny_diffusers('sd')}?scheduler=unipc&negative=blurry, gray&size=16x32")
    assert open_model(model.address).digest == model.digest
    assert model.size == "16x32"


def test_options_change_the_picture(tiny_diffusers: Tiny, loaded: Callable[[str], Generator]) -> None:
    plain = np.asarray(loaded("sd").generate("a cat", seed=1, steps=2)[0])
    for option in ("scheduler=unipc", "negative=a dog"):
        other = underpaint.load(f"{tiny_diffusers('sd')}?{option}").generate("a cat", seed=1, steps=2)[0]
        assert not np.array_equal(np.asarray(other), plain)


def test_a_wide_picture_is_wide(tiny_diffusers: Tiny) -> None:
    assert underpaint.load(f"{tiny_diffusers('sd')}?size=32x16").generate("a cat", seed=1, steps=1)[0].size == (32, 16)


def test_a_size_that_does_not_fit_is_refused(tiny_diffusers: Tiny) -> None:
    with pytest.raises(InputError, match=r"cannot draw this: .*divisible"):
        underpaint.load(f"{tiny_diffusers('sd')}?size=17x16").generate("a cat", seed=1, steps=1)


@pytest.mark.slow
def test_a_number_of_steps_that_the_library_trips_over_is_refused(loaded: Callable[[str], Generator]) -> None:
    with pytest.raises(InputError, match="PixArtAlphaPipeline cannot draw this"):
        loaded("pixart").generate("a cat", seed=1, steps=1)


def test_our_models_are_not_foreign_and_take_no_options(tiny_model: Path) -> None:
    assert not is_foreign(None)
    assert not is_foreign(tiny_model)
    with pytest.raises(InputError, match="takes no options"):
        open_model(f"{tiny_model}?size=16x16")


def test_a_missing_weight_is_named_rather_than_drawn_at_random(tiny_diffusers: Tiny, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = shutil.copytree(tiny_diffusers("sd"), tmp_path / "broken")
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights.pop("conv_in.bias")
    save_file(weights, file)
    with pytest.raises(ArtifactError, match=r"conv_in\.bias"):
        underpaint.load(folder)


def test_weights_and_arithmetic_are_measured_as_of_our_models(loaded: Callable[[str], Generator]) -> None:
    from underpaint.stages.evaluate.efficiency.compute import count
    from underpaint.stages.evaluate.efficiency.memory import weights

    generator, request = loaded("sd"), DrawRequest(caption="a cat", seed=1, steps=1)
    stored = sum(entry.bytes for name, entry in generator.model.manifest.files.items() if name.endswith(".safetensors"))
    assert weights(generator).measurements[0].value == stored / 1e6
    one, two = (count(generator, replace(request, steps=steps))[1].total for steps in (1, 2))
    assert 0 < one < two


def test_known_bad_controls_reach_the_network_that_draws(
    tiny_diffusers: Tiny, loaded: Callable[[str], Generator]
) -> None:
    from underpaint.stages.evaluate.scores.controls import round_to_nearest

    request = DrawRequest(caption="a cat", seed=1, steps=2)
    worse = underpaint.load(tiny_diffusers("sd")).pipeline
    round_to_nearest(worse, bits=2)  # pyright: ignore[reportArgumentType]
    assert not np.array_equal(worse.draw([request])[0], loaded("sd").pipeline.draw([request])[0])
