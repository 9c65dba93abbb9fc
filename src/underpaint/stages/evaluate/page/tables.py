"""Tables: every number, the controls, nested facts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from underpaint.core.page.markup import Child, Markup, element, join, words
from underpaint.core.page.table import cell, table
from underpaint.stages.evaluate.page import numbers, text
from underpaint.stages.evaluate.record import ControlRecord, Measurement, Report

ARROWS = {"lower": "↓", "higher": "↑", "none": ""}
SEEN = 3.0
"""Standard errors from which a control counts as noticed."""
LONGEST_LIST = 12
DIGEST = re.compile(r"[0-9a-f]{40,128}")
NUMBER_KEYS = {"value", "low", "high", "n", "level", "unit", "method", "se", "status", "message"}


def _name(m: Measurement, report: Report) -> Markup:
    arrow = ARROWS[m.direction]
    direction = element("span", arrow, class_="arrow", title=text.DIRECTIONS[m.direction]) if arrow else None
    spoken = element("span", f" ({text.DIRECTIONS[m.direction]})", class_="spoken") if arrow else None
    return join(words(text.label_of(m, report.extractors)), " ", direction, spoken)


def _notes(m: Measurement) -> list[str]:
    notes = [m.message] if m.message else []
    if uncorrected := text.uncorrected_text(m):
        notes.append(f"bias removed; as papers define it: {uncorrected}")
    if m.energy_method:
        notes.append(text.METHODS[m.energy_method])
    if m.dropped_dims:
        notes.append(f"{m.dropped_dims} dimensions left out, in which real pictures do not vary")
    if m.interval and m.interval.conditional_on:
        notes.append(f"interval holds {m.interval.conditional_on} fixed")
    return notes


def measurement_row(m: Measurement, report: Report, *, real: bool) -> Markup:
    """Show a number with all that belongs to it.

    Args:
        m: The number.
        report: Where it stands.
        real: Whether there is a column of what real pictures score.
    """
    count = numbers.plain(m.n) + (f" / {numbers.plain(m.m)}" if m.m is not None else "")
    notes = _notes(m)
    explained = text.explanation_of(m.metric)
    heading = element(
        "th",
        element("span", _name(m, report), class_="metric", title=explained or None),
        element("span", "; ".join(notes), class_="note") if notes else None,
        scope="row",
    )
    if m.value is None:
        gap = element("td", text.STATUS[m.status], colspan=4 if real else 3, class_="absent")
        return element("tr", heading, gap, class_="missing")
    return element(
        "tr",
        heading,
        cell(text.number_text(m), class_="number"),
        cell(text.interval_text(m) or "–", class_="number"),
        cell(text.ceiling_text(m) or "–", class_="number") if real else None,
        cell(count, class_="number"),
    )


def measurement_table(caption: str, metrics: Sequence[Measurement], report: Report) -> Markup:
    """Show numbers, one a row."""
    real = any(m.ceiling is not None for m in metrics)
    count = "Drawn / real" if any(m.m is not None for m in metrics) else "n"
    head = ("Metric", "Value", "95 % interval", *(("Real pictures",) if real else ()), count)
    rows = [measurement_row(m, report, real=real) for m in metrics]
    return table(caption, head, rows, numeric=range(1, len(head)))


def group_table(caption: str, metrics: Sequence[Measurement], report: Report) -> Markup:
    """Show slices down, metrics across."""
    columns = list(dict.fromkeys(m.id for m in metrics))
    groups = list(dict.fromkeys(m.group for m in metrics))
    by_place = {(m.group, m.id): m for m in metrics}
    names = {m.id: text.label_of(m, report.extractors) for m in metrics}
    rows = []
    for group in groups:
        found = [by_place.get((group, column)) for column in columns]
        count = max((m.n for m in found if m is not None), default=0)
        cells = [_slice_cell(m) for m in found]
        name = element("th", words(text.group_text(group)), scope="row")
        rows.append(element("tr", name, cells, cell(numbers.plain(count), class_="number")))
    head = ("Slice", *(names[column] for column in columns), "n")
    return table(caption, head, rows, numeric=range(1, len(columns) + 2))


def _slice_cell(m: Measurement | None) -> Markup:
    if m is None or m.value is None:
        return cell("–" if m is None else text.STATUS[m.status], class_="number absent")
    return cell((text.number_text(m), element("span", text.interval_text(m), class_="note")), class_="number")


def heat_of(z: float) -> int:
    """Return how strongly a control's cell is colored: 0 for what chance explains, 4 for what nobody can miss."""
    return sum(abs(z) >= threshold for threshold in (2.0, SEEN, 5.0, 10.0))


