"""Axes: round ticks, and positions on paper."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from underpaint.stages.evaluate.page.numbers import fixed

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A stretch of numbers laid on a stretch of paper.

    Args:
        low: First number.
        high: Last number; above ``low``.
        start: Where ``low`` lies on paper.
        end: Where ``high`` lies; before ``start`` for an axis that points up.
        log: Whether equal ratios are equally far apart; ``low`` is positive then.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Return where a number lies on paper; what is outside lies on the edge."""
        value = min(max(value, self.low), self.high)
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        """Return about ``count`` round numbers inside."""
        return log_ticks(self.low, self.high, count) if self.log else linear_ticks(self.low, self.high, count)


def step_of(low: float, high: float, count: int) -> float:
    """Return the smallest round step that divides a stretch into at most ``count`` parts."""
    rough = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(rough))
    return next((step * power for step in STEPS if step * power >= rough * (1 - 1e-9)), 10 * power)


def linear_ticks(low: float, high: float, count: int) -> list[float]:
    """Return multiples of a round step between ``low`` and ``high``."""
    step = step_of(low, high, count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """Return 1, 2 and 5 times powers of ten, or the powers alone where those are too many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for multiples in ((1, 2, 5), (1, 3), (1,)):
        ticks = [m * 10.0**p for p in powers for m in multiples if low * (1 - 1e-9) <= m * 10.0**p <= high * (1 + 1e-9)]
        if len(ticks) <= count or multiples == (1,):
            return ticks
    return []


def tick_label(value: float, ticks: list[float]) -> str:
    """Write a tick with the decimals that tell it from its neighbors."""
    gaps = [abs(b - a) for a, b in itertools.pairwise(ticks)]
    step = min((gap for gap in gaps if gap > 0), default=abs(value) or 1.0)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return fixed(value, decimals + (1 if round(step * 10**decimals, 6) % 1 else 0))


def padded(values: list[float], *, share: float = 0.06, floor: float | None = None) -> tuple[float, float]:
    """Return ends that hold all values with some room; equal values get room too.

    Args:
        values: Finite numbers, at least one.
        share: Room on each side, as a part of the stretch.
        floor: Never below this one, if all values are above it.
    """
    low, high = min(values), max(values)
    room = (high - low) * share or abs(high) * 0.1 or 1.0
    lower = low - room
    return (max(lower, floor) if floor is not None and low >= floor else lower), high + room


def log_padded(values: list[float]) -> tuple[float, float]:
    """Return ends of a logarithmic axis that hold all values, which are positive, with some room."""
    low, high = min(values), max(values)
    room = max((high / low) ** 0.08, 1.15)
    return low / room, high * room
