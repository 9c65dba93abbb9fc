"""What this machine can do at its best, measured: matrix products for arithmetic, a triad for memory.

Source: Williams, Waterman and Patterson 2009, Roofline; McCalpin 1995, STREAM.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from underpaint.core.errors import InputError
from underpaint.runtime.clock import Clock, SystemClock
from underpaint.runtime.device import CPU, threads
from underpaint.runtime.timing import synchronize

SIDES = (1024, 2048, 4096)
TRIAD_BYTES = 2**27
"""Bytes of each of the triad's three arrays; all three should exceed the caches."""
Bound = Literal["compute", "memory"]


@dataclass(frozen=True, kw_only=True)
class Peak:
    """The best sustained speeds.

    Args:
        flops_per_s: Of matrix products, the best of the sides.
        bytes_per_s: Of the triad; caches count where the arrays fit in.
        by_side: Side of the matrices to their speed.
        dtype: Type of the numbers.
        num_threads: CPU threads.
    """

    flops_per_s: float
    bytes_per_s: float
    by_side: dict[int, float]
    dtype: str
    num_threads: int


@dataclass(frozen=True, kw_only=True)
class Roofline:
    """Where some work lies below the two roofs.

    Args:
        fraction_of_peak: Its arithmetic speed over the measured peak.
        fraction_of_bandwidth: Its memory speed over the measured peak.
        nearer: The roof that it is nearer to.
    """

    fraction_of_peak: float
    fraction_of_bandwidth: float
    nearer: Bound


def sustained(work: Callable[[], object], seconds: float, device: torch.device, clock: Clock) -> float:
    """Return calls a second over at least ``seconds``, after one call that is not timed."""
    work()
    synchronize(device)
    began, calls = clock.now(), 0
    while True:
        work()
        calls += 1
        synchronize(device)
        if (elapsed := clock.now() - began) >= seconds:
            return calls / elapsed


def gemm_speed(
    side: int, seconds: float, dtype: torch.dtype, device: torch.device = CPU, clock: Clock | None = None
) -> float:
    """Return floating-point operations a second of the product of two square matrices.

    Args:
        side: Rows and columns.
        seconds: Shortest time.
        dtype: Type of the numbers.
        device: Where.
        clock: What time is read from.
    """
    values = torch.linspace(-1.0, 1.0, side * side, dtype=torch.float32).reshape(side, side)
    a, b = values.to(device, dtype), values.T.contiguous().to(device, dtype)
    out = torch.empty_like(a)
    rate = sustained(lambda: torch.mm(a, b, out=out), seconds, device, clock or SystemClock())
    return 2.0 * side**3 * rate


def triad_speed(
    seconds: float, device: torch.device = CPU, num_bytes: int = TRIAD_BYTES, clock: Clock | None = None
) -> float:
    """Return bytes a second of ``a = b + s c`` in float32, two reads and a write.

    Args:
        seconds: Shortest time.
        device: Where.
        num_bytes: Size of each array.
        clock: What time is read from.
    """
    b = torch.ones(num_bytes // 4, device=device)
    c, a = torch.ones_like(b), torch.empty_like(b)
    rate = sustained(lambda: torch.add(b, c, alpha=3.0, out=a), seconds, device, clock or SystemClock())
    return 3.0 * b.numel() * b.element_size() * rate


def measure_peak(
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device = CPU,
    num_threads: int = 1,
    seconds: float = 2.0,
    sides: Sequence[int] = SIDES,
    triad_bytes: int = TRIAD_BYTES,
    clock: Clock | None = None,
) -> Peak:
    """Measure both peaks.

    Args:
        dtype: Type of the numbers.
        device: Where.
        num_threads: CPU threads.
        seconds: Shortest time for each side, and for the triad.
        sides: Sides of the matrices.
        triad_bytes: Size of each array of the triad.
        clock: What time is read from.

    Raises:
        InputError: There is no side.
    """
    if not sides:
        raise InputError("the peak needs at least one side of matrices to multiply, for example 1024")
    with threads(num_threads), torch.inference_mode():
        by_side = {side: gemm_speed(side, seconds, dtype, device, clock) for side in sides}
        bandwidth = triad_speed(seconds, device, triad_bytes, clock)
    return Peak(
        flops_per_s=max(by_side.values()),
        bytes_per_s=bandwidth,
        by_side=by_side,
        dtype=str(dtype).removeprefix("torch."),
        num_threads=num_threads,
    )


def place(flops: float, traffic_bytes: float, seconds: float, peak: Peak) -> Roofline:
    """Say which roof some work is nearer to.

    Args:
        flops: Its floating-point operations.
        traffic_bytes: Bytes that it moves.
        seconds: Time that it takes.
        peak: The roofs.
    """
    compute = flops / (seconds * peak.flops_per_s)
    memory = traffic_bytes / (seconds * peak.bytes_per_s)
    return Roofline(
        fraction_of_peak=compute,
        fraction_of_bandwidth=memory,
        nearer="compute" if compute >= memory else "memory",
    )
