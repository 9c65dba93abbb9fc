"""Exporting a pipeline of diffusers: its networks become graphs, its loop stays what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from underpaint.adapters import onnxruntime, openvino
from underpaint.adapters.diffusers.shell import write_shell
from underpaint.adapters.require import require
from underpaint.core.artifact import Manifest, seal, staging
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.diffusers_model import DiffusersModel
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline, load_diffusers
from underpaint.pipelines.exported import load_exported
from underpaint.pipelines.exported_folder import EDGE, GRAPHS, KIND, Edge, open_exported
from underpaint.pipelines.exported_loop import ExportedLoop
from underpaint.pipelines.loop import Loop, NetworkCall
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.flops import Flops
from underpaint.stages.optimize.export.check import CAPTIONS, compared
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.network_graph import write_network
from underpaint.stages.optimize.export.ways import COUNTED, UNGUIDED, Way, listen, networks_to_export, unchecked

STAGE = "optimize"
LEVELS = 2
"""Largest difference between a pixel of torch and one of the graphs, in levels of 255."""
CHECK_STEPS = 4
REASONS = {
    "precision": "fewer bits than 32 can be asked of models of underpaint alone",
    "batch": "it is drawn one by one, so there is no batch",
    "steps": "its steps stay free when it is exported",
    "native": "its graphs get the layout of a processor whenever they are loaded",
    "share_weights": "sharing weights can be asked of models that come with underpaint alone",
}
"""Why settings that make sense for our own models make none here."""
PACKAGES = {"onnx": ("onnxruntime",), "openvino": ("openvino",)}
"""Packages whose versions are noted, by engine."""


def export_loop(config: ExportConfig, model: DiffusersModel, out: Path, report: Report) -> Manifest:
    """Export a pipeline of diffusers.

    Args:
        config: The engine.
        model: The pipeline, with the size, scheduler and low-rank weights that it shall have.
        out: The new folder; must not exist yet.
        report: Receives progress.

    Returns:
        The manifest of an artifact of kind ``exported``.

    Raises:
        InputError: The pipeline, or one of its networks, cannot be exported this way.
        ArtifactError: The model is damaged, or the graphs do not draw its pictures.
        MissingDependency: What converts graphs is not installed.
        StorageError: The folder exists or cannot be written.
    """
    check_loop(config, model)
    with staging(out) as folder:
        report(Progress(task="load the model", done=0))
        pipeline = load_diffusers(model, torch.device("cpu"))
        report(Progress(task="listen to the pipeline", done=0, total=1, unit="pictures"))
        ways, counted = listen(pipeline)
        report(Progress(task="listen to the pipeline", done=1, total=1, unit="pictures"))
        name = f"{model.size}_{config.precision}"
        calls = _write_networks(config, pipeline, ways, folder / GRAPHS / name, report)
        write_shell(pipeline.pipeline, model.facts, list(calls), folder)
        edge = _edge(config, model, name, calls)
        (folder / EDGE).write_text(edge.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _seal(config, model, folder, {})
        found = compare_with_torch(pipeline, folder, report)
        return _seal(config, model, folder, {**found, **_arithmetic(edge, counted)})


def check_loop(config: ExportConfig, model: DiffusersModel) -> None:
    """Refuse what cannot be done with a pipeline of diffusers, before any work.

    Raises:
        InputError: Something is asked for that only our own models can do.
        MissingDependency: What converts graphs, or the engine, is not installed.
    """
    for asked in config.model_dump(exclude_defaults=True, exclude={"engine"}):
        why = REASONS.get(asked, f"{asked!r} can be asked of models of underpaint alone")
        raise InputError(f"{model.name} is a pipeline of diffusers: {why}; leave it out")
    if model.options.dtype != "float32":
        raise InputError(f"graphs compute in float32, and {model.options.dtype} was asked for; leave --dtype out")
    require("onnx", extra="optimize")
    (onnxruntime if config.engine == "onnx" else openvino).import_engine()


def _write_networks(
    config: ExportConfig, pipeline: DiffusersPipeline, ways: dict[str, list[Way]], place: Path, report: Report
) -> dict[str, tuple[NetworkCall, ...]]:
    """Write a graph for each way in which a network is called."""
    networks, calls = networks_to_export(pipeline), dict[str, tuple[NetworkCall, ...]]()
    total = sum(map(len, ways.values()))
    for name, several in ways.items():
        for number, way in enumerate(several):
            report(Progress(task="write graphs", done=sum(map(len, calls.values())), total=total, unit="graphs"))
            graph = name if number == 0 else f"{name}_{number + 1}"
            write_network(networks[name], way, config.engine, place / graph)
            call = NetworkCall(graph=graph, constants=way.constants, shapes=tuple(way.shapes))
            calls[name] = (*calls.get(name, ()), call)
    report(Progress(task="write graphs", done=total, total=total, unit="graphs"))
    return calls


def _edge(config: ExportConfig, model: DiffusersModel, graph: str, calls: dict[str, tuple[NetworkCall, ...]]) -> Edge:
    texts = [
        shape[-1] for one in calls.values() for call in one for shape in [call.shapes[0].get("input_ids", ())] if shape
    ]
    return Edge(
        engine=config.engine,
        precision=config.precision,
        model=model.name,
        model_sha256=model.digest,
        pipeline=model.facts.class_name,
        image_size=model.facts.width,
        batch=1,
        graph=graph,
        styles=(),
        max_tokens=max(texts, default=1),
        guidance=model.index.sampling["guidance"],
        steps=model.index.sampling["steps"],
        streams=(),
        loop=Loop(width=model.facts.width, height=model.facts.height, negative=model.options.negative, networks=calls),
    )


def _seal(config: ExportConfig, model: DiffusersModel, folder: Path, figures: dict[str, Any]) -> Manifest:
    versions = ("underpaint", "torch", "numpy", "onnx", "diffusers", "transformers", *PACKAGES[config.engine])
    parents = {"pipeline": model.digest}
    return seal(folder, kind=KIND, stage=STAGE, config=config, parents=parents, figures=figures, packages=versions)


def compare_with_torch(pipeline: DiffusersPipeline, folder: Path, report: Report) -> dict[str, float]:
    """Draw a few pictures with both, guided and not, and return how far they are apart; see ``compared``.

    Args:
        pipeline: The pipeline in torch.
        folder: Its export.
        report: Receives progress.

    Raises:
        ArtifactError: They are too far apart.
    """
    exported = load_exported(open_exported(folder))
    assert isinstance(exported, ExportedLoop)
    asked = [DrawRequest(caption=caption, seed=seed, steps=CHECK_STEPS) for seed, caption in enumerate(CAPTIONS[:2])]
    if "guidance_scale" in pipeline.facts.parameters:
        asked[1] = replace(asked[1], guidance=UNGUIDED)
    with unchecked(pipeline), unchecked(exported.loop):
        found = compared(pipeline, exported, asked, report)
    if found["max_levels"] > LEVELS:
        raise ArtifactError(
            f"the graphs draw other pictures than {pipeline.facts.class_name} in torch: {found['pictures']} pictures "
            f"of {CHECK_STEPS} steps differ by up to {found['max_levels']:.0f} levels of 255, {LEVELS} are allowed; "
            "export another size, or draw by torch"
        )
    return found


def _arithmetic(edge: Edge, counted: tuple[Flops, Flops]) -> dict[str, Any]:
    """Return the arithmetic of a picture as figures of a manifest; see ``arithmetic``."""
    fewer, more = counted
    flops, traffic = more.total - fewer.total, more.traffic_bytes - fewer.traffic_bytes
    further = (edge.steps or 1) - COUNTED[0]
    missed = {"flops_missed": list(fewer.missed)} if fewer.missed else {}
    return {
        "flops_per_image": fewer.total + further * flops,
        "flops_per_step": flops,
        "traffic_bytes": fewer.traffic_bytes + further * traffic,
        "traffic_bytes_per_step": traffic,
        **missed,
    }
