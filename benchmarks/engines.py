"""The same model in every engine: milliseconds at batch 1 and 8, memory, how far the pictures are apart.

Every engine runs in a process of its own, since thread pools of several engines in one process wait for each other. The
processes draw in turns, one batch each, after warm-ups that do not count, so that a busy machine slows all alike; the
ratios are taken round by round. The peak of matrix products is measured in the same turns: float32 by torch, 8-bit
integers by ONNX Runtime. Exports are made once under ``--work``.

    python benchmarks/engines.py --work DIR [--rounds 40] [--threads 1] [--compile] [--gates NAME=GATE.json ...]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from machine import print_table, write_document

MODEL = "stickers-64"
WARM_UPS = 3
PICTURES = 24
"""Pictures that are compared with torch's."""
SIDE = 1024
"""Side of the matrices whose product is timed."""
BASE = "torch eager"
LABELS = {"onnx": "ONNX Runtime", "openvino": "OpenVINO"}
GRAPHS = ("onnx-f32", "onnx-native", "onnx-int8", "openvino-f32", "openvino-int8")
OPTIONS = {"f32": (), "native": ("--native",), "int8": ("--int8",)}
"""What ``underpaint export`` is told besides the engine; a native graph has 32 bits too."""
CAPTIONS = ("a smiling cat", "a red apple", "a rocket", "a yellow star", "woman judge with dark skin tone", "a fish")
Row = dict[str, Any]


def exports(work: Path, graphs: list[str], batches: list[int]) -> dict[str, dict[int, str]]:
    """Export the model for every graph and batch that is not there yet; name to batch to folder."""
    made: dict[str, dict[int, str]] = {}
    for graph in graphs:
        engine, form = graph.split("-")
        for batch in batches:
            folder = work / f"{graph}-b{batch}"
            command = ["export", MODEL, "--engine", engine, "--batch", str(batch), "--out", str(folder), "--quiet"]
            command += OPTIONS[form]
            if not folder.is_dir():
                subprocess.run([sys.executable, "-m", "underpaint", *command], check=True)
            made.setdefault(f"{LABELS[engine]} {form}", {})[batch] = str(folder)
    return made


def cases(args: argparse.Namespace) -> list[Row]:
    """Return what is timed: name, what loads it, and the batch."""
    rows = [{"name": BASE, "batch": batch} for batch in args.batches]
    rows += [{"name": "torch.compile", "batch": batch, "compile": True} for batch in args.batches if args.compile]
    for name, folders in exports(args.work, args.graphs, args.batches).items():
        rows += [{"name": name, "batch": batch, "folder": folder} for batch, folder in folders.items()]
    rows += [{"name": f"product {kind}", "batch": SIDE, "product": kind} for kind in ("float32", "int8")]
    return rows


def requests_of(round_: int, batch: int) -> list[Any]:
    """Return what one round draws: other captions and seeds each time, the same in every engine."""
    from underpaint.pipelines.settings import DrawRequest

    numbers = range(round_ * batch, (round_ + 1) * batch)
    return [DrawRequest(caption=CAPTIONS[n % len(CAPTIONS)], seed=n) for n in numbers]


def drawer(case: Row, threads: int) -> Callable[[int], list[np.ndarray]]:
    """Load an engine and return what draws a round."""
    import underpaint

    generator = underpaint.load(
        case.get("folder", MODEL), engine="auto" if "folder" in case else "torch", threads=threads
    )
    if "folder" in case:
        return lambda round_: generator.pipeline.draw(requests_of(round_, case["batch"]))
    import torch

    from underpaint.pipelines.drawer import unwatched

    torch.set_num_threads(threads)
    pipeline: Any = generator.pipeline
    if case.get("compile"):
        for name in ("transformer", "residual"):
            getattr(pipeline, name).compile()
        pipeline.autoencoder.decoder.compile()

    def draw(round_: int) -> list[np.ndarray]:
        with torch.inference_mode():
            return list(pipeline.draw_alike(requests_of(round_, case["batch"]), unwatched))

    return draw


