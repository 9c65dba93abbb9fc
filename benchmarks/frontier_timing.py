"""How long a picture of every point takes: all of them in turn, round after round, on one thread.

A round draws one picture by every point, and a batch of 8 by some; the order turns around every round, so that whatever
else the machine does meets all of them alike. Every round is written down at once, with the load of the machine, and a
run that was stopped goes on after a new warm-up. Arithmetic is counted, and the speed of plain matrix products is
measured before and after.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from frontier_drawing import Asked, Opened, unwatched
from frontier_points import Family, Point

from underpaint.core.config import Config, digest_of
from underpaint.metrics.interval import order_statistic, ratio_of_medians
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.device import CPU, threads
from underpaint.runtime.flops import count_flops
from underpaint.runtime.peak import measure_peak
from underpaint.runtime.timing import Stopwatch

WARM_UPS = 5
BATCH = 8
PEAK_SIDES, PEAK_SECONDS = (512, 1024, 2048), 1.0
Cell = tuple[str, int]
"""Name of a point and number of pictures drawn together."""
TOTAL = "total"


@dataclass(frozen=True, kw_only=True)
class Timed:
    """Everything that is timed in one run.

    Args:
        models: Family to model.
        points: The points with their complete settings.
        asked: Where the captions come from.
        log: File of the rounds, one JSON object a line.
    """

    models: Mapping[Family, Opened]
    points: Sequence[tuple[Point, Config]]
    asked: Asked
    log: Path

    @property
    def cells(self) -> list[tuple[Point, Config, int]]:
        """What a round consists of."""
        single = [(point, sampling, 1) for point, sampling in self.points if not point.number]
        return single + [(point, sampling, BATCH) for point, sampling in self.points if point.batched]

    def requests(self, round_: int, count: int) -> list[DrawRequest]:
        """Return the requests of a round, the same for every point."""
        every = self.asked.requests()
        return [every[(round_ * count + index) % len(every)] for index in range(count)]

    def draw(self, point: Point, sampling: Config, requests: Sequence[DrawRequest]) -> dict[str, float]:
        """Return the milliseconds a picture that drawing takes, in all and by stage."""
        pipeline, watch = self.models[point.family].set(sampling), Stopwatch(CPU)
        began = time.perf_counter()
        pipeline.draw_alike(requests, watch.mark)
        watch.stop()
        total = (time.perf_counter() - began) * 1000.0
        return {stage: ms / len(requests) for stage, ms in ((TOTAL, total), *watch.totals_ms.items())}

    def round(self, round_: int) -> dict[str, Any]:
        """Draw everything once."""
        cells = self.cells if round_ % 2 == 0 else self.cells[::-1]
        load = os.getloadavg()[0]
        found = [
            [point.name, count, self.draw(point, sampling, self.requests(round_, count))]
            for point, sampling, count in cells
        ]
        return {"round": round_, "load": [load, os.getloadavg()[0]], "cells": found}

    def rounds_done(self) -> int:
        """Return the number of earlier rounds in which all that is to be timed was timed together."""
        wanted = {(point.name, count) for point, _, count in self.cells}
        rounds = ({(name, count) for name, count, _ in record["cells"]} for record in read_rounds(self.log))
        return sum(wanted <= timed for timed in rounds)

    def run(self, rounds: int) -> Iterator[int]:
        """Time up to ``rounds`` rounds in all, those of earlier runs counted; yields their numbers."""
        done = self.rounds_done()
        with torch.inference_mode(), threads(1):
            if done < rounds:
                self.write({"peak_flops_per_s": peak()})
                for warm_up in range(WARM_UPS):
                    self.round(warm_up)
            for number in range(done, rounds):
                self.write(self.round(number))
                yield number
        if done < rounds:
            self.write({"peak_flops_per_s": peak()})

    def count(self) -> None:
        """Count the arithmetic of one picture of every point, where that is not done yet."""
        known = read_counts(self.log)
        for point, sampling in self.points:
            if point.name not in known and not point.number:
                flops = count_work(self.models[point.family], sampling, self.requests(0, 1))
                self.write({"counted": point.name, "macs": flops // 2})

    def write(self, record: Mapping[str, Any]) -> None:
        """Write a record at the end of the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def log_of(work: Path, models: Mapping[Family, Opened]) -> Path:
    """Return the file of the rounds of these very models; a round may hold some of the points alone."""
    digests = {family: opened.digest for family, opened in models.items()}
    return work / f"timing-{digest_of(digests)[:16]}.jsonl"


def count_work(opened: Opened, sampling: Config, requests: Sequence[DrawRequest]) -> int:
    """Return the floating-point operations of drawing requests."""
    pipeline = opened.set(sampling)
    with torch.inference_mode(), threads(1):
        return count_flops(lambda: pipeline.draw_alike(requests, unwatched)).total


def peak() -> float:
    """Return the multiplications and additions a second of plain matrix products on one thread."""
    return measure_peak(num_threads=1, seconds=PEAK_SECONDS, sides=PEAK_SIDES, triad_bytes=2**24).flops_per_s


def read_log(log: Path) -> list[dict[str, Any]]:
    """Return the records of a log; a last line that a stopped run left half is passed over."""
    if not log.is_file():
        return []
    lines = log.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1]]


def read_rounds(log: Path) -> list[dict[str, Any]]:
    """Return the rounds of a log."""
    return [record for record in read_log(log) if "round" in record]


def read_counts(log: Path) -> dict[str, int]:
    """Return name of a point to multiply-adds a picture."""
    return {record["counted"]: record["macs"] for record in read_log(log) if "counted" in record}


def times_of(log: Path) -> dict[Cell, dict[str, np.ndarray]]:
    """Return, for every cell and stage, milliseconds a picture by round ``[R]``."""
    found: dict[Cell, dict[str, list[float]]] = {}
    for record in read_rounds(log):
        for name, count, stages in record["cells"]:
            cell = found.setdefault((name, count), {})
            for stage, ms in stages.items():
                cell.setdefault(stage, []).append(ms)
    return {cell: {stage: np.array(ms) for stage, ms in stages.items()} for cell, stages in found.items()}


def summary_of(stages: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the median of every stage, and of the total its interval and 95th percentile."""
    total = stages[TOTAL]
    interval = order_statistic(total, 0.5) if len(total) >= 6 else None
    return {
        "rounds": len(total),
        "median_ms": float(np.median(total)),
        "interval_ms": [interval.low, interval.high] if interval else None,
        "p95_ms": float(np.quantile(total, 0.95)),
        "stages_ms": {stage: float(np.median(ms)) for stage, ms in stages.items() if stage != TOTAL},
    }


def ratio_of(slower: Sequence[float] | np.ndarray, faster: Sequence[float] | np.ndarray) -> dict[str, float]:
    """Return by how much one takes longer than the other, with its interval, from rounds ``[R]`` of both in turn."""
    found = ratio_of_medians(slower, faster, np.random.default_rng(0))
    assert found.interval is not None
    return {"value": found.value, "low": found.interval.low, "high": found.interval.high}


def conditions_of(log: Path) -> dict[str, Any]:
    """Return load and peak of a log's run."""
    loads = [load for record in read_rounds(log) for load in record["load"]]
    peaks = [record["peak_flops_per_s"] for record in read_log(log) if "peak_flops_per_s" in record]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "load_median": float(np.median(loads)) if loads else None,
        "load_max": max(loads, default=None),
        "cores": cores,
        "busy": bool(loads) and max(loads) > cores,
        "peak_gmac_per_s": [flops / 2e9 for flops in peaks],
    }
