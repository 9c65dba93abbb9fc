"""The published page: the verdict, what it means, every figure, and what it does not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from frontier_points import DEFAULT, REDRAWN
from frontier_quality import COMPOSITION, CONCEPT, MEASURES
from frontier_verdict import READINGS, SCOPES

FAMILIES = {
    "four-scales": "hybrid with four scales",
    "three-scales": "hybrid with three scales",
    "regression": "hybrid with a regression",
    "flow": "flow model",
    "few-step": "few-step flow model",
    "gan": "GAN",
}

DEFINITION = """## What "equal quality" means here

The *speed-up at equal quality* is the time of a picture (median, one at a time, one thread) by the cheapest point of
the rival that is not worse than the hybrid's default, over the time by the hybrid's default. Not worse: in each of the
judged measures, the one-sided 95 % upper bound of the loss, paired on caption and seed and robust to drawings of one
concept, lies within a margin that was fixed beforehand. *By value* reads the same without any error: the loss itself
lies within the margin. The truth lies between the two readings; few pictures make the strict one favor the hybrid.
*Both* averages the kernel distances of the two splits: a gain on one may make up for a loss on the other.

| judged | by | better | margin |
|---|---|---|---|
| KD evaluator-64 | kernel distance (cubic kernel), features of `evaluator-64` | lower | {} |
| KD randconv-v1 | the same, features of the random network `randconv-v1` | lower | {} |
| own caption first | the own caption is nearest among 100, by `evaluator-64`, on compositions | higher | {} |

On the first shipped model, on which the margins were fixed, a blur of half a pixel costs 0.043 of the first distance
and 0.037 of the second. Precision and recall (`evaluator-64`) are shown beside them. No distance here is FID."""

STARTS = """The flow model started from the hybrid's text encoder and blocks and saw its own pictures on top; few-step
started from the flow model; the hybrids with fewer scales, and the regression, started from the hybrid. Minutes are of
whatever machine each was trained on; the hybrids', of their generators."""

CAVEATS = """## What this does not say

- One data set, one size (64 px), one training run a model, one processor. Models are as trained: their training figures
  stand in the JSON file.
- The cheapest of many points is chosen after a look at all of them, which favors the rival; a strict bound on few
  pictures favors the hybrid.
- The rival's guidance was chosen on the validation split at {steps} steps, by kernel distances alone, and holds where
  no guidance is named. That rule leaves captions out, so points with guidance 1 and 2 were added after the first points
  had been measured, which favors the rival. The hybrid's default was chosen before, on the same split.
- A ratio marked as one of multiply-adds belongs to a point that was not timed.
- The intervals of the ratios hold the choice of the point fixed.
- `evaluator-64` was trained on the same drawings as the models; `randconv-v1` was not trained at all.
- Quality was drawn in batches, time was measured one picture at a time; the two differ in the last bits of sums."""


def ratio_text(ratio: Mapping[str, Any] | None, *, unit: bool = True) -> str:
    """Return a ratio with its interval; one of multiply-adds says so unless the column does."""
    if ratio is None:
        return "–"
    ends = f" ({ratio['low']:.2f} to {ratio['high']:.2f})" if "low" in ratio else ""
    return f"{ratio['value']:.2f}{ends}" + (" (multiply-adds)" if unit and ratio["unit"] == "MAC" else "")


