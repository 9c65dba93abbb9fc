"""The forms of a model that ``benchmarks/optimize.py`` times: what others do to it, each alone, and recipes of ours.

A form is made once into a folder, opened from it, or changed after opening. Forms that sample otherwise with the same
graph open the folder of the form that made it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from typing import Any

import optimize_peers as peers
from optimize_models import SHIPPED, SUBJECTS, open_torch

import underpaint
from underpaint.core.optimization import Step
from underpaint.diffusion.output_cache import OutputCache
from underpaint.pipelines.model_folder import shipped_models
from underpaint.pipelines.optimizing.bfloat16 import InBfloat16, in_bfloat16
from underpaint.pipelines.optimizing.block_cache import BlockCache, put_block_cache
from underpaint.pipelines.optimizing.graph_part import graph_parts
from underpaint.pipelines.optimizing.half import of_network
from underpaint.pipelines.optimizing.step_caches import put_output_cache
from underpaint.stages.optimize.saving import save_optimized
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of

BASE = "torch eager"
INT8 = {"precision": "int8"}


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form of a model.

    Args:
        recipe: Steps of ours that make it into a folder.
        bits: What has 8 bits in a graph that is made and opened as optimum-intel does.
        of: Form whose folder is opened; None for its own, or the model in torch where it has none.
        change: What is done to the pipeline that was opened.
        hint: What a graph of a peer computes 32 bits in.
    """

    recipe: tuple[Step, ...] = ()
    bits: peers.Bits | None = None
    of: str | None = None
    change: Callable[[Any], Any] | None = None
    hint: str = "f32"


def _engine(engine: str, *others: Step, slot: str = "denoiser", **params: Any) -> Form:
    return Form(recipe=(step_of(f"engine.{engine}", slot, **params), *others))


