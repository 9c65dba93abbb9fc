"""Apply, undo, draw: bit for bit what was drawn before, for every transform on every pipeline that it fits."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from underpaint.core.errors import InputError, OptimizationRefused
from underpaint.core.optimization import OptimizationRecipe
from underpaint.learning.config import LoopConfig
from underpaint.pipelines.exported import ExportedPipeline
from underpaint.pipelines.slots import components_of
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of
from underpaint.stages.optimize.transforms.table import TRANSFORMS
from underpaint.stages.optimize.transforms.transform import Context

MIX = {"rules": [{"layers": "mid_block.*", "precision": "f32"}], "otherwise": "int8_weights"}
CASES: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("hybrid", "quant.int8_dynamic", "transformer", {"weight_bits": 7}),
    ("hybrid", "quant.int8_dynamic", "residual", {"weight_bits": 7}),
    ("flow", "quant.int8_dynamic", "denoiser", {"weight_bits": 7}),
    ("flow", "quant.int8_dynamic", "text_encoder", {"weight_bits": 7}),
    ("sd3", "quant.int8_dynamic", "denoiser", {"weight_bits": 7}),
    ("pixart", "quant.int8_dynamic", "text_encoder", {"weight_bits": 7}),
    ("hybrid", "quant.weight_only", "decoder", {}),
    ("gan", "quant.weight_only", "generator", {}),
    ("sd", "quant.weight_only", "denoiser", {}),
    ("sd", "quant.weight_only", "decoder", {"precision": "f16_weights"}),
    ("flow", "quant.mixed", "denoiser", {"rules": [{"layers": "blocks.0.*", "precision": "int8_weights"}]}),
    ("sd", "quant.mixed", "denoiser", MIX),
    ("flow", "prune.width", "denoiser", {"hidden": 120}),
    ("hybrid", "prune.width", "transformer", {"hidden": 120}),
    ("flow", "prune.heads", "denoiser", {"heads": 1, "recover": 1}),
    ("hybrid", "prune.depth", "transformer", {"drop": [1], "recover": 1}),
    ("flow", "distill.guidance", "denoiser", {"train": 1}),
    ("flow", "distill.steps", "denoiser", {"train": 1, "finest": 2, "steps": 1}),
    ("flow", "decoder.tiny", "decoder", {"widths": [8, 8, 8], "recover": 1}),
    ("hybrid", "decoder.tiny", "decoder", {"widths": [8, 8, 8], "recover": 1}),
    ("sd", "tokens.merge", "denoiser", {"least_tokens": 16}),
    ("pixart", "tokens.merge", "denoiser", {"least_tokens": 16, "share": 0.3}),
    ("sd", "quant.bf16", "denoiser", {}),
    ("pixart", "quant.bf16", "denoiser", {"channels_last": False}),
    ("hybrid", "layout.channels_last", "decoder", {}),
    ("gan", "layout.channels_last", "generator", {}),
    ("sd", "layout.channels_last", "denoiser", {}),
    ("sd", "cache.blocks", "sampler", {}),
    ("hybrid", "engine.onnx", "pipeline", {}),
    ("few-step", "engine.openvino", "pipeline", {}),
    ("sd", "engine.onnx", "denoiser", {}),
    ("sd", "engine.onnx", "decoder", {}),
    ("sd", "engine.openvino", "text_encoder", {}),
    ("pixart", "engine.openvino", "denoiser", {}),
    ("hybrid", "steps.count", "sampler", {"steps": 1}),
    ("flow", "steps.count", "sampler", {"steps": 3}),
    ("sd", "steps.count", "sampler", {"steps": 3}),
    ("flow", "steps.solver", "sampler", {"solver": "unipc"}),
    ("sd", "steps.solver", "sampler", {"solver": "ddim"}),
    ("sd3", "steps.solver", "sampler", {"solver": "heun"}),
    ("hybrid", "guidance.span", "sampler", {"high": 0.3}),
    ("flow", "guidance.span", "sampler", {"low": 0.2, "high": 0.6}),
    ("sd", "guidance.span", "sampler", {"high": 0.5}),
    ("pixart", "guidance.span", "sampler", {"high": 0.5}),
    ("flow", "cache.output", "sampler", {}),
    ("sd", "cache.output", "sampler", {}),
    ("sd3", "cache.output", "sampler", {"order": 0}),
    ("pixart", "cache.output", "sampler", {"order": 2}),
)
PROMPTS = ["a red cat", "a dog", "a smiling cat", "red dog"] * 2
LOOP = LoopConfig(steps=1, batch_size=2, warmup=0)
ON_GPU = {"quant.fp8": "denoiser", "memory.offload": "decoder"}
"""Refused here; what they do is looked at in ``test_graphs``."""
ELSEWHERE = {"engine.compile", "quant.int8_static", "cache.pair"}
"""Taken back in ``test_graphs``, ``test_engines`` and ``test_pairs``."""
NAMES = [f"{pipeline} {name}" for pipeline, name, _, _ in CASES]


def tensors(pipeline: Any) -> dict[str, Tensor]:
    parts = {name: pipeline.modules[name] for name in components_of(pipeline).values()}
    named = chain.from_iterable(
        ((f"{name}.{key}", value) for key, value in part.state_dict(keep_vars=True).items())
        for name, part in parts.items()
    )
    return dict(named)


def test_every_transform_is_tried() -> None:
    assert {name for _, name, _, _ in CASES} | ON_GPU.keys() | ELSEWHERE == {one.name for one in TRANSFORMS.values()}


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_undone_a_pipeline_draws_what_it_drew_to_the_bit(
    tiny: Callable[..., Any],
    draw: Callable[..., np.ndarray],
    host: Callable[..., Any],
    tmp_path: Path,
    case: tuple[Any, ...],
) -> None:
    pipeline, (name, slot, params) = tiny(case[0]), case[1:]
    before, held = draw(pipeline), tensors(pipeline)
    copies = {key: value.clone() for key, value in held.items()}
    context = Context(prompts=PROMPTS, folder=tmp_path, loop=LOOP)
    here = host("avx2", "avx512_vnni", "avx512_bf16")
    applied = apply(pipeline, arranged(step_of(name, slot, **params)), context, host=here)
    assert applied.pipeline is not pipeline
    whole = isinstance(applied.pipeline, ExportedPipeline)
    new = whole or set(map(id, tensors(applied.pipeline).values())) - set(map(id, held.values()))
    pictures = draw(applied.pipeline)
    assert new or (pictures != before).any(), "the transform did nothing"
    assert np.array_equal(draw(pipeline), before)
    assert applied.undo() is pipeline and applied.pipeline is pipeline
    assert np.array_equal(draw(applied.pipeline), before)
    now = tensors(pipeline)
    assert all(now[key] is value for key, value in held.items()), "a part was exchanged in place"
    assert all(torch.equal(now[key], value) for key, value in copies.items()), "weights were written to"


@pytest.mark.parametrize(("name", "slot"), ON_GPU.items(), ids=ON_GPU)
def test_what_a_machine_without_a_gpu_refuses_leaves_the_model_as_it_was(
    tiny: Callable[..., Any], draw: Callable[..., np.ndarray], host: Callable[..., Any], name: str, slot: str
) -> None:
    pipeline = tiny("flow")
    before, held = draw(pipeline), tensors(pipeline)
    copies = {key: value.clone() for key, value in held.items()}
    recipe = arranged(step_of("quant.weight_only", "text_encoder"), step_of(name, slot))
    with pytest.raises(OptimizationRefused, match=name) as caught:
        apply(pipeline, recipe, host=host("avx2", "avx512_vnni"))
    assert caught.value.code == "host.cuda"
    assert np.array_equal(draw(pipeline), before)
    now = tensors(pipeline)
    assert now.keys() == held.keys() and all(now[key] is value for key, value in held.items())
    assert all(torch.equal(now[key], value) for key, value in copies.items())


def test_an_empty_recipe_is_the_identity(tiny: Callable[..., Any], host: Callable[..., Any]) -> None:
    pipeline = tiny("flow")
    assert apply(pipeline, OptimizationRecipe(), host=host()).pipeline is pipeline


def test_a_committed_recipe_is_not_taken_back(tiny: Callable[..., Any], host: Callable[..., Any]) -> None:
    applied = apply(tiny("flow"), arranged(step_of("steps.count", "sampler", steps=2)), host=host())
    assert applied.commit() is applied.pipeline
    with pytest.raises(InputError, match="open it again, by the digest"):
        applied.undo()


def test_a_recipe_that_was_taken_back_is_not_committed(tiny: Callable[..., Any], host: Callable[..., Any]) -> None:
    applied = apply(tiny("flow"), arranged(step_of("steps.count", "sampler", steps=2)), host=host())
    applied.undo()
    with pytest.raises(InputError, match="apply it again"):
        applied.commit()


def test_a_refused_step_stops_the_recipe_and_says_which(tiny: Callable[..., Any], host: Callable[..., Any]) -> None:
    recipe = arranged(step_of("steps.count", "sampler", steps=4), step_of("cache.output", "sampler"))
    with pytest.raises(OptimizationRefused, match=r"cache.output@1 of sampler .*nothing to win with 4 steps") as caught:
        apply(tiny("flow"), recipe, host=host())
    assert caught.value.code == "cache.few_steps"
    assert tiny("flow").config.steps == 10
