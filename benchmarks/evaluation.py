"""Time a whole evaluation, from picture files to numbers with intervals, against torchmetrics on the same pictures.

Held-out real pictures and the shipped model's drawings of the same prompts (drawn before, kept in the cache) go through
one network of ours on both sides. Ours: Frechet distance (plain and projected), KID, MMD, MIND, PRDC, Vendi, PSNR and
SSIM, each with its interval and every picture's influence. torchmetrics: FrechetInceptionDistance,
KernelInceptionDistance (one subset of all pictures, the cheapest that gives the same number), PSNR and SSIM, values
alone; once plain, and once with the network shared (``FeatureShare``). Every repeat runs all sides in turn, each in a
new process, which times itself after its imports and reports its peak memory. No features are cached. Our report
averages PSNR and SSIM by concept; the table shows the mean over pictures, as torchmetrics has it, and both are saved.

    OMP_NUM_THREADS=1 python benchmarks/evaluation.py artifacts/stickers-64
    OMP_NUM_THREADS=1 python benchmarks/evaluation.py --large

``--large`` measures the peak memory of the Frechet distance and KID of 50,000 against 50,000 random features of width
2,048, mapped from files as the features of large evaluations are.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe_machine, print_table
from torch import nn

from underpaint.core.artifact import read_manifest
from underpaint.core.cache import cache_folder
from underpaint.metrics.frechet import frechet_distance
from underpaint.metrics.kernel import kid
from underpaint.models.extractor import Extractor
from underpaint.stages.evaluate.config import EvaluateConfig
from underpaint.stages.evaluate.drawing.cached import draw_all
from underpaint.stages.evaluate.drawing.pictures import Drawn, Real
from underpaint.stages.evaluate.drawing.subjects import open_subject
from underpaint.stages.evaluate.drawing.wishes import plan_wishes
from underpaint.stages.evaluate.opening import open_data
from underpaint.stages.evaluate.scores.chance import rng_for
from underpaint.stages.evaluate.scores.likeness import distance_scores, manifold_scores
from underpaint.stages.evaluate.scores.looks import on_white
from underpaint.stages.evaluate.scores.pairs import pair_scores, pixel_values
from underpaint.stages.evaluate.scores.variety import variety_scores
from underpaint.stages.evaluate.seeing.extractors import load_extractor
from underpaint.stages.evaluate.seeing.sets import DataSet, Eyes

SIDES = ("ours", "torchmetrics", "torchmetrics, network shared")
SHOWN = ("fd", "kid", "psnr", "ssim")
CONFIG = EvaluateConfig(suite="benchmark", null_sets=0, known_bad=())
BATCH = 64
ROWS, WIDTH, CHUNK = 50_000, 2048, 2000
Result = dict[str, Any]


def peak_bytes() -> int:
    """Return the largest memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def pictures_of(folder: Path) -> tuple[DataSet, list[Drawn]]:
    """Return the data set and the shipped model's pictures of its held-out prompts, drawn once ever."""
    data = open_data(folder, CONFIG)
    wishes = plan_wishes(data.samples, CONFIG)
    return data, draw_all(open_subject(None), wishes, cache_folder() / "evaluate")


def ours(data: DataSet, drawn: list[Drawn], extractor: Extractor, _: bool) -> Result:
    """Return our numbers with their intervals."""
    with tempfile.TemporaryDirectory() as empty:
        eyes = Eyes(extractors=[extractor], cache=Path(empty), batch_size=BATCH)
        view, reference = eyes.drawn(extractor, drawn), eyes.real(extractor, data.reference)
    scores = distance_scores(view, reference) + manifold_scores(view, reference) + variety_scores(view, reference)
    scores += pair_scores(drawn, data, [], rng_for("benchmark", 0))
    found: Result = {}
    for score in scores:
        estimate, interval = score.estimate, score.estimate.interval if score.estimate else None
        ends = [interval.low, interval.high] if interval else None
        message = str(score.error) if score.error else ""
        found[score.metric] = {"value": estimate and estimate.value, "interval": ends, "message": message}
    return found


