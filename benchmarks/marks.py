"""What marking and signing cost: milliseconds and bytes a picture, and the start of ``underpaint generate``.

    python benchmarks/marks.py [--pictures 40] [--runs 15]

The pictures are drawn by the shipped model with the graph in one process, with a folder of keys of its own. The cold
starts are fresh processes in turns, so that a busy machine slows all of them; the first round does not count, and each
difference is that of one round. The key is made in the round that does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cold_start import measure
from machine import describe_machine, print_table

KINDS = {
    "neither": ["--watermark", "none", "--no-sign"],
    "marked": ["--no-sign"],
    "marked and signed": [],
}


def cold_starts(folder: Path, runs: int) -> dict[str, dict[str, list[float]]]:
    """Return wall-clock and processor milliseconds of each kind, beside their differences from the kind before."""
    command = [sys.executable, "-m", "underpaint", "generate", "a red heart", "--quiet", "--out"]
    rows = {name: [*command, str(folder / name), *options] for name, options in KINDS.items()}
    samples = measure(rows, runs)
    found: dict[str, dict[str, list[float]]] = {}
    before = next(iter(KINDS))
    for name, values in samples.items():
        found[name] = {unit: [value[unit] for value in values] for unit in ("wall_ms", "cpu_ms", "peak_mb")}
        found[name]["more_cpu_ms"] = [
            one["cpu_ms"] - other["cpu_ms"] for one, other in zip(values, samples[before], strict=True)
        ]
        before = name
    return found


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what some work returns, and its processor time in milliseconds."""
    began = time.process_time()
    result = work()
    return result, (time.process_time() - began) * 1000.0


def in_one_process(number: int) -> dict[str, list[float]]:
    """Return processor milliseconds and bytes of marking, signing and reading, picture by picture."""
    import numpy as np

    import underpaint
    from underpaint.pipelines.credentials import read_credential, sign_picture
    from underpaint.pipelines.marks import PUBLIC_KEY
    from underpaint.pipelines.picture_file import encode
    from underpaint.pipelines.signer import local
    from underpaint.runtime import watermark

    signer, now = local(datetime.now(UTC)).signer, datetime.now(UTC)
    found: dict[str, list[float]] = {name: [] for name in ("mark_ms", "sign_ms", "read_ms", "bytes", "more_bytes")}
    for image in underpaint.load().generate(["a red heart", "a smiling cat"], n=(number + 1) // 2, seed=0):
        pixels, data, settings = np.asarray(image), encode(image), image.info["underpaint"]
        _, mark_ms = timed(lambda p=pixels: watermark.embed(p, PUBLIC_KEY))
        signed, sign_ms = timed(
            lambda d=data, s=settings: sign_picture(d, s, signer=signer, mining="notAllowed", when=now)
        )
        credential, read_ms = timed(lambda s=signed: read_credential(s))
        if credential is None or not credential.holds:
            raise SystemExit("a picture that was just signed does not hold")
        row = (mark_ms, sign_ms, read_ms, float(len(data)), float(len(signed) - len(data)))
        for values, value in zip(found.values(), row, strict=True):
            values.append(value)
    return {name: values[2:] for name, values in found.items()}  # the first two load libraries


def spread(values: list[float]) -> str:
    """Return the median with the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:,.1f} ({low:,.1f}-{high:,.1f})"


def main() -> None:
    """Measure, print two tables, write JSON."""
    parser = argparse.ArgumentParser(description="What marking and signing cost.")
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "marks.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["UNDERPAINT_KEYS"] = str(Path(folder) / "keys")
        starts = cold_starts(Path(folder), args.runs)
        pictures = in_one_process(args.pictures)
    columns = ["wall_ms", "cpu_ms", "more_cpu_ms", "peak_mb"]
    print_table(["start", *columns], [[name, *(spread(row[c]) for c in columns)] for name, row in starts.items()])
    print_table(["a picture", "median (quartiles)"], [[name, spread(values)] for name, values in pictures.items()])
    document = {"what": "marks", "machine": describe_machine(), "starts": starts, "pictures": pictures}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
