"""How fast, with how much memory and how well data sets are searched for duplicates and built, beside other tools.

    python benchmarks/data.py --counts 10000 100000 --rounds 3 1 --peer-python peers/bin/python --work work
        --data artifacts/stickers-64 --out benchmarks/results/data.json

Pictures are generated (``data_pictures.py``), one in a hundred an exact copy and one a nearly equal one. In every round
each tool searches the same files, one after the other, in a process of its own (``data_search.py`` says what the other
Python needs); then a data set is built of them, with faults among them that must be refused (``data_build.py``). With
``--data`` faults are also planted into a real data set. Figures are kept one by one: an interrupted command goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_build import build, interrupted, measured_loop
from data_faults import faults_found
from data_pictures import PICTURES, planted_pairs, write_pictures
from data_plants import copies_found, hidden_found, strangers_paired, swaps_found
from data_search import PEERS, TOOLS
from machine import describe_machine, print_table
from process_tree import run_measured

SEARCH = Path(__file__).with_name("data_search.py")
BUILD, LOOP = "underpaint", "Pillow, plain loop"
KEY = ("what", "pictures", "tool", "jobs", "round")
Row = dict[str, Any]


class Results:
    """Figures in a JSON file, written anew after each of them.

    Args:
        path: The file; read if it is there. None keeps the figures in memory alone.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        there = path is not None and path.is_file()
        self.content: dict[str, Any] = json.loads(path.read_text()) if there and path else {"rows": []}

    def row(self, key: Sequence[Any], measure: Callable[[], Mapping[str, Any]]) -> Row:
        """Return the row of a key; it is measured if it is not there."""
        for row in self.content["rows"]:
            if tuple(row[name] for name in KEY) == tuple(key):
                return row
        load = round(os.getloadavg()[0], 2)
        row = dict(zip(KEY, key, strict=True)) | {"load_1_min": load} | dict(measure())
        self.content["rows"].append(row)
        self.save()
        return row

    def part(self, name: str, measure: Callable[[], object]) -> None:
        """Add a part that is not there."""
        if name not in self.content:
            self.content[name] = measure()
            self.save()

    def save(self) -> None:
        """Write everything."""
        if self.path is not None:
            temporary = self.path.with_suffix(".partial")
            temporary.write_text(json.dumps(self.content, indent=1) + "\n", encoding="utf-8")
            temporary.replace(self.path)


def search(tool: str, folder: Path, count: int, jobs: int, python: str) -> Row:
    """Let a tool search, and compare what it found with what was planted, unless it was not asked about all."""
    with tempfile.TemporaryDirectory() as cache:
        ran = run_measured([python, str(SEARCH), tool, str(folder / PICTURES), cache, str(jobs)])
    found = json.loads(ran.output.splitlines()[-1])
    pairs = {frozenset(pair) for pair in found.pop("pairs")}
    memory = {"own_mb": ran.own_mb, "resident_mb": ran.resident_mb}
    return {**found, **memory, **({} if found["estimated"] else rates(planted_pairs(count), pairs))}


def rates(planted: Mapping[str, Iterable[tuple[str, str]]], found: set[frozenset[str]]) -> Row:
    """Return the share of each kind of planted pair that was found, and of the pairs found those that were planted."""
    wanted = {kind: {frozenset(pair) for pair in pairs} for kind, pairs in planted.items()}
    right = len(found & set().union(*wanted.values()))
    return {
        "recall": {kind: len(pairs & found) / max(1, len(pairs)) for kind, pairs in wanted.items()},
        "precision": right / max(1, len(found)),
        "other_pairs": len(found) - right,
    }


def measure_search(results: Results, folder: Path, count: int, rounds: int, jobs: int, peer_python: str) -> None:
    """Let every tool search in every round."""
    for number in range(rounds):
        for tool in TOOLS:
            python = peer_python if tool in PEERS else sys.executable
            alone = tool.startswith("ImageHash") and jobs > 1
            if python and not alone:
                key = ("search", count, tool, jobs, number)
                results.row(key, lambda tool=tool, python=python: search(tool, folder, count, jobs, python))


def measure_build(results: Results, folder: Path, work: Path, count: int, jobs: Sequence[int], kill: bool) -> None:
    """Build with each number of processes, run the plain loop, and interrupt a build."""
    out = work / f"build-{count}"
    results.row(("build", count, LOOP, 1, 0), lambda: measured_loop(folder / PICTURES, out))
    for number in jobs:
        whole = results.row(("build", count, BUILD, number, 0), lambda number=number: build(folder, out, number))
        if kill and number == jobs[-1]:
            key = ("interrupted", count, BUILD, number, 0)
            results.row(key, lambda number=number, whole=whole: interrupted(folder, out, number, whole))


