"""The page of a sweep: every combination of settings, by quality and by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from underpaint.core.artifact import storage_errors
from underpaint.core.page.layout import Section, badge, command_block, document
from underpaint.core.page.markup import Markup, element, join, words
from underpaint.core.page.masthead import footer, masthead
from underpaint.stages.evaluate.page import numbers, tables, text
from underpaint.stages.evaluate.page.plots import Point
from underpaint.stages.evaluate.page.tradeoff import trade_off
from underpaint.stages.evaluate.record import Measurement

Values = Mapping[str, Any]
TIME = "latency_p50_ms"
SURE = 2.0
"""Standard errors from which a difference is stressed."""
PROVEN = 0.05
AVERAGED = (
    "Averaged over all other settings, with the standard error of the paired difference. Within chance is what is not "
    "proven at 5 % over all of these numbers together (Holm)."
)


def measurements_of(point: Values) -> dict[str, Measurement]:
    """Return a cell's numbers over all samples, by id."""
    made = [Measurement.model_validate(values) for values in point["metrics"]]
    return {m.id: m for m in made if not m.group}


def _ends(m: Measurement) -> tuple[float | None, float | None]:
    return (m.interval.low, m.interval.high) if m.interval else (None, None)


def _cost_point(point: Values, quality: Measurement, cost: Measurement, *, own: bool) -> Point:
    """Return a cell as a point; a quality where lower is better is turned upside down by its sign."""
    sign = -1.0 if quality.direction == "lower" else 1.0
    ends = [None if end is None else sign * end for end in _ends(quality)][:: 1 if sign > 0 else -1]
    low, high = _ends(cost)
    return Point(
        label=str(point["label"]) + " (maybe on the front)" * bool(point.get("maybe_on_front")),
        x=text.center_of(cost),
        y=sign * text.center_of(quality),
        x_low=low,
        x_high=high,
        y_low=ends[0],
        y_high=ends[1],
        on_front=bool(point["on_front"]),
        highlighted=own,
    )


def front(sweep: Values) -> Section | None:
    """Draw every cell by quality and time."""
    points, name = [], ""
    for index, point in enumerate(sweep["points"]):
        found = measurements_of(point)
        quality, cost = found.get(str(sweep["quality"])), found.get(TIME)
        if quality is not None and cost is not None and quality.value is not None and cost.value is not None:
            points.append(_cost_point(point, quality, cost, own=index == 0))
            turned = ", turned so that up is better" if quality.direction == "lower" else ""
            name = text.label_of(quality, {}) + turned
    return trade_off(points, quality=name, cost="time of a picture (ms)")


def _change_cell(m: Measurement | None, change: Values | None) -> Markup:
    if m is None or m.value is None:
        return tables.cell("–" if m is None else text.STATUS[m.status], class_="number absent")
    if change is None:
        return tables.cell(text.value_text(m), class_="number")
    factor, unit = (100.0, " points") if text.is_share(m.metric) else (1.0, "")
    delta, se = change["delta"] * factor, change["se"] * factor
    worse = delta > 0 if m.direction == "lower" else delta < 0
    sure = se > 0 and abs(delta) >= SURE * se and m.direction != "none"
    said = f"Δ {numbers.with_error(delta, se, sign=True)}{unit}" + (" worse" if worse else " better") * sure
    return tables.cell(
        (text.value_text(m), element("span", said, class_="note" + (" worse" if worse else " better") * sure)),
        class_="number",
    )


def cells(sweep: Values) -> Section:
    """List every cell with its numbers and their differences to the model's own settings."""
    found = [measurements_of(point) for point in sweep["points"]]
    columns = list(dict.fromkeys(id_ for one in found for id_ in one))
    names = {id_: text.label_of(m, {}) for one in found for id_, m in one.items()}
    rows = []
    for point, own in zip(sweep["points"], found, strict=True):
        changes = {change["id"]: change for change in point["changes"] if not change["group"]}
        named = "front" if point["on_front"] else "maybe front" if point.get("maybe_on_front") else ""
        mark = (" ", badge("plain", named)) if named else None
        head = element("th", words(str(point["label"])), mark, scope="row")
        rows.append(element("tr", head, [_change_cell(own.get(id_), changes.get(id_)) for id_ in columns]))
    table = tables.table(
        "Every combination", ("Settings", *(names[id_] for id_ in columns)), rows, numeric=range(1, len(columns) + 1)
    )
    lead = "Δ is the paired difference to the model's own settings, on the same prompts and seeds."
    return Section(title="Every combination", body=table, lead=lead)


