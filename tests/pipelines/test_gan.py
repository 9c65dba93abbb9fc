from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from underpaint.core.errors import InputError
from underpaint.learning.seeding import initialized_by
from underpaint.models.gan_generator import GanGenerator, GanGeneratorConfig
from underpaint.models.pixels import to_straight
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.gan import GanConfig, GanPipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.rng import normal

CAT = DrawRequest(caption="a smiling cat", style="flat", seed=5)
DOG = DrawRequest(caption="red dog", style="noto", seed=6)
APPLE = DrawRequest(caption="the green apple", style=None, seed=7)
WORDS = ("a", "the", "red", "green", "apple", "cat", "dog", "smiling")


def build(**sampling: float) -> GanPipeline:
    """Build a pipeline of the real classes with random weights: pictures of 16 pixels in two styles."""
    vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    words = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer()
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    with initialized_by(0):
        encoder = TextEncoder(TextEncoderConfig(vocab_size=len(vocabulary), width=16, depth=1, heads=2))
        generator = GanGenerator(
            GanGeneratorConfig(widths=(16, 8), blocks=(1, 1), num_styles=2, text_width=16, condition_width=16)
        )
        with torch.no_grad():
            encoder.table.normal_()
            for parameter in generator.parameters():
                parameter.add_(torch.randn(parameter.shape) * 0.1)
    return GanPipeline(
        text_tokenizer=TextTokenizer.from_json(words.to_str()),
        text_encoder=encoder.eval(),
        generator=generator.eval(),
        config=GanConfig(styles=("flat", "noto"), **sampling),
    )


@pytest.fixture(scope="module")
def pipeline() -> GanPipeline:
    return build()


@pytest.fixture
def make() -> Callable[..., GanPipeline]:
    return build


def test_a_picture_is_the_same_alone_in_a_batch_and_in_any_order(pipeline):
    requests = [CAT, DOG, APPLE, replace(CAT, seed=8), replace(DOG, temperature=0.5)]
    together = pipeline.draw(requests)
    assert len({picture.tobytes() for picture in together}) == 5
    assert all(picture.shape == (16, 16, 4) and picture.dtype == np.uint8 for picture in together)
    for request, picture in zip(requests, together, strict=True):
        assert np.array_equal(pipeline.draw([request])[0], picture)
    assert all(map(np.array_equal, together, pipeline.draw(requests[::-1])[::-1]))


@torch.no_grad()
def test_drawing_follows_the_definition(pipeline):
    z = torch.from_numpy(normal(5, "gan", (64,)))[None]
    text = pipeline.encode_text(["a smiling cat"])
    expected = to_straight(pipeline.generator(z, text.pooled, torch.tensor([0])))[0]
    assert np.array_equal(pipeline.draw([CAT])[0], expected)


def test_pictures_drawn_in_one_batch_are_those_drawn_alone(pipeline):
    requests = [replace(request, temperature=0.3) for request in (CAT, DOG, APPLE)]
    together = pipeline.draw_pictures(requests)
    for row, request in enumerate(requests):
        torch.testing.assert_close(together[row : row + 1], pipeline.draw_pictures([request]), atol=1e-5, rtol=1e-4)


def test_without_noise_the_seed_decides_nothing(pipeline, make):
    cold = pipeline.draw([replace(CAT, seed=seed, temperature=0.0) for seed in (1, 2)])
    truncated = make(truncation=0.0).draw([CAT, replace(CAT, seed=1)])
    assert np.array_equal(*cold) and np.array_equal(*truncated)
    warm = pipeline.draw([replace(CAT, seed=seed) for seed in (1, 2)])
    assert not np.array_equal(*warm)


def test_truncation_and_temperature_are_one_factor(pipeline, make):
    halved = make(truncation=0.5)
    assert np.array_equal(halved.draw([CAT])[0], pipeline.draw([replace(CAT, temperature=0.5)])[0])
    assert np.array_equal(halved.draw([replace(CAT, temperature=2.0)])[0], pipeline.draw([CAT])[0])


def test_drawing_takes_nothing_from_the_random_state_of_torch(pipeline):
    before = torch.random.get_rng_state()
    first = pipeline.draw([CAT])[0]
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(3)
    assert np.array_equal(pipeline.draw([CAT])[0], first)


def test_the_stages_of_a_draw_begin_in_order(pipeline):
    begun: list[str] = []
    pipeline.draw([CAT, DOG], begun.append)
    assert begun == ["text", "transformer"] * 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"style": "noir"}, "unknown style 'noir'; this model draws flat, noto"),
        ({"guidance": 2.0}, "knows no guidance, got 2"),
        ({"steps": 4}, "takes no steps, got 4"),
    ],
)
def test_what_a_gan_cannot_give_is_refused(pipeline, changes, message):
    with pytest.raises(InputError, match=message):
        pipeline.draw([replace(CAT, **changes)])


def test_no_guidance_may_be_asked_for(pipeline):
    assert np.array_equal(pipeline.draw([replace(CAT, guidance=0.0)])[0], pipeline.draw([CAT])[0])


def test_components_that_do_not_fit_each_other_are_told(pipeline):
    assert all(pipeline.fit().values())
    other = GanPipeline(
        text_tokenizer=pipeline.text_tokenizer,
        text_encoder=TextEncoder(TextEncoderConfig(vocab_size=10, width=32)),
        generator=pipeline.generator,
        config=GanConfig(styles=("flat",)),
    )
    assert not any(other.fit().values())


def test_a_pipeline_names_its_parts(pipeline):
    assert list(pipeline.modules) == ["text_encoder", "generator"]
    assert pipeline.network is pipeline.generator
    assert (pipeline.image_size, pipeline.styles) == (16, ("flat", "noto"))
