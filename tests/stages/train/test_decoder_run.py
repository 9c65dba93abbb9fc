from __future__ import annotations

from pathlib import Path

import pytest
import torch

from underpaint.core.artifact import read_manifest
from underpaint.core.errors import DataError, InputError
from underpaint.learning.config import LoopConfig
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline, save_pipeline
from underpaint.stages.train import decoder_run
from underpaint.stages.train.decoder_config import DecoderTraining
from underpaint.stages.train.start import Start

CPU = torch.device("cpu")


@pytest.fixture
def recipe() -> DecoderTraining:
    loop = LoopConfig(steps=2, batch_size=4, lr=1e-3, warmup=1, precision="f32", validate_every=2, sample_every=2)
    return DecoderTraining(loop=loop, discriminator_widths=(8, 8, 8, 8), penalty_pictures=2)


def test_the_model_keeps_everything_but_its_decoder(recipe, shapes: Path, tiny_model: Path, tmp_path: Path):
    manifest = decoder_run.run(recipe, shapes, tmp_path / "space", start=tiny_model)
    model = open_model(tiny_model)
    assert manifest.parents["model"] == model.digest
    assert manifest.parents["tokenizer"] == read_manifest(tmp_path / "space" / "finer-tokenizer").digest
    old, new = load_pipeline(model, CPU), load_pipeline(open_model(tmp_path / "space"), CPU)
    for name in ("text_encoder", "transformer", "quantizer"):
        before, after = old.modules[name].state_dict(), new.modules[name].state_dict()
        assert all(torch.allclose(before[k].float(), after[k].float(), atol=2e-3) for k in before)
    before, after = (p.modules["autoencoder"].state_dict() for p in (old, new))
    moved = {key.split(".")[0] for key in before if (before[key] - after[key]).abs().max() > 1e-3}
    assert moved == {"decoder"}


def test_a_model_without_tokens_is_refused(recipe, shapes: Path, make_tiny_flow, tmp_path: Path):
    save_pipeline(make_tiny_flow(), tmp_path / "flow", stage="t", config=Start(model="m", part="p"), parents={})
    with pytest.raises(InputError, match="draws without tokens"):
        decoder_run.run(recipe, shapes, tmp_path / "space", start=tmp_path / "flow")


def test_pictures_of_another_size_are_refused_before_any_work(recipe, shapes: Path, tmp_path: Path):
    with pytest.raises(DataError, match="32 px"):
        decoder_run.run(recipe, shapes, tmp_path / "space")
    assert not (tmp_path / "space").exists()


def test_what_the_model_was_made_from_is_still_said(recipe, shapes: Path, tiny_model: Path, tmp_path: Path):
    parents = {"generator": "a" * 64, "text-table": "b" * 64, "tokenizer": "c" * 64}
    told = {"stage": "test", "config": Start(model="m", part="p"), "parents": parents}
    save_pipeline(load_pipeline(open_model(tiny_model), CPU), tmp_path / "model", **told)
    finer = decoder_run.run(recipe, shapes, tmp_path / "space", start=tmp_path / "model").parents
    assert finer.keys() == {"generator", "text-table", "tokenizer", "model", "dataset"}
    assert {role: finer[role] for role in decoder_run.KEPT} == {role: parents[role] for role in decoder_run.KEPT}
    assert finer["tokenizer"] != parents["tokenizer"]
