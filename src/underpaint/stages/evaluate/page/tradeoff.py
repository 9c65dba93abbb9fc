"""The section of a trade-off: quality against cost, and the front that nothing beats in both."""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.core.page.layout import Section, figure, legend
from underpaint.core.page.markup import join
from underpaint.stages.evaluate.page.plots import Point, pareto_plot

LOG_FROM = 20.0


def dominates(a: Point, b: Point) -> bool:
    """Tell whether ``a`` is at least as cheap and as good as ``b``, and better in one of the two."""
    return a.x <= b.x and a.y >= b.y and (a.x < b.x or a.y > b.y)


def trade_off(points: Sequence[Point], *, quality: str, cost: str, lead: str = "") -> Section | None:
    """Draw candidates by quality and cost.

    Args:
        points: The candidates; fewer than two make no section.
        quality: Name of the quality, with the way that is better.
        cost: Name and unit of the cost.
        lead: How to read it.
    """
    if len(points) < 2:
        return None
    costs = [point.x for point in points]
    log = min(costs) > 0 and max(costs) / min(costs) >= LOG_FROM

    plot = figure(lambda width: pareto_plot(points, x_label=cost, y_label=quality, width=width, log=log))
    keys = (("on-front", "on the front: nothing is both cheaper and better"), ("off-front", "beaten in both"))
    usual = "Up is better, left is cheaper; bars are 95 % intervals."
    return Section(title="Quality against cost", body=join(plot, legend(*keys)), lead=lead or usual)
