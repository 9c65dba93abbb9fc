"""The page of a search: the choice in a sentence, time against loss, pictures, what fell and why, and the way back."""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.core.page.layout import Section, badge, command_block, details, document, figure, legend
from underpaint.core.page.markup import Markup, element, join, words
from underpaint.core.page.masthead import footer, masthead
from underpaint.core.page.table import cell, table
from underpaint.stages.optimize.search.compared import beside, space
from underpaint.stages.optimize.search.frontier_file import Frontier
from underpaint.stages.optimize.search.gains import choice_in_words, gains, losses
from underpaint.stages.optimize.search.outcome import CLOCKS
from underpaint.stages.optimize.search.record import Ratio, Timer, Trial
from underpaint.stages.optimize.search.samples import Sampled
from underpaint.stages.optimize.search.task import Chart, ChartPoint

LEAST_ROOM = -1.0
"""Trials that lose more are drawn at the edge of the chart."""
STATES = {
    "accepted": "accepted",
    "feasible": "good enough on the search's captions, not needed",
    "dominated": "beaten, or no faster",
    "rejected": "draws worse",
    "refused": "does not fit",
    "infeasible": "no time to make it",
    "failed": "could not be made or drawn with",
    "killed": "its process was ended",
}


def search_page(frontier: Frontier, pictures: Sequence[Sampled], command: str, out: str, chart: Chart) -> str:
    """Return the page as HTML.

    Args:
        frontier: The search.
        pictures: Before and after; none if nothing was accepted.
        command: The command that makes it again.
        out: The folder of the result.
        chart: Draws time against loss.
    """
    chosen = frontier.accepted
    shown = [
        gains(frontier, chosen) if chosen else None,
        losses(frontier, chosen) if chosen else None,
        beside(frontier) if frontier.rivals else None,
        _front(frontier, chart),
        _pictures(pictures) if pictures else None,
        _trials(frontier),
        space(frontier) if frontier.space else None,
        _judge(frontier),
        _again(frontier, command, out),
    ]
    meta = (
        f"{len(frontier.trials)} recipes",
        f"{frontier.budget.used / 60:.0f} of {frontier.budget.asked / 60:.0f} min",
        f"policy {frontier.policy}",
        frontier.host.host_class,
    )
    head = masthead("search", f"{frontier.base}, optimized", meta, _panel(frontier))
    sections = [section for section in shown if section is not None]
    return document(f"{frontier.base}: search for a faster model", head, sections, footer(frontier.base_digest[:16]))


def _panel(frontier: Frontier) -> Markup:
    chosen = frontier.accepted
    kind = "pass" if chosen else "indeterminate"
    return element(
        "div",
        badge(kind, "Accepted" if chosen else "Nothing accepted"),
        element("p", words(choice_in_words(frontier)), class_="sentence"),
        element("p", words(f"The search ended because {frontier.ended}."), class_="note"),
        class_=f"verdict {kind}",
    )


def points_of(frontier: Frontier) -> list[ChartPoint]:
    """Return the trials that were timed and compared, the rivals and the model before, as points of the chart.

    Times are by the clock that ranks all of them.
    """
    best, timer = {*frontier.frontier, frontier.chosen}, frontier.timer
    rivals = [
        _point(rival.name, rival.cost.by(timer), rival.loss)
        for rival in frontier.rivals
        if rival.cost is not None and rival.loss is not None
    ]
    trials = [
        _point(
            trial.id, trial.cost.by(timer), trial.loss, on_front=trial.id in best, chosen=trial.id == frontier.chosen
        )
        for trial in frontier.trials
        if trial.cost is not None and trial.loss is not None
    ]
    return [_point(frontier.base, (1.0, 1.0, 1.0), 0.0), *rivals, *trials]


def _point(label: str, ratio: Ratio, loss: float, *, on_front: bool = False, chosen: bool = False) -> ChartPoint:
    room = max(LEAST_ROOM, 1.0 - loss)
    return ChartPoint(label=label, ratio=ratio, room=room, on_front=on_front, chosen=chosen)


def _front(frontier: Frontier, chart: Chart) -> Section:
    points = points_of(frontier)
    key = legend(("on-front", "nothing is faster and loses less"), ("off-front", "beaten, or refused"))
    return Section(
        title="Time against loss",
        lead="Each point is a recipe, drawn on captions that the last decision did not use. To the left is faster, by "
        f"{CLOCKS[frontier.timer]} for all. 1 means no loss against the model before, 0 the most that was let through; "
        "below that a recipe was given up.",
        body=join(figure(lambda width: chart(points, width), key)),
    )