class Network(nn.Module):
    """An extractor as torchmetrics wants one: uint8 pictures ``[B, 4, H, W]`` to features ``[B, D]``."""

    def __init__(self, extractor: Extractor) -> None:
        super().__init__()
        self.extractor, self.num_features = extractor, extractor.card.dim

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the extractor's features."""
        return torch.from_numpy(self.extractor.extract(pictures.permute(0, 2, 3, 1).numpy()).features)


def batches(pictures: Sequence[Drawn | Real]) -> Iterator[np.ndarray]:
    """Yield pixels ``[B, H, W, 4]``."""
    for start in range(0, len(pictures), BATCH):
        yield np.stack([picture.load() for picture in pictures[start : start + BATCH]])


def channels_first(pixels: np.ndarray) -> torch.Tensor:
    """Return ``[B, C, H, W]``."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))


def torchmetrics(data: DataSet, drawn: list[Drawn], extractor: Extractor, shared: bool) -> Result:
    """Return torchmetrics's numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics import MetricCollection
        from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.kid import KernelInceptionDistance
        from torchmetrics.wrappers import FeatureShare

        network = Network(extractor)
        pair = {
            "fd": FrechetInceptionDistance(feature=network),
            "kid": KernelInceptionDistance(feature=network, subsets=1, subset_size=len(drawn)),
        }
        sets = FeatureShare(pair) if shared else MetricCollection(pair, compute_groups=False)  # pyright: ignore[reportArgumentType]
    pairs = MetricCollection(
        {
            "psnr": PeakSignalNoiseRatio(data_range=255.0, reduction="elementwise_mean", dim=(1, 2, 3)),
            "ssim": StructuralSimilarityIndexMeasure(data_range=255.0),
        },
        compute_groups=False,
    )
    with torch.inference_mode():
        for own, real in zip(batches(drawn), batches(data.reference), strict=True):
            sets.update(channels_first(own), real=False)
            sets.update(channels_first(real), real=True)
            pairs.update(channels_first(on_white(own)).float(), channels_first(on_white(real)).float())
        found = {**sets.compute(), **pairs.compute()}
    found["kid"] = found["kid"][0]
    return {name: {"value": float(value), "interval": None, "message": ""} for name, value in found.items()}


def run_side(side: str, folder: Path, name: str, threads: int) -> Result:
    """Run one side in this process."""
    torch.set_num_threads(threads)
    data, drawn = pictures_of(folder)
    extractor = load_extractor(name)
    extractor.extract([drawn[0].load()])
    route = ours if side == "ours" else torchmetrics
    before, began = peak_bytes(), time.perf_counter()
    values = route(data, drawn, extractor, "shared" in side)
    seconds, peak = time.perf_counter() - began, peak_bytes()
    if side == "ours":
        for metric in ("psnr", "ssim"):
            values[metric]["mean_of_pictures"] = float(pixel_values(drawn, data.reference, metric).mean())
    return {
        "values": values,
        "seconds": seconds,
        "pictures": len(drawn) + len(data.reference),
        "peak_bytes": peak,
        "peak_bytes_before": before,
    }


def in_new_process(*arguments: str) -> Result:
    """Run this file again with other arguments and return the JSON that it prints."""
    command = [sys.executable, str(Path(__file__).resolve()), *arguments]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def random_features(path: Path, seed: int, stretch: float) -> np.ndarray:
    """Return ``[ROWS, WIDTH]`` float32 with a power-law spectrum, mapped from a file that is written in parts."""
    rng = np.random.default_rng(seed)
    scale = np.sqrt(WIDTH / np.arange(1.0, WIDTH + 1.0)) * stretch / 3.0
    rows = np.memmap(path, dtype=np.float32, mode="w+", shape=(ROWS, WIDTH))
    for start in range(0, ROWS, CHUNK):
        rows[start : start + CHUNK] = rng.normal(size=(CHUNK, WIDTH)) * scale + 0.02 * (stretch - 1.0)
    return rows


