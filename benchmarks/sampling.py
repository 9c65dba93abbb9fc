"""Compare ways to sample from one trained pipeline on held-out captions: refiner, guidance, temperature.

Every row draws the same captions with the same seeds; "beside base" is the paired difference of its kernel distance to
the first row's (below 0 is better), with its interval.

    python benchmarks/sampling.py --data artifacts/stickers-64 --model artifacts/nano/pipeline --json sampling.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from token_codes import drawn_pictures, interval_of, real_pictures

import underpaint
from underpaint.core.samples import read_samples
from underpaint.metrics.kernel import kid
from underpaint.metrics.manifold import prdc
from underpaint.metrics.paired import difference
from underpaint.metrics.shape_color import shape_color_features
from underpaint.pipelines.hybrid_config import HybridConfig


def variants(base: HybridConfig) -> dict[str, dict[str, Any]]:
    """Return what to change by name; the first is the base."""
    cooler = {
        f"temperatures x {f:g}": {"temperatures": tuple(f * t for t in base.temperatures)} for f in (0.8, 0.6, 0.4)
    }
    return {
        "tokens alone": {"residual_steps": None},
        "mean residual": {"residual_steps": 0},
        **{f"flow, {steps} steps": {"residual_steps": steps} for steps in (1, 2, 4, 8)},
        **{f"guidance {g:g}": {"guidance": g} for g in (0.0, 1.0, 2.0, 3.0)},
        **cooler,
        "guidance 3, temperatures x 0.6": {"guidance": 3.0, **cooler["temperatures x 0.6"]},
    }


def describe(name: str, row: dict[str, Any]) -> str:
    """Return one line of the table."""
    distance, low, high = row["kernel_distance"]
    beside = " ".join(f"{value:+.4f}" for value in row["beside_base"])
    shares = "  ".join(f"{key} {row[key]:.3f}" for key in ("precision", "recall", "same_caption"))
    return f"{name:<32} {distance:.4f} [{low:.4f}, {high:.4f}]  beside base {beside}  {shares}"


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description="Compare ways to sample from one trained pipeline.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--count", type=int, default=279, help="captions, evenly spread over the split")
    parser.add_argument("--only", nargs="*", help="names of the rows")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    samples = [sample for sample in read_samples(args.data) if sample.split == args.split]
    samples = [samples[i] for i in np.linspace(0, len(samples) - 1, min(args.count, len(samples))).astype(int)]
    real = shape_color_features(real_pictures(args.data, samples))
    pipeline = underpaint.load(args.model, engine="torch").networks
    base, distances, rows = pipeline.config, {}, {}
    for name, change in variants(base).items():
        if args.only and name not in args.only:
            continue
        pipeline.config = base.model_copy(update=change)
        features = shape_color_features(drawn_pictures(pipeline, samples))
        distances[name] = kid(features, real, scale=1.0)
        first = next(iter(distances.values()))
        shared = prdc(features, real, enforce=False)
        rows[name] = {
            "kernel_distance": list(interval_of(distances[name]).values()),
            "beside_base": list(interval_of(difference(first, distances[name])).values()),
            "precision": shared.precision.value,
            "recall": shared.recall.value,
            "same_caption": float((features * real).sum(axis=1).mean()),
        }
        print(describe(name, rows[name]), flush=True)
    if args.json:
        settings = {"model": args.model, "split": args.split, "captions": len(samples)}
        args.json.write_text(json.dumps({**settings, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
