"""What an interrupted training goes on from: the newest of what lies in its workspace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from underpaint.core.artifact import MANIFEST
from underpaint.stages.train.parts import STATE_FILES, at_work, finished, has_state

AGAIN = "run the same command again"


def resumption(workspace: Path) -> str:
    """Say what the same command goes on from.

    Args:
        workspace: The folder that the training writes into; need not exist.
    """
    state = newest(path for files in STATE_FILES for path in workspace.glob(f"state/*/{files}"))
    done = newest(workspace.glob(f"*/{MANIFEST}"))
    if state > done:
        return f"{AGAIN} to go on from the last saved step"
    if done:
        return f"no step of the present part was saved yet, the finished parts are kept; {AGAIN} to go on after them"
    return f"nothing was saved yet; {AGAIN} to start anew"


def newest(files: Iterable[Path]) -> int:
    """Return when the newest of some files was written, in nanoseconds; 0 if there are none."""
    return max((path.stat().st_mtime_ns for path in files), default=0)


def outlook(workspace: Path, parts: Sequence[str]) -> str | None:
    """Say at the start of a training what it finds, and that it may be interrupted; None if nothing is left to do.

    Whether what lies there is of the same settings turns out when it is opened, so that is not promised.

    Args:
        workspace: The folder that the training writes into; need not exist.
        parts: What it makes there, as ``parts.parts_of`` says.
    """
    kept, next_one = finished(workspace, parts), at_work(workspace, parts)
    if next_one is None:
        return None
    safe = f"after Ctrl-C, {AGAIN} to go on from what is saved by then"
    saved = has_state(workspace, next_one)
    resumed = f"{next_one} goes on from what was saved last if that is of the same settings" if saved else ""
    if not kept:
        return f"{resumed} in {workspace}; {safe}" if resumed else safe
    what = "is" if len(kept) == 1 else "are"
    return f"{', '.join(kept)} {what} finished in {workspace} and kept, {resumed or f'{next_one} is next'}; {safe}"


def afterword(workspace: Path, parts: Sequence[str]) -> str:
    """Say after a training that found everything finished, and of its own settings, that nothing was made.

    Args:
        workspace: The folder that the training wrote nothing into.
        parts: As in ``outlook``.
    """
    return f"everything was finished in {workspace} already and is kept: {', '.join(parts)}"
