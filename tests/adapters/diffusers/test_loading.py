"""Schedulers and low-rank weights of a loaded model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from underpaint.adapters.diffusers.inspecting import inspect_model
from underpaint.adapters.diffusers.loading import load_model, quiet
from underpaint.adapters.diffusers.options import Options
from underpaint.adapters.diffusers.schedulers import FLOW_SCHEDULERS, SCHEDULERS, make_scheduler
from underpaint.adapters.require import require
from underpaint.core.errors import ArtifactError, InputError

Tiny = Callable[[str], Path]
CPU = torch.device("cpu")


def loaded(folder: Path, **options: Any) -> Any:
    chosen = Options(**options)
    return load_model(inspect_model(folder, chosen), chosen, CPU)


def draw(pipeline: Any, **arguments: Any) -> np.ndarray:
    sizes = {"num_inference_steps": 3, "height": 16, "width": 16}
    with quiet():
        made = pipeline("a cat", generator=torch.Generator().manual_seed(1), output_type="np", **sizes | arguments)
    return made.images[0]


@pytest.fixture(scope="module")
def noise_model(tiny_diffusers: Tiny) -> Any:
    return loaded(tiny_diffusers("sd"))


@pytest.fixture(scope="module")
def flow_model(tiny_diffusers: Tiny) -> Any:
    return loaded(tiny_diffusers("sd3"))


def with_scheduler(pipeline: Any, name: str) -> np.ndarray:
    diffusers = require("diffusers", extra="diffusers")
    own = pipeline.scheduler
    with quiet():
        pipeline.scheduler = make_scheduler(diffusers, name, own)
    try:
        return draw(pipeline)
    finally:
        pipeline.scheduler = own


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_scheduler_draws_with_a_model_of_noise(noise_model: Any, name: str) -> None:
    assert np.isfinite(with_scheduler(noise_model, name)).all()


@pytest.mark.parametrize("name", FLOW_SCHEDULERS)
def test_every_flow_scheduler_draws_with_a_model_of_a_flow(flow_model: Any, name: str) -> None:
    assert np.isfinite(with_scheduler(flow_model, name)).all()


def test_the_euler_scheduler_of_a_flow_model_is_its_own(flow_model: Any) -> None:
    assert np.array_equal(with_scheduler(flow_model, "euler"), draw(flow_model))


def test_schedulers_keep_the_noise_that_the_model_learned(noise_model: Any) -> None:
    diffusers = require("diffusers", extra="diffusers")
    with quiet():
        made = make_scheduler(diffusers, "dpmpp-2m", noise_model.scheduler)
    assert (made.config.beta_start, made.config.beta_schedule) == (0.00085, "scaled_linear")
    assert (made.config.algorithm_type, made.config.solver_order) == ("dpmsolver++", 2)


def test_a_scheduler_that_cannot_shift_is_refused() -> None:
    diffusers = require("diffusers", extra="diffusers")
    with quiet(), pytest.raises(InputError, match="shifts its times"):
        make_scheduler(diffusers, "heun", diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True))


def lora_file(path: Path, *, key: str = "unet", scale: float = 1.0) -> Path:
    """Write low-rank weights for one projection of the tiny network."""
    block = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q"
    down, up = torch.linspace(-1, 1, 2 * 16).reshape(2, 16), torch.linspace(1, -1, 16 * 2).reshape(16, 2)
    save_file({f"{key}.{block}.lora_A.weight": down, f"{key}.{block}.lora_B.weight": scale * up}, path)
    return path


def test_low_rank_weights_are_added_by_their_scale(tiny_diffusers: Tiny, noise_model: Any, tmp_path: Path) -> None:
    folder, file = tiny_diffusers("sd"), lora_file(tmp_path / "style.safetensors")
    weight = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q.weight"
    plain = noise_model.unet.state_dict()[weight]
    half, whole = (loaded(folder, lora=(f"{file}:{scale}",)).unet.state_dict() for scale in (0.5, 1))
    stored = torch.linspace(1, -1, 32).reshape(16, 2) @ torch.linspace(-1, 1, 32).reshape(2, 16)
    torch.testing.assert_close(whole[weight] - plain, stored)
    torch.testing.assert_close(half[weight] - plain, 0.5 * stored)
    assert whole.keys() == noise_model.unet.state_dict().keys()


def test_low_rank_weights_of_another_model_are_refused(tiny_diffusers: Tiny, tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_file(
        {"unet.nothing.here.lora_A.weight": torch.ones(2, 16), "unet.nothing.here.lora_B.weight": torch.ones(16, 2)},
        file,
    )
    with pytest.raises(InputError, match=r"other\.safetensors"):
        loaded(tiny_diffusers("sd"), lora=(str(file),))


def test_a_truncated_file_is_named_as_damage(tiny_diffusers: Tiny, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(tiny_diffusers("sd"), tmp_path / "cut")
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        loaded(folder)
