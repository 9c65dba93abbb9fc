"""Findings: what the numbers of a report say, in plain sentences, the most important first.

Each finding is a rule over measurements; a rule that has nothing to say says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from underpaint.metrics.estimate import normal_quantile
from underpaint.stages.evaluate.catalog.table import info_of
from underpaint.stages.evaluate.record import ControlRecord, Measurement

TWICE = 1.96
"""Standard errors for an interval."""
LEAST_MOVED = 3.5
"""Standard errors that a null control's number must at least be off by, however few numbers are looked at."""
CHANCE = 0.05
"""Probability that chance alone makes a finding of a control, over all numbers looked at together."""
MANY_LEVELS = 3
JUDGED_WELL = 0.3
"""Share of real drawings that the classifiers must accept, for a level to be worth a sentence."""


def _find(metrics: Iterable[Measurement], name: str, group: str = "") -> Measurement | None:
    """Return the first measurement of a metric that has a value."""
    return next((m for m in metrics if m.metric == name and m.group == group and m.value is not None), None)


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{100 * value:.0f} %"


def composition_finding(metrics: Sequence[Measurement]) -> str:
    """Say how often held-out combinations come out right, and how often the judge itself is right on real drawings."""
    overall = _find(metrics, "composition_accuracy")
    if overall is None:
        return ""
    text = f"Of combinations that training never showed, {_percent(overall.value)} come out right"
    if overall.interval is not None:
        text += f" (95 % interval {_percent(overall.interval.low)} to {_percent(overall.interval.high)})"
    if overall.ceiling is not None:
        text += f"; the same classifiers accept {_percent(overall.ceiling)} of the real drawings"
    return f"{text}."


def weakest_finding(metrics: Sequence[Measurement]) -> str:
    """Name the kind of combination with the lowest share, beside its ceiling."""
    levels = [m for m in metrics if m.metric == "composition_accuracy" and m.group and m.value is not None]
    levels = [m for m in levels if (m.ceiling or 0.0) >= JUDGED_WELL]
    if len(levels) < MANY_LEVELS:
        return ""
    weakest = min(levels, key=lambda m: (m.value or 0.0) / max(m.ceiling or 1.0, 0.01))
    best = max(levels, key=lambda m: (m.value or 0.0) / max(m.ceiling or 1.0, 0.01))
    return (
        f"The weakest kind of combination is {weakest.group.removeprefix('level=')!r} ({_percent(weakest.value)} "
        f"right, real drawings {_percent(weakest.ceiling)}); the strongest is {best.group.removeprefix('level=')!r} "
        f"({_percent(best.value)}, real drawings {_percent(best.ceiling)})."
    )


def head_finding(metrics: Sequence[Measurement]) -> str:
    """Name the attribute that is furthest below the share that real drawings reach."""
    heads = [m for m in metrics if m.metric.endswith("_accuracy") and not m.group and m.ceiling and m.value is not None]
    heads = [m for m in heads if m.metric not in ("composition_accuracy", "attribute_accuracy")]
    if not heads:
        return ""
    worst = max(heads, key=lambda m: (m.ceiling or 0.0) - (m.value or 0.0))
    if (worst.ceiling or 0.0) - (worst.value or 0.0) < TWICE * (worst.se or 0.0):
        return "No single attribute stands out as wrong: each is as often right as on real drawings, within chance."
    return (
        f"Furthest below what real drawings reach is the {worst.metric.removesuffix('_accuracy')}: right in "
        f"{_percent(worst.value)} of the pictures that name one, against {_percent(worst.ceiling)} on real drawings."
    )


def balance_finding(metrics: Sequence[Measurement]) -> str:
    """Say whether broken pictures or missing variety is the larger fault."""
    precision, recall = _find(metrics, "precision"), _find(metrics, "recall")
    if precision is None or recall is None or precision.value is None or recall.value is None:
        return ""
    text = f"Precision is {precision.value:.2f} and recall {recall.value:.2f}: "
    if recall.value < precision.value - 0.05:
        return text + "what is drawn mostly looks real, but parts of the real variety are missing."
    if precision.value < recall.value - 0.05:
        return text + "the variety is there, but a good part of the pictures does not look real."
    return text + "broken pictures and missing variety weigh about the same."


