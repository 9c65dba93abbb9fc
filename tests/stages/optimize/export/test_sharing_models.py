"""A model that shares components becomes a graph: one that shares both models' weights, or one with copies of them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

import underpaint
from underpaint.core.errors import ArtifactError
from underpaint.core.progress import silent
from underpaint.pipelines.engine_choice import choose
from underpaint.pipelines.exported import load_exported
from underpaint.pipelines.exported_folder import ExportedModel, open_exported
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.evaluate.efficiency.memory import files_of
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.run import export
from underpaint.stages.optimize.search.entrants import disk_mb

CAT = DrawRequest(caption="a smiling cat", style="flat", seed=5)


def test_a_graph_reads_each_weight_where_it_is_shipped(sharing_model, doubled_model):
    shipped = sharing_model.parent
    config = ExportConfig(share_weights=True, edit=True)
    manifest = export(config, open_model("doubled"), shipped / "doubled-onnx", silent)
    assert {name.split("/")[0] for name in manifest.files} == {"edge.json", "graphs"}
    choice = choose(open_model("doubled"))
    assert choice.name == "onnx" and isinstance(choice.model, ExportedModel) and choice.model.name == "doubled"
    assert choice.model.part("autoencoder", "model.safetensors")[0].is_relative_to(sharing_model)
    assert choice.model.part("transformer", "model.safetensors")[0].is_relative_to(shipped / "stickers-64")
    whole, sizes = open_model(doubled_model), files_of(choice.model)
    needed = {name: entry.bytes for name, entry in whole.files.items() if "/" in name}
    assert sizes == {name: entry.bytes for name, entry in manifest.files.items()} | needed
    assert disk_mb(choice.model) == sum(sizes.values()) / 1e6
    drawn = load_exported(choice.model).draw([CAT])[0]
    theirs = load_pipeline(whole, torch.device("cpu")).draw([CAT])[0]
    assert np.abs(drawn.astype(int) - theirs.astype(int))[theirs[..., 3] > 0].max() <= 1
    picture = underpaint.load("doubled").generate("a cat", seed=1)[0]
    assert underpaint.load("doubled", engine="onnx").edit(picture, "a dog")[0].size == (64, 64)
    shutil.rmtree(shipped / "stickers-64")
    with pytest.raises(ArtifactError, match=r"doubled draws with the weights of stickers-64"):
        open_exported(shipped / "doubled-onnx")


def test_a_graph_with_copies_needs_neither_model(sharing_model, tmp_path):
    model = open_model(sharing_model)
    manifest = export(ExportConfig(), model, tmp_path / "graph", silent)
    assert all(manifest.files[name].sha256 == entry.sha256 for name, entry in model.files.items() if "/" in name)
    shutil.rmtree(sharing_model.parent)
    assert load_exported(open_exported(tmp_path / "graph")).draw([CAT])[0].shape == (64, 64, 4)
