"""A data set of drawn shapes, a small text table, and everything that is trained from them, each made once."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from underpaint.core.artifact import MANIFEST, seal, staging
from underpaint.core.config import Config
from underpaint.core.samples import Sample, write_samples
from underpaint.learning.config import LoopConfig
from underpaint.runtime.weights import write_weights
from underpaint.stages.train import latents, tokenizer
from underpaint.stages.train.config import GeneratorTraining, LatentsEncoding, TokenizerTraining
from underpaint.stages.train.recipe import HybridRecipe, Sampling
from underpaint.stages.train.text_table_config import TextTableConfig

COLORS = {"red": (220, 30, 40), "green": (20, 160, 60), "blue": (30, 70, 220), "yellow": (250, 210, 20)}
SHAPES = ("disc", "square", "bar", "ring", "cross", "corner", "stripes", "dot")
STYLES = ("cartoon", "flat", "gradient", "line-art")


class Made(Config):
    by: str = "the tests"


def inside(shape: str, size: int) -> NDArray[np.bool_]:
    """Return where a shape is, ``[size, size]``."""
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(axis, axis)
    r, reach = np.hypot(x, y), np.maximum(abs(x), abs(y))
    return {
        "disc": r < 0.8,
        "square": reach < 0.7,
        "bar": (abs(y) < 0.3) & (abs(x) < 0.9),
        "ring": (r < 0.85) & (r > 0.45),
        "cross": ((abs(x) < 0.25) | (abs(y) < 0.25)) & (reach < 0.85),
        "corner": (x + y < -0.1) & (reach < 0.8),
        "stripes": (np.floor((x + 1) * 3) % 2 == 0) & (reach < 0.85),
        "dot": r < 0.4,
    }[shape]


def draw(shape: str, color: str, style: str, size: int) -> NDArray[np.uint8]:
    """Draw one picture ``[size, size, 4]``, straight alpha."""
    within = inside(shape, size)
    picture = np.zeros((size, size, 4), dtype=np.uint8)
    picture[within] = (*COLORS[color], 255)
    if style == "gradient":
        picture[..., :3] = picture[..., :3] * np.linspace(1.0, 0.4, size)[:, None, None]
    if style == "cartoon":
        picture[size // 2 :, :, :3] = picture[size // 2 :, :, :3] // 2 + 100 * within[size // 2 :, :, None]
    if style == "line-art":
        eroded = (
            within & np.roll(within, 2, 0) & np.roll(within, -2, 0) & np.roll(within, 2, 1) & np.roll(within, -2, 1)
        )
        picture[within & ~eroded, :3] = 0
        picture[eroded, :3] = 255
    return picture


def describe(number: int, shape: str, color: str, style: str, split: str, pixels: NDArray[np.uint8]) -> Sample:
    return Sample(
        id=f"{number // len(STYLES):x}",
        cluster=f"{number // len(STYLES):x}",
        group=f"{number // len(STYLES):x}",
        name=f"{color} {shape}",
        caption=f"{color} {shape}",
        style=style,
        family="shapes",
        source="tests",
        icon=f"{shape}-{color}",
        license="CC0-1.0",
        sha256_pixels=hashlib.sha256(pixels.tobytes()).hexdigest(),
        phash="0" * 16,
        split=split,
        level="",
        weight=1.0,
        file=f"{number}.png",
    )


def build_dataset(folder: Path, size: int = 32) -> Path:
    """Write a ``dataset`` artifact of 128 pictures: 96 to train, 28 to validate, 4 held out."""
    with staging(folder) as temporary:
        samples, number = [], 0
        for concept, (shape, color) in enumerate((s, c) for s in SHAPES for c in COLORS):
            split = "test_concept" if concept == 31 else "validation" if concept % 4 == 1 else "train"
            split = "train" if concept in (1,) else split
            for style in STYLES:
                pixels = draw(shape, color, style, size)
                Image.fromarray(pixels, "RGBA").save(temporary / f"{number}.png")
                samples.append(describe(number, shape, color, style, split, pixels))
                number += 1
        write_samples(temporary, samples)
        seal(temporary, kind="dataset", stage="data", config=Made(), parents={})
    return folder


def build_text_table(folder: Path, width: int = 32) -> Path:
    """Write a ``text-table`` artifact of a few words with random vectors."""
    words = ["a", "an", "of", "sticker", "icon", "picture", "drawing", "cartoon", "flat", "gradient", "shaded", "line",
             "art", "black", "and", "white", *COLORS, *SHAPES]  # fmt: skip
    vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", *words])}
    file = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    file.normalizer = normalizers.BertNormalizer()
    file.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    table = torch.randn(len(vocabulary), width, generator=torch.Generator().manual_seed(0))
    with staging(folder) as temporary:
        (temporary / "tokenizer.json").write_text(file.to_str())
        tensors = {"table": table.to(torch.float16), "weight": torch.linspace(0.5, 1.0, len(vocabulary))}
        write_weights(temporary / "model.safetensors", tensors)
        seal(temporary, kind="text-table", stage="train", config=Made(), parents={})
    return folder


def settle_tokenizer(steps: int = 60, kind: str = "vq", **loop: object) -> TokenizerTraining:
    """Return settings of a tokenizer for pictures of 32 pixels that trains in seconds."""
    values = {"steps": steps, "batch_size": 16, "lr": 3e-3, "warmup": 5, "average_decay": 0.9, "precision": "f32"}
    values |= {"validate_every": 1000, "save_every": 10, "sample_every": 1000}
    return TokenizerTraining.model_validate(
        {
            "loop": LoopConfig.model_validate(values | loop),
            "kind": kind,
            "widths": (16, 32, 64),
            "latent_channels": 8,
            "schedule": (1, 2, 4),
            "codebook_size": 16,
            "continuous_steps": round(0.3 * steps),
        }
    )


def settle_generator(steps: int = 20, **changes: object) -> GeneratorTraining:
    """Return settings of a generator that trains in seconds."""
    values = {"steps": steps, "batch_size": 8, "lr": 3e-3, "warmup": 5, "average_decay": 0.9, "precision": "f32"}
    values |= {"validate_every": 10, "save_every": 5, "sample_every": 20}
    network = {"width": 32, "depth": 2, "heads": 2, "text_depth": 1, "residual_width": 16, "residual_depth": 1}
    loop = {name: changes.pop(name) for name in list(changes) if name in LoopConfig.model_fields}
    return GeneratorTraining.model_validate({"loop": LoopConfig.model_validate(values | loop), **network, **changes})


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``dataset`` artifact of pictures of 32 pixels."""
    return build_dataset(tmp_path_factory.mktemp("shapes") / "dataset")


