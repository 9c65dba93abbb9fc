"""Compare trained pipelines on held-out captions: kernel distance with intervals, recall, precision.

This is the project's switch rule between learned (VQ) and binary (BSQ) codes: the codes whose pictures lie nearer to
the held-out ones, beyond the interval of the paired difference, become the default, provided recall does not fall.

    python benchmarks/token_codes.py --data artifacts/stickers-64 --model bsq=nano/pipeline --model vq=vq/pipeline
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import underpaint
from underpaint.core.samples import Sample, read_samples
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.kernel import kid
from underpaint.metrics.manifold import prdc
from underpaint.metrics.paired import difference
from underpaint.metrics.shape_color import shape_color_features
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.text_to_picture import PicturePipeline

SEED = 1000


def real_pictures(data: Path, samples: list[Sample]) -> np.ndarray:
    """Return the samples' pictures ``[N, H, H, 4]`` uint8."""
    return np.stack([np.asarray(Image.open(data / sample.file).convert("RGBA")) for sample in samples])


def drawn_pictures(pipeline: PicturePipeline[Any], samples: list[Sample]) -> np.ndarray:
    """Return one picture per sample, from its caption and style ``[N, H, H, 4]`` uint8."""
    requests = [DrawRequest(caption=s.caption, style=s.style, seed=SEED + i) for i, s in enumerate(samples)]
    return np.stack(pipeline.draw(requests))


def interval_of(estimate: Estimate) -> dict[str, float]:
    """Return a kernel distance with its interval."""
    if estimate.interval is None:
        raise ValueError("the estimate has no interval")
    return {"kernel_distance": estimate.value, "low": estimate.interval.low, "high": estimate.interval.high}


def compare(data: Path, split: str, pipelines: dict[str, PicturePipeline[Any]]) -> dict[str, dict[str, float]]:
    """Measure every pipeline on one split; the row ``difference`` is the first minus the second."""
    samples = [sample for sample in read_samples(data) if sample.split == split]
    real = shape_color_features(real_pictures(data, samples))
    drawn = {name: shape_color_features(drawn_pictures(pipeline, samples)) for name, pipeline in pipelines.items()}
    distances = {name: kid(features, real, scale=1.0) for name, features in drawn.items()}
    if len(distances) > 1:
        first, second, *_ = distances.values()
        distances["difference"] = difference(second, first)
    rows = {}
    for name, estimate in distances.items():
        rows[name] = interval_of(estimate)
        if name in drawn:
            shared = prdc(drawn[name], real, enforce=False)
            rows[name] |= {"precision": shared.precision.value, "recall": shared.recall.value}
    return rows


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--model", action="append", required=True, metavar="NAME=DIR")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    folders = dict(item.split("=", 1) for item in args.model)
    pipelines = {name: underpaint.load(folder, engine="torch").networks for name, folder in folders.items()}
    rows = compare(args.data, args.split, pipelines)
    for name, row in rows.items():
        print(f"{name:<12}", "  ".join(f"{key} {value:.4f}" for key, value in row.items()))
    if args.json:
        args.json.write_text(json.dumps({"split": args.split, "models": folders, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
