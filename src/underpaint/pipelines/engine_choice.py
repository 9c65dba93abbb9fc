"""Which engine draws: an exported graph where one fits and its engine is installed, torch otherwise, and why."""

from __future__ import annotations

import importlib.util
import shlex
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from underpaint.core.artifact import read_manifest
from underpaint.core.errors import InputError, MissingDependency
from underpaint.core.installing import pip_command
from underpaint.core.warning import PerformanceWarning
from underpaint.pipelines.exported import can_draw
from underpaint.pipelines.exported_folder import (
    EDGE,
    Edge,
    ExportedModel,
    Precision,
    has_bfloat16,
    open_exported,
    read_edge,
    shipped_exports,
)
from underpaint.pipelines.model_folder import Model, shipped_models
from underpaint.pipelines.optimized_folder import OptimizedModel
from underpaint.pipelines.settings import Settings
from underpaint.runtime.engine import EngineName
from underpaint.runtime.host_class import NO_BFLOAT16, multiplies_bfloat16
from underpaint.runtime.processor import read_processor

Asked = Literal["auto", "torch", EngineName]
ENGINES: tuple[Asked, ...] = get_args(Asked)
MODULES = {"torch": "torch", "onnx": "onnxruntime", "openvino": "openvino"}
"""Engine to the package that must be importable for it."""
EXTRAS = {"torch": "train", "onnx": "", "openvino": "openvino"}
"""Engine to the extra of underpaint that brings it; empty for the base."""


@dataclass(frozen=True)
class Choice:
    """An engine for a model.

    Args:
        name: ``torch``, ``onnx`` or ``openvino``.
        why: The reason, as half a sentence for people.
        model: What is loaded: the model, or its exported form.
    """

    name: str
    why: str
    model: Model


def is_installed(engine: str) -> bool:
    """Tell whether an engine's package can be imported; nothing is imported for it."""
    return importlib.util.find_spec(MODULES[engine]) is not None


def exported_form(model: Model, engine: str | None = None) -> ExportedModel | None:
    """Return the exported form of a model that came with underpaint, or the model itself if it is one.

    A graph in 8 bits draws pictures of its own, so it is taken by its name alone.

    Args:
        model: The model.
        engine: The engine that it must be for; None for any.
    """
    if (graph := own_graph(model)) is not None:
        return graph if engine in (None, graph.edge.engine) else None
    for folder in shipped_exports().values():
        edge = read_edge(folder / EDGE)
        if edge.pictures_of == model.digest and engine in (None, edge.engine):
            return open_exported(folder)
    return None


def own_graph(model: Model) -> ExportedModel | None:
    """Return the graph that a model is, exported or optimized; None where it is networks."""
    if isinstance(model, OptimizedModel):
        return model.drawing
    return model if isinstance(model, ExportedModel) else None


def bfloat16_elsewhere(model: Model, name: str | None = None) -> str | None:
    """Return in words how a model made for bfloat16 is computed where the processor does not multiply it, and why.

    Graphs are then computed in 32 bits, networks of torch are not.

    Args:
        model: The model.
        name: What it is called; None for its own name.

    Returns:
        None where it is made for 32 bits, or the processor multiplies bfloat16.
    """
    steps = model.recipe.steps if isinstance(model, OptimizedModel) else ()
    graph = own_graph(model)
    graphs = {str(step.params.get("precision")) for step in steps} | ({graph.edge.precision} if graph else set())
    slow = any(step.name == "quant.bf16" for step in steps)
    if not (slow or graphs & {one for one in get_args(Precision) if has_bfloat16(one)}) or multiplies_bfloat16(
        read_processor()
    ):
        return None
    how = "takes two to three times as long here as in 32 bits" if slow else "is drawn in 32 bits here"
    return f"{name or model.name} {how}: it is made for bfloat16, and {NO_BFLOAT16}"


def warn_of_bfloat16(model: Model, device: str | None, *, stacklevel: int, name: str | None = None) -> None:
    """Warn of what ``bfloat16_elsewhere`` says, if anything, where the processor draws.

    Args:
        model: What is loaded.
        device: ``cpu``, ``cuda``, ...; None for the CPU.
        stacklevel: Whose line the warning names; 1 is the caller's own.
        name: As in ``bfloat16_elsewhere``.

    Warns:
        PerformanceWarning: The model is made for bfloat16, and the processor does not multiply it.
    """
    if device in (None, "cpu") and (told := bfloat16_elsewhere(model, name)) is not None:
        warnings.warn(told, PerformanceWarning, stacklevel=stacklevel + 1)


