"""Drawings of an advice: cost over the volume, and the cost of each machine with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from underpaint.core.page.markup import Markup, drawing, element, join
from underpaint.stages.optimize.advise.advice import Advice, Curve, Row
from underpaint.stages.optimize.advise.wording import amount, spanned

SERIES = 5
"""Kinds of lines that the style sheet tells apart."""
LEFT, RIGHT, TOP, BOTTOM = 62.0, 16.0, 14.0, 46.0
SIZES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A logarithmic stretch of positive numbers on paper.

    Args:
        low: First number.
        high: Last number.
        start: Where the first lies.
        end: Where the last lies.
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return where a number lies; what is outside lies on the edge."""
        share = math.log(min(max(value, self.low), self.high) / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def powers(self, most: int) -> list[float]:
        """Return powers of ten inside, at most so many."""
        found = [10.0**p for p in range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)]
        return found[:: max(1, -(-len(found) // most))]


def short(value: float) -> str:
    """Write a power of ten in few characters: ``10k``, ``1M``, ``0.01``."""
    size, letter = next(((size, letter) for size, letter in SIZES if value >= size), (1.0, ""))
    return f"{value / size:g}{letter}"


def kind_of(advice: Advice, machine: str) -> str:
    """Return the class of a machine's line."""
    names = [curve.machine for curve in advice.curves]
    return f"s{names.index(machine) % SERIES}"


def cost_over_volume(advice: Advice, width: float) -> Markup:
    """Draw the money of a month of every machine over the volume, with intervals, both axes logarithmic."""
    height = min(400.0, width * 0.75)
    positive = [v for curve in advice.curves for v in (*curve.low, *curve.high) if v > 0.0]
    volumes = advice.curves[0].volumes
    x = Scale(low=volumes[0], high=volumes[-1], start=LEFT, end=width - RIGHT)
    y = Scale(low=max(min(positive), max(positive) / 1e8), high=max(positive) * 1.2, start=height - BOTTOM, end=TOP)
    parts = join(
        _grid(x, y, width, height, f"{advice.currency} a month"),
        [_line(curve, x, y, kind_of(advice, curve.machine)) for curve in advice.curves],
        _wish(advice, x, height),
    )
    return drawing(
        parts,
        width=width,
        height=height,
        label=f"Cost over volume: {', '.join(curve.machine for curve in advice.curves)}",
    )


def _grid(x: Scale, y: Scale, width: float, height: float, name: str) -> Markup:
    floor = height - BOTTOM
    upright = [
        join(
            element("line", x1=x.at(v), y1=TOP, x2=x.at(v), y2=floor, class_="grid"),
            element("text", short(v), x=x.at(v), y=floor + 18, class_="tick", text_anchor="middle"),
        )
        for v in x.powers(7)
    ]
    level = [
        join(
            element("line", x1=LEFT, y1=y.at(v), x2=width - RIGHT, y2=y.at(v), class_="grid"),
            element("text", short(v), x=LEFT - 8, y=y.at(v) + 4, class_="tick", text_anchor="end"),
        )
        for v in y.powers(7)
    ]
    titles = [
        element("text", "pictures a month", x=width - RIGHT, y=height - 8, class_="axis-title", text_anchor="end"),
        element("text", name, x=LEFT + 6, y=TOP + 12, class_="axis-title"),
    ]
    return join(upright, level, titles)


def _line(curve: Curve, x: Scale, y: Scale, kind: str) -> Markup:
    upper = [(x.at(v), y.at(m)) for v, m in zip(curve.volumes, curve.high, strict=True)]
    lower = [(x.at(v), y.at(m)) for v, m in zip(curve.volumes, curve.low, strict=True)]
    middle = [(x.at(v), y.at(m)) for v, m in zip(curve.volumes, curve.value, strict=True)]
    return join(
        element("polygon", points=_points([*upper, *reversed(lower)]), class_=f"band {kind}"),
        element("polyline", element("title", curve.machine), points=_points(middle), class_=f"curve {kind}"),
    )


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _wish(advice: Advice, x: Scale, height: float) -> Markup:
    """Mark the volume that is asked for, and where the order changes."""
    at, floor = x.at(advice.asked.per_month), height - BOTTOM
    wish = element("line", x1=at, y1=TOP, x2=at, y2=floor, class_="zero")
    changes = [
        element("line", x1=x.at(one.volume.value), y1=floor - 10, x2=x.at(one.volume.value), y2=floor, class_="margin")
        for one in advice.break_evens
    ]
    return join(wish, changes, element("text", "asked", x=at + 5, y=floor - 14, class_="label"))


def legend_of(advice: Advice) -> Markup:
    """Explain the lines."""
    entries = [
        element("li", element("span", class_=f"key line {kind_of(advice, curve.machine)}", aria_hidden="true"), name)
        for curve in advice.curves
        for name in [curve.machine]
    ]
    return element("ul", entries, class_="legend")


def bars(advice: Advice, width: float) -> Markup:
    """Draw the money of 1,000 pictures of each machine, standing and drawing apart, with its interval."""
    rows = [row for row in advice.rows if row.money_per_1000 is not None]
    most = max(row.money_per_1000.high or row.money_per_1000.value for row in rows if row.money_per_1000) or 1.0
    step, height = 52.0, 52.0 * len(rows) + 8
    room = width - 2 * RIGHT
    parts = join([_bar(row, 14 + index * step, room / most) for index, row in enumerate(rows)])
    return drawing(parts, width=width, height=height, label=f"{advice.currency} of 1,000 pictures")


def _bar(row: Row, top: float, scale: float) -> Markup:
    cost = row.money_per_1000
    assert cost is not None
    middle = top + 20
    high = cost.value if cost.high is None else cost.high
    return join(
        element("text", f"{row.machine}: {amount(cost.value)}", x=RIGHT, y=top, class_="label"),
        element("rect", x=RIGHT, y=top + 10, width=max(1.0, cost.value * scale), height=20, class_="bar", rx=2),
        element(
            "line", x1=RIGHT + cost.low * scale, y1=middle, x2=RIGHT + high * scale, y2=middle, class_="whisker thin"
        ),
        element("title", f"{row.machine}: {spanned(cost)} for 1,000 pictures"),
    )
