"""What transforms of torch pipelines save and change: processor time and pictures against the pipeline before.

Pipeline and changed pipeline draw the same captions and seeds in turns, after a warm-up that does not count; a ratio is
that of neighbors, its interval the 16th to the 84th percentile of all rounds. The distance is the root mean square of
levels on white: a detector of defects, not a judgment, which is ``underpaint gate``'s. A sheet shows all pictures, a
row each: first the pipeline's own.

    python benchmarks/transforms.py [--flow artifacts/family/flow-pipeline] [--rounds 5] [--sheet DIR] [--out FILE]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from frontier_models import FOLDERS
from machine import print_table, write_document
from PIL import Image

import underpaint
from underpaint.core.errors import OptimizationRefused
from underpaint.core.optimization import Step
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of

CAPTIONS = ("a red heart", "a smiling cat", "a green apple", "a blue car", "a birthday cake", "a yellow star")
REQUESTS = [DrawRequest(caption=caption, seed=seed) for seed, caption in enumerate(CAPTIONS)]
ROUNDED = step_of("quant.int8_dynamic", "denoiser", weight_bits=7)
SPAN = step_of("guidance.span", "sampler", high=0.6)
CACHE = step_of("cache.output", "sampler", every=2, order=1)
TEN = step_of("steps.count", "sampler", steps=10)
FLOW: dict[str, tuple[Step, ...]] = {
    "8-bit products": (ROUNDED,),
    "8-bit weights": (step_of("quant.weight_only", "denoiser"),),
    "guidance until 0.6": (SPAN,),
    "every 2nd call, order 0": (step_of("cache.output", "sampler", every=2, order=0),),
    "every 2nd call, order 1": (CACHE,),
    "every 3rd call, order 1": (step_of("cache.output", "sampler", every=3, order=1),),
    "10 steps": (TEN,),
    "10 steps, UniPC": (step_of("steps.solver", "sampler", solver="unipc"), TEN),
    "guidance until 0.6, every 2nd call": (SPAN, CACHE),
}
HYBRID: dict[str, tuple[Step, ...]] = {
    "8-bit products": (step_of("quant.int8_dynamic", "transformer", weight_bits=7),),
    "8-bit weights": (step_of("quant.weight_only", "transformer"),),
    "8-bit weights of the decoder": (step_of("quant.weight_only", "decoder"),),
    "channels last in the decoder": (step_of("layout.channels_last", "decoder"),),
    "704 of 768 channels": (step_of("prune.width", "transformer", hidden=704),),
}


def drawn(pipeline: Any) -> tuple[float, np.ndarray]:
    """Return milliseconds of processor time a picture, and the pictures on white ``[N, H, H, 3]``."""
    begun = time.process_time()
    pictures = np.stack([pipeline.draw([request])[0] for request in REQUESTS])
    took = (time.process_time() - begun) / len(REQUESTS) * 1e3
    alpha = pictures[..., 3:] / 255
    return took, pictures[..., :3] * alpha + 255 * (1 - alpha)


def measured(base: Any, steps: tuple[Step, ...], rounds: int) -> tuple[dict[str, Any], np.ndarray]:
    """Return the figures of a recipe, and its pictures."""
    changed = apply(base, arranged(*steps)).pipeline
    drawn(changed)
    (_, before), (_, after) = drawn(base), drawn(changed)
    pairs = [(drawn(base)[0], drawn(changed)[0]) for _ in range(rounds)]
    ratios = [after_ms / before_ms for before_ms, after_ms in pairs]
    low, middle, high = np.percentile(ratios, [16, 50, 84])
    figures = {
        "base_ms": round(float(np.median([pair[0] for pair in pairs])), 1),
        "ratio": [round(float(value), 3) for value in (middle, low, high)],
        "rms_levels": round(float(np.sqrt(np.mean((after - before) ** 2))), 2),
        "steps": [str(step) for step in steps],
    }
    return figures, after


def run(name: str, model: str, recipes: dict[str, tuple[Step, ...]], args: argparse.Namespace) -> dict[str, Any]:
    """Measure recipes on one model, and write the sheet."""
    base = underpaint.load(model, engine="torch").networks
    rows, sheet = {}, [drawn(base)[1]]
    for title, steps in recipes.items():
        try:
            rows[title], pictures = measured(base, steps, args.rounds)
        except OptimizationRefused as refusal:
            rows[title] = {"refused": str(refusal)}
            continue
        sheet.append(pictures)
    if args.sheet is not None:
        whole = np.concatenate([np.concatenate(list(row), axis=1) for row in sheet]).astype(np.uint8)
        Image.fromarray(whole).save(args.sheet / f"{name}.png")
    return rows


def main() -> None:
    """Measure both models and print a table of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flow", default=FOLDERS["flow"])
    parser.add_argument("--hybrid", default="stickers-64")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    found = {"flow": run("flow", args.flow, FLOW, args), "hybrid": run("hybrid", args.hybrid, HYBRID, args)}
    for name, rows in found.items():
        cells = [
            (title, "refused", "", "")
            if "refused" in row
            else (title, f"{row['base_ms']}", "{} [{}, {}]".format(*row["ratio"]), f"{row['rms_levels']}")
            for title, row in rows.items()
        ]
        print_table((name, "before, ms", "time ratio", "levels apart"), cells)
    if args.out is not None:
        write_document(args.out, "transforms", rounds=args.rounds, captions=CAPTIONS, **found)


if __name__ == "__main__":
    main()