def run_large(metric: str) -> Result:
    """Measure seconds and peak memory of one metric of the large sets in this process."""
    function = {"fd": frechet_distance, "kid": kid}[metric]
    with tempfile.TemporaryDirectory() as folder:
        x, y = (random_features(Path(folder) / str(seed), seed, 1.0 + 0.1 * seed) for seed in (1, 2))
        before, began = peak_bytes(), time.perf_counter()
        found = function(x, y)
        seconds = time.perf_counter() - began
    interval = found.interval
    return {
        "rows": ROWS,
        "width": WIDTH,
        "value": found.value,
        "interval": [interval.low, interval.high] if interval else None,
        "seconds": seconds,
        "peak_bytes": peak_bytes(),
        "peak_bytes_before": before,
    }


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median with the smallest and the largest."""
    return f"{np.median(values):.{digits}f} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def shown(value: Result) -> str:
    """Return a number as the table has it."""
    number = value.get("mean_of_pictures", value["value"])
    return "refused" if number is None else f"{number:.6g}"


def show_sides(rounds: dict[str, list[Result]]) -> None:
    """Print the sides beside each other."""
    rows = []
    for side, results in rounds.items():
        values = results[0]["values"]
        numbers = [shown(values[name]) for name in SHOWN]
        rows.append(
            [
                side,
                str(sum(one["value"] is not None for one in values.values())),
                str(sum(one["interval"] is not None for one in values.values())),
                spread([one["seconds"] for one in results]),
                spread([one["pictures"] / one["seconds"] for one in results], 0),
                f"{max(one['peak_bytes'] for one in results) / 2**20:.0f}",
                *numbers,
            ]
        )
    print_table(("side", "numbers", "intervals", "seconds", "pictures / s", "peak MiB", *SHOWN), rows)


def show_large(found: dict[str, Result]) -> None:
    """Print the large sets' seconds and memory."""
    rows = [
        [name, f"{one['value']:.6g}", f"{one['seconds']:.0f}", f"{one['peak_bytes'] / 2**30:.2f}"]
        for name, one in found.items()
    ]
    print_table((f"{ROWS:,} x {WIDTH:,}", "value", "seconds", "peak GiB"), rows)


def compare(args: argparse.Namespace) -> Result:
    """Run all sides in turn, again and again."""
    pictures_of(args.data)  # draws what the cache lacks, once
    rounds: dict[str, list[Result]] = {side: [] for side in SIDES}
    for _ in range(args.repeats):
        for side in SIDES:
            given = [str(args.data), "--extractor", args.extractor, "--threads", str(args.threads), "--side", side]
            rounds[side].append(in_new_process(*given))
    show_sides(rounds)
    return {
        "data": read_manifest(args.data, kind="dataset").digest,
        "extractor": load_extractor(args.extractor).card.key,
        "threads": args.threads,
        "sides": {
            side: {
                "values": results[0]["values"],
                "pictures": results[0]["pictures"],
                "seconds": [round(one["seconds"], 3) for one in results],
                "peak_bytes": [one["peak_bytes"] for one in results],
                "peak_bytes_before": [one["peak_bytes_before"] for one in results],
            }
            for side, results in rounds.items()
        },
    }


def merge(out: Path, key: str, values: Result) -> None:
    """Put one part into the results; the other one stays."""
    known = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
    known[key] = {"machine": describe_machine(), **values}
    out.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Run the comparison or the large sets, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=Path("artifacts/stickers-64"))
    parser.add_argument("--extractor", default="evaluator-64")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="for torch; set OMP_NUM_THREADS for numpy")
    parser.add_argument("--large", action="store_true", help="memory of 50,000 x 2,048 features instead")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--metric", choices=("fd", "kid"), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "evaluation.json")
    args = parser.parse_args()
    if args.side:
        print(json.dumps(run_side(args.side, args.data, args.extractor, args.threads)))
    elif args.metric:
        print(json.dumps(run_large(args.metric)))
    elif args.large:
        found = {name: in_new_process("--metric", name) for name in ("fd", "kid")}
        show_large(found)
        merge(args.out, "large", {"metrics": found})
    else:
        merge(args.out, "comparison", compare(args))


if __name__ == "__main__":
    main()
