from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from underpaint.core.errors import InputError
from underpaint.models.pixels import to_straight
from underpaint.models.residual import ResidualConfig, ResidualRefiner
from underpaint.pipelines.drawer import unwatched
from underpaint.pipelines.hybrid import Drawing, HybridPipeline, draw_residual
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.rng import gumbel, normal

CAT = DrawRequest(caption="a smiling cat", style="flat", seed=5)
DOG = DrawRequest(caption="a dog with sunglasses , red", style="noto", seed=6)
APPLE = DrawRequest(caption="the green apple", style=None, seed=7)


def opened(folder: Path) -> HybridPipeline:
    pipeline = load_pipeline(open_model(folder), torch.device("cpu"))
    assert isinstance(pipeline, HybridPipeline)
    return pipeline


@pytest.fixture(scope="module")
def pipeline(tiny_model: Path) -> HybridPipeline:
    return opened(tiny_model)


@pytest.fixture
def sharp(make_tiny_model: Callable[..., Path], tmp_path: Path) -> HybridPipeline:
    """A pipeline whose transformer has learned nothing but has strong opinions."""
    pipeline = opened(make_tiny_model(tmp_path / "sharp", seed=3))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in pipeline.transformer.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return pipeline


def tokens_of(pipeline: HybridPipeline, *requests: DrawRequest) -> Drawing:
    text = pipeline.encode_text([request.caption for request in requests])
    with torch.no_grad():
        return pipeline.draw_tokens(
            text, pipeline.style_index([request.style for request in requests]), pipeline.numbers(requests)
        )


def logits_at(pipeline: HybridPipeline, request: DrawRequest, labels: list[Tensor], *, unconditional: bool) -> Tensor:
    """Return the logits of the next scale by one full pass without a cache."""
    transformer, quantizer = pipeline.transformer, pipeline.quantizer
    text = pipeline.encode_text([request.caption])
    style = torch.tensor([transformer.any_style]) if unconditional else pipeline.style_index([request.style])
    condition = transformer.condition(text, style, torch.tensor([unconditional]))
    scale, seen = len(labels), []
    for index, side in enumerate(quantizer.config.schedule[1:], 1):
        known = index <= scale
        seen.append(quantizer.down(quantizer.combine(labels[:index]), index) if known else torch.zeros(1, side**2, 16))
    logits, _ = transformer(condition, seen)
    start, stop = transformer.span(scale)
    return logits[:, start:stop]


@torch.no_grad()
def drawn_by_definition(pipeline: HybridPipeline, request: DrawRequest, guidance: float) -> list[Tensor]:
    """Draw with two separate full passes a scale: c + t (c - u), sampled with the request's noise."""
    labels: list[Tensor] = []
    for scale, side in enumerate(pipeline.quantizer.config.schedule):
        c = logits_at(pipeline, request, labels, unconditional=False)
        t = guidance * pipeline.config.guidance_shape[scale]
        if t > 0.0:
            c = c + t * (c - logits_at(pipeline, request, labels, unconditional=True))
        codes = pipeline.quantizer.codes
        noise = gumbel(request.seed, f"tokens-{side}", (side * side, *codes.noise_shape()))
        temperature = pipeline.config.temperatures[scale]
        labels.append(codes.sample(c, temperature, pipeline.config.top_p_at(scale), torch.from_numpy(noise)[None]))
    return labels


