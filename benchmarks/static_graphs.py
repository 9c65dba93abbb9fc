"""Hybrid and diffusion as static graphs: what remains of their ratio where neither pays for PyTorch's many small calls.

    OMP_NUM_THREADS=1 python benchmarks/static_graphs.py --work DIR [--rounds 40]

Every point is drawn in plain torch and by its graph in ONNX Runtime (float32), one picture at a time on one thread, all
in turn within a round and the order turned around every round. Models that are not there are left out. The captions are
the comparison's new combinations; how good the pictures are stands there (``hybrid_vs_diffusion``), and an export is
refused that does not draw torch's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from frontier_drawing import Opened, ask, open_family
from frontier_models import add_models, folders_of
from frontier_page import ratio_text
from frontier_points import Family
from frontier_quality import COMPOSITION
from frontier_timing import ratio_of
from machine import print_table, write_document

import underpaint
from underpaint.metrics.interval import MIN_PAIRS, order_statistic
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.device import threads

WARM_UPS = 3
BASE: Family = "hybrid"
SOLVER = "dpmpp_2m"
ENGINES = ("torch", "graph")
Draw = Callable[[Sequence[DrawRequest]], Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way to draw.

    Args:
        name: Of the row.
        family: Whose model.
        steps: Of a diffusion model; None for the model's own.
        guidance: None for the model's own.
    """

    name: str
    family: Family
    steps: int | None = None
    guidance: float | None = None

    def requests(self, asked: Sequence[DrawRequest]) -> list[DrawRequest]:
        """Return requests with this way's guidance; steps are the pipeline's."""
        return [replace(request, guidance=self.guidance) for request in asked]


CASES = (
    Case(name=BASE, family="hybrid"),
    Case(name="hybrid, four scales", family="four-scales"),
    Case(name="hybrid, three scales", family="three-scales"),
    *(Case(name=f"flow, {SOLVER} {n}, guidance 2", family="flow", steps=n, guidance=2.0) for n in (3, 4, 8, 20)),
    *(Case(name=f"few-step, {n}", family="few-step", steps=n) for n in (1, 2)),
)


def exported(case: Case, opened: Opened, work: Path) -> Path:
    """Return the folder of a way's graph, made if it is not there; its name holds digest, steps and version."""
    version = metadata.version("underpaint")
    folder = work / f"{case.family}-{opened.digest[:12]}-{case.steps or 'own'}-{version}"
    if not folder.is_dir():
        steps = () if case.steps is None else ("--steps", str(case.steps))
        command = ["export", opened.folder, "--out", str(folder), "--quiet", *steps]
        subprocess.run([sys.executable, "-m", "underpaint", *command], check=True)
    return folder


def drawers(case: Case, opened: Opened, work: Path) -> dict[str, Draw]:
    """Return engine to what draws with it."""
    sampling = opened.base if case.steps is None else opened.base.model_copy(update={"steps": case.steps})
    graph = underpaint.load(exported(case, opened, work), threads=1).pipeline

    def by_torch(requests: Sequence[DrawRequest]) -> Any:
        return opened.set(sampling).draw_alike(requests, lambda _: None)

    return {"torch": by_torch, "graph": graph.draw}


def measure(
    ways: Mapping[tuple[str, str], Draw], cases: Mapping[str, Case], asked: Sequence[DrawRequest], rounds: int
) -> dict[tuple[str, str], list[float]]:
    """Return the milliseconds of every way and engine by round."""
    times: dict[tuple[str, str], list[float]] = {key: [] for key in ways}
    with torch.inference_mode(), threads(1):
        for round_ in range(-WARM_UPS, rounds):
            turn = list(ways) if round_ % 2 == 0 else list(ways)[::-1]
            for key in turn:
                requests = cases[key[0]].requests([asked[round_ % len(asked)]])
                began = time.perf_counter()
                ways[key](requests)
                if round_ >= 0:
                    times[key].append((time.perf_counter() - began) * 1000.0)
            print(f"round {round_ + 1} of {rounds}" if round_ >= 0 else "warm-up", file=sys.stderr, flush=True)
    return times


def row_of(name: str, times: Mapping[tuple[str, str], Sequence[float]]) -> dict[str, Any]:
    """Return what is kept of a way: its times, over the hybrid's in the same engine, and torch over graph."""
    row: dict[str, Any] = {}
    for engine in ENGINES:
        own = times[name, engine]
        ends = order_statistic(own, 0.5)
        row[engine] = {"median_ms": float(np.median(own)), "interval_ms": [ends.low, ends.high]}
        row[engine]["over_hybrid"] = ratio_of(own, times[BASE, engine])
    return {**row, "torch_over_graph": ratio_of(times[name, "torch"], times[name, "graph"])}


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of the exports")
    parser.add_argument("--rounds", type=int, default=40, help=f"at least {MIN_PAIRS}")
    parser.add_argument("--data", type=Path, default=Path("artifacts/stickers-64"))
    add_models(parser, dict.fromkeys(case.family for case in CASES))
    parser.add_argument("--json", type=Path, default=Path(__file__).parent / "results" / "static_graphs.json")
    args = parser.parse_args()
    if args.rounds < MIN_PAIRS:
        parser.error(f"--rounds must be at least {MIN_PAIRS}, for an interval of the ratios, not {args.rounds}")
    return args


def opened_models(args: argparse.Namespace) -> dict[Family, Opened]:
    """Return the models that are there, the hybrid among them; the flow model's solver is that of the rows' names."""
    models = open_family(folders_of(args))
    if BASE not in models:
        raise SystemExit(f"there is no model {args.hybrid!r}, which all others are timed beside; name one by --hybrid")
    solver = models["flow"].base.model_dump()["solver"] if "flow" in models else SOLVER
    if solver != SOLVER:
        raise SystemExit(f"{args.flow} draws by {solver}, but the rows are of {SOLVER}; save it with that solver")
    return models


def main() -> None:
    """Export, draw in turns, and write the figures down."""
    args = parse()
    models = opened_models(args)
    cases = {case.name: case for case in CASES if case.family in models}
    ways = {
        (name, engine): draw
        for name, case in cases.items()
        for engine, draw in drawers(case, models[case.family], args.work).items()
    }
    before = os.getloadavg()[0]
    times = measure(ways, cases, ask(args.data, COMPOSITION, 128).requests(), args.rounds)
    rows = {name: row_of(name, times) for name in cases}
    write_document(
        args.json,
        "static_graphs",
        rounds=args.rounds,
        load=[before, os.getloadavg()[0]],
        models={family: {"folder": one.folder, "sha256": one.digest} for family, one in models.items()},
        points=rows,
    )
    head = ["one picture, one thread", *(f"{engine}, ms" for engine in ENGINES), *(f"{e} over hybrid" for e in ENGINES)]
    print_table(
        [*head, "torch over graph"],
        [
            [
                name,
                *(f"{row[engine]['median_ms']:.1f}" for engine in ENGINES),
                *(ratio_text(row[engine]["over_hybrid"], unit=False) for engine in ENGINES),
                ratio_text(row["torch_over_graph"], unit=False),
            ]
            for name, row in rows.items()
        ],
    )


if __name__ == "__main__":
    main()
