"""Compiled code and what pays on a GPU: refusals here, and what they would draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from underpaint.core.optimization import OptimizationRecipe
from underpaint.pipelines.optimizing.compiling import Compiled, compiled, regions
from underpaint.pipelines.optimizing.on_gpu import Float8, Offload
from underpaint.pipelines.slots import capabilities_of, part_of
from underpaint.runtime.gpu import Gpu
from underpaint.stages.optimize.transforms import graphs
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, refusal_of, step_of
from underpaint.stages.optimize.transforms.table import TRANSFORMS

Ask = Callable[..., Any]
IMPORTS = pytest.mark.filterwarnings("ignore:.*script_method.*:DeprecationWarning")
"""What torch's compiler says when it is imported."""


@pytest.mark.parametrize(("name", "slot"), [("quant.fp8", "denoiser"), ("memory.offload", "decoder")])
def test_what_needs_a_gpu_is_refused_without_one(refusal: Ask, name: str, slot: str) -> None:
    found = refusal("flow", name, slot)
    assert found.code == "host.cuda" and ("int8" in found.remedy or found.remedy == "leave it out")


def on_gpu(tiny: Ask, host: Ask, name: str, slot: str, capability: tuple[int, int]) -> Any:
    from dataclasses import replace

    gpu = Gpu(name="some", capability=capability, memory_bytes=1 << 34, driver="1")
    here = host().model_copy(update={"gpus": (gpu,)})
    capabilities = replace(capabilities_of(tiny("flow")), device="cuda")
    return refusal_of(step_of(name, slot), capabilities, OptimizationRecipe(), here)


def test_on_a_gpu_they_are_accepted_if_it_can(tiny: Ask, host: Ask) -> None:
    assert on_gpu(tiny, host, "memory.offload", "decoder", (7, 5)) is None
    assert on_gpu(tiny, host, "memory.offload", "text_encoder", (7, 5)).code == "memory.small"
    assert on_gpu(tiny, host, "quant.fp8", "denoiser", (8, 9)) is None
    assert on_gpu(tiny, host, "quant.fp8", "denoiser", (8, 6)).code == "host.isa"
    assert on_gpu(tiny, host, "quant.fp8", "decoder", (9, 0)).code == "quant.no_layer"


@pytest.mark.parametrize(("pipeline", "slot"), [("flow", "decoder"), ("sd", "text_encoder"), ("sd", "decoder")])
def test_an_offloaded_pipeline_draws_the_same_to_the_bit(tiny: Ask, draw: Ask, pipeline: str, slot: str) -> None:
    changed = TRANSFORMS["memory.offload@1"].half.put(tiny(pipeline), slot, Offload())
    assert np.array_equal(draw(changed), draw(tiny(pipeline)))


def test_eight_bit_floats_draw_nearly_the_same_and_leave_the_original(tiny: Ask, draw: Ask) -> None:
    before = draw(tiny("flow"))
    changed = draw(TRANSFORMS["quant.fp8@1"].half.put(tiny("flow"), "denoiser", Float8()))
    assert (changed != before).any() and np.array_equal(draw(tiny("flow")), before)


def test_compiling_needs_a_compiler(refusal: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert graphs.compiler() is None
    found = refusal("flow", "engine.compile", "denoiser")
    assert found.code == "host.compiler" and "CXX" in found.remedy
    (tmp_path / "my-compiler").write_text("#!/bin/sh\n")
    (tmp_path / "my-compiler").chmod(0o755)
    monkeypatch.setenv("CXX", "my-compiler")
    assert refusal("flow", "engine.compile", "denoiser") is None


def test_what_is_offloaded_is_not_compiled(refusal: Ask) -> None:
    before = OptimizationRecipe(steps=(step_of("memory.offload", "decoder"),))
    assert refusal("flow", "engine.compile", "denoiser", before).code == "engine.offloaded"


def test_blocks_are_compiled_one_by_one_and_of_an_autoencoder_what_paints(tiny: Ask) -> None:
    network = part_of(tiny("hybrid"), "transformer")
    assert [id(part) for part in regions(network)] == [id(block) for block in network.blocks]  # pyright: ignore
    assert regions(part_of(tiny("flow"), "decoder")) == [part_of(tiny("flow"), "decoder").decoder]
    unet = part_of(tiny("sd"), "denoiser")
    assert {type(part).__name__ for part in regions(unet)} >= {
        "DownBlock2D", "CrossAttnDownBlock2D", "UpBlock2D", "CrossAttnUpBlock2D"
    }  # fmt: skip


@pytest.mark.slow
@IMPORTS
def test_blocks_of_a_twin_are_compiled_and_those_of_the_original_are_not(tiny: Ask) -> None:
    network = part_of(tiny("hybrid"), "transformer")
    other = compiled(network, Compiled())
    assert all(part._compiled_call_impl is not None for part in regions(other))
    assert all(part._compiled_call_impl is None for part in regions(network))


@pytest.mark.slow
@IMPORTS
@pytest.mark.parametrize("slot", ["text_encoder", pytest.param("denoiser", marks=pytest.mark.exhaustive)])
def test_compiled_code_draws_the_same_but_for_last_bits_and_is_taken_back(
    tiny: Ask, draw: Ask, host: Ask, monkeypatch: pytest.MonkeyPatch, slot: str
) -> None:
    if graphs.compiler() is None:
        pytest.skip("there is no C++ compiler")
    monkeypatch.setenv("TORCHINDUCTOR_COMPILE_THREADS", "1")
    before = draw(tiny("flow"))
    applied = apply(tiny("flow"), arranged(step_of("engine.compile", slot)), host=host())
    assert np.abs(draw(applied.pipeline).astype(int) - before).max() <= 1
    assert np.array_equal(draw(applied.undo()), before)
