"""A UNet as two graphs, of which the second computes the outermost level alone: step caching after conversion.

The whole graph gives what its deep levels say besides its answer, and the shallow one takes it as an input, so that
what DeepCache does to a network of torch can be done in any engine.

Source: DeepCache, arXiv 2312.00858; two graphs instead of a patched network are our own.
"""

from __future__ import annotations

from underpaint.core.errors import InputError
from underpaint.pipelines.optimizing.block_cache import BlockCache, CachedCalls
from underpaint.pipelines.optimizing.graph_part import GraphPart
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.optimizing.step_caches import surrounded


class LevelPair(BlockCache):
    """Parameters of ``cache.pair``; see ``BlockCache``."""


def put_pair(pipeline: Pipeline, slot: str, params: LevelPair) -> Pipeline:  # noqa: ARG001
    """Return a pipeline of diffusers whose pair of graphs takes turns.

    Raises:
        InputError: The network is no pair of graphs.
    """

    def around(network: object) -> CachedCalls:
        if not isinstance(network, GraphPart) or not network.graph_runs.graphs.shallow:
            raise InputError("cache.pair needs a pair of graphs, which the step of the engine before it makes")
        return CachedCalls(network, network.graph_runs.memory, params)

    return surrounded(pipeline, around)
