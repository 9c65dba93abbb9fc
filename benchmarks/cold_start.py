"""From the shell to the first PNG, the memory that it takes and the megabytes that must be installed for it.

Three ways, each in a Python of its own: the base install with the shipped graph, torch with the same model, and what
most programs of this kind begin with, torch, diffusers and transformers, with an equally small pipeline of random
weights (``peer_pipeline.py``).

    python3 -m venv /tmp/edge && /tmp/edge/bin/pip install -c constraints.txt .
    python3 -m venv /tmp/peer && /tmp/peer/bin/pip install -c constraints.txt torch diffusers transformers
    python benchmarks/cold_start.py --edge-python /tmp/edge/bin/python --peer-python /tmp/peer/bin/python [--runs 15]

Every run is a fresh process. The commands are interleaved, so that a busy machine slows all of them; the first round
warms the file system's cache and does not count. Without ``--peer-python`` its rows are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import print_table, write_document

PROMPT = "a red heart"
PEER = str(Path(__file__).with_name("peer_pipeline.py"))
EDGE, TORCH, OTHERS = "underpaint generate", "underpaint generate --engine torch", "diffusers, first PNG"
NOT_COUNTED = {"pip", "setuptools", "wheel"}
SIZE_CODE = """
import json, sys
from importlib.metadata import distributions
from pathlib import Path
sizes = {}
for one in distributions():
    files = [Path(one.locate_file(file)) for file in one.files or []]
    sizes[one.metadata["Name"].lower()] = sum(f.stat().st_size for f in files if f.is_file() and f.suffix != ".pyc")
print(json.dumps(sizes))
"""


def commands(args: argparse.Namespace, folder: Path) -> dict[str, list[str]]:
    """Return name to command line; a seed is added to what draws, so that no picture is found finished."""
    draw = ["-m", "underpaint", "generate", PROMPT, "--quiet", "--out"]
    rows = {
        "python -c pass": [args.edge_python, "-c", "pass"],
        "underpaint --help": [args.edge_python, "-m", "underpaint", "--help"],
        EDGE: [args.edge_python, *draw, str(folder / "edge")],
        TORCH: [sys.executable, *draw, str(folder / "torch"), "--engine", "torch"],
        "import torch": [sys.executable, "-c", "import torch"],
    }
    if args.peer_python:
        pipeline = folder / "peer"
        subprocess.run([args.peer_python, PEER, "make", str(pipeline)], check=True, capture_output=True)
        rows[OTHERS] = [args.peer_python, PEER, "draw", str(pipeline), str(folder / "peer.png")]
        rows["from diffusers import DiffusionPipeline"] = [
            args.peer_python,
            "-c",
            "from diffusers import DiffusionPipeline",
        ]
    return rows


def seeded(command: list[str], index: int) -> list[str]:
    """Return a command that draws another picture each time; others stay as they are."""
    if "generate" in command:
        return [*command, "--seed", str(index)]
    return [*command, str(index)] if "draw" in command else command


def run_once(command: list[str]) -> dict[str, float]:
    """Run a command; returns wall-clock and processor time in milliseconds, and the most memory in megabytes.

    A child begins with the memory of its parent, so this process must stay small: no torch, no NumPy.
    """
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "wall_ms": wall * 1000.0,
        "cpu_ms": (usage.ru_utime + usage.ru_stime) * 1000.0,
        "peak_mb": usage.ru_maxrss * unit / 1e6,
    }


def measure(rows: dict[str, list[str]], runs: int) -> dict[str, list[dict[str, float]]]:
    """Run all commands in turns, ``runs`` times after one round that does not count."""
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in rows}
    for index in range(runs + 1):
        for name, command in rows.items():
            sample = run_once(seeded(command, index))
            if index:
                samples[name].append(sample)
    return samples


def summarize(samples: list[dict[str, float]]) -> dict[str, float]:
    """Return median, quartiles and least of the wall-clock times, and the medians of processor time and memory."""
    wall = sorted(sample["wall_ms"] for sample in samples)
    low, _, high = statistics.quantiles(wall, n=4, method="inclusive") if len(wall) > 1 else (wall[0],) * 3
    return {
        "median_ms": statistics.median(wall),
        "quartile_1_ms": low,
        "quartile_3_ms": high,
        "least_ms": wall[0],
        "cpu_median_ms": statistics.median(sample["cpu_ms"] for sample in samples),
        "peak_mb": statistics.median(sample["peak_mb"] for sample in samples),
    }


def ratio(samples: dict[str, list[dict[str, float]]], name: str, base: str) -> dict[str, float]:
    """Return the median of the ratios of wall-clock times, run by run, with its quartiles."""
    ratios = [a["wall_ms"] / b["wall_ms"] for a, b in zip(samples[name], samples[base], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return {"median": middle, "quartile_1": low, "quartile_3": high}


def installed(python: str) -> dict[str, float]:
    """Return the megabytes of every installed distribution, without bytecode and what comes with any Python."""
    found = subprocess.run([python, "-c", SIZE_CODE], check=True, capture_output=True, text=True).stdout
    return {name: size / 1e6 for name, size in json.loads(found).items() if name not in NOT_COUNTED}


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description="From the shell to the first PNG.")
    parser.add_argument("--edge-python", default=sys.executable, help="a Python with the base install alone")
    parser.add_argument("--peer-python", help="a Python with torch, diffusers and transformers alone")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "cold_start.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples = measure(commands(args, Path(folder)), args.runs)
    results: dict[str, Any] = {name: summarize(values) for name, values in samples.items()}
    print_table(
        ["command", "median ms", "quartiles", "least", "CPU ms", "peak MB"],
        [
            [
                name,
                f"{row['median_ms']:.0f}",
                f"{row['quartile_1_ms']:.0f}-{row['quartile_3_ms']:.0f}",
                f"{row['least_ms']:.0f}",
                f"{row['cpu_median_ms']:.0f}",
                f"{row['peak_mb']:.0f}",
            ]
            for name, row in results.items()
        ],
    )
    ratios = {name: ratio(samples, name, EDGE) for name in (TORCH, OTHERS) if name in samples}
    for name, row in ratios.items():
        print(f"{name} takes {row['median']:.2f} ({row['quartile_1']:.2f}-{row['quartile_3']:.2f}) times as long")
    sizes = {"base": installed(args.edge_python)}
    sizes |= {"peer": installed(args.peer_python)} if args.peer_python else {}
    for name, packages in sizes.items():
        largest = sorted(packages, key=lambda package: -packages[package])[:6]
        listed = ", ".join(f"{package} {packages[package]:.0f}" for package in largest)
        print(f"installed, {name}: {sum(packages.values()):.0f} MB in {len(packages)} packages ({listed})")
    write_document(args.out, "cold_start", runs=args.runs, results=results, ratios=ratios, installed_mb=sizes)


if __name__ == "__main__":
    main()
