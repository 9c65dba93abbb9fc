from __future__ import annotations

import pytest
import torch

from underpaint.models.style_rows import with_styles
from underpaint.models.text_encoder import TextStates
from underpaint.models.transformer import ScaleTransformer, TransformerConfig


@pytest.fixture
def transformer(stir) -> ScaleTransformer:
    network = ScaleTransformer(
        TransformerConfig(
            schedule=(1, 2), n_logits=7, width=16, depth=2, heads=2, num_styles=4, text_width=8, latent_channels=4
        )
    )
    stir(network)
    return network


def test_old_styles_and_none_stay_and_a_new_one_starts_as_the_row_it_was_given(transformer):
    row = transformer.style_embedding.weight.detach()[[2]]
    grown = with_styles(transformer, row)
    tokens = torch.randn(5, 3, 8, generator=torch.Generator().manual_seed(1))
    text = TextStates(tokens, torch.ones(5, 3, dtype=torch.bool), tokens.mean(dim=1))
    before = transformer.condition(text, torch.tensor([0, 1, 2, 3, transformer.any_style]))
    after = grown.condition(text, torch.tensor([0, 1, 2, 3, grown.any_style]))
    assert torch.equal(before.modulation, after.modulation)
    new = grown.condition(text, torch.full((5,), 4))
    assert torch.equal(new.modulation[2], before.modulation[2])
    assert not torch.equal(new.modulation[1], before.modulation[1])
