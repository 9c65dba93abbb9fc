"""Which saved model a training starts from: networks, never the graphs that were made of them; without torch.

An exported or optimized model has no weights that could be trained on, but its manifest says which model it was made
of. That one is looked for among the models that came with the package and in the folders beside it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from underpaint.core.artifact import MANIFEST, read_manifest
from underpaint.core.errors import ArtifactError, InputError
from underpaint.pipelines.exported_folder import EDGE, is_exported, read_edge, shipped_exports
from underpaint.pipelines.model_folder import KIND, TRAINED, Model, open_model, shipped_models
from underpaint.pipelines.optimized_folder import PARENT, is_optimized

LOOKED_AT = 200
"""Folders beside an exported model in which the model that it was made of is looked for."""


def open_starting(start: str | Path | None) -> Model:
    """Open the saved model that a training starts from.

    Args:
        start: Its folder, or the name of a shipped model; None for the default model.

    Raises:
        InputError: There is no such model, or it is an exported or optimized one; the message names what to start from.
        ArtifactError: It is incomplete or damaged.
    """
    if start is not None:
        folder = Path(start) if Path(start).is_dir() else shipped_exports().get(str(start))
        if folder is not None and (made := _made_of(folder)):
            raise InputError(f"{start} is {made}")
    return open_model(start)


def _made_of(folder: Path) -> str | None:
    """Return what a folder with an exported or optimized model is, and what to start from; None for any other."""
    if is_exported(folder) and (folder / MANIFEST).is_file():
        name, what, done = read_edge(folder / EDGE).model, "an exported model", "exported from"
    elif is_optimized(folder):
        name, what, done = read_manifest(folder).config.get("base", ""), "an optimized model", "made from"
    else:
        return None
    digest = read_manifest(folder).parents.get(PARENT)
    said = f"{what}, which cannot be trained on; start from the model that it was {done}"
    if digest is None:
        return said
    found = _find(digest, folder)
    return (
        f"{said}: --from {shlex.quote(found)}"
        if found
        else f"{said}: the folder of {name} with the digest {digest[:12]}"
    )


def _find(digest: str, near: Path) -> str | None:
    """Return the name of the shipped model, or the folder, that has a digest; None if it is not at hand."""
    for name, folder in shipped_models().items():
        if _has(folder, digest):
            return name
    return next((str(folder) for folder in islice(_beside(near), LOOKED_AT) if _has(folder, digest)), None)


def _beside(folder: Path) -> Iterator[Path]:
    """Yield the folders with a manifest beside a folder and around it, and those that trainings finished there."""
    around = folder.parent if folder.name else folder.resolve().parent
    for pattern in (MANIFEST, f"*/{MANIFEST}", f"*/{TRAINED}/{MANIFEST}"):
        yield from (path.parent for path in sorted(around.glob(pattern)))


def _has(folder: Path, digest: str) -> bool:
    """Tell whether a folder holds the model with a digest."""
    try:
        return read_manifest(folder, kind=KIND).digest == digest
    except ArtifactError:
        return False
