"""Opening whatever can be named as a model: one of underpaint's own, saved or exported, or a pipeline of diffusers.

Nothing of diffusers is imported, and no network is touched, unless the name is that of a foreign model.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from underpaint.adapters.diffusers.locating import is_hub_id
from underpaint.adapters.diffusers.options import MARK
from underpaint.core.artifact import MANIFEST
from underpaint.core.config import parse_json
from underpaint.core.errors import InputError
from underpaint.pipelines import model_folder
from underpaint.pipelines.adapted_model import AdaptedModel, is_adapter, open_adapted
from underpaint.pipelines.exported_folder import is_exported, open_exported, shipped_exports
from underpaint.pipelines.model_folder import INDEX, PIPELINES, TRAINED, Model, shipped_models
from underpaint.pipelines.optimized_folder import OptimizedModel, is_optimized, open_optimized

if TYPE_CHECKING:
    import torch

    from underpaint.pipelines.text_to_picture import PicturePipeline


def is_foreign(name: str | Path | None) -> bool:
    """Tell whether a name is that of a diffusers model: a folder with such an index, or a repository of the hub.

    Args:
        name: As the user wrote it, without options.
    """
    if name is None or (str(name) in shipped_models() and not Path(name).is_dir()):
        return False
    folder = Path(name)
    if not folder.is_dir():
        return is_hub_id(str(name))
    if (folder / MANIFEST).is_file() or (folder / TRAINED / MANIFEST).is_file():
        return False
    return (folder / INDEX).is_file() and not _is_native_index(folder / INDEX)


def _is_native_index(path: Path) -> bool:
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    name = values.get("_class_name") if isinstance(values, dict) else None
    return isinstance(name, str) and name in PIPELINES


def open_model(model: str | Path | None = None) -> Model:
    """Read what a model says about itself; its weights are read later.

    Args:
        model: A path, the name of a shipped model or graph, the folder of a learned style
            (``pipelines.adapted_model``) or of an optimized model (``pipelines.optimized_folder``), the address of a
            diffusers model, or None for the default model.

    Raises:
        InputError: There is no such model, an option does not fit it, or a style was learned on another model.
        ArtifactError: It is incomplete, damaged, unsafe, or differs from its manifest; the message names the file.
        MissingDependency: It is foreign and diffusers is not installed.
    """
    if model is None or Path(model).is_dir():
        name, options = model, ""
    else:
        name, _, options = str(model).partition(MARK)
    if is_foreign(name):
        from underpaint.pipelines.diffusers_model import open_diffusers

        return open_diffusers(str(model))
    if name is not None and is_adapter(Path(name)):
        return open_adapted(Path(name), options)
    if name is not None and not options and is_optimized(Path(name)):
        return open_optimized(Path(name))
    if options and name is not None and is_exported(Path(name)) and (loop := open_exported(Path(name)).edge.loop):
        raise InputError(
            f"{name} was exported for pictures of {loop.width}x{loop.height} with its scheduler, and takes no options "
            f"such as {options!r:.80}; leave them out, or export the model again with them"
        )
    if options:
        model_folder.find_folder(name, shipped_exports())
        raise InputError(
            f"{name} is no model of diffusers, so it takes no options such as {options!r:.80}; leave them out"
        )
    if name is not None and is_exported(Path(name)):
        return open_exported(Path(name))
    if (graph := shipped_exports().get(str(name))) is not None and not Path(str(name)).is_dir():
        return open_exported(graph)
    return model_folder.open_model(model, shipped_exports())


def load_networks(model: Model, device: torch.device) -> PicturePipeline:
    """Load an opened model, ready to draw.

    Args:
        model: What ``open_model`` returned.
        device: Where the networks shall lie.

    Raises:
        ArtifactError: Weights are missing, cut off, changed, or do not fit; the message names the file.
        InputError: An option does not fit the model.
    """
    from underpaint.pipelines.diffusers_model import DiffusersModel

    if isinstance(model, DiffusersModel):
        from underpaint.pipelines.diffusers_pipeline import load_diffusers

        return load_diffusers(model, device)
    if isinstance(model, OptimizedModel):
        from underpaint.pipelines.optimized import load_optimized

        return load_optimized(model, device)
    if isinstance(model, AdaptedModel):
        from underpaint.pipelines.adapter import load_adapted

        return load_adapted(model, device)
    from underpaint.pipelines.saved import load_pipeline

    return load_pipeline(model, device)
