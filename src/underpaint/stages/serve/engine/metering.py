"""What drawing takes, of time and, where the machine counts it, of energy: read before and after.

A processor's counter counts all that runs on it, so that what else is busy at that moment is counted with the picture.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from underpaint.core.errors import UnderpaintError
from underpaint.runtime.energy import Meter, Method, find_rapl


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What one picture took to draw.

    Args:
        seconds: Of the device.
        joules: Energy; None where nothing measures it.
        method: How that is known; None with it.
    """

    seconds: float
    joules: float | None = None
    method: Method | None = None

    def share(self, pictures: int) -> Spent:
        """Return the share of one of several pictures that were drawn together."""
        joules = None if self.joules is None else self.joules / pictures
        return Spent(seconds=self.seconds / pictures, joules=joules, method=self.method)


class DrawMeter:
    """Measures drawing.

    Args:
        counters: Energy counters that are read before and after; none where the machine lets nobody read them.
        power_w: Returns the present power of the device in watts; None where it draws with the processor, whose
            counters say all, or where the device does not tell.
    """

    def __init__(self, counters: Sequence[Meter] = (), power_w: Callable[[], float] | None = None) -> None:
        self._counters, self._power_w = list(counters), power_w

    @contextlib.contextmanager
    def measured(self, spent: list[Spent]) -> Iterator[None]:
        """Append what is spent inside to a list."""
        is_counted = self._start()
        began = time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        spent.append(self._spent(seconds) if is_counted else Spent(seconds=seconds))

    def _start(self) -> bool:
        """Read the counters; return whether that can be done."""
        try:
            for counter in self._counters:
                counter.start()
        except (OSError, ValueError):
            return False
        return True

    def _spent(self, seconds: float) -> Spent:
        with contextlib.suppress(OSError, ValueError):
            parts = [counter.stop()[0] for counter in self._counters]
            if self._power_w is not None:
                return Spent(seconds=seconds, joules=sum(parts) + seconds * self._power_w(), method="sampled")
            if parts:
                return Spent(seconds=seconds, joules=sum(parts), method="counter")
        return Spent(seconds=seconds)


def meter_for(drawer: Any) -> DrawMeter:
    """Return the best meter for what draws; without one of its own, a graphics card measures time alone."""
    device = getattr(drawer, "device", None)
    if device is None or device.type == "cpu":
        return DrawMeter(find_rapl())
    power_w = _card_power(device.index or 0) if device.type == "cuda" else None
    return DrawMeter(power_w=power_w)


def _card_power(index: int) -> Callable[[], float] | None:
    from underpaint.adapters import nvml

    try:
        card = nvml.Gpu(index)
        card.power_w()
    except (OSError, UnderpaintError):
        return None
    return card.power_w
