"""How fast, with how much memory and how well near-duplicates are found, beside CleanVision and all-pairs ImageHash.

Pictures are generated into a folder, one in a hundred an exact copy and one in a hundred a hardly changed one. Each
tool looks at the same files in a process of its own, and says which of the planted pairs it found. With ``--data`` the
checks are also tried on faults planted into a real data set (``data_plants.py``).

    python benchmarks/data.py --counts 10000 100000 --data artifacts/stickers-64 --out benchmarks/results/data.json

CleanVision is no dependency: ``pip install cleanvision`` (without it that row is left out). imagededup needs
torchvision, which this project does without.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from data_plants import copies_found, hidden_found, strangers_paired, swaps_found
from machine import describe_machine, print_table
from PIL import Image, ImageDraw

SIDE = 64
EVERY = 100
"""One picture in so many is an exact copy, and one a hardly changed one."""
BRUTE_LIMIT = 12_000
"""Most pictures that are compared pair by pair."""
Pair = tuple[str, str]


def drawn(number: int) -> Image.Image:
    """Draw some shapes that only this number gives."""
    image, random = Image.new("RGBA", (SIDE, SIDE)), np.random.default_rng(number)
    pen = ImageDraw.Draw(image)
    for shape in range(6):
        x, y, w, h = random.integers(0, SIDE, 4).tolist()
        fill = (*random.integers(0, 256, 3).tolist(), 255)
        (pen.ellipse if shape % 2 else pen.rectangle)((x - w // 2, y - h // 2, x + w // 2, y + h // 2), fill=fill)
    return image


def write_pictures(folder: Path, count: int) -> dict[str, list[Pair]]:
    """Write pictures and return the planted pairs: ``exact`` and ``near``."""
    planted: dict[str, list[Pair]] = {"exact": [], "near": []}
    for number in range(count):
        name, original = f"{number:06d}.png", number - 1
        kind = {1: "exact", 2: "near"}.get(number % EVERY, "")
        image = drawn(original if kind == "exact" else original - 1 if kind else number)
        if kind:
            planted[kind].append((f"{number - number % EVERY:06d}.png", name))
        if kind == "near":
            image.putpixel((number % SIDE, 0), (255, 0, 0, 255))
        image.save(folder / name)
    return planted


def by_ours(folder: Path, cache: Path, jobs: int) -> dict[str, Any]:
    """Search with this project: fingerprints, then all near pairs."""
    from underpaint.core.samples import Sample
    from underpaint.stages.data.checking.fingerprints import fingerprint
    from underpaint.stages.data.near_duplicates import near_pairs

    files = sorted(path.name for path in folder.glob("*.png"))
    started = time.perf_counter()
    samples = [Sample.model_construct(file=name, sha256_pixels="") for name in files]
    prints = fingerprint(folder, samples, digest="0" * 64, size=SIDE, cache=cache, jobs=jobs)
    looked = time.perf_counter()
    pairs = [
        (files[a], files[b])
        for one, other, _ in near_pairs(prints.hashes, prints.thumbnails)
        for a, b in zip(one.tolist(), other.tolist(), strict=True)
    ]
    ended = time.perf_counter()
    return {"pairs": pairs, "seconds": ended - started, "search_seconds": ended - looked}


def by_all_pairs(folder: Path, cache: Path, jobs: int) -> dict[str, Any]:
    """Search with ImageHash, one picture after the other, and every pair of hashes."""
    del cache, jobs
    from underpaint.stages.data.look import Look, near_pairs, on_white
    from underpaint.stages.data.look import phash as hash_of

    files = sorted(path.name for path in folder.glob("*.png"))
    started = time.perf_counter()
    pictures = [Image.open(folder / name).convert("RGBa").reduce(SIDE // 32).convert("RGBA") for name in files]
    pixels = on_white(np.stack([np.asarray(picture) for picture in pictures]))
    look = Look(pixels=pixels, hashes=[hash_of(picture) for picture in pixels], alpha=np.ones(len(files)))
    looked = time.perf_counter()
    pairs = [(files[a], files[b]) for a, b in near_pairs(look, range(len(files)))]
    ended = time.perf_counter()
    return {"pairs": pairs, "seconds": ended - started, "search_seconds": ended - looked}


def by_cleanvision(folder: Path, cache: Path, jobs: int) -> dict[str, Any]:
    """Search with CleanVision's exact and near duplicates (equal hashes)."""
    del cache
    from cleanvision import Imagelab  # pyright: ignore[reportMissingImports]

    started = time.perf_counter()
    lab = Imagelab(data_path=str(folder))
    lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, n_jobs=jobs, verbose=False)
    sets = [names for kind in ("exact_duplicates", "near_duplicates") for names in lab.info[kind]["sets"]]
    pairs = [(Path(names[0]).name, Path(other).name) for names in map(sorted, sets) for other in names[1:]]
    return {"pairs": pairs, "seconds": time.perf_counter() - started, "search_seconds": None}


