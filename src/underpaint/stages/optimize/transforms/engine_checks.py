"""Which graphs can be made here, and of what: the refusals of engines, of their precisions and of 8 bits after them."""

from __future__ import annotations

import importlib.util

from underpaint.core.installing import pip_command
from underpaint.core.optimization import Refusal, Step
from underpaint.pipelines.channel_layout import layout_of
from underpaint.pipelines.engine_choice import EXTRAS, MODULES
from underpaint.pipelines.exported_folder import has_bfloat16, has_eight_bits
from underpaint.pipelines.optimizing.engines import CALIBRATION, GraphEngine, Int8Static
from underpaint.pipelines.slots import WHOLE
from underpaint.runtime.engine import EngineName
from underpaint.stages.optimize.transforms.quantization import check_saturation, slow_bfloat16
from underpaint.stages.optimize.transforms.transform import Question

ENGINES: dict[str, EngineName] = {"engine.onnx": "onnx", "engine.openvino": "openvino"}
"""Transform to engine."""
TITLES: dict[EngineName, str] = {"onnx": "ONNX Runtime", "openvino": "OpenVINO"}
"""Engine to the name that people know it by."""
STATIC = "quant.int8_static"
QUANTIZED = (WHOLE, "denoiser")
"""Slots whose graphs may have 8 bits: a decoder loses more than it saves, and text is read once a picture."""
EIGHT_BITS = "leave it out, and ask the engine for precision='int8'"
ONLY_TORCH = {
    "quant.int8_dynamic": EIGHT_BITS,
    "quant.mixed": EIGHT_BITS,
    "quant.fp8": EIGHT_BITS,
    "quant.bf16": "leave it out, and ask engine.openvino for precision='bf16'",
    "engine.compile": "leave it out: the engine compiles the graph",
}
"""Transforms whose layers compute in a way that no graph can hold, and what to do instead."""


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
        or (check_laid_out(question, engine) if params.native else None)
        or (check_bfloat16(question, engine) if has_bfloat16(params.precision) else None)
        or (check_bits(question, engine, params) if has_eight_bits(params.precision) else None)
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
        remedy=ONLY_TORCH[before[0].name],
    )


def check_laid_out(question: Question, engine: EngineName) -> Refusal | None:
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


def check_bfloat16(question: Question, engine: EngineName) -> Refusal | None:
    """Refuse bfloat16 where an engine has no products of it, or the processor none that are fast."""
    if engine == "openvino":
        return slow_bfloat16(question.host.processor)
    return Refusal(
        code="quant.no_kernel",
        reason=f"{TITLES[engine]} has no products of bfloat16 for processors",
        remedy="take engine.openvino, or leave it at precision='f32'",
    )


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
    if step.params.get("precision") != "f32":
        return Refusal(
            code="quant.twice",
            reason=f"{step.name} has precision={step.params.get('precision')!r} already",
            remedy="keep one: a precision with int8 there, or this step",
        )
    return check_bits(question, ENGINES[step.name], params)


def _engine_before(question: Question) -> Step | None:
    found = [one for one in question.before.steps if one.name in ENGINES and one.slot == question.slot]
    return found[-1] if found else None
