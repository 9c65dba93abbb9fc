"""Whether the upscaler is better than what needs no learning, on held-out drawings whose large form is known.

    python benchmarks/upscaling.py --small artifacts/stickers-64
    python benchmarks/upscaling.py --timing

Renders at 64 px, and what the model's autoencoder draws of them again, are enlarged by each method and held against
the render at 256 px, some against one at 512 px. Every difference is paired by picture and clustered by concept.
Writes ``benchmarks/results/upscaling.json``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe_machine, print_table
from PIL import Image

from underpaint.core.artifact import read_manifest
from underpaint.core.cache import cache_folder
from underpaint.core.samples import Sample, read_samples
from underpaint.metrics.interval import mean_by_prompt
from underpaint.metrics.paired import difference
from underpaint.metrics.perceptual import feature_distance, ssim
from underpaint.models.pixels import from_straight, to_straight
from underpaint.models.randconv import load_randconv
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.upscaling.enlarging import upscaled
from underpaint.pipelines.upscaling.network import UpscalingNetwork, open_network
from underpaint.pipelines.upscaling.resampling import Floats, premultiplied, resampled, straight
from underpaint.pipelines.upscaling.sharpening import unlearned
from underpaint.runtime.device import CPU, threads
from underpaint.stages.data.run import open_npm
from underpaint.stages.train.pictures import read_pixels

RESULTS = Path(__file__).parent / "results" / "upscaling.json"
SPLIT = "test_concept"
MIDDLE = 64
"""Side of a tile that the extractor looks at; the four in the middle of a picture are compared."""
METHODS = ("bicubic", "lanczos", "sharpened", "hazy", "upscaler")
SCORES = {"psnr_db": 1, "ssim": 1, "outline_px": -1, "distance": -1}
"""Scores, and whether more or less of one is better."""
REPEATS = 30

Pixels = np.ndarray
Enlarge = Callable[[Pixels, int], Pixels]


def methods(network: UpscalingNetwork) -> dict[str, Enlarge]:
    """Return what is compared: each turns ``[H, W, 4]`` uint8 into ``[size, size, 4]`` uint8.

    ``hazy`` is the upscaler whose last step, which takes haze away, is left out.
    """

    def kernel(name: Image.Resampling) -> Enlarge:
        return lambda pixels, size: straight(resampled(premultiplied(pixels), size, size, name))

    return {
        "bicubic": kernel(Image.Resampling.BICUBIC),
        "lanczos": kernel(Image.Resampling.LANCZOS),
        "sharpened": lambda pixels, size: straight(unlearned(premultiplied(pixels), size // len(pixels))),
        "hazy": lambda pixels, size: upscaled(pixels, size, network, haze=True),
        "upscaler": lambda pixels, size: upscaled(pixels, size, network),
    }


def psnr_db(a: Floats, b: Floats) -> float:
    """Return the peak signal-to-noise ratio of premultiplied pictures in dB, at most 100."""
    return float(-10 * np.log10(max(np.square(a - b).mean(), 1e-10)))


def outline_px(a: Floats, b: Floats) -> float:
    """Return by how many pixels the outline of ``a`` lies off that of ``b``, on the mean: wrong alpha by its length."""
    down, right = np.gradient(b[..., 3])
    return float(np.abs(a[..., 3] - b[..., 3]).sum() / max(np.hypot(down, right).sum(), 1.0))


def tiles(pixels: Pixels) -> Pixels:
    """Return the four tiles ``[4, 64, 64, 4]`` in the middle of a picture."""
    half = len(pixels) // 2
    corners = [(y, x) for y in (half - MIDDLE, half) for x in (half - MIDDLE, half)]
    return np.stack([pixels[y : y + MIDDLE, x : x + MIDDLE] for y, x in corners])


def scores_of(drawn: Pixels, truth: Pixels, extractor: Any) -> dict[str, float]:
    """Return every score of one enlarged picture."""
    a, b = premultiplied(drawn), premultiplied(truth)
    distance = feature_distance(extractor.maps(tiles(drawn)), extractor.maps(tiles(truth)))
    return {
        "psnr_db": psnr_db(a, b),
        "ssim": float(ssim(drawn[None], truth[None])[0]),
        "outline_px": outline_px(a, b),
        "distance": float(distance.mean()),
    }


def chosen(folder: Path, count: int) -> list[Sample]:
    """Return held-out samples, one a concept, in turn of another style."""
    by_concept: dict[str, list[Sample]] = {}
    for sample in read_samples(folder):
        if sample.split == SPLIT:
            by_concept.setdefault(sample.group, []).append(sample)
    return [samples[number % len(samples)] for number, samples in enumerate(by_concept.values())][:count]


@torch.inference_mode()
def redrawn(pixels: Pixels) -> Pixels:
    """Return what the model's autoencoder draws of pictures ``[N, H, H, 4]`` from all that it knows of them."""
    pipeline = load_pipeline(open_model(), CPU)
    assert isinstance(pipeline, HybridPipeline)
    batches = torch.from_numpy(pixels).split(16)
    coder = pipeline.autoencoder
    return np.concatenate([to_straight(coder.decode(coder.encode(from_straight(batch)))) for batch in batches])