TOOLS = {"underpaint": by_ours, "CleanVision": by_cleanvision, "ImageHash, all pairs": by_all_pairs}


def peak_mb() -> float:
    """Return the largest memory of this process, and of the largest process it waited for, in MB."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1000


def in_a_child(tool: str, folder: Path, jobs: int) -> dict[str, Any]:
    """Let a tool search in a fresh process."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, __file__, "--child", tool, str(folder), cache, str(jobs)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{tool} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def child(tool: str, folder: str, cache: str, jobs: str) -> None:
    """Search, and print what was found as the last line."""
    found = TOOLS[tool](Path(folder), Path(cache), int(jobs))
    print("\n" + json.dumps(found | {"peak_mb": peak_mb()}))


def share_found(planted: Iterable[Pair], found: set[frozenset[str]]) -> float:
    """Return the share of the planted pairs that were found."""
    hits = [frozenset(pair) in found for pair in planted]
    return sum(hits) / max(1, len(hits))


def available(tool: str, count: int) -> bool:
    """Tell whether a tool is installed and can take so many pictures."""
    if tool == "CleanVision":
        return importlib.util.find_spec("cleanvision") is not None
    return tool != "ImageHash, all pairs" or count <= BRUTE_LIMIT


def measure_speed(counts: Sequence[int], jobs: int) -> list[dict[str, Any]]:
    """Let every tool look at the same pictures."""
    rows = []
    for count in counts:
        with tempfile.TemporaryDirectory() as work:
            planted = write_pictures(Path(work), count)
            for tool in [name for name in TOOLS if available(name, count)]:
                done = in_a_child(tool, Path(work), jobs)
                found = {frozenset(pair) for pair in done.pop("pairs")}
                recall = {kind: share_found(pairs, found) for kind, pairs in planted.items()}
                wanted = {frozenset(pair) for pairs in planted.values() for pair in pairs}
                rows.append({"pictures": count, "tool": tool, **done, "recall": recall, "others": len(found - wanted)})
    return rows


def show(result: dict[str, Any]) -> None:
    """Print the figures as tables."""
    rows = [
        [
            row["tool"], f"{row['pictures']:,}", f"{row['pictures'] / row['seconds']:,.0f}",
            "" if row["search_seconds"] is None else f"{row['search_seconds']:.2f}", f"{row['peak_mb']:,.0f}",
            f"{row['recall']['exact']:.0%}", f"{row['recall']['near']:.0%}", f"{row['others']:,}",
        ]
        for row in result["speed"]
    ]  # fmt: skip
    head = ("tool", "pictures", "pictures/s", "search s", "peak MB", "exact found", "near found", "other pairs")
    print_table(head, rows)
    if "copies" in result:
        print()
        planted = [[str(r["copies"]), str(r["planted"]), f"{r['recall']:.0%}"] for r in result["copies"]]
        print_table(("planted copies", "number", "found"), planted)
        print(json.dumps({key: result[key] for key in ("strangers", "swaps", "hidden")}, indent=1))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="*", default=[1000], help="numbers of generated pictures")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes")
    parser.add_argument("--data", type=Path, help="a data set to plant faults into")
    parser.add_argument("--planted", type=int, default=300, help="originals of planted copies")
    parser.add_argument("--out", type=Path, help="JSON file of the figures")
    parser.add_argument("--child", nargs=4, metavar=("TOOL", "FOLDER", "CACHE", "JOBS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(*args.child)
        return
    result: dict[str, Any] = {"machine": describe_machine(), "speed": measure_speed(args.counts, args.jobs)}
    if args.data:
        result["copies"] = copies_found(args.data, args.planted, seed=0)
        result["strangers"] = strangers_paired(args.data, 2000, seed=0)
        result["swaps"] = swaps_found(args.data, 2000)
        result["hidden"] = hidden_found(args.data)
    show(result)
    if args.out:
        args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
