"""Curves of training as a picture: what each training wrote down while it ran, a row for each, by optimizer step.

    python benchmarks/curves.py [--curves docs/curves] [--plot docs/images/curves.svg]

Left the loss of the training batches, as the mean of eight lines of the log, which are running averages already; right
that of ``validation`` with averaged weights. Nats a token and squared errors share an axis, as they share a log. A
curve is a file of JSON lines, the ``log.jsonl`` of a training's state.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np

from underpaint.core.page.markup import Markup, drawing, element, join
from underpaint.stages.evaluate.page import canvas
from underpaint.stages.evaluate.page.axes import Axis, padded

HERE = Path(__file__).parent
WIDTH, PANEL, LEFT, NAMES, TOP, FOOT = 960.0, 300.0, 52.0, 84.0, 34.0, 40.0
MEAN_OF = 8
TRAINED = ("tokens", "residual", "velocity", "adversarial")
"""What of the training loss is drawn, where a training has it."""
HELD_OUT = "held_out_"
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999", "#882255")
"""After Okabe and Ito, which the color-blind can tell apart; every line has its name beside its end too."""
Curve = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""Name to steps and values."""


def read_curves(file: Path) -> tuple[Curve, Curve]:
    """Return what a training measured on its own batches, and on held-out pictures."""
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for line in file.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        for name, value in record.items():
            if name in TRAINED or name.startswith(HELD_OUT):
                points[name].append((record["step"], value))
    series = {name: ([step for step, _ in found], [value for _, value in found]) for name, found in points.items()}
    trained = {name: averaged(*series[name]) for name in TRAINED if name in series}
    if not trained:
        raise SystemExit(
            f"{file} holds no loss of a training ({', '.join(TRAINED)}); take the log.jsonl of a generator"
        )
    return trained, {name.removeprefix(HELD_OUT): one for name, one in series.items() if name.startswith(HELD_OUT)}


def averaged(steps: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the means of so many neighboring values, at the last step of each; a rest that is fewer is a mean too."""
    starts = range(0, len(values), MEAN_OF)
    means = [float(np.mean(values[start : start + MEAN_OF])) for start in starts]
    return [steps[min(start + MEAN_OF, len(steps)) - 1] for start in starts], means


def spread(places: Sequence[float], apart: float) -> list[float]:
    """Return places moved down as far as needed for all to be so far apart, in the order given."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved, last = list(places), -np.inf
    for index in order:
        last = moved[index] = max(places[index], last + apart)
    return moved


def panel(title: str, curve: Curve, left: float, right: float) -> Markup:
    """Draw one panel: lines, and their names beside their ends."""
    ends = [value for _, values in curve.values() for value in values]
    last = max(step for steps, _ in curve.values() for step in steps)
    low, high = padded(ends)
    x = Axis(low=0.0, high=last, start=left + LEFT, end=right - NAMES)
    y = Axis(low=low, high=high, start=PANEL - FOOT, end=TOP)
    names = spread([y.at(values[-1]) for _, values in curve.values()], 14.0)
    lines = []
    for (name, (steps, values)), place, color in zip(curve.items(), names, cycle(PALETTE), strict=False):
        points = " ".join(f"{x.at(step):.1f},{y.at(value):.1f}" for step, value in zip(steps, values, strict=True))
        lines.append(element("polyline", points=points, class_="curve", stroke=color))
        lines.append(element("text", name, x=x.end + 6.0, y=place + 4.0, fill=color))
    return join(
        canvas.y_axis(y, x.start, x.end, count=5),
        canvas.x_axis(x, TOP, PANEL - FOOT, count=5),
        canvas.label(x.start, 18.0, title, class_="axis-title"),
        lines,
    )


def style() -> Markup:
    """Return the style sheet of the drawing."""
    return element(
        "style",
        Markup(
            ".grid{stroke:#dddddd}text{font-family:sans-serif;font-size:12px}"
            ".axis-title{font-weight:bold}.curve{fill:none;stroke-width:1.8}"
        ),
    )


def curves_plot(files: Sequence[Path]) -> Markup:
    """Draw a row for each file."""
    rows = []
    for index, file in enumerate(files):
        trained, held_out = read_curves(file)
        parts = [panel(f"{file.stem}: training batches, by step", trained, 0.0, WIDTH / 2)]
        if held_out:
            parts.append(panel("the same: validation", held_out, WIDTH / 2, WIDTH))
        rows.append(element("g", join(parts), transform=f"translate(0 {PANEL * index:g})"))
    height = PANEL * len(files)
    return drawing(
        style(),
        element("rect", x=0, y=0, width=WIDTH, height=height, fill="#ffffff"),
        rows,
        width=WIDTH,
        height=height,
        label="Curves of training: " + ", ".join(file.stem for file in files),
    )


def main() -> None:
    """Draw the curves that are there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--curves", type=Path, default=HERE.parent / "docs" / "curves")
    parser.add_argument("--plot", type=Path, default=HERE.parent / "docs" / "images" / "curves.svg")
    args = parser.parse_args()
    files = sorted(args.curves.glob("*.jsonl"))
    if not files:
        raise SystemExit(f"{args.curves} holds no curves (*.jsonl); copy the log.jsonl of a training there")
    args.plot.write_text(f"{curves_plot(files)}\n", encoding="utf-8")
    print(f"{len(files)} curves: {args.plot}")


if __name__ == "__main__":
    main()
