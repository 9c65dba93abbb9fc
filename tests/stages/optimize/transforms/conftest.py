"""A tiny pipeline of every class, made once: no transform may change it, so every test may use the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

import underpaint
from underpaint.core.optimization import OptimizationRecipe, Refusal
from underpaint.learning.seeding import initialized_by
from underpaint.models.gan_generator import GanGenerator, GanGeneratorConfig
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.gan import GanConfig, GanPipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.slots import capabilities_of, with_settings
from underpaint.pipelines.text_to_picture import PicturePipeline
from underpaint.runtime.capacity import Capacity
from underpaint.runtime.fingerprint import Cores, Fingerprint, System
from underpaint.runtime.processor import Processor
from underpaint.stages.optimize.transforms.checking import refusal_of, step_of

Pipeline = PicturePipeline[Any]
Get = Callable[[str], Pipeline]


def awake(pipeline: Pipeline) -> Pipeline:
    """Let blocks do something, which those of fresh networks do not: their branches end in a norm of zero."""
    with torch.no_grad():
        for module in pipeline.modules.values():
            for name, weight in module.named_parameters():
                if name.endswith(("norm1_out.weight", "norm2_out.weight")):
                    weight.fill_(0.7)
    return pipeline


def build_tiny_gan() -> GanPipeline:
    vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", "a", "red", "cat", "dog", "smiling"])}
    words = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer()
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    sizes = GanGeneratorConfig(widths=(16, 8), blocks=(1, 1), num_styles=2, text_width=16, condition_width=16)
    with initialized_by(0):
        encoder = TextEncoder(TextEncoderConfig(vocab_size=len(vocabulary), width=16, depth=1, heads=2))
        generator = GanGenerator(sizes)
        with torch.no_grad():
            encoder.table.normal_()
            for parameter in generator.parameters():
                parameter.add_(torch.randn(parameter.shape) * 0.1)
    return GanPipeline(
        text_tokenizer=TextTokenizer.from_json(words.to_str()),
        text_encoder=encoder.eval(),
        generator=generator.eval(),
        config=GanConfig(styles=("flat", "noto")),
    )


@pytest.fixture(scope="session")
def tiny(tiny_model: Path, make_tiny_flow: Callable[..., Pipeline], tiny_diffusers: Callable[[str], Path]) -> Get:
    """Return a pipeline by name: hybrid, flow, few-step, gan, or one of diffusers. Paths take 10 steps by default."""
    made: dict[str, Pipeline] = {}
    strong: dict[str, Any] = {"guidance_shape": (3.0, 3.0, 3.0)}  # enough for guidance to change a token
    builders: dict[str, Callable[[], Pipeline]] = {
        "hybrid": lambda: with_settings(awake(underpaint.load(tiny_model, engine="torch").networks), **strong),
        "flow": lambda: with_settings(awake(make_tiny_flow()), steps=10),
        "few-step": lambda: awake(make_tiny_flow(few_step=True)),
        "gan": build_tiny_gan,
    }

    def get(name: str) -> Pipeline:
        if name not in made:
            build = builders.get(name)
            made[name] = build() if build else with_settings(underpaint.load(tiny_diffusers(name)).networks, steps=10)
        return made[name]

    return get


REQUESTS = (DrawRequest(caption="a red cat", seed=3), DrawRequest(caption="a smiling dog", seed=4))


def drawn(pipeline: Pipeline, requests: Sequence[DrawRequest] = REQUESTS[:1]) -> np.ndarray:
    return np.stack(pipeline.draw(requests))


@pytest.fixture(scope="session")
def draw() -> Callable[..., np.ndarray]:
    """Return what draws pictures ``[N, H, H, 4]`` with a pipeline."""
    return drawn


def machine(*flags: str, family: str = "x86") -> Fingerprint:
    return Fingerprint(
        processor=Processor(family=family, flags=flags, flags_known=True),
        cores=Cores(logical=2, allowed=2, physical=2),
        capacity=Capacity.model_construct(),
        gpus=(),
        system=System(name="Linux", machine="x86_64", libc="", python="3.12"),
        engines={},
        environment={},
    )


@pytest.fixture(scope="session")
def host() -> Callable[..., Fingerprint]:
    """Return a machine with some instructions and no GPU."""
    return machine


@pytest.fixture(scope="session")
def refusal(tiny: Get) -> Callable[..., Refusal | None]:
    """Return what asks a step: ``refusal("flow", "steps.count", "sampler", steps=4)``."""

    def ask(
        pipeline: str | Pipeline,
        name: str,
        slot: str,
        before: OptimizationRecipe | None = None,
        on: Fingerprint | None = None,
        **params: Any,
    ) -> Refusal | None:
        loaded = tiny(pipeline) if isinstance(pipeline, str) else pipeline
        here = on or machine("avx2", "avx512_vnni")
        step = step_of(name, slot, **params)
        return refusal_of(step, capabilities_of(loaded), before or OptimizationRecipe(), here)

    return ask
