"""A stopwatch for the stages of one piece of work, which waits for the device before it reads the clock."""

from __future__ import annotations

import time

import torch


def synchronize(device: torch.device) -> None:
    """Wait until everything that was started on a device is finished; nothing to do on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


class Stopwatch:
    """Adds up the time of named stages: ``mark`` ends the present stage and begins the next, ``stop`` ends the last.

        watch = Stopwatch()
        pipeline.draw(requests, on_stage=watch.mark)
        watch.stop()
        watch.totals_ms  # {"text": 1.9, "transformer": 61.0, ...}

    Args:
        device: Where the work runs.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")
        self.totals_ms: dict[str, float] = {}
        self._stage: str | None = None
        self._began = 0.0

    def mark(self, stage: str) -> None:
        """Begin a stage; the one before it ends here. A stage that comes again adds to its total."""
        self.stop()
        self._stage, self._began = stage, time.perf_counter()

    def stop(self) -> None:
        """End the present stage, if there is one."""
        if self._stage is None:
            return
        synchronize(self.device)
        elapsed_ms = (time.perf_counter() - self._began) * 1000.0
        self.totals_ms[self._stage] = self.totals_ms.get(self._stage, 0.0) + elapsed_ms
        self._stage = None
