"""Whether a server that works for long holds more and more: memory, open files, threads, files on the disk.

``serve_soak.py --minutes 20`` starts ``underpaint serve`` with the shipped model, measures how many calls a second it
answers to callers who call again as soon as they are answered, in everything that a server is asked for
(``serve_soak_callers.py``), and then lets callers come at the times of a Poisson process, at 80 % of that. What it
holds is read every five seconds; before the first and after the last caller it is read at rest, with all connections
closed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from machine import print_table, write_document
from process_tree import tree_of
from serve_servers import share_priority
from serve_soak_callers import Callers, as_fast_as_it_goes, at_their_times
from serve_soak_verdict import Growth, growth
from serve_soak_watch import Reading, Watch

ADDRESS = re.compile(r"on (http://\S+)$", re.MULTILINE)
START_S = 300.0
LOAD = 0.8
PARALLEL = 8
CAPACITY_S, REST_S = 60.0, 120.0
WARM_UP = 1 / 3
"""Share of the time that is not judged: what is loaded when it is first asked for is no leak."""
SLACK = 8
"""Handles and threads that may be there at the end and not after the warm-up: pools are filled when they are needed."""
MB = 1e6


@contextmanager
def server(folder: Path) -> Iterator[tuple[int, str]]:
    """Start a server whose files are all in one folder; give its process and its address, and end it.

    Raises:
        RuntimeError: It did not start, or did not end well.
    """
    (folder / "tmp").mkdir()
    log, environment = folder / "log", os.environ | {"TMPDIR": str(folder / "tmp")}
    many = {"UNDERPAINT_SERVE_OPEN_PER_KEY": "10000"}
    command = [sys.executable, "-m", "underpaint", "serve", "--port", "0", "--state", str(folder / "state")]
    with log.open("w") as file:
        process = subprocess.Popen(command, stderr=file, stdout=file, env=environment | many)
    try:
        until = time.monotonic() + START_S
        while not ((match := ADDRESS.search(log.read_text())) and is_open(match[1])):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the server did not start:\n{log.read_text()}")
            time.sleep(0.1)
        for pid in tree_of(process.pid):
            share_priority(pid)
        yield process.pid, match[1]
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Let a process finish, and end it where it does not."""
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def is_open(url: str) -> bool:
    """Tell whether a server can be called."""
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


async def at_rest(watch: Watch) -> Reading:
    """Return what a server holds when nobody is connected and its handles have stopped changing."""
    before, until = watch.read(), time.monotonic() + REST_S
    while time.monotonic() < until:
        await asyncio.sleep(5.0)
        now = watch.read()
        if (now.handles, now.threads, now.temporary) == (before.handles, before.threads, before.temporary):
            return now
        before = now
    return before


async def soak(pid: int, url: str, folder: Path, minutes: float, seed: int) -> dict[str, Any]:
    """Put a server under load and return what was seen.

    Args:
        pid: Number of its process.
        url: Its address.
        folder: Where its files are.
        minutes: How long the load lasts, the warm-up included.
        seed: Chooses who asks for what, and when.
    """
    callers = Callers(url, seed)
    await as_fast_as_it_goes(callers, PARALLEL, CAPACITY_S / 4)
    capacity = await as_fast_as_it_goes(callers, PARALLEL, CAPACITY_S)
    rate = LOAD * capacity
    watch = Watch(pid, folder / "state", folder / "tmp", lambda: callers.seen.requests)
    rest: list[Reading] = []
    for seconds in (60 * minutes * WARM_UP, 60 * minutes * (1 - WARM_UP)):
        watching = asyncio.create_task(watch.run())
        began = time.monotonic()
        await at_their_times(callers, rate, seconds)
        took_s = time.monotonic() - began
        watching.cancel()
        await callers.close()
        rest.append(await at_rest(watch))
        callers.open()
    await callers.close()
    readings = [one for one in watch.readings if rest[0].at < one.at <= began + seconds]
    figures = {"capacity": capacity, "rate": rate, "seconds": seconds, "took_s": took_s}
    return figures | {"readings": readings, "rest": rest, "seen": callers.seen, "began": began}


