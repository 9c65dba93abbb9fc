"""Two sections of a search's page: the best candidates beside what is there already, and what the space held."""

from __future__ import annotations

from underpaint.core.page.layout import Section
from underpaint.core.page.markup import Markup, element, join, words
from underpaint.core.page.table import cell, table
from underpaint.stages.optimize.search.frontier_file import Frontier, Region
from underpaint.stages.optimize.search.outcome import CLOCKS
from underpaint.stages.optimize.search.record import Cost, Ratio, Rival, Trial

REGIONS = {
    "tried": "tried",
    "refused": "does not fit",
    "failed": "could not be made",
    "not_reached": "not reached",
}


def beside(frontier: Frontier) -> Section:
    """Show the candidates that ran beside the rivals."""
    runners = [trial for trial in frontier.trials if any(trial.id in rival.beside for rival in frontier.rivals)]
    head = ("", "Time", "Loss", *(f"Over {rival.name}" for rival in frontier.rivals))
    rows = [
        _row("the model before", (1.0, 1.0, 1.0), 0.0, [None] * len(frontier.rivals)),
        *(_rival(rival, frontier) for rival in frontier.rivals),
        *(_runner(trial, frontier) for trial in runners),
    ]
    found = element("ul", [element("li", words(one.text)) for one in frontier.outcomes], class_="findings")
    numeric = tuple(range(1, len(head)))
    return Section(
        title="Beside what is there",
        lead=f"All of these drew in turn, in one run; {CLOCKS[frontier.timer]} as a ratio to the model before, and "
        "each candidate's over the rival's: it is faster if the whole interval is below 1.",
        body=join(found, table("The best candidates and the rivals", head, rows, numeric=numeric)),
    )


def _rival(rival: Rival, frontier: Frontier) -> Markup:
    if rival.cost is None:
        why = "" if rival.reason is None else rival.reason.text
        return element("tr", element("th", words(rival.name), element("span", words(why), class_="note"), scope="row"))
    over = [(1.0, 1.0, 1.0) if other is rival else None for other in frontier.rivals]
    return _row(rival.name, rival.cost.by(frontier.timer), rival.loss, over, "exported already")


def _runner(trial: Trial, frontier: Frontier) -> Markup:
    assert isinstance(trial.cost, Cost), "who ran was timed"
    found = [rival.beside.get(trial.id) for rival in frontier.rivals]
    over = [None if one is None else one.by(frontier.timer) for one in found]
    return _row(trial.id, trial.cost.by(frontier.timer), trial.loss, over, " + ".join(map(str, trial.recipe.steps)))


def _row(name: str, time: Ratio, loss: float | None, over: list[Ratio | None], note: str = "") -> Markup:
    said = element("span", words(note), class_="note") if note else None
    lost = "–" if loss is None else f"{loss:.2f}"
    shown = (_ratio(time), lost, *map(_ratio, over))
    return element(
        "tr", element("th", words(name), said, scope="row"), *(cell(value, class_="number") for value in shown)
    )


def _ratio(ratio: Ratio | None) -> str:
    return "–" if ratio is None else f"{ratio[0]:.3f} ({ratio[1]:.3f} to {ratio[2]:.3f})"


def space(frontier: Frontier) -> Section:
    """Show what of the space was covered."""
    head = ("Transform", "Slot", "Choices", "Looked at", "")
    return Section(
        title="What the space held",
        lead="Every transform in every slot, whether a recipe with it was looked at, and if not, why. Combinations are "
        "many more than recipes: what stands here says where nothing was looked for, not that all was.",
        body=table("The space of this search", head, map(_region, frontier.space), numeric=(2, 3)),
    )


def _region(region: Region) -> Markup:
    return element(
        "tr",
        element("th", region.transform, scope="row"),
        cell(region.slot),
        cell(str(region.choices), class_="number"),
        cell(str(region.looked), class_="number"),
        cell((REGIONS[region.state], element("span", words(region.reason), class_="note") if region.reason else None)),
    )
