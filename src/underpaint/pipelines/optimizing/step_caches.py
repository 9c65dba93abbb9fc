"""Calls of the denoiser that are skipped, at its boundary: a setting of our flow, a surrounding in diffusers' loop."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from underpaint.diffusion.output_cache import OutputCache
from underpaint.pipelines.around import HalfGuided
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.optimizing.cached_network import CachedNetwork
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.slots import main_slot, part_of, with_part, with_settings


def put_output_cache(pipeline: Pipeline, slot: str, params: OutputCache) -> Pipeline:  # noqa: ARG001
    """Return a pipeline that skips calls of its denoiser."""
    if not isinstance(pipeline, DiffusersPipeline):
        return with_settings(pipeline, cache=params)
    return surrounded(pipeline, lambda network: CachedNetwork(network, params))


def surrounded(pipeline: Pipeline, around: Callable[[nn.Module], nn.Module]) -> Pipeline:
    """Return a pipeline of diffusers with something around its network, inside of what halves its batch.

    Args:
        pipeline: The pipeline.
        around: From the network to what surrounds it.
    """
    network = part_of(pipeline, main_slot(pipeline))
    if isinstance(network, HalfGuided):
        return with_part(pipeline, main_slot(pipeline), HalfGuided(around(network.network), network.low, network.high))
    return with_part(pipeline, main_slot(pipeline), around(network))
