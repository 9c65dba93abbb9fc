"""Which engine draws: an exported graph where one fits and its engine is installed, torch otherwise, and why."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from underpaint.core.errors import InputError, MissingDependency
from underpaint.pipelines.exported import can_draw
from underpaint.pipelines.exported_folder import Edge, ExportedModel, open_exported, shipped_exports
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.optimized_folder import OptimizedModel
from underpaint.pipelines.settings import Settings
from underpaint.runtime.engine import EngineName
from underpaint.runtime.installed import pip_command

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
        exported = open_exported(folder)
        if exported.digest == model.digest and engine in (None, exported.edge.engine):
            return exported
    return None


def own_graph(model: Model) -> ExportedModel | None:
    """Return the graph that a model is, exported or optimized; None where it is networks."""
    if isinstance(model, OptimizedModel):
        return model.drawing
    return model if isinstance(model, ExportedModel) else None


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
        other, option = (f" for {asked}", f" --engine {asked}") if asked != "auto" else ("", "")
        return (
            f"{model.name} has no exported graph{other}; make one with 'underpaint export {model.name}{option} "
            "--out DIR' and name DIR with -m"
        )
    if device not in (None, "cpu"):
        return f"graphs run on the CPU, and the device {device} was asked for"
    misfit = next((one for one in settings if not can_draw(exported.edge, one.steps, one.guidance)), None)
    if misfit is not None:
        return _misfit(misfit, exported.edge)
    if not is_installed(exported.edge.engine):
        engine = exported.edge.engine
        return f"{MODULES[engine]} is not installed; install it with: {pip_command(EXTRAS[engine])}"
    return None


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
        before = model.settings.base if isinstance(model, OptimizedModel) else graph.edge.model
        raise InputError(
            f"{model.folder} is a graph, which torch does not run ({why}); name the model that it was made from, "
            f"{before}, with -m"
        )
    if not is_installed("torch"):
        raise MissingDependency(f"torch is needed here: {why}; install it with: {pip_command(EXTRAS['torch'])}")
    return Choice("torch", why, model)