def product(kind: str, threads: int) -> Callable[[int], list[np.ndarray]]:
    """Return what multiplies two square matrices, of float32 by torch or of 8-bit integers by ONNX Runtime."""
    rng = np.random.default_rng(0)
    if kind == "float32":
        import torch

        torch.set_num_threads(threads)
        a, b = (torch.from_numpy(rng.standard_normal((SIDE, SIDE), dtype=np.float32)) for _ in range(2))
        return lambda _: [(a @ b).numpy()]
    from onnx import TensorProto, helper

    from underpaint.adapters.onnxruntime import import_engine

    engine = import_engine()
    node = helper.make_node("MatMulInteger", ["a", "b"], ["c"])
    value = helper.make_tensor_value_info
    weights = rng.integers(-64, 64, (SIDE, SIDE)).astype(np.int8)  # seven bits, as quantized graphs use here
    graph = helper.make_graph(
        [node],
        "product",
        [value("a", TensorProto.UINT8, [SIDE, SIDE])],
        [value("c", TensorProto.INT32, [SIDE, SIDE])],
        [helper.make_tensor("b", TensorProto.INT8, [SIDE, SIDE], weights.tobytes(), raw=True)],
    )
    options = engine.SessionOptions()
    options.intra_op_num_threads = threads
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    session = engine.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = rng.integers(0, 128, (SIDE, SIDE)).astype(np.uint8)
    return lambda _: session.run(None, {"a": given})


