"""Measuring a model here in a short run: batches of all sizes in turn, so that a disturbance meets all alike.

Each round is written down as soon as it is over, under the digests of machine, model and plan: a run that was
interrupted goes on, and one that is finished is not repeated. What was measured while other programs kept the machine
busy is told, and not kept.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from underpaint.core.config import Config, digest_of
from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.planning import Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.clock import Clock, SystemClock
from underpaint.runtime.fingerprint import Fingerprint
from underpaint.runtime.host_class import cpu_rule, gpu_class
from underpaint.stages.optimize.advise.measured import FEWEST, FILE, Batch, Measured
from underpaint.stages.optimize.advise.power import counters_of, measured_power

LOG = "rounds.jsonl"
CAPTIONS = ("a red heart", "a smiling cat", "a green apple", "a blue sailboat on waves", "a yellow taxi", "a snowman")
SEED = 6_100_000
ALONE = 4
"""Pictures drawn alone in a round, for one batch of every other size."""
WARM_UP = 3


class MeasurePlan(Config):
    """How much is measured.

    Args:
        sizes: Sizes of batches, rising from 1.
        seconds: Time that the batches take together.
    """

    sizes: tuple[Annotated[int, Field(ge=1, le=256)], ...] = (1, 2, 4, 8)
    seconds: Annotated[float, Field(gt=0.0, le=3600.0)] = 20.0


GPU_SIZES = (1, 2, 4, 8, 16, 32)


def plan_for(device: str | None, seconds: float) -> MeasurePlan:
    """Return what is measured on a device.

    Args:
        device: As ``cuda:0``; None is the processor.
        seconds: Time that the batches take together.

    Raises:
        InputError: There are too few or too many seconds.
    """
    sizes = MeasurePlan().sizes if device in (None, "cpu") else GPU_SIZES
    return MeasurePlan.parse({"sizes": sizes, "seconds": seconds}, source="options")


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
    noise = _noise_of(folder / LOG, fingerprint)
    run = _Run(generator, measure_plan, folder / LOG, clock or SystemClock(), report)
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


def _noise_of(log: Path, fingerprint: Fingerprint) -> list[str]:
    """Return what disturbs a run or disturbed its rounds before an interruption, and write it down beside them."""
    now = disturbance(fingerprint)
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"\n{json.dumps({'noise': text})}\n" for text in now)
    return [*_noise_told(log), *now]


def _noise_told(log: Path) -> Iterator[str]:
    for line in log.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if isinstance(told, dict):
                yield told["noise"]


def _keep(measured: Measured, folder: Path) -> None:
    """Write a measurement whole or not at all."""
    partial = folder / f".{FILE}.{os.getpid()}"
    partial.write_text(measured.model_dump_json(indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / FILE)


class _Run:
    """Rounds of batches until their time is over.

    Args:
        generator: Draws.
        measure_plan: Sizes and time.
        log: One line a batch.
        clock: What time is read from.
        report: Receives progress.
    """

    def __init__(
        self, generator: Generator, measure_plan: MeasurePlan, log: Path, clock: Clock, report: Report
    ) -> None:
        self.clock = clock
        self._generator, self._plan, self._log, self._report = generator, measure_plan, log, report
        self._requests = itertools.cycle(requests_of(generator))
        self.times: dict[int, list[float]] = {}
        for size, took in read_rounds(log):
            self.times.setdefault(size, []).append(took)

    def draw_one(self) -> None:
        """Draw a picture alone."""
        self._generator.pipeline.draw([next(self._requests)])

    def tell_power(self, done: int, total: int) -> None:
        """Report windows of power."""
        self._report(Progress(task="measure power", done=done, total=total, unit="windows"))

    def finish(self) -> tuple[Batch, ...]:
        """Draw what the plan still asks for, and return all times."""
        sizes = affordable(self._plan, [self._timed(1) for _ in range(WARM_UP)][-1])
        while not self._is_over(sizes):
            self._round(sizes)
            spent, whole = min(self._spent_s(), self._plan.seconds), self._plan.seconds
            self._report(Progress(task="measure this machine", done=round(spent), total=round(whole), unit="seconds"))
        return tuple(Batch(size=size, times_ms=tuple(self.times[size])) for size in sorted(self.times))

    def _spent_s(self) -> float:
        return sum(map(sum, self.times.values())) / 1000.0

    def _is_over(self, sizes: Sequence[int]) -> bool:
        enough = len(self.times.get(1, ())) >= FEWEST and all(size in self.times for size in sizes)
        return enough and self._spent_s() >= self._plan.seconds

    def _round(self, sizes: Sequence[int]) -> None:
        drawn = [(size, self._timed(size)) for size in (*[1] * (ALONE - 1), *sizes)]
        with self._log.open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps(drawn)}\n")  # what was cut off before ends here
            file.flush()
            os.fsync(file.fileno())
        for size, took in drawn:
            self.times.setdefault(size, []).append(took)

    def _timed(self, size: int) -> float:
        batch = [next(self._requests) for _ in range(size)]
        began = self.clock.now()
        self._generator.pipeline.draw(batch)
        return (self.clock.now() - began) * 1000.0


def requests_of(generator: Generator) -> list[DrawRequest]:
    """Return the pictures that are drawn, as the model draws by default."""
    rows = [PromptRow(prompt=caption) for caption in CAPTIONS]
    return [one.request for one in plan(generator.model, rows, Options(seed=SEED))]


def affordable(measure_plan: MeasurePlan, alone_ms: float) -> list[int]:
    """Return the sizes of which several batches fit into the time, if a batch takes as long as its pictures alone."""
    room = measure_plan.seconds * 1000.0 / FEWEST
    return [size for size in measure_plan.sizes if size == 1 or size * alone_ms <= room]


def read_rounds(log: Path) -> Iterator[tuple[int, float]]:
    """Yield sizes and times of the rounds that were written down, without lines that were cut off."""
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        with contextlib.suppress(ValueError):
            drawn = json.loads(line)
            yield from [] if isinstance(drawn, dict) else [(int(size), float(took)) for size, took in drawn]
