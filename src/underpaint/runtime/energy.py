"""Energy that a machine takes, from counters where it has them and from a model of the processor where not.

Every value says how it came about: ``counter`` (the hardware adds up), ``sampled`` (power read now and then), or
``modelled`` (processor time times a range of watts, never better than plus or minus half).
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from underpaint.core.errors import InputError, MetricError
from underpaint.runtime.clock import Clock, SystemClock

Method = Literal["counter", "sampled", "modelled"]
RANK: dict[Method, int] = {"counter": 0, "sampled": 1, "modelled": 2}
RAPL_UPDATE_S = 0.001
LEAST_SPREAD = 0.5
"""A model's interval reaches at least this share of the value to both sides."""
WATTS_PER_CORE = (2.0, 15.0)
"""Power of one busy core with its part of the package, from a shared core of a server to a fast one of a desktop."""


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Energy of one component over one stretch of time.

    Args:
        component: ``package-0``, ``dram``, ``gpu-0``, ``cpu model``.
        joules: The value.
        low: Lower bound that comes from the meter itself.
        high: Upper bound that comes from the meter itself.
        method: How it came about.
    """

    component: str
    joules: float
    low: float
    high: float
    method: Method


class Meter(Protocol):
    """Something that measures the energy of one component."""

    @property
    def component(self) -> str:
        """Its name."""
        ...

    @property
    def method(self) -> Method:
        """How it measures."""
        ...

    @property
    def update_s(self) -> float:
        """How often its figure changes."""
        ...

    def start(self) -> None:
        """Begin a stretch of time."""
        ...

    def stop(self) -> tuple[float, float, float]:
        """End it; returns joules, and the lower and upper bound that come from the meter itself."""
        ...


def unwrapped(before: int, after: int, wrap: int) -> int:
    """Return how far a counter that starts again from 0 after ``wrap`` has gone, if it did so at most once.

    Args:
        before: The earlier reading.
        after: The later reading.
        wrap: The largest reading.
    """
    return after - before if after >= before else after - before + wrap


class RaplCounter:
    """A zone of the processor's own energy counters (RAPL) under ``/sys/class/powercap``.

    Args:
        zone: Its folder, with ``name``, ``energy_uj`` and ``max_energy_range_uj``.
    """

    method: Method = "counter"
    update_s = RAPL_UPDATE_S

    def __init__(self, zone: Path) -> None:
        self.zone = zone
        self.component = (zone / "name").read_text().strip()
        self.wrap = int((zone / "max_energy_range_uj").read_text())
        self._before = self._read()

    def _read(self) -> int:
        return int((self.zone / "energy_uj").read_text())

    def start(self) -> None:
        """Begin a stretch of time; it must end before the counter goes round twice (half an hour at 150 W)."""
        self._before = self._read()

    def stop(self) -> tuple[float, float, float]:
        """End it."""
        joules = unwrapped(self._before, self._read(), self.wrap) / 1e6
        return joules, joules, joules


def find_rapl(root: Path = Path("/")) -> list[RaplCounter]:
    """Return the counters that may be read: packages, and memory where it is counted apart.

    Zones of cores lie inside their package, and ``psys`` holds the packages, so both would count twice.

    Args:
        root: Where the file system begins (a test may give its own).
    """
    counters: list[RaplCounter] = []
    for zone in sorted((root / "sys/class/powercap").glob("intel-rapl:*")):
        try:
            counter = RaplCounter(zone)
        except (OSError, ValueError):
            continue
        package = zone.name.count(":") == 1 and counter.component != "psys"
        if package or re.fullmatch(r"dram(-\d+)?", counter.component):
            counters.append(counter)
    return counters


class PowerSampler:
    """Adds up power that is read again and again in a thread; short bursts between two readings are not seen.

    Args:
        component: What it belongs to.
        read_w: Returns the present power in watts.
        period_s: Time between two readings.
        clock: What time is read from.
    """

    method: Method = "sampled"

    def __init__(
        self, component: str, read_w: Callable[[], float], period_s: float = 0.1, clock: Clock | None = None
    ) -> None:
        self.component, self.update_s = component, period_s
        self._read_w, self._clock = read_w, clock or SystemClock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._samples: list[tuple[float, float]] = []

    def sample(self) -> None:
        """Read the power once."""
        self._samples.append((self._clock.now(), self._read_w()))

    def _watch(self) -> None:
        while not self._stop.wait(self.update_s):
            self.sample()

    def start(self) -> None:
        """Begin a stretch of time."""
        self._stop.clear()
        self._samples = []
        self.sample()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> tuple[float, float, float]:
        """End it; the trapezoid between readings, bounded by the lower and the higher reading of each pair."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.sample()
        joules = low = high = 0.0
        for (t0, w0), (t1, w1) in zip(self._samples, self._samples[1:], strict=False):
            joules += (t1 - t0) * (w0 + w1) / 2
            low += (t1 - t0) * min(w0, w1)
            high += (t1 - t0) * max(w0, w1)
        return joules, low, high


def processor_seconds() -> float:
    """Return the processor time of this process and of the children that it has waited for."""
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


class ProcessorModel:
    """Processor time times a range of watts, for machines without counters; memory and the rest are not in it.

    Args:
        watts: Least and most power of a busy core.
        read_s: Returns processor time in seconds.

    Raises:
        InputError: The range is not positive and rising.
    """

    component = "processor"
    method: Method = "modelled"
    update_s = 0.01

    def __init__(
        self, watts: tuple[float, float] = WATTS_PER_CORE, read_s: Callable[[], float] = processor_seconds
    ) -> None:
        if not 0.0 < watts[0] <= watts[1]:
            raise InputError(f"the range of watts a core must be positive and rising, got {watts}")
        self.watts, self._read_s = watts, read_s
        self._before = 0.0

    def start(self) -> None:
        """Begin a stretch of time."""
        self._before = self._read_s()

    def stop(self) -> tuple[float, float, float]:
        """End it; the middle of the range, with an interval of at least plus and minus half."""
        busy = self._read_s() - self._before
        value = busy * (self.watts[0] + self.watts[1]) / 2
        return (
            value,
            min(busy * self.watts[0], value * (1 - LEAST_SPREAD)),
            max(busy * self.watts[1], value * (1 + LEAST_SPREAD)),
        )


def metered(work: Callable[[], object], meters: Sequence[Meter]) -> list[Energy]:
    """Return what each component took while some work ran.

    Args:
        work: The work; runs once.
        meters: At least one.
    """
    for meter in meters:
        meter.start()
    try:
        work()
    finally:
        readings = [meter.stop() for meter in meters]
    return [
        Energy(component=meter.component, joules=value, low=low, high=high, method=meter.method)
        for meter, (value, low, high) in zip(meters, readings, strict=True)
    ]


def total(parts: Sequence[Energy]) -> Energy:
    """Add up components; the sum is as good as its weakest part.

    Raises:
        MetricError: There is nothing to add up.
    """
    if not parts:
        raise MetricError("no meter gave a reading, so there is no energy to add up")
    return Energy(
        component=" + ".join(part.component for part in parts),
        joules=sum(part.joules for part in parts),
        low=sum(part.low for part in parts),
        high=sum(part.high for part in parts),
        method=max((part.method for part in parts), key=RANK.__getitem__),
    )
