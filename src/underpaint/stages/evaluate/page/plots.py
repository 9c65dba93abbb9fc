"""Plots of one quantity against another: the Pareto front, curves with bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from underpaint.core.page.markup import Markup, drawing, element, join
from underpaint.stages.evaluate.page import canvas
from underpaint.stages.evaluate.page.axes import Axis, log_padded, padded

LEFT, TOP, RIGHT, FOOT = 54.0, 28.0, 14.0, 48.0


@dataclass(frozen=True, kw_only=True)
class Point:
    """One candidate of a trade-off.

    Args:
        label: Its name.
        x: Cost (lower is better).
        y: Quality (higher is better), its lower bound where it has one.
        x_low: Lower end of the cost's interval; None if unknown.
        x_high: Upper end.
        y_low: Lower end of the quality's interval; None if unknown.
        y_high: Upper end.
        on_front: Whether nothing else is both cheaper and better.
        highlighted: Whether it is the one that the page is about.
    """

    label: str
    x: float
    y: float
    x_low: float | None = None
    x_high: float | None = None
    y_low: float | None = None
    y_high: float | None = None
    on_front: bool = False
    highlighted: bool = False


@dataclass(frozen=True, kw_only=True)
class Line:
    """One curve.

    Args:
        label: Its name.
        x: Positions, rising.
        y: Values.
        low: Lower ends of the intervals; empty if unknown.
        high: Upper ends.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


def _frame(x: Axis, y: Axis, x_label: str, y_label: str, width: float, height: float) -> Markup:
    bottom = height - FOOT
    return join(
        canvas.y_axis(y, LEFT, width - RIGHT, count=max(4, int((bottom - TOP) / 36))),
        canvas.x_axis(x, TOP, bottom, count=max(4, int((width - LEFT) / 56))),
        canvas.label(0, 14, y_label, class_="axis-title"),
        canvas.label(width - RIGHT, height - 6, x_label, class_="axis-title", anchor="end"),
    )


def _known(*numbers: float | None) -> list[float]:
    return [number for number in numbers if number is not None]


def front_of(points: Sequence[Point]) -> list[Point]:
    """Return the points of the front from the cheapest to the best."""
    return sorted((point for point in points if point.on_front), key=lambda point: (point.x, point.y))


def _stairs(front: Sequence[Point], x: Axis, y: Axis) -> Markup | None:
    if not front:
        return None
    steps = [(x.at(front[0].x), y.start)]
    for point in front:
        steps += [(x.at(point.x), steps[-1][1]), (x.at(point.x), y.at(point.y))]
    steps.append((x.end, steps[-1][1]))
    return element("polyline", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in steps), class_="front")


def _point(point: Point, x: Axis, y: Axis, *, named: bool) -> Markup:
    kind = "highlighted" if point.highlighted else "on-front" if point.on_front else "off-front"
    left, height = x.at(point.x), y.at(point.y)
    parts: list[Markup] = []
    if point.x_low is not None and point.x_high is not None:
        parts.append(canvas.whisker(x, point.x_low, point.x_high, height, "whisker thin", cap=3))
    if point.y_low is not None and point.y_high is not None:
        parts.append(canvas.upright(y, point.y_low, point.y_high, left, "whisker thin", cap=3))
    parts.append(canvas.mark(left, height, "diamond" if point.highlighted else "circle", f"point {kind}", point.label))
    if named:
        right = left > (x.start + x.end) * 0.6
        anchor, shift = ("end", -9) if right else ("start", 9)
        parts.append(canvas.label(left + shift, height - 9, canvas.shortened(point.label, 190), anchor=anchor))
    return join(parts)


def pareto_plot(
    points: Sequence[Point], *, x_label: str, y_label: str, width: float, height: float = 380.0, log: bool = False
) -> Markup:
    """Draw candidates by cost and quality, with intervals and the line of those that nothing beats in both.

    Args:
        points: At least one.
        x_label: Name and unit of the cost.
        y_label: Name of the quality.
        width: Pixels.
        height: Pixels.
        log: Whether the cost's axis is logarithmic; costs are positive then.
    """
    costs = [value for p in points for value in _known(p.x, p.x_low, p.x_high)]
    x_ends = log_padded(costs) if log else padded(costs, share=0.1, floor=0.0)
    y_ends = padded([value for p in points for value in _known(p.y, p.y_low, p.y_high)], share=0.12)
    x = Axis(low=x_ends[0], high=x_ends[1], start=LEFT, end=width - RIGHT, log=log)
    y = Axis(low=y_ends[0], high=y_ends[1], start=height - FOOT, end=TOP)
    named = len(points) <= 8 and width >= 480
    spoken = "; ".join(f"{p.label}: {p.x:.4g}, {p.y:.4g}{' (front)' if p.on_front else ''}" for p in points)
    return drawing(
        _frame(x, y, x_label, y_label, width, height),
        _stairs(front_of(points), x, y),
        [_point(point, x, y, named=named or point.highlighted) for point in points],
        width=width,
        height=height,
        label=f"{y_label} against {x_label}. {spoken}.",
    )


def _band(line: Line, x: Axis, y: Axis, index: int) -> Markup | None:
    if not line.low or not line.high:
        return None
    there = [f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in zip(line.x, line.high, strict=True)]
    back = [f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in zip(line.x, line.low, strict=True)]
    return element("polygon", points=" ".join(there + back[::-1]), class_=f"band s{index}")


def _curve(line: Line, x: Axis, y: Axis, index: int) -> Markup:
    places = [(x.at(a), y.at(b)) for a, b in zip(line.x, line.y, strict=True)]
    titles = [f"{line.label} {a:.4g}: {b:.4g}".strip() for a, b in zip(line.x, line.y, strict=True)]
    return join(
        _band(line, x, y, index),
        element("polyline", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in places), class_=f"curve s{index}"),
        [
            element("circle", element("title", title), cx=a, cy=b, r=3.4, class_=f"dot s{index}")
            for (a, b), title in zip(places, titles, strict=True)
        ],
    )


def curve_plot(
    lines: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    width: float,
    height: float = 300.0,
    log: bool = False,
    diagonal: bool = False,
) -> Markup:
    """Draw curves with the bands of their intervals.

    Args:
        lines: At least one, with at least one point each.
        x_label: Name and unit of the positions.
        y_label: Name and unit of the values.
        width: Pixels.
        height: Pixels.
        log: Whether the positions' axis is logarithmic; positions are positive then.
        diagonal: Whether the line ``y = x`` is drawn, which a calibrated classifier follows.
    """
    across = [value for one in lines for value in one.x]
    values = [value for one in lines for value in (*one.y, *one.low, *one.high)]
    x_ends = log_padded(across) if log else padded(across, share=0.03)
    y_ends = padded(values, share=0.1, floor=0.0)
    if diagonal:
        x_ends = y_ends = (0.0, 1.0)
    x = Axis(low=x_ends[0], high=x_ends[1], start=LEFT, end=width - RIGHT, log=log)
    y = Axis(low=y_ends[0], high=y_ends[1], start=height - FOOT, end=TOP + 6)
    spoken = "; ".join(
        f"{one.label}: " + ", ".join(f"{b:.4g} at {a:.4g}" for a, b in zip(one.x, one.y, strict=True)) for one in lines
    )
    return drawing(
        _frame(x, y, x_label, y_label, width, height),
        canvas.line(x.at(0), y.at(0), x.at(1), y.at(1), "zero") if diagonal else None,
        [_curve(one, x, y, index % canvas.SERIES) for index, one in enumerate(lines)],
        width=width,
        height=height,
        label=f"{y_label} against {x_label}. {spoken}.",
    )