def engine_again(model: Model, settings: Settings) -> Asked:
    """Return the engine that drew a picture if it can do so again here, so that the pixels are the same; else ``auto``.

    Args:
        model: What drew it.
        settings: The picture's; those of before there were engines were drawn by torch.
    """
    before: Asked = settings.engine if settings.engine in ENGINES else "torch"
    at_hand = own_graph(model) is None if before == "torch" else exported_form(model, before) is not None
    return before if at_hand and is_installed(before) else "auto"


def choose(
    model: Model, asked: Asked = "auto", *, settings: Sequence[Settings] = (), device: str | None = None
) -> Choice:
    """Choose the engine that draws.

    Args:
        model: What shall draw.
        asked: The engine that was asked for; ``auto`` for the fastest that can.
        settings: What shall be drawn; a graph cannot draw with other steps than it was unrolled for.
        device: The device that was asked for; graphs run on the CPU alone.

    Raises:
        InputError: The engine that was asked for cannot draw this.
        MissingDependency: No engine that could draw it is installed.
    """
    if asked == "torch":
        return _torch(model, "it was asked for")
    exported = exported_form(model, None if asked == "auto" else asked)
    obstacle = _obstacle(model, exported, asked, settings, device)
    if exported is not None and obstacle is None:
        why = "it was asked for" if asked != "auto" else "the exported graph draws the same pictures faster than torch"
        return Choice(exported.edge.engine, why, exported)
    if asked != "auto":
        raise InputError(f"--engine {asked} cannot be used: {obstacle}")
    return _torch(model, obstacle or "there is no exported graph")


def _obstacle(
    model: Model, exported: ExportedModel | None, asked: str, settings: Sequence[Settings], device: str | None
) -> str | None:
    """Return what keeps an exported graph from drawing, or None."""
    if exported is None:
        return _no_graph(model, asked)
    if device not in (None, "cpu"):
        return f"graphs run on the CPU, and the device {device} was asked for"
    misfit = next((one for one in settings if not can_draw(exported.edge, one.steps, one.guidance)), None)
    if misfit is not None:
        return _misfit(misfit, exported.edge)
    if not is_installed(exported.edge.engine):
        engine = exported.edge.engine
        return f"{MODULES[engine]} is not installed; install it with: {pip_command(EXTRAS[engine])}"
    return None


def _no_graph(model: Model, asked: str) -> str:
    """Return that there is no graph for an engine, and how to make one of what can be exported."""
    option = f" --engine {asked}" if asked != "auto" else ""
    if (graph := own_graph(model)) is not None:
        before, digest = _made_from(model, graph)
        at_hand = before in shipped_models() and read_manifest(shipped_models()[before]).digest == digest
        where = "" if at_hand else ", where MODEL is its folder"
        return (
            f"{model.folder} is a graph for {graph.edge.engine}; leave --engine out, or make one of the model that it "
            f"was made from, {before}, with 'underpaint export {before if at_hand else 'MODEL'}{option} --out DIR' and "
            f"name DIR with -m{where}"
        )
    named = model.name if model.folder in shipped_models().values() else shlex.quote(str(model.folder))
    other = f" for {asked}" if asked != "auto" else ""
    return (
        f"{named} has no exported graph{other}; make one with 'underpaint export {named}{option} --out DIR' and name "
        "DIR with -m"
    )


def _made_from(model: Model, graph: ExportedModel) -> tuple[str, str]:
    """Return name and digest of the model that a graph was made from.

    Args:
        model: Exported or optimized.
        graph: Its graph.
    """
    if isinstance(model, OptimizedModel):
        return model.settings.base, model.parent
    return graph.edge.model, graph.edge.model_sha256


def _misfit(settings: Settings, edge: Edge) -> str:
    if settings.steps is None or settings.steps == edge.steps:
        return f"the graph of {edge.model} knows no guidance; leave --guidance out"
    if edge.steps is None:
        return f"the graph of {edge.model} takes no steps, and {settings.steps} were asked for; leave --steps out"
    return (
        f"the graph of {edge.model} was unrolled for {edge.steps} steps, not for {settings.steps}; leave --steps out, "
        "or draw with --engine torch"
    )


def _torch(model: Model, why: str) -> Choice:
    if (graph := own_graph(model)) is not None:
        before, _ = _made_from(model, graph)
        raise InputError(
            f"{model.folder} is a graph, which torch does not run ({why}); name the model that it was made from, "
            f"{before}, with -m"
        )
    if not is_installed("torch"):
        raise MissingDependency(f"torch is needed here: {why}; install it with: {pip_command(EXTRAS['torch'])}")
    return Choice("torch", why, model)
