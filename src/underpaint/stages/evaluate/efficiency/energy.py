"""Energy of a picture: windows of work between windows of rest, with whatever meters the machine has.

Source: windows and refresh of counters, arXiv 2312.02741; RAPL, David et al. 2010.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from underpaint.adapters import nvml
from underpaint.core.errors import InputError, SetupError, TooFewSamples
from underpaint.metrics.estimate import Interval
from underpaint.metrics.interval import student_quantile
from underpaint.runtime.clock import Clock
from underpaint.runtime.energy import Energy, Meter, PowerSampler, ProcessorModel, find_rapl, metered, total
from underpaint.stages.evaluate.efficiency.outcome import Part, measured
from underpaint.stages.evaluate.efficiency.plan import EfficiencyPlan

METRIC = "energy_j_per_image"
MIN_WINDOWS = 5
MIN_WINDOW_S = 5.0
MIN_UPDATES = 20
LEVEL = 0.95
NOT_IN_MODEL = "modelled from processor time: memory, disk, fans and power supply are not in it"


@dataclass(frozen=True, kw_only=True)
class Window:
    """Work between two readings of the meters.

    Args:
        images: Pictures drawn.
        seconds: Length.
        parts: Energy of each component.
    """

    images: int
    seconds: float
    parts: list[Energy]


def find_meters(device: torch.device, watts_per_core: tuple[float, float]) -> list[Meter]:
    """Return the best meters for a device: the GPU's own, the processor's counters, else a model of the processor.

    Raises:
        SetupError: The device is not the processor and has no meter.
    """
    counters: list[Meter] = list(find_rapl())
    if device.type == "cuda":
        return [_gpu_meter(device.index or 0), *counters]
    if device.type != "cpu":
        raise SetupError(f"there is no energy meter for the device {device.type!r}; measure energy on cpu or cuda")
    return counters or [ProcessorModel(watts_per_core)]


def _gpu_meter(index: int) -> Meter:
    try:
        gpu = nvml.Gpu(index)
        if gpu.energy_j() is not None:
            return nvml.GpuCounter(gpu)
        gpu.power_w()
    except OSError as error:
        raise SetupError(f"the GPU's energy cannot be measured: {error}") from None
    return PowerSampler(f"gpu-{index}", gpu.power_w)


def work_window(draw: Callable[[int], object], seconds: float, meters: Sequence[Meter], clock: Clock) -> Window:
    """Draw for at least ``seconds`` and at least once, between two readings of the meters."""
    images, began = 0, clock.now()

    def work() -> None:
        nonlocal images
        while images == 0 or clock.now() - began < seconds:
            draw(images)
            images += 1

    parts = metered(work, meters)
    return Window(images=images, seconds=clock.now() - began, parts=parts)


def idle_watts(seconds: float, meters: Sequence[Meter], clock: Clock) -> float | None:
    """Return the power of the machine at rest, or None where nothing but work is seen (a model) or no time is given."""
    if seconds <= 0.0 or any(meter.method == "modelled" for meter in meters):
        return None
    began = clock.now()
    parts = metered(lambda: clock.sleep(seconds), meters)
    return total(parts).joules / (clock.now() - began)


def check_windows(windows: Sequence[Window], meters: Sequence[Meter]) -> None:
    """Refuse what the meters are too slow for.

    Raises:
        TooFewSamples: There are fewer than 5 windows, or they are shorter than 5 s or 20 updates of a counter.
        InputError: There is no meter.
    """
    if not meters:
        raise InputError("energy needs at least one meter; see find_meters")
    if len(windows) < MIN_WINDOWS:
        raise TooFewSamples(f"energy needs {MIN_WINDOWS} windows, got {len(windows)}; raise energy_windows")
    slow = [meter for meter in meters if meter.method != "modelled"]
    least = max((max(MIN_WINDOW_S, MIN_UPDATES * meter.update_s) for meter in slow), default=0.0)
    if (shortest := min(window.seconds for window in windows)) < least:
        raise TooFewSamples(
            f"windows of {shortest:.2g} s are too short for {slow[0].component}, which needs {least:g} s; take the "
            "standard plan, or raise energy_window_s"
        )


def interval_of(windows: Sequence[Window]) -> Interval:
    """Return the interval of energy a picture: Student's t over the windows, around the meters' own bounds."""
    totals = [total(window.parts) for window in windows]
    images = np.array([window.images for window in windows], dtype=np.float64)
    value = np.array([one.joules for one in totals]) / images
    low, high = (np.array([getattr(one, end) for one in totals]) / images for end in ("low", "high"))
    reach = student_quantile(0.5 + LEVEL / 2, len(windows) - 1) * float(value.std(ddof=1)) / math.sqrt(len(windows))
    method = f"student-t over windows, {totals[0].method}"
    return Interval(
        low=max(0.0, float(low.mean()) - reach), high=float(high.mean()) + reach, level=LEVEL, method=method
    )


def components(windows: Sequence[Window]) -> dict[str, dict[str, Any]]:
    """Return each component's energy a picture and how it was measured."""
    images = sum(window.images for window in windows)
    found: dict[str, dict[str, Any]] = {}
    for part in (part for window in windows for part in window.parts):
        record = found.setdefault(part.component, {"j_per_image": 0.0, "method": part.method})
        record["j_per_image"] += part.joules / images
    return found


def measure_energy(draw: Callable[[int], object], meters: Sequence[Meter], plan: EfficiencyPlan, clock: Clock) -> Part:
    """Measure energy a picture, gross and without what the machine takes at rest.

    Args:
        draw: Draws the picture of an index and waits for it.
        meters: From ``find_meters``.
        plan: Number and length of the windows.
        clock: What time is read from.

    Raises:
        TooFewSamples: The windows are too few or too short for the meters.
    """
    idle = idle_watts(plan.idle_s, meters, clock)
    windows: list[Window] = []
    for _ in range(plan.energy_windows):
        windows.append(work_window(draw, plan.energy_window_s, meters, clock))
        clock.sleep(plan.cooldown_s)
    check_windows(windows, meters)
    interval, method = interval_of(windows), total(windows[0].parts).method
    value = float(np.mean([total(window.parts).joules / window.images for window in windows]))
    message = NOT_IN_MODEL if method == "modelled" else ", ".join(components(windows))
    number = measured(METRIC, value, n=len(windows), interval=interval, message=message, energy_method=method)
    rest = None if idle is None else idle * float(np.mean([window.seconds / window.images for window in windows]))
    details = {
        "j_per_image": value,
        "idle_subtracted_j": None if rest is None else value - rest,
        "idle_w": idle,
        "method": method,
        "low": interval.low,
        "high": interval.high,
        "windows": [{"images": window.images, "seconds": window.seconds} for window in windows],
        "components": components(windows),
        "not_included": NOT_IN_MODEL if method == "modelled" else "components without a counter",
    }
    return Part(measurements=[number], details=details)
