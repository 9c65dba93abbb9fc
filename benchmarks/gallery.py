"""How long a gallery of many pictures takes to answer: pages, searches, favorites, what is used of the disk.

``gallery.py --pictures 100000`` fills the SQLite database of a server in a temporary folder with made-up pictures and
prints the median and the longest of ``--repeats`` calls of each kind, in milliseconds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from machine import describe_machine

from underpaint.pipelines.settings import Settings
from underpaint.stages.serve.gallery import entering
from underpaint.stages.serve.gallery.finding import Query
from underpaint.stages.serve.gallery.gallery import Gallery
from underpaint.stages.serve.gallery.picture import Entry
from underpaint.stages.serve.queue.queue import JobQueue, open_queue

OWNER, LOT, PAGE = "local", 1000, 51
THINGS = ("cat", "dog", "heart", "rocket", "cake", "tree", "face", "fish", "moon", "star")
LOOKS = ("smiling", "red", "blue", "sad", "old", "tiny", "green", "shy", "round", "sleepy")
QUERIES: dict[str, tuple[Query, str | None]] = {
    "newest page": (Query(), OWNER),
    "newest page of everybody": (Query(), None),
    "two words, one picture in a hundred": (Query(search="cat red"), OWNER),
    "a word that no picture has": (Query(search="zebra"), OWNER),
    "favorites": (Query(favorite=True), OWNER),
}


def entry(number: int) -> Entry:
    """Return a made-up picture."""
    prompt = f"a {LOOKS[number // 10 % 10]} {THINGS[number % 10]} number {number}"
    digest = hashlib.sha256(prompt.encode()).hexdigest()
    settings = Settings(
        prompt=prompt,
        caption=prompt,
        style="flat",
        seed=number,
        size="64x64",
        model="stickers-64",
        model_sha256="0" * 64,
        version="0.1.0",
        pixel_sha256=digest,
    )
    return Entry(
        pixel_sha256=digest, output_format="png", num_bytes=6000, width=64, height=64, model="m", settings=settings
    )


def fill(queue: JobQueue, pictures: int) -> float:
    """Put pictures into a gallery and return how many a second."""
    began = time.perf_counter()
    for start in range(0, pictures, LOT):
        lot = [entry(number) for number in range(start, min(start + LOT, pictures))]
        queue.database.write(lambda session, lot=lot: entering.enter(session, OWNER, lot, None))
    return pictures / (time.perf_counter() - began)


def timed(gallery: Gallery, repeats: int) -> Iterator[tuple[str, float, float]]:
    """Yield each kind of call with its median and its longest time, in milliseconds."""
    calls: dict[str, Callable[[], Any]] = {
        name: lambda query=query, owner=owner: gallery.page(query, owner, None, PAGE)
        for name, (query, owner) in QUERIES.items()
    }
    calls["used of the disk"] = lambda: gallery.used_bytes(OWNER)
    for name, call in calls.items():
        times_ms: list[float] = []
        for _ in range(repeats):
            began = time.perf_counter()
            call()
            times_ms.append(1000 * (time.perf_counter() - began))
        yield name, round(median(times_ms), 2), round(max(times_ms), 2)


def main() -> None:
    """Fill a gallery, call it, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        queue = open_queue(folder / "jobs.sqlite")
        gallery = Gallery(queue.database, max_bytes=10**12, keep_deleted_s=1.0)
        per_second = fill(queue, args.pictures)
        rows = [
            {"call": call, "median_ms": middle, "max_ms": most} for call, middle, most in timed(gallery, args.repeats)
        ]
        queue.close()
        num_bytes = sum(file.stat().st_size for file in folder.glob("jobs.sqlite*"))
    print(
        json.dumps(
            {
                "pictures": args.pictures,
                "entered_per_s": round(per_second),
                "bytes_per_picture": round(num_bytes / args.pictures),
                "calls": rows,
            }
            | describe_machine(),
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
