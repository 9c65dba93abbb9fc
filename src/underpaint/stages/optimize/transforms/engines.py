"""Transforms that let another engine compute: a network of diffusers, or a whole drawing of ours, becomes a graph.

A step of an engine looks at the steps that come after it: what sampling and caches will do decides which states ranges
of 8 bits are found with, and whether a graph of the outermost level is needed besides.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch
from pydantic import JsonValue

from underpaint.core.config import Config
from underpaint.core.errors import InputError, OptimizationRefused
from underpaint.core.optimization import Refusal, Stage, Step
from underpaint.core.progress import Progress
from underpaint.pipelines.channel_layout import layout_of
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.engine_choice import EXTRAS, MODULES
from underpaint.pipelines.optimizing.block_cache import BlockCache
from underpaint.pipelines.optimizing.engines import CALIBRATION, GraphEngine, Int8Static
from underpaint.pipelines.optimizing.graph_part import with_graphs
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.optimizing.table import HALVES, put
from underpaint.pipelines.slots import WHOLE, components_of, part_of, with_part
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.engine import EngineName
from underpaint.runtime.installed import pip_command
from underpaint.stages.optimize.export.calibration import CAPTIONS
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.part_graphs import Wanted, heard, write_part
from underpaint.stages.optimize.export.states import LevelsListener, Listener, States, collect
from underpaint.stages.optimize.export.ways import unchecked
from underpaint.stages.optimize.export.whole_graph import calibration_of, write_whole
from underpaint.stages.optimize.transforms.quantization import check_saturation
from underpaint.stages.optimize.transforms.transform import TEXT, Context, Question, Transform

ENGINES: dict[str, EngineName] = {"engine.onnx": "onnx", "engine.openvino": "openvino"}
"""Transform to engine."""
STATIC = "quant.int8_static"
PAIR = "cache.pair"
SLOTS = (WHOLE, "denoiser", "decoder", *TEXT)
QUANTIZED = (WHOLE, "denoiser")
"""Slots whose graphs may have 8 bits: a decoder loses more than it saves, and text is read once a picture."""
ONLY_TORCH = ("quant.int8_dynamic", "quant.mixed", "quant.fp8", "engine.compile")
"""Transforms whose layers compute in a way that no graph can hold."""


def _missing(module: str, extra: str, what: str) -> Refusal | None:
    if importlib.util.find_spec(module) is not None:
        return None
    return Refusal(
        code="engine.missing",
        reason=f"{what} needs the package {module}, which is not installed",
        remedy=f"install it with: {pip_command(extra)}",
    )


def check_engine(question: Question, engine: EngineName) -> Refusal | None:
    """Refuse a graph that cannot be made here, or that would not be what was asked for."""
    params = question.params
    assert isinstance(params, GraphEngine)
    return (
        _missing(MODULES[engine], EXTRAS[engine], f"the engine {engine}")
        or _missing("onnx", "optimize", "writing a graph")
        or _on_cpu(question)
        or _native(question)
        or _once(question)
        or _traceable(question)
        or (_laid_out(question, engine) if params.native else None)
        or (check_bits(question, engine, params) if params.precision == "int8" else None)
    )


def _on_cpu(question: Question) -> Refusal | None:
    if question.capabilities.device == "cpu":
        return None
    return Refusal(
        code="engine.device",
        reason=f"graphs run on the CPU, and the pipeline is on {question.capabilities.device}",
        remedy="load it on the CPU, or take engine.compile",
    )


def _native(question: Question) -> Refusal | None:
    """Refuse a part of a pipeline of ours: its drawing is unrolled as a whole, which is faster than parts."""
    if question.slot == WHOLE or WHOLE not in question.capabilities.slots:
        return None
    return Refusal(
        code="recipe.slot",
        reason=f"a {question.capabilities.pipeline} becomes one graph, not one for its {question.slot}",
        remedy=f"write the slot {WHOLE!r}",
    )


def _once(question: Question) -> Refusal | None:
    before = [one for one in question.before.steps if one.name in ENGINES and one.slot == question.slot]
    if not before:
        return None
    return Refusal(
        code="engine.twice",
        reason=f"{before[0].name} made a graph of the {question.slot} already",
        remedy="keep one engine for it",
    )


def _traceable(question: Question) -> Refusal | None:
    """Refuse to trace layers that torch alone can compute."""
    places = question.capabilities.slots if question.slot == WHOLE else (question.slot,)
    before = [one for one in question.before.steps if one.name in ONLY_TORCH and one.slot in places]
    if not before:
        return None
    return Refusal(
        code="engine.torch_only",
        reason=f"{before[0].name} computes in a way that no graph can hold",
        remedy="leave it out, and ask the engine for precision='int8'",
    )


def _laid_out(question: Question, engine: EngineName) -> Refusal | None:
    """Refuse to lay channels out where the engine does so by itself, or for a processor that is not known."""
    if engine != "onnx" or question.slot != WHOLE:
        return Refusal(
            code="engine.native",
            reason="this graph is laid out for the processor whenever it is loaded",
            remedy="leave native out; it is for engine.onnx of a whole drawing",
        )
    if layout_of(question.host.processor) is None:
        return Refusal(
            code="engine.native",
            reason="this processor is not known well enough to lay a graph out for it",
            remedy="leave native out, and the graph runs on any",
        )
    return None


def check_bits(question: Question, engine: EngineName, params: Int8Static) -> Refusal | None:
    """Refuse 8 bits that nothing would have, that are fitted to too little, or whose sums would overflow."""
    if engine == "openvino" and (refusal := _missing("nncf", "calibrate", "calibrating for openvino")):
        return refusal
    if question.slot not in QUANTIZED:
        return Refusal(
            code="quant.no_gain",
            reason=f"8 bits cost a {question.slot} more than they save",
            remedy="leave it at precision='f32'",
        )
    if params.calibration < CALIBRATION:
        return Refusal(
            code="calibration.too_few",
            reason=f"{params.calibration} prompts fit the ranges of numbers to a few pictures",
            remedy=f"set calibration={CALIBRATION} or more",
        )
    return check_saturation(question, params.weight_bits)


def check_static(question: Question) -> Refusal | None:
    """Refuse to quantize what is no graph, or was quantized."""
    params = question.params
    assert isinstance(params, Int8Static)
    step = _engine_before(question)
    if step is None:
        return Refusal(
            code="quant.no_graph",
            reason=f"{STATIC} quantizes a graph, and the {question.slot} is none yet",
            remedy="put engine.openvino or engine.onnx of the same slot before it",
        )
    if step.params.get("precision") == "int8":
        return Refusal(
            code="quant.twice",
            reason=f"{step.name} has 8 bits already",
            remedy="keep one: precision='int8', or this step",
        )
    return check_bits(question, ENGINES[step.name], params)


def _engine_before(question: Question) -> Step | None:
    found = [one for one in question.before.steps if one.name in ENGINES and one.slot == question.slot]
    return found[-1] if found else None


def space_of_engine(question: Question, engine: EngineName) -> Mapping[str, Sequence[JsonValue]]:
    """Offer both precisions where they can be had, with the widest weights that do not overflow, laid out or not."""
    if check_engine(replace(question, params=GraphEngine()), engine) is not None:
        return {}
    bits = 7 if check_saturation(question, 8) else 8
    rounded = replace(question, params=GraphEngine(precision="int8", weight_bits=bits))
    layouts: Mapping[str, Sequence[JsonValue]] = {} if _laid_out(question, engine) else {"native": [False, True]}
    if check_engine(rounded, engine) is not None:
        return {"precision": ["f32"], **layouts}
    return {"precision": ["f32", "int8"], "weight_bits": [bits], **layouts}


def make_engine(pipeline: Pipeline, slot: str, params: Any, context: Context, engine: EngineName) -> Pipeline:
    """Return a pipeline that computes a network by a graph, or what draws a whole pipeline of ours by one.

    Raises:
        InputError: The network has operations that no graph knows, or computes in another precision.
        OptimizationRefused: The captions in the context are too few for 8 bits.
        ArtifactError: The graph does not draw the pipeline's pictures.
    """
    static = _step_after(context, STATIC, slot)
    bits = params if static is None and params.precision == "int8" else static
    assert bits is None or isinstance(bits, Int8Static)
    if slot == WHOLE:
        return _whole(pipeline, engine, bits, context, native=params.native)
    assert isinstance(pipeline, DiffusersPipeline)
    component, network = components_of(pipeline)[slot], part_of(pipeline, slot)
    if next(network.parameters()).dtype != torch.float32:
        raise InputError("graphs compute in float32, and the pipeline in fewer bits; load it with dtype=float32")
    pair = _step_after(context, PAIR, slot)
    assert pair is None or isinstance(pair, BlockCache)
    states = None if bits is None else _states(pipeline, slot, bits, pair, context)
    context.report(Progress(task=f"listen to the {slot}", done=0))
    ways = heard(_sampled(pipeline, context), component, network)
    wanted = Wanted(engine=engine, pair=pair is not None, states=states, weight_bits=bits.weight_bits if bits else 7)
    return with_graphs(pipeline, slot, *write_part(component, network, ways, wanted, context.report))


def _step_after(context: Context, name: str, slot: str) -> Config | None:
    """Return the parameters of a later step of the same slot that changes what is written now."""
    step = next((one for one in context.after if one.name == name and one.slot == slot), None)
    return None if step is None else HALVES[step.op].params.parse(dict(step.params), source=str(step))


def _whole(pipeline: Pipeline, engine: EngineName, bits: Int8Static | None, context: Context, *, native: bool) -> Any:
    assert isinstance(pipeline, TextToPicture)
    config = ExportConfig(engine=engine, precision="f32" if bits is None else "int8", native=native)
    calibration = None if bits is None else calibration_of(pipeline, _captions(bits, context))
    return write_whole(pipeline, config, calibration, context.report, weight_bits=bits.weight_bits if bits else 7)


def _captions(bits: Int8Static, context: Context) -> tuple[str, ...]:
    """Return as many different captions as are asked for: of the context, or else a list of our own.

    Raises:
        OptimizationRefused: There are fewer.
    """
    known = tuple(dict.fromkeys(context.prompts or CAPTIONS))
    if len(known) < bits.calibration:
        raise OptimizationRefused(
            f"8 bits are calibrated with {bits.calibration} different prompts here, and {len(known)} are at hand "
            f"[calibration.too_few]; give {bits.calibration - len(known)} more, or set calibration={len(known)}"
            f"{'' if len(known) >= CALIBRATION else f' once there are {CALIBRATION}, the fewest'}",
            code="calibration.too_few",
        )
    return known[: bits.calibration]


def _states(
    pipeline: DiffusersPipeline, slot: str, bits: Int8Static, pair: BlockCache | None, context: Context
) -> States:
    """Return what a network will be called with, by drawing as the whole recipe will."""
    network = part_of(pipeline, slot)
    listener = Listener(network) if pair is None else LevelsListener(network, pair)
    listening = _sampled(with_part(pipeline, slot, listener), context)
    with unchecked(listening):
        return collect(listening, listener, _captions(bits, context), context.report)


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


TITLES: dict[EngineName, str] = {"onnx": "ONNX Runtime", "openvino": "OpenVINO"}
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
