"""The words of an edit as text states: a caption, none, or two of them mixed.

Two captions are mixed in the states that the text encoder gives them, with the shares ``a`` and ``b``: at a place that
has a token in both, ``a s_a + b s_b``; at a place that one of them has alone, its own state; the pooled texts alike. So
the model is asked once, and with a share of 0 or 1 it reads one caption as if there were no other.

Shapes: ``T`` text tokens, ``D`` width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from underpaint.models.text_encoder import TextStates
from underpaint.pipelines.editing.graph_inputs import UNSAID
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.settings import Settings


def states_of(pipeline: HybridPipeline, settings: Settings) -> TextStates:
    """Return the text that a picture is drawn after.

    Args:
        pipeline: Encodes it.
        settings: Of the picture.
    """
    edit = settings.edit
    if not settings.caption:
        text = pipeline.encode_text([UNSAID])
        return text.without(torch.ones(1, dtype=torch.bool, device=pipeline.device), pipeline.network.null_embedding)
    if edit is None or edit.mix is None or edit.mix_share is None:
        return pipeline.encode_text([settings.caption])
    return mixed(*(pipeline.encode_text([one]) for one in (settings.caption, edit.mix)), share=edit.mix_share)


def mixed(first: TextStates, second: TextStates, *, share: float | Tensor) -> TextStates:
    """Mix two texts.

    Args:
        first: Of any batch.
        second: Of the same shape.
        share: Of the second text, in [0, 1].
    """
    first_weight, second_weight = (1.0 - share) * first.mask, share * second.mask  # [B, T]
    total = first_weight + second_weight
    tokens = first_weight[..., None] * first.tokens + second_weight[..., None] * second.tokens
    pooled = (1.0 - share) * first.pooled + share * second.pooled
    return TextStates(tokens / total.clamp_min(1e-9)[..., None], total > 0, pooled)
