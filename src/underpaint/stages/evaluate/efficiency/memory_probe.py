"""A process of its own that loads a model, draws, and tells the memory it held; run by ``memory.py``.

It reads one JSON object from its input and writes one to its output.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def probe(job: dict[str, Any]) -> dict[str, int]:
    """Load and draw.

    Args:
        job: ``model`` (a folder), ``device``, ``threads`` and ``requests`` (fields of ``DrawRequest``).

    Returns:
        Bytes: ``imported``, ``loaded`` and ``peak``, and of a device ``allocated`` and ``reserved``.
    """
    import underpaint.pipelines.saved  # noqa: F401
    from underpaint.pipelines.generator import load
    from underpaint.pipelines.settings import DrawRequest
    from underpaint.runtime.memory import device_peak, resident, watch_device

    imported = resident().now
    generator = load(job["model"], device=job["device"], threads=job["threads"])
    watch_device(generator.pipeline.device)
    loaded = resident().now
    for request in job["requests"]:
        generator.pipeline.draw([DrawRequest(**request)])
    found = {"imported": imported, "loaded": loaded, "peak": resident().peak}
    device = device_peak(generator.pipeline.device)
    return found if device is None else found | {"allocated": device.allocated, "reserved": device.reserved}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(probe(json.load(sys.stdin))) + "\n")
