"""What was gained and what it cost, in plain words and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from underpaint.core.page.layout import Section
from underpaint.core.page.markup import Markup, element, words
from underpaint.core.page.table import cell, table
from underpaint.stages.optimize.search.frontier_file import Frontier
from underpaint.stages.optimize.search.record import UNTRIED, Quality, Ratio, Trial


def faster(ratio: Ratio) -> str:
    """Say a ratio of times as a speed: ``2.9 times as fast (2.7 to 3.1)``."""
    estimate, low, high = ratio
    return f"{1 / estimate:.2f} times as fast ({1 / high:.2f} to {1 / low:.2f})"


def choice_in_words(frontier: Frontier) -> str:
    """Say what was chosen, what it gains and what it costs, in a few sentences."""
    chosen = frontier.accepted
    if chosen is None or chosen.cost is None:
        looked = sum(trial.state not in UNTRIED for trial in frontier.trials)
        said = f"Of {looked} recipes that were looked at, none is faster and proven to draw as well; the model stays."
        return f"{said} {outcomes_in_words(frontier)}".strip()
    memory = chosen.cost.peak_rss_mb / frontier.base_cost.peak_rss_mb
    disk = chosen.cost.disk_mb / frontier.base_cost.disk_mb
    speed = faster(chosen.cost.by(frontier.timer))
    said = f"It draws {speed}, with {memory:.2f} of the memory and {disk:.2f} of the files."
    busy = " The machine was busy, so processor time was compared." if frontier.timer == "processor" else ""
    proof = _proof(chosen, frontier.margins)
    return " ".join(filter(None, (f"{chosen.name}. {said}{busy}", outcomes_in_words(frontier), proof)))


def outcomes_in_words(frontier: Frontier) -> str:
    """Say what is shown about the rivals, a sentence each."""
    return " ".join(f"{outcome.text[:1].upper()}{outcome.text[1:]}." for outcome in frontier.outcomes)


def _proof(chosen: Trial, margins: Mapping[str, float]) -> str:
    """Say which of the judge's metrics came nearest to its margin."""
    judged = [(name, change) for name, change in _judged(chosen) if margins.get(name)]
    if not judged:
        return ""
    name, change = max(judged, key=lambda pair: pair[1][2] / margins[pair[0]])
    return (
        f"Of what the policy asks for, {name.partition(':')[0]} came nearest to its margin: the loss is between "
        f"{change[1]:+.3g} and {change[2]:+.3g}, and {margins[name]:.3g} is allowed (below 0 is better)."
    )


def _judged(trial: Trial) -> Sequence[tuple[str, Quality]]:
    """Return what the judge measured, without the search's own metrics."""
    own = ("kid@randconv-v1", "match@randconv-v1")
    return [(name, change) for name, change in trial.quality.items() if name not in own]


def gains(frontier: Frontier, chosen: Trial) -> Section:
    """Show what was gained."""
    cost, base = chosen.cost, frontier.base_cost
    assert cost is not None
    rows = [
        _row("time of a picture, ms", cost.base_ms, cost.latency_ms, _ratio(cost.latency_ratio)),
        _row("processor time, as a ratio", 1.0, cost.cpu_ratio[0], _ratio(cost.cpu_ratio)),
        _row(
            "memory at its worst, MB", base.peak_rss_mb, cost.peak_rss_mb, f"{cost.peak_rss_mb / base.peak_rss_mb:.2f}"
        ),
        _row("files, MB", base.disk_mb, cost.disk_mb, f"{cost.disk_mb / base.disk_mb:.2f}"),
    ]
    return Section(
        title="What was gained",
        lead=f"Timed in turn with the model before, {cost.pairs} pictures each, every model in a process of its own "
        f"({'one start' if cost.starts == 1 else f'{cost.starts} starts'}), one picture at a time.",
        body=table("Before and after", ("", "Before", "After", "Ratio"), rows, numeric=(1, 2, 3)),
    )


def _ratio(ratio: Ratio) -> str:
    return f"{ratio[0]:.2f} ({ratio[1]:.2f} to {ratio[2]:.2f})"


def _row(name: str, before: float, after: float, ratio: str) -> Markup:
    shown = (f"{before:.3g}", f"{after:.3g}", ratio)
    return element("tr", element("th", name, scope="row"), *(cell(value, class_="number") for value in shown))


def losses(frontier: Frontier, chosen: Trial) -> Section:
    """Show what it cost in quality."""
    rows = [
        element(
            "tr",
            element("th", words(name), scope="row"),
            cell(f"{change[0]:+.3g}", class_="number"),
            cell(f"{change[1]:+.3g} to {change[2]:+.3g}", class_="number"),
            cell(f"{frontier.margins[name]:.3g}" if name in frontier.margins else "–", class_="number"),
            cell(str(change[3]), class_="number"),
        )
        for name, change in _judged(chosen)
    ]
    head = ("Metric", "Change", "Between", "Margin", "Pictures")
    return Section(
        title="What it costs",
        lead="Above 0 is worse; the upper end must lie below the margin. The gate's reasons stand in gate.json. Of "
        "pictures with the same seed, none is asked to stay as it was.",
        body=table(f"By the policy {frontier.policy}", head, rows, numeric=(1, 2, 3, 4)),
    )
