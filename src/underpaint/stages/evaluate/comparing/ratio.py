"""The difference of two efficiency figures: on the log scale, from the interval of each, and only on equal machines."""

from __future__ import annotations

import math
from typing import Any

from underpaint.metrics.estimate import normal_quantile
from underpaint.stages.evaluate.comparing.pairing import Difference
from underpaint.stages.evaluate.record import Measurement, Report

MACHINE = ("cpu", "cores", "physical_cores", "quota", "threads", "gpu", "device")
TIMELESS = ("MB", "FLOP")
"""Units of figures that a busy machine does not change."""


def machine_differences(candidate: Report, baseline: Report) -> list[str]:
    """Say in what the two machines differ, or what is not known about them."""
    first, second = candidate.environment, baseline.environment
    if not (first.get("cpu") and second.get("cpu")):
        return ["a report does not say which processor it was measured on"]
    return [
        f"{key} {second.get(key)!r:.60} against {first.get(key)!r:.60}"
        for key in MACHINE
        if first.get(key) != second.get(key)
    ]


def disturbance(environment: dict[str, Any], unit: str) -> str:
    """Return why a figure cannot be trusted on a machine that was not quiet; empty if it can."""
    noisy = environment.get("noisy")
    if not noisy or unit in TIMELESS:
        return ""
    reasons = environment.get("noise") or (noisy if isinstance(noisy, list) else [])
    return "; ".join(map(str, reasons)) or "the machine was busy"


def center_of(measurement: Measurement) -> float:
    """Return what the interval of a figure is drawn around: the value without bias, or else the middle of the interval.

    Args:
        measurement: A figure with a value.
    """
    center = measurement.value if measurement.value_debiased is None else measurement.value_debiased
    assert center is not None
    bounds = measurement.interval
    if bounds is None or bounds.low is None or bounds.high is None or bounds.low <= center <= bounds.high:
        return center
    return (bounds.low + bounds.high) / 2


def standard_error(measurement: Measurement, *, log: bool) -> float | None:
    """Return the standard error of a figure, from the wider side of its interval where there is one.

    Args:
        measurement: A figure with a value.
        log: Whether that of its logarithm.

    Returns:
        None if the report gives neither an interval with two ends nor a standard error.
    """
    value, bounds = center_of(measurement), measurement.interval
    if bounds is None:
        se = measurement.se
        return None if se is None else (se / abs(value) if log else se)
    low, high = bounds.low, bounds.high
    if low is None or high is None or (log and low <= 0):
        return None
    ends = [math.log(end / value) for end in (low, high)] if log else [low - value, high - value]
    return max(map(abs, ends)) / normal_quantile(0.5 + bounds.level / 2)


def ratio_of(candidate: Measurement, baseline: Measurement, *, log: bool = True) -> Difference | str:
    """Return the difference of two figures whose errors are independent, or why it cannot be told.

    Args:
        candidate: Its figure.
        baseline: Likewise.
        log: Whether to compare the logarithms, so that the difference is a ratio.
    """
    first, second = candidate.value, baseline.value
    assert first is not None
    assert second is not None
    if log and min(first, second) <= 0:
        return f"a ratio needs figures above 0, got {second:.4g} and {first:.4g}; give an absolute margin"
    errors = [standard_error(figure, log=log) for figure in (candidate, baseline)]
    if errors[0] is None or errors[1] is None:
        return "a report gives no interval for it; measure again with more repetitions"
    delta = math.log(first / second) if log else first - second
    return Difference(
        delta=delta,
        se=math.hypot(errors[0], errors[1]),
        n=min(candidate.n, baseline.n),
        base=second,
        scale="log ratio" if log else "difference",
    )
