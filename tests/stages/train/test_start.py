from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from underpaint.core.artifact import read_manifest, verify
from underpaint.core.errors import ArtifactError, TrainingError
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.model_folder import open_model
from underpaint.runtime.weights import read_weights
from underpaint.stages.train.start import seed_workspace


def test_a_workspace_takes_the_models_own_parts_to_the_bit(tiny_model: Path, tmp_path: Path):
    model = open_model(tiny_model)
    seed_workspace(model, tmp_path)
    for kind in ("text-table", "tokenizer"):
        assert verify(tmp_path / kind, kind=kind).parents == {"model": model.digest}
    table = read_weights(tmp_path / "text-table" / "model.safetensors")
    own = read_weights(tiny_model / "text_encoder" / "model.safetensors")
    assert set(table) == {"table", "weight"} and all(torch.equal(table[name], own[name]) for name in table)
    assert TextTokenizer.from_folder(tmp_path / "text-table").encode("a cat").ids
    load_component(tmp_path / "tokenizer" / "autoencoder", Autoencoder, AutoencoderConfig)


def test_a_workspace_that_is_seeded_already_is_kept(tiny_model: Path, tmp_path: Path):
    model = open_model(tiny_model)
    seed_workspace(model, tmp_path)
    before = read_manifest(tmp_path / "tokenizer").digest
    shutil.rmtree(tmp_path / "text-table")
    seed_workspace(model, tmp_path)
    assert read_manifest(tmp_path / "tokenizer").digest == before
    assert (tmp_path / "text-table").is_dir()


def test_a_workspace_of_another_model_is_refused(tiny_model: Path, make_tiny_model, tmp_path: Path):
    seed_workspace(open_model(tiny_model), tmp_path / "space")
    other = open_model(make_tiny_model(tmp_path / "other", seed=1))
    with pytest.raises(TrainingError, match="was not taken from other"):
        seed_workspace(other, tmp_path / "space")


def test_a_model_whose_weights_were_changed_seeds_nothing(make_tiny_model, tmp_path: Path):
    folder = make_tiny_model(tmp_path / "model")
    model = open_model(folder)
    weights = folder / "autoencoder" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(ArtifactError, match="differs from its manifest"):
        seed_workspace(model, tmp_path / "space")
    assert not (tmp_path / "space").exists()


def test_a_model_that_shares_components_seeds_with_them_all_or_not_at_all(
    sharing_model: Path, doubled_model: Path, tmp_path: Path
):
    seed_workspace(open_model(sharing_model), tmp_path / "space")
    seed_workspace(open_model(doubled_model), tmp_path / "whole")
    for kind in ("text-table", "tokenizer"):
        assert verify(tmp_path / "space" / kind).files == verify(tmp_path / "whole" / kind).files
    weights = sharing_model.parent / "stickers-64" / "quantizer" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(ArtifactError, match=r"stickers-64/quantizer/model.safetensors differs from its manifest"):
        seed_workspace(open_model(sharing_model), tmp_path / "other")
    assert not (tmp_path / "other").exists()
