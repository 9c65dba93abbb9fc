"""A small saved hybrid model of four styles, and twelve pictures in a fifth."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from underpaint.core.artifact import seal, staging
from underpaint.core.config import Config
from underpaint.core.samples import Sample, read_samples, write_samples
from underpaint.learning.config import LoopConfig
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.hybrid_config import HybridConfig
from underpaint.pipelines.model_folder import Model, open_model
from underpaint.pipelines.saved import save_pipeline
from underpaint.runtime.weights import read_weights
from underpaint.stages.train.config import LatentsEncoding
from underpaint.stages.train.decoder_config import DecoderTraining
from underpaint.stages.train.networks import build_networks
from underpaint.stages.train.tuning.config import StyleRecipe

STYLES = ("cartoon", "flat", "gradient", "line-art")
NEW = "inverted"


class Made(Config):
    by: str = "the tests"


def settings(steps: int = 12, **changes: object) -> StyleRecipe:
    """Return settings that learn a style in a second."""
    loop = {"steps": steps, "batch_size": 8, "lr": 3e-3, "warmup": 2, "average_decay": 0.5, "precision": "f32"}
    loop |= {"validate_every": 4, "save_every": 4, "sample_every": 1000}
    loop |= {name: changes.pop(name) for name in list(changes) if name in LoopConfig.model_fields}
    values = {"latents": LatentsEncoding(variants=2, reach=1), "keep_count": 24, "patience": 50}
    if changes.pop("draws", True):
        values["decoder"] = DecoderTraining(loop=LoopConfig.model_validate({**loop, "steps": 32, "lr": 1e-3}))
    return StyleRecipe.model_validate({"loop": LoopConfig.model_validate(loop), **values, **changes})


def write_set(folder: Path, samples: list[Sample], pixels: list[np.ndarray]) -> Path:
    """Write a ``dataset`` artifact."""
    with staging(folder) as temporary:
        for sample, picture in zip(samples, pixels, strict=True):
            Image.fromarray(picture, "RGBA").save(temporary / sample.file)
        write_samples(temporary, samples)
        seal(temporary, kind="dataset", stage="data", config=Made(), parents={})
    return folder


def inverted(shapes: Path, count: int) -> tuple[list[Sample], list[np.ndarray]]:
    """Return flat pictures of a data set with their colors inverted, in a style of their own."""
    chosen = [sample for sample in read_samples(shapes) if sample.style == "flat"][:count]
    pixels = []
    for sample in chosen:
        with Image.open(shapes / sample.file) as image:
            picture = np.asarray(image.convert("RGBA")).copy()
        picture[..., :3] = np.where(picture[..., 3:] > 0, 255 - picture[..., :3], 0)
        pixels.append(picture)
    changes = [{"style": NEW, "split": "train", "sha256_pixels": hashlib.sha256(p).hexdigest()} for p in pixels]
    return [s.model_copy(update=change) for s, change in zip(chosen, changes, strict=True)], pixels


@pytest.fixture(scope="session")
def own_pictures(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``dataset`` artifact of twelve pictures in a style of their own, whose author is to be credited."""
    folder = write_set(tmp_path_factory.mktemp("own") / "dataset", *inverted(shapes, 12))
    owed = {"not_for_weights": [], "hand_on_these_credits": ["Ann Lee, CC BY 4.0"]}
    (folder / "attribution.json").write_text(json.dumps({"obligations_on_weights": owed}))
    return folder


@pytest.fixture(scope="session")
def parent(
    trained_tokenizer: Path, words: Path, generator_settings: Callable, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """A saved hybrid model that was not trained; its networks are no longer those of a fresh model."""
    parts = {
        "autoencoder": load_component(trained_tokenizer / "autoencoder", Autoencoder, AutoencoderConfig),
        "quantizer": load_component(trained_tokenizer / "quantizer", MultiScaleQuantizer, QuantizerConfig),
    }
    table = read_weights(words / "model.safetensors")
    networks = build_networks(generator_settings(20), parts["quantizer"], table)
    draws = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in networks.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=draws)
    config = HybridConfig(styles=STYLES, guidance_shape=(0.5, 1.0, 0.0), temperatures=(1.0, 0.8, 0.5))
    pipeline = HybridPipeline(
        text_tokenizer=TextTokenizer.from_folder(words),
        text_encoder=networks.text_encoder,
        transformer=networks.transformer,
        residual=networks.residual,
        config=config,
        **parts,
    )
    out = tmp_path_factory.mktemp("parent") / "parent"
    save_pipeline(pipeline, out, stage="train", config=Made(), parents={}, dtype=torch.float16)
    return open_model(out)


@pytest.fixture(scope="session")
def style_settings() -> Callable[..., StyleRecipe]:
    """Return ``settings``."""
    return settings


@pytest.fixture(scope="session")
def rewrite(own_pictures: Path) -> Callable[..., Path]:
    """Return a function that writes the twelve pictures anew, some of them, with other facts."""

    def write(folder: Path, count: int = 12, size: int | None = None, **changes: object) -> Path:
        samples = read_samples(own_pictures)[:count]
        pixels = [np.asarray(Image.open(own_pictures / sample.file).convert("RGBA")) for sample in samples]
        if size is not None:
            pixels = [np.zeros((size, size, 4), dtype=np.uint8) for _ in pixels]
        return write_set(folder, [sample.model_copy(update=changes) for sample in samples], pixels)

    return write


def curve(log: Path) -> list[dict[str, float]]:
    """Return what a run wrote down, without the times."""
    records = [json.loads(line) for line in log.read_text().splitlines()]
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]