def rows_of(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown, all but the first column to the right."""
    rule = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join([f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)])


def verdict_table(verdicts: Mapping[str, Mapping[str, Any]], most_steps: int) -> str:
    """Return the table of speed-ups, family by family and scope by scope."""
    rows = []
    for family, scopes in verdicts.items():
        missing = f"not matched at {most_steps} steps" if family == "flow" else "not matched"
        for scope, found in scopes.items():
            cells = [f"{FAMILIES[family]}, {scope}"]
            for reading in READINGS:
                one = found["speed_up"][reading]
                cells += [one["point"] or missing, ratio_text(one["ratio"])]
            rows.append(cells)
    return rows_of(["rival, captions", "not worse, strict", "speed-up", "not worse by value", "speed-up"], rows)


def reverse_table(verdicts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the other way around: the cheapest hybrid point that is not worse than the rival's best one."""
    rows = []
    for family, scopes in verdicts.items():
        found = scopes["both"]
        cells = [f"{FAMILIES[family]}: {found['best']}"]
        for reading in READINGS:
            one = found["reverse"][reading]
            cells += [one["point"] or "none", ratio_text(one["ratio"])]
        rows.append(cells)
    return rows_of(["rival's best", "hybrid, strict", "speed-up", "hybrid, by value", "speed-up"], rows)


def controls_table(controls: Mapping[str, Mapping[str, bool]]) -> str:
    """Return which controls pass as not worse."""
    rows = [[name, *("passes" if passed else "fails" for passed in found.values())] for name, found in controls.items()]
    return rows_of(["control", *SCOPES], rows)


def fixed_table(fixed: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the ratios at fixed numbers of steps."""
    head = ["solver and steps", "time, one picture", "time, batch of 8", "multiply-adds"]
    keys = ("ratio", "ratio_batch_8", "mac_ratio")
    return rows_of(head, [[name, *(ratio_text(row[key], unit=False) for key in keys)] for name, row in fixed.items()])


def estimate_text(estimate: Mapping[str, Any] | None, decimals: int = 3) -> str:
    """Return a value with its interval."""
    if estimate is None:
        return "–"
    ends = estimate["interval"]
    interval = f" ({ends[0]:.{decimals}f} to {ends[1]:.{decimals}f})" if ends else ""
    return f"{estimate['value']:.{decimals}f}{interval}"


def quality_table(points: Mapping[str, Mapping[str, Any]]) -> str:
    """Return every point's quality: distances on concepts and compositions, retrieval, precision, recall."""
    columns = [(measure.name, split) for measure in MEASURES for split in measure.splits]
    short = {CONCEPT: "concepts", COMPOSITION: "compositions"}
    head = ["point", *(f"{name}, {short[split]}" for name, split in columns), "precision", "recall", "not worse"]
    rows = []
    for name, point in points.items():
        cells = [estimate_text(point["quality"][measure].get(split)) for measure, split in columns]
        cells += [f"{point['overall'][key]['value']:.3f}" for key in ("precision", "recall")]
        marks = point["not_worse"]
        verdict = "strict" if marks["strict"] else "by value" if marks["by value"] else "no"
        rows.append([name, *cells, "–" if name == DEFAULT else verdict])
    return rows_of(head, rows)


def speed_table(points: Mapping[str, Mapping[str, Any]]) -> str:
    """Return every point's time, its stages and its arithmetic."""
    head = ["point", "MMAC", "ms, median (95 %)", "p95", "text", "generator", "residual", "decoder"]
    rows = []
    for name, point in points.items():
        if name == REDRAWN:
            continue
        macs = "–" if point["macs"] is None else f"{point['macs'] / 1e6:,.0f}"
        timed = point["latency"].get("1")
        rows.append([name, macs, *time_cells(timed)])
    return rows_of([*head, "peak reached"], [[*row, peak_cell(points[row[0]])] for row in rows])


def time_cells(timed: Mapping[str, Any] | None) -> list[str]:
    """Return median, 95th percentile and stages of a time."""
    if timed is None:
        return ["–"] * 6
    ends = timed["interval_ms"]
    interval = f" ({ends[0]:.1f} to {ends[1]:.1f})" if ends else ""
    stages = [timed["stages_ms"].get(stage) for stage in ("text", "transformer", "residual", "decoder")]
    shown = ["–" if ms is None else f"{ms:.1f}" for ms in stages]
    return [f"{timed['median_ms']:.1f}{interval}", f"{timed['p95_ms']:.1f}", *shown]


def peak_cell(point: Mapping[str, Any]) -> str:
    """Return the part of the measured peak of multiply-adds that a point reaches."""
    return "–" if point["fraction_of_peak"] is None else f"{point['fraction_of_peak']:.0%}"


def listed(settings: Mapping[str, Any]) -> str:
    """Write sampling settings in a line."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in settings.items() if key != "styles")


def models_table(models: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what was trained and for how long, as the manifests say."""
    rows = []
    for family, model in models.items():
        found = training_of(model["figures"])
        parameters = f"{sum(model['parameters'].values()) / 1e6:.1f}M"
        seen, minutes = found.get("seen_images"), found.get("minutes")
        shown = ["–" if seen is None else f"{seen:,}", "–" if minutes is None else f"{minutes:.0f}"]
        rows.append([family, f"`{model['sha256'][:12]}`", parameters, *shown])
    return rows_of(["family", "digest", "parameters, all parts", "pictures seen", "minutes"], rows)


def training_of(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the figures of the training of what draws: it tells parameters by network, a tokenizer's one number."""
    return next((part for part in nested(figures) if isinstance(part.get("parameters"), Mapping)), {})


def nested(figures: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a mapping of figures and all those inside it."""
    return [figures, *(one for value in figures.values() if isinstance(value, Mapping) for one in nested(value))]


def conditions_text(document: Mapping[str, Any]) -> str:
    """Say on what and under which load times were measured."""
    found, machine = document["conditions"], document["machine"]
    if found["load_median"] is None:
        return "Nothing is timed yet; where a ratio is given, it is one of counted multiply-adds."
    busy = f"**The machine was busy: load up to {found['load_max']:.1f} on {found['cores']} cores.** "
    peaks = " and ".join(f"{one:.1f}" for one in found["peak_gmac_per_s"])
    return (
        f"{machine['processor']}, one thread, float32, {document['rounds']} rounds after 5 that do not count, all "
        f"points in turn within a round. Load {found['load_median']:.1f} in the median. {busy * found['busy']}Plain "
        f"matrix products in the same run: {peaks} GMAC/s."
    )


def page(document: Mapping[str, Any], plot: str) -> str:
    """Return the page.

    Args:
        document: What the JSON file holds.
        plot: Path of the plot, from the page.
    """
    captions = ", ".join(f"{count} of `{split}`" for split, count in document["captions"].items())
    parts = [
        "# Hybrid against diffusion: the nine times, measured",
        f"**{document['verdict']}**",
        f"Captions: {captions}; one picture each, the same seeds for all. {conditions_text(document)}",
        f"![Quality against time, a front for each family]({plot})",
        "## Speed-up at equal quality",
        verdict_table(document["verdicts"], document["most_steps"]),
        "Controls of the strict reading: the hybrid with other seeds should pass, its pictures blurred must fail.",
        controls_table(document["controls"]),
        "The other way around, the cheapest hybrid point that is not worse than the rival's best:",
        reverse_table(document["verdicts"]),
        "## At fixed numbers of steps, quality aside",
        f"Over the hybrid's default; where no guidance is named, it is what the validation split chose, "
        f"{listed(document['guidance'])}. A guided step does twice the arithmetic of one without.",
        fixed_table(document["fixed_steps"]),
        DEFINITION.format(*(measure.margin for measure in MEASURES)),
        "## Quality of every point",
        quality_table(document["points"]),
        "## Time of every point",
        speed_table(document["points"]),
        f"The hybrid's default: {listed(document['default'])}.",
        f"The flow model's guidance: {listed(document['guidance'])}.",
        "## The models",
        models_table(document["models"]),
        STARTS,
        CAVEATS.format(steps=document["sweep_steps"]),
        "## Do it again",
        "```sh\npython benchmarks/hybrid_vs_diffusion.py --quality --timing --report\n```",
        "Figures: `benchmarks/results/hybrid_vs_diffusion.json`.",
    ]
    return "\n\n".join(parts) + "\n"
