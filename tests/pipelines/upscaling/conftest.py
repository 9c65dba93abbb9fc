"""A tiny upscaler of real parts, and a picture that the tiny model drew."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from underpaint.core.artifact import seal, staging
from underpaint.core.config import Config
from underpaint.learning.seeding import initialized_by
from underpaint.models.component import save_component
from underpaint.models.upscaler import Upscaler, UpscalerConfig
from underpaint.pipelines.generator import load
from underpaint.pipelines.marks import PUBLIC
from underpaint.pipelines.upscaling.network import KIND, UpscalingNetwork, open_network
from underpaint.stages.train.upscaler_graph import write_graph


@pytest.fixture(scope="session")
def tiny_upscaler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ``upscaler`` artifact with random weights; do not change it, copy it."""
    with initialized_by(0):
        network = Upscaler(UpscalerConfig(width=8, blocks=1, fine_width=4)).eval()
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.02)
    out = tmp_path_factory.mktemp("upscaler") / "tiny"
    with staging(out) as folder:
        save_component(network, network.config, folder, torch.float16)
        write_graph(network, folder)
        seal(folder, kind=KIND, stage="tests", config=Config(), parents={})
    return out


@pytest.fixture(scope="session")
def tiny_network(tiny_upscaler: Path) -> UpscalingNetwork:
    return open_network(tiny_upscaler)


@pytest.fixture(scope="session")
def drawn(tiny_model: Path) -> Image.Image:
    """A picture of 32 pixels with its settings and a mark."""
    generator = load(tiny_model)
    plain = generator.generate("a red cat", seed=5)[0]
    marked = plain.info["underpaint"].model_copy(update={"watermark": PUBLIC})
    return next(generator.draw([marked]))
