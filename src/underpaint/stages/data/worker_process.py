"""A handle on one rendering process: jobs with a time limit; a process that exceeds its limits is replaced."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

MAX_SECONDS = 30.0


class WorkerProcess:
    """One child process that renders.

    Args:
        max_seconds: Time limit of a job.
    """

    def __init__(self, max_seconds: float = MAX_SECONDS) -> None:
        self.max_seconds = max_seconds
        self.process: subprocess.Popen[bytes] | None = None

    def render(self, svg: str, size: int, out: Path) -> str | None:
        """Render one SVG to a file.

        Args:
            svg: A complete document.
            size: Side in pixels.
            out: Path of the PNG; its folder exists.

        Returns:
            Why it could not be rendered, or None.

        Raises:
            OSError: The file cannot be written.
        """
        process = self._started()
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps({"svg": svg, "size": size, "out": str(out)}).encode() + b"\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], self.max_seconds)
            line = process.stdout.readline() if ready else b""
        except BrokenPipeError:
            ready, line = [process.stdout], b""
        if not line:
            self.close()
            return "the renderer crashed or used too much memory" if ready else f"it took over {self.max_seconds:g} s"
        answer = json.loads(line)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["error"], str(out))
        return answer.get("error")

    def close(self) -> None:
        """End the process."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        self.process = None

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "underpaint.stages.data.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        return self.process
