from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import underpaint
from underpaint.core.artifact import MANIFEST, read_manifest
from underpaint.core.errors import DataError, InputError
from underpaint.core.progress import Progress
from underpaint.learning.config import LoopConfig
from underpaint.pipelines.editing.asking import editor_of
from underpaint.pipelines.editing.mask import Mask
from underpaint.pipelines.editing.planning import plan_edits
from underpaint.pipelines.editing.reading import read_original
from underpaint.pipelines.editing.request import EditRequest
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline, save_pipeline
from underpaint.stages.train import decoder_run
from underpaint.stages.train.decoder_config import DecoderTraining
from underpaint.stages.train.parts import at_work, has_state, parts_of
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
    assert {path.parent.name for path in (tmp_path / "space").glob(f"*/{MANIFEST}")} == {*parts_of(recipe)}
    assert manifest.parents["tokenizer"] == read_manifest(tmp_path / "space" / "finer-tokenizer").digest
    old, new = load_pipeline(model, CPU), load_pipeline(open_model(tmp_path / "space"), CPU)
    for name in ("text_encoder", "transformer", "quantizer"):
        before, after = old.modules[name].state_dict(), new.modules[name].state_dict()
        assert all(torch.allclose(before[k].float(), after[k].float(), atol=2e-3) for k in before)
    before, after = (p.modules["autoencoder"].state_dict() for p in (old, new))
    moved = {key.split(".")[0] for key in before if (before[key] - after[key]).abs().max() > 1e-3}
    assert moved == {"decoder"}


def test_a_training_that_is_interrupted_leaves_what_it_goes_on_from(
    recipe, shapes: Path, tiny_model: Path, tmp_path: Path
):
    saving = recipe.model_copy(update={"loop": recipe.loop.model_copy(update={"save_every": 1})})

    def report(progress: Progress) -> None:
        if progress.unit == "steps" and progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decoder_run.run(saving, shapes, tmp_path / "space", report, start=tiny_model)
    assert at_work(tmp_path / "space", parts_of(saving)) == "finer-tokenizer"
    assert has_state(tmp_path / "space", "finer-tokenizer")


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


@pytest.fixture(scope="module")
def doubled(make_shapes: Callable[..., Path], tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of 32 px whose decoder learned to paint at 64."""
    space = tmp_path_factory.mktemp("doubled")
    loop = LoopConfig(steps=2, batch_size=4, lr=1e-3, warmup=1, precision="f32", validate_every=2, sample_every=2)
    recipe = DecoderTraining(loop=loop, discriminator_widths=(8, 8, 8, 8), penalty_pictures=2, doubling=8)
    decoder_run.run(recipe, make_shapes(space / "data", size=64), space / "space", start=tiny_model)
    return space / "space" / "pipeline"


def test_a_doubled_decoder_makes_a_model_of_twice_the_size(doubled: Path, tiny_model: Path):
    small, large = (underpaint.load(folder, engine="torch") for folder in (tiny_model, doubled))
    assert (small.model.index.image_size, large.model.index.image_size) == (32, 64)
    assert large.generate("a red square", seed=3)[0].size == (64, 64)
    old, new = (load_pipeline(open_model(folder), CPU).modules for folder in (tiny_model, doubled))
    for name in ("text_encoder", "transformer", "quantizer"):
        before, after = old[name].state_dict(), new[name].state_dict()
        assert all(torch.equal(before[key].half(), after[key].half()) for key in before)


def test_an_edit_at_twice_the_size_leaves_what_is_outside_the_mask_to_the_bit(doubled: Path):
    generator = underpaint.load(doubled, engine="torch")
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 4), dtype=np.uint8)
    original, inside = read_original(Image.fromarray(pixels, "RGBA"), 64), np.zeros((64, 64), dtype=bool)
    inside[10:41, 7:30] = True
    request = EditRequest(prompt="a red square", strength=0.7, seam=2, seed=1)
    planned = plan_edits(generator.model, original, request, Mask(inside=inside))
    for image in editor_of(generator.model, generator.pipeline, original, Mask(inside=inside)).draw(planned):
        drawn = np.asarray(image)
        assert np.array_equal(drawn[~inside], original.pixels[~inside])
        assert not np.array_equal(drawn[inside], original.pixels[inside])


def test_the_smaller_pictures_are_refused_for_a_doubled_decoder(recipe, shapes: Path, tiny_model: Path, tmp_path: Path):
    with pytest.raises(DataError, match="64 px"):
        larger = recipe.model_copy(update={"doubling": 8})
        decoder_run.run(larger, shapes, tmp_path / "space", start=tiny_model)


def test_an_end_that_is_there_is_trained_on_and_another_one_is_refused():
    recipe = DecoderTraining(loop=LoopConfig(steps=2, batch_size=4, lr=1e-3, warmup=1), doubling=8)
    assert (recipe.new_end(None), recipe.new_end(8)) == (8, None)
    assert recipe.model_copy(update={"doubling": None}).new_end(8) is None
    with pytest.raises(InputError, match=r"twice as large already, with 16 channels, and the recipe asks for 8; start"):
        recipe.new_end(16)
