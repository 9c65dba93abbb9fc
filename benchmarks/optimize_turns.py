"""Forms that draw in turns, each in a process of its own with one thread: times, pictures, memory.

Every round draws the same captions and seeds in every form, forward and backward in turns. The ratio of a form is the
geometric mean of ``base / form`` over rounds, its interval Student's, of the logarithms; times are processor time,
which other programs disturb least. The error is the root mean square of levels (0 to 255) between pictures of equal
seeds.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from underpaint.metrics.distribution import student_quantile

CAPTIONS = ("a red cat", "a smiling dog", "a green apple")
LEVEL = 0.95
Row = dict[str, Any]


def resident_mb() -> float:
    """Return the most memory that this process has held, in megabytes."""
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def work(folder: str, model: str, form: str, pictures: str) -> None:
    """Be one form: load, draw once, then draw for every line that comes in, and answer with times."""
    import optimize_forms
    import torch
    from optimize_models import SUBJECTS

    from underpaint.pipelines.settings import DrawRequest

    torch.set_num_threads(1)
    subject, drawn = SUBJECTS[model], list[np.ndarray]()
    began = time.process_time()
    pipeline = optimize_forms.load(Path(folder), model, form)

    def draw(round_: int) -> np.ndarray:
        seeds = range(round_ * subject.pictures, (round_ + 1) * subject.pictures)
        asked = [DrawRequest(caption=CAPTIONS[seed % 3], seed=seed, steps=subject.steps) for seed in seeds]
        return np.stack([pipeline.draw([request])[0] for request in asked])  # [N, H, W, 4]

    drawn.append(draw(0))
    print(json.dumps({"load_cpu_s": time.process_time() - began}), flush=True)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        drawn.append(draw(int(line)))
        taken = (time.perf_counter() - wall, time.process_time() - cpu)
        np.save(pictures, np.concatenate(drawn))
        each = [value / subject.pictures for value in taken]
        print(json.dumps({"wall_s": each[0], "cpu_s": each[1], "peak_mb": resident_mb()}), flush=True)


class Worker:
    """A form in a process of its own.

    Args:
        program: The Python file that is called with ``--worker``.
        case: Folder, model and form.
        scratch: Where its pictures and what it says go.

    Raises:
        RuntimeError: It ended before it was loaded; the message is the last line that it said.
    """

    def __init__(self, program: str, case: Sequence[str], scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        name = "".join(letter if letter.isalnum() else "-" for letter in f"{case[1]} {case[2]}")
        self._pictures, self._said = scratch / f"{name}.npy", scratch / f"{name}.log"
        with self._said.open("w") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", program, "--worker", json.dumps([*case, str(self._pictures)])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"},
            )
        self.load_cpu_s = self._answer()["load_cpu_s"]
        self.rounds: list[dict[str, float]] = []

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        self.close()
        lines = [line for line in self._said.read_text().splitlines() if line.strip()]
        raise RuntimeError(lines[-1][:300] if lines else f"it ended with {self._process.returncode} and said nothing")

    def draw(self, round_: int) -> None:
        """Draw a round and keep what it took."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{round_}\n")
        self._process.stdin.flush()
        self.rounds.append(self._answer())

    def pictures(self) -> np.ndarray:
        """Return what it drew, levels ``[N, H, W, 4]`` in the order of rounds."""
        return np.load(self._pictures).astype(float)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def take_turns(workers: Sequence[Worker], rounds: int) -> None:
    """Let every worker draw every round, forward and backward in turns."""
    for number in range(rounds):
        for worker in workers if number % 2 == 0 else reversed(workers):
            worker.draw(number + 1)


def ratio(base: Sequence[float], form: Sequence[float]) -> list[float]:
    """Return how many times as fast a form is as its base: mean, and the interval's ends.

    Args:
        base: Times of the base by round, at least two.
        form: Times of the form in the same rounds.
    """
    logs = [math.log(before / after) for before, after in zip(base, form, strict=True)]
    mean, count = statistics.fmean(logs), len(logs)
    reach = student_quantile(0.5 + LEVEL / 2, count - 1) * statistics.stdev(logs) / math.sqrt(count)
    return [round(math.exp(value), 3) for value in (mean, mean - reach, mean + reach)]


def rms(one: np.ndarray, other: np.ndarray) -> float:
    """Return the root mean square of the differences between levels."""
    return round(float(np.sqrt(np.mean((one - other) ** 2))), 3)


def row_of(worker: Worker, base: Worker) -> Row:
    """Return the figures of a form, or of the base itself; beside its error, how far other seeds are apart."""
    times, base_times = ([one["cpu_s"] for one in each.rounds] for each in (worker, base))
    drawn = worker.pictures()
    before = base.pictures()[: len(drawn)]  # every group has the same rounds
    return {
        "times_eager": [1.0, 1.0, 1.0] if worker is base else ratio(base_times, times),
        "rounds": len(times),
        "cpu_s": round(statistics.median(times), 4),
        "base_cpu_s": round(statistics.median(base_times), 4),
        "wall_s": round(statistics.median(one["wall_s"] for one in worker.rounds), 4),
        "rms_levels": 0.0 if worker is base else rms(drawn, before),
        "rms_levels_other_seeds": rms(drawn, np.roll(drawn, 1, axis=0)),
        "peak_mb": round(worker.rounds[-1]["peak_mb"]),
        "load_cpu_s": round(worker.load_cpu_s, 2),
        "load_1_min": round(os.getloadavg()[0], 2),
    }
