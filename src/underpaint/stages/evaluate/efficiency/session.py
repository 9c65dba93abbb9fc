"""The parts of the efficiency measurement of one model; later parts use what earlier ones found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.clock import Clock
from underpaint.runtime.timing import synchronize
from underpaint.stages.evaluate.drawing.running import device_of
from underpaint.stages.evaluate.efficiency import compute, cost, energy, latency, memory, serving
from underpaint.stages.evaluate.efficiency.interleaved import drawing
from underpaint.stages.evaluate.efficiency.outcome import Part, refused
from underpaint.stages.evaluate.efficiency.plan import EfficiencyPlan
from underpaint.stages.evaluate.efficiency.prices import Prices
from underpaint.stages.evaluate.record import Measurement

if TYPE_CHECKING:
    from underpaint.pipelines.generator import Generator

WARM = tuple(f"latency_{name}_ms" for name in latency.PERCENTILES)


@dataclass(frozen=True, kw_only=True)
class Session:
    """One model on its way through the parts.

    Args:
        generator: The model, as it is used.
        requests: Pictures to draw, in turn.
        plan: How much.
        prices: What machines and electricity cost.
        clock: What time is read from.
        done: The parts so far.
    """

    generator: Generator
    requests: Sequence[DrawRequest]
    plan: EfficiencyPlan
    prices: Prices
    clock: Clock
    done: dict[str, Part] = field(default_factory=dict)

    @property
    def draw(self) -> Callable[[int], object]:
        """Draws the picture of an index and waits for it."""
        return drawing(self.generator, self.requests)

    def draw_batch(self, requests: Sequence[DrawRequest]) -> None:
        """Draw a batch and wait for it."""
        self.generator.pipeline.draw(requests)
        synchronize(device_of(self.generator))

    def number(self, metric: str) -> Measurement:
        """Return a number of the parts so far."""
        return next(one for part in self.done.values() for one in part.measurements if one.metric == metric)

    def cold(self) -> Part:
        """Measure the time from the shell to the first picture."""
        if not self.plan.cold_runs:
            return left_out(["latency_cold_ms"])
        return latency.cold(self.generator, self.requests, self.plan.cold_runs)

    def warm(self) -> Part:
        """Measure pictures drawn one at a time, and the parts of drawing."""
        plan = self.plan
        if not plan.warm_calls:
            return left_out(WARM)
        part = latency.warm(self.draw, plan.warm_calls, plan.warm_limit_s, plan.warmup_calls, self.clock)
        parts_ms = latency.parts(self.generator, self.requests, plan.parts_calls)
        return Part(measurements=part.measurements, details=part.details | {"parts_ms": parts_ms})

    def throughput(self) -> Part:
        """Measure batches that follow each other."""
        plan = self.plan
        if not plan.batches:
            return left_out(["throughput_per_s"])
        return latency.throughput(
            self.draw_batch,
            self.requests,
            batch_size=plan.batch_size,
            batches=plan.batches,
            limit_s=plan.batch_limit_s,
            clock=self.clock,
        )

    def load(self) -> Part:
        """Measure latency under load."""
        times_ms = self.done["warm latency"].details.get("times_ms", [])
        return serving.measure_load(self.draw, times_ms, self.plan, self.clock)

    def memory(self) -> Part:
        """Measure peak memory."""
        if not self.plan.memory_runs:
            return left_out(["peak_rss_mb"])
        return memory.measure_memory(self.generator, self.requests, self.plan.memory_runs)

    def weights(self) -> Part:
        """Measure the size of the weights."""
        return memory.weights(self.generator)

    def arithmetic(self) -> Part:
        """Count the arithmetic, and measure what the machine can do."""
        typical = self.number("latency_p50_ms")
        return compute.measure_compute(self.generator, self.requests[0], typical, self.plan, self.clock)

    def energy(self) -> Part:
        """Measure or model energy."""
        if not self.plan.energy_windows:
            return left_out([energy.METRIC])
        meters = energy.find_meters(device_of(self.generator), self.plan.watts_per_core)
        return energy.measure_energy(self.draw, meters, self.plan, self.clock)

    def cost(self) -> Part:
        """Work out cost and carbon."""
        figures = self.generator.model.manifest.figures
        return cost.measure_cost(self.number(serving.METRIC), self.number(energy.METRIC), figures, self.prices)


PARTS: dict[str, tuple[tuple[str, ...], Callable[[Session], Part]]] = {
    "cold start": (("latency_cold_ms",), Session.cold),
    "warm latency": (WARM, Session.warm),
    "throughput": (("throughput_per_s",), Session.throughput),
    "load": ((serving.METRIC,), Session.load),
    "memory": (("peak_rss_mb",), Session.memory),
    "weights": (("weights_mb",), Session.weights),
    "arithmetic": (("flops_per_image", "fraction_of_peak"), Session.arithmetic),
    "energy": ((energy.METRIC,), Session.energy),
    "cost": (("cost_per_1000", "carbon_g_per_1000", "training_cost"), Session.cost),
}
"""Name to the numbers that a part owes and what measures them, in order."""


def left_out(metrics: Sequence[str]) -> Part:
    """Return the outcome of a part that the plan leaves out."""
    message = "the efficiency plan leaves it out; choose a larger one"
    return Part(measurements=[refused(metric, "not_applicable", message) for metric in metrics])
