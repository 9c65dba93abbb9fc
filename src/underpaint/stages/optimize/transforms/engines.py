"""Transforms that let another engine compute: a network of diffusers, or a whole drawing of ours, becomes a graph.

A step of an engine looks at the steps that come after it: what sampling and caches will do decides which states ranges
of 8 bits are found with, and whether a graph of the outermost level is needed besides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast, get_args

import torch
from pydantic import JsonValue

from underpaint.core.config import Config
from underpaint.core.errors import InputError, OptimizationRefused
from underpaint.core.optimization import Stage
from underpaint.core.progress import Progress
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.exported_folder import Precision, has_eight_bits
from underpaint.pipelines.optimizing.block_cache import BlockCache
from underpaint.pipelines.optimizing.engines import CALIBRATION, GraphEngine, Int8Static
from underpaint.pipelines.optimizing.graph_part import with_graphs
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.optimizing.table import HALVES, put
from underpaint.pipelines.slots import WHOLE, components_of, part_of, with_part
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.engine import EngineName
from underpaint.stages.optimize.export.calibration import CAPTIONS
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.part_graphs import Wanted, heard, write_part
from underpaint.stages.optimize.export.states import LevelsListener, Listener, States, collect, collect_held_out
from underpaint.stages.optimize.export.ways import unchecked
from underpaint.stages.optimize.export.whole_graph import calibration_of, write_whole
from underpaint.stages.optimize.transforms.engine_checks import (
    ENGINES,
    QUANTIZED,
    STATIC,
    TITLES,
    check_engine,
    check_laid_out,
    check_static,
)
from underpaint.stages.optimize.transforms.quantization import check_saturation
from underpaint.stages.optimize.transforms.transform import TEXT, Context, Question, Transform

PAIR = "cache.pair"
SLOTS = (WHOLE, "denoiser", "decoder", *TEXT)


def space_of_engine(question: Question, engine: EngineName) -> Mapping[str, Sequence[JsonValue]]:
    """Offer the precisions that can be had, with the widest weights that do not overflow, laid out or not."""
    if check_engine(replace(question, params=GraphEngine()), engine) is not None:
        return {}
    bits = 7 if check_saturation(question, 8) else 8
    asked = [GraphEngine(precision=one, weight_bits=bits) for one in get_args(Precision)]
    fitting = [one for one in asked if check_engine(replace(question, params=one), engine) is None]
    layouts: Mapping[str, Sequence[JsonValue]] = {} if check_laid_out(question, engine) else {"native": [False, True]}
    widths: Mapping[str, Sequence[JsonValue]] = (
        {"weight_bits": [bits]} if any(has_eight_bits(one.precision) for one in fitting) else {}
    )
    return {"precision": [one.precision for one in fitting], **widths, **layouts}


def make_engine(pipeline: Pipeline, slot: str, params: Any, context: Context, engine: EngineName) -> Pipeline:
    """Return a pipeline that computes a network by a graph, or what draws a whole pipeline of ours by one.

    Raises:
        InputError: The network has operations that no graph knows, or computes in another precision.
        OptimizationRefused: The captions in the context are too few for 8 bits.
        ArtifactError: The graph does not draw the pipeline's pictures.
    """
    static = _step_after(context, STATIC, slot)
    bits = params if static is None else static
    assert isinstance(params, GraphEngine) and isinstance(bits, Int8Static)
    precision: Precision = params.precision if static is None else "int8"
    if slot == WHOLE:
        return _whole(pipeline, engine, precision, bits, context, native=params.native)
    assert isinstance(pipeline, DiffusersPipeline)
    component, network = components_of(pipeline)[slot], part_of(pipeline, slot)
    if next(network.parameters()).dtype != torch.float32:
        raise InputError("graphs compute in float32, and the pipeline in fewer bits; load it with dtype=float32")
    pair = _step_after(context, PAIR, slot)
    assert pair is None or isinstance(pair, BlockCache)
    captions = None if precision == "f32" else _captions(precision, bits, context)
    states = None if captions is None else _states(pipeline, slot, precision, captions, pair, context)
    context.report(Progress(task=f"listen to the {slot}", done=0))
    ways = heard(_sampled(pipeline, context), component, network)
    wanted = Wanted(
        engine=engine, precision=precision, pair=pair is not None, states=states, weight_bits=bits.weight_bits
    )
    return with_graphs(pipeline, slot, *write_part(component, network, ways, wanted, context.report))


def _step_after(context: Context, name: str, slot: str) -> Config | None:
    """Return the parameters of a later step of the same slot that changes what is written now."""
    step = next((one for one in context.after if one.name == name and one.slot == slot), None)
    return None if step is None else HALVES[step.op].params.parse(dict(step.params), source=str(step))


def _whole(
    pipeline: Pipeline, engine: EngineName, precision: Precision, bits: Int8Static, context: Context, *, native: bool
) -> Any:
    assert isinstance(pipeline, TextToPicture)
    config = ExportConfig(engine=engine, precision=precision, native=native)
    calibration = None if precision == "f32" else calibration_of(pipeline, _captions(precision, bits, context))
    return write_whole(pipeline, config, calibration, context.report, weight_bits=bits.weight_bits)


def _captions(precision: Precision, bits: Int8Static, context: Context) -> tuple[str, ...]:
    """Return as many different captions as are asked for: of the context, or else a list of our own.

    Raises:
        OptimizationRefused: There are fewer.
    """
    known = tuple(dict.fromkeys(context.prompts or CAPTIONS))
    if len(known) < bits.calibration:
        what = "8 bits are calibrated" if has_eight_bits(precision) else "bfloat16 is measured"
        raise OptimizationRefused(
            f"{what} with {bits.calibration} different prompts here, and {len(known)} are at hand "
            f"[calibration.too_few]; give {bits.calibration - len(known)} more, or set calibration={len(known)}"
            f"{'' if len(known) >= CALIBRATION else f' once there are {CALIBRATION}, the fewest'}",
            code="calibration.too_few",
        )
    return known[: bits.calibration]


def _states(
    pipeline: DiffusersPipeline,
    slot: str,
    precision: Precision,
    captions: Sequence[str],
    pair: BlockCache | None,
    context: Context,
) -> States:
    """Return what a network will be called with, by drawing as the whole recipe will."""
    network = part_of(pipeline, slot)
    listener = Listener(network) if pair is None else LevelsListener(network, pair)
    listening = _sampled(with_part(pipeline, slot, listener), context)
    with unchecked(listening):
        heard_in = collect if has_eight_bits(precision) else collect_held_out
        return heard_in(listening, listener, captions, context.report)


def _sampled(pipeline: DiffusersPipeline, context: Context) -> DiffusersPipeline:
    """Return a pipeline that samples as the whole recipe will; a pair of graphs is not there yet."""
    for step in context.after:
        if HALVES[step.op].stage_in(step.slot) is Stage.SAMPLER and step.name != PAIR:
            pipeline = cast(DiffusersPipeline, put(pipeline, step, source="the recipe"))
    return pipeline


def _transform(name: str, engine: EngineName) -> Transform:
    return Transform(
        name=name,
        does=f"computes a network of diffusers, or a whole drawing of ours, by a graph in {TITLES[engine]}",
        slots=SLOTS,
        check=partial(check_engine, engine=engine),
        space=partial(space_of_engine, engine=engine),
        make=partial(make_engine, engine=engine),
    )


GRAPH_ENGINES: tuple[Transform, ...] = (
    *(_transform(name, engine) for name, engine in ENGINES.items()),
    Transform(
        name=STATIC,
        does="gives a graph 8 bits, with ranges that were found by drawing",
        slots=QUANTIZED,
        check=check_static,
        of_graph=True,
    ),
)
