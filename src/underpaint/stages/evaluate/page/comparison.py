"""The sections of a comparison: differences to a baseline, every number side by side, what cannot be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from underpaint.core.artifact import storage_errors
from underpaint.core.page.layout import Section, badge, document, figure, legend
from underpaint.core.page.markup import Markup, element, join, words
from underpaint.core.page.masthead import footer, masthead
from underpaint.stages.evaluate.page import numbers, tables, text
from underpaint.stages.evaluate.page.forest import Row, Scale, forest_plot
from underpaint.stages.evaluate.page.plots import Point
from underpaint.stages.evaluate.page.side_by_side import side_by_side
from underpaint.stages.evaluate.page.tradeoff import dominates, trade_off
from underpaint.stages.evaluate.record import Bounds, Measurement

Values = Mapping[str, Any]
REACH = 0.5
"""Relative difference beyond which the axis ends."""
COST = "latency_p50_ms"
CHANGES = {"pass": "better", "fail": "worse", "indeterminate": "cannot be told apart"}


def label_of(row: Values) -> str:
    """Return what a row's number is called."""
    shown = text.label(str(row["metric"]), str(row["extractor"]), {})
    return f"{shown}, {text.group_text(row['group'])}" if row["group"] else shown


def number_of(row: Values, cell: Values) -> Measurement:
    """Return a cell as a number."""
    known = cell["low"] is not None or cell["high"] is not None
    return Measurement(
        id=str(row["metric"]),
        metric=str(row["metric"]),
        extractor=str(row["extractor"]),
        unit=str(row["unit"]),
        direction=row["direction"],
        value=cell["value"],
        n=cell["n"],
        status=cell["status"],
        interval=Bounds(low=cell["low"], high=cell["high"], method="") if known else None,
    )


def _share_of(cell: Values, base: float, key: str) -> float | None:
    """Return an end of a difference as a share of the baseline's number."""
    number = cell[key]
    if number is None:
        return None
    return math.expm1(min(number, 50.0)) if cell["scale"] == "log ratio" else number / base


def change_of(row: Values, cell: Values, base: Values) -> tuple[float, float, float] | None:
    """Return a relative difference with its ends, turned so that positive is worse; None where there is none."""
    if cell["delta"] is None or not base["value"] or base["value"] <= 0 or row["direction"] == "none":
        return None
    ends = [_share_of(cell, base["value"], key) for key in ("delta", "delta_low", "delta_high")]
    value, low, high = (0.0 if end is None else end for end in ends)
    return (value, low, high) if row["direction"] == "lower" else (-value, -high, -low)


def verdict_of(change: tuple[float, float, float]) -> str:
    """Return whether the whole interval of a difference is better, worse, or neither."""
    _, low, high = change
    return "pass" if high < 0 else "fail" if low > 0 else "indeterminate"


def _change_rows(comparison: Values, subject: int) -> list[Row]:
    rows = []
    for row in comparison["rows"]:
        cell, base = row["cells"][subject], row["cells"][comparison["baseline"]]
        change = None if row["group"] else change_of(row, cell, base)
        if change is not None:
            shown = f"{numbers.fixed(change[0] * 100, 1, sign=True)} %"
            value, low, high = change
            named, verdict = label_of(row), verdict_of(change)
            rows.append(Row(label=named, value=value, low=low, high=high, text=shown, verdict=verdict))
    return rows


def differences(comparison: Values) -> Section | None:
    """Draw the relative differences of each evaluation to the baseline."""
    subjects, baseline = comparison["subjects"], comparison["baseline"]
    parts, scale = [], Scale(
        title="relative difference in percent; right is worse", low=-REACH, high=REACH, line=0.0, factor=100.0
    )  # fmt: skip
    for index, subject in enumerate(subjects):
        rows = _change_rows(comparison, index) if index != baseline else []
        if rows:
            caption = join(words(subject["name"]), " against ", words(subjects[baseline]["name"]))
            parts.append(figure(lambda width, rows=rows: forest_plot(rows, scale, width=width), caption))
    if not parts:
        return None
    body = join(parts, legend(*CHANGES.items()))
    lead = (
        "Turned so that right is always worse, with 95 % intervals: about 1 in 20 equal numbers looks different by "
        "chance. An arrow leads beyond the axis."
    )
    return Section(title="Differences", body=body, lead=lead)


def _delta_text(row: Values, cell: Values) -> str:
    if cell["delta"] is None:
        return ""
    share = text.is_share(str(row["metric"]))
    factor, unit = (100.0, " points") if share else (1.0, f" {row['unit']}".rstrip())
    ends = [cell["delta_low"], cell["delta_high"]]
    if cell["scale"] == "log ratio":
        low, high = (None if end is None else math.expm1(min(end, 50.0)) * 100 for end in ends)
        unit = " %"
    else:
        low, high = (None if end is None else end * factor for end in ends)
    return f"Δ {numbers.span(low, high, sign=True)}{unit}"


def _rank_text(cell: Values) -> str:
    best, worst = cell["best_rank"], cell["worst_rank"]
    if best is None:
        return ""
    return f"place {best}" if best == worst else f"place {best} to {worst}"


def _cell(row: Values, cell: Values, *, own: bool) -> Markup:
    m = number_of(row, cell)
    notes = ["baseline" if own else _delta_text(row, cell), _rank_text(cell), "not compared" if cell["refused"] else ""]
    note = " · ".join(part for part in notes if part)
    shown = (text.value_text(m), element("span", note, class_="note") if note else None)
    return tables.cell(shown, class_="number" if m.value is not None else "number absent")


