"""A handle on one rendering process: jobs with a time limit; a process that exceeds its limits is replaced.

The limit counts the process's own computing time, so that a busy machine leaves out nothing that an idle one keeps.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_SECONDS = 30.0
WALL_FACTOR = 40
POLL_S = 0.5


def computing_seconds(pid: int) -> float:
    """Return the computing time of a process so far; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class WorkerProcess:
    """One child process that renders.

    Args:
        max_seconds: Limit of computing time for a job; waiting may take 40 times as long.
    """

    module = "underpaint.stages.data.worker"
    """What the process runs: a module that answers every job with one line."""

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
        return self.ask({"svg": svg, "size": size, "out": str(out)}).get("error")

    def ask(self, job: Mapping[str, object], content: bytes = b"") -> dict[str, Any]:
        """Hand over a job and wait for the answer.

        Args:
            job: One JSON object.
            content: Bytes that follow it.

        Returns:
            The answer; ``error`` in it says why there is none.

        Raises:
            OSError: The process could not write a file.
        """
        process = self._started()
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps(job).encode() + b"\n" + content)
            process.stdin.flush()
            ready = self._answered(process.pid, process.stdout.fileno())
            line = process.stdout.readline() if ready else b""
        except BrokenPipeError:
            ready, line = True, b""
        if not line:
            self.close()
            return {"error": "it crashed or used too much memory" if ready else f"it took over {self.max_seconds:g} s"}
        answer = json.loads(line)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["error"], str(job.get("out")))
        return answer

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

    def _answered(self, pid: int, answers: int) -> bool:
        """Wait for an answer or the end of the process; False if the limit was reached."""
        computed, began = computing_seconds(pid), time.monotonic()
        while True:
            if select.select([answers], [], [], POLL_S)[0]:
                return True
            if computing_seconds(pid) - computed > self.max_seconds:
                return False
            if time.monotonic() - began > WALL_FACTOR * self.max_seconds:
                return False

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        return self.process