def renders(samples: list[Sample], size: int) -> list[Pixels]:
    """Render the sources of samples at another size, through the cache of the data stage."""
    source = open_npm(cache_folder(), 1, lambda _: None)
    found = {(drawing.style, drawing.id): drawing for drawing in source.drawings}
    drawings = [found[sample.style, sample.id] for sample in samples]
    return [read_pixels(path) for path in source.render(drawings, size).paths]


def judge(
    given: Pixels, truths: list[Pixels], samples: list[Sample], enlarge: Mapping[str, Enlarge], extractor: Any
) -> dict[str, Any]:
    """Enlarge pictures by every method; means with intervals, and how far the upscaler is from each other method."""
    size, rows = len(truths[0]), {name: [] for name in enlarge}
    for pixels, truth in zip(given, truths, strict=True):
        for name, method in enlarge.items():
            rows[name].append(scores_of(method(pixels, size), truth, extractor))
    concepts = [sample.group for sample in samples]
    told: dict[str, Any] = {"n": len(samples), "concepts": len(set(concepts)), "size": size, "methods": {}}
    for score in SCORES:
        values = {name: [row[score] for row in found] for name, found in rows.items()}
        means = {name: mean_by_prompt(v, concepts, np.random.default_rng(0)) for name, v in values.items()}
        for name, mean in means.items():
            gain = difference(mean, means["upscaler"], clusters=concepts)
            told["methods"].setdefault(name, {})[score] = told_of(mean) | {"upscaler_minus_this": told_of(gain)}
    return told


def told_of(estimate: Any) -> dict[str, float]:
    """Return value, without its bias where that is known, and interval."""
    interval = estimate.interval
    value = estimate.value if estimate.value_debiased is None else estimate.value_debiased
    return {"value": round(value, 5), "low": round(interval.low, 5), "high": round(interval.high, 5)}


def time_all(network: UpscalingNetwork) -> dict[str, Any]:
    """Return the median milliseconds of one picture of 64 px, of each method in turn."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 4), dtype=np.uint8)
    told: dict[str, Any] = {}
    for size in (256, 512):
        spent: dict[str, list[float]] = {name: [] for name in METHODS}
        for _ in range(REPEATS):
            for name, method in methods(network).items():
                begun = time.perf_counter()
                method(pixels, size)
                spent[name].append((time.perf_counter() - begun) * 1000)
        told[str(size)] = {name: round(float(np.median(values[2:])), 2) for name, values in spent.items()}
    begun = time.perf_counter()
    open_network().enlarged(premultiplied(pixels))
    return {"ms": told, "load_ms": round((time.perf_counter() - begun) * 1000, 1), "threads": 1}


def show(found: dict[str, Any]) -> None:
    """Print the tables."""
    for title, part in found.items():
        rows = []
        for name in part["methods"]:
            row = [name]
            for score in SCORES:
                told, gain = part["methods"][name][score], part["methods"][name][score]["upscaler_minus_this"]
                row.append(f"{told['value']:.4g} ({gain['low']:+.3g} to {gain['high']:+.3g})")
            rows.append(row)
        print(f"\n{title}: {part['n']} pictures of {part['concepts']} concepts; in brackets, the upscaler minus this\n")
        print_table(("method", *SCORES), rows)


def measure(args: argparse.Namespace, network: UpscalingNetwork) -> dict[str, Any]:
    """Return the record of all comparisons."""
    extractor = load_randconv()
    samples, enlarge = chosen(args.small, args.count), methods(network)
    given = np.stack([read_pixels(args.small / sample.file) for sample in samples])
    truths, larger = renders(samples, 256), renders(samples[: args.few], 512)
    again, few = redrawn(given), samples[: args.few]
    twice = {name: method for name, method in enlarge.items() if name != "bicubic"}
    found = {
        "renders to 256": judge(given, truths, samples, enlarge, extractor),
        "redrawn to 256": judge(again, truths, samples, enlarge, extractor),
        "renders to 512": judge(given[: args.few], larger, few, twice, extractor),
        "redrawn to 512": judge(again[: args.few], larger, few, twice, extractor),
    }
    show(found)
    return {
        "data": {"64": read_manifest(args.small).digest},
        "split": SPLIT,
        "extractor": extractor.card.identity,
        "found": found,
    }


def main() -> None:
    """Compare, or time, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=Path, help="the data set at 64 px; its sources are rendered at 256 and 512 px")
    parser.add_argument("--upscaler", type=Path, help="an upscaler artifact; the shipped one if left out")
    parser.add_argument("--count", type=int, default=120, help="pictures at most, one a concept")
    parser.add_argument("--few", type=int, default=40, help="how many of them are rendered at 512 px too")
    parser.add_argument("--timing", action="store_true", help="time one picture instead")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    network = open_network(args.upscaler)
    record = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    with threads(1):
        if args.timing:
            record["timing"] = time_all(network) | {"machine": describe_machine()}
            print(json.dumps(record["timing"]["ms"], indent=2))
        else:
            record |= {"upscaler": network.digest, "machine": describe_machine(), **measure(args, network)}
    args.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
