"""What is asked: pictures in a time, answered within a time, and how much more come at the busiest hour."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from underpaint.core.config import Config
from underpaint.core.errors import InputError

HOURS: dict[str, float] = {
    "second": 1 / 3600,
    "minute": 1 / 60,
    "hour": 1.0,
    "day": 24.0,
    "week": 168.0,
    "month": 730.5,
    "year": 8766.0,
}
"""Hours of each unit of time; a month is a twelfth of a year."""
MONTH_HOURS = HOURS["month"]
FACTORS: dict[str, float] = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}
VOLUME = re.compile(r"(\d[\d_,]*(?:\.\d+)?)\s*([kmb]?)\s*(?:/|per)?\s*([a-z]*)", re.IGNORECASE)
LATENCY = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)
MILLISECONDS: dict[str, float] = {"ms": 1.0, "s": 1000.0}
LARGEST = 1e12
"""Most pictures of a month."""
LONGEST_MS = 3.6e6
KEPT = 0.95
"""Share of the pictures that must be there within the latency."""


class Asked(Config):
    """What is asked.

    Args:
        per_month: Pictures of a month.
        latency_ms: Time within which 95 in 100 pictures must be there.
        peak_to_mean: Arrivals at the busiest time over the mean.
    """

    per_month: Annotated[float, Field(gt=0.0, le=LARGEST)]
    latency_ms: Annotated[float, Field(gt=0.0, le=LONGEST_MS)]
    peak_to_mean: Annotated[float, Field(ge=1.0, le=1000.0)] = 4.0

    @property
    def mean_per_s(self) -> float:
        """Pictures a second on average."""
        return self.per_month / (MONTH_HOURS * 3600.0)

    @property
    def peak_per_s(self) -> float:
        """Pictures a second at the busiest time."""
        return self.mean_per_s * self.peak_to_mean


def read_volume(text: str) -> float:
    """Return the pictures of a month.

    Args:
        text: As ``100000/month``, ``100,000/month``, ``1.5k/day`` or ``2M per year``.

    Raises:
        InputError: It is no number, has no time that it is for, or lies out of range.
    """
    match = VOLUME.fullmatch(text.strip())
    if match is None:
        raise InputError(f"--volume {text!r:.60} is no number of pictures in a time; write for example 100000/month")
    number, factor, unit = match[1], match[2].lower(), match[3].lower()
    if not unit:
        raise InputError(
            f"--volume {text!r:.60} does not say in which time; write {match[1]}{match[2]}/month, or one of "
            f"{', '.join(f'/{name}' for name in HOURS)}"
        )
    hours = HOURS.get(unit) or HOURS.get(unit.removesuffix("s"))
    if hours is None:
        raise InputError(f"--volume {text!r:.60}: the time {unit!r:.20} is unknown; choose one of {', '.join(HOURS)}")
    amount = float(re.sub("[_,]", "", number)) * FACTORS[factor] * MONTH_HOURS / hours
    if not 0.0 < amount <= LARGEST:
        raise InputError(f"--volume {text!r:.60}: there must be more than 0 pictures a month and {LARGEST:g} at most")
    return amount


def read_latency(text: str) -> float:
    """Return a latency in milliseconds.

    Args:
        text: As ``500ms`` or ``0.5s``.

    Raises:
        InputError: It is no time, or has no unit.
    """
    match = LATENCY.fullmatch(text.strip())
    if match is None or (match[2] and match[2].lower() not in MILLISECONDS):
        raise InputError(f"--latency {text!r:.60} is no time; write for example 500ms or 0.5s")
    if not match[2]:
        raise InputError(f"--latency {text!r:.60} has no unit; write {match[1]}ms or {match[1]}s")
    value = float(match[1]) * MILLISECONDS[match[2].lower()]
    if not 0.0 < value <= LONGEST_MS:
        raise InputError(f"--latency {text!r:.60} must lie above 0 and at {LONGEST_MS / 1000:g}s at most")
    return value
