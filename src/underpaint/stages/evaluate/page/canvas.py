"""Pieces that every plot is made of: lines, words, marks, gridlines."""

from __future__ import annotations

from underpaint.core.page.markup import Markup, element, join
from underpaint.stages.evaluate.page.axes import Axis, tick_label

CHARACTER = 6.7
"""Width in pixels of an average character of a label."""
SERIES = 5
"""Kinds of lines that a reader can tell apart."""


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Draw a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def label(x: float, y: float, text: str, *, class_: str = "label", anchor: str = "start", title: str = "") -> Markup:
    """Write words; ``title`` shows in full what was shortened."""
    hint = element("title", title) if title and title != text else None
    return element("text", text, hint, x=x, y=y, class_=class_, text_anchor=anchor)


def shortened(text: str, width: float) -> str:
    """Cut words to a width on paper."""
    room = max(4, int(width / CHARACTER))
    return text if len(text) <= room else text[: room - 1].rstrip() + "…"


def mark(x: float, y: float, shape: str, class_: str, title: str = "") -> Markup:
    """Draw a mark whose shape says as much as its color: ``circle``, ``square``, ``triangle``, ``diamond``."""
    hint = element("title", title) if title else None
    if shape == "circle":
        return element("circle", hint, cx=x, cy=y, r=5.0, class_=class_)
    corners = {
        "square": ((-4.6, -4.6), (4.6, -4.6), (4.6, 4.6), (-4.6, 4.6)),
        "triangle": ((0.0, -5.8), (5.8, 4.8), (-5.8, 4.8)),
        "diamond": ((0.0, -6.2), (6.2, 0.0), (0.0, 6.2), (-6.2, 0.0)),
    }[shape]
    return element("polygon", hint, points=" ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners), class_=class_)


def whisker(axis: Axis, low: float, high: float, y: float, class_: str, *, cap: float = 4.0) -> Markup:
    """Draw a horizontal interval; an end beyond the axis becomes an arrow."""
    left, right = axis.at(low), axis.at(high)
    parts = [line(left, y, right, y, class_)]
    for end, x, side in ((low, left, -1), (high, right, 1)):
        if axis.low <= end <= axis.high:
            parts.append(line(x, y - cap, x, y + cap, class_))
        else:
            points = f"{x - side * 6:.1f},{y - 4:.1f} {x:.1f},{y:.1f} {x - side * 6:.1f},{y + 4:.1f}"
            parts.append(element("polyline", points=points, class_=f"{class_} open"))
    return join(parts)


def upright(axis: Axis, low: float, high: float, x: float, class_: str, *, cap: float = 4.0) -> Markup:
    """Draw a vertical interval."""
    bottom, top = axis.at(low), axis.at(high)
    return join(
        line(x, bottom, x, top, class_), line(x - cap, bottom, x + cap, bottom, class_),
        line(x - cap, top, x + cap, top, class_),
    )  # fmt: skip


def x_axis(axis: Axis, top: float, bottom: float, *, count: int, suffix: str = "", factor: float = 1.0) -> Markup:
    """Draw vertical gridlines with their numbers below."""
    ticks = axis.ticks(count)
    shown = [tick * factor for tick in ticks]
    return join(
        (
            line(axis.at(tick), top, axis.at(tick), bottom, "grid"),
            label(axis.at(tick), bottom + 18, tick_label(text, shown) + suffix, class_="tick", anchor="middle"),
        )
        for tick, text in zip(ticks, shown, strict=True)
    )


def y_axis(axis: Axis, left: float, right: float, *, count: int) -> Markup:
    """Draw horizontal gridlines with their numbers on the left."""
    ticks = axis.ticks(count)
    return join(
        (
            line(left, axis.at(tick), right, axis.at(tick), "grid"),
            label(left - 8, axis.at(tick) + 4, tick_label(tick, ticks), class_="tick", anchor="end"),
        )
        for tick in ticks
    )
