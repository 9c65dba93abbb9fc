"""An edit in one call: read, plan, draw. Nothing of torch is imported before it is known to be there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from PIL import Image

from underpaint.core.errors import InputError, MissingDependency
from underpaint.core.installing import pip_command
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.editing.editor import Editor
from underpaint.pipelines.editing.graph_editor import load_graph_editor
from underpaint.pipelines.editing.mask import Mask, read_mask
from underpaint.pipelines.editing.planning import check_editable, plan_edits
from underpaint.pipelines.editing.reading import Original, Source, read_original
from underpaint.pipelines.editing.request import EditRequest
from underpaint.pipelines.engine_choice import EXTRAS, Asked, choose, exported_form, is_installed, own_graph
from underpaint.pipelines.exported import ExportedPipeline
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.pipelines.settings import Settings

if TYPE_CHECKING:
    from underpaint.pipelines.drawer import Drawer
    from underpaint.pipelines.model_folder import Model


def edit(
    model: Model,
    drawer: Drawer,
    picture: Source,
    request: EditRequest | str | None,
    mask: Source | Mask | None,
    report: Report,
) -> list[Image.Image]:
    """Draw a picture anew; see ``Generator.edit``.

    Raises:
        InputError: Picture, mask or request cannot be used, or the model cannot edit.
        UnreadableImage: Picture or mask is damaged.
        InputTooLarge: Picture or mask has too many bytes or pixels.
    """
    asked = EditRequest(prompt=request) if isinstance(request, str) else request or EditRequest()
    check_editable(model)
    original = read_original(picture, model.index.image_size)
    where = mask if mask is None or isinstance(mask, Mask) else read_mask(mask, original)
    planned = plan_edits(model, original, asked, where)
    images: list[Image.Image] = []
    for image in editor_of(model, drawer, original, where).draw(planned):
        images.append(image)
        report(Progress(task="draw", done=len(images), total=len(planned), unit="pictures"))
    return images


def edit_form(model: Model, engine: str | None = None) -> ExportedModel | None:
    """Return the exported form of a model that has a graph that edits, or None.

    Args:
        model: The model, or an exported one.
        engine: The engine that runs it; None for any.
    """
    exported = exported_form(model, engine)
    return exported if exported is not None and exported.edge.edit is not None else None


def edits_as_graph(model: Model, engine: str | None = None) -> bool:
    """Tell whether a model has a graph that edits; see ``edit_form``."""
    return edit_form(model, engine) is not None


def check_engine(model: Model) -> None:
    """Refuse a model that nothing here can edit with, before it is loaded.

    Raises:
        InputError: It is exported without a graph that edits.
        MissingDependency: It has none, and torch is not installed.
    """
    if edits_as_graph(model):
        return
    if (graph := own_graph(model)) is not None:
        before = "" if graph is not model else f", {graph.edge.model}"
        raise InputError(
            f"{model.folder} was exported without a graph that edits; export the model again with --edit, or name "
            f"the model that it was made from{before}, with -m"
        )
    if not is_installed("torch"):
        command = pip_command(EXTRAS["torch"])
        raise MissingDependency(
            f"editing with {model.name} needs torch; install it with: {command}, or name an export that was made "
            "with --edit, with -m"
        )


def choose_editing(model: Model, *, settings: Sequence[Settings] = (), device: str | None = None) -> Asked:
    """Return the engine to load a model with for edits: that of its graph where it edits what is asked for, else torch.

    Args:
        model: What shall edit.
        settings: Of the edits.
        device: The device that was asked for.

    Raises:
        InputError: Neither can edit this with the model.
        MissingDependency: torch would be needed, and is not installed.
    """
    check_engine(model)
    if not edits_as_graph(model):
        return "torch"
    return cast("Asked", choose(model, settings=settings, device=device).name)


def editor_of(model: Model, drawer: Drawer, original: Original, mask: Mask | None = None) -> Editor:
    """Return what draws edits of one picture.

    Args:
        model: What a hybrid model says about itself.
        drawer: The same, loaded.
        original: The picture.
        mask: Where it may change; None for everywhere.

    Raises:
        InputError: A graph draws that was exported without one that edits.
    """
    if isinstance(drawer, ExportedPipeline):
        exported = edit_form(model, drawer.engine)
        if exported is not None and exported.edge.edit is not None:
            return load_graph_editor(exported, drawer, exported.edge.edit, original, mask)
    if drawer.engine != "torch":
        installed = "" if is_installed("torch") else f"; install torch first: {pip_command(EXTRAS['torch'])}"
        raise InputError(
            f"{model.name} is drawn by a graph here, which takes no picture to edit; load it with "
            f"engine='torch'{installed}, or export it with --edit"
        )
    from underpaint.pipelines.editing.network_editor import NetworkEditor
    from underpaint.pipelines.hybrid import HybridPipeline

    check_editable(model)
    assert isinstance(drawer, HybridPipeline)
    return NetworkEditor(model, drawer, original, mask)
