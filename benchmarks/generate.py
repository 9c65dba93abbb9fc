"""Milliseconds per picture at batch 1 and 8, split into text, transformer, residual refiner and decoder; peak memory.

    python benchmarks/generate.py [--runs 60] [--model FOLDER] [--threads 1 2] [--device cpu]

Batch sizes and thread counts are interleaved run by run, after warm-ups that do not count. Loading is measured apart.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
from machine import print_table, write_document

import underpaint
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.planning import Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import Settings
from underpaint.runtime.device import choose_threads
from underpaint.runtime.timing import Stopwatch, synchronize

PROMPTS = (
    "a smiling cat with sunglasses",
    "a red apple",
    "a rocket",
    "woman firefighter with dark skin tone",
    "a blue whale",
    "a slice of pizza",
    "a yellow star",
    "a sleeping dog",
)
STAGES = ("text", "transformer", "residual", "decoder")
WARM_UPS = 5


def settings_of(generator: Generator, run: int, batch: int) -> list[Settings]:
    """Return a batch of different prompts with a seed of its own."""
    rows = [PromptRow(prompt=PROMPTS[(run + index) % len(PROMPTS)]) for index in range(batch)]
    return plan(generator.model, rows, Options(seed=run))


def time_run(generator: Generator, run: int, batch: int, device: torch.device) -> dict[str, float]:
    """Draw one batch and return milliseconds per picture in all and by stage."""
    settings = settings_of(generator, run, batch)
    watch = Stopwatch(device)
    synchronize(device)
    began = time.perf_counter()
    images = list(generator.draw(settings, batch_size=batch, on_stage=watch.mark))
    watch.stop()
    total_ms = (time.perf_counter() - began) * 1000.0
    return {"total": total_ms / len(images)} | {s: watch.totals_ms.get(s, 0.0) / len(images) for s in STAGES}


def peak_memory_mib(device: torch.device) -> dict[str, float]:
    """Return the largest resident memory of the process, and of the device if it is none of the CPU's."""
    unit = 1024 if sys.platform == "darwin" else 1
    peak = {"process_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / unit}
    if device.type == "cuda":
        peak["device_mib"] = torch.cuda.max_memory_allocated(device) / 2**20
    return peak


def summarize(samples: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of every stage, and median and 95th percentile of the total."""
    totals = sorted(sample["total"] for sample in samples)
    p95 = totals[min(len(totals) - 1, int(0.95 * len(totals)))]
    medians = {f"{key}_ms": statistics.median(sample[key] for sample in samples) for key in ("total", *STAGES)}
    return medians | {"total_p95_ms": p95}


def measure(generator: Generator, args: argparse.Namespace, device: torch.device) -> dict[str, dict[str, Any]]:
    """Run all combinations of threads and batch size in turns."""
    cases = [(threads, batch) for threads in args.threads for batch in args.batches]
    samples: dict[tuple[int, int], list[dict[str, float]]] = {case: [] for case in cases}
    for run in range(-WARM_UPS, args.runs):
        for threads, batch in cases:
            generator.pipeline.threads = threads
            sample = time_run(generator, abs(run), batch, device)
            if run >= 0:
                samples[threads, batch].append(sample)
    return {
        f"threads {threads}, batch {batch}": {"threads": threads, "batch": batch, **summarize(values)}
        for (threads, batch), values in samples.items()
    }


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Milliseconds per picture by stage.")
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--model", help="folder of a model; the shipped one if left out")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, choose_threads()}))
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "generate.json")
    return parser.parse_args()


def main() -> None:
    """Measure, print a table, write JSON."""
    args = parse()
    began = time.perf_counter()
    generator = underpaint.load(args.model, engine="torch", device=args.device)
    load_ms = (time.perf_counter() - began) * 1000.0
    device = generator.networks.device
    results = measure(generator, args, device)
    peak = peak_memory_mib(device)
    print_table(
        ["ms per picture", "median", "p95", *STAGES],
        [
            [name, *(f"{row[key]:.1f}" for key in ("total_ms", "total_p95_ms", *(f"{s}_ms" for s in STAGES)))]
            for name, row in results.items()
        ],
    )
    print(f"load {load_ms:.0f} ms; peak memory {', '.join(f'{v:.0f} MiB {k[:-4]}' for k, v in peak.items())}")
    write_document(
        args.out,
        "generate",
        model={"name": generator.model.name, "sha256": generator.model.digest, "size": generator.model.size},
        device=str(device),
        runs=args.runs,
        warm_ups=WARM_UPS,
        load_ms=load_ms,
        peak_memory=peak,
        results=results,
    )


if __name__ == "__main__":
    main()
