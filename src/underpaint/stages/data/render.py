"""Rendering: SVG straight to the final size, in child processes with limits, through a cache that survives a crash."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import select
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from underpaint.adapters.resvg import version
from underpaint.core.artifact import storage_errors
from underpaint.core.errors import UnreadableImage
from underpaint.core.progress import Progress, Report, silent
from underpaint.stages.data.join import Drawing

MAX_SECONDS = 30.0


class Worker:
    """One child process that renders; restarted after a job that exceeds its limits."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process if none runs."""
        if self.process is None or self.process.poll() is not None:
            self.close()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "underpaint.stages.data.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        return self.process

    def render(self, svg: str, size: int, out: Path) -> str | None:
        """Render one SVG to a file.

        Returns:
            What went wrong, or None.

        Raises:
            OSError: The file cannot be written.
        """
        process = self.start()
        assert process.stdin and process.stdout
        job = {"svg": svg, "size": size, "out": str(out)}
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], MAX_SECONDS)
        line = process.stdout.readline() if ready else b""
        if not line:
            self.close()
            return f"rendering was stopped after {MAX_SECONDS:g} s" if not ready else "rendering used too much memory"
        answer = json.loads(line)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["error"])
        return answer.get("error")

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe:
                    pipe.close()
            self.process = None


def cache_path(drawing: Drawing, size: int, cache: Path) -> Path:
    """Return where the render of a drawing lies: the name covers the SVG's bytes, the size and the renderer."""
    key = hashlib.sha256(drawing.svg.encode()).hexdigest()
    return cache / "renders" / version() / str(size) / key[:2] / f"{key}.png"


def render_all(
    drawings: Sequence[Drawing], *, size: int, cache: Path, jobs: int = 2, report: Report = silent
) -> tuple[list[Path | None], list[str]]:
    """Render drawings that the cache lacks.

    Args:
        drawings: What to render.
        size: Side in pixels.
        cache: The cache folder.
        jobs: Number of child processes.
        report: Receives progress.

    Returns:
        The path of each PNG, None where rendering failed; and the problems in words.

    Raises:
        StorageError: The cache cannot be written.
    """
    paths = [cache_path(drawing, size, cache) for drawing in drawings]
    with storage_errors(cache):
        for folder in {path.parent for path in paths}:
            folder.mkdir(parents=True, exist_ok=True)
    missing: queue.SimpleQueue[int] = queue.SimpleQueue()
    total = 0
    seen: set[Path] = set()
    for index, path in enumerate(paths):
        if path not in seen and not path.is_file():
            missing.put(index)
            total += 1
        seen.add(path)
    failed: dict[Path, str] = {}
    crash: list[BaseException] = []
    finished = queue.SimpleQueue[int]()

    def work() -> None:
        worker = Worker()
        try:
            while not crash:
                index = missing.get_nowait()
                problem = worker.render(drawings[index].svg, size, paths[index])
                if problem:
                    failed[paths[index]] = problem
                finished.put(index)
        except queue.Empty:
            pass
        except BaseException as error:
            crash.append(error)
        finally:
            worker.close()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(max(1, jobs) if total else 0)]
    for thread in threads:
        thread.start()
    done = 0
    try:
        while done < total and any(thread.is_alive() for thread in threads):
            try:
                finished.get(timeout=0.2)
                done += 1
            except queue.Empty:
                continue
            if done % 50 == 0:
                report(Progress(task=f"render at {size} px", done=done, total=total, unit="pictures"))
    except BaseException as error:
        crash.append(error)
        raise
    finally:
        for thread in threads:
            thread.join()
    if crash:
        with storage_errors(cache):
            raise crash[0]
    report(Progress(task=f"render at {size} px", done=total, total=total, unit="pictures"))
    problems = [
        f"{drawing.source} {drawing.icon}: {failed[path]}"
        for drawing, path in zip(drawings, paths, strict=True)
        if path in failed
    ]
    return [None if path in failed else path for path in paths], problems


def require_some(paths: Sequence[Path | None]) -> None:
    """Refuse a set of which nothing could be rendered.

    Raises:
        UnreadableImage: Every render failed.
    """
    if not any(paths):
        raise UnreadableImage("not one drawing could be rendered; reinstall the renderer: pip install resvg_py")