def work(case: Row, threads: int, pictures: str) -> None:
    """Be one engine: load, then draw a round for every number that comes in, and answer with times."""
    began = time.process_time()
    draw = product(case["product"], threads) if "product" in case else drawer(case, threads)
    draw(0)
    print(json.dumps({"load_cpu_s": time.process_time() - began}), flush=True)
    if pictures:
        drawn = [picture for round_ in range(PICTURES // case["batch"]) for picture in draw(round_)]
        np.save(pictures, np.stack(drawn))
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        draw(int(line))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(json.dumps({"wall_ms": wall * 1000.0, "cpu_ms": cpu * 1000.0, "rss_mb": resident()}), flush=True)


def resident() -> float:
    """Return the most memory that this process has held, in megabytes."""
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


class Worker:
    """An engine in a process of its own.

    Args:
        case: What it runs.
        threads: CPU threads.
        pictures: Where it leaves pictures to compare; empty for none.
    """

    def __init__(self, case: Row, threads: int, pictures: str) -> None:
        self.case = case
        command = [sys.executable, "-W", "ignore", __file__, "--worker", json.dumps([case, threads, pictures])]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.load = self._answer()
        self.samples: list[dict[str, float]] = []

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.case['name']} died with {self._process.wait()}")
        return json.loads(line)

    def run(self, round_: int, counts: bool) -> None:
        """Draw one round."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{round_}\n")
        self._process.stdin.flush()
        sample = self._answer()
        if counts:
            self.samples.append(sample)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def apart(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Return how far pictures are apart: the share that is equal within one level, and the mean of levels."""
    from underpaint.stages.optimize.export.check import premultiplied

    gaps = np.abs(premultiplied(ours) - premultiplied(theirs)).reshape(len(ours), -1)
    return {"same_share": float((gaps.max(axis=1) <= 1.0).mean()), "mean_levels": float(gaps.mean())}


def summarize(worker: Worker, base: Worker) -> Row:
    """Return times per picture, and the base's time over this one's, round by round."""
    batch = 1 if "product" in worker.case else worker.case["batch"]
    wall = [sample["wall_ms"] / batch for sample in worker.samples]
    ratios = [b["cpu_ms"] / own["cpu_ms"] for b, own in zip(base.samples, worker.samples, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return {
        "batch": worker.case["batch"],
        "median_ms": statistics.median(wall),
        "p95_ms": sorted(wall)[int(0.95 * (len(wall) - 1))],
        "cpu_ms": statistics.median(sample["cpu_ms"] / batch for sample in worker.samples),
        "speed_up": [middle, low, high],
        "load_cpu_s": worker.load["load_cpu_s"],
        "peak_mb": worker.samples[-1]["rss_mb"],
    }


def measure(args: argparse.Namespace) -> tuple[dict[str, Row], dict[str, Any]]:
    """Draw in turns; returns a row for each engine and batch, and the peaks of matrix products."""
    workers = []
    for case in cases(args):
        drawn = "" if "product" in case or case["batch"] != 1 else str(args.work / f"{case['name']}.npy")
        workers.append(Worker(case, args.threads, drawn))
    for round_ in range(-WARM_UPS, args.rounds):
        for worker in workers:
            worker.run(abs(round_), counts=round_ >= 0)
        print(f"round {round_ + 1} of {args.rounds}", file=sys.stderr, flush=True)
    bases = {worker.case["batch"]: worker for worker in workers if worker.case["name"] == BASE}
    rows: dict[str, Row] = {}
    peaks: dict[str, float] = {}
    for worker in workers:
        worker.close()
        if "product" in worker.case:
            fastest = min(sample["cpu_ms"] for sample in worker.samples)
            peaks[worker.case["product"]] = 2.0 * SIDE**3 / fastest / 1e6
            continue
        row = summarize(worker, bases[worker.case["batch"]])
        if worker.case["batch"] == 1:
            row |= apart(np.load(args.work / f"{worker.case['name']}.npy"), np.load(args.work / f"{BASE}.npy"))
        rows[f"{worker.case['name']}, batch {worker.case['batch']}"] = row
    return rows, {"gflops": peaks, **shares(rows, peaks)}


def shares(rows: Mapping[str, Row], peaks: Mapping[str, float]) -> dict[str, Any]:
    """Return the arithmetic of a picture, and the share of either peak that each engine reaches."""
    import underpaint
    from underpaint.runtime.flops import count_flops

    pipeline = underpaint.load(MODEL, engine="torch").pipeline
    flops = count_flops(lambda: pipeline.draw(requests_of(0, 1))).total
    reached = {name: flops / row["cpu_ms"] / 1e6 for name, row in rows.items()}  # GFLOP/s
    return {
        "flops_per_picture": flops,
        "share_of_peak": {
            name: {kind: value / peak for kind, peak in peaks.items()} for name, value in reached.items()
        },
    }


def show(rows: Mapping[str, Row], peaks: Mapping[str, Any], gates: Mapping[str, str]) -> None:
    """Print the tables."""
    print_table(
        ["engine", "ms", "p95", "CPU ms", "times torch", "load s", "MB", "same", "levels", "of int8 peak", "gate"],
        [
            [
                name,
                f"{row['median_ms']:.1f}",
                f"{row['p95_ms']:.1f}",
                f"{row['cpu_ms']:.1f}",
                "{:.2f} ({:.2f}-{:.2f})".format(*row["speed_up"]),
                f"{row['load_cpu_s']:.1f}",
                f"{row['peak_mb']:.0f}",
                f"{row['same_share']:.0%}" if "same_share" in row else "",
                f"{row['mean_levels']:.2f}" if "mean_levels" in row else "",
                f"{peaks['share_of_peak'][name]['int8']:.0%}",
                gates.get(name.split(",")[0], ""),
            ]
            for name, row in rows.items()
        ],
    )
    print(", ".join(f"{kind} products {value:.0f} GFLOP/s" for kind, value in peaks["gflops"].items()))


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description="The same model in every engine.")
    parser.add_argument("--work", type=Path, help="folder of the exports")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--graphs", nargs="+", choices=GRAPHS, default=GRAPHS)
    parser.add_argument("--compile", action="store_true", help="torch.compile too: minutes of compiling")
    parser.add_argument("--gates", nargs="*", default=[], metavar="ENGINE=FILE", help="gate.json of an engine's export")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "engines.json")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(*json.loads(args.worker))
        return
    args.work.mkdir(parents=True, exist_ok=True)
    verdicts = {
        name: json.loads(Path(file).read_text())["verdict"] for name, _, file in (g.partition("=") for g in args.gates)
    }
    rows, peaks = measure(args)
    show(rows, peaks, verdicts)
    write_document(
        args.out,
        "engines",
        rounds=args.rounds,
        threads=args.threads,
        results=rows,
        peaks=peaks,
        gates=verdicts,
    )


if __name__ == "__main__":
    main()
