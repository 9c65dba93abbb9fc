"""The whole efficiency of a model, part after part; what cannot be measured says why and stops nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from underpaint.adapters import nvml
from underpaint.core.errors import InputError, SetupError
from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.clock import Clock, SystemClock
from underpaint.runtime.host import Host, describe_host, noise
from underpaint.stages.evaluate.drawing.running import device_of, engine_of, with_its_graph
from underpaint.stages.evaluate.efficiency import latency
from underpaint.stages.evaluate.efficiency.outcome import Part, guarded
from underpaint.stages.evaluate.efficiency.plan import EfficiencyPlan
from underpaint.stages.evaluate.efficiency.prices import Prices
from underpaint.stages.evaluate.efficiency.session import PARTS, WARM, Session
from underpaint.stages.evaluate.record import Curve, Measurement

if TYPE_CHECKING:
    import torch

    from underpaint.pipelines.generator import Generator

UNTIMED = frozenset({"flops_per_image", "weights_mb", "peak_rss_mb", "training_cost"})
"""Numbers that a busy machine does not change."""


@dataclass(frozen=True, kw_only=True)
class EfficiencyResult:
    """What was measured.

    Args:
        measurements: The numbers, refused ones included.
        details: What lies behind them: ``latency``, ``load_test``, ``memory``, ``compute``, ``energy``, ``carbon``,
            ``cost``, ``plan``.
        curves: Latency over load.
        environment: The machine before and after, ``noisy`` and ``noise``.
    """

    measurements: list[Measurement]
    details: dict[str, Any] = field(default_factory=dict)
    curves: list[Curve] = field(default_factory=list)
    environment: dict[str, Any] = field(default_factory=dict)


def measure(
    generator: Generator,
    requests: Sequence[DrawRequest],
    plan: EfficiencyPlan,
    prices: Prices,
    report: Report = silent,
    *,
    clock: Clock | None = None,
) -> EfficiencyResult:
    """Measure the efficiency of a model.

    Args:
        generator: The model, as it is used: device and threads count.
        requests: Pictures to draw, in turn.
        plan: How much.
        prices: What machines and electricity cost.
        report: Receives progress, a step a part.
        clock: What time is read from.

    Raises:
        InputError: There is nothing to draw.
    """
    if not requests:
        raise InputError("the efficiency needs at least one picture to draw")
    generator = with_its_graph(generator)
    session = Session(generator=generator, requests=requests, plan=plan, prices=prices, clock=clock or SystemClock())
    moments, done = [describe_host()], session.done
    for index, (name, (metrics, work)) in enumerate(PARTS.items()):
        report(Progress(task=f"efficiency: {name}", done=index, total=len(PARTS), unit="parts"))
        done[name] = guarded(metrics, lambda work=work: work(session))
        moments.append(describe_host())
    report(Progress(task="efficiency", done=len(PARTS), total=len(PARTS), unit="parts"))
    reasons = noise(moments, device_slowdowns(device_of(generator)))
    return EfficiencyResult(
        measurements=[marked(one, reasons) for part in done.values() for one in part.measurements],
        details=details_of(done, plan),
        curves=[curve for part in done.values() for curve in part.curves],
        environment=environment(moments, reasons, generator),
    )


def marked(one: Measurement, reasons: Sequence[str]) -> Measurement:
    """Say in a number's message that the machine was noisy, if the number can suffer from that."""
    if not reasons or one.status != "ok" or one.metric in UNTIMED:
        return one
    message = f"measured on a noisy machine ({'; '.join(reasons)})"
    return one.model_copy(update={"message": f"{one.message}; {message}" if one.message else message})


def details_of(done: dict[str, Part], plan: EfficiencyPlan) -> dict[str, Any]:
    """Return the details of all parts, arranged as a report shows them."""
    shown = {key: value for key, value in done["warm latency"].details.items() if key != "times_ms"}
    return {
        "latency": {**done["cold start"].details, **shown, "throughput": done["throughput"].details},
        **done["load"].details,
        "memory": {**done["memory"].details, **done["weights"].details},
        "compute": done["arithmetic"].details,
        "energy": done["energy"].details,
        **done["cost"].details,
        "plan": plan.model_dump(mode="json"),
    }


def device_slowdowns(device: torch.device) -> list[str]:
    """Return why a GPU's clocks are lowered; empty where nothing tells."""
    if device.type != "cuda":
        return []
    try:
        return nvml.Gpu(device.index or 0).slowdowns()
    except (SetupError, OSError):
        return []


def environment(moments: Sequence[Host], reasons: list[str], generator: Generator | None = None) -> dict[str, Any]:
    """Return the machine for ``environment`` of a report."""
    before, after = moments[0], moments[-1]
    return {
        **before.as_dict(),
        "load_average_after": after.load_average,
        "temperature_c_after": after.temperature_c,
        **({} if generator is None else used_by(generator)),
        "noisy": bool(reasons),
        "noise": reasons,
    }


def used_by(generator: Generator) -> dict[str, Any]:
    """Return what of the machine a model uses, and through what."""
    return {
        "threads": generator.pipeline.threads,
        "device": str(device_of(generator)),
        "engine": engine_of(generator),
    }


def measure_callable(
    draw: Callable[[int], object], plan: EfficiencyPlan, report: Report = silent, *, clock: Clock | None = None
) -> EfficiencyResult:
    """Measure the warm latency of a function; all else would need to know what lies behind it.

    Args:
        draw: Draws the picture of an index and returns when it is there.
        plan: How much.
        report: Receives progress.
        clock: What time is read from.
    """
    report(Progress(task="efficiency: warm latency", done=0, total=1, unit="parts"))
    moments, clock = [describe_host()], clock or SystemClock()
    part = guarded(WARM, lambda: latency.warm(draw, plan.warm_calls, plan.warm_limit_s, plan.warmup_calls, clock))
    moments.append(describe_host())
    report(Progress(task="efficiency", done=1, total=1, unit="parts"))
    reasons = noise(moments)
    return EfficiencyResult(
        measurements=[marked(one, reasons) for one in part.measurements],
        details={"latency": {key: value for key, value in part.details.items() if key != "times_ms"}},
        environment=environment(moments, reasons),
    )
