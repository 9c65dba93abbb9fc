"""A comparison in lines for people."""

from __future__ import annotations

import math

from underpaint.stages.evaluate.comparing.comparison import Cell, Comparison, Row

MOST_ROWS = 40

ROUNDING = 1e-12
"""Standard errors below this are rounding, not information."""


def number(value: float | None, se: float | None = None) -> str:
    """Write a number with as many digits as its standard error supports, at most four significant ones without."""
    if value is None:
        return "?"
    if not se or not math.isfinite(se) or se < ROUNDING:
        return f"{round(value, 12) + 0.0:.4g}"
    decimals = max(0, 1 - math.floor(math.log10(se)))
    return f"{value:.{decimals}f}"


def _rank(cell: Cell) -> str:
    if cell.best_rank is None or cell.worst_rank is None:
        return ""
    places = str(cell.best_rank) if cell.best_rank == cell.worst_rank else f"{cell.best_rank}-{cell.worst_rank}"
    return f" [{places}]"


def _se(cell: Cell) -> float | None:
    if cell.low is None or cell.high is None:
        return None
    return (cell.high - cell.low) / 4


def describe_cell(cell: Cell) -> str:
    """Write one number with its difference to the baseline and the places that it may hold."""
    if cell.value is None:
        return f"({cell.status})"
    text = number(cell.value, _se(cell))
    if cell.refused:
        return f"{text} (not comparable)"
    if cell.delta is None or cell.delta_low is None or cell.delta_high is None:
        return text + _rank(cell)
    ends = [cell.delta, cell.delta_low, cell.delta_high]
    if cell.scale == "log ratio":
        shown = [f"{100 * math.expm1(end):+.1f} %" for end in ends]
    else:
        digits = max(0, 1 - math.floor(math.log10((ends[2] - ends[1]) / 4))) if ends[2] > ends[1] else 4
        shown = [f"{end:+.{digits}f}" for end in ends]
    return f"{text} ({shown[0]}, {shown[1]} to {shown[2]}){_rank(cell)}"


def _line(row: Row) -> str:
    name = f"{row.metric}@{row.extractor.partition(':')[0]}" if row.extractor else row.metric
    better = {"lower": "lower is better", "higher": "higher is better", "none": "neither way is better"}[row.direction]
    cells = " | ".join(describe_cell(cell) for cell in row.cells)
    return f"{f'{name} {row.group}'.strip()} ({better}): {cells}"


def summary(comparison: Comparison) -> str:
    """Return a line a number: value, difference to the baseline with its 95 % interval, places in brackets."""
    names = [subject.name for subject in comparison.subjects]
    lines = [f"{' | '.join(names)}; differences to {names[comparison.baseline]}, places in brackets"]
    whole = [row for row in comparison.rows if not row.group]
    shown = (whole or list(comparison.rows))[:MOST_ROWS]
    lines += [_line(row) for row in shown]
    if len(shown) < len(comparison.rows):
        lines.append(f"{len(comparison.rows) - len(shown)} more numbers (slices) with --json or --out")
    for refusal in comparison.refused:
        what = ", ".join(refusal.metrics[:3]) + (", ..." if len(refusal.metrics) > 3 else "")
        lines.append(f"not compared: {names[refusal.subject]} on {what}: {refusal.reason}")
    return "\n".join(lines)
