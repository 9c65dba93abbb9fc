"""The forms of a model that ``benchmarks/optimize.py`` times: what others do to it, each alone, and recipes of ours.

A form is made once into a folder, opened from it, or changed after opening. Forms that sample otherwise with the same
graph open the folder of the form that made it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import optimize_peers as peers
from optimize_models import SHIPPED, SUBJECTS, open_torch

import underpaint
from underpaint.core.optimization import Step
from underpaint.diffusion.output_cache import OutputCache
from underpaint.pipelines.model_folder import shipped_models
from underpaint.pipelines.optimizing.block_cache import BlockCache, put_block_cache
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
    """

    recipe: tuple[Step, ...] = ()
    bits: peers.Bits | None = None
    of: str | None = None
    change: Callable[[Any], Any] | None = None


def _engine(engine: str, *others: Step, slot: str = "denoiser", **params: Any) -> Form:
    return Form(recipe=(step_of(f"engine.{engine}", slot, **params), *others))


def _skipping(pipeline: Any) -> Any:
    """Compute every third call, and continue the answers in between."""
    return put_output_cache(pipeline, "sampler", OutputCache(every=3, order=1, warm_up=2))


def _outermost(pipeline: Any) -> Any:
    """Compute the outermost level in every call and the others in every third, in torch."""
    return put_block_cache(pipeline, "sampler", BlockCache(every=3))


def _whole(pipeline: Any) -> Any:
    """Let a pair of graphs compute all levels in every call."""
    pipeline.network.cache = BlockCache(every=1)
    return pipeline


def _skipping_whole(pipeline: Any) -> Any:
    return _skipping(_whole(pipeline))


PAIR = step_of("cache.pair", "denoiser", every=3)
PAIRS = {
    "ours: OpenVINO f32": Form(of="ours: OpenVINO f32, pair", change=_whole),
    "ours: OpenVINO f32, pair": _engine("openvino", PAIR),
    "ours: OpenVINO int8": Form(of="ours: OpenVINO int8, pair", change=_whole),
    "ours: OpenVINO int8, pair": _engine("openvino", PAIR, **INT8),
}
"""Forms of a UNet; what computes all levels in every call is the whole graph of a pair, so that each is made once."""
IN_TORCH = {"torch.compile": Form(change=peers.compiled), "torchao int8, compiled": Form(change=peers.torchao)}
AS_INTEL = {
    "OpenVINO f32, as optimum-intel": Form(bits="f32"),
    "OpenVINO int8 weights, as optimum-intel": Form(bits="int8 weights"),
}
HYBRID = {"OpenVINO hybrid int8, as optimum-intel": Form(bits="hybrid")}
DEEPCACHE = {"DeepCache": Form(change=peers.deepcache)}
ONNX = {"ONNX Runtime f32": _engine("onnx")}
FORMS: dict[str, dict[str, Form]] = {
    "unet": {
        **IN_TORCH,
        **ONNX,
        **AS_INTEL,
        **HYBRID,
        **DEEPCACHE,
        "ours: torch, outermost level": Form(change=_outermost),
        **PAIRS,
        "ours: OpenVINO f32, calls skipped": Form(of="ours: OpenVINO f32, pair", change=_skipping_whole),
        "ours: OpenVINO int8, calls skipped": Form(of="ours: OpenVINO int8, pair", change=_skipping_whole),
    },
    "pixart": {
        **IN_TORCH,
        **ONNX,
        **AS_INTEL,
        "cache-dit, threshold 0.08": Form(change=partial(peers.cache_dit, threshold=0.08)),
        "cache-dit, threshold 0.5": Form(change=partial(peers.cache_dit, threshold=0.5)),
        "ours: OpenVINO f32": _engine("openvino"),
        "ours: OpenVINO f32, calls skipped": Form(of="ours: OpenVINO f32", change=_skipping),
        "ours: OpenVINO int8": _engine("openvino", **INT8),
        "ours: OpenVINO int8, calls skipped": Form(of="ours: OpenVINO int8", change=_skipping),
    },
    "shipped": {
        **IN_TORCH,
        "ONNX Runtime f32": _engine("onnx", slot="pipeline"),
        "OpenVINO f32": _engine("openvino", slot="pipeline"),
        "ours: ONNX Runtime int8": _engine("onnx", slot="pipeline", **INT8),
        "ours: OpenVINO int8": _engine("openvino", slot="pipeline", **INT8),
        "ours: ONNX Runtime f32, guided until 0.6": _engine(
            "onnx", step_of("guidance.span", "sampler", high=0.6), slot="pipeline"
        ),
    },
    "sd15": {
        **ONNX,
        "OpenVINO int8 weights, as optimum-intel": AS_INTEL["OpenVINO int8 weights, as optimum-intel"],
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
    if form.bits:
        return peers.open_graph(open_torch(work, model).pipeline, folder)
    made = bool(form.recipe or form.of)
    pipeline: Any = underpaint.load(folder).pipeline if made else open_torch(work, model).pipeline
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
