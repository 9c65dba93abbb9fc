"""Transforms that give layers fewer bits: multiplied, stored, or each layer as its rule says."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from underpaint.core.optimization import Refusal
from underpaint.pipelines.optimizing.precision import Int8Dynamic, Mixed
from underpaint.pipelines.slots import WHOLE
from underpaint.runtime.host_class import FAST_INT8, NO_BFLOAT16, multiplies_bfloat16
from underpaint.runtime.processor import Processor
from underpaint.stages.optimize.transforms.graphs import no_gpu
from underpaint.stages.optimize.transforms.transform import NETWORKS, Question, Transform

FLOAT8 = (8, 9)
"""Capability of GPUs that multiply 8-bit floating-point numbers."""
QUANTIZERS = ("quant.int8_dynamic", "quant.weight_only", "quant.mixed", "quant.fp8", "quant.bf16")


def check_twice(question: Question) -> Refusal | None:
    """Refuse a second quantizer in a slot: rounding what was rounded adds errors and saves nothing."""
    before = [one for one in question.before.steps if one.name in QUANTIZERS and one.slot == question.slot]
    if not before:
        return None
    return Refusal(
        code="quant.twice",
        reason=f"{before[0].name} was applied to the slot {question.slot!r} already",
        remedy="keep one of them, or say with quant.mixed what each layer gets",
    )


def check_saturation(question: Question, bits: int) -> Refusal | None:
    """Refuse 8-bit weights where sums of products would overflow."""
    processor = question.host.processor
    needed = question.capabilities.device == "cpu" and processor.family == "x86" and bits > 7
    if not needed or not processor.flags_known or FAST_INT8 & {*processor.flags}:
        return None
    return Refusal(
        code="host.saturation",
        reason="this x86 processor has no VNNI and adds pairs of 8-bit products in 16 bits, which overflow",
        remedy="set weight_bits=7: no sum of 7-bit weights overflows",
    )


def slow_bfloat16(processor: Processor) -> Refusal | None:
    """Refuse bfloat16 on a processor that is not known to multiply it fast."""
    if multiplies_bfloat16(processor):
        return None
    return Refusal(
        code="host.bf16",
        reason=f"{NO_BFLOAT16}, and others take two to three times as long as for 32 bits",
        remedy="keep 32 bits, or take 8",
    )


def _no_layer(question: Question, what: str, count: int) -> Refusal | None:
    if count:
        return None
    convs = question.part.convs and what == "linear maps"
    return Refusal(
        code="quant.no_layer",
        reason=f"the {question.part.class_name} in the slot {question.slot!r} has no {what} inside its blocks",
        remedy="store its convolutions with quant.weight_only" if convs else "leave it out for this slot",
    )


def check_int8(question: Question) -> Refusal | None:
    """Refuse to multiply 8-bit numbers where nothing would, or would wrongly."""
    assert isinstance(question.params, Int8Dynamic)
    return (
        check_twice(question)
        or _no_layer(question, "linear maps", len(question.part.linears))
        or check_saturation(question, question.params.weight_bits)
    )


def check_stored(question: Question) -> Refusal | None:
    """Refuse to store fewer bits where there is nothing to store."""
    count = len(question.part.linears) + len(question.part.convs)
    return check_twice(question) or _no_layer(question, "linear maps or convolutions", count)


def check_mixed(question: Question) -> Refusal | None:
    """Refuse rules that fit no layer, or that ask of convolutions what they cannot do."""
    params, part = question.params, question.part
    assert isinstance(params, Mixed)
    if refusal := check_stored(question):
        return refusal
    names = (*part.linears, *part.convs)
    if unmatched := params.unmatched(names):
        close = difflib.get_close_matches(unmatched[0], names, n=1, cutoff=0.3) or names[:1]
        return Refusal(
            code="quant.no_layer",
            reason=f"the rule {unmatched[0]!r} fits no layer inside the blocks of the {part.class_name}",
            remedy=f"write a name such as {close[0]!r}, with * for anything",
        )
    if "int8" not in {params.of(name) for name in names}:
        return None
    return _conv_in_int8(question, params) or check_saturation(question, params.weight_bits)


def _conv_in_int8(question: Question, params: Mixed) -> Refusal | None:
    asked = [name for name in question.part.convs if params.of(name) == "int8"]
    if not asked:
        return None
    return Refusal(
        code="quant.no_kernel",
        reason=f"{asked[0]} is a convolution, and none here multiplies 8-bit numbers",
        remedy="give it int8_weights or f32 by a rule before, or export the model with --int8, where a graph does",
    )


def check_float8(question: Question) -> Refusal | None:
    """Refuse 8-bit floating-point products where no GPU has them."""
    if refusal := check_twice(question) or _no_layer(question, "linear maps", len(question.part.linears)):
        return refusal
    if question.capabilities.device != "cuda":
        return no_gpu("8-bit floating-point products need a GPU", "take quant.int8_dynamic, or export with --int8")
    if any(gpu.capability >= FLOAT8 for gpu in question.host.gpus):
        return None
    return Refusal(
        code="host.isa",
        reason=f"8-bit floating-point products need a GPU of capability {FLOAT8[0]}.{FLOAT8[1]} (Ada, Hopper) or above",
        remedy="take quant.int8_dynamic or quant.weight_only",
    )


def check_bfloat16(question: Question) -> Refusal | None:
    """Refuse to compute in bfloat16 what is written for 32 bits, and where it would take longer."""
    if WHOLE in question.capabilities.slots:
        return Refusal(
            code="quant.no_rule",
            reason=f"the {question.part.class_name} is written for 32 bits",
            remedy="take engine.openvino with precision='bf16'",
        )
    if question.capabilities.device != "cpu":
        return Refusal(
            code="quant.no_rule",
            reason="on a GPU a pipeline of diffusers is loaded in bfloat16",
            remedy="load it with dtype=bfloat16",
        )
    return check_twice(question) or slow_bfloat16(question.host.processor)


def space_of_int8(question: Question) -> Mapping[str, Sequence[JsonValue]]:
    """Offer the widest weights that do not overflow."""
    return {"weight_bits": [7 if check_saturation(question, 8) else 8]}


def space_of_stored(question: Question) -> Mapping[str, Sequence[JsonValue]]:  # noqa: ARG001
    """Offer both ways to store weights."""
    return {"precision": ["int8_weights", "f16_weights"]}


def space_of_mixed(question: Question) -> Mapping[str, Sequence[JsonValue]]:
    """Offer every list of blocks without convolutions by itself: which of them bear it is what a search finds out."""
    part = question.part
    lists = sorted({_list_of(name) for name in part.linears} - {_list_of(name) for name in part.convs})
    bits = space_of_int8(question)["weight_bits"]
    return {"rules": [[{"layers": f"{name}.*", "precision": "int8"}] for name in lists], "weight_bits": bits}


def _list_of(name: str) -> str:
    return name.split(".")[0]


QUANTIZATION: tuple[Transform, ...] = (
    Transform(
        name="quant.int8_dynamic",
        does="multiplies 8-bit numbers in linear maps, inputs rounded in every call",
        slots=NETWORKS,
        check=check_int8,
        space=space_of_int8,
    ),
    Transform(
        name="quant.weight_only",
        does="stores weights in 8 or 16 bits",
        slots=NETWORKS,
        check=check_stored,
        space=space_of_stored,
    ),
    Transform(
        name="quant.mixed",
        does="gives every layer the precision that a rule says",
        slots=NETWORKS,
        check=check_mixed,
        space=space_of_mixed,
    ),
    Transform(
        name="quant.fp8",
        does="multiplies 8-bit floating-point numbers in linear maps",
        slots=NETWORKS,
        check=check_float8,
    ),
    Transform(
        name="quant.bf16",
        does="computes a network of diffusers in bfloat16",
        slots=("denoiser",),
        check=check_bfloat16,
        space=lambda question: {"channels_last": [True, False] if question.part.convs else [False]},
    ),
)
