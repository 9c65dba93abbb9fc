"""Memory that drawing takes, read in processes of their own, and the size of the weights."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from underpaint.core.errors import MetricError, TooFewSamples
from underpaint.metrics.interval import order_statistic
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.memory import MB, bytes_of
from underpaint.stages.evaluate.drawing.running import device_of, engine_of, networks
from underpaint.stages.evaluate.efficiency.outcome import Part, exactly, measured
from underpaint.stages.evaluate.record import Measurement

if TYPE_CHECKING:
    from underpaint.pipelines.generator import Generator

PICTURES = 4
PROBE = "underpaint.stages.evaluate.efficiency.memory_probe"
WEIGHTS = (".safetensors", ".bin")


def weights(generator: Generator) -> Part:
    """Measure the weights on disk, and in memory where they are tensors; an engine packs a graph's in its own way."""
    files = files_of(generator.model)
    stored = sum(size for name, size in files.items() if name.endswith(WEIGHTS)) / MB
    is_graph = isinstance(generator.model, ExportedModel)
    details = {
        "weights_mb": stored,
        "files_mb": sum(files.values()) / MB,
        "weights_in_memory_mb": None if is_graph else bytes_of(list(networks(generator).modules.values())) / MB,
    }
    return Part(measurements=[measured("weights_mb", stored, n=1, interval=exactly(stored))], details=details)


def files_of(model: Model) -> dict[str, int]:
    """Return name to bytes of the files that a model draws with, those that it shares with another too."""
    return {name: entry.bytes for name, entry in model.files.items()}


def run_probe(generator: Generator, requests: Sequence[DrawRequest]) -> dict[str, int]:
    """Draw in a new process and return the memory that it held, in bytes; see ``memory_probe.probe``.

    Raises:
        MetricError: The process fails.
    """
    job = {
        "model": generator.model.address,
        "engine": engine_of(generator),
        "device": str(device_of(generator)),
        "threads": generator.pipeline.threads,
        "requests": [asdict(request) for request in requests],
    }
    command = [sys.executable, "-m", PROBE]
    finished = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=False)
    if finished.returncode:
        raise MetricError(
            f"the process whose memory is read failed (exit code {finished.returncode}): {finished.stderr[-500:]}"
        )
    return json.loads(finished.stdout)


def peak_of(probes: Sequence[dict[str, int]]) -> Measurement:
    """Return the typical peak of some processes; under 6 of them it has no interval."""
    peaks = [probe["peak"] / MB for probe in probes]
    message = "median of the peaks of new processes"
    try:
        interval = order_statistic(peaks, 0.5)
    except TooFewSamples as error:
        interval, message = None, f"{message}; no interval: {error}"
    return measured("peak_rss_mb", float(np.median(peaks)), n=len(peaks), interval=interval, message=message)


def measure_memory(generator: Generator, requests: Sequence[DrawRequest], runs: int) -> Part:
    """Measure the peak memory of drawing a few pictures.

    Args:
        generator: The model; only its folder, device and threads matter.
        requests: The first few are drawn.
        runs: Number of processes.
    """
    probes = [run_probe(generator, requests[:PICTURES]) for _ in range(runs)]
    number = peak_of(probes)
    details: dict[str, Any] = {
        "peak_rss_mb": number.value,
        "imported_mb": _median(probes, "imported"),
        "loaded_mb": _median(probes, "loaded"),
        "device_peak_mb": _median(probes, "allocated"),
        "device_reserved_mb": _median(probes, "reserved"),
        "runs_mb": [probe["peak"] / MB for probe in probes],
    }
    return Part(measurements=[number], details=details)


def _median(probes: Sequence[dict[str, int]], name: str) -> float | None:
    return float(np.median([probe[name] for probe in probes])) / MB if name in probes[0] else None
