"""Power of a machine while it waits and while it draws, from the counters that it has; nothing where it has none.

Source: windows and refresh of counters, arXiv 2312.02741.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from underpaint.adapters import nvml
from underpaint.core.errors import SetupError
from underpaint.metrics.interval import student_quantile
from underpaint.runtime.clock import Clock
from underpaint.runtime.energy import Meter, PowerSampler, find_rapl, metered, total
from underpaint.stages.optimize.advise.measured import Power

WINDOWS = 5
WINDOW_S = 5.0
"""Counters of GPUs are refreshed every tenth of a second; 20 of them are needed at least."""


def counters_of(device: str, index: int = 0) -> list[Meter]:
    """Return the meters that count energy of a device; none where nothing may be read.

    Args:
        device: Kind of device.
        index: Number of the GPU.
    """
    processor: list[Meter] = list(find_rapl())
    if device != "cuda":
        return processor if device == "cpu" else []
    try:
        gpu = nvml.Gpu(index)
        if gpu.energy_j() is not None:
            return [nvml.GpuCounter(gpu), *processor]
        gpu.power_w()
    except (OSError, SetupError):
        return []
    return [PowerSampler(f"gpu-{index}", gpu.power_w), *processor]


def window_watts(work: Callable[[], object], seconds: float, meters: Sequence[Meter], clock: Clock) -> float:
    """Return the mean power while some work is repeated for a time."""
    began = clock.now()

    def repeat() -> None:
        work()
        while clock.now() - began < seconds:
            work()

    parts = metered(repeat, meters)
    return total(parts).joules / (clock.now() - began)


def measured_power(
    draw: Callable[[], object],
    meters: Sequence[Meter],
    clock: Clock,
    told: Callable[[int, int], None],
    *,
    windows: int = WINDOWS,
    seconds: float = WINDOW_S,
) -> Power | None:
    """Measure the power at rest and at work, in turn.

    Args:
        draw: Draws one picture.
        meters: Of ``counters_of``.
        clock: What time is read from.
        told: Receives how many windows are done, and of how many.
        windows: Of each kind.
        seconds: Length of a window.

    Returns:
        The power with Student's intervals over the windows; None if there is no meter.
    """
    if not meters:
        return None
    watts: dict[str, list[float]] = {"idle": [], "busy": []}
    works: dict[str, Callable[[], object]] = {"idle": lambda: clock.sleep(seconds), "busy": draw}
    for number in range(2 * windows):
        which = "idle" if number % 2 == 0 else "busy"
        watts[which].append(window_watts(works[which], seconds, meters, clock))
        told(number + 1, 2 * windows)
    method: Literal["counter", "sampled"] = (
        "sampled" if any(meter.method != "counter" for meter in meters) else "counter"
    )
    return Power(
        idle=_ends(watts["idle"]),
        busy=_ends(watts["busy"]),
        method=method,
        components=tuple(meter.component for meter in meters),
        windows=windows,
    )


def _ends(watts: Sequence[float]) -> tuple[float, float, float]:
    """Return Student's interval of the mean, and the mean."""
    values = np.array(watts)
    mean = float(values.mean())
    reach = student_quantile(0.975, len(values) - 1) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return max(0.0, mean - reach), mean, mean + reach
