"""The forms of a model that ``benchmarks/optimize.py`` times: what others do to it, each alone, and recipes of ours.

Models have the real classes and random weights: a UNet as that of Stable Diffusion, with less than half its width,
and a PixArt transformer of twelve blocks. Text encoder and autoencoder are tiny, so a picture's time is the denoiser's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import tiny_diffusers as tiny  # pyright: ignore[reportMissingImports]
import underpaint
from underpaint.core.optimization import Step
from underpaint.learning.seeding import initialized_by
from underpaint.pipelines.graph_files import CALLS
from underpaint.stages.optimize.saving import save_optimized
from underpaint.stages.optimize.transforms import engines
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of

STEPS = 10
CAPTIONS = ("a smiling cat",)
"""What 8 bits are calibrated with: the states of random weights hardly depend on the words."""
SHIPPED = "stickers-64"
INT8 = {"precision": "int8"}
PAIR = step_of("cache.pair", "denoiser", every=3)
SKIP = step_of("cache.output", "sampler", every=3, order=1, warm_up=2)


def unet() -> Any:
    """Return a UNet of 135 million parameters on latents of 32x32."""
    return tiny.unet(
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        sample_size=32,
        norm_num_groups=32,
        attention_head_dim=8,
        down_block_types=(*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
        up_block_types=("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
    )


def transformer() -> Any:
    """Return a PixArt transformer of some 50 million parameters on 256 tokens."""
    return tiny.diffusers.PixArtTransformer2DModel(
        sample_size=32,
        num_layers=12,
        patch_size=2,
        attention_head_dim=64,
        num_attention_heads=8,
        cross_attention_dim=512,
        caption_channels=tiny.WIDTH,
        in_channels=4,
        out_channels=8,
        use_additional_conditions=False,
    )


def build(model: str, folder: Path) -> None:
    """Save a pipeline with random weights."""
    with tiny.quiet(), initialized_by(0):
        pipeline: Any = tiny.stable_diffusion() if model == "unet" else tiny.pixart()
        name = "unet" if model == "unet" else "transformer"
        setattr(pipeline, name, unet() if model == "unet" else transformer())
        with torch.no_grad():
            for parameter in getattr(pipeline, name).parameters():
                if not parameter.any():
                    parameter.normal_(std=0.02)
        pipeline.save_pretrained(folder)


def _engine(engine: str, *others: Step, slot: str = "denoiser", **params: Any) -> tuple[Step, ...]:
    return (step_of(f"engine.{engine}", slot, **params), *others)


RECIPES: dict[str, dict[str, tuple[Step, ...]]] = {
    "unet": {
        "ONNX Runtime f32": _engine("onnx"),
        "OpenVINO f32, static": _engine("openvino"),
        "ours: OpenVINO int8": _engine("openvino", **INT8),
        "ours: OpenVINO f32, pair": _engine("openvino", PAIR),
        "ours: OpenVINO int8, pair": _engine("openvino", PAIR, **INT8),
        "ours: OpenVINO int8, calls skipped": _engine("openvino", SKIP, **INT8),
    },
    "pixart": {
        "ONNX Runtime f32": _engine("onnx"),
        "OpenVINO f32, static": _engine("openvino"),
        "ours: OpenVINO int8": _engine("openvino", **INT8),
        "ours: OpenVINO f32, calls skipped": _engine("openvino", SKIP),
        "ours: OpenVINO int8, calls skipped": _engine("openvino", SKIP, **INT8),
    },
    "shipped": {
        "ONNX Runtime f32": _engine("onnx", slot="pipeline"),
        "OpenVINO f32, static": _engine("openvino", slot="pipeline"),
        "ours: ONNX Runtime f32, guided until 0.6": (
            *_engine("onnx", slot="pipeline"),
            step_of("guidance.span", "sampler", high=0.6),
        ),
    },
}
"""Recipes by model; the first engines alone are what others do with them."""
RIVALS: dict[str, tuple[str, ...]] = {
    "unet": ("torch.compile", "torchao int8, compiled", "OpenVINO int8 weights", "DeepCache"),
    "pixart": ("torch.compile", "torchao int8, compiled", "OpenVINO int8 weights", "cache-dit"),
    "shipped": ("torch.compile",),
}
BASE = "torch eager"


def forms(model: str) -> tuple[str, ...]:
    """Return the names of a model's forms."""
    return (BASE, *RIVALS[model], *RECIPES[model])


