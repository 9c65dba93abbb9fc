"""Whether a decoder that paints 128 px beats painting 64 px and enlarging, on held-out drawings known at 128 px.

    underpaint train decoder-128 --data artifacts/stickers-128 --from stickers-64 --out artifacts/decoder-128
    python benchmarks/doubled_decoder.py --model artifacts/decoder-128/pipeline --data artifacts/stickers-128

All ways paint the same latents: those of the pictures at 64 px, whole or from their tokens alone, and with ``--drawn``
what the model draws for held-out captions, which has no picture to be compared with (``doubled_drawn.py``). Every
difference is paired by picture and clustered by concept. Times are of one picture, decoding and enlarging, in turn.
Writes ``benchmarks/results/doubled_decoder.json``, and with ``--strip`` some of the pictures side by side.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from doubled_drawn import held_out, judge_drawn
from machine import describe_machine, print_table
from PIL import Image
from torch import Tensor
from upscaling import SCORES, chosen, scores_of, told_of

from underpaint.core.artifact import read_manifest
from underpaint.core.errors import InputError
from underpaint.core.samples import read_samples
from underpaint.metrics.interval import mean_by_prompt
from underpaint.metrics.paired import difference
from underpaint.models.pixels import from_straight, to_straight
from underpaint.models.randconv import load_randconv
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.upscaling.enlarging import upscaled
from underpaint.pipelines.upscaling.network import open_network
from underpaint.pipelines.upscaling.resampling import premultiplied, resampled, straight
from underpaint.runtime.device import CPU, threads
from underpaint.stages.train.decoder import edge_energy
from underpaint.stages.train.pictures import read_pixels

RESULTS = Path(__file__).parent / "results" / "doubled_decoder.json"
REPEATS, WARM_UPS, SHOWN = 40, 5, 8
DOUBLED = "doubled decoder"
ALL_SCORES = (*SCORES, "sharpness")

Pixels = np.ndarray
Paint = Callable[[Tensor], Pixels]


def opened(name: str | Path) -> HybridPipeline:
    """Return a model's pipeline, which must be a hybrid one."""
    pipeline = load_pipeline(open_model(name), CPU)
    if not isinstance(pipeline, HybridPipeline):
        raise InputError(f"{name} draws without tokens and has no decoder to compare; name a hybrid model")
    return pipeline


def ways(large: HybridPipeline, small: HybridPipeline) -> dict[str, Paint]:
    """Return what is compared: each turns a latent ``[1, C, h, h]`` into ``[S, S, 4]`` uint8, ``S`` the larger side."""
    network, side = open_network(), large.image_size

    def painted(pipeline: HybridPipeline) -> Paint:
        return lambda z: to_straight(pipeline.autoencoder.decode(z))[0]

    first = painted(small)
    return {
        "64 px, Lanczos": lambda z: straight(resampled(premultiplied(first(z)), side, side, Image.Resampling.LANCZOS)),
        "64 px, upscaler": lambda z: upscaled(first(z), side, network),
        DOUBLED: painted(large),
    }


@torch.inference_mode()
def latents_of(pixels: Pixels, pipeline: HybridPipeline) -> dict[str, Tensor]:
    """Return the latents ``[1, C, h, h]`` of one picture: all of it, and what its tokens say."""
    z = pipeline.autoencoder.encode(from_straight(torch.from_numpy(pixels[None].copy())))
    return {"whole": z, "tokens alone": pipeline.quantizer(z).partial[-1]}


def energy(pixels: Pixels) -> float:
    """Return the edge energy of a picture ``[H, W, 4]`` uint8."""
    return float(edge_energy(from_straight(torch.from_numpy(pixels[None].copy())))[0])


@torch.inference_mode()
def judge(truths: list[Pixels], concepts: list[str], large: HybridPipeline, paints: dict[str, Paint]) -> dict[str, Any]:
    """Return the scores of every way with intervals, and how far the doubled decoder is from it."""
    extractor, rows = load_randconv(), {}
    for truth in truths:
        for kind, z in latents_of(truth, large).items():
            for name, paint in paints.items():
                drawn = paint(z)
                row = scores_of(drawn, truth, extractor) | {"sharpness": (energy(drawn) / energy(truth)) ** 0.5}
                rows.setdefault(kind, {}).setdefault(name, []).append(row)
    return {kind: _told(found, concepts) for kind, found in rows.items()}