def side_table(comparison: Values) -> Section:
    """List every number of every evaluation."""
    names = [str(subject["name"]) for subject in comparison["subjects"]]
    rows = []
    for row in comparison["rows"]:
        cells = [_cell(row, cell, own=index == comparison["baseline"]) for index, cell in enumerate(row["cells"])]
        arrow = tables.ARROWS[row["direction"]]
        rows.append(element("tr", element("th", words(label_of(row)), " ", arrow, scope="row"), cells))
    table = tables.table("Every number", ("Metric", *names), rows, numeric=range(1, len(names) + 1))
    lead = "Places are sets: evaluations whose intervals cannot be told apart share them."
    return Section(title="Side by side", body=table, lead=lead)


def refusals(comparison: Values) -> Section | None:
    """List what cannot be compared, with the reasons."""
    if not comparison["refused"]:
        return None
    rows = [
        element("tr", element("th", words(comparison["subjects"][one["subject"]]["name"]), scope="row"),
                tables.cell(words(one["reason"])), tables.cell(words(", ".join(one["metrics"]) or "all")))
        for one in comparison["refused"]
    ]  # fmt: skip
    table = tables.table("What was not compared", ("Evaluation", "Why", "Numbers"), rows)
    return Section(title="Not compared", body=table, lead="A difference is refused where it would mean nothing.")


def _point(name: str, quality: Measurement, cost: Measurement) -> Point:
    sign = -1.0 if quality.direction == "lower" else 1.0
    ends = (quality.interval.low, quality.interval.high) if quality.interval else (None, None)
    low, high = (None if end is None else sign * end for end in (ends if sign > 0 else ends[::-1]))
    x_low, x_high = (cost.interval.low, cost.interval.high) if cost.interval else (None, None)
    center = sign * text.center_of(quality)
    return Point(label=name, x=text.center_of(cost), y=center, x_low=x_low, x_high=x_high, y_low=low, y_high=high)


def front(comparison: Values) -> Section | None:
    """Draw the evaluations by quality and time."""
    whole = [row for row in comparison["rows"] if not row["group"]]
    cost = next((row for row in whole if row["metric"] == COST), None)
    judged = [row for row in whole if row["extractor"] and row["direction"] != "none"]
    named = (row for key in text.KEY_FIGURES for row in judged if text.base_of(str(row["metric"])) == key)
    quality = next(named, None)
    if cost is None or quality is None:
        return None
    points = []
    for subject, a, b in zip(comparison["subjects"], quality["cells"], cost["cells"], strict=True):
        if a["value"] is not None and b["value"] is not None and not a["refused"] and not b["refused"]:
            points.append(_point(str(subject["name"]), number_of(quality, a), number_of(cost, b)))
    marked = [_on_front(point, points) for point in points]
    turned = ", turned so that up is better" if quality["direction"] == "lower" else ""
    return trade_off(marked, quality=label_of(quality) + turned, cost="time of a picture (ms)")


def _cautious(point: Point) -> Point:
    return point if point.y_low is None else replace(point, y=point.y_low)


def _on_front(point: Point, points: Sequence[Point]) -> Point:
    """Mark a point that no other beats in cost and in the lower bound of quality."""
    beaten = any(dominates(_cautious(other), _cautious(point)) for other in points if other is not point)
    return replace(point, on_front=not beaten)


def comparison_sections(comparison: Values) -> list[Section]:
    """Return the sections of a comparison.

    Args:
        comparison: A ``Comparison`` as plain values.
    """
    shown = (
        differences(comparison),
        front(comparison),
        side_by_side(comparison),
        side_table(comparison),
        refusals(comparison),
    )
    return [section for section in shown if section is not None]


def _panel(comparison: Values) -> Markup:
    baseline = comparison["baseline"]
    said = []
    for index, subject in enumerate(comparison["subjects"]):
        if index != baseline:
            verdicts = [row.verdict for row in _change_rows(comparison, index)]
            counts = (f"{verdicts.count(key)} {name}" for key, name in CHANGES.items())
            said.append(element("li", words(f"{subject['name']}: of {len(verdicts)} numbers, {', '.join(counts)}")))
    name = comparison["subjects"][baseline]["name"]
    lead = element("p", words(f"Against {name}, on the same prompts:"), class_="sentence")
    return element("div", badge("plain", "Compared"), lead, element("ul", said), class_="verdict plain")


def comparison_page(comparison: Values) -> str:
    """Return the page of a comparison as HTML.

    Args:
        comparison: A ``Comparison`` as plain values; pictures come from the folders that it names, if they are there.
    """
    names = [str(subject["name"]) for subject in comparison["subjects"]]
    created = max(str(subject["created"]) for subject in comparison["subjects"])
    head = masthead("comparison", " · ".join(names), (created,), _panel(comparison))
    return document(f"{', '.join(names)}: comparison", head, comparison_sections(comparison), footer(created))


def write_comparison_page(comparison: Values, out: Path) -> Path:
    """Write the page of a comparison.

    Args:
        comparison: A ``Comparison`` as plain values.
        out: The file.

    Raises:
        StorageError: It cannot be written.
    """
    page = comparison_page(comparison)
    with storage_errors(out):
        out.write_text(page, encoding="utf-8")
    return out
