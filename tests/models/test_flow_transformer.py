from __future__ import annotations

import pytest
import torch
from torch import Tensor

from underpaint.learning.seeding import initialized_by
from underpaint.models.flow_transformer import FlowTransformer, FlowTransformerConfig
from underpaint.models.text_encoder import TextStates

CHANNELS, SIDE = 4, 3


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def build(**changes: object) -> FlowTransformer:
    values = {"side": SIDE, "width": 16, "depth": 3, "heads": 2, "num_styles": 2, "text_width": 8}
    config = FlowTransformerConfig.model_validate({**values, "latent_channels": CHANNELS, **changes})
    with initialized_by(0):
        return FlowTransformer(config)


@pytest.fixture
def network(stir) -> FlowTransformer:
    network = build()
    stir(network)
    return network


@pytest.fixture
def text() -> TextStates:
    mask = torch.tensor([[True] * 5, [True, True, False, False, False], [True, True, True, True, False]])
    return TextStates(noise(3, 5, 8, seed=1), mask, noise(3, 8, seed=2))


STYLE = torch.tensor([0, 1, 2])
TIMES = torch.tensor([0.0, 0.4, 0.9])
NOISY = noise(3, CHANNELS, SIDE, SIDE, seed=3)


@torch.no_grad()
def test_the_cached_text_gives_what_the_text_itself_gives(network, text):
    condition = network.condition(text, STYLE)
    cache = network.read_text(condition)
    drawn = network(NOISY, TIMES, condition, cache)
    assert drawn.shape == NOISY.shape and drawn.std() > 0.1
    assert torch.equal(drawn, network(NOISY, TIMES, condition))


@torch.no_grad()
def test_the_text_does_not_depend_on_time_or_picture(network, text):
    condition = network.condition(text, STYLE)
    before = network.read_text(condition)
    network(NOISY, TIMES, condition, before)
    after = network.read_text(condition)
    assert all(torch.equal(a, b) for one, two in zip(before, after, strict=True) for a, b in zip(one, two, strict=True))


@torch.no_grad()
def test_a_padded_text_position_changes_nothing(network, text):
    changed = TextStates(torch.where(text.mask[..., None], text.tokens, text.tokens + 5.0), text.mask, text.pooled)
    first, second = (network(NOISY, TIMES, network.condition(t, STYLE)) for t in (text, changed))
    torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("what", ["text", "style", "time", "neighbor"])
def test_every_condition_and_every_neighbor_counts(network, text, what):
    base = network(NOISY, TIMES, network.condition(text, STYLE))
    noisy, times, style = NOISY.clone(), TIMES.clone(), STYLE.clone()
    other = text
    if what == "text":
        other = TextStates(text.tokens.roll(1, 0), text.mask, text.pooled)
    if what == "style":
        style = style.flip(0)
    if what == "time":
        times = times + 0.05
    if what == "neighbor":
        noisy[:, :, 0, 0] += 1.0
    moved = (network(noisy, times, network.condition(other, style)) - base).abs()
    assert (moved[:, :, -1, -1] > 1e-4).any(dim=1)[0]


@torch.no_grad()
def test_a_dropped_caption_is_the_null_text_whatever_it_said(network, text):
    drop = torch.ones(3, dtype=torch.bool)
    other = TextStates(text.tokens * 3.0, text.mask, text.pooled - 1.0)
    first, second = (network(NOISY, TIMES, network.condition(t, STYLE, drop)) for t in (text, other))
    assert torch.equal(first, second)


@torch.no_grad()
def test_the_length_of_the_step_counts_in_the_few_step_form_alone(network, text, stir):
    few = build(step_length=True)
    stir(few)
    condition = few.condition(text, STYLE)
    short, long = (few(NOISY, TIMES, condition, step=torch.full((3,), length)) for length in (0.125, 1.0))
    assert not torch.allclose(short, long)
    plain = network.condition(text, STYLE)
    assert torch.equal(network(NOISY, TIMES, plain, step=torch.ones(3)), network(NOISY, TIMES, plain))


@torch.no_grad()
def test_a_fresh_network_predicts_zero_and_a_fresh_step_length_changes_nothing(text, stir):
    fresh = build()
    assert torch.equal(fresh(NOISY, TIMES, fresh.condition(text, STYLE)), torch.zeros_like(NOISY))
    donor, few = build(), build(step_length=True)
    stir(donor)
    few.load_state_dict(few.state_dict() | donor.state_dict())
    few.eval()
    drawn = few(NOISY, TIMES, few.condition(text, STYLE), step=torch.ones(3))
    assert torch.equal(drawn, donor(NOISY, TIMES, donor.condition(text, STYLE)))


def gradients(network: FlowTransformer, text: TextStates, seed: int | None) -> list[Tensor]:
    network.train().zero_grad()
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    network(NOISY, TIMES, network.condition(text, STYLE), generator=generator).square().sum().backward()
    return [p.grad.clone() for p in network.parameters() if p.grad is not None]


@pytest.mark.parametrize("seed", [None, 5], ids=["no path dropped", "paths dropped"])
def test_checkpointing_gives_the_same_gradients(text, stir, seed):
    network = build(drop_path=0.5)
    stir(network)
    kept = gradients(network, text, seed)
    undropped = gradients(network, text, None)
    assert all(torch.equal(a, b) for a, b in zip(kept, undropped, strict=True)) == (seed is None)
    network.use_checkpointing = True
    assert all(torch.equal(a, b) for a, b in zip(kept, gradients(network, text, seed), strict=True))