def control_z(control: ControlRecord) -> float:
    """Return how many standard errors a control moved a metric; 0 if it did not move."""
    if control.delta == 0:
        return 0.0
    return control.delta / control.se if control.se > 0 else math.copysign(math.inf, control.delta)


def control_table(report: Report) -> Markup:
    """Show metrics down and controls across, each cell in standard errors and colored by them."""
    kinds = {c.control: c.kind for c in report.controls}
    controls = sorted(kinds.items(), key=lambda item: (item[1] != "null", item[0]))
    by_place = {((c.id, c.group), c.control): c for c in report.controls}
    labels = {(m.id, m.group): text.label_of(m, report.extractors) for m in report.metrics}
    rows = []
    for place in dict.fromkeys((c.id, c.group) for c in report.controls):
        name = labels.get(place, place[0]) + (f", {text.group_text(place[1])}" if place[1] else "")
        cells = [_control_cell(by_place.get((place, control))) for control, _ in controls]
        rows.append(element("tr", element("th", words(name), scope="row"), cells))
    head = ("Metric", *(text.readable(control) for control, _ in controls))
    return table("How far each control moves each number, in standard errors", head, rows, numeric=range(1, len(head)))


def _control_cell(control: ControlRecord | None) -> Markup:
    if control is None:
        return cell("–", class_="number absent")
    z = control_z(control)
    shown = numbers.fixed(z, 1, sign=True) if math.isfinite(z) else ("+∞" if z > 0 else "−∞")
    factor, unit = (100.0, " points") if text.is_share(control.id.partition("@")[0]) else (1.0, "")
    delta = f"Δ {numbers.with_error(control.delta * factor, control.se * factor, sign=True)}{unit}"
    return cell((shown, element("span", delta, class_="note")), class_=f"number {control.kind} heat-{heat_of(z)}")


def fact(value: Any) -> Child:
    """Show a fact of any shape: a number, words, a list, or facts inside facts."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return numbers.plain(value) if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        if {"value", "status"} & set(value) and set(value) <= NUMBER_KEYS:
            return _number_fact(value)
        return _folded(value) if any(isinstance(one, Mapping) for one in value.values()) else facts(value)
    if isinstance(value, list | tuple):
        return _list_fact(value)
    return element("code", value, class_="hash") if DIGEST.fullmatch(str(value)) else words(str(value))


def _folded(value: Mapping[str, Any]) -> Markup:
    """Fold facts inside facts away as indented text, since columns inside columns leave no room for the words."""
    text_ = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return element(
        "details", element("summary", f"{len(value)} entries"), element("pre", words(text_), class_="json", tabindex=0)
    )


def _number_fact(value: Mapping[str, Any]) -> Child:
    number, low, high = value.get("value"), value.get("low"), value.get("high")
    if not isinstance(number, int | float):
        return words(str(value.get("message") or value.get("status") or "–"))
    error = numbers.error_of(value.get("se"), low, high)
    shown = text.with_unit(numbers.value_alone(number, error), str(value.get("unit", "")))
    interval = numbers.span(low, high, error)
    more = [f"interval {interval}" if interval else "", f"n = {value['n']}" if "n" in value else ""]
    note = ", ".join(part for part in (*more, str(value.get("method", ""))) if part)
    return join(shown, element("span", note, class_="note") if note else None)


def _list_fact(value: Sequence[Any]) -> Child:
    if all(isinstance(one, Mapping) for one in value):
        return record_table("", value)
    if any(isinstance(one, Mapping | list | tuple) for one in value):
        return element("ul", [element("li", fact(one)) for one in value])
    shown = ", ".join(numbers.plain(one) if isinstance(one, float) else str(one) for one in value[:LONGEST_LIST])
    return words(shown + (f" and {len(value) - LONGEST_LIST} more" if len(value) > LONGEST_LIST else ""))


def record_table(caption: str, records: Sequence[Mapping[str, Any]]) -> Markup:
    """Show records of equal shape, one a row."""
    columns = list(dict.fromkeys(key for record in records for key in record))
    rows = [element("tr", [cell(fact(record.get(key)), class_="number") for key in columns]) for record in records]
    return table(caption or "Details", [text.readable(key) for key in columns], rows, numeric=range(len(columns)))


def facts(values: Mapping[str, Any]) -> Markup:
    """Show names and what they stand for."""
    return element(
        "dl",
        [
            (element("dt", words(text.readable(str(name)))), element("dd", fact(value)))
            for name, value in values.items()
        ],
        class_="facts",
    )
