from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from underpaint.core.artifact import read_manifest
from underpaint.core.errors import InputError
from underpaint.core.samples import read_samples
from underpaint.learning.config import LoopConfig
from underpaint.models.pixels import to_straight
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.train import decoder_run, drawn_latents
from underpaint.stages.train.decoder_config import DecoderTraining
from underpaint.stages.train.drawn_latents import DrawnLatents, draw, load_drawn, requests_for
from underpaint.stages.train.pictures import variant_weights

CPU = torch.device("cpu")
STYLES = ("cartoon", "flat", "gradient", "line-art")


@pytest.fixture
def pipeline(tiny_model: Path) -> HybridPipeline:
    loaded = load_pipeline(open_model(tiny_model), CPU)
    assert isinstance(loaded, HybridPipeline)
    return loaded


@torch.no_grad()
def test_the_decoder_makes_the_models_own_pictures_of_them(pipeline: HybridPipeline):
    requests = [DrawRequest(caption=caption, seed=seed) for seed, caption in enumerate(("red disc", "blue bar", "dot"))]
    decoded = to_straight(pipeline.autoencoder.decode(draw(pipeline, requests).to(torch.float32)))
    for ours, its in zip(decoded, pipeline.draw(requests), strict=True):
        assert np.abs(ours.astype(int) - its.astype(int)).max() <= 2


def test_captions_come_from_the_samples_and_seeds_differ(shapes: Path):
    samples = [sample for sample in read_samples(shapes) if sample.split == "train"]
    weights = variant_weights(samples)
    requests = requests_for(samples, weights, DrawnLatents(count=40, seed=7), STYLES)
    assert {(r.caption, r.style) for r in requests} <= {(s.caption, s.style) for s in samples}
    assert [r.seed for r in requests] == list(range(7, 47))
    assert requests == requests_for(samples, weights, DrawnLatents(count=40, seed=7), STYLES)
    assert requests != requests_for(samples, weights, DrawnLatents(count=40, seed=8), STYLES)


def test_an_artifact_gives_back_what_was_drawn(pipeline, shapes: Path, tmp_path: Path):
    samples = read_samples(shapes)
    weights, settings = variant_weights(samples), DrawnLatents(count=5, seed=0)
    drawn_latents.run(settings, pipeline, samples, weights, tmp_path / "drawn", parents={})
    again = draw(pipeline, requests_for(samples, weights, settings, pipeline.styles))
    assert torch.equal(load_drawn(tmp_path / "drawn"), again)


def test_a_style_that_the_model_does_not_know_is_not_asked_for(shapes: Path):
    samples = read_samples(shapes)
    requests = requests_for(samples, variant_weights(samples), DrawnLatents(count=40, seed=7), ("flat",))
    assert {request.style for request in requests} == {"flat", None}


def recipe(**changes: object) -> DecoderTraining:
    loop = LoopConfig(steps=2, batch_size=4, lr=1e-3, warmup=1, precision="f32", validate_every=2, sample_every=2)
    return DecoderTraining(loop=loop, discriminator_widths=(8, 8, 8, 8), penalty_pictures=2, **changes)  # pyright: ignore


def test_settings_without_drawn_latents_are_digested_as_before_there_were_any():
    assert "drawn" not in recipe().model_dump() and recipe(drawn=4, drawn_share=0.5).model_dump()["drawn"] == 4


@pytest.mark.parametrize("changes", [{"drawn": 4}, {"drawn_share": 0.5}])
def test_latents_without_a_share_and_a_share_without_latents_are_refused(changes: dict[str, float]):
    values = recipe().model_dump() | changes
    with pytest.raises(InputError, match="both be 0 or both more"):
        DecoderTraining.parse(values, source="settings")


def test_a_models_decoder_learns_from_what_the_model_draws(shapes: Path, tiny_model: Path, tmp_path: Path):
    plain = decoder_run.run(recipe(), shapes, tmp_path / "plain", start=tiny_model)
    drawn = decoder_run.run(recipe(drawn=6, drawn_share=0.5), shapes, tmp_path / "drawn", start=tiny_model)
    finer = read_manifest(tmp_path / "drawn" / "finer-tokenizer")
    assert finer.parents["drawn"] == read_manifest(tmp_path / "drawn" / "drawn").digest
    assert load_drawn(tmp_path / "drawn" / "drawn").shape[0] == 6
    assert plain.digest != drawn.digest
