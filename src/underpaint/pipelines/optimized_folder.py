"""An optimized model as a folder of its own, whole: networks in their new form, and the recipe; without torch.

    recipe.json            the steps, in canonical JSON
    model_index.json       as the model before has it, in our layout or that of diffusers
    <component>/           config.json and model.safetensors, with weights in the form that the recipe gave them
    graphs/<component>/    what stands for a network that became a graph (``graph_files``)
    drawing.json, graphs/  where everything between words and pixels became one: what ``edge.json`` says of an export
    manifest.json          kind "optimized"; its parent "pipeline" is the digest of the model before

It draws without the model before, which its manifest names: opening that one takes the optimization back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from underpaint import __version__
from underpaint.core.artifact import MANIFEST, Manifest, read_manifest, verify
from underpaint.core.config import Config, is_none, parse_json
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.optimization import OptimizationRecipe
from underpaint.pipelines import model_folder
from underpaint.pipelines.exported_folder import ExportedModel, components_in, index_of, read_edge
from underpaint.pipelines.model_folder import INDEX, Index, Model

KIND = "optimized"
RECIPE = "recipe.json"
DRAWING = "drawing.json"
PARENT = "pipeline"
"""Role of the model before among the parents."""


class Foreign(Config):
    """What is to be known of a pipeline of diffusers besides its files.

    Args:
        class_name: Its class.
        width: Of its pictures in pixels.
        height: Of its pictures in pixels.
        dtype: Numbers that it computes with.
        guidance: Default of its ``guidance_scale``; None if it takes none.
        steps: Default number of steps.
        negative: What shall not be drawn.
    """

    class_name: str
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    dtype: str
    guidance: float | None
    steps: int
    negative: str | None = None


class OptimizedSettings(Config):
    """What an optimized model says about itself.

    Args:
        base: Name of the model before, for people; its digest is what counts.
        recipe: Digest of the recipe.
        foreign: For a pipeline of diffusers.
    """

    base: str
    recipe: str
    foreign: Foreign | None = Field(default=None, exclude_if=is_none)


@dataclass(frozen=True, kw_only=True)
class OptimizedModel(Model):
    """An optimized model that has not been loaded.

    Args:
        recipe: The steps that made it.
        settings: What else it says about itself.
        drawing: Where everything between words and pixels is one graph, that graph.
    """

    recipe: OptimizationRecipe
    settings: OptimizedSettings
    drawing: ExportedModel | None = None

    @property
    def steps(self) -> str | None:
        """The sampling setting that says how many steps it takes; None if it takes none."""
        if self.drawing is not None:
            return self.drawing.steps
        return super().steps if self.settings.foreign is None else "steps"

    @property
    def size(self) -> str:
        """Size of its pictures, as ``64x64``."""
        foreign = self.settings.foreign
        return super().size if foreign is None else f"{foreign.width}x{foreign.height}"

    @property
    def parent(self) -> str:
        """Digest of the model before."""
        return self.manifest.parents[PARENT]


def is_optimized(folder: Path) -> bool:
    """Tell whether a folder holds an optimized model."""
    if not (folder / MANIFEST).is_file():
        return False
    try:
        return read_manifest(folder).kind == KIND
    except ArtifactError:
        return False


def open_optimized(folder: Path) -> OptimizedModel:
    """Read what an optimized model says about itself and check its small files.

    Args:
        folder: The model's.

    Raises:
        ArtifactError: It is incomplete, damaged, or differs from its manifest; the message names the file.
    """
    manifest = verify(folder, kind=KIND, only=(RECIPE, INDEX))
    try:
        settings = OptimizedSettings.parse(manifest.config, source=str(folder / MANIFEST))
        recipe = OptimizationRecipe.from_json((folder / RECIPE).read_text(encoding="utf-8"), source=RECIPE)
    except InputError as error:
        raise ArtifactError(f"{folder}: {error}; optimize the model again") from None
    if recipe.digest() != settings.recipe:
        raise ArtifactError(f"{folder / RECIPE} is not the recipe that made the model; optimize it again")
    if DRAWING in manifest.files:
        verify(folder, kind=KIND, only=(DRAWING,))
        drawing = drawing_in(folder, manifest)
        found = {name: getattr(drawing, name) for name in ("name", "folder", "manifest", "index", "components")}
        return OptimizedModel(**found, recipe=recipe, settings=settings, drawing=drawing)
    found = _fields(folder, manifest, settings.foreign)
    return OptimizedModel(**found, recipe=recipe, settings=settings)


def drawing_in(folder: Path, manifest: Manifest) -> ExportedModel:
    """Return the graph of everything between words and pixels that lies in a folder.

    Raises:
        ArtifactError: It is damaged.
    """
    edge = read_edge(folder / DRAWING)
    return ExportedModel(
        name=folder.resolve().name,
        folder=folder,
        manifest=manifest,
        index=index_of(edge, manifest, source=str(folder / DRAWING)),
        components=components_in(manifest),
        edge=edge,
    )


def _fields(folder: Path, manifest: Manifest, foreign: Foreign | None) -> dict[str, Any]:
    """Return what every model has."""
    if foreign is None:
        return vars(model_folder.open_model(folder, kind=KIND))
    values = parse_json((folder / INDEX).read_text(encoding="utf-8"))
    index = {
        "_class_name": foreign.class_name,
        "_underpaint_version": __version__,
        "image_size": foreign.width,
        "sampling": {"guidance": foreign.guidance, "steps": foreign.steps},
    }
    return {
        "name": folder.resolve().name,
        "folder": folder,
        "manifest": manifest,
        "index": Index.parse(index, source=str(folder / INDEX)),
        "components": tuple(sorted(name for name, value in values.items() if isinstance(value, list) and all(value))),
    }
