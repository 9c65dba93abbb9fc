"""The forest plot: numbers with their intervals, one below the other on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from underpaint.core.page.markup import Markup, drawing, element, join
from underpaint.stages.evaluate.page import canvas
from underpaint.stages.evaluate.page.axes import Axis, padded

ROW, NARROW_ROW = 32.0, 50.0
NARROW = 560.0
FOOT = 44.0
SHAPES = {"pass": "circle", "fail": "square", "indeterminate": "triangle"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the plot.

    Args:
        label: What is measured.
        value: The number; None draws the label and ``text`` alone.
        low: Lower end of its interval; None if unknown or open.
        high: Upper end.
        text: The number in words, on the right.
        verdict: ``pass``, ``fail``, ``indeterminate``, or empty.
        ceiling: The same number for real pictures; drawn as a diamond.
        null: Where chance alone puts the number.
    """

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    text: str = ""
    verdict: str = ""
    ceiling: float | None = None
    null: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What the axis of a forest plot shows.

    Args:
        title: Name of the axis.
        low: First number; None to fit the rows.
        high: Last number; None to fit the rows.
        line: A number marked by a line, for example 0 for no difference.
        line_label: Its name.
        margin: The largest loss allowed; what is beyond is shaded.
        bars: Whether bars are drawn from ``line`` (or 0) to the numbers.
        factor: What numbers are multiplied by on the axis (100 for percent).
        suffix: What follows the numbers on the axis.
    """

    title: str
    low: float | None = None
    high: float | None = None
    line: float | None = None
    line_label: str = ""
    margin: float | None = None
    bars: bool = False
    factor: float = 1.0
    suffix: str = ""


def ends(rows: Sequence[Row], scale: Scale) -> tuple[float, float]:
    """Return the ends of the axis: those asked for, else those that hold the rows."""
    numbers = [
        number
        for row in rows
        for number in (row.value, row.low, row.high, row.ceiling, *(row.null or ()), scale.line, scale.margin)
        if number is not None
    ]
    low, high = padded(numbers or [0.0, 1.0])
    return low if scale.low is None else scale.low, high if scale.high is None else scale.high


def _words(rows: Sequence[Row], scale: Scale) -> str:
    shown = "; ".join(f"{row.label}: {row.text}" + (f" ({row.verdict})" if row.verdict else "") for row in rows)
    return f"{scale.title}. {shown}."


def _background(axis: Axis, scale: Scale, bottom: float) -> Markup:
    parts = []
    if scale.margin is not None and scale.margin < axis.high:
        left = axis.at(scale.margin)
        parts.append(element("rect", x=left, y=0.0, width=axis.end - left, height=bottom, class_="beyond"))
        parts.append(canvas.line(left, 0, left, bottom, "margin"))
    return join(parts)


def _reference(axis: Axis, scale: Scale, bottom: float) -> Markup | None:
    if scale.line is None:
        return None
    return canvas.line(axis.at(scale.line), 0, axis.at(scale.line), bottom, "zero")


def _number(row: Row, axis: Axis, y: float, scale: Scale) -> Markup:
    verdict = row.verdict or "plain"
    parts: list[Markup] = []
    if row.null is not None:
        left, right = axis.at(row.null[0]), axis.at(row.null[1])
        parts.append(element("rect", x=left, y=y - 9, width=max(1.0, right - left), height=18.0, class_="null"))
    if row.value is None:
        return join(parts)
    if scale.bars:
        start, end = sorted((axis.at(scale.line or 0.0), axis.at(row.value)))
        parts.append(element("rect", x=start, y=y - 8, width=max(1.0, end - start), height=16.0, rx=2, class_="bar"))
    if row.ceiling is not None:
        parts.append(canvas.mark(axis.at(row.ceiling), y, "diamond", "ceiling", "real pictures"))
    if row.low is not None or row.high is not None:
        low = axis.low - 1 if row.low is None else row.low
        high = axis.high + 1 if row.high is None else row.high
        parts.append(canvas.whisker(axis, low, high, y, f"whisker {verdict}"))
    shape = SHAPES.get(verdict, "circle")
    if not scale.bars:
        parts.append(canvas.mark(axis.at(row.value), y, shape, f"mark {verdict}", row.text))
    return join(parts)


def _wide_row(row: Row, axis: Axis, index: int, width: float, scale: Scale) -> Markup:
    y = index * ROW + ROW / 2
    return join(
        canvas.label(0, y + 4, canvas.shortened(row.label, axis.start - 12), title=row.label),
        _number(row, axis, y, scale),
        canvas.label(width, y + 4, row.text, class_="number", anchor="end"),
    )


def _narrow_row(row: Row, axis: Axis, index: int, width: float, scale: Scale) -> Markup:
    y = index * NARROW_ROW
    room = width - (len(row.text) + 2) * canvas.CHARACTER
    return join(
        canvas.label(0, y + 15, canvas.shortened(row.label, room), title=row.label),
        canvas.label(width, y + 15, row.text, class_="number", anchor="end"),
        _number(row, axis, y + 33, scale),
    )


def forest_plot(rows: Sequence[Row], scale: Scale, *, width: float) -> Markup:
    """Draw rows of numbers with intervals on one axis.

    Args:
        rows: From top to bottom.
        scale: The axis.
        width: Pixels; below ``NARROW`` labels stand above their intervals.

    Returns:
        An SVG element that says in words what it shows.
    """
    narrow = width < NARROW
    low, high = ends(rows, scale)
    numbers = max((len(row.text) for row in rows), default=0) * canvas.CHARACTER + 18
    labels = min(max((len(row.label) for row in rows), default=0) * canvas.CHARACTER + 14, width * 0.38)
    axis = Axis(low=low, high=high, start=12.0 if narrow else labels, end=width - (12.0 if narrow else numbers))
    draw, height = (_narrow_row, NARROW_ROW) if narrow else (_wide_row, ROW)
    bottom = len(rows) * height
    count = max(4, int((axis.end - axis.start) / 72))
    note = canvas.label(axis.end, bottom + 38, scale.title, class_="tick", anchor="end")
    return drawing(
        _background(axis, scale, bottom),
        canvas.x_axis(axis, 0, bottom, count=count, suffix=scale.suffix, factor=scale.factor),
        _reference(axis, scale, bottom),
        [draw(row, axis, index, width, scale) for index, row in enumerate(rows)],
        note,
        width=width,
        height=bottom + FOOT,
        label=_words(rows, scale),
    )
