"""What is made larger keeps its record, so that the large picture goes into the gallery as a child of the small one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from underpaint.core.artifact import seal, staging
from underpaint.core.config import Config
from underpaint.core.errors import FieldError
from underpaint.learning.seeding import initialized_by
from underpaint.models.component import save_component
from underpaint.models.upscaler import Upscaler, UpscalerConfig
from underpaint.pipelines.editing.reading import Upright
from underpaint.pipelines.generator import load
from underpaint.pipelines.picture_file import pixel_digest
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.upscaling.network import KIND, UpscalingNetwork, open_network
from underpaint.stages.serve.gallery.bringing import read_brought
from underpaint.stages.serve.gallery.making import enlarged
from underpaint.stages.train.upscaler_graph import write_graph


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> UpscalingNetwork:
    """A network with random weights."""
    with initialized_by(0):
        tiny = Upscaler(UpscalerConfig(width=8, blocks=1, fine_width=4)).eval()
    out = tmp_path_factory.mktemp("upscaler") / "tiny"
    with staging(out) as folder:
        save_component(tiny, tiny.config, folder, torch.float16)
        write_graph(tiny, folder)
        seal(folder, kind=KIND, stage="tests", config=Config(), parents={})
    return open_network(out)


@pytest.fixture(scope="module")
def drawn(tiny_model: Path) -> Image.Image:
    """A picture of 32 pixels with its settings."""
    return load(tiny_model).generate("a red cat", seed=5)[0]


def test_a_large_picture_is_read_back_with_what_drew_it_and_what_it_was_made_from(
    network: UpscalingNetwork, drawn: Image.Image
) -> None:
    small = Upright(name="the picture", image=drawn, settings=drawn.info["underpaint"])
    image, settings = read_brought(enlarged(small, 96, network))
    assert image.size == (96, 96) and settings is not None
    assert (settings.prompt, settings.made_from) == ("a red cat", pixel_digest(drawn))


def test_what_is_as_large_already_is_refused(network: UpscalingNetwork, drawn: Image.Image) -> None:
    with pytest.raises(FieldError, match="larger size") as caught:
        enlarged(Upright(name="the picture", image=drawn, settings=None), 32, network)
    assert caught.value.param == "size"


def test_a_large_picture_is_signed_with_what_it_says_of_itself(network: UpscalingNetwork, drawn: Image.Image) -> None:
    small = Upright(name="the picture", image=drawn, settings=drawn.info["underpaint"])
    asked: list[Settings] = []

    def seal(data: bytes, settings: Settings) -> bytes:
        asked.append(settings)
        return data + b"signed"

    assert enlarged(small, 96, network, seal).endswith(b"signed")
    assert asked[0].size == "96x96" and asked[0].pixel_sha256 is not None
