"""Rendering: SVG straight to the final size, in child processes, through a cache that survives an interruption.

The cache's file names cover the bytes of the SVG, the size and the renderer's version, so a render is never stale.
"""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from underpaint.adapters.resvg import version
from underpaint.core.artifact import storage_errors
from underpaint.core.errors import UnreadableImage
from underpaint.core.progress import Progress, Report, silent
from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.picture import read_picture
from underpaint.stages.data.svg import RULES
from underpaint.stages.data.worker_process import MAX_SECONDS, WorkerProcess

REPORT_EVERY = 50


@dataclass(frozen=True, kw_only=True)
class Renders:
    """What came of rendering.

    Args:
        paths: One PNG a drawing, in the same order; those in ``failed`` do not exist.
        failed: Path to the reason why there is no picture.
    """

    paths: list[Path]
    failed: dict[Path, str]


@dataclass
class Work:
    """What the threads share: jobs to do, what was done, what failed, and what stopped everything."""

    jobs: queue.SimpleQueue[tuple[str, Path]] = field(default_factory=queue.SimpleQueue)
    done: queue.SimpleQueue[Path] = field(default_factory=queue.SimpleQueue)
    failed: dict[Path, str] = field(default_factory=dict)
    fatal: list[BaseException] = field(default_factory=list)


def render_path(svg: str, size: int, cache: Path) -> Path:
    """Return where the render of a document lies."""
    key = hashlib.sha256(svg.encode()).hexdigest()
    return cache / "renders" / f"{version()}-rules-{RULES}" / str(size) / key[:2] / f"{key}.png"


def render_all(
    drawings: Sequence[Drawing],
    *,
    size: int,
    cache: Path,
    jobs: int = 2,
    max_seconds: float = MAX_SECONDS,
    report: Report = silent,
) -> Renders:
    """Render the drawings that the cache lacks.

    Args:
        drawings: What to render.
        size: Side in pixels.
        cache: The cache folder.
        jobs: Number of child processes.
        max_seconds: Limit of computing time for one drawing.
        report: Receives progress.

    Raises:
        StorageError: The cache cannot be written.
    """
    paths = [render_path(drawing.svg, size, cache) for drawing in drawings]
    missing = {path: drawing.svg for path, drawing in zip(paths, drawings, strict=True) if not path.is_file()}
    work = Work()
    with storage_errors(cache):
        for folder in {path.parent for path in missing}:
            folder.mkdir(parents=True, exist_ok=True)
        for path, svg in missing.items():
            work.jobs.put((svg, path))
        run_threads(work, size, min(jobs, len(missing)), max_seconds, len(missing), report)
    return Renders(paths=paths, failed=work.failed)


def run_threads(work: Work, size: int, threads: int, max_seconds: float, total: int, report: Report) -> None:
    """Work off all jobs, one child process a thread; report from the calling thread."""
    task = f"render at {size} px"
    pool = [threading.Thread(target=work_off, args=(work, size, max_seconds), daemon=True) for _ in range(threads)]
    for thread in pool:
        thread.start()
    done = 0
    try:
        while done < total and any(thread.is_alive() for thread in pool):
            with contextlib.suppress(queue.Empty):
                work.done.get(timeout=0.1)
                done += 1
                if done % REPORT_EVERY == 0:
                    report(Progress(task=task, done=done, total=total, unit="pictures"))
    except BaseException as error:
        work.fatal.append(error)
        raise
    finally:
        for thread in pool:
            thread.join()
    if work.fatal:
        raise work.fatal[0]
    report(Progress(task=task, done=total, total=total, unit="pictures"))


def work_off(work: Work, size: int, max_seconds: float) -> None:
    """Take jobs until there are none, or something stopped everything."""
    worker = WorkerProcess(max_seconds)
    try:
        while not work.fatal:
            svg, path = work.jobs.get_nowait()
            problem = worker.render(svg, size, path)
            if problem:
                work.failed[path] = problem
            work.done.put(path)
    except queue.Empty:
        pass
    except BaseException as error:
        work.fatal.append(error)
    finally:
        worker.close()


def read_render(path: Path, size: int) -> np.ndarray:
    """Decode a cached render; a damaged one is deleted, so that the next run makes it anew.

    Raises:
        UnreadableImage: It is damaged.
    """
    try:
        return read_picture(path, size=size)
    except UnreadableImage as error:
        path.unlink(missing_ok=True)
        raise UnreadableImage(f"{error}; it was deleted from the cache, run the command again") from None