def verdicts(readings: list[Reading], rest: list[Reading]) -> dict[str, Growth]:
    """Return how memory and folders grow; windows are minutes, or shorter where there are few of them.

    Args:
        readings: Under load.
        rest: At rest, before and after.
    """
    times, requests = [one.at for one in readings], [float(one.requests) for one in readings]
    width_s = min(60.0, (times[-1] - times[0]) / 6)
    grown: dict[str, Growth] = {}
    for name in ("server_bytes", "model_bytes", "state_bytes"):
        values = [float(getattr(one, name)) for one in readings]
        in_all = float(getattr(rest[-1], name) - getattr(rest[0], name))
        grown[name] = growth(times, requests, values, in_all=in_all, width_s=width_s)
    return grown


def minutes_of(found: dict[str, Any], width_s: float = 120.0) -> list[dict[str, float]]:
    """Return latencies of single pictures and memory, for each two minutes."""
    began, rows = found["began"], []
    edges = np.arange(began, began + found["seconds"] + width_s / 2, width_s)
    for start, end in pairwise(edges):
        late = [took for meant, took in found["seen"].latencies if start <= meant < end]
        held = [one for one in found["readings"] if start <= one.at < end]
        if late and held:
            p50, p95 = 1000 * np.quantile(late, [0.5, 0.95])
            memory = {"server_mb": held[-1].server_bytes / MB, "model_mb": held[-1].model_bytes / MB}
            handles = {"handles": held[-1].handles, "threads": held[-1].threads}
            rows.append({"minute": (start - began) / 60, "p50_ms": p50, "p95_ms": p95, **memory, **handles})
    return rows


def told(found: dict[str, Any]) -> dict[str, Any]:
    """Return what a soak found, as it is kept."""
    seen, (after_warm_up, at_end) = found["seen"], found["rest"]
    grown = verdicts(found["readings"], found["rest"])
    held = [(one.handles, one.threads, one.temporary) for one in found["rest"]]
    return {
        "capacity_calls_a_second": found["capacity"],
        "calls_a_second": found["rate"],
        "judged_s": found["seconds"],
        "last_answer_after_s": found["took_s"],
        "requests": seen.requests,
        "calls": dict(seen.calls),
        "told_to_come_back": seen.busy,
        "went_away": seen.gone,
        "odd_answers": seen.num_odd,
        "odd": seen.odd,
        "growth_per_1000_requests": {name: asdict(one) for name, one in grown.items()},
        "at_rest_after_warm_up": asdict(after_warm_up),
        "at_rest_at_the_end": asdict(at_end),
        "over_time": minutes_of(found),
        "is_clean": seen.num_odd == 0
        and all(end <= begin + SLACK for begin, end in zip(*held, strict=True))
        and all(grown[name].word in ("flat", "level") for name in ("server_bytes", "model_bytes")),
    }


def show(report: dict[str, Any]) -> None:
    """Print a report."""
    head = ("minute", "p50 ms", "p95 ms", "server MB", "model MB", "handles", "threads")
    print_table(head, [[f"{value:.0f}" for value in row.values()] for row in report["over_time"]])
    for name, one in report["growth_per_1000_requests"].items():
        print(f"{name}: {one['bytes'] / 1000:.1f} kB per 1,000 requests ({one['low'] / 1000:.1f} to "
              f"{one['high'] / 1000:.1f}), {one['in_all'] / 1000:.0f} kB in all: {one['word']}")  # fmt: skip
    print({name: value for name, value in report.items() if name not in ("over_time", "growth_per_1000_requests")})


def main() -> None:
    """Start a server, put it under load, tell what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a JSON file for the report")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, server(Path(folder)) as (pid, url):
        report = told(asyncio.run(soak(pid, url, Path(folder), args.minutes, args.seed)))
        report["defects"] = [line for line in (Path(folder) / "log").read_text().splitlines() if " defect" in line]
    show(report)
    if args.out is not None:
        write_document(args.out, "serve_soak", minutes=args.minutes, seed=args.seed, report=report)
    raise SystemExit(0 if report["is_clean"] and not report["defects"] else 1)


if __name__ == "__main__":
    main()