@pytest.fixture(scope="session")
def large_shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``dataset`` artifact of pictures four times as large as those of the tiny model."""
    return build_dataset(tmp_path_factory.mktemp("large") / "dataset", size=128)


@pytest.fixture(scope="session")
def make_shapes() -> Callable[..., Path]:
    """Build such a data set at another size: ``make_shapes(folder, size=64)``."""
    return build_dataset


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``text-table`` artifact."""
    return build_text_table(tmp_path_factory.mktemp("words") / "text-table")


@pytest.fixture(scope="session")
def trained_tokenizer(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``tokenizer`` artifact, trained for a few seconds."""
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.run(settle_tokenizer(200), shapes, folder / "out", work=folder / "work", strict=False)
    return folder / "out"


@pytest.fixture(scope="session")
def encoded(shapes: Path, trained_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``latents`` artifact."""
    out = tmp_path_factory.mktemp("encoded") / "latents"
    latents.run(LatentsEncoding(variants=3, reach=1), shapes, trained_tokenizer, out)
    return out


@pytest.fixture(scope="session")
def tokenizer_settings() -> Callable[..., TokenizerTraining]:
    """Return ``settle_tokenizer``."""
    return settle_tokenizer


@pytest.fixture(scope="session")
def generator_settings() -> Callable[..., GeneratorTraining]:
    """Return ``settle_generator``."""
    return settle_generator


@pytest.fixture(scope="session")
def hybrid_recipe() -> HybridRecipe:
    """A recipe for pictures of 32 pixels that trains in seconds."""
    return HybridRecipe(
        image_size=32,
        text_table=TextTableConfig(),
        tokenizer=settle_tokenizer(40),
        latents=LatentsEncoding(variants=2, reach=1),
        generator=settle_generator(12),
        sampling=Sampling(
            guidance=1.5, guidance_shape=(0.5, 1.0, 0.0), temperatures=(1.0, 0.8, 0.5), top_p=0.9, residual_steps=0
        ),
    )


@pytest.fixture(scope="session")
def prepared(hybrid_recipe: HybridRecipe, words: Path, shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a text table and a tokenizer too small to be called healthy; do not change it, copy it."""
    workspace = tmp_path_factory.mktemp("prepared")
    shutil.copytree(words, workspace / "text-table")
    (workspace / "text-table" / MANIFEST).unlink()
    seal(workspace / "text-table", kind="text-table", stage="train", config=hybrid_recipe.text_table, parents={})
    tokenizer.run(hybrid_recipe.tokenizer, shapes, workspace / "tokenizer", work=workspace / "state", strict=False)
    return workspace
