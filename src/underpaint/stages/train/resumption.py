"""What an interrupted training goes on from: the newest of what lies in its workspace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from underpaint.core.artifact import MANIFEST

STATES = "state/*/state*.safetensors"
"""Running states in a workspace, as ``learning.loop`` names them."""
AGAIN = "run the same command again"


def resumption(workspace: Path) -> str:
    """Say what the same command goes on from.

    Args:
        workspace: The folder that the training writes into; need not exist.
    """
    state, finished = newest(workspace.glob(STATES)), newest(workspace.glob(f"*/{MANIFEST}"))
    if state > finished:
        return f"{AGAIN} to go on from the last saved step"
    if finished:
        return f"no step of the present part was saved yet, the finished parts are kept; {AGAIN} to go on after them"
    return f"nothing was saved yet; {AGAIN} to start anew"


def newest(files: Iterable[Path]) -> int:
    """Return when the newest of some files was written, in nanoseconds; 0 if there are none."""
    return max((path.stat().st_mtime_ns for path in files), default=0)
