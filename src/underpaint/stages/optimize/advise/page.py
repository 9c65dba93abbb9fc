"""The page of an advice: one file that loads nothing, with the answer first and the source of every number last."""

from __future__ import annotations

from functools import partial

from underpaint.core.page.layout import Section, command_block, document, figure, note
from underpaint.core.page.markup import Markup, element, join, words
from underpaint.core.page.masthead import footer, masthead
from underpaint.core.page.table import cell, table
from underpaint.stages.optimize.advise.advice import Advice, Row
from underpaint.stages.optimize.advise.chart import bars, cost_over_volume, legend_of
from underpaint.stages.optimize.advise.figure import Figure, sources_of
from underpaint.stages.optimize.advise.text import HEAD, NAMES, training_of
from underpaint.stages.optimize.advise.wording import amount, pictures, spanned

FIGURES: dict[str, str] = {
    "rate": "pictures a second that one machine can be asked for",
    "machines": "machines",
    "p95_ms": "95 in 100 pictures are there within (ms)",
    "load": "share of the promised rate that is used on average",
    "standing": "money of a month, drawn or not",
    "drawing": "money of a month that grows with pictures",
    "kwh": "energy of a month",
    "kg": "greenhouse gases of that energy",
    "kg_made": "the month's share of those of manufacture",
}
"""Figures of a machine beside those of the table."""


def page_of(advice: Advice, command: str) -> str:
    """Return the page.

    Args:
        advice: The advice.
        command: What gives it again.
    """
    asked = advice.asked
    facts = [
        f"{amount(asked.per_month)} pictures a month",
        f"95 in 100 within {amount(asked.latency_ms)} ms",
        f"busiest time {asked.peak_to_mean:g} times the mean",
        f"prices in {advice.currency}",
    ]
    verdict = element("div", element("p", words(advice.sentence), class_="sentence"), class_="verdict")
    warned = [note(words(text), kind="warn") for text in advice.warnings]
    sections = [comparison(advice), volumes(advice), training(advice), *map(machine, advice.rows), basis(advice)]
    sections.append(Section(title="Again", body=command_block(command), lead="The command that gives this advice."))
    head = masthead("advice", advice.model, facts, verdict, *warned)
    return document(f"Advice: {advice.model}", head, sections, footer(advice.day))


def comparison(advice: Advice) -> Section:
    """Show all machines in a table, and their cost as bars."""
    head = [name.format(currency=advice.currency) for name in HEAD if name != "place"]
    rows = [element("tr", _cells(row)) for row in advice.rows]
    body = join(
        table("Machines, the cheapest first; in brackets the interval", head, rows, numeric=range(2, len(head))),
        figure(partial(bars, advice), f"{advice.currency} of 1,000 pictures, with its interval"),
    )
    return Section(title="The machines", body=body)


def _cells(row: Row) -> list[Markup]:
    where = element("span", f"{row.place}, {row.host_class}", class_="note")
    first = [element("th", words(row.machine), where, scope="row")]
    if row.status != "ok":
        absent = [cell("–", class_="number absent")] * 4
        return [*first, cell(NAMES[row.status], class_="number absent"), *absent]
    shown = (row.machines, row.money, row.money_per_1000, row.wh_per_1000, row.g_per_1000)
    return [*first, *map(_number, shown)]


def _number(found: Figure | None) -> Markup:
    if found is None:
        return cell("–", class_="number absent")
    whole = spanned(found)
    value, _, interval = whole.partition(" ")
    return cell(join(value, element("span", interval, class_="note") if interval else None), class_="number")


def volumes(advice: Advice) -> Section:
    """Show the cost over the volume, and where the order changes."""
    lines = [
        element(
            "li",
            words(one.above),
            " is cheaper than ",
            words(one.below),
            f" from {pictures(one.volume.value)} pictures a month on; possibly from {pictures(one.volume.low)}, ",
            "never surely" if one.volume.high is None else f"surely from {pictures(one.volume.high)}",
        )
        for one in advice.break_evens
    ]
    changes = element("ul", lines, class_="findings") if lines else note("No two machines change places here.")
    costly = any(value > 0.0 for curve in advice.curves for value in curve.high)
    plot = figure(partial(cost_over_volume, advice), legend_of(advice)) if costly else None
    lead = "Money of a month over pictures of a month. Bands are intervals, red marks break-even volumes."
    return Section(title="Break-even volumes", body=join(plot, changes), lead=lead)


def training(advice: Advice) -> Section:
    """Say what the training costs, apart."""
    return Section(title="Training", body=element("p", words(training_of(advice)[0])), lead="Beside the drawing.")


def machine(row: Row) -> Section:
    """Show all figures of a machine and where they come from."""
    facts = [("measured", row.measured or "not measured"), ("drawn together", str(row.batch_cap or "–"))]
    for name, title in FIGURES.items():
        found: Figure | None = getattr(row, name)
        if found is not None:
            facts.append((title, f"{spanned(found)} {found.unit}".strip()))
    shown = element("dl", [[element("dt", name), element("dd", words(text))] for name, text in facts], class_="facts")
    sources = sources_of(*row.figures())
    listed = element("ul", [element("li", words(source)) for source in sources]) if sources else None
    remark = note(words(row.reason), kind="warn") if row.reason else None
    return Section(title=row.machine, body=join(remark, shown, listed))


def basis(advice: Advice) -> Section:
    """Say what the figures rest on."""
    return Section(
        title="What it rests on",
        body=element("ul", [element("li", words(text)) for text in advice.assumptions], class_="findings"),
    )
