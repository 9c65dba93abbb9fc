from __future__ import annotations

import pytest
import torch
from torch import Tensor

from underpaint.core.errors import InputError
from underpaint.learning.seeding import initialized_by
from underpaint.models.early import EarlyTokens
from underpaint.models.text_encoder import TextStates
from underpaint.models.transformer import ScaleTransformer, TransformerConfig

SIZES = [1, 4, 9]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def early(stir) -> EarlyTokens:
    blocks = EarlyTokens((1, 2, 3), width=16, heads=2, depth=2, channels=4)
    stir(blocks)
    return blocks


HIDDEN, TOKENS = noise(2, 14, 16), noise(2, 14, 4, seed=1)


@torch.no_grad()
def test_one_by_one_with_a_cache_gives_the_states_of_one_pass(early):
    whole, place = early(HIDDEN, TOKENS), 0
    for size in SIZES:
        past, previous = None, torch.zeros(2, 1, 4)
        for _ in range(size):
            state, past = early.step(HIDDEN[:, place : place + 1], previous, place, past)
            torch.testing.assert_close(state, whole[:, place : place + 1], atol=1e-5, rtol=1e-4)
            previous, place = TOKENS[:, place : place + 1], place + 1


@torch.no_grad()
def test_a_token_matters_to_the_later_ones_of_its_scale_and_to_no_other(early):
    before = early(HIDDEN, TOKENS)
    scale_of = torch.repeat_interleave(torch.arange(3), torch.tensor(SIZES))
    for place in range(14):
        changed = TOKENS.clone()
        changed[:, place] += 2.0
        moved = (early(HIDDEN, changed) - before).abs().amax(dim=(0, 2)) > 1e-6
        expected = (scale_of == scale_of[place]) & (torch.arange(14) > place)
        assert torch.equal(moved, expected), place


def test_fresh_blocks_change_nothing_and_learn_at_once():
    blocks = EarlyTokens((1, 2, 3), width=16, heads=2, depth=1, channels=4)
    out = blocks(HIDDEN, TOKENS)
    assert torch.equal(out, HIDDEN)
    out.sin().sum().backward()
    assert blocks.out.weight.grad is not None and blocks.out.weight.grad.any()


def build(**changes: int) -> ScaleTransformer:
    values = {"schedule": (1, 2, 3, 4), "n_logits": 7, "width": 16, "depth": 2, "heads": 2, "num_styles": 2}
    values |= {"text_width": 8, "latent_channels": 4}
    with initialized_by(0):
        return ScaleTransformer(TransformerConfig.model_validate(values | changes)).eval()


@torch.no_grad()
def test_fresh_early_blocks_leave_the_other_weights_and_every_logit_as_they_are(stir):
    plain, early = build(), build(early_scales=3)
    assert set(plain.state_dict()) < set(early.state_dict())
    stir(plain)
    early.load_state_dict(plain.state_dict(), strict=False)
    text = TextStates(noise(2, 3, 8), torch.ones(2, 3, dtype=torch.bool), noise(2, 8))
    seen = [noise(2, size, 4, seed=size) for size in (4, 9, 16)]
    style = torch.tensor([0, 2])
    expected = plain(plain.condition(text, style), seen)
    got = early(early.condition(text, style), seen, tokens=TOKENS)
    assert all(map(torch.equal, got, expected))
    stir(early)
    condition = early.condition(text, style)
    stirred, at_once = early(condition, seen, tokens=TOKENS)[0], early(condition, seen)[0]
    assert not torch.allclose(stirred[:, :14], at_once[:, :14], atol=1e-2)
    assert torch.equal(stirred[:, 14:], at_once[:, 14:])


def test_there_are_no_more_early_scales_than_scales():
    with pytest.raises(InputError, match="early_scales must lie in 0 to 4"):
        TransformerConfig.parse({"schedule": (1, 2, 3, 4), "n_logits": 7, "early_scales": 5}, source="settings")
