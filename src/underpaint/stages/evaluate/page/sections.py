"""The sections about numbers: key figures, findings, the forest plot, curves, slices, controls, efficiency."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from underpaint.core.page.layout import HALF, Section, details, figure, legend, note
from underpaint.core.page.markup import Markup, element, join, words
from underpaint.stages.evaluate.catalog.table import FAMILIES
from underpaint.stages.evaluate.page import numbers, tables, text
from underpaint.stages.evaluate.page.canvas import SERIES
from underpaint.stages.evaluate.page.forest import Row, Scale, forest_plot
from underpaint.stages.evaluate.page.plots import Line, curve_plot
from underpaint.stages.evaluate.record import Curve, Measurement, Report

PERCENT = Scale(title="percent", low=0.0, high=1.0, factor=100.0)
GLANCE = ("Agreement with the words", "Likeness to real pictures", "Variety and novelty")
"""Families whose shares stand on one axis."""
LOG_FROM = 20.0
"""Ratio of the last to the first position from which a curve gets a logarithmic axis."""
PLOTTED_PER_SLICING = 6
OTHER = "Other numbers"


def card(m: Measurement, report: Report) -> Markup:
    """Show a key figure with what it means."""
    interval = text.interval_text(m)
    real = text.ceiling_text(m)
    facts = [
        f"{text.level_text(m)} interval {interval}" if interval else f"n = {numbers.plain(m.n)}",
        f"real pictures: {real}" if real else "",
        f"judged by {text.extractor_name(m.extractor)}" if m.extractor else "",
    ]
    return element(
        "li",
        element("h3", words(text.heading_of(m, report.extractors))),
        element("p", text.value_text(m), class_="figure"),
        [element("p", words(one), class_="note") for one in facts if one],
        element("p", text.explanation_of(m.metric), class_="meaning"),
        class_="card",
    )


def key_figures(report: Report) -> Section | None:
    """Show the few numbers that matter most."""
    figures = text.key_figures(report)
    if not figures:
        return None
    body = element("ul", [card(m, report) for m in figures], class_="cards")
    return Section(title="Key figures", body=body)


def findings(report: Report) -> Section | None:
    """Show what the numbers say."""
    if not report.findings:
        return None
    body = element("ol", [element("li", words(text.unbroken(one))) for one in report.findings], class_="findings")
    return Section(title="What we found", body=body)


def row_of(m: Measurement, name: str) -> Row:
    """Return a number as a row of the forest plot."""
    low, high = (m.interval.low, m.interval.high) if m.interval else (None, None)
    value = None if m.value is None else text.center_of(m)
    return Row(label=name, value=value, low=low, high=high, text=text.number_text(m), ceiling=m.ceiling)


def shares(report: Report) -> Section | None:
    """Draw every share with its interval on one axis."""
    share = [m for m in text.measured(report.metrics) if text.is_share(m.metric) and m.metric not in text.DIFFERENCES]
    found = [m for family in GLANCE for m in share if _family_of(m.metric) == family]
    if not found:
        return None
    judges = list(dict.fromkeys(text.extractor_name(m.extractor) for m in found))
    name = text.title_of if len(judges) == 1 else None
    rows = [row_of(m, name(m.metric) if name else text.label_of(m, report.extractors)) for m in found]
    judged = f" All are judged by {judges[0]}." if len(judges) == 1 and judges[0] else ""
    keys = [("mark plain", "this model, with its 95 % interval")]
    if any(row.ceiling is not None for row in rows):
        keys.append(("ceiling", "real pictures, judged the same way"))
    body = join(figure(lambda width: forest_plot(rows, PERCENT, width=width)), legend(*keys))
    return Section(
        title="At a glance",
        body=body,
        lead="How often it comes out right, each with its standard error (±) and 95 % interval." + judged,
    )


def _family_of(metric: str) -> str:
    return next((name for name, family in FAMILIES.items() if text.base_of(metric) in family), OTHER)


def every_number(report: Report) -> Section | None:
    """List all numbers over all samples, and those that there are not, with the reason."""
    whole = [m for m in report.metrics if not m.group]
    if not whole:
        return None
    parts = []
    for family in (*FAMILIES, OTHER):
        members = [m for m in whole if _family_of(m.metric) == family]
        if members:
            parts.append(tables.measurement_table(family, members, report))
            parts.append(_glossary(members))
    lead = "A number without enough samples is refused rather than printed; its row says what is missing."
    return Section(title="Every number", body=join(parts), lead=lead)


def _glossary(metrics: Sequence[Measurement]) -> Markup | None:
    meanings = {text.title_of(m.metric): text.explanation_of(m.metric) for m in metrics}
    terms = [(element("dt", title), element("dd", meaning)) for title, meaning in meanings.items() if meaning]
    if not terms:
        return None
    return details("What these numbers mean", element("dl", terms, class_="glossary"))


def _slicing(m: Measurement) -> str:
    return m.group.partition("=")[0]


def _worst(metrics: Sequence[Measurement], whole: Measurement | None) -> str:
    """Name the slices whose whole interval is worse than the number over all samples."""
    if whole is None or whole.value is None or whole.direction == "none":
        return ""
    center, worse = text.center_of(whole), []
    for m in metrics:
        if m.interval is None or m.value is None:
            continue
        end = m.interval.high if whole.direction == "higher" else m.interval.low
        if end is not None and (end < center if whole.direction == "higher" else end > center):
            worse.append(text.group_text(m.group))
    return f"Worse than over all samples, by the whole interval: {text.listing(worse)}." if worse else ""


def _slice_figure(metrics: Sequence[Measurement], report: Report) -> Markup:
    whole = next((m for m in report.metrics if m.id == metrics[0].id and not m.group), None)
    share = text.is_share(metrics[0].metric)
    line = text.center_of(whole) if whole is not None and whole.value is not None else None
    base = PERCENT if share and metrics[0].metric not in text.DIFFERENCES else Scale(title=metrics[0].unit)
    scale = Scale(title=base.title, low=base.low, high=base.high, factor=base.factor, line=line)
    rows = [row_of(m, text.group_text(m.group)) for m in metrics]
    caption = join(words(text.label_of(metrics[0], report.extractors)))
    worst = _worst(metrics, whole)
    return element(
        "div",
        figure(lambda width: forest_plot(rows, scale, width=width), caption),
        note(worst, kind="quiet") if worst else None,
    )


def by_slice(report: Report) -> Section | None:
    """Draw and list numbers by slice."""
    sliced = [m for m in report.metrics if m.group]
    if not sliced:
        return None
    parts: list[Markup] = []
    for name in dict.fromkeys(_slicing(m) for m in sliced):
        members = [m for m in sliced if _slicing(m) == name]
        plotted = [[m for m in members if m.id == one] for one in dict.fromkeys(m.id for m in members)]
        drawn = [ms for ms in plotted if sum(m.value is not None for m in ms) > 1][:PLOTTED_PER_SLICING]
        heading = text.readable(name)
        parts.append(
            element("h3", "By ", words(heading)) if drawn else element("h3", "By ", words(heading), ", listed")
        )
        parts += [_slice_figure(metrics, report) for metrics in drawn]
        parts.append(details("The numbers", tables.group_table(f"By {heading}", members, report)))
    lead = "The dashed line is the number over all samples. A model is only as good as its worst slice."
    return Section(title="By group", body=join(parts), lead=lead)


def _log(curves: Sequence[Curve]) -> bool:
    positions = [x for curve in curves for x in curve.x]
    return min(positions) > 0 and max(positions) / min(positions) >= LOG_FROM


def _banded(curve: Curve) -> bool:
    return len(curve.low) == len(curve.high) == len(curve.x)


def _common(titles: Sequence[str]) -> str:
    """Return the words with which all titles begin; the whole title if there is one."""
    if len(titles) == 1:
        return titles[0]
    shared = itertools.takewhile(lambda words_: len(set(words_)) == 1, zip(*(t.split() for t in titles), strict=False))
    return " ".join(words_[0] for words_ in shared).rstrip(" ,:-")


def _curve_figure(curves: Sequence[Curve]) -> Markup:
    title = _common([c.title or c.id for c in curves]) or text.readable(curves[0].kind).capitalize()
    names = [(c.title or c.id).removeprefix(title).strip(" ,:-") for c in curves]
    lines = [
        Line(label=name, x=c.x, y=c.y, low=c.low if _banded(c) else (), high=c.high if _banded(c) else ())
        for c, name in zip(curves[:SERIES], names, strict=False)
    ]
    log, diagonal = _log(curves), curves[0].kind == "reliability"

    def draw(width: float) -> Markup:
        return curve_plot(
            lines, x_label=curves[0].x_label, y_label=curves[0].y_label, width=width, log=log, diagonal=diagonal
        )

    keys = legend(*((f"line s{index}", name) for index, name in enumerate(names[:SERIES]))) if len(lines) > 1 else None
    return figure(draw, join(words(title), keys), wide=HALF)


def curve_section(curves: Sequence[Curve]) -> Section | None:
    """Draw the curves; those of one kind with equal axes share a plot."""
    usable = [curve for curve in curves if curve.x and len(curve.x) == len(curve.y)]
    if not usable:
        return None

    def place(curve: Curve) -> tuple[str, str, str]:
        return curve.kind, curve.x_label, curve.y_label

    figures = [_curve_figure(list(group)) for _, group in itertools.groupby(sorted(usable, key=place), key=place)]
    lead = "Bands are 95 % intervals."
    return Section(title="Curves", body=element("div", figures, class_="plots"), lead=lead)


def controls(report: Report) -> Section | None:
    """Show whether the numbers notice what is known to be bad, and leave alone what is the same."""
    if not report.controls:
        return None
    blind = sorted(
        {
            control.control
            for control in report.controls
            if control.kind == "known_bad"
            and not any(
                abs(tables.control_z(other)) >= tables.SEEN
                for other in report.controls
                if other.control == control.control
            )
        }
    )
    warning = f"No number noticed {text.listing([text.readable(name) for name in blind])}." if blind else ""
    keys = (("heat-0", "what chance explains (below 2)"), ("heat-2", "noticed (3 to 5)"), ("heat-4", "unmistakable"))
    body = join(note(warning, kind="warn") if warning else None, tables.control_table(report), legend(*keys))
    return Section(
        title="Would these numbers notice?",
        body=body,
        lead="Null controls are the same model with other seeds: their cells should stay near 0. Known-bad controls "
        "are copies made worse on purpose: every one should stand out in at least one row.",
    )


def _parts(efficiency: dict[str, Any]) -> Markup | None:
    parts = efficiency.get("latency", {}).get("parts_ms") if isinstance(efficiency.get("latency"), dict) else None
    if not isinstance(parts, dict) or not parts:
        return None
    known = {name: value for name, value in parts.items() if isinstance(value, int | float)}
    rows = [
        Row(label=text.readable(name.removesuffix("_ms")), value=value, text=f"{numbers.plain(value)} ms")
        for name, value in known.items()
    ]
    scale = Scale(title="milliseconds", low=0.0, line=0.0, bars=True)
    return figure(lambda width: forest_plot(rows, scale, width=width), "Where the time of a picture goes")


def efficiency(report: Report) -> Section | None:
    """Show what lies behind the numbers on time, memory, energy and money."""
    if not report.efficiency:
        return None
    blocks = [
        details(text.readable(str(name)).capitalize(), tables.fact(value), open_=name == "latency")
        for name, value in report.efficiency.items()
    ]
    return Section(title="Efficiency details", body=join(_parts(report.efficiency), blocks))
