"""The table of transforms: name and version to the half that opens a saved model."""

from __future__ import annotations

from underpaint.core.errors import ArtifactError
from underpaint.core.optimization import Stage, Step
from underpaint.diffusion.output_cache import OutputCache
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.optimizing.bfloat16 import InBfloat16, in_bfloat16
from underpaint.pipelines.optimizing.block_cache import BlockCache, put_block_cache
from underpaint.pipelines.optimizing.compiling import Compiled, compiled
from underpaint.pipelines.optimizing.distilled import DistilledGuidance, DistilledSteps
from underpaint.pipelines.optimizing.engines import GraphEngine, Int8Static, never
from underpaint.pipelines.optimizing.graph_part import open_graphs
from underpaint.pipelines.optimizing.guidance_span import GuidanceSpan, put_span
from underpaint.pipelines.optimizing.half import Half, Pipeline, as_it_is, of_network
from underpaint.pipelines.optimizing.layout import ChannelsLast, channels_last
from underpaint.pipelines.optimizing.level_pair import LevelPair, put_pair
from underpaint.pipelines.optimizing.on_gpu import Float8, Offload, in_float8, offloaded
from underpaint.pipelines.optimizing.precision import Int8Dynamic, Mixed, WeightOnly, mixed, multiplied, stored
from underpaint.pipelines.optimizing.sampling_steps import StepCount, StepSolver, put_solver, put_steps
from underpaint.pipelines.optimizing.smaller import PrunedDepth, PrunedHeads, PrunedWidth, TinyDecoder
from underpaint.pipelines.optimizing.step_caches import put_output_cache
from underpaint.pipelines.optimizing.token_merging import TokenMerge, put_merging

HALVES: dict[str, Half] = {
    "prune.width@1": Half(stage=Stage.STRUCTURE, params=PrunedWidth, put=as_it_is),
    "prune.heads@1": Half(stage=Stage.STRUCTURE, params=PrunedHeads, put=as_it_is),
    "prune.depth@1": Half(stage=Stage.STRUCTURE, params=PrunedDepth, put=as_it_is),
    "distill.guidance@1": Half(stage=Stage.STRUCTURE, params=DistilledGuidance, put=as_it_is),
    "distill.steps@1": Half(stage=Stage.STRUCTURE, params=DistilledSteps, put=as_it_is),
    "decoder.tiny@1": Half(stage=Stage.STRUCTURE, params=TinyDecoder, put=as_it_is),
    "tokens.merge@1": Half(stage=Stage.STRUCTURE, params=TokenMerge, put=put_merging),
    "quant.int8_dynamic@1": Half(stage=Stage.WEIGHTS, params=Int8Dynamic, put=of_network(multiplied)),
    "quant.weight_only@1": Half(stage=Stage.WEIGHTS, params=WeightOnly, put=of_network(stored)),
    "quant.mixed@1": Half(stage=Stage.WEIGHTS, params=Mixed, put=of_network(mixed)),
    "quant.fp8@1": Half(stage=Stage.WEIGHTS, params=Float8, put=of_network(in_float8)),
    "layout.channels_last@1": Half(stage=Stage.GRAPH, params=ChannelsLast, put=of_network(channels_last)),
    "engine.compile@1": Half(stage=Stage.GRAPH, params=Compiled, put=of_network(compiled)),
    "memory.offload@1": Half(stage=Stage.GRAPH, params=Offload, put=of_network(offloaded)),
    "engine.onnx@1": Half(stage=Stage.GRAPH, params=GraphEngine, put=never, open=open_graphs),
    "engine.openvino@1": Half(stage=Stage.GRAPH, params=GraphEngine, put=never, open=open_graphs),
    "quant.bf16@1": Half(stage=Stage.GRAPH, params=InBfloat16, put=of_network(in_bfloat16)),
    "quant.int8_static@1": Half(stage=Stage.GRAPH, params=Int8Static, put=as_it_is),
    "cache.pair@1": Half(stage=Stage.SAMPLER, params=LevelPair, put=put_pair),
    "steps.count@1": Half(stage=Stage.SAMPLER, params=StepCount, put=put_steps),
    "steps.solver@1": Half(stage=Stage.SAMPLER, params=StepSolver, put=put_solver),
    "guidance.span@1": Half(stage=Stage.SAMPLER, params=GuidanceSpan, put=put_span),
    "cache.output@1": Half(stage=Stage.SAMPLER, params=OutputCache, put=put_output_cache),
    "cache.blocks@1": Half(stage=Stage.SAMPLER, params=BlockCache, put=put_block_cache),
}
"""Transform and version to its half; versions that once were written stay here."""


def half_of(step: Step, *, source: str) -> Half:
    """Return what opens a model with a step.

    Raises:
        ArtifactError: The transform is unknown, as one of a newer version is.
    """
    half = HALVES.get(step.op)
    if half is None:
        raise ArtifactError(f"{source}: the transform {step.op} is unknown here; update underpaint")
    return half


def put(pipeline: Pipeline, step: Step, *, source: str) -> Pipeline:
    """Return a pipeline changed by one step.

    Args:
        pipeline: The pipeline; it stays as it is.
        step: What is done.
        source: Where the step came from; named in the error.

    Raises:
        ArtifactError: The transform is unknown, as one of a newer version is.
        InputError: Its parameters cannot be used.
    """
    half = half_of(step, source=source)
    return half.put(pipeline, step.slot, half.params.parse(dict(step.params), source=f"{source}: {step.op}"))


def opened(pipeline: Pipeline, step: Step, model: Model) -> Pipeline:
    """Return a pipeline changed by one step of a saved model, whose folder may hold what the step made.

    Raises:
        ArtifactError: The transform is unknown, or what it made is missing or damaged.
        InputError: Its parameters cannot be used.
    """
    half = half_of(step, source=str(model.folder))
    if half.open is None:
        return put(pipeline, step, source=str(model.folder))
    return half.open(pipeline, step.slot, model)
