from __future__ import annotations

from pathlib import Path

import pytest
import torch

from underpaint.core.samples import Sample, read_samples
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.runtime.weights import read_weights
from underpaint.stages.train.conditions import (
    STYLES,
    draw_conditions,
    encode_captions,
    make_text_encoder,
    plain_conditions,
)
from underpaint.stages.train.config import GeneratorTraining
from underpaint.stages.train.flow_config import FlowTraining
from underpaint.stages.train.tuning.config import Drops

CPU = torch.device("cpu")
ANY = len(STYLES)


@pytest.fixture(scope="module")
def samples(shapes: Path) -> list[Sample]:
    return read_samples(shapes)


def drawn(samples: list[Sample], seed: int = 0, **shares: float):
    return draw_conditions(samples, Drops(**shares), ANY, torch.Generator().manual_seed(seed), CPU)


def test_models_whose_shares_are_alike_are_asked_for_the_same(samples, generator_settings):
    loop = generator_settings(4).loop
    settings = GeneratorTraining(loop=loop), FlowTraining(loop=loop)
    one, other = (draw_conditions(samples, s, ANY, torch.Generator().manual_seed(3), CPU) for s in settings)
    assert one.captions == other.captions and torch.equal(one.style, other.style) and torch.equal(one.drop, other.drop)
    again = draw_conditions(samples, settings[0], ANY, torch.Generator().manual_seed(4), CPU)
    assert again.captions != one.captions and not torch.equal(again.drop, one.drop)


def test_captions_and_styles_are_dropped_as_often_as_is_asked(samples):
    many = samples * 40
    asked = drawn(many, drop_both=0.2, drop_caption=0.1, drop_style=0.3)
    nameless = asked.style == ANY
    shares = [float(x.float().mean()) for x in (asked.drop & nameless, asked.drop & ~nameless, ~asked.drop & nameless)]
    assert shares == pytest.approx([0.2, 0.1, 0.3], abs=0.02)


@pytest.mark.parametrize(("share", "dropped"), [(0.0, False), (1.0, True)])
def test_nothing_and_everything_can_be_dropped(samples, share, dropped):
    asked = drawn(samples, drop_both=share)
    assert bool((asked.drop == dropped).all()) and bool(((asked.style == ANY) == dropped).all())


def test_held_out_pictures_are_asked_for_by_their_own_captions_and_styles(samples):
    asked = plain_conditions(samples, CPU)
    assert asked.captions == [sample.caption for sample in samples] and not asked.drop.any()
    assert [STYLES[row] for row in asked.style.tolist()] == [sample.style for sample in samples]


def test_captions_are_padded_to_the_longest_and_the_table_is_that_of_the_artifact(words):
    encoder = make_text_encoder(words, 1).eval()
    table = read_weights(words / "model.safetensors")
    assert torch.equal(encoder.table, table["table"]) and torch.equal(encoder.weight, table["weight"])
    tokenizer, captions = TextTokenizer.from_folder(words), ["red disc", "a flat sticker of red disc"]
    states = encode_captions(tokenizer, encoder, captions, CPU)
    assert states.mask.sum(dim=1).tolist() == [2, 6] and states.tokens.shape[:2] == (2, 6)
    alone = encode_captions(tokenizer, encoder, captions[:1], CPU)
    torch.testing.assert_close(states.pooled[:1], alone.pooled)
