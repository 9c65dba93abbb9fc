"""What a machine's fingerprint means for somebody who draws and trains on it, one finding a property."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from underpaint.core.config import Config
from underpaint.core.installing import pip_command
from underpaint.runtime.cores import thread_count
from underpaint.runtime.fingerprint import KERNEL_VARIABLES, Cores, Fingerprint
from underpaint.runtime.gpu import Gpu
from underpaint.runtime.host_class import FAST_BFLOAT16, FAST_INT8, cpu_rule, gpu_class

GB = 1e9
DRAWING_BYTES = {"onnx": 200e6, "torch": 350e6, "openvino": 570e6}
"""Engine to the peak of a process that draws pictures of 64 pixels one by one, rounded up; least first.

Source: ``benchmarks/engines.py``; OpenVINO's is that of compiling, which is done once.
"""

SILENT_ON_X86 = {"Darwin", "Windows"}
"""Systems that do not tell whether an x86 processor has VNNI or bfloat16."""

CUDA_TORCH = "install the build of torch that PyTorch's own installation page shows for this machine's CUDA"


class Finding(Config):
    """One thing that was found.

    Args:
        section: Under which heading it stands: what is used, what the machine has, what is installed.
        name: What was looked at.
        value: What was found, in a few words.
        meaning: What follows for the user, in one sentence.
        state: ``ok``; ``note``, worth knowing; ``missing``, could be installed; ``broken``, has to be mended.
        remedy: The command or step that changes it; None if there is nothing to do.
    """

    section: Literal["used", "machine", "software"]
    name: str
    value: str
    meaning: str
    state: Literal["ok", "note", "missing", "broken"] = "ok"
    remedy: str | None = None


def size(count: float) -> str:
    """Write a number of bytes with a unit: ``512 KiB``, ``32 MiB``, ``25.3 GB``."""
    if count >= GB:
        return f"{count / GB:.1f} GB"
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= factor:
            return f"{count / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{count:g} B"


def _processor(fingerprint: Fingerprint) -> Finding:
    processor = fingerprint.processor
    model = processor.model or f"unknown {processor.family}"
    value = model if processor.vendor.lower() in model.lower() else f"{model} ({processor.vendor})"
    if not processor.flags_known:
        meaning = "the system does not tell its instructions, so numbers of 32 bits are used"
        return Finding(section="machine", name="processor", value=value, meaning=meaning, state="note")
    rule = cpu_rule(processor)
    flags = " ".join(processor.flags) or "none that matter"
    return Finding(
        section="machine",
        name="processor",
        value=value,
        meaning=f"{rule.title}, class {rule.name}; worth trying: {rule.tried}; instructions: {flags}",
    )


def _is_silent(fingerprint: Fingerprint) -> bool:
    """Tell whether the system keeps to itself if the processor is good at 8-bit numbers and bfloat16."""
    processor = fingerprint.processor
    return not processor.flags_known or (fingerprint.system.name in SILENT_ON_X86 and processor.family == "x86")


def _int8(fingerprint: Fingerprint) -> Finding:
    processor = fingerprint.processor
    fast = sorted(FAST_INT8 & {*processor.flags})
    if fast:
        meaning = f"their products are fast ({', '.join(fast)}): a model of 8-bit numbers pays where there is one"
        return Finding(section="used", name="8-bit numbers", value="worth it", meaning=meaning)
    if _is_silent(fingerprint):
        meaning = "the system does not tell whether their products are fast; none are used"
        return Finding(section="used", name="8-bit numbers", value="unknown", meaning=meaning, state="note")
    lack = {"x86": "no AVX-512 VNNI, AVX-VNNI or AMX", "arm": "no dot products (asimddp, i8mm)"}
    reason = lack.get(processor.family, "no instructions for them are known")
    meaning = f"{reason}: 8-bit numbers save a fifth of the time at best, and are not used unasked"
    return Finding(section="used", name="8-bit numbers", value="not used", meaning=meaning)


def _floats(fingerprint: Fingerprint) -> Finding:
    fast = sorted(FAST_BFLOAT16 & {*fingerprint.processor.flags})
    if fast:
        meaning = f"bfloat16 could be tried ({', '.join(fast)}); 32 bits stay, so that a seed gives the same picture"
    elif _is_silent(fingerprint):
        meaning = "the system does not tell whether the processor computes bfloat16 itself; it is not used"
    else:
        meaning = "the processor does not compute bfloat16 itself: it would be slower, not faster, and is not used"
    return Finding(section="used", name="number format", value="32-bit floats", meaning=meaning)


def _why_fewer(cores: Cores) -> str:
    """Say what keeps this process from using all logical CPUs."""
    reasons = []
    if cores.quota is not None and cores.quota < cores.allowed:
        reasons.append(f"control groups allow {cores.quota:g} CPUs' worth of time")
    if cores.allowed < cores.logical:
        reasons.append(f"this process may run on {cores.allowed} of {cores.logical} logical CPUs")
    if cores.physical < cores.allowed:
        reasons.append("two hyper-threads of a core share its arithmetic")
    return "; ".join(reasons) or "all cores may be used"


def _threads(fingerprint: Fingerprint) -> Finding:
    cores = fingerprint.cores
    count = thread_count(allowed=cores.allowed, physical=cores.physical, quota=cores.quota)
    return Finding(
        section="used",
        name="threads",
        value=f"1 to draw, {count} to train",
        meaning=f"a small model draws one picture fastest with one thread; {_why_fewer(cores)}; --threads changes it",
    )


def _cores(fingerprint: Fingerprint) -> Finding:
    cores = fingerprint.cores
    value = f"{cores.physical} physical that may be used, {cores.logical} logical in all"
    if cores.quota is not None and cores.quota < 1:
        slower = f"everything takes {1 / cores.quota:.1f} times as long"
        meaning = f"only {cores.quota:.0%} of one core's time is allowed: {slower}"
        return Finding(section="machine", name="cores", value=value, meaning=meaning, state="note")
    meaning = "training uses the physical ones; several drawing processes may share them, one a core"
    return Finding(section="machine", name="cores", value=value, meaning=meaning)


def _needs(engines: Mapping[str, float]) -> str:
    """Write how much memory each engine takes: ``200 MB with onnx, 350 MB with torch``."""
    return ", ".join(f"{needed / 1e6:.0f} MB with {engine}" for engine, needed in engines.items())


def _memory(fingerprint: Fingerprint) -> Finding:
    capacity = fingerprint.capacity
    usable = capacity.usable_bytes
    if usable is None:
        meaning = f"drawing takes {_needs(DRAWING_BYTES)}"
        return Finding(section="machine", name="memory", value="unknown", meaning=meaning, state="note")
    limited = capacity.limit_bytes is not None and usable == capacity.limit_bytes != capacity.ram_bytes
    value = size(usable) + (" allowed by control groups" if limited else "")
    if short := [engine for engine, needed in DRAWING_BYTES.items() if usable < needed]:
        meaning = f"not enough for {', '.join(short)}: drawing takes {_needs(DRAWING_BYTES)}"
        return Finding(section="machine", name="memory", value=value, meaning=meaning, state="note")
    meaning = f"enough: drawing takes {_needs(DRAWING_BYTES)}"
    return Finding(section="machine", name="memory", value=value, meaning=meaning)


def _caches(fingerprint: Fingerprint) -> Iterator[Finding]:
    caches = [cache for cache in fingerprint.capacity.caches if cache.kind != "instruction"]
    if caches:
        value = ", ".join(f"L{cache.level} {size(cache.bytes)}" for cache in caches)
        meaning = "weights beyond the largest are read from main memory again in every pass"
        yield Finding(section="machine", name="caches", value=value, meaning=meaning)
    if fingerprint.capacity.numa_nodes > 1:
        meaning = "memory of another node is slower to reach; keep one process on one node, as numactl does"
        value = f"{fingerprint.capacity.numa_nodes} nodes"
        yield Finding(section="machine", name="memory nodes", value=value, meaning=meaning, state="note")


def _gpu(fingerprint: Fingerprint, gpu: Gpu, cuda: str | None) -> Finding:
    memory = "" if gpu.memory_bytes is None else f", {size(gpu.memory_bytes)}"
    value = f"{gpu.name}{memory}, driver {gpu.driver}, class {gpu_class(gpu)}"
    if "torch" not in fingerprint.engines:
        meaning, remedy = "torch could train and draw on it, but is not installed", pip_command("train")
    elif cuda is None:
        meaning, remedy = "the installed torch was built without CUDA and cannot use it", CUDA_TORCH
    else:
        meaning = f"torch uses it with --device cuda (built for CUDA {cuda}); everything else runs on the processor"
        return Finding(section="machine", name="GPU", value=value, meaning=meaning)
    return Finding(section="machine", name="GPU", value=value, meaning=meaning, state="missing", remedy=remedy)


def _gpus(fingerprint: Fingerprint, cuda: str | None, problem: str | None) -> Iterator[Finding]:
    yield from (_gpu(fingerprint, gpu, cuda) for gpu in fingerprint.gpus)
    if problem:
        meaning = "a GPU may be there and cannot be used before its driver works; the processor is used"
        yield Finding(section="machine", name="GPU", value=problem, meaning=meaning, state="note")
    elif not fingerprint.gpus and fingerprint.system.name == "Darwin" and fingerprint.processor.family == "arm":
        meaning = "torch, where it is installed, uses it with --device mps; everything else runs on the processor"
        yield Finding(section="machine", name="GPU", value="Apple's, part of the processor", meaning=meaning)
    elif not fingerprint.gpus:
        meaning = "everything runs on the processor; nothing here needs more"
        yield Finding(section="machine", name="GPU", value="none that NVIDIA's driver tells of", meaning=meaning)


def _system(fingerprint: Fingerprint) -> Finding:
    system = fingerprint.system
    value = ", ".join(filter(None, (f"{system.name} {system.machine}", system.libc, f"Python {system.python}")))
    tested = system.name == "Linux"
    meaning = "what underpaint is tested on" if tested else "underpaint is tested on Linux; it may work here"
    return Finding(section="machine", name="system", value=value, meaning=meaning, state="ok" if tested else "note")


def _environment(fingerprint: Fingerprint) -> Iterator[Finding]:
    for name, value in fingerprint.environment.items():
        meaning = KERNEL_VARIABLES[name]
        yield Finding(section="machine", name=name, value=f"set to {value}", meaning=meaning, state="note")


def findings_of(
    fingerprint: Fingerprint, *, cuda: str | None = None, gpu_problem: str | None = None
) -> tuple[Finding, ...]:
    """Say what a machine's properties mean.

    Args:
        fingerprint: The machine.
        cuda: The version of CUDA that the installed torch was built for; None for none.
        gpu_problem: Why the GPUs' driver did not answer; None if it did, or there is none.
    """
    return (
        _floats(fingerprint),
        _int8(fingerprint),
        _threads(fingerprint),
        _processor(fingerprint),
        _cores(fingerprint),
        _memory(fingerprint),
        *_caches(fingerprint),
        *_gpus(fingerprint, cuda, gpu_problem),
        _system(fingerprint),
        *_environment(fingerprint),
    )
