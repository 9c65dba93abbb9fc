"""Does refinement pay? One drawing of the tokens, decoded alone, with the mean residual, and with a drawn residual.

All decodes of a wish share prompt, seed and thus tokens; they differ in the refiner alone: left out, evaluated once for
the mean, or stepped 2, 4 or 8 times from noise. Numbers and paired differences are those of ``underpaint evaluate`` and
``compare``; the times of the decodes are taken in turn. What is evaluated already is not evaluated again.

    python benchmarks/three_decodes.py --model stickers-64 --work DIR --strip docs/images/three_decodes.png
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import print_table, write_document
from numpy.typing import NDArray
from PIL import Image
from side_by_side import Line, delta_text, differences, evaluate_once, interval_text, numbers

from underpaint.core.cache import cache_folder
from underpaint.metrics.appearance import sharpness
from underpaint.metrics.interval import mean_by_prompt, order_statistic, ratio_of_medians
from underpaint.pipelines.contact_sheet import Cell, contact_sheet
from underpaint.pipelines.generator import Generator
from underpaint.stages.evaluate.config import EvaluateConfig
from underpaint.stages.evaluate.drawing.cached import draw_all
from underpaint.stages.evaluate.drawing.pictures import Drawn, Real
from underpaint.stages.evaluate.drawing.subjects import ModelSubject, Sampling, altered, open_subject, request_of
from underpaint.stages.evaluate.drawing.wishes import MAIN, Wish, plan_wishes
from underpaint.stages.evaluate.opening import open_data
from underpaint.stages.evaluate.scores.chance import rng_for
from underpaint.stages.evaluate.scores.looks import chunks, on_white
from underpaint.stages.evaluate.seeing.sets import DataSet

CONFIG = EvaluateConfig(
    suite="three-decodes",
    null_sets=0,
    known_bad=(),
    extractors=("evaluator-64", "randconv-v1"),
    novelty=False,
)
METRICS = ("kid", "fd", "precision", "recall", "sharpness_w1", "r_precision", "style_accuracy", "psnr")
PART = "part=main"
TOKENS, MEAN = "tokens alone", "mean residual"
STEPS = (2, 4, 8)
WARM_UPS = 3


def leave_out(pipeline: Any) -> None:
    """Make a pipeline decode from tokens alone."""
    pipeline.config = pipeline.config.model_copy(update={"residual_steps": None})


def decodes(model: str | None) -> dict[str, ModelSubject]:
    """Return the decodes as subjects that share every other setting."""
    plain = altered(open_subject(model), TOKENS, leave_out)
    drawn = {f"{steps} steps": open_subject(model, Sampling(steps=steps)) for steps in STEPS}
    return {TOKENS: plain, MEAN: open_subject(model, Sampling(steps=0)), **drawn}


def sharpness_of(pictures: Sequence[Drawn | Real], clusters: Sequence[str]) -> Line:
    """Return the mean over concepts of how sharp pictures are on white; sharper is not better."""
    values = np.concatenate([sharpness(on_white(pixels)) for pixels in chunks(pictures)])
    found = mean_by_prompt(values, list(clusters), rng_for("sharpness", 0))
    assert found.interval is not None
    return {"metric": "sharpness", "value": found.value, "low": found.interval.low, "high": found.interval.high}


def draw_times(subjects: dict[str, ModelSubject], wishes: Sequence[Wish], runs: int) -> dict[str, list[float]]:
    """Return milliseconds of every decode, each wish drawn by all of them in turn before the next."""
    generators: dict[str, Generator] = {name: subject.generator for name, subject in subjects.items()}
    times: dict[str, list[float]] = {name: [] for name in subjects}
    order = list(subjects)
    for run in range(-WARM_UPS, runs):
        for name in order if run % 2 else reversed(order):
            request = request_of(wishes[run % len(wishes)], subjects[name].sampling)
            began = time.perf_counter()
            generators[name].pipeline.draw([request])
            if run >= 0:
                times[name].append((time.perf_counter() - began) * 1000.0)
    return times


def time_lines(times: dict[str, list[float]]) -> dict[str, Line]:
    """Return the median of each decode with its interval, and the ratio to tokens alone from pairs."""
    lines = {}
    for name, values in times.items():
        own, ratio = order_statistic(values, 0.5), ratio_of_medians(values, times[TOKENS], rng_for("decode times", 0))
        assert ratio.interval is not None
        lines[name] = {
            "metric": "ms",
            "value": float(np.median(values)),
            "low": own.low,
            "high": own.high,
            "n": len(values),
            "ratio": ratio.value,
            "ratio_low": ratio.interval.low,
            "ratio_high": ratio.interval.high,
        }
    return lines


def spread_out(count: int, most: int) -> NDArray[np.int64]:
    """Return ``most`` positions spread evenly over ``count``."""
    return np.unique(np.linspace(0, count - 1, most).astype(np.int64))


def strip(pictures: dict[str, list[Drawn]], real: Sequence[Real], prompts: int) -> Image.Image:
    """Return a sheet with a row a prompt: its decodes from left to right, then the real drawing."""
    cells = []
    for row in spread_out(len(real), prompts).tolist():
        wish = next(iter(pictures.values()))[row].wish
        cells += [
            Cell(image=Image.fromarray(drawn[row].load()), title=wish.prompt, note=name)
            for name, drawn in pictures.items()
        ]
        cells.append(Cell(image=Image.fromarray(real[row].load()), title=wish.prompt, note="real drawing"))
    return contact_sheet(cells, columns=len(pictures) + 1)


def measure(args: argparse.Namespace) -> tuple[dict[str, Any], Image.Image]:
    """Evaluate and time every decode; return the results and the strip."""
    config = CONFIG.model_copy(update={"main": args.count})
    data, subjects = open_data(args.data, config), decodes(args.model)
    folders = {name: evaluate_once(name, subject, config, data, args.work) for name, subject in subjects.items()}
    wishes = [wish for wish in plan_wishes(data.samples, config) if wish.part == MAIN]
    cache = cache_folder() / "evaluate"
    pictures = {name: draw_all(subject, wishes, cache) for name, subject in subjects.items()}
    real, clusters = real_of(data, wishes), [wish.cluster for wish in wishes]
    looks = {name: sharpness_of(drawn, clusters) for name, drawn in pictures.items()}
    found = {
        "data": data.digest,
        "model": subjects[MEAN].record().identity,
        "pictures": len(wishes),
        "numbers": {name: numbers(folder, METRICS, PART) for name, folder in folders.items()},
        "minus_tokens": against(folders, TOKENS),
        "minus_mean": against(folders, MEAN),
        "sharpness": looks | {"real drawings": sharpness_of(real, clusters)},
        "times": time_lines(draw_times(subjects, wishes, args.runs)),
    }
    return found, strip(pictures, real, args.prompts)


def real_of(data: DataSet, wishes: Sequence[Wish]) -> list[Real]:
    """Return the real drawings of wishes."""
    return list(data.reference[: len(wishes)])


def against(folders: dict[str, Path], base: str) -> dict[str, list[Line]]:
    """Return the differences of every decode to one of them."""
    return {name: differences(folder, folders[base], METRICS, PART) for name, folder in folders.items() if name != base}


def show(found: dict[str, Any]) -> None:
    """Print the numbers, the differences, sharpness and times."""
    for title, part, text in (
        ("number", found["numbers"], interval_text),
        ("minus tokens alone", found["minus_tokens"], delta_text),
        ("minus mean residual", found["minus_mean"], delta_text),
    ):
        tables = {
            name: {(line["metric"], line["extractor"].partition(":")[0], line["group"]): line for line in lines}
            for name, lines in part.items()
        }
        keys = dict.fromkeys(key for lines in tables.values() for key in lines)
        rows = [[" ".join(key), *(text(t[key]) if key in t else "-" for t in tables.values())] for key in keys]
        print_table([title, *tables], rows)
        print()
    print_table(["sharpness", "mean"], [[name, interval_text(line)] for name, line in found["sharpness"].items()])
    rows = [
        [name, interval_text(line, 1), f"{line['ratio']:.3f} ({line['ratio_low']:.3f}-{line['ratio_high']:.3f})"]
        for name, line in found["times"].items()
    ]
    print_table(["ms a picture", "median", "over tokens alone"], rows)


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-m", "--model", help="a hybrid model; the shipped one if left out")
    parser.add_argument("--data", type=Path, default=Path("artifacts/stickers-64"))
    parser.add_argument("--work", type=Path, required=True, help="folder of the evaluations, kept for the next time")
    parser.add_argument("--count", type=int, default=0, help="pictures a decode; 0 for all held-out drawings")
    parser.add_argument("--runs", type=int, default=100, help="pictures timed a decode")
    parser.add_argument("--prompts", type=int, default=8, help="rows of the strip")
    parser.add_argument("--strip", type=Path, metavar="PNG", help="where the strip shall lie; none if left out")
    parser.add_argument("--json", type=Path, default=Path(__file__).parent / "results" / "three_decodes.json")
    return parser.parse_args()


def main() -> None:
    """Measure, print tables, write JSON and the strip."""
    args = parse()
    args.work.mkdir(parents=True, exist_ok=True)
    found, sheet = measure(args)
    show(found)
    write_document(args.json, "three decodes", **found)
    if args.strip:
        sheet.save(args.strip, optimize=True)


if __name__ == "__main__":
    main()
