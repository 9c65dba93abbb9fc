"""The margin of a metric in the unit of its difference, and the error of the difference there."""

from __future__ import annotations

import math

from underpaint.core.policy import MetricRule
from underpaint.stages.evaluate.comparing.pairing import Difference

ROUNDING = 1e-12
"""Share of a value below which an error is nothing but rounding."""


def margin_of(rule: MetricRule, difference: Difference) -> float | str | None:
    """Return the margin in the unit of the difference, or why there is none; None for an advisory metric without."""
    if rule.margin is None:
        return None
    if rule.margin.absolute is not None:
        return rule.margin.absolute
    share = rule.margin.relative
    assert share is not None
    if difference.scale == "log ratio":
        return math.log1p(share) if rule.direction == "lower" else -math.log1p(-share)
    if difference.base <= 0:
        return (
            f"the baseline's value without bias is {difference.base:.3g}, of which no share can be taken; give an "
            "absolute margin"
        )
    return share * difference.base


def error_at(rule: MetricRule, difference: Difference, margin: float | str | None) -> float:
    """Return the standard error to judge by: that of a share is the one that holds at the margin."""
    if not isinstance(margin, float):
        return difference.se
    turned = margin if rule.direction == "lower" else -margin
    sides = (turned, -turned) if rule.mode == "equivalence" else (turned,)
    return max(difference.se_at(side) for side in sides)


def obstacle(difference: Difference, se: float, margin: float | str | None) -> str:
    """Return why nothing can be decided; empty if it can."""
    if isinstance(margin, str):
        return margin
    if margin is None:
        return "no margin: shown only"
    if difference.same_pictures is False and se <= ROUNDING * max(1.0, abs(difference.base)):
        return "no picture differs in this score although the pictures do, so nothing says how sure that is"
    return ""
