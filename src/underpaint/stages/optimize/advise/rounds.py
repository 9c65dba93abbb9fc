"""Rounds of batches of all sizes in turn, so that a disturbance meets all alike, until their time is over.

Each is written down as soon as it is over. A run that was interrupted goes on behind its last whole line. What
disturbed it is a line too.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from underpaint.core.config import Config
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.planning import Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.clock import Clock
from underpaint.stages.optimize.advise.measured import FEWEST, Batch

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


class Rounds:
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


def with_noise(log: Path, now: Sequence[str]) -> list[str]:
    """Write down what disturbs rounds now, and return it with what disturbed those before an interruption.

    Args:
        log: The file.
        now: Sentences.
    """
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"\n{json.dumps({'noise': text})}\n" for text in now)
    return [*_noise_told(log), *now]


def _noise_told(log: Path) -> Iterator[str]:
    for line in log.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if isinstance(told, dict):
                yield told["noise"]
