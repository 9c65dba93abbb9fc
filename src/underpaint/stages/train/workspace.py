"""Where a training may write: a workspace lies apart from finished artifacts, and from the data it learns from.

An artifact's files are hashed in its manifest, so a training that wrote among them would break it.
"""

from __future__ import annotations

from pathlib import Path

from underpaint.core.artifact import MANIFEST, read_manifest
from underpaint.core.errors import ArtifactError, InputError

RIVALS = ("flow", "few-step", "gan")
PARTS = frozenset(
    {"state", "text-table", "tokenizer", "drawn", "finer-tokenizer", "latents", "generator", "pipeline", "evaluator"}
    | {"own", "kept", "decoder", "tuned", "adapter", *RIVALS, *(f"{name}-pipeline" for name in RIVALS)}
)
"""The folders that trainings write in their workspaces."""


def require_apart(out: Path, *read: Path) -> None:
    """Check that a training writes into no finished artifact and reads nothing from where it writes.

    Args:
        out: The workspace.
        read: The data sets that are read.

    Raises:
        InputError: The workspace is a finished artifact or lies inside one, or a data set lies in one of its parts.
    """
    place = out.resolve()
    sets = [folder.resolve() for folder in read]
    for folder in (place, *place.parents):
        if _sealed(folder, certain=folder == place or folder in sets):
            where = "is" if folder == place else f"lies inside {folder},"
            raise InputError(
                f"--out {out} {where} a finished artifact, and nothing may be written into one; choose another --out, "
                "such as a new folder beside it"
            )
    for given, folder in zip(read, sets, strict=True):
        if place in folder.parents and folder.relative_to(place).parts[0] in PARTS:
            raise InputError(
                f"{given} lies where the training would write, in {place / folder.relative_to(place).parts[0]}; "
                "choose another --out, outside of which the data set lies"
            )


def _sealed(folder: Path, *, certain: bool) -> bool:
    """Tell whether a folder is an artifact; a foreign ``manifest.json`` counts only where it is certain to be ours."""
    if certain or not (folder / MANIFEST).is_file():
        return (folder / MANIFEST).is_file()
    try:
        read_manifest(folder)
    except ArtifactError:
        return False
    return True
