"""Is a model that races against itself as fast as itself, and is a difference of a few percent found?

    OMP_NUM_THREADS=1 python benchmarks/race.py [--rival DIR] [--races 9] [--first 1]

Each race is the one that decides in ``underpaint optimize``: everyone starts twelve times, in an order of turns that is
drawn anew for every round. The shipped graph in 8 bits races against itself and against another model that was made
from the same networks, by default the shipped graph in 32 bits. Seeds follow from the numbers of the races. Of nine
intervals of 95 % that hold 1 when they should, more than one misses it in 7 of 100 such benchmarks.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from machine import print_table, write_document

from underpaint.core.progress import silent
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.optimize.search.config import SearchConfig
from underpaint.stages.optimize.search.entrants import runner_of
from underpaint.stages.optimize.search.racing import Course, race
from underpaint.stages.optimize.search.record import Cost

BASE, RIVAL = "stickers-64-onnx-int8", "stickers-64-onnx"
CAPTIONS = (
    "a red apple",
    "a sleepy blue cat",
    "a green cactus in a pot",
    "an orange pumpkin",
    "a purple star with a black outline",
)


def course_of(seed: int) -> Course:
    """Return what is done in a race, with the settings of a search."""
    config = SearchConfig()
    requests = [DrawRequest(caption=caption, seed=number) for number, caption in enumerate(CAPTIONS)]
    return Course(
        requests=requests, starts=config.starts, rounds=config.rounds, threads=1, seed=1000 + seed, loss=lambda *_: 0.0
    )


def one_race(seed: int, rival: str) -> dict[str, Any]:
    """Let the base, itself and another model race; return the ratios to the base and the seconds that it took."""
    base = runner_of(open_model(BASE), "cpu")
    same, other = replace(base, name="same"), replace(runner_of(open_model(rival), "cpu"), name="other")
    began = time.perf_counter()
    raced = race(base, [same, other], [], course_of(seed), silent)
    seconds = time.perf_counter() - began
    return {"seed": seed, "seconds": seconds, **{name: row_of(cost) for name, cost in raced.costs.items()}}


def row_of(cost: Cost) -> dict[str, Any]:
    """Return what is kept of an entrant."""
    return {
        "wall": cost.latency_ratio,
        "processor": cost.cpu_ratio,
        "ms": cost.latency_ms,
        "base_ms": cost.base_ms,
        "noisy": cost.noisy,
    }


def misses(ratio: tuple[float, float, float]) -> bool:
    """Tell whether an interval does not hold 1."""
    return not ratio[1] <= 1.0 <= ratio[2]


def shown(ratio: tuple[float, float, float]) -> str:
    """Return a ratio with its interval, marked where that does not hold 1."""
    return f"{ratio[0]:.3f} ({ratio[1]:.3f}-{ratio[2]:.3f}){' *' if misses(ratio) else ''}"


def main() -> None:
    """Run the races, print them, write all that were run so far."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rival", default=RIVAL)
    parser.add_argument("--races", type=int, default=9)
    parser.add_argument("--first", type=int, default=1, help="number of the first race; those before are kept")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "race.json")
    args = parser.parse_args()
    rows = [row for row in kept(args.out) if row["seed"] < args.first]
    for seed in range(args.first, args.first + args.races):
        rows.append(one_race(seed, args.rival))
        print(json.dumps(rows[-1]), flush=True)
        settings = {
            "base": BASE,
            "rival": Path(args.rival).name,
            "starts": SearchConfig().starts,
            "rounds": SearchConfig().rounds,
        }
        write_document(args.out, "race", settings=settings, races=rows)
    head = ["race", "itself, wall clock", "itself, processor", "other, wall clock", "other, processor", "s"]
    ratios = [[row[name][clock] for name in ("same", "other") for clock in ("wall", "processor")] for row in rows]
    table = [
        [str(row["seed"]), *map(shown, found), f"{row['seconds']:.0f}"] for row, found in zip(rows, ratios, strict=True)
    ]
    print_table(head, table)
    for name, found in zip(head[1:5], zip(*ratios, strict=True), strict=True):
        print(f"{name}: 1 is missed by {sum(map(misses, found))} of {len(rows)}")


def kept(path: Path) -> list[dict[str, Any]]:
    """Return the races of a document, if there is one."""
    return json.loads(path.read_text(encoding="utf-8"))["races"] if path.is_file() else []


if __name__ == "__main__":
    main()
