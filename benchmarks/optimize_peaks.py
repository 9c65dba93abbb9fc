"""What one thread of this processor can do at most: products of matrices in 32 and 8 bits, and copying memory.

A form that computes the same in fewer bits cannot gain more than the ratio of the two products, whatever its engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from engines import SIDE, product

REPEATS = 12
COPIED_BYTES = 2**28
"""Larger than all caches."""


def fastest_s(act: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Return the shortest processor time of an act, in seconds, after one that does not count."""
    act()
    times = []
    for _ in range(repeats):
        began = time.process_time()
        act()
        times.append(time.process_time() - began)
    return min(times)


def copier() -> Callable[[], None]:
    """Return what copies memory from one place to another."""
    source = np.ones(COPIED_BYTES // 8)
    target = np.zeros_like(source)
    return lambda: np.copyto(target, source)


def peaks() -> dict[str, float]:
    """Return operations a second in 32 and 8 bits, in units of 1e9, and gigabytes that are copied a second."""
    found = {}
    for name, kind in (("f32_gflops", "float32"), ("int8_gops", "int8")):
        multiply = product(kind, 1)
        found[name] = round(2 * SIDE**3 / fastest_s(lambda: multiply(0)) / 1e9, 1)  # noqa: B023
    return {**found, "copy_gb_s": round(COPIED_BYTES / fastest_s(copier()) / 1e9, 1)}
