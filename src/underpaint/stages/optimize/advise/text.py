"""The advice as lines of text: a table of machines, where the order changes, the training, sources, assumptions."""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.stages.optimize.advise.advice import Advice, Row
from underpaint.stages.optimize.advise.figure import sources_of
from underpaint.stages.optimize.advise.wording import pictures, spanned

HEAD = ("machine", "place", "machines", "{currency} a month", "per 1,000", "Wh per 1,000", "g CO2e per 1,000")
NAMES = {"not_measured": "not measured", "too_slow": "too slow"}


def described(advice: Advice) -> str:
    """Return the advice for people."""
    blocks = [
        [advice.sentence],
        table_of(advice),
        [f"{row.machine}: {row.reason}" for row in advice.rows if row.reason],
        order_changes(advice),
        training_of(advice),
        ["where the numbers come from:", *(f"  {source}" for source in all_sources(advice))],
        ["what they rest on:", *(f"  {one}" for one in advice.assumptions)],
        [f"check: {one}" for one in advice.warnings],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def table_of(advice: Advice) -> list[str]:
    """Return the table of machines."""
    head = [name.format(currency=advice.currency) for name in HEAD]
    cells = [head, *(cells_of(row) for row in advice.rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def cells_of(row: Row) -> list[str]:
    """Return a machine's line of the table."""
    first = [row.machine, row.place]
    if row.status != "ok":
        return [*first, NAMES[row.status], "–", "–", "–", "–"]
    shown = (row.machines, row.money, row.money_per_1000, row.wh_per_1000, row.g_per_1000)
    return [*first, *map(spanned, shown)]


def order_changes(advice: Advice) -> list[str]:
    """Say where one machine becomes cheaper than another."""
    lines: list[str] = []
    for one in advice.break_evens:
        volume = one.volume
        sure = "never surely" if volume.high is None else f"surely from {pictures(volume.high)}"
        lines.append(
            f"  {one.above} is cheaper than {one.below} from {pictures(volume.value)} pictures a month on "
            f"(possibly from {pictures(volume.low)}, {sure})"
        )
    return ["break-even volumes:", *lines] if lines else []


def training_of(advice: Advice) -> list[str]:
    """Say what the training costs."""
    cost = advice.training
    if cost is None:
        return [f"training: not known; {advice.training_reason}"]
    energy = "" if cost.kwh is None else f", {spanned(cost.kwh)} kWh, {spanned(cost.kg)} kg CO2e"
    return [
        f"training, apart: {spanned(cost.hours)} hours, {spanned(cost.money)} {advice.currency}{energy}; "
        f"{spanned(cost.money_per_1000)} {advice.currency} per 1,000 if the model is used for {cost.months:g} months"
    ]


def all_sources(advice: Advice) -> Sequence[str]:
    """Return where the numbers come from, each source once."""
    training = [advice.training.money_per_1000, advice.training.kg] if advice.training else []
    return sources_of(*(figure for row in advice.rows for figure in row.figures()), *training)
