"""An edit in one call: read, plan, draw. Nothing of torch is imported before it is known to be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from underpaint.core.errors import InputError, MissingDependency
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.editing.editor import Editor
from underpaint.pipelines.editing.graph_editor import load_graph_editor
from underpaint.pipelines.editing.mask import Mask, read_mask
from underpaint.pipelines.editing.planning import check_editable, plan_edits
from underpaint.pipelines.editing.reading import Original, Source, read_original
from underpaint.pipelines.editing.request import EditRequest
from underpaint.pipelines.engine_choice import EXTRAS, is_installed
from underpaint.pipelines.exported import ExportedPipeline
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.runtime.installed import pip_command

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
    """Draw a picture anew; see ``Generator.edit``."""
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


def edits_as_graph(model: Model) -> bool:
    """Tell whether a model is exported, with a graph that edits."""
    return isinstance(model, ExportedModel) and model.edge.edit is not None


def check_engine(model: Model) -> None:
    """Refuse a model that nothing here can edit with, before it is loaded.

    Raises:
        InputError: It is exported without a graph that edits.
        MissingDependency: It is none, and torch is not installed.
    """
    if isinstance(model, ExportedModel):
        if not edits_as_graph(model):
            raise InputError(
                f"{model.folder} was exported without a graph that edits; export the model again with --edit, or name "
                f"the model that it was made from, {model.edge.model}, with -m"
            )
    elif not is_installed("torch"):
        command = pip_command(EXTRAS["torch"])
        raise MissingDependency(
            f"editing with {model.name} needs torch; install it with: {command}, or name an export that was made "
            "with --edit, with -m"
        )


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
    if isinstance(model, ExportedModel) and model.edge.edit is not None and isinstance(drawer, ExportedPipeline):
        return load_graph_editor(model, drawer, model.edge.edit, original, mask)
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