def folder_of(work: Path, model: str, form: str = "base") -> Path:
    """Return where a form lies."""
    return work / model / "".join(letter if letter.isalnum() else "-" for letter in form)


def prepare(work: Path, model: str, form: str) -> None:
    """Make what a form is loaded from, once."""
    base = folder_of(work, model)
    if model != "shipped" and not base.is_dir():
        build(model, base)
    out = folder_of(work, model, form)
    if out.is_dir() or form not in (*RECIPES[model], "OpenVINO int8 weights"):
        return
    steps = RECIPES[model].get(form, RECIPES[model]["OpenVINO f32, static"])
    loaded = underpaint.load(SHIPPED if model == "shipped" else base, engine="torch")
    engines._captions = lambda bits, context: CAPTIONS  # noqa: ARG005
    recipe = (
        arranged(*steps) if model == "shipped" else arranged(*steps, step_of("steps.count", "sampler", steps=STEPS))
    )
    applied = apply(loaded.networks, recipe)
    if form == "OpenVINO int8 weights":
        _compress(applied.pipeline)
    save_optimized(applied, loaded.model, out)


def _compress(pipeline: Any) -> None:
    """Store the weights of a graph in 8 bits, as optimum-intel does by default for large models."""
    from underpaint.adapters import nncf as adapter
    from underpaint.adapters.openvino import save
    from underpaint.pipelines.optimizing.graph_part import graph_parts

    openvino, nncf = adapter.import_tools()
    for part in graph_parts(pipeline).values():
        files = part.graph_runs.files
        assert (files.folder / CALLS).is_file()
        for xml in files.folder.glob("*/model.xml"):
            model = nncf.compress_weights(openvino.Core().read_model(xml).clone())
            save(openvino, model, xml.with_name("small.xml"), half=False)
            for suffix in (".xml", ".bin"):
                xml.with_name(f"small{suffix}").replace(xml.with_suffix(suffix))


def load(work: Path, model: str, form: str) -> Any:
    """Return what draws."""
    if form in RECIPES[model] or form == "OpenVINO int8 weights":
        return underpaint.load(folder_of(work, model, form)).pipeline
    loaded: Any = underpaint.load(SHIPPED if model == "shipped" else folder_of(work, model), engine="torch").pipeline
    CHANGES.get(form, _nothing)(loaded)
    return loaded


def _nothing(pipeline: Any) -> None:
    """Leave torch as it is."""


def _compiled(pipeline: Any) -> None:
    for name in ("transformer", "residual") if hasattr(pipeline, "residual") else ():
        getattr(pipeline, name).compile()
    if hasattr(pipeline, "residual"):
        pipeline.autoencoder.decoder.compile()
    else:
        pipeline.network.compile()


def _torchao(pipeline: Any) -> None:
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_  # pyright: ignore[reportMissingImports]

    quantize_(pipeline.network, Int8DynamicActivationInt8WeightConfig())
    pipeline.network.compile()


def _deepcache(pipeline: Any) -> None:
    from DeepCache import DeepCacheSDHelper  # pyright: ignore[reportMissingImports]

    helper = DeepCacheSDHelper(pipe=pipeline.pipeline)
    helper.set_params(cache_interval=3, cache_branch_id=0)
    helper.enable()


def _cache_dit(pipeline: Any) -> None:
    import cache_dit  # pyright: ignore[reportMissingImports]

    config = cache_dit.DBCacheConfig(
        Fn_compute_blocks=1, Bn_compute_blocks=0, residual_diff_threshold=0.5, max_warmup_steps=2
    )
    cache_dit.enable_cache(pipeline.pipeline, cache_config=config)


CHANGES: dict[str, Callable[[Any], None]] = {
    "torch.compile": _compiled,
    "torchao int8, compiled": _torchao,
    "DeepCache": _deepcache,
    "cache-dit": _cache_dit,
}
"""What others do to a pipeline of torch."""
