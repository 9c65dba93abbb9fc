"""Self-attention over merged tokens, in the transformer blocks of diffusers that have it."""

from __future__ import annotations

from pydantic import Field
from torch import nn

from underpaint.core.config import Config
from underpaint.models.token_merge import MergedAttention
from underpaint.models.twin import exchanged
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.slots import mergeable, part_of, with_part


class TokenMerge(Config):
    """Parameters of ``tokens.merge``.

    Args:
        share: Share of the tokens that are merged away.
        least_tokens: Tokens below which attention is left alone.
    """

    share: float = Field(default=0.5, ge=0, le=0.75)
    least_tokens: int = Field(default=1024, ge=4)


def put_merging(pipeline: Pipeline, slot: str, params: TokenMerge) -> Pipeline:
    """Return a pipeline whose network attends to merged tokens."""
    assert isinstance(pipeline, DiffusersPipeline)
    network = part_of(pipeline, slot)
    aspect = pipeline.facts.width / pipeline.facts.height
    parts: dict[str, nn.Module] = {
        name: MergedAttention(network.get_submodule(name), params.share, params.least_tokens, aspect)
        for name in mergeable(network)
    }
    return with_part(pipeline, slot, exchanged(network, parts))
