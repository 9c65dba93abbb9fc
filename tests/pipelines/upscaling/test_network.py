from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from underpaint.core.errors import ArtifactError, InputError
from underpaint.models.component import load_component
from underpaint.models.upscaler import Upscaler, UpscalerConfig
from underpaint.pipelines.upscaling.network import UpscalingNetwork, open_network


@pytest.mark.parametrize(("height", "width"), [(16, 16), (7, 20)])
def test_the_graph_gives_what_torch_gives(
    tiny_upscaler: Path, tiny_network: UpscalingNetwork, height: int, width: int
) -> None:
    values = np.random.default_rng(0).random((height, width, 4), dtype=np.float32)
    given = torch.from_numpy(values).permute(2, 0, 1)[None] * 2 - 1
    with torch.inference_mode():
        expected = (load_component(tiny_upscaler, Upscaler, UpscalerConfig)(given)[0].permute(1, 2, 0) + 1) / 2
    np.testing.assert_allclose(tiny_network.enlarged(values), expected.numpy(), atol=2e-5)


@pytest.mark.parametrize("file", ["model.onnx", "model.safetensors"])
def test_a_changed_file_is_refused(tiny_upscaler: Path, tmp_path: Path, file: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny_upscaler, folder)
    data = bytearray((folder / file).read_bytes())
    data[-1] ^= 1
    (folder / file).write_bytes(data)
    with pytest.raises(ArtifactError, match=file):
        open_network(folder)


def test_what_is_no_upscaler_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_network(tmp_path / "nowhere")
    with pytest.raises(ArtifactError, match="upscaler"):
        open_network(tiny_model)
