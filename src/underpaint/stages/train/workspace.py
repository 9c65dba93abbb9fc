"""Where a training may write: a workspace lies apart from artifacts, from its data and from what others keep.

An artifact's files are hashed in its manifest, so a training that wrote among them would break it. A folder is taken
for a workspace by the parts in it, the first of which a training makes before it computes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from underpaint.core.absent import MANY, holds_pictures
from underpaint.core.artifact import MANIFEST, read_manifest
from underpaint.core.errors import ArtifactError, InputError

RIVALS = ("flow", "few-step", "gan")
PARTS = frozenset(
    {"state", "text-table", "tokenizer", "drawn", "finer-tokenizer", "latents", "generator", "pipeline", "evaluator"}
    | {"own", "kept", "decoder", "tuned", "adapter", "upscaler", *RIVALS, *(f"{name}-pipeline" for name in RIVALS)}
)
"""The folders that trainings write in their workspaces."""
NAMED = 3
"""Entries of a foreign folder that a message names."""


def require_apart(out: Path, *read: Path) -> None:
    """Check that a training writes into no artifact, reads nothing from where it writes, and adds to no foreign folder.

    Args:
        out: The workspace.
        read: The data sets that are read.

    Raises:
        InputError: The workspace is a finished artifact or lies inside one, a data set lies in one of its parts, or it
            is a folder that holds something else than a training's parts and the data sets.
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
    _require_own(out, sets)


def _require_own(out: Path, sets: Sequence[Path]) -> None:
    """Check that a workspace is new, empty, begun by a training, or holds nothing but data sets and hidden files.

    Raises:
        InputError: Something else lies there.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is a file, and a training needs a folder; choose another --out")
    if not out.exists() or any((out / part).is_dir() for part in PARTS):
        return
    place = out.resolve()
    around = {folder.relative_to(place).parts[0] for folder in sets if place in folder.parents}
    entries = sorted(entry.name for entry in islice(out.iterdir(), MANY))
    foreign = [name for name in entries if name not in around and not name.startswith(".")]
    if not foreign:
        return
    named = ", ".join(foreign[:NAMED]) + (", ..." if len(foreign) > NAMED else "")
    what = "your pictures" if holds_pictures(out) else "other files"
    raise InputError(
        f"--out {out} holds {what} ({named}) and no training that could go on, and a training would write its own "
        f"folders among them; choose a new folder, such as --out {out.with_name(out.name + '-model')}"
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
