"""The other side of ``worker.py``: a model in a process of its own, which can be ended whatever it does."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import EngineLost
from underpaint.pipelines.settings import DrawRequest

WORKER = "underpaint.stages.optimize.search.worker"
LOAD_LIMIT_S = 600.0
TOLD = 2000
"""Characters of what a process wrote before it ended that are told."""
Pixels = NDArray[np.uint8]


class CandidateFailed(Exception):
    """A candidate cannot be loaded or drawn with, which ends its trial and nothing else.

    Args:
        message: What its process said.
        killed: The process was ended, or took too long.
    """

    def __init__(self, message: str, *, killed: bool = False) -> None:
        super().__init__(message)
        self.killed = killed


class Drawing:
    """A model in a process of its own.

    Args:
        model: Its address.
        device: ``cpu`` or ``cuda``.
        threads: CPU threads.
        limit_s: Longest time that loading may take.

    Raises:
        CandidateFailed: It cannot be loaded.
    """

    def __init__(
        self, model: str | Path, *, device: str = "cpu", threads: int = 1, limit_s: float = LOAD_LIMIT_S
    ) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-m", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
        )
        began = time.monotonic()
        try:
            self._ask({"model": str(model), "device": device, "threads": threads}, limit_s)
        except BaseException:
            self.close()
            raise
        self.loading_s = time.monotonic() - began
        """Time until it could draw, in seconds."""

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()

    def draw(self, requests: Sequence[DrawRequest], limit_s: float) -> Pixels:
        """Draw pictures ``[N, H, W, 4]``, straight alpha.

        Args:
            requests: What to draw, one by one.
            limit_s: Longest time.

        Raises:
            CandidateFailed: It cannot, or takes longer.
        """
        with tempfile.TemporaryDirectory(prefix="underpaint-") as folder:
            place = Path(folder) / "pixels.npy"
            order = {"do": "draw", "requests": [asdict(request) for request in requests], "to": str(place)}
            self._ask(order, limit_s)
            return np.load(place)

    def time(self, request: DrawRequest, limit_s: float) -> tuple[float, float]:
        """Draw one picture; return wall and processor time in milliseconds.

        Raises:
            CandidateFailed: It cannot, or takes longer.
        """
        answer = self._ask({"do": "time", "request": asdict(request)}, limit_s)
        return answer["wall_ms"], answer["cpu_ms"]

    def peak_mb(self) -> float:
        """Return the most memory that the process held, in MB."""
        return self._ask({"do": "memory"}, LOAD_LIMIT_S)["peak"] / 1e6

    def _ask(self, order: dict[str, Any], limit_s: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
        except BrokenPipeError:
            raise self._ended() from None
        answer = json.loads(self._line(limit_s))
        if "error" in answer:
            raise CandidateFailed(answer["error"])
        return answer

    def _line(self, limit_s: float) -> bytes:
        stream = self._process.stdout
        assert stream is not None
        ready, _, _ = select.select([stream], [], [], limit_s)
        if not ready:
            self._process.kill()  # or its late answer would be taken for that to the next order
            raise CandidateFailed(f"it took longer than {limit_s:.0f} s", killed=True)
        line = stream.readline()
        if not line:
            raise self._ended()
        return line

    def _ended(self) -> CandidateFailed:
        """Say with which signal or code the process ended, and its last words."""
        code = self._process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode("utf-8", "replace").strip()[-TOLD:]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        said = f": {words.splitlines()[-1]}" if words else ""
        return CandidateFailed(f"its process ended with {how}{said}", killed=code < 0)


class KeptDrawing(Drawing):
    """A model that a search cannot do without, in a process of its own: the one before, or the one accepted.

    Args:
        model: Its address.
        device: ``cpu`` or ``cuda``.
        threads: CPU threads.
        limit_s: Longest time that loading may take.

    Raises:
        EngineLost: It cannot be loaded or drawn with, or takes too long.
    """

    def __init__(
        self, model: str | Path, *, device: str = "cpu", threads: int = 1, limit_s: float = LOAD_LIMIT_S
    ) -> None:
        self._model = model
        super().__init__(model, device=device, threads=threads, limit_s=limit_s)

    def _ask(self, order: dict[str, Any], limit_s: float) -> dict[str, Any]:
        try:
            return super()._ask(order, limit_s)
        except CandidateFailed as error:
            raise EngineLost(
                f"{self._model} cannot be drawn with: {error}; see that there is memory for two "
                "processes and that nothing ends them, then give the same command again, which goes on from its log"
            ) from None
