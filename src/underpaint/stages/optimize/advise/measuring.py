"""Measuring a model here in a short run, once: what is finished lies under the digests of machine, model and plan.

What was measured while other programs kept the machine busy is told, and not kept.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from underpaint.core.config import digest_of
from underpaint.core.progress import Report, silent
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.pipelines.generator import Generator
from underpaint.runtime.clock import Clock, SystemClock
from underpaint.runtime.fingerprint import Fingerprint
from underpaint.runtime.host_class import cpu_rule, gpu_class
from underpaint.stages.optimize.advise.measured import FILE, Measured
from underpaint.stages.optimize.advise.power import counters_of, measured_power
from underpaint.stages.optimize.advise.rounds import LOG, MeasurePlan, Rounds, with_noise


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a model draws.

    Args:
        kind: Kind of device.
        index: Its number.
        host_class: Class of the machine with this device.
        hardware: Name of what computes.
    """

    kind: str
    index: int
    host_class: str
    hardware: str


def place_named(device: str | None, fingerprint: Fingerprint) -> Place:
    """Say what a device of this machine is; its class is not that of the machine where a GPU is there and not used.

    Args:
        device: As ``cuda:0``; None is the processor.
        fingerprint: This machine.
    """
    kind, _, number = (device or "cpu").partition(":")
    index, gpus = int(number) if number.isdigit() else 0, fingerprint.gpus
    if kind == "cuda" and index < len(gpus):
        return Place(kind=kind, index=index, host_class=gpu_class(gpus[index]), hardware=gpus[index].name)
    processor = fingerprint.processor
    found = cpu_rule(processor).name if kind == "cpu" else "other"
    return Place(kind=kind, index=index, host_class=found, hardware=processor.model or processor.family)


def place_of(generator: Generator, fingerprint: Fingerprint) -> Place:
    """Say where a loaded model draws: graphs on the processor, networks on their device."""
    device = getattr(generator.pipeline, "device", None)
    return place_named(None if device is None else str(device), fingerprint)


def disturbance(fingerprint: Fingerprint) -> list[str]:
    """Say whether other programs keep this machine busy; empty if none do, or the system does not tell."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    cores = fingerprint.cores.logical
    return [f"the load average was {load:.2f} on {cores} cores"] if load > cores else []


def measure(
    generator: Generator,
    fingerprint: Fingerprint,
    measure_plan: MeasurePlan,
    cache: Path,
    today: date,
    report: Report = silent,
    clock: Clock | None = None,
) -> Measured:
    """Measure a loaded model here, or return what was measured before, if nothing disturbed that.

    Args:
        generator: The model.
        fingerprint: This machine.
        measure_plan: How much.
        cache: Folder that keeps measurements, and unfinished ones.
        today: The date that is written down.
        report: Receives progress.
        clock: What time is read from.
    """
    place = place_of(generator, fingerprint)
    folder = cache / _key(generator, fingerprint, place, measure_plan)[:32]
    if (known := _kept(folder)) is not None:
        return known
    folder.mkdir(parents=True, exist_ok=True)
    noise = with_noise(folder / LOG, disturbance(fingerprint))
    run = Rounds(generator, measure_plan, folder / LOG, clock or SystemClock(), report)
    batches = run.finish()
    power = measured_power(run.draw_one, counters_of(place.kind, place.index), run.clock, run.tell_power)
    measured = Measured(
        **_where(generator, fingerprint, place),
        noise=tuple((noise + disturbance(fingerprint))[:1]),
        day=today,
        batches=batches,
        power=power,
    )
    if measured.noise:
        _forget(folder)
    else:
        _keep(measured, folder)
    return measured


def _where(generator: Generator, fingerprint: Fingerprint, place: Place) -> dict[str, Any]:
    """Return what was measured, and where, as the fields of a measurement."""
    return {
        "model": generator.model.name,
        "model_digest": generator.model.digest,
        "size": generator.model.size,
        "engine": generator.pipeline.engine,
        "threads": generator.pipeline.threads,
        "device": place.kind,
        "host_class": place.host_class,
        "hardware": place.hardware,
        "cores": fingerprint.cores.physical,
        "fingerprint": fingerprint.digest(),
    }


def _key(generator: Generator, fingerprint: Fingerprint, place: Place, measure_plan: MeasurePlan) -> str:
    model = generator.model
    drawn_by = model.manifest.digest if isinstance(model, ExportedModel) else model.digest
    where = [place.kind, place.index, generator.pipeline.engine, generator.pipeline.threads]
    return digest_of([drawn_by, model.size, fingerprint.digest(), where, measure_plan.digest()])


def _kept(folder: Path) -> Measured | None:
    """Return the measurement of a folder; one that was disturbed is forgotten."""
    if not (folder / FILE).is_file():
        return None
    known = Measured.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
    if known.noise:
        _forget(folder)
    return None if known.noise else known


def _forget(folder: Path) -> None:
    for name in (FILE, LOG):
        (folder / name).unlink(missing_ok=True)


def _keep(measured: Measured, folder: Path) -> None:
    """Write a measurement whole or not at all."""
    partial = folder / f".{FILE}.{os.getpid()}"
    partial.write_text(measured.model_dump_json(indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / FILE)
