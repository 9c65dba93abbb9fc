"""Limits of the numbers that a picture can be asked for with, and the words for a number outside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from underpaint.core.errors import InputError

SEED_MAX = 2**53 - 1
"""Largest seed that a user may give: exact in JSON and in JavaScript."""
MAX_N = 1000
"""Most pictures of one prompt."""
Mass = Annotated[float, Field(gt=0, le=1)]
"""Share of probability that is kept."""


@dataclass(frozen=True)
class Limits:
    """Where a number must lie, both ends included, and whether it must be a whole one."""

    low: int
    high: int
    whole: bool = False

    def __str__(self) -> str:
        return f"{'be a whole number' if self.whole else 'lie'} between {self.low} and {self.high}"

    def hold(self, value: float) -> bool:
        """Tell whether a number is within the limits."""
        return self.low <= value <= self.high and not (self.whole and value % 1)


LIMITS: dict[str, Limits] = {
    "seed": Limits(0, SEED_MAX, whole=True),
    "n": Limits(1, MAX_N, whole=True),
    "guidance": Limits(0, 20),
    "temperature": Limits(0, 10),
    "steps": Limits(0, 1000, whole=True),
    "strength": Limits(0, 1),
    "mix_share": Limits(0, 1),
    "seam": Limits(0, 16, whole=True),
}
"""Name of a number to its limits."""


def within(value: float, name: str, called: str | None = None) -> float:
    """Return a number that lies within its limits.

    Args:
        value: The number.
        name: A key of ``LIMITS``.
        called: What the user calls it, for example ``--guidance``; None for the name.

    Raises:
        InputError: It lies outside, or is no number.
    """
    if not LIMITS[name].hold(value):
        shown = value if isinstance(value, int) else f"{value:g}"
        raise InputError(f"{called or name} must {LIMITS[name]}, got {shown}")
    return value


def whole_within(value: Any, name: str) -> int:
    """Return a whole number that lies within its limits, read from a cell of CSV or a value of JSON.

    Args:
        value: The number, or its digits.
        name: A key of ``LIMITS``.

    Raises:
        InputError: It lies outside, or is no whole number.
    """
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,30}", value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} must {LIMITS[name]}, got {value!r:.40}")
    return int(within(value, name))