def effects(sweep: Values) -> Section | None:
    """List how each setting moves each number, averaged over the others."""
    if not sweep["effects"]:
        return None
    ids = list(dict.fromkeys(one["id"] for one in sweep["effects"]))
    by_place = {(one["factor"], one["level"], one["id"]): one for one in sweep["effects"]}
    rows = []
    for factor, level in dict.fromkeys((one["factor"], one["level"]) for one in sweep["effects"]):
        shown = [by_place.get((factor, level, id_)) for id_ in ids]
        head = element("th", words(f"{text.readable(str(factor))} {numbers.plain(level)}"), scope="row")
        rows.append(element("tr", head, [_effect_cell(one) for one in shown]))
    head = ("Setting", *(text.title_of(id_.partition("@")[0]) for id_ in ids))
    table = tables.table("Mean change by setting", head, rows, numeric=range(1, len(head)))
    return Section(title="What each setting does", body=table, lead=AVERAGED)


def _effect_cell(effect: Values | None) -> Markup:
    if effect is None:
        return tables.cell("–", class_="number absent")
    factor, unit = (100.0, " points") if text.is_share(str(effect["id"]).partition("@")[0]) else (1.0, "")
    se, p = effect.get("se"), effect.get("p_holm")
    sure = p is not None and p <= PROVEN
    said = numbers.with_error(effect["mean"] * factor, None if se is None else se * factor, sign=True) + unit
    chance = "" if sure or p is None else element("span", "within chance", class_="note")
    return tables.cell((said, chance), class_="number")


def _panel(sweep: Values) -> Markup:
    names = [str(point["label"]) for point in sweep["points"] if point["on_front"]]
    count = len(sweep["points"])
    said = (
        f"Of {count} combinations, {len(names)} {'is' if len(names) == 1 else 'are'} on the front of quality and time: "
    )
    maybe = sum(bool(point.get("maybe_on_front")) for point in sweep["points"])
    doubt = f" Of the others, {maybe} may belong to it: nothing as fast is proven to be better." if maybe else ""
    return element(
        "div",
        badge("plain", "Measured"),
        element("p", words(said + text.listing(names) + "." + doubt), class_="sentence"),
        class_="verdict plain",
    )


def _protocol(sweep: Values) -> Section:
    body = join(
        element("h3", "Make it again"),
        command_block(str(sweep["command"])),
        (element("h3", "Model"), tables.facts(sweep["subject"])),
        (element("h3", "Pictures"), tables.facts(sweep["protocol"])),
        (element("h3", "Machine"), tables.facts(sweep["environment"])),
    )
    return Section(title="Protocol", body=body)


def sweep_page(sweep: Values) -> str:
    """Return the page of a sweep as HTML.

    Args:
        sweep: A ``SweepReport`` as plain values.
    """
    shown: Sequence[Section | None] = (front(sweep), cells(sweep), effects(sweep), _protocol(sweep))
    name = str(sweep["subject"]["name"])
    meta = (f"{sweep['protocol']['num_prompts']} prompts", f"{sweep['protocol']['size']} px", str(sweep["created"]))
    head = masthead("sweep", name, meta, _panel(sweep))
    return document(f"{name}: sweep", head, [one for one in shown if one is not None], footer(str(sweep["created"])))


def write_sweep_page(sweep: Values, out: Path) -> Path:
    """Write the page of a sweep.

    Args:
        sweep: A ``SweepReport`` as plain values.
        out: The file.

    Raises:
        StorageError: It cannot be written.
    """
    with storage_errors(out):
        out.write_text(sweep_page(sweep), encoding="utf-8")
    return out