def novelty_finding(metrics: Sequence[Measurement]) -> str:
    """Say whether pictures come nearer to training pictures than held-out pictures do."""
    flagged = _find(metrics, "nearest_ratio_flagged")
    if flagged is None or flagged.value is None:
        return ""
    low = flagged.interval.low if flagged.interval else None
    if low is not None and low > 0.0:
        return (
            f"More pictures than chance explains lie unusually near a training picture: {_percent(flagged.value)} "
            "beyond the 1 % that real held-out pictures have. Look at the pairs."
        )
    return "Pictures lie no nearer to training pictures than real held-out pictures do, within chance."


def speed_finding(metrics: Sequence[Measurement]) -> str:
    """Say how long a picture takes and what it costs."""
    warm, cold = _find(metrics, "latency_p50_ms"), _find(metrics, "latency_cold_ms")
    if warm is None or warm.value is None:
        return ""
    text = f"A picture takes {warm.value:.0f} ms"
    if cold is not None and cold.value is not None:
        text += f", the first one {cold.value / 1000:.1f} s from the shell"
    cost = _find(metrics, "cost_per_1000")
    if cost is not None and cost.value is not None:
        text += f"; 1,000 pictures cost about {cost.value:.2g} {cost.unit} at the prices given"
    return f"{text}."


def control_finding(controls: Sequence[ControlRecord]) -> str:
    """Say whether the numbers notice what is known to be bad, and stay calm when nothing has changed."""
    return " ".join(text for text in (null_finding(controls), known_bad_finding(controls)) if text)


def null_finding(controls: Sequence[ControlRecord]) -> str:
    """Say which numbers moved although only the seeds changed; nothing if none did."""
    judged = [c for c in controls if c.kind == "null" and c.se > 0.0]
    limit = max(LEAST_MOVED, normal_quantile(1.0 - CHANCE / (2 * len(judged)))) if judged else LEAST_MOVED
    moved = list(dict.fromkeys(_name(c) for c in judged if abs(c.delta) > limit * c.se))
    if not moved:
        return ""
    numbers, their = ("this number", "its error is") if len(moved) == 1 else ("these numbers", "their errors are")
    return (
        f"With other seeds alone, {numbers} moved by more than {limit:.1f} standard errors: {', '.join(moved)}. "
        f"Either {their} too small, or the two drawings differ in more than their seeds."
    )


def known_bad_finding(controls: Sequence[ControlRecord]) -> str:
    """Say which faults that were put in on purpose the numbers notice."""
    bad = sorted({c.control for c in controls if c.kind == "known_bad"})
    missed = [name for name in bad if not _noticed([c for c in controls if c.control == name])]
    if not bad:
        return ""
    if missed:
        faults, them = ("this fault", "such a change") if len(missed) == 1 else ("these faults", "such changes")
        return f"The numbers do not notice {faults}: {', '.join(missed)}. Do not rely on them for {them}."
    if len(bad) == 1:
        return f"The control holds: the fault that was put in on purpose ({bad[0]}) is noticed."
    return f"The controls hold: every fault that was put in on purpose ({', '.join(bad)}) is noticed."


def _name(control: ControlRecord) -> str:
    return f"{control.id} ({control.group})" if control.group else control.id


def _noticed(records: Sequence[ControlRecord]) -> bool:
    """Tell whether any number got worse by more than chance explains over all numbers of a control."""
    directions = [info_of(one.id.partition("@")[0]).direction for one in records]
    turned = [(-c.delta if way == "higher" else c.delta, c.se) for c, way in zip(records, directions, strict=True)]
    judged = [pair for pair, way in zip(turned, directions, strict=True) if way != "none" and pair[1] > 0.0]
    if not judged:
        return False
    limit = normal_quantile(1.0 - CHANCE / len(judged))
    return any(worse > limit * se for worse, se in judged)


RULES: tuple[Callable[[Sequence[Measurement]], str], ...] = (
    composition_finding,
    weakest_finding,
    head_finding,
    balance_finding,
    novelty_finding,
    speed_finding,
)


def findings_of(metrics: Sequence[Measurement], controls: Sequence[ControlRecord]) -> list[str]:
    """Return what the numbers say, the most important first."""
    found = [rule(metrics) for rule in RULES]
    return [text for text in (*found, control_finding(controls)) if text]


def left_out_finding(controls: Sequence[str], reason: str) -> list[str]:
    """Say which controls were not drawn; nothing if all were.

    Args:
        controls: Their names.
        reason: Why, as half a sentence.
    """
    return [f"Controls left out: {', '.join(controls)}; {reason}."] if controls else []
