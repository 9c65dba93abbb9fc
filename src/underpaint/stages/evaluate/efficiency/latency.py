"""How long a picture takes: from the shell in a new process, and drawn one after the other in a warm one.

Percentiles have distribution-free intervals, and none is given that the number of calls cannot support.

Source: David and Nagaraja, Order Statistics, section 7.1.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from underpaint.core.errors import MetricError, TooFewSamples
from underpaint.metrics.estimate import Interval
from underpaint.metrics.interval import order_statistic
from underpaint.pipelines.settings import SEED_MAX, DrawRequest
from underpaint.runtime.clock import Clock, SystemClock
from underpaint.runtime.timing import Stopwatch
from underpaint.stages.evaluate.drawing.running import TORCH, device_of, engine_of
from underpaint.stages.evaluate.efficiency.outcome import Part, measured, refused
from underpaint.stages.evaluate.record import Measurement

if TYPE_CHECKING:
    from underpaint.pipelines.generator import Generator

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
AGREE = 0.05
SETTLED_CALLS = 3
MIN_COLD = 6


@dataclass(frozen=True, kw_only=True)
class Warmup:
    """Calls before measuring.

    Args:
        times_ms: How long each took.
        settled: Whether the last three agreed within 5 %.
    """

    times_ms: list[float]
    settled: bool


def timed_ms(call: Callable[[], object], clock: Clock) -> float:
    """Return how long a call takes; the call waits for its device itself."""
    began = clock.now()
    call()
    return (clock.now() - began) * 1000.0


def warm_up(call: Callable[[], object], clock: Clock, most: int) -> Warmup:
    """Call until three in a row agree within 5 %, and at most ``most`` times."""
    times: list[float] = []
    settled = False
    while not settled and len(times) < most:
        times.append(timed_ms(call, clock))
        last = times[-SETTLED_CALLS:]
        settled = len(last) == SETTLED_CALLS and max(last) <= min(last) * (1 + AGREE)
    return Warmup(times_ms=times, settled=settled)


def repeat(call: Callable[[int], object], count: int, limit_s: float, clock: Clock) -> list[float]:
    """Return the times in milliseconds of up to ``count`` calls, as many as fit into ``limit_s``, at least one."""
    times: list[float] = []
    began = clock.now()
    for index in range(count):
        times.append(timed_ms(lambda index=index: call(index), clock))
        if clock.now() - began >= limit_s:
            break
    return times


def percentile(metric: str, times_ms: Sequence[float], quantile: float, message: str = "") -> Measurement:
    """Return a percentile with its order-statistic interval, or its refusal where there are too few calls."""
    try:
        interval = order_statistic(times_ms, quantile)
    except TooFewSamples as error:
        return refused(metric, "too_few", str(error), n=len(times_ms))
    value = float(np.quantile(times_ms, quantile))
    return measured(metric, value, n=len(times_ms), interval=interval, message=message)


def warm(call: Callable[[int], object], count: int, limit_s: float, warmup_calls: int, clock: Clock) -> Part:
    """Measure warm calls, one at a time.

    Args:
        call: Draws the picture of an index and waits for it.
        count: Number of calls.
        limit_s: Longest time.
        warmup_calls: Most calls before.
        clock: What time is read from.
    """
    warmup = warm_up(lambda: call(0), clock, warmup_calls)
    times = repeat(call, count, limit_s, clock)
    message = "" if warmup.settled else f"{warmup_calls} calls of warm-up did not agree within {AGREE:.0%}"
    numbers = [percentile(f"latency_{name}_ms", times, q, message) for name, q in PERCENTILES.items()]
    details = {
        "warm_ms": {name: summary(one) for name, one in zip(PERCENTILES, numbers, strict=True)},
        "warmup": {"calls": len(warmup.times_ms), "settled": warmup.settled, "first_ms": warmup.times_ms[0]},
        "times_ms": times,
    }
    return Part(measurements=numbers, details=details)


def summary(one: Measurement) -> dict[str, Any]:
    """Return a number for the details of a report."""
    if one.value is None or one.interval is None:
        return {"status": one.status, "message": one.message, "n": one.n}
    return {"value": one.value, "low": one.interval.low, "high": one.interval.high, "n": one.n}


def parts(generator: Generator, requests: Sequence[DrawRequest], count: int) -> dict[str, float]:
    """Return the median time in milliseconds of each part of drawing a picture.

    Args:
        generator: A warm model.
        requests: Drawn in turn.
        count: Pictures.
    """
    seen: dict[str, list[float]] = {}
    for request in itertools.islice(itertools.cycle(requests), count):
        watch = Stopwatch(device_of(generator))
        generator.pipeline.draw([request], on_stage=watch.mark)
        watch.stop()
        for stage, spent in watch.totals_ms.items():
            seen.setdefault(stage, []).append(spent)
    return {stage: float(np.median(times)) for stage, times in seen.items()}


def throughput(
    draw: Callable[[Sequence[DrawRequest]], object],
    requests: Sequence[DrawRequest],
    *,
    batch_size: int,
    batches: int,
    limit_s: float,
    clock: Clock,
) -> Part:
    """Measure pictures a second when batch follows batch: the batch size over the median time of a batch.

    Args:
        draw: Draws a batch and waits for it.
        requests: Drawn in turn.
        batch_size: Pictures in a batch.
        batches: Number of batches.
        limit_s: Longest time.
        clock: What time is read from.
    """
    endless = itertools.cycle(requests)
    ready = [list(itertools.islice(endless, batch_size)) for _ in range(batches)]
    times = np.array(repeat(lambda index: draw(ready[index]), batches, limit_s, clock)) / 1000.0
    found = order_statistic(times, 0.5)
    interval = Interval(
        low=batch_size / found.high, high=batch_size / found.low, level=found.level, method=found.method
    )
    value = batch_size / float(np.median(times))
    number = measured("throughput_per_s", value, n=len(times), interval=interval, message=f"in batches of {batch_size}")
    return Part(measurements=[number], details={"batch_size": batch_size, "batch_s": times.tolist()})


def cold_command(generator: Generator, request: DrawRequest, out: str) -> list[str]:
    """Return the command that draws one picture in a new process."""
    engine = engine_of(generator)
    command = [sys.executable, "-m", "underpaint", "generate", request.caption, "--no-sheet", "--out", out]
    command += ["--model", generator.model.address, "--seed", str(request.seed % (SEED_MAX + 1))]
    command += ["--threads", str(generator.pipeline.threads), "--engine", engine]
    command += ["--device", str(device_of(generator))] if engine == TORCH else []
    given = {"--style": request.style, "--guidance": request.guidance, "--steps": request.steps}
    return command + [str(word) for pair in given.items() if pair[1] is not None for word in pair]


def cold(generator: Generator, requests: Sequence[DrawRequest], runs: int, clock: Clock | None = None) -> Part:
    """Measure the time from the shell to the first picture, in processes of their own.

    The first run reads files that later ones find in the system's cache; it is dropped. The command takes no
    temperature: where the request has one, the message says that the model's own was used.

    Args:
        generator: The model; only its folder, device and threads matter.
        requests: The first one is drawn.
        runs: Processes that count.
        clock: What time is read from.

    Raises:
        MetricError: A process fails.
    """
    clock, times = clock or SystemClock(), []
    for _ in range(runs + 1):
        with tempfile.TemporaryDirectory(prefix="underpaint-cold-") as out:
            command = cold_command(generator, requests[0], out)
            times.append(timed_ms(lambda command=command: _run(command), clock))
    return cold_from(times[1:], first_ms=times[0], note=unasked(requests[0]))


def unasked(request: DrawRequest) -> str:
    """Return what of a request the command has no option for, in words; empty if nothing."""
    if request.temperature is None:
        return ""
    return f"the model's own temperature instead of {request.temperature:g}, for which the command has no option"


def cold_from(times_ms: Sequence[float], first_ms: float, note: str = "") -> Part:
    """Return the number that times of new processes make.

    Args:
        times_ms: Of the processes that count.
        first_ms: Of the one before them.
        note: What a reader must know besides.
    """
    details = {"cold_runs_ms": list(times_ms), "cold_first_ms": first_ms}
    message = "; ".join(filter(None, ("median of new processes, files in the system's cache", note)))
    number = percentile("latency_cold_ms", times_ms, 0.5, message)
    return Part(measurements=[number], details={**details, "cold_ms": summary(number)})


def _run(command: list[str]) -> None:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise MetricError(f"a new process could not draw (exit code {finished.returncode}): {finished.stderr[-500:]}")
