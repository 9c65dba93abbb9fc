"""A figure with its interval and where it comes from; figures of figures carry the ends that are worst together.

Every figure of an advice is one: nothing is printed whose source cannot be named.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from underpaint.core.config import Config

Method = Literal["counted", "sampled", "measured", "simulated", "stated", "chosen", "worked out"]
"""By counters of the hardware; from power read now and then; timed; simulated; in the prices file; by the person."""


class Figure(Config):
    """A number, its interval, and where it comes from.

    Args:
        value: The number.
        low: Lower end.
        high: Upper end; None if there is none.
        unit: As ``EUR`` or ``kWh``.
        method: How it came about.
        sources: Where it, or what it was made of, comes from.
    """

    value: float = Field(allow_inf_nan=False)
    low: float = Field(allow_inf_nan=False)
    high: float | None = Field(default=None, allow_inf_nan=False)
    unit: str = ""
    method: Method = "worked out"
    sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.value or (self.high is not None and self.value > self.high):
            raise ValueError(f"{self.value:g} lies outside of {self.low:g} to {self.high}")
        return self


def exactly(value: float, unit: str, *, source: str) -> Figure:
    """Return a figure that somebody chose."""
    return Figure(value=value, low=value, high=value, unit=unit, method="chosen", sources=(source,))


def sources_of(*figures: Figure | None) -> tuple[str, ...]:
    """Return where figures come from, each source once."""
    return tuple(dict.fromkeys(source for one in figures if one is not None for source in one.sources))


Floats = np.ndarray
Inputs = Mapping[str, Figure]


def corners(inputs: Inputs) -> dict[str, Floats]:
    """Return every combination of the ends of some figures, the values themselves first.

    Args:
        inputs: Name to figure; an open upper end is infinite.

    Returns:
        Name to ``[1 + 2^k]`` numbers, for ``k`` figures that have an interval.
    """
    wide = [name for name, one in inputs.items() if one.low != one.high]
    choices = np.array(list(itertools.product((False, True), repeat=len(wide))), dtype=bool)  # [2^k, k]
    found = {name: np.full(1 + len(choices), one.value) for name, one in inputs.items()}
    for column, name in enumerate(wide):
        high = inputs[name].high
        found[name][1:] = np.where(choices[:, column], math.inf if high is None else high, inputs[name].low)
    return found


def enclosed(values: Floats, unit: str, sources: tuple[str, ...]) -> Figure:
    """Return the figure of a function's values at the corners.

    Args:
        values: ``[1 + 2^k]``, as of ``corners``.
        unit: Of the result.
        sources: Of the inputs.
    """
    ends = values[1:] if len(values) > 1 else values
    low, high = min(float(values[0]), float(ends.min())), max(float(values[0]), float(ends.max()))
    return Figure(
        value=float(values[0]), low=low, high=high if math.isfinite(high) else None, unit=unit, sources=sources
    )


def worked_out(function: Callable[..., Floats], unit: str, **inputs: Figure) -> Figure:
    """Return a function of figures, whose interval holds its value at every combination of their ends.

    It is the range of the function where that is monotone in each input. Intervals of 95 % so carried are wider than a
    95 % interval of the result, never narrower.

    Args:
        function: Takes arrays by the names of the inputs.
        unit: Of the result.
        **inputs: What it is made of.
    """
    return enclosed(np.asarray(function(**corners(inputs))), unit, sources_of(*inputs.values()))