@pytest.mark.parametrize("guidance", [0.0, 0.7, 3.0])
@pytest.mark.parametrize("request_", [CAT, DOG, APPLE], ids=["cat", "dog", "apple"])
def test_cached_guided_and_sliced_drawing_follows_the_definition(sharp, request_, guidance):
    drawing = tokens_of(sharp, replace(request_, guidance=guidance))
    for got, expected in zip(drawing.labels, drawn_by_definition(sharp, request_, guidance), strict=True):
        assert torch.equal(got, expected)
    torch.testing.assert_close(drawing.f, sharp.quantizer.combine(drawing.labels), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", [(0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 1.0), (0.0, 0.0, 0.0)])
def test_any_shape_of_guidance_follows_the_definition(sharp, shape):
    sharp.config = sharp.config.model_copy(update={"guidance_shape": shape})
    drawing = tokens_of(sharp, replace(CAT, guidance=2.0))
    assert len(drawing.hidden) == 1
    for got, expected in zip(drawing.labels, drawn_by_definition(sharp, CAT, 2.0), strict=True):
        assert torch.equal(got, expected)


def test_guidance_of_zero_is_the_conditional_model_alone(sharp):
    alone = tokens_of(sharp, replace(CAT, guidance=0.0)).labels
    with torch.no_grad():
        sharp.transformer.null_embedding.add_(5.0)
    assert all(map(torch.equal, alone, tokens_of(sharp, replace(CAT, guidance=0.0)).labels))
    pulled = tokens_of(sharp, replace(CAT, guidance=5.0)).labels
    assert not all(map(torch.equal, alone, pulled))


def test_a_request_without_guidance_takes_the_default(sharp):
    default = tokens_of(sharp, CAT).labels
    assert all(map(torch.equal, default, tokens_of(sharp, replace(CAT, guidance=sharp.config.guidance)).labels))


def test_a_picture_is_the_same_alone_in_a_batch_and_in_any_order(pipeline):
    requests = [CAT, DOG, APPLE, replace(CAT, guidance=15.0), replace(DOG, temperature=0.5, steps=0)]
    together = pipeline.draw(requests)
    assert len({picture.tobytes() for picture in together}) == 5
    for request, picture in zip(requests, together, strict=True):
        assert np.array_equal(pipeline.draw([request])[0], picture)
    backwards = pipeline.draw(requests[::-1])[::-1]
    assert all(map(np.array_equal, together, backwards))


def test_one_batch_of_tokens_holds_the_tokens_of_each(sharp):
    together = tokens_of(sharp, CAT, DOG, APPLE).labels
    for index, request in enumerate((CAT, DOG, APPLE)):
        for whole, alone in zip(together, tokens_of(sharp, request).labels, strict=True):
            assert torch.equal(whole[index : index + 1], alone)


def test_where_batches_are_drawn_together_only_equal_settings_share_one(pipeline):
    class Elsewhere(HybridPipeline):
        @property
        def device(self) -> torch.device:
            return torch.device("cuda")

    parts = {"residual": None, "text_tokenizer": pipeline.text_tokenizer, "config": pipeline.config}
    elsewhere = Elsewhere(**pipeline.modules | parts)
    hot = replace(DOG, temperature=2.0)
    batches = [list(batch) for batch in elsewhere.batches([CAT, DOG, hot, hot, CAT])]
    assert batches == [[CAT, DOG], [hot, hot], [CAT]]
    assert [list(batch) for batch in pipeline.batches([CAT, DOG])] == [[CAT], [DOG]]


def test_drawing_takes_nothing_from_the_random_state_of_torch(pipeline):
    before = torch.random.get_rng_state()
    first = pipeline.draw([CAT])[0]
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(3)
    assert np.array_equal(pipeline.draw([CAT])[0], first)


def test_temperature_zero_takes_the_likeliest_whatever_the_seed(sharp):
    cold = [tokens_of(sharp, replace(CAT, seed=seed, temperature=0.0)).labels for seed in (1, 2)]
    assert all(map(torch.equal, *cold))
    assert not all(map(torch.equal, cold[0], tokens_of(sharp, replace(CAT, seed=1)).labels))
    first = logits_at(sharp, CAT, [], unconditional=False)
    pull = sharp.config.guidance * sharp.config.guidance_shape[0]
    first = first + pull * (first - logits_at(sharp, CAT, [], unconditional=True))
    assert torch.equal(cold[0][0], first.argmax(-1))


def test_without_a_refiner_the_latent_is_what_the_tokens_say(make_tiny_model, tmp_path):
    pipeline = opened(make_tiny_model(tmp_path / "plain", refined=False))
    drawing = tokens_of(pipeline, CAT)
    assert pipeline.refine(drawing, pipeline.numbers([CAT])) is drawing.f
    with torch.no_grad():
        expected = to_straight(pipeline.autoencoder.decode(drawing.f))[0]
    assert np.array_equal(pipeline.draw([CAT])[0], expected)


def test_a_drawing_reads_the_noise_of_the_residual_only_where_it_is_sampled(pipeline, make_tiny_model, tmp_path):
    plain = opened(make_tiny_model(tmp_path / "plain", refined=False))
    for drawn, steps, sampled in ((pipeline, None, True), (pipeline, 0, False), (pipeline, 2, True), (plain, 2, False)):
        numbers, asked = drawn.numbers([replace(CAT, steps=steps)]), []
        noise = numbers.noise
        watched = replace(numbers, noise=lambda name, noise=noise, asked=asked: asked.append(name) or noise(name))
        with torch.no_grad():
            drawn.pictures(drawn.encode_text([CAT.caption]), drawn.style_index([CAT.style]), watched, unwatched)
        assert asked == [stream.name for stream in drawn.streams if sampled or stream.name != "residual"]


@torch.no_grad()
def test_zero_steps_add_the_mean_residual_whatever_the_seed(pipeline):
    drawing = tokens_of(pipeline, CAT)
    latents = [pipeline.refine(drawing, pipeline.numbers([replace(CAT, seed=seed, steps=0)])) for seed in (1, 2)]
    assert torch.equal(*latents)
    token = pipeline.quantizer.codes.embed(drawing.labels[-1], 2)
    zero = torch.zeros_like(drawing.f)
    mean = pipeline.residual(zero, torch.zeros(1), drawing.hidden, token, drawing.f)
    expected = drawing.f + mean * pipeline.quantizer.residual_std[:, None, None]
    torch.testing.assert_close(latents[0], expected)
    assert not torch.allclose(latents[0], drawing.f)


@torch.no_grad()
def test_more_steps_draw_a_residual_of_the_seed(pipeline):
    drawing = tokens_of(pipeline, CAT)
    drawn = [
        pipeline.refine(drawing, pipeline.numbers([replace(CAT, seed=s, steps=n)])) for s, n in ((1, 2), (2, 2), (1, 3))
    ]
    assert not torch.allclose(drawn[0], drawn[1]) and not torch.allclose(drawn[0], drawn[2])
    assert torch.equal(drawn[0], pipeline.refine(drawing, pipeline.numbers([replace(CAT, seed=1, steps=2)])))


class Known(ResidualRefiner):
    """Knows the answer."""

    def __init__(self, answer: Tensor) -> None:
        super().__init__(ResidualConfig(width=8, depth=1, hidden_width=4))
        self.answer, self.times = answer, []

    def forward(self, x_t: Tensor, t: Tensor, hidden: Tensor, token: Tensor, f: Tensor) -> Tensor:
        self.times.append(t.tolist())
        return self.answer.expand_as(x_t)


@pytest.mark.parametrize("steps", [0, 1, 2, 8])
def test_a_refiner_that_knows_the_answer_arrives_at_it_in_any_number_of_steps(steps):
    answer = torch.randn(16, 4, 4, generator=torch.Generator().manual_seed(0))
    refiner = Known(answer)
    noise = torch.from_numpy(normal(3, "residual", (2, 16, 4, 4)))
    empty = torch.zeros(2, 16, 4)
    drawn = draw_residual(refiner, noise, steps, empty, empty, noise)
    torch.testing.assert_close(drawn, answer.expand(2, 16, 4, 4), atol=1e-5, rtol=1e-5)
    assert refiner.times == [[index / max(steps, 1)] * 2 for index in range(max(steps, 1))]


def test_an_unknown_style_is_refused(pipeline):
    with pytest.raises(InputError, match="unknown style 'oil'; this model draws flat, noto"):
        pipeline.draw([replace(CAT, style="oil")])


def test_styles_have_their_rows_and_none_the_last(pipeline):
    assert pipeline.style_index(["noto", "flat", None]).tolist() == [1, 0, 2]


def test_the_picture_is_the_size_that_the_pipeline_says(pipeline):
    (picture,) = pipeline.draw([CAT])
    assert picture.shape == (pipeline.image_size, pipeline.image_size, 4) == (32, 32, 4)
    assert picture.dtype == np.uint8
