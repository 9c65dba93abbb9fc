"""How long from the shell to the first PNG, beside two imports that most programs of this kind begin with.

    python benchmarks/cold_start.py [--runs 15] [--model FOLDER] [--out benchmarks/results/cold_start.json]

Every run is a fresh process. The commands are interleaved, so that a busy machine slows all of them; the first round
warms the file system's cache and does not count. ``diffusers`` is optional: without it its row says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe_machine, print_table

PROMPT = "a smiling cat with sunglasses"


def commands(model: str | None, folder: Path) -> dict[str, list[str]]:
    """Return name to command line; ``--seed`` counts up so that no picture is found finished."""
    python = sys.executable
    draw = [python, "-m", "underpaint", "generate", PROMPT, "--out", str(folder), "--quiet"]
    rows = {
        "python -c pass": [python, "-c", "pass"],
        "underpaint --help": [python, "-m", "underpaint", "--help"],
        "underpaint generate (first PNG)": [*draw, *(["-m", model] if model else [])],
        "import torch": [python, "-c", "import torch"],
    }
    if importlib.util.find_spec("diffusers"):
        rows["from diffusers import DiffusionPipeline"] = [python, "-c", "from diffusers import DiffusionPipeline"]
    return rows


def run_once(command: list[str]) -> dict[str, float]:
    """Run a command and return its wall-clock and processor time in milliseconds."""
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - began
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"wall_ms": wall * 1000.0, "cpu_ms": cpu * 1000.0}


def measure(rows: dict[str, list[str]], runs: int) -> dict[str, list[dict[str, float]]]:
    """Run all commands in turns, ``runs`` times after one round that does not count."""
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in rows}
    for index in range(runs + 1):
        for name, command in rows.items():
            seeded = [*command, "--seed", str(index)] if "generate" in command else command
            sample = run_once(seeded)
            if index:
                samples[name].append(sample)
    return samples


def summarize(samples: list[dict[str, float]]) -> dict[str, float]:
    """Return the median, quartiles and least of the wall-clock times, and the median of the processor times."""
    wall = sorted(sample["wall_ms"] for sample in samples)
    low, _, high = statistics.quantiles(wall, n=4, method="inclusive") if len(wall) > 1 else (wall[0],) * 3
    return {
        "median_ms": statistics.median(wall),
        "quartile_1_ms": low,
        "quartile_3_ms": high,
        "least_ms": wall[0],
        "cpu_median_ms": statistics.median(sample["cpu_ms"] for sample in samples),
    }


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description="Time from the shell to the first PNG.")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--model", help="folder of a model; the shipped one if left out")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "cold_start.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples = measure(commands(args.model, Path(folder)), args.runs)
    results: dict[str, Any] = {name: summarize(values) for name, values in samples.items()}
    print_table(
        ["command", "median ms", "quartiles", "least", "CPU ms"],
        [
            [
                name,
                f"{row['median_ms']:.0f}",
                f"{row['quartile_1_ms']:.0f}-{row['quartile_3_ms']:.0f}",
                f"{row['least_ms']:.0f}",
                f"{row['cpu_median_ms']:.0f}",
            ]
            for name, row in results.items()
        ],
    )
    if "from diffusers import DiffusionPipeline" not in results:
        print("diffusers is not installed here; pip install diffusers transformers for its row")
    document = {"what": "cold_start", "runs": args.runs, "machine": describe_machine(), "results": results}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
