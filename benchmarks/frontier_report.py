"""The figures of the comparison as plain values: what the JSON file holds, and the panels of the plot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from frontier_drawing import Opened
from frontier_plot import Panel, Spot
from frontier_points import DEFAULT, REDRAWN, SWEEP_STEPS, Family
from frontier_quality import MEASURES, center_of, overall
from frontier_timing import BATCH, TOTAL, conditions_of, summary_of
from frontier_verdict import READINGS, SCOPES, Table, controls, fixed_steps, verdict_sentence, verdicts
from machine import describe_machine

from underpaint.metrics.equal_quality import not_worse
from underpaint.metrics.estimate import Estimate


def plain(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as plain values."""
    ends = estimate.interval
    return {"value": center_of(estimate), "se": estimate.se, "interval": [ends.low, ends.high] if ends else None}


def point_of(table: Table, name: str, peak_macs: float | None) -> dict[str, Any]:
    """Return everything about a point."""
    latency = {str(n): summary_of(table.times[name, n]) for n in (1, BATCH) if (name, n) in table.times}
    macs = table.macs.get(name)
    reached = macs / (latency["1"]["median_ms"] / 1000.0) / peak_macs if macs and peak_macs and latency else None
    losses = table.losses(DEFAULT, name, SCOPES["both"])
    return {
        "family": table.points[name].family,
        "macs": macs,
        "latency": latency,
        "fraction_of_peak": reached,
        "quality": {
            measure: {split: plain(one) for split, one in found.items()}
            for measure, found in table.quality[name].items()
        },
        "overall": {measure: plain(one) for measure, one in overall(table.quality[name]).items()},
        "losses": {
            measure.name: {"value": one.value, "se": one.se, "upper": one.upper(), "margin": one.margin}
            for measure, one in zip(MEASURES, losses, strict=True)
        },
        "not_worse": {reading: not_worse(losses, level) for reading, level in READINGS.items()},
    }


def model_of(opened: Opened) -> dict[str, Any]:
    """Return what identifies a model."""
    parameters = {name: sum(p.numel() for p in module.parameters()) for name, module in opened.pipeline.modules.items()}
    return {
        "folder": opened.folder,
        "sha256": opened.digest,
        "sampling": opened.base.model_dump(mode="json"),
        "parameters": parameters,
        "figures": dict(opened.figures),
    }


def document_of(
    models: Mapping[Family, Opened], table: Table, log: Path, guidance: tuple[Mapping[str, Any], Mapping[str, float]]
) -> dict[str, Any]:
    """Return what the JSON file holds.

    Args:
        models: Family to model.
        table: What was measured.
        log: Of the rounds of timing.
        guidance: What was chosen for the flow model, and the score of all that were tried; lower is better.
    """
    conditions, found, passes = conditions_of(log), verdicts(table), controls(table)
    peaks = conditions["peak_gmac_per_s"]
    peak_macs = max(peaks) * 1e9 if peaks else None
    chosen = {key: getattr(value, "model_dump", lambda value=value: value)() for key, value in guidance[0].items()}
    most = max((table.points[name].settings.get("steps", 0) for name in table.names("flow")), default=0)
    return {
        "what": "hybrid_vs_diffusion",
        "verdict": verdict_sentence(found, most, passes=passes.get(REDRAWN, {}).get("both", False)),
        "verdicts": found,
        "fixed_steps": fixed_steps(table),
        "controls": passes,
        "most_steps": most,
        "captions": {split: len(asked.samples) for split, asked in table.asked.items()},
        "margins": {measure.name: measure.margin for measure in MEASURES},
        "guidance": chosen,
        "guidance_sweep": dict(guidance[1]),
        "sweep_steps": SWEEP_STEPS,
        "default": models["hybrid"].base.model_dump(mode="json"),
        "rounds": len(table.times[DEFAULT, 1][TOTAL]) if table.timed else 0,
        "conditions": conditions,
        "machine": describe_machine(),
        "models": {family: model_of(opened) for family, opened in models.items()},
        "points": {name: point_of(table, name, peak_macs) for name in table.points},
    }


def panels_of(table: Table) -> tuple[list[Panel], str]:
    """Return a panel for each judged measure, and the name of the cost."""
    panels = [
        Panel(
            title=f"{measure.name} ({measure.better} is better)",
            lower=measure.better == "lower",
            spots=[
                spot_of(table, name, measure.name, cost)
                for family in get_args(Family)
                for name, cost in table.costs(family).items()
            ],
        )
        for measure in MEASURES
    ]
    return panels, "milliseconds a picture, one thread" if table.timed else "multiply-adds a picture"


def spot_of(table: Table, name: str, measure: str, cost: float) -> Spot:
    """Return one point of a panel; fixed steps of the flow model and the hybrid's default are named."""
    point, found = table.points[name], overall(table.quality[name])[measure]
    timed = summary_of(table.times[name, 1])["interval_ms"] if (name, 1) in table.times else None
    ends = found.interval
    steps = f"{point.settings['steps']}" if point.family in ("flow", "few-step") and point.batched else ""
    return Spot(
        name=name,
        family=point.family,
        x=cost,
        x_ends=tuple(timed) if timed else (cost, cost),
        y=center_of(found),
        y_ends=(ends.low, ends.high) if ends else (center_of(found), center_of(found)),
        label="default" if name == DEFAULT else steps,
    )
