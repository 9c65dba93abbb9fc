"""What extractors see: how far damage moves the distances of real pictures from other real pictures.

    python benchmarks/extractors.py DATA [--extractors pixels randconv-v1] [--seeds 5] [--out FILE]

500 held-out pictures against 500 others of other clusters. Each damage is done to the first half; the table gives the
distance relative to that of the clean half, and how many standard errors the increase has, paired picture by picture
and robust to clusters. ``--seeds`` adds the range over random convolutions with other seeds, standardized on the second
half, and ``randconv raw`` is the same network without the standardization of its card.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine, print_table
from PIL import Image, ImageFilter

from underpaint.core.artifact import read_manifest
from underpaint.core.samples import Sample, read_samples
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.frechet import frechet_pca
from underpaint.metrics.kernel import kid
from underpaint.metrics.paired import difference
from underpaint.models.extractor import Extractor
from underpaint.models.randconv import extractor_of, make_card, random_weights, standardization
from underpaint.stages.evaluate.seeing.extractors import load_extractor

Pixels = np.ndarray
DIRECTIONS = 62


def on_white(pixels: Pixels) -> Image.Image:
    """Return a picture on white, without alpha."""
    under = Image.new("RGBA", pixels.shape[1::-1], (255, 255, 255, 255))
    return Image.alpha_composite(under, Image.fromarray(pixels)).convert("RGB")


def opaque(image: Image.Image) -> Pixels:
    """Return an RGB picture as RGBA ``[H, W, 4]``."""
    return np.asarray(image.convert("RGBA"))


def blur(pixels: Pixels, sigma: float) -> Pixels:
    """Blur by a Gaussian."""
    return opaque(on_white(pixels).filter(ImageFilter.GaussianBlur(sigma)))


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Compress."""
    buffer = io.BytesIO()
    on_white(pixels).save(buffer, "JPEG", quality=quality)
    return opaque(Image.open(buffer))


def noise(pixels: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Add Gaussian noise to the colors."""
    values = np.asarray(on_white(pixels)) + rng.normal(0.0, sigma, (*pixels.shape[:2], 3))
    return opaque(Image.fromarray(values.round().clip(0, 255).astype(np.uint8)))


def half(pixels: Pixels) -> Pixels:
    """Shrink to half the size and enlarge again."""
    image = on_white(pixels)
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)
    return opaque(small.resize(image.size, Image.Resampling.BICUBIC))


def damages() -> dict[str, Callable[[Pixels], Pixels]]:
    """Return every damage by name."""
    rng = np.random.default_rng(0)
    table: dict[str, Callable[[Pixels], Pixels]] = {
        f"blur {s:g}": lambda p, s=s: blur(p, s) for s in (0.5, 1.0, 2.0, 4.0)
    }
    table |= {f"jpeg {q}": lambda p, q=q: jpeg(p, q) for q in (90, 50, 25, 10)}
    table |= {f"noise {s}": lambda p, s=s: noise(p, s, rng) for s in (10, 25)}
    return table | {"half resolution": half}


def two_halves(samples: list[Sample], count: int) -> tuple[list[Sample], list[Sample]]:
    """Return two sets of samples that share no cluster."""
    rng = np.random.default_rng(0)
    clusters = sorted({sample.cluster for sample in samples})
    first = {clusters[i] for i in rng.permutation(len(clusters))[: len(clusters) // 2]}
    order = [samples[i] for i in rng.permutation(len(samples))]
    own, others = [s for s in order if s.cluster in first], [s for s in order if s.cluster not in first]
    return own[:count], others[:count]


def read(data: Path, samples: list[Sample]) -> list[Pixels]:
    """Return pixels ``[H, W, 4]`` on white, so that damage is all that differs."""
    pictures = []
    for sample in samples:
        with Image.open(data / sample.file) as image:
            pictures.append(opaque(on_white(np.asarray(image.convert("RGBA")))))
    return pictures


def features(extractor: Extractor, pictures: list[Pixels]) -> np.ndarray:
    """Return ``[N, D]``, in batches of 100."""
    parts = [extractor.extract(pictures[i : i + 100]).features for i in range(0, len(pictures), 100)]
    return np.concatenate(parts)


def measure(extractor: Extractor, own: list[Pixels], others: list[Pixels], clusters: list[list[str]]) -> dict[str, Any]:
    """Return what an extractor sees of each damage."""
    reference = features(extractor, others)

    def distances(values: np.ndarray) -> dict[str, Estimate]:
        return {"kid": kid(values, reference), "fd_pca": frechet_pca(values, reference, k=DIRECTIONS)}

    before, rows = distances(features(extractor, own)), {}
    for name, damage in damages().items():
        after = distances(features(extractor, [damage(picture) for picture in own]))
        row = {}
        for metric in before:
            change = difference(before[metric], after[metric], clusters=clusters[0], reference_clusters=clusters[1])
            assert change.se is not None
            row[f"{metric}_ratio"] = round(after[metric].value / before[metric].value, 3)
            row[f"{metric}_z"] = round(change.value / max(change.se, 1e-30), 2)
        rows[name] = row
    clean = {metric: estimate.value for metric, estimate in before.items()}
    return {"card": extractor.card.key, "clean": clean, "damages": rows}


def seeded(seed: int, others: list[Pixels], *, standardized: bool) -> Extractor:
    """Return random convolutions with another seed, or without standardization."""
    tensors = random_weights(seed)
    raw = extractor_of(make_card(tensors, None, name=f"randconv-raw-{seed}"), seed)
    if not standardized:
        return raw
    affine = standardization(features(raw, others), "the second half")
    return extractor_of(make_card(tensors, affine, name=f"randconv-seed-{seed}"), seed)


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description="What extractors see of damage.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--extractors", nargs="+", default=["pixels", "randconv-v1"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/extractors.json"))
    args = parser.parse_args()
    held_out = [sample for sample in read_samples(args.data) if sample.split != "train"]
    halves = two_halves(held_out, args.count)
    own, others = (read(args.data, half) for half in halves)
    clusters = [[sample.cluster for sample in half] for half in halves]
    extractors = {name: load_extractor(name) for name in args.extractors}
    extractors["randconv raw"] = seeded(0, others, standardized=False)
    extractors |= {f"randconv seed {s}": seeded(s, others, standardized=True) for s in range(1, args.seeds)}
    results = {}
    for name, extractor in extractors.items():
        began = time.perf_counter()
        results[name] = measure(extractor, own, others, clusters)
        results[name]["seconds"] = round(time.perf_counter() - began, 1)
    for metric in ("kid", "fd_pca"):
        table = [
            [name, *(f"x{r['damages'][name][f'{metric}_ratio']:.2f}, {r['damages'][name][f'{metric}_z']:.1f}"
                     for r in results.values())]
            for name in damages()
        ]  # fmt: skip
        print_table([f"{metric}: ratio, z", *results], table)
        print()
    values = {
        "command": "python benchmarks/extractors.py DATA",
        "data": read_manifest(args.data, kind="dataset").digest,
        "n": len(own),
        "m": len(others),
        "directions": DIRECTIONS,
        "machine": describe_machine(),
        "extractors": results,
    }
    args.out.write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
