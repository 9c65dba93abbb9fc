from __future__ import annotations

import torch

from underpaint.models.text_encoder import TextStates
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.saved import load_pipeline
from underpaint.runtime.device import CPU
from underpaint.stages.train.tuning.styles import with_styles


def test_old_styles_and_none_stay_and_a_new_one_starts_as_the_row_it_was_given(parent):
    pipeline = load_pipeline(parent, CPU)
    assert isinstance(pipeline, HybridPipeline)
    old = pipeline.transformer
    row = old.style_embedding.weight.detach()[[2]]
    grown = with_styles(old, row)
    draws = torch.Generator().manual_seed(1)
    tokens = torch.randn(5, 3, 32, generator=draws)
    text = TextStates(tokens, torch.ones(5, 3, dtype=torch.bool), tokens.mean(dim=1))
    before = old.condition(text, torch.tensor([0, 1, 2, 3, old.any_style]))
    after = grown.condition(text, torch.tensor([0, 1, 2, 3, grown.any_style]))
    assert torch.equal(before.modulation, after.modulation)
    new = grown.condition(text, torch.full((5,), 4))
    assert torch.equal(new.modulation[2], before.modulation[2])
    assert not torch.equal(new.modulation[1], before.modulation[1])
