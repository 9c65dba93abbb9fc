"""The models that ``benchmarks/optimize.py`` makes faster: the shipped one, and three foreign ones with random weights.

Foreign models have the real classes and sizes of networks that people use: a UNet as that of Stable Diffusion 1.5, one
of a sixth of its size, and a PixArt transformer of twelve blocks. Text encoder and autoencoder are tiny, so a picture's
time is the denoiser's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import tiny_diffusers as tiny  # pyright: ignore[reportMissingImports]
import underpaint
from underpaint.learning.seeding import initialized_by

SHIPPED = "stickers-64"
WIDTH, TOKENS = 768, 77
"""Of the text that Stable Diffusion 1.5 reads."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model that is made faster.

    Args:
        does: What it is, in a few words.
        steps: Steps of a picture; None for the model's own.
        recipe_steps: Steps that graphs are made and calibrated for, if others: caches are refused below eight.
        pictures: Pictures that are drawn and timed together, one after the other.
        together: Forms that are timed in turns with one base, as memory allows.
        build: Makes the pipeline; None for the shipped one.
    """

    does: str
    steps: int | None = None
    recipe_steps: int | None = None
    pictures: int = 1
    together: int = 4
    build: Callable[[], Any] | None = None


def unet(**others: Any) -> Any:
    """Return a UNet of 135 million parameters on latents of 32x32."""
    sizes: dict[str, Any] = {
        "block_out_channels": (128, 256, 512, 512),
        "layers_per_block": 2,
        "sample_size": 32,
        "norm_num_groups": 32,
        "attention_head_dim": 8,
        "down_block_types": (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
        "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
    }
    return tiny.unet(**(sizes | others))


def stable_diffusion(network: Any) -> Any:
    """Return a pipeline around a UNet, with the solver that most take."""
    pipeline: Any = tiny.stable_diffusion()
    pipeline.scheduler = tiny.diffusers.DPMSolverMultistepScheduler(**tiny.BETAS)
    pipeline.unet = network
    return pipeline


def large_unet() -> Any:
    """Return a UNet of 860 million parameters, as that of Stable Diffusion 1.5."""
    return unet(block_out_channels=(320, 640, 1280, 1280), cross_attention_dim=WIDTH)


def stable_diffusion_1() -> Any:
    """Return a pipeline around the large UNet, which reads 77 tokens of 768 numbers."""
    pipeline = stable_diffusion(large_unet())
    config = tiny.clip_config()
    config.hidden_size, config.max_position_embeddings = WIDTH, TOKENS
    pipeline.text_encoder = tiny.transformers.CLIPTextModel(config)
    pipeline.tokenizer.model_max_length = TOKENS
    return pipeline


def transformer() -> Any:
    """Return a PixArt transformer of some 50 million parameters on 256 tokens."""
    return tiny.diffusers.PixArtTransformer2DModel(
        sample_size=32,
        num_layers=12,
        patch_size=2,
        attention_head_dim=64,
        num_attention_heads=8,
        cross_attention_dim=512,
        caption_channels=tiny.WIDTH,
        in_channels=4,
        out_channels=8,
        use_additional_conditions=False,
    )


def pixart() -> Any:
    """Return a pipeline around the transformer."""
    pipeline: Any = tiny.pixart()
    pipeline.transformer = transformer()
    return pipeline


SUBJECTS: dict[str, Subject] = {
    "shipped": Subject(does="the shipped hybrid model", pictures=6, together=8),
    "unet": Subject(does="UNet, 135 million parameters", steps=10, build=lambda: stable_diffusion(unet())),
    "pixart": Subject(does="PixArt transformer, 12 blocks", steps=20, recipe_steps=10, build=pixart),
    "sd15": Subject(does="UNet, 860 million parameters", steps=3, recipe_steps=8, together=2, build=stable_diffusion_1),
}


def save_random(build: Callable[[], Any], folder: Path) -> None:
    """Save a pipeline with random weights; zeros become noise, since they would hide mistakes."""
    with tiny.quiet(), initialized_by(0):
        pipeline = build()
        with torch.no_grad():
            for module in pipeline.components.values():
                for parameter in module.parameters() if isinstance(module, torch.nn.Module) else ():
                    if not parameter.any():
                        parameter.normal_(std=0.02)
        pipeline.save_pretrained(folder)


def open_torch(work: Path, model: str) -> Any:
    """Return a model in torch, as ``underpaint.load`` opens it; a foreign one is made if it is not there."""
    build, folder = SUBJECTS[model].build, work / model / "base"
    if build is None:
        return underpaint.load(SHIPPED, engine="torch")
    if not folder.is_dir():
        save_random(build, folder)
    return underpaint.load(folder, engine="torch")