def measure_plants(results: Results, data: Path, count: int) -> None:
    """Plant faults into a real data set."""
    results.part("copies", lambda: copies_found(data, count, seed=0))
    results.part("strangers", lambda: strangers_paired(data, 2000, seed=0))
    results.part("swaps", lambda: swaps_found(data, 2000))
    results.part("hidden", lambda: hidden_found(data))
    results.part("faults", lambda: [row for seed in range(3) for row in faults_found(data, 100, seed)])


def middle(rows: Sequence[Row], name: str) -> float:
    """Return the median of a figure over the rounds."""
    return statistics.median(row[name] for row in rows)


def ratio_text(ours: Sequence[Row], theirs: Sequence[Row], name: str) -> str:
    """Say how many times as long another tool takes, round by round: the median and the range."""
    rounds = {row["round"]: row[name] for row in ours}
    found = [row[name] / rounds[row["round"]] for row in theirs if row["round"] in rounds]
    if not found:
        return ""
    low, high = min(found), max(found)
    return f"{statistics.median(found):.2f}" + (f" ({low:.2f} to {high:.2f})" if len(found) > 1 else "")


def show_rows(rows: Sequence[Row], what: str) -> None:
    """Print the searches or the builds, a line for each tool, the rounds together."""
    groups: dict[tuple[int, int, str], list[Row]] = {}
    for row in rows:
        if row["what"] == what:
            groups.setdefault((row["pictures"], row["jobs"], row["tool"]), []).append(row)
    lines = []
    for (count, jobs, tool), members in groups.items():
        ours = groups.get((count, jobs, BUILD), [])
        near = [v for row in members for k, v in row.get("recall", {}).items() if k != "exact"]
        lines.append([
            tool, f"{count:,}", str(jobs),
            f"{count / middle(members, 'seconds'):,.0f}", ratio_text(ours, members, "seconds"),
            f"{count / middle(members, 'cpu_seconds'):,.0f}", ratio_text(ours, members, "cpu_seconds"),
            f"{middle(members, 'own_mb'):,.0f}", f"{middle(members, 'resident_mb'):,.0f}",
            f"{members[0]['recall']['exact']:.0%}" if near else "", f"{statistics.mean(near):.0%}" if near else "",
            f"{members[0]['precision']:.1%}" if near else "",
        ])  # fmt: skip
    head = ("tool", "pictures", "jobs", "a second", "times ours", "a CPU second", "times ours", "own MB", "resident MB")
    print_table((*head, "exact", "near", "precision"), lines)


def show(content: Mapping[str, Any]) -> None:
    """Print the figures as tables."""
    for what in ("search", "build"):
        if any(row["what"] == what for row in content["rows"]):
            show_rows(content["rows"], what)
            print()
    for row in content["rows"]:
        if row["what"] == "interrupted" or "refused" in row:
            print(json.dumps({k: v for k, v in row.items() if k not in ("own_mb", "resident_mb", "digest", "round")}))
    for name in ("copies", "strangers", "swaps", "hidden", "faults"):
        if name in content:
            print(json.dumps({name: content[name]}))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="*", default=[1000], help="numbers of generated pictures")
    parser.add_argument("--rounds", type=int, nargs="*", default=[1], help="rounds of the search, for each count")
    parser.add_argument("--jobs", type=int, nargs="*", default=[1], help="processes; all tools search with the first")
    parser.add_argument("--only", choices=("search", "build"), help="leave the other out")
    parser.add_argument("--kill", action="store_true", help="interrupt a build as well")
    parser.add_argument("--peer-python", default="", help="Python that has CleanVision and imagededup")
    parser.add_argument("--work", type=Path, help="folder for pictures, which stay there (default: a temporary one)")
    parser.add_argument("--data", type=Path, help="a data set to plant faults into")
    parser.add_argument("--planted", type=int, default=300, help="originals of planted copies")
    parser.add_argument("--out", type=Path, help="JSON file of the figures")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    args = arguments()
    results = Results(args.out)
    results.part("machine", describe_machine)
    with tempfile.TemporaryDirectory() as temporary:
        work = args.work or Path(temporary)
        for position, count in enumerate(args.counts):
            folder = work / str(count)
            write_pictures(folder, count)
            if args.only != "build":
                rounds = args.rounds[min(position, len(args.rounds) - 1)]
                measure_search(results, folder, count, rounds, args.jobs[0], args.peer_python)
            if args.only != "search":
                measure_build(results, folder, work, count, args.jobs, args.kill)
    if args.data:
        measure_plants(results, args.data, args.planted)
    show(results.content)


if __name__ == "__main__":
    main()
