"""What the tests of synthetic data share: a tiny model of real parts, drawn once, and pictures without any model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from underpaint.core.artifact import Manifest
from underpaint.pipelines.generator import load_opened
from underpaint.pipelines.model_folder import Model, open_model
from underpaint.pipelines.planning import Options
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import Settings
from underpaint.stages.data.synthetic.drawing import Picture
from underpaint.stages.data.synthetic.run import run, settings_of
from underpaint.stages.data.synthetic.wishes import plan_wishes
from underpaint.stages.data.thumbnail import thumbnail_of

PROMPTS = ("a red apple", "a cat", "a smiling dog", "blue cat with sunglasses")


@pytest.fixture(scope="session")
def model(tiny_model: Path) -> Model:
    """The tiny model, opened."""
    return open_model(tiny_model)


@pytest.fixture(scope="session")
def planned(model: Model) -> list[Settings]:
    """Four prompts in both styles, two pictures each."""
    return plan_wishes(model, [PromptRow(prompt=prompt) for prompt in PROMPTS], Options(n=2))


@pytest.fixture(scope="session")
def synthesize(
    model: Model, planned: list[Settings], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Manifest]:
    """Draw a data set: ``synthesize(out, cache=..., load=..., real=...)``."""
    shared = tmp_path_factory.mktemp("drawn")

    def call(out: Path, **options: object) -> Manifest:
        given = {"cache": shared, "load": lambda: load_opened(model), **options}
        return run(settings_of(model, planned, "tiny"), model, planned, out, **given)  # pyright: ignore[reportArgumentType]

    return call


@pytest.fixture(scope="session")
def drawn(synthesize: Callable[..., Manifest], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A finished synthetic data set; read only."""
    out = tmp_path_factory.mktemp("finished") / "tiny"
    return out, synthesize(out)


@pytest.fixture
def picture() -> Callable[..., Picture]:
    """Make a picture without a model: ``picture(pixels, caption=..., style=..., seed=...)``."""

    def make(pixels: np.ndarray, caption: str = "a cat", style: str | None = "flat", seed: int = 0) -> Picture:
        from underpaint.pipelines.picture_file import pixel_digest

        image = Image.fromarray(pixels)
        settings = Settings(
            prompt=caption,
            caption=caption,
            style=style,
            seed=seed,
            size="32x32",
            model="tiny",
            model_sha256="0" * 64,
            version="0",
            pixel_sha256=pixel_digest(image),
        )
        alpha = float(pixels[..., 3].mean() / 255)
        return Picture(
            path=Path("nowhere.png"),
            settings=settings,
            thumbnail=thumbnail_of(pixels),
            alpha=alpha,
            sha256=pixel_digest(image),
        )

    return make
