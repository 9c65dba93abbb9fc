"""Why a path holds no finished artifact: it does not exist, its making is not done, or it holds plain pictures."""

from __future__ import annotations

import difflib
import shlex
from itertools import islice
from pathlib import Path

PICTURES = frozenset({".png", ".webp", ".jpg", ".jpeg", ".gif", ".svg"})
MANY = 2000
"""Entries of a folder that are looked at."""
BEGUN = ("state", "text-table", "tokenizer")
"""The folders that a training writes into its workspace first."""


def nearest_name(path: Path) -> str | None:
    """Return the path that exists and whose last part is most like a missing one's; None if none is like it."""
    try:
        beside = [entry.name for entry in islice(path.parent.iterdir(), MANY)]
    except OSError:
        return None
    close = difflib.get_close_matches(path.name, beside, n=1)
    return str(path.parent / close[0]) if close else None


def holds_pictures(folder: Path) -> bool:
    """Tell whether there are pictures in a folder, or in one right below it."""
    try:
        entries = [entry for pattern in ("*", "*/*") for entry in islice(folder.glob(pattern), MANY)]
    except OSError:
        return False
    return any(entry.suffix.lower() in PICTURES for entry in entries)


def is_workspace(folder: Path) -> bool:
    """Tell whether a folder is the workspace of a training, begun or finished."""
    return any((folder / name).is_dir() for name in BEGUN)


def why_absent(folder: Path, *, manifest: str, kind: str | None) -> str:
    """Return what is wrong with a path that holds no manifest, and what to do next.

    Args:
        folder: The path.
        manifest: Name of the file that is missing in it.
        kind: The kind of artifact that is wanted, if any.
    """
    if not folder.exists():
        close = nearest_name(folder)
        return f"{folder} does not exist; " + (f"did you mean {close}?" if close else "check the path")
    if is_workspace(folder):
        return (
            f"{folder} is no finished artifact but the workspace of a training; pass one of the folders in it that "
            f"hold a {manifest}, or run the same training again to finish it"
        )
    if kind in (None, "dataset") and folder.is_dir() and holds_pictures(folder):
        build = shlex.join(["underpaint", "data", "build", "folder", str(folder)])
        return (
            f"{folder} is no finished artifact but a folder with pictures; build a data set of it first: "
            f"{build} --license LICENSE --out DIR"
        )
    wanted = "an underpaint stage wrote" if kind != "dataset" else "'underpaint data build' wrote"
    return f"{folder} is no finished artifact: it has no {manifest}; pass a folder that {wanted}"
