from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.installing import pip_command
from underpaint.runtime.capacity import Cache, Capacity
from underpaint.runtime.findings import DRAWING_BYTES, Finding, findings_of, size
from underpaint.runtime.fingerprint import KERNEL_VARIABLES, Cores, Fingerprint, System
from underpaint.runtime.gpu import Gpu
from underpaint.runtime.processor import Processor

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
GPU = Gpu(name="NVIDIA L4", capability=(8, 9), memory_bytes=24 << 30, driver="550.54")


def machine(*flags: str, **changes: Any) -> Fingerprint:
    parts = {
        "processor": Processor(family="x86", vendor="GenuineIntel", model="A", flags=flags, flags_known=True),
        "cores": Cores(logical=4, allowed=4, physical=2),
        "capacity": Capacity(ram_bytes=8 * 10**9, caches=(Cache(level=1, kind="data", bytes=32768),)),
        "gpus": (),
        "system": System(name="Linux", machine="x86_64", libc="glibc 2.36", python="3.11.2 CPython"),
        "engines": {},
        "environment": {},
    }
    return Fingerprint.model_validate({**parts, **changes})


def found(fingerprint: Fingerprint, name: str, **options: Any) -> Finding:
    return next(finding for finding in findings_of(fingerprint, **options) if finding.name == name)


def test_8_bit_numbers_are_not_used_without_vnni_and_it_says_why():
    without = found(machine("avx2"), "8-bit numbers")
    assert (without.value, "no AVX-512 VNNI" in without.meaning) == ("not used", True)
    with_it = found(machine("avx2", "avx512_vnni"), "8-bit numbers")
    assert (with_it.value, "avx512_vnni" in with_it.meaning) == ("worth it", True)
    arm = Processor(family="arm", flags=("asimd",), flags_known=True)
    assert "asimddp" in found(machine(processor=arm), "8-bit numbers").meaning


@pytest.mark.parametrize("system", ["Windows", "Darwin"])
def test_a_system_that_does_not_tell_of_vnni_is_not_blamed_on_the_processor(system):
    silent = System(name=system, machine="x86_64", libc="", python="3.12.1 CPython")
    assert found(machine("avx2", system=silent), "8-bit numbers").value == "unknown"
    arm = Processor(family="arm", flags=("asimd",), flags_known=True)
    assert found(machine(processor=arm, system=silent), "8-bit numbers").value == "not used"


@pytest.mark.parametrize(
    ("family", "flag", "system", "words"),
    [
        ("x86", "avx512_vnni", "Linux", "would be slower"),
        ("x86", "avx512_bf16", "Linux", "could be tried (avx512_bf16)"),
        ("arm", "bf16", "Darwin", "could be tried (bf16)"),
        ("arm", "asimddp", "Linux", "would be slower"),
        ("x86", "avx2", "Windows", "does not tell"),
    ],
)
def test_32_bit_floats_draw_with_and_without_bfloat16(family, flag, system, words):
    fingerprint = machine(
        processor=Processor(family=family, flags=(flag,), flags_known=True),
        system=System(name=system, machine="", libc="", python=""),
    )
    floats = found(fingerprint, "number format")
    assert (floats.value, words in floats.meaning) == ("32-bit floats", True)


@pytest.mark.parametrize(
    ("cores", "trains", "reason"),
    [
        (Cores(logical=4, allowed=4, physical=4), 4, "all cores may be used"),
        (Cores(logical=4, allowed=4, physical=2), 2, "hyper-threads"),
        (Cores(logical=4, allowed=1, physical=1), 1, "1 of 4 logical CPUs"),
        (Cores(logical=8, allowed=8, physical=8, quota=2.5), 2, "2.5 CPUs' worth"),
        (Cores(logical=8, allowed=8, physical=8, quota=0.5), 1, "0.5 CPUs' worth"),
    ],
)
def test_threads_say_what_limits_them(cores, trains, reason):
    threads = found(machine(cores=cores), "threads")
    assert threads.value == f"1 to draw, {trains} to train"
    assert reason in threads.meaning


def test_less_than_a_core_is_worth_knowing():
    slow = found(machine(cores=Cores(logical=8, allowed=8, physical=8, quota=0.25)), "cores")
    assert (slow.state, "4.0 times as long" in slow.meaning) == ("note", True)
    assert found(machine(), "cores").state == "ok"


def test_memory_is_what_the_container_leaves():
    memory = found(machine(capacity=Capacity(ram_bytes=8 * 10**9, limit_bytes=200 * 10**6)), "memory")
    assert (memory.state, "control groups" in memory.value) == ("note", True)
    assert found(machine(), "memory").meaning.startswith("enough")
    assert found(machine(capacity=Capacity()), "memory").value == "unknown"


@pytest.mark.parametrize(
    ("usable", "said"),
    [
        (100, "not enough for onnx, torch, openvino: "),
        (300, "not enough for torch, openvino: "),
        (400, "not enough for openvino: "),
        (600, "enough: "),
    ],
)
def test_the_memory_is_held_against_what_each_engine_takes(usable, said):
    memory = found(machine(capacity=Capacity(ram_bytes=usable * 10**6)), "memory")
    assert memory.meaning == f"{said}drawing takes 200 MB with onnx, 350 MB with torch, 570 MB with openvino"
    assert memory.state == ("ok" if usable == 600 else "note")


def test_what_each_engine_takes_is_what_was_measured():
    measured = json.loads((RESULTS / "engines.json").read_text())["results"]
    rows = {"onnx": "ONNX Runtime f32, batch 1", "torch": "torch eager, batch 1", "openvino": "OpenVINO f32, batch 1"}
    for engine, row in rows.items():
        assert 0.9 < measured[row]["peak_mb"] * 1e6 / DRAWING_BYTES[engine] <= 1.0


def test_a_gpu_is_used_only_by_a_torch_that_was_built_for_it():
    no_torch = found(machine(gpus=(GPU,)), "GPU")
    assert (no_torch.state, no_torch.remedy) == ("missing", pip_command("train"))
    for_cpu = found(machine(gpus=(GPU,), engines={"torch": "2.13.0+cpu"}), "GPU")
    assert (for_cpu.state, "without CUDA" in for_cpu.meaning) == ("missing", True)
    used = found(machine(gpus=(GPU,), engines={"torch": "2.13.0"}), "GPU", cuda="13.0")
    assert (used.state, used.remedy, "cuda-sm89" in used.value) == ("ok", None, True)


def test_a_driver_that_does_not_answer_is_told():
    finding = found(machine(), "GPU", gpu_problem="nvidia-smi failed: no driver")
    assert (finding.state, finding.value) == ("note", "nvidia-smi failed: no driver")
    assert found(machine(), "GPU").state == "ok"


def test_every_variable_that_is_set_is_explained():
    environment = dict.fromkeys(KERNEL_VARIABLES, "7")
    for name, meaning in KERNEL_VARIABLES.items():
        finding = found(machine(environment=environment), name)
        assert (finding.value, finding.meaning, finding.state) == ("set to 7", meaning, "note")


def test_unknown_instructions_are_told_and_nothing_is_made_up():
    unknown = machine(processor=Processor(family="riscv64"))
    assert found(unknown, "processor").state == "note"
    assert found(unknown, "8-bit numbers").value == "unknown"


@pytest.mark.parametrize(
    ("count", "text"),
    [(5, "5 B"), (32768, "32 KiB"), (1 << 20, "1 MiB"), (28951234, "27.6 MiB"), (25276514304, "25.3 GB")],
)
def test_sizes_have_a_unit(count, text):
    assert size(count) == text
