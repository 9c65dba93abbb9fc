"""How many pictures are worth drawing at once: read off a measured profile of the device, never a constant.

The cap is the smallest batch whose throughput is within 5 % of the best that fits into memory and time.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from underpaint.core.config import Config
from underpaint.core.errors import InputError
from underpaint.stages.serve.batching.filling import Plan

WORTH = 0.95
"""Share of the best throughput that is good enough."""
WEIGHT = 0.1
"""Weight of the newest observation in the correction of a profile."""


class ProfilePoint(Config):
    """What a batch of one size takes.

    Args:
        units: Pictures in the batch.
        seconds: Device-seconds of the whole batch.
        peak_bytes: Most memory in use.
    """

    units: int = Field(ge=1)
    seconds: float = Field(gt=0, allow_inf_nan=False)
    peak_bytes: int = Field(default=0, ge=0)


class BatchProfile(Config):
    """Times and memory of batches of some sizes, of one model, on one kind of device, for one kind of request.

    Args:
        points: From a batch of 1 upward.
    """

    points: tuple[ProfilePoint, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _grows_from_one(self) -> Self:
        sizes = [point.units for point in self.points]
        if sizes[0] != 1 or any(left >= right for left, right in pairwise(sizes)):
            raise ValueError(f"a profile has batches of growing sizes, the first of 1 (got {sizes})")
        return self

    def seconds(self, units: int) -> float:
        """Return the device-seconds of a batch, between measured sizes in proportion, beyond them at the last pace."""
        for left, right in pairwise(self.points):
            if units <= right.units:
                share = (units - left.units) / (right.units - left.units)
                return left.seconds + share * (right.seconds - left.seconds)
        last = self.points[-1]
        return last.seconds * units / last.units

    def cap(self, *, memory_bytes: int | None = None, max_batch_s: float | None = None) -> int:
        """Return how many units go together at most.

        Args:
            memory_bytes: Memory that a batch may use; None for any.
            max_batch_s: Longest batch; None for any. A batch of 1 is always allowed to take its time.

        Raises:
            InputError: Not even one unit fits into the memory.
        """
        fitting = [point for point in self.points if memory_bytes is None or point.peak_bytes <= memory_bytes]
        if not fitting or fitting[0].units != 1:
            raise InputError(
                f"one picture needs {self.points[0].peak_bytes:,} bytes of memory, {memory_bytes:,} are allowed; "
                "allow more, or use a smaller model"
            )
        quick = [point for point in fitting if max_batch_s is None or point.seconds <= max_batch_s] or fitting[:1]
        best = max(point.units / point.seconds for point in quick)
        return next(point.units for point in quick if point.units / point.seconds >= WORTH * best)

    def plan(
        self, *, memory_bytes: int | None = None, max_batch_s: float | None = None, correction: float = 1.0
    ) -> Plan:
        """Return the plan that batches are formed by.

        Args:
            memory_bytes: Memory that a batch may use; None for any.
            max_batch_s: Longest batch; None for any.
            correction: Observed over profiled time, from ``corrected``.
        """
        cap = self.cap(memory_bytes=memory_bytes, max_batch_s=max_batch_s)
        return Plan(cap=cap, seconds=lambda units: correction * self.seconds(units))


def corrected(correction: float, *, observed_s: float, profile_s: float) -> float:
    """Return the correction of a profile after a batch, an exponential average of observed over profiled time.

    Args:
        correction: What it was; 1 at first.
        observed_s: Device-seconds that the batch took.
        profile_s: Device-seconds that the profile says.
    """
    return (1 - WEIGHT) * correction + WEIGHT * observed_s / profile_s
