"""A device that does not compute: a call sleeps, and gives back ready pixels; every server is measured with it.

One call takes the same time for one picture as for eight, like a graphics card that is not full; more than eight are
several calls. Two calls never run at one time. How long a call takes stands in a file and is read each time, so that
one server is measured with several. Each call is noted in a file, a byte with the number of its pictures, so that mean
batches are counted alike for all. The standard library is all that it needs.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Self

VARIABLE = "UNDERPAINT_BENCHMARK_DEVICE"
AT_ONCE = 8
"""Pictures of one call."""
SIDE = 64


@dataclass(frozen=True, kw_only=True)
class DevicePlan:
    """What a device is told, in the environment of a server.

    Args:
        seconds: File with the seconds that a call takes.
        pictures: File with pixels, 64 by 64 RGBA, one picture after the other.
        calls: File to note calls in.
        padding: Bytes that peers add to a PNG, so that all replies are of one length.
    """

    seconds: str
    pictures: str
    calls: str
    padding: int = 0

    def environment(self) -> dict[str, str]:
        """Return the variable that a server needs."""
        return {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the plan in an environment."""
        return cls(**json.loads(environ[VARIABLE]))


class SleepingDevice:
    """The device.

    Args:
        plan: What it is told.
    """

    def __init__(self, plan: DevicePlan) -> None:
        self._seconds, self._lock = Path(plan.seconds), threading.Lock()
        pixels = Path(plan.pictures).read_bytes()
        size = SIDE * SIDE * 4
        self._pixels = cycle([pixels[start : start + size] for start in range(0, len(pixels), size)])
        self._calls = os.open(plan.calls, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def draw(self, count: int) -> list[bytes]:
        """Return the pixels of so many pictures, ``SIDE * SIDE * 4`` bytes each."""
        with self._lock:
            seconds = float(self._seconds.read_text())
            for start in range(0, count, AT_ONCE):
                if seconds:
                    time.sleep(seconds)
                os.write(self._calls, bytes([min(AT_ONCE, count - start)]))
            return [next(self._pixels) for _ in range(count)]
