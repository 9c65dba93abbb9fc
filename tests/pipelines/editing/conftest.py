from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

import underpaint
from underpaint.pipelines.editing.mask import Mask
from underpaint.pipelines.editing.reading import Original, read_original
from underpaint.pipelines.generator import Generator

SIDE = 32


@pytest.fixture(scope="session")
def generator(tiny_model) -> Generator:
    """A tiny model whose transformer has learned nothing but has strong opinions."""
    loaded = underpaint.load(tiny_model, engine="torch")
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in loaded.networks.network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=noise) * 0.2)
    return loaded


@pytest.fixture(scope="session")
def drawing() -> Image.Image:
    """A colorful picture of the tiny model's size."""
    image = Image.new("RGBA", (SIDE, SIDE))
    pen = ImageDraw.Draw(image)
    pen.ellipse((2, 2, 25, 29), fill=(220, 40, 60, 255))
    pen.rectangle((12, 10, 30, 20), fill=(20, 90, 200, 140))
    return image


@pytest.fixture(scope="session")
def original(drawing) -> Original:
    return read_original(drawing, SIDE)


@pytest.fixture(scope="session")
def box() -> Callable[..., Mask]:
    """A mask of a box: left, top, right, bottom, the latter two left out."""

    def build(left: int, top: int, right: int, bottom: int) -> Mask:
        inside = np.zeros((SIDE, SIDE), dtype=bool)
        inside[top:bottom, left:right] = True
        return Mask(inside=inside)

    return build