def _pictures(pictures: Sequence[Sampled]) -> Section:
    changed = sum(not picture.same for picture in pictures)
    cases = [
        element(
            "figure",
            element("div", _side(one.before, "before"), _side(one.after, "after"), class_="duo"),
            element("figcaption", words(one.caption, class_="prompt"), element("span", one.style, class_="note")),
            class_="case",
        )
        for one in pictures
    ]
    return Section(
        title="Before and after",
        lead=f"The same captions and seeds, those first that moved farthest from the real picture of their caption. "
        f"{changed} of these {len(pictures)} differ. Another token early on is another picture and no worse one, so "
        "sets of pictures are judged, not pairs.",
        body=element("div", cases, class_="cases"),
    )


def _side(source: str, which: str) -> Markup:
    image = element("img", src=source, alt=f"picture {which}", class_="tile", width=128, height=128, decoding="async")
    return element("span", image, element("span", which, class_="which"), class_="side")


def _trials(frontier: Frontier) -> Section:
    rows = [_row(trial, frontier.timer) for trial in frontier.trials]
    head = ("Trial", "Steps", "Ended", "Time", "Loss", "Why")
    return Section(
        title="Every trial",
        lead=f"{CLOCKS[frontier.timer].capitalize()} as a ratio to the model before, by the clock that ranks them all; "
        "loss as a share of what was let through. Refused recipes too.",
        body=table("All recipes in the order in which they were looked at", head, rows, numeric=(3, 4)),
    )


def _row(trial: Trial, timer: Timer) -> Markup:
    ratio = "–" if trial.cost is None else f"{trial.cost.by(timer)[0]:.2f}"
    loss = "–" if trial.loss is None else f"{trial.loss:.2f}"
    made = f"{trial.origin} of {trial.parent}" if trial.parent else trial.origin
    steps = [element("div", words(str(step))) for step in trial.recipe.steps]
    return element(
        "tr",
        element("th", trial.id, element("span", made, class_="note"), scope="row"),
        cell(steps),
        cell((trial.state, element("span", STATES[trial.state], class_="note"))),
        cell(ratio, class_="number"),
        cell(loss, class_="number"),
        cell(words(trial.reason.text if trial.reason else "")),
    )


def _judge(frontier: Frontier) -> Section:
    planted = [
        element("li", words(f"{name}: {'accepted' if verdict == 'pass' else 'refused'} ({verdict})"))
        for name, verdict in frontier.readiness.planted.items()
    ]
    limits = [
        element(
            "tr",
            element("th", words(name), scope="row"),
            *(cell(_number(value), class_="number") for value in (limit.null, limit.bad, limit.limit)),
        )
        for name, limit in frontier.limits.items()
    ]
    head = ("Metric", "Other seeds change", "Weights of 3 bits change", "Bearable")
    body = join(
        element("p", "Before the search, the gate was shown copies that are known to be bad; it must refuse them:"),
        element("ul", planted, class_="findings"),
        table("What discards on the search's own captions", head, limits, numeric=(1, 2, 3)),
    )
    used = frontier.attempts
    return Section(
        title="Who decided",
        lead=f"The gate, by the policy {frontier.policy}, on held-out captions that no trial saw. {used.used} of at "
        f"most {used.most} candidates were shown to it, from what loses least on, until one did not pass; each with "
        "the policy's whole error, which such a fixed sequence keeps.",
        body=body,
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _again(frontier: Frontier, command: str, out: str) -> Section:
    host = frontier.host.fingerprint
    facts = [
        element("li", words(f"machine: {frontier.host.host_class}, {host.get('cores', {}).get('allowed', '?')} cores")),
        element("li", words(f"engines: {', '.join(f'{k} {v}' for k, v in host.get('engines', {}).items())}")),
        element("li", words(f"model before: {frontier.base_address} ({frontier.base_digest[:16]})")),
    ]
    back = (
        (element("h3", "Take it back"), command_block(f"underpaint optimize --undo {out}")) if frontier.chosen else ()
    )
    return Section(
        title="Again, and back",
        body=join(
            element("h3", "Make it again"),
            command_block(command),
            *back,
            details("Machine and model", element("ul", facts)),
            element("p", "The same, for programs, stands in frontier.json and trials.jsonl.", class_="note"),
        ),
    )
