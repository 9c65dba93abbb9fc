"""The class of a machine: which kinds of optimization are worth trying there, decided by instructions and GPU alone.

Rules are tried from the top and the first that fits counts, so the order is part of the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from underpaint.runtime.gpu import Gpu
from underpaint.runtime.processor import Processor


@dataclass(frozen=True, kw_only=True)
class CpuRule:
    """A class of processors.

    Args:
        name: The class.
        family: The family of processors; empty for any.
        any_of: Instructions of which one is enough; empty if none is needed.
        title: What it is in words.
        tried: What is tried first on it.
    """

    name: str
    family: str
    any_of: frozenset[str] = frozenset()
    title: str
    tried: str

    def fits(self, processor: Processor) -> bool:
        """Tell whether a processor belongs to the class, if it belongs to none above."""
        return self.family in ("", processor.family) and (not self.any_of or bool(self.any_of & {*processor.flags}))


CPU_RULES: tuple[CpuRule, ...] = (
    CpuRule(
        name="x86-amx",
        family="x86",
        any_of=frozenset({"amx_int8", "amx_bf16"}),
        title="x86 with matrix tiles (AMX)",
        tried="static f32, static int8, bfloat16 after a measurement",
    ),
    CpuRule(
        name="x86-vnni",
        family="x86",
        any_of=frozenset({"avx512_vnni", "avx_vnni"}),
        title="x86 with dot products of 8-bit numbers (VNNI)",
        tried="static f32, static int8",
    ),
    CpuRule(
        name="x86-avx2",
        family="x86",
        any_of=frozenset({"avx2"}),
        title="x86 with AVX2, without VNNI",
        tried="static f32, int8 weights, dynamic int8 with 7-bit weights",
    ),
    CpuRule(name="x86-base", family="x86", title="x86 without AVX2", tried="f32"),
    CpuRule(
        name="arm-i8mm",
        family="arm",
        any_of=frozenset({"i8mm"}),
        title="ARM with matrix products of 8-bit numbers",
        tried="f32, dynamic int8",
    ),
    CpuRule(
        name="arm-dotprod",
        family="arm",
        any_of=frozenset({"asimddp"}),
        title="ARM with dot products of 8-bit numbers",
        tried="f32, dynamic int8",
    ),
    CpuRule(name="arm-base", family="arm", title="ARM without dot products of 8-bit numbers", tried="f32"),
    CpuRule(name="other", family="", title="another processor", tried="f32"),
)

GPU_RULES: tuple[tuple[tuple[int, int], str, str], ...] = (
    ((9, 0), "cuda-sm90", "bfloat16, compilation, float8"),
    ((8, 9), "cuda-sm89", "bfloat16, compilation, float8"),
    ((8, 0), "cuda-sm80", "bfloat16, compilation"),
    ((0, 0), "cuda-base", "f32"),
)
"""Least capability, class, and what is tried first; the best capability first."""

FAST_INT8 = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"})
"""Instructions with which a product of 8-bit numbers is faster than one of 32-bit numbers."""

FAST_BFLOAT16 = frozenset({"amx_bf16", "avx512_bf16", "bf16"})
"""Instructions with which bfloat16 may be faster than 32-bit numbers."""
NO_BFLOAT16 = "this processor is not known to multiply bfloat16 itself (avx512_bf16, amx_bf16)"
"""What is said where ``multiplies_bfloat16`` is false."""


def multiplies_bfloat16(processor: Processor) -> bool:
    """Tell whether a processor is known to multiply bfloat16 faster than 32-bit numbers; others take longer.

    Those of ARM may, which nobody has measured here.
    """
    return processor.family == "x86" and bool(FAST_BFLOAT16 & {*processor.flags})


def cpu_rule(processor: Processor) -> CpuRule:
    """Return the rule that a processor fits first."""
    return next(rule for rule in CPU_RULES if rule.fits(processor))


def gpu_class(gpu: Gpu) -> str:
    """Return the class of a GPU."""
    return next(name for least, name, _ in GPU_RULES if gpu.capability >= least)


def host_class(processor: Processor, gpus: Sequence[Gpu] = ()) -> str:
    """Return the class of a machine: that of its best GPU, or of its processor where it has none.

    Args:
        processor: Its processor.
        gpus: Its GPUs.
    """
    best = max(gpus, key=lambda gpu: gpu.capability, default=None)
    return gpu_class(best) if best else cpu_rule(processor).name
