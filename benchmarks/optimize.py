"""One model in all its forms: how others make it faster, each alone, and recipes of ours; time, error, memory, disk.

Every form draws in a process of its own, with one thread, in turns with eager torch: a ratio is that of neighbors, its
interval the least and the largest of the rounds. The error is the root mean square of levels between pictures of equal
seeds. Weights of the foreign models are random, so their errors show defects and say nothing about quality, which is
``underpaint gate``'s. Rows that are in the results already are left alone, so a run that was cut short goes on.

    python benchmarks/optimize.py --work DIR --model unet --prepare
    python benchmarks/optimize.py --work DIR --model unet [--rounds 3] [--seconds 280] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import print_table, write_document

RESULTS = Path(__file__).parent / "results" / "optimize.json"
CAPTIONS = ("a red cat", "a smiling dog", "a green apple")
Row = dict[str, Any]


def resident_mb() -> float:
    """Return the most memory that this process has held, in megabytes."""
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def work(folder: str, model: str, form: str, pictures: str) -> None:
    """Be one form: load, draw once, then draw for every line that comes in, and answer with times."""
    import optimize_forms
    import torch

    from underpaint.pipelines.settings import DrawRequest

    torch.set_num_threads(1)
    steps = None if model == "shipped" else optimize_forms.STEPS
    times = 6 if model == "shipped" else 1
    began = time.process_time()
    pipeline = optimize_forms.load(Path(folder), model, form)

    def draw(seed: int) -> np.ndarray:
        asked = [
            DrawRequest(caption=CAPTIONS[seed % len(CAPTIONS)], seed=seed + number, steps=steps)
            for number in range(times)
        ]
        return np.stack([pipeline.draw([request])[0] for request in asked])

    draw(0)
    np.save(pictures, draw(1))
    print(json.dumps({"load_cpu_s": time.process_time() - began}), flush=True)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        draw(int(line))
        taken = (time.perf_counter() - wall) / times, (time.process_time() - cpu) / times
        print(json.dumps({"wall_s": taken[0], "cpu_s": taken[1], "peak_mb": resident_mb()}), flush=True)


class Worker:
    """A form in a process of its own.

    Args:
        args: The command's.
        form: Its name.
    """

    def __init__(self, args: argparse.Namespace, form: str) -> None:
        self.pictures = args.work / args.model / f"{abs(hash(form))}.npy"
        case = json.dumps([str(args.work), args.model, form, str(self.pictures)])
        self._log = (args.work / "workers.log").open("a")
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__, "--worker", case],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"},
        )
        self.loaded = self._answer()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"the process ended with {self._process.wait()}")

    def draw(self, round_: int) -> dict[str, float]:
        """Draw a round and return what it took."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{round_}\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._log.close()


def disk_mb(folder: Path) -> float | None:
    """Return the size of a folder in megabytes; None where there is none."""
    if not folder.is_dir():
        return None
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6, 1)


def measured(args: argparse.Namespace, form: str, base: Worker) -> Row:
    """Return the figures of a form, drawn in turns with the base."""
    import optimize_forms

    try:
        worker = Worker(args, form)
    except RuntimeError as error:
        return {"not_measured": str(error)}
    rounds = [(base.draw(number), worker.draw(number)) for number in range(args.rounds)]
    worker.close()
    ratios = [before["cpu_s"] / after["cpu_s"] for before, after in rounds]
    apart = np.load(worker.pictures).astype(float) - np.load(base.pictures)
    return {
        "times_eager": [round(value, 3) for value in (statistics.median(ratios), min(ratios), max(ratios))],
        "cpu_s": round(statistics.median(after["cpu_s"] for _, after in rounds), 4),
        "base_cpu_s": round(statistics.median(before["cpu_s"] for before, _ in rounds), 4),
        "rms_levels": round(float(np.sqrt(np.mean(apart**2))), 3),
        "peak_mb": round(rounds[-1][1]["peak_mb"]),
        "load_cpu_s": round(worker.loaded["load_cpu_s"], 2),
        "disk_mb": disk_mb(optimize_forms.folder_of(args.work, args.model, form)),
        "load_1_min": round(os.getloadavg()[0], 2),
    }


def run(args: argparse.Namespace) -> None:
    """Measure the forms that are not in the results yet, until the time is up."""
    import optimize_forms

    until = time.monotonic() + args.seconds
    known = json.loads(args.out.read_text())["models"] if args.out.is_file() else {}
    rows: dict[str, Row] = known.setdefault(args.model, {})
    missing = [form for form in args.forms or optimize_forms.forms(args.model) if form not in rows]
    base = Worker(args, optimize_forms.BASE) if missing else None
    for form in missing:
        if time.monotonic() > until or base is None:
            print(f"time is up before {form}; run the same again", file=sys.stderr)
            break
        if form == optimize_forms.BASE:
            taken = [base.draw(number) for number in range(args.rounds)]
            rows[form] = {
                "times_eager": [1.0, 1.0, 1.0],
                "cpu_s": round(statistics.median(one["cpu_s"] for one in taken), 4),
                "rms_levels": 0.0,
                "peak_mb": round(taken[-1]["peak_mb"]),
                "load_cpu_s": round(base.loaded["load_cpu_s"], 2),
                "disk_mb": disk_mb(optimize_forms.folder_of(args.work, args.model)),
            }
        else:
            rows[form] = measured(args, form, base)
        write_document(args.out, "optimize", threads=1, rounds=args.rounds, steps=optimize_forms.STEPS, models=known)
    if base is not None:
        base.close()
    show(args.model, rows)


def show(model: str, rows: dict[str, Row]) -> None:
    """Print a model's table."""
    cells = [
        (form, "not measured", "", "", "", "")
        if "not_measured" in row
        else (
            form,
            "{:.2f} ({:.2f}-{:.2f})".format(*row["times_eager"]),
            f"{row['cpu_s']:.3f}",
            f"{row['rms_levels']:.1f}",
            f"{row['peak_mb']}",
            "" if row["disk_mb"] is None else f"{row['disk_mb']:.0f}",
        )
        for form, row in rows.items()
    ]
    print_table((model, "times eager", "CPU s a picture", "levels apart", "peak MB", "disk MB"), cells)


def main() -> None:
    """Prepare or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--model", choices=("unet", "pixart", "shipped"), default="unet")
    parser.add_argument("--forms", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=280.0, help="no further form is begun after so long")
    parser.add_argument("--prepare", action="store_true", help="make what forms are loaded from, once")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(*json.loads(args.worker))
        return
    if args.prepare:
        import optimize_forms

        for form in args.forms or optimize_forms.forms(args.model):
            optimize_forms.prepare(args.work, args.model, form)
            print(f"{args.model}: {form}", file=sys.stderr, flush=True)
        return
    run(args)


if __name__ == "__main__":
    main()