def _all(*changes: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what makes several changes, one after the other."""
    return lambda pipeline: reduce(lambda before, change: change(before), changes, pipeline)


def _skipping(pipeline: Any, *, every: int = 3, order: int = 1) -> Any:
    """Compute one call of so many, and continue the answers in between."""
    return put_output_cache(pipeline, "sampler", OutputCache(every=every, order=order, warm_up=2))


def _bfloat16(pipeline: Any) -> Any:
    """Let graphs compute in bfloat16 what they compute in 32 bits."""
    for part in graph_parts(pipeline).values():
        runs, before = part.graph_runs, part.graph_runs.graphs
        precision = "bf16" if before.precision == "f32" else "int8_bf16"
        runs.graphs = before.model_copy(update={"precision": precision})
        runs._loaded.clear()
    peers.forget_peak()
    return pipeline


def _half(pipeline: Any) -> Any:
    """Let torch compute the network in bfloat16."""
    return of_network(in_bfloat16)(pipeline, "denoiser", InBfloat16())


def _outermost(pipeline: Any) -> Any:
    """Compute the outermost level in every call and the others in every third, in torch."""
    return put_block_cache(pipeline, "sampler", BlockCache(every=3))


def _whole(pipeline: Any) -> Any:
    """Let a pair of graphs compute all levels in every call."""
    pipeline.network.cache = BlockCache(every=1)
    return pipeline


RARELY = partial(_skipping, every=6, order=0)
"""One call of six, with its answer as it was in the others."""
PAIR = step_of("cache.pair", "denoiser", every=3)
F32, INT8_PAIR = "ours: OpenVINO f32, pair", "ours: OpenVINO int8, pair"
PAIRS = {
    "ours: OpenVINO f32": Form(of=F32, change=_whole),
    F32: _engine("openvino", PAIR),
    "ours: OpenVINO bf16": Form(of=F32, change=_all(_whole, _bfloat16)),
    "ours: OpenVINO bf16, pair": Form(of=F32, change=_bfloat16),
    "ours: OpenVINO int8": Form(of=INT8_PAIR, change=_whole),
    INT8_PAIR: _engine("openvino", PAIR, **INT8),
    "ours: OpenVINO int8 and bf16": Form(of=INT8_PAIR, change=_all(_whole, _bfloat16)),
    "ours: OpenVINO int8 and bf16, pair": Form(of=INT8_PAIR, change=_bfloat16),
}
"""Forms of a UNet; what computes all levels in every call is the whole graph of a pair, so that each is made once.

A graph in bfloat16 is that in 32 bits, computed otherwise.
"""
MERGE = step_of("tokens.merge", "denoiser", share=0.7)
MERGED = {
    "ours: OpenVINO f32, merged": _engine("openvino", MERGE),
    "ours: OpenVINO bf16, merged": Form(of="ours: OpenVINO f32, merged", change=_bfloat16),
    "ours: OpenVINO int8, merged": _engine("openvino", MERGE, **INT8),
    "ours: OpenVINO int8 and bf16, merged": Form(of="ours: OpenVINO int8, merged", change=_bfloat16),
}
"""Forms of a UNet whose self-attention sees three tokens of ten where there are a thousand."""
IN_TORCH = {
    "torch bf16": Form(change=peers.half),
    "torch.compile": Form(change=peers.compiled),
    "torch.compile bf16": Form(change=_all(peers.half, peers.compiled)),
    "torchao int8, compiled": Form(change=peers.torchao),
}
INTEL_F32, HYBRID = "OpenVINO f32, as optimum-intel", "OpenVINO hybrid int8, as optimum-intel"
AS_INTEL = {
    INTEL_F32: Form(bits="f32"),
    "OpenVINO bf16, as optimum-intel": Form(of=INTEL_F32, hint="bf16"),
    "OpenVINO int8 weights, as optimum-intel": Form(bits="int8 weights"),
}
HYBRIDS = {
    HYBRID: Form(bits="hybrid"),
    "OpenVINO hybrid int8 and bf16, as optimum-intel": Form(of=HYBRID, hint="bf16"),
}
DEEPCACHE = {
    "DeepCache": Form(change=peers.deepcache),
    "DeepCache, bf16": Form(change=_all(peers.half, peers.deepcache)),
}
EAGERLY = partial(peers.cache_dit, threshold=0.5)
ONNX = {"ONNX Runtime f32": _engine("onnx")}
WHOLE = "pipeline"
FORMS: dict[str, dict[str, Form]] = {
    "unet": {
        **IN_TORCH,
        **ONNX,
        **AS_INTEL,
        **HYBRIDS,
        **DEEPCACHE,
        "ours: torch, outermost level": Form(change=_outermost),
        "ours: torch bf16": Form(change=_half),
        "ours: torch bf16, outermost level": Form(change=_all(_half, _outermost)),
        **PAIRS,
        **MERGED,
        "ours: OpenVINO f32, calls skipped": Form(of=F32, change=_all(_whole, _skipping)),
        "ours: OpenVINO bf16, calls skipped": Form(of=F32, change=_all(_whole, _bfloat16, _skipping)),
        "ours: OpenVINO int8, calls skipped": Form(of=INT8_PAIR, change=_all(_whole, _skipping)),
        "ours: OpenVINO int8 and bf16, calls skipped": Form(of=INT8_PAIR, change=_all(_whole, _bfloat16, _skipping)),
    },
    "pixart": {
        **IN_TORCH,
        **ONNX,
        **AS_INTEL,
        "cache-dit, threshold 0.08": Form(change=partial(peers.cache_dit, threshold=0.08)),
        "cache-dit, threshold 0.5": Form(change=EAGERLY),
        "cache-dit, threshold 0.5, bf16": Form(change=_all(peers.half, EAGERLY)),
        "ours: torch bf16": Form(change=_half),
        "ours: OpenVINO f32": _engine("openvino"),
        "ours: OpenVINO f32, calls skipped": Form(of="ours: OpenVINO f32", change=_skipping),
        "ours: OpenVINO bf16": Form(of="ours: OpenVINO f32", change=_bfloat16),
        "ours: OpenVINO bf16, calls skipped": Form(of="ours: OpenVINO f32", change=_all(_bfloat16, _skipping)),
        "ours: OpenVINO bf16, one call of 6": Form(of="ours: OpenVINO f32", change=_all(_bfloat16, RARELY)),
        "ours: OpenVINO int8": _engine("openvino", **INT8),
        "ours: OpenVINO int8, calls skipped": Form(of="ours: OpenVINO int8", change=_skipping),
        "ours: OpenVINO int8 and bf16": Form(of="ours: OpenVINO int8", change=_bfloat16),
        "ours: OpenVINO int8 and bf16, one call of 6": Form(of="ours: OpenVINO int8", change=_all(_bfloat16, RARELY)),
    },
    "shipped": {
        "torch.compile": IN_TORCH["torch.compile"],
        "torchao int8, compiled": IN_TORCH["torchao int8, compiled"],
        "ONNX Runtime f32": _engine("onnx", slot=WHOLE),
        "OpenVINO f32": _engine("openvino", slot=WHOLE),
        "ours: OpenVINO bf16": _engine("openvino", slot=WHOLE, precision="bf16"),
        "ours: ONNX Runtime int8": _engine("onnx", slot=WHOLE, **INT8),
        "ours: OpenVINO int8": _engine("openvino", slot=WHOLE, **INT8),
        "ours: OpenVINO int8 and bf16": _engine("openvino", slot=WHOLE, precision="int8_bf16"),
        "ours: ONNX Runtime f32, guided until 0.6": _engine(
            "onnx", step_of("guidance.span", "sampler", high=0.6), slot=WHOLE
        ),
    },
    "sd15": {
        "torch bf16": IN_TORCH["torch bf16"],
        **ONNX,
        **AS_INTEL,
        **DEEPCACHE,
        **PAIRS,
    },
}
"""Forms by model and name, besides eager torch; those that are not ours are what others do with the model."""


def forms(model: str) -> tuple[str, ...]:
    """Return the names of a model's forms."""
    return (BASE, *FORMS[model])


def form_of(model: str, name: str) -> Form:
    """Return a form by name."""
    return FORMS[model].get(name, Form())


def folder_of(work: Path, model: str, name: str = BASE) -> Path:
    """Return where a form lies, whether or not it is there."""
    place = work / model
    form = form_of(model, name)
    if not (form.recipe or form.bits or form.of):
        return shipped_models()[SHIPPED] if model == "shipped" else place / "base"
    return place / "".join(letter if letter.isalnum() else "-" for letter in form.of or name)


def prepare(work: Path, model: str, name: str) -> None:
    """Make what a form is opened from, once."""
    form, out = form_of(model, name), folder_of(work, model, name)
    if out.is_dir() or not (form.recipe or form.bits):
        return
    subject, loaded = SUBJECTS[model], open_torch(work, model)
    steps = subject.recipe_steps or subject.steps
    if form.bits:
        assert steps is not None
        peers.write_open(loaded.pipeline, out, form.bits, steps)
        return
    sampled = () if steps is None else (step_of("steps.count", "sampler", steps=steps),)
    applied = apply(loaded.networks, arranged(*form.recipe, *sampled))
    save_optimized(applied, loaded.model, out)


def load(work: Path, model: str, name: str) -> Any:
    """Return what draws."""
    form, folder = form_of(model, name), folder_of(work, model, name)
    source = form if form.of is None else form_of(model, form.of)
    if source.bits:
        return peers.open_graph(open_torch(work, model).pipeline, folder, form.hint)
    pipeline: Any = underpaint.load(folder).pipeline if source.recipe else open_torch(work, model).pipeline
    return pipeline if form.change is None else form.change(pipeline)


def call_error(folder: Path) -> float | None:
    """Return how far one call of a graph in 8 bits is off, as a share of the network's own answer; None if unknown."""
    for file in sorted(folder.glob("graphs/*/graph.json")):
        figures = json.loads(file.read_text(encoding="utf-8")).get("figures")
        return None if figures is None else round(figures["error"], 4)
    return None


def is_made(work: Path, model: str, name: str) -> bool:
    """Tell whether what a form is opened from is there; what is no folder of its own always is."""
    form = form_of(model, name)
    return not (form.recipe or form.bits or form.of) or folder_of(work, model, name).is_dir()
