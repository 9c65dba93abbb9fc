"""A process of its own that loads a model, draws, and tells the memory it held; run by ``memory.py``.

It reads one JSON object from its input and writes one to its output. An exported graph is drawn without torch, as its
users draw it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from underpaint.pipelines.generator import Generator

Draw = Callable[[], None]


def import_torch() -> None:
    """Import what networks need."""
    import underpaint.pipelines.saved  # noqa: F401


def import_onnx() -> None:
    """Import what a graph of ONNX Runtime needs."""
    from underpaint.adapters import onnxruntime

    onnxruntime.import_engine()


def import_openvino() -> None:
    """Import what a graph of OpenVINO needs; the engine itself comes with the graph."""
    import underpaint.adapters.openvino  # noqa: F401


IMPORTS: dict[str, Callable[[], None]] = {
    "torch": import_torch,
    "onnx": import_onnx,
    "openvino": import_openvino,
}


def on_device(generator: Generator, draw: Draw) -> dict[str, int]:
    """Draw with torch; return the peak of the device in bytes, nothing where that is main memory."""
    from underpaint.runtime.memory import device_peak, watch_device
    from underpaint.stages.evaluate.drawing.running import device_of

    watch_device(device_of(generator))
    draw()
    peak = device_peak(device_of(generator))
    return {} if peak is None else {"allocated": peak.allocated, "reserved": peak.reserved}


def probe(job: dict[str, Any]) -> dict[str, int]:
    """Load and draw.

    Args:
        job: ``model`` (a folder), ``engine``, ``device``, ``threads`` and ``requests`` (fields of ``DrawRequest``).

    Returns:
        Bytes: ``imported``, ``loaded`` and ``peak``, and of a device ``allocated`` and ``reserved``.
    """
    IMPORTS[job["engine"]]()
    from underpaint.pipelines.generator import load
    from underpaint.pipelines.settings import DrawRequest
    from underpaint.runtime.memory import resident

    imported = resident().now
    generator = load(job["model"], engine=job["engine"], device=job["device"], threads=job["threads"])
    loaded = resident().now

    def draw() -> None:
        for request in job["requests"]:
            generator.pipeline.draw([DrawRequest(**request)])

    device: dict[str, int] = {}
    if job["engine"] == "torch":
        device = on_device(generator, draw)
    else:
        draw()
    return {"imported": imported, "loaded": loaded, "peak": resident().peak, **device}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(probe(json.load(sys.stdin))) + "\n")
