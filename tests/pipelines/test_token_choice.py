from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from underpaint.core.errors import InputError
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.hybrid_config import HybridConfig
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.rng import gumbel

CAT = DrawRequest(caption="a smiling cat", style="flat", seed=5)
DOG = DrawRequest(caption="a dog with sunglasses , red", style="noto", seed=6)


def opened(folder: Path) -> HybridPipeline:
    pipeline = load_pipeline(open_model(folder), torch.device("cpu"))
    assert isinstance(pipeline, HybridPipeline)
    return pipeline


@pytest.fixture
def pipeline(tiny_model: Path) -> HybridPipeline:
    return opened(tiny_model)


@torch.no_grad()
def with_early(pipeline: HybridPipeline, scales: int, *, stirred: bool) -> HybridPipeline:
    """Put early blocks onto the transformer; stirred ones have opinions."""
    values = pipeline.transformer.config.model_dump() | {"early_scales": scales}
    transformer = ScaleTransformer(TransformerConfig.model_validate(values))
    transformer.load_state_dict(pipeline.transformer.state_dict(), strict=False)
    generator = torch.Generator().manual_seed(1)
    if stirred and transformer.early is not None:
        for parameter in transformer.early.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.5)
    pipeline.transformer = transformer.eval()
    return pipeline


@torch.no_grad()
def labels_of(pipeline: HybridPipeline, *requests: DrawRequest) -> list[Tensor]:
    text = pipeline.encode_text([request.caption for request in requests])
    style = pipeline.style_index([request.style for request in requests])
    return pipeline.draw_tokens(text, style, pipeline.numbers(requests)).labels


@pytest.mark.parametrize("guidance", [0.0, 2.0])
def test_fresh_early_blocks_draw_the_same_tokens(pipeline, guidance):
    requests = [replace(request, guidance=guidance) for request in (CAT, DOG)]
    before = labels_of(pipeline, *requests)
    assert all(map(torch.equal, before, labels_of(with_early(pipeline, 2, stirred=False), *requests)))
    assert not all(map(torch.equal, before, labels_of(with_early(pipeline, 2, stirred=True), *requests)))


@torch.no_grad()
def by_definition(pipeline: HybridPipeline, request: DrawRequest, scale: int, known: list[Tensor]) -> Tensor:
    """Choose one scale's labels with a whole pass, without a cache, for every token."""
    quantizer, transformer, config = pipeline.quantizer, pipeline.transformer, pipeline.config
    codes, side, early = quantizer.codes, quantizer.config.schedule[scale], transformer.early
    assert early is not None
    noise = torch.from_numpy(gumbel(request.seed, f"tokens-{side}", (side * side, *codes.noise_shape())))[None]
    seen = [torch.zeros(1, k * k, 16) for k in quantizer.config.schedule[1:]]
    for index in range(scale):
        seen[index] = quantizer.down(quantizer.combine(known[: index + 1]), index + 1)
    start, stop = transformer.span(scale)
    tokens = torch.zeros(1, early.num_tokens, 16)
    labels: list[Tensor] = []
    text = pipeline.encode_text([request.caption])
    for place in range(stop - start):
        logits = []
        for drop in (False, True):
            style = torch.tensor([transformer.any_style]) if drop else pipeline.style_index([request.style])
            condition = transformer.condition(text, style, torch.tensor([drop]))
            logits.append(transformer(condition, seen, tokens=tokens)[0][:, start + place : start + place + 1])
        pull = 2.0 * config.guidance_shape[scale]
        guided = (1.0 + pull) * logits[0] - pull * logits[1]
        label = codes.sample(guided, config.temperatures[scale], config.top_p_at(scale), noise[:, place : place + 1])
        tokens[:, start + place] = codes.embed(label, scale)[:, 0]
        labels.append(label)
    return torch.cat(labels, dim=1)


def test_drawing_one_by_one_with_caches_follows_the_definition(pipeline):
    request, pipeline = replace(CAT, guidance=2.0), with_early(pipeline, 2, stirred=True)
    got = labels_of(pipeline, request)
    for scale in range(2):
        assert torch.equal(got[scale], by_definition(pipeline, request, scale, got[:scale]))


def test_early_tokens_are_those_of_the_request_whatever_else_is_in_the_batch(pipeline):
    pipeline = with_early(pipeline, 2, stirred=True)
    for whole, alone in zip(labels_of(pipeline, CAT, DOG), labels_of(pipeline, DOG), strict=True):
        assert torch.equal(whole[1:], alone)


def test_each_scale_has_its_own_nucleus(pipeline):
    def drawn(*top_p: float) -> list[Tensor]:
        pipeline.config = pipeline.config.model_copy(update={"top_p": top_p})
        return labels_of(pipeline, *(replace(CAT, seed=seed) for seed in range(8)))

    wide, narrow = drawn(1.0, 1.0, 1.0), drawn(1.0, 1e-6, 1.0)
    assert torch.equal(wide[0], narrow[0]) and not torch.equal(wide[1], narrow[1])
    pipeline.config = pipeline.config.model_copy(update={"top_p": 0.5})
    assert pipeline.config.top_p_at(2) == 0.5


def test_a_vector_of_nuclei_has_one_entry_a_scale():
    values = {"styles": ["flat"], "guidance_shape": [1.0, 1.0], "temperatures": [1.0, 0.5]}
    assert HybridConfig.parse(values | {"top_p": [0.9, 0.8]}, source="sampling").top_p_at(1) == 0.8
    with pytest.raises(InputError, match="one for each of 2 scales"):
        HybridConfig.parse(values | {"top_p": [0.9]}, source="sampling")


def test_three_decodes_of_one_drawing_are_what_each_setting_draws(pipeline, monkeypatch: pytest.MonkeyPatch):
    drawings = []
    draw_tokens = pipeline.draw_tokens
    monkeypatch.setattr(pipeline, "draw_tokens", lambda *given: drawings.append(1) or draw_tokens(*given))
    decoded = pipeline.decodes([CAT, DOG], steps=3)
    assert len(drawings) == 2
    refiner = pipeline.residual
    for name, steps in (("tokens", None), ("mean", 0), ("sampled", 3)):
        pipeline.config = pipeline.config.model_copy(update={"residual_steps": steps})
        pipeline.residual = None if steps is None else refiner
        for got, expected in zip(decoded[name], pipeline.draw([CAT, DOG]), strict=True):
            assert np.array_equal(got, expected)
    assert not np.array_equal(decoded["tokens"][0], decoded["mean"][0])


def test_a_model_without_a_refiner_has_one_decode(make_tiny_model: Callable[..., Path], tmp_path: Path):
    pipeline = opened(make_tiny_model(tmp_path / "plain", refined=False))
    with pytest.raises(InputError, match="has no refiner"):
        pipeline.decodes([CAT])
