from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from underpaint.core.samples import read_samples
from underpaint.learning.loop import step_generator
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.saved import load_pipeline
from underpaint.runtime.device import CPU
from underpaint.stages.train.tuning.decoder import StyleDecoder, error
from underpaint.stages.train.tuning.kept import draw_latents, wishes
from underpaint.stages.train.tuning.own import read_some
from underpaint.stages.train.tuning.parts import Parts

STEPS = 8


@pytest.fixture(scope="module")
def kept(parent) -> Parts:
    pipeline = load_pipeline(parent, CPU)
    assert isinstance(pipeline, HybridPipeline)
    drawn = draw_latents(pipeline, wishes(pipeline.styles, ["red disc"], 12), lambda _: None)
    return drawn, drawn


@pytest.fixture
def trainee(kept, own_pictures: Path, trained_tokenizer: Path, style_settings) -> Callable[..., StyleDecoder]:
    """Return a function that makes the trainee of eight pictures, with four held out."""

    def make(keep_share: float) -> StyleDecoder:
        recipe = style_settings(decoder_keep_share=keep_share)
        autoencoder = load_component(trained_tokenizer / "autoencoder", Autoencoder, AutoencoderConfig)
        quantizer = load_component(trained_tokenizer / "quantizer", MultiScaleQuantizer, QuantizerConfig)
        samples = read_samples(own_pictures)
        own = read_some(own_pictures, samples[:8]), read_some(own_pictures, samples[8:])
        return StyleDecoder(recipe, recipe.decoder, autoencoder, quantizer, own, kept)

    return make


def after_steps(trainee: StyleDecoder) -> dict[str, float]:
    optimizer = torch.optim.Adam(trainee.autoencoder.decoder.parameters(), lr=1e-3)
    for step in range(STEPS):
        loss, _ = trainee.loss(step, step_generator(0, step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return trainee.validate()


def test_before_training_what_could_be_drawn_is_drawn_as_it_was(trainee):
    assert trainee(0.5).watch.points[0].kept == 0.0


def test_pictures_come_nearer_and_what_is_kept_in_the_batch_changes_less(trainee):
    alone, beside = trainee(0.0), trainee(0.5)
    first = alone.watch.points[0]
    forgot, kept = after_steps(alone), after_steps(beside)
    assert forgot["learned_error"] < first.learned
    assert kept["learned_error"] < first.learned
    assert 0.0 < kept["kept_error"] < forgot["kept_error"]


def test_the_teacher_the_encoder_and_the_codes_are_not_trained(trainee):
    one = trainee(0.5)
    frozen = (one.teacher, one.autoencoder.encoder, one.quantizer)
    before = [value.clone() for network in frozen for value in network.state_dict().values()]
    after_steps(one)
    assert all(map(torch.equal, before, (value for network in frozen for value in network.state_dict().values())))
    assert not any(parameter.requires_grad for network in frozen for parameter in network.parameters())


def test_an_error_of_one_is_black_for_white(trainee):
    white = torch.ones(2, 4, 8, 8)
    assert error(white, white) == 0.0
    assert error(-white, white) == 1.0
    assert error(9.0 * white, white) == 0.0
