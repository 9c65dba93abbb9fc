"""Arithmetic of a picture, and what share of this machine's measured peak the model reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from underpaint.core.errors import SetupError
from underpaint.metrics.estimate import Interval
from underpaint.pipelines.exported_folder import AGAIN, ExportedModel
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.clock import Clock
from underpaint.runtime.flops import Flops, count_flops
from underpaint.runtime.peak import Peak, measure_peak, place
from underpaint.stages.evaluate.drawing.running import device_of, networks
from underpaint.stages.evaluate.efficiency.outcome import Part, exactly, measured, refused
from underpaint.stages.evaluate.efficiency.plan import EfficiencyPlan
from underpaint.stages.evaluate.record import Bounds, Measurement

if TYPE_CHECKING:
    from underpaint.pipelines.generator import Generator


def dtype_of(generator: Generator) -> torch.dtype:
    """Return the type of the numbers that the transformer computes with; that of a graph's noise and norms."""
    is_graph = isinstance(generator.model, ExportedModel)
    return torch.float32 if is_graph else next(networks(generator).network.parameters()).dtype


def recorded(model: ExportedModel, steps: int | None = None) -> Flops:
    """Return the arithmetic that was counted in torch when a model was exported.

    Args:
        model: The exported model.
        steps: Of the picture; where the graphs leave them free, each further one counts.

    Raises:
        SetupError: Its manifest does not tell.
    """
    figures = model.manifest.figures
    if "flops_per_image" not in figures:
        raise SetupError(f"{model.folder} does not tell the arithmetic of a picture; {AGAIN}")
    further = (steps or model.edge.steps or 0) - (model.edge.steps or 0) if model.edge.loop else 0
    return Flops(
        total=figures["flops_per_image"] + further * figures.get("flops_per_step", 0),
        by_operator={},
        not_counted={},
        missed=tuple(figures.get("flops_missed", ())),
        traffic_bytes=figures["traffic_bytes"] + further * figures.get("traffic_bytes_per_step", 0),
    )


def count(generator: Generator, request: DrawRequest) -> tuple[Measurement, Flops]:
    """Count the floating-point operations of one picture drawn alone."""
    model, notes = generator.model, []
    if isinstance(model, ExportedModel):
        flops, notes = recorded(model, request.steps), ["counted in torch when the model was exported"]
    else:
        flops = count_flops(lambda: generator.pipeline.draw([request]))
    notes += [f"a lower bound: no formula for {', '.join(flops.missed)}"] if flops.missed else []
    interval = None if flops.missed else exactly(float(flops.total))
    return measured("flops_per_image", float(flops.total), n=1, interval=interval, message="; ".join(notes)), flops


def fraction(flops: Flops, peak: Peak, latency: Measurement) -> Measurement:
    """Return the share of the peak, as uncertain as the latency in it.

    Args:
        flops: Of one picture.
        peak: Of this machine.
        latency: Typical time of a warm picture.
    """
    if latency.value is None or latency.interval is None:
        return refused("fraction_of_peak", latency.status, f"it needs the latency: {latency.message}", n=latency.n)
    roof = place(flops.total, flops.traffic_bytes, latency.value / 1000.0, peak)
    interval = _inverted(flops.total / peak.flops_per_s * 1000.0, latency.interval)
    message = f"nearer to the bound of {roof.nearer}; {roof.fraction_of_bandwidth:.3g} of the bandwidth at most"
    return measured("fraction_of_peak", roof.fraction_of_peak, n=latency.n, interval=interval, message=message)


def _inverted(best_ms: float, latency: Bounds) -> Interval | None:
    if not latency.low or not latency.high:
        return None
    return Interval(
        low=best_ms / latency.high,
        high=best_ms / latency.low,
        level=latency.level,
        method=latency.method,
        conditional_on="measured peak",
    )


def measure_compute(
    generator: Generator, request: DrawRequest, latency: Measurement, plan: EfficiencyPlan, clock: Clock
) -> Part:
    """Measure arithmetic and peak.

    Args:
        generator: The model.
        request: A picture.
        latency: Typical time of a warm picture.
        plan: Says how long the peak is looked for.
        clock: What time is read from.
    """
    number, flops = count(generator, request)
    peak = measure_peak(
        dtype=dtype_of(generator),
        device=device_of(generator),
        num_threads=generator.pipeline.threads,
        seconds=plan.peak_seconds,
        sides=plan.peak_sides,
        clock=clock,
    )
    share = fraction(flops, peak, latency)
    seconds = (latency.value or 0.0) / 1000.0
    roof = place(flops.total, flops.traffic_bytes, seconds, peak) if seconds else None
    details = {
        "flops_per_image": flops.total,
        "by_operator": flops.by_operator,
        "not_counted": flops.not_counted,
        "missed": list(flops.missed),
        "traffic_bytes": flops.traffic_bytes,
        "peak_flops": peak.flops_per_s,
        "peak_by_side": {str(side): speed for side, speed in peak.by_side.items()},
        "peak_bandwidth": peak.bytes_per_s,
        "dtype": peak.dtype,
        "threads": peak.num_threads,
        "fraction_of_peak": roof and roof.fraction_of_peak,
        "fraction_of_bandwidth": roof and roof.fraction_of_bandwidth,
        "nearer_bound": roof and roof.nearer,
    }
    return Part(measurements=[number, share], details=details)