def _told(rows: dict[str, list[dict[str, float]]], concepts: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for score in ALL_SCORES:
        means = {
            name: mean_by_prompt([row[score] for row in found], concepts, np.random.default_rng(0))
            for name, found in rows.items()
        }
        for name, mean in means.items():
            gain = difference(mean, means[DOUBLED], clusters=concepts)
            told.setdefault(name, {})[score] = told_of(mean) | {"doubled_minus_this": told_of(gain)}
    return told


@torch.inference_mode()
def time_all(z: Tensor, paints: dict[str, Paint]) -> dict[str, dict[str, float]]:
    """Return milliseconds a picture of each way, in turn: median and quartiles."""
    spent: dict[str, list[float]] = {name: [] for name in paints}
    for _ in range(WARM_UPS + REPEATS):
        for name, paint in paints.items():
            begun = time.perf_counter()
            paint(z)
            spent[name].append((time.perf_counter() - begun) * 1000)
    return {
        name: dict(zip(("low", "median", "high"), np.quantile(v[WARM_UPS:], (0.25, 0.5, 0.75)).round(2), strict=True))
        for name, v in spent.items()
    }


@torch.inference_mode()
def save_strip(path: Path, truths: list[Pixels], large: HybridPipeline, paints: dict[str, Paint]) -> None:
    """Write a row of originals and a row of each way's pictures from tokens alone, on white."""
    side = large.image_size
    sheet = Image.new("RGB", (side * len(truths), side * (1 + len(paints))), "white")
    for column, truth in enumerate(truths):
        z = latents_of(truth, large)["tokens alone"]
        for row, pixels in enumerate((truth, *(paint(z) for paint in paints.values()))):
            tile = Image.fromarray(pixels, "RGBA")
            sheet.paste(tile, (column * side, row * side), tile)
    sheet.save(path)


def drawn(folder: Path, count: int, large: HybridPipeline, paints: dict[str, Paint]) -> dict[str, Any]:
    """Return how the ways paint what the model draws for ``count`` held-out captions."""
    samples = held_out(read_samples(folder), large.styles, count)
    truths = np.stack([read_pixels(folder / sample.file) for sample in samples])
    return {"pictures": len(samples), **judge_drawn(samples, truths, large, paints, DOUBLED)}


def show(found: dict[str, Any]) -> None:
    """Print the tables."""
    for kind, ways_found in found.items():
        print(f"\n{kind}; in brackets, the doubled decoder minus this, 95 %\n")
        rows = []
        for name, scores in ways_found.items():
            cells = []
            for score in ALL_SCORES:
                gain = scores[score]["doubled_minus_this"]
                cells.append(f"{scores[score]['value']:.4g} ({gain['low']:+.3g} to {gain['high']:+.3g})")
            rows.append([name, *cells])
        print_table(("way", *ALL_SCORES), rows)


def main() -> None:
    """Compare, time, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="the model whose decoder paints twice as large")
    parser.add_argument("--beside", default="stickers-64", help="the model it was made from")
    parser.add_argument("--data", type=Path, required=True, help="a data set of the larger size")
    parser.add_argument("--count", type=int, default=200, help="pictures at most, one a concept")
    parser.add_argument("--drawn", type=int, default=0, help="pictures that the model draws by itself; 0 for none")
    parser.add_argument("--strip", type=Path, help="a PNG file for some pictures side by side")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    samples = chosen(args.data, args.count)
    truths = [read_pixels(args.data / sample.file) for sample in samples]
    concepts = [sample.group for sample in samples]
    with threads(1):
        large, small = opened(args.model), opened(args.beside)
        paints = ways(large, small)
        found = judge(truths, concepts, large, paints)
        timing = time_all(latents_of(truths[0], large)["whole"], paints)
        by_itself = drawn(args.data, args.drawn, large, paints) if args.drawn else {}
        if args.strip is not None:
            save_strip(args.strip, truths[:: max(len(truths) // SHOWN, 1)][:SHOWN], large, paints)
    show(found)
    print(json.dumps({"ms": timing, "drawn": by_itself}, indent=2))
    record = {
        "model": read_manifest(args.model).digest,
        "data": read_manifest(args.data).digest,
        "pictures": len(truths),
        "concepts": len(set(concepts)),
        "found": found,
        "drawn": by_itself,
        "ms": timing,
        "machine": describe_machine(),
    }
    args.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
